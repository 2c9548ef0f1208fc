// Starts serve.py and signs browsers in to it.
import {spawn} from "node:child_process";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";
import {dirname, join} from "node:path";

const here = dirname(fileURLToPath(import.meta.url));

// {url, port, home, ask(command, arguments), stop()}: `ask` is answered once the command is done.
export async function startSplunkWeb(app) {
    const child = spawn("python3", ["-B", join(here, "serve.py"), "--app", app], {
        stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
    const next = async () => {
        const {value, done} = await lines.next();
        if (done) throw new Error("the stand-in for Splunk Web has ended");
        return JSON.parse(value);
    };
    let last = Promise.resolve();
    const ask = (name, values = {}) => {
        const reply = last.then(async () => {
            child.stdin.write(`${JSON.stringify({do: name, ...values})}\n`);
            const {ok, error} = await next();
            if (error) throw new Error(`${name}: ${error}`);
            return ok;
        });
        last = reply.catch(() => {});
        return reply;
    };
    const ended = new Promise((resolve) => child.on("exit", resolve));
    return {
        ...(await next()),
        ask,
        stop: () => {
            child.stdin.end();
            return ended;
        },
    };
}

// A page of a signed-in user.
export async function signedIn(
    browser,
    web,
    {user = "admin", password = "changeme", ...more} = {},
) {
    const context = await browser.newContext({
        viewport: {width: 1280, height: 900},
        reducedMotion: "reduce",
        ...more,
    });
    // Another Splunk on this host: its token must not be taken for this one's.
    await context.addCookies([
        {name: "splunkweb_csrf_token_8000", value: "4711", url: web.url},
        {name: "splunkweb_csrf_token_1", value: "4712", url: web.url},
    ]);
    const reply = await context.request.post(`${web.url}/en-US/account/login`, {
        form: {username: user, password, return_to: "/en-US/account/login"},
    });
    if (!reply.ok()) throw new Error(`${user} cannot sign in: ${reply.status()}`);
    return context.newPage();
}
