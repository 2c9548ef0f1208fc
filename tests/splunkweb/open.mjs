// The view behind the workflow action "Open in IntelGraph": its pure part in Node with hostile values, the
// page in a browser against the stand-ins, and a service that notes what it is asked. A point of TAP each.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {createServer} from "node:http";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {startBrowser} from "../browser/browser.mjs";
import {axeFindings, watched} from "../browser/core.mjs";
import {signedIn, startSplunkWeb} from "./standin.mjs";

const app = process.env.INTELGRAPH_APP;
const source = readFileSync(join(app, "appserver/static/open.js"), "utf8");
const {linkFor} = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const hostile = [
    "10.0.0.1",
    "a b+c&d=e#f?g/h\\i%41%",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    "//evil.example/x",
    "../../admin",
    "x&field=user&value=y",
    "CORP\\zoë 漢\u{1f600}",
    "$src$ $@sid$ ${x}",
    "'\r\nSet-Cookie: a=b",
    "http://user:pw@evil.example/?q=1#f",
];

let web;
let browser;
let service;
let asked = [];

before(async () => {
    web = await startSplunkWeb(app);
    browser = await startBrowser();
    service = createServer((request, reply) => {
        asked.push(request.url);
        reply.setHeader("Content-Type", "text/html");
        reply.end("<title>IntelGraph</title>");
    });
    await new Promise((ready) => service.listen(0, "127.0.0.1", ready));
});

after(async () => {
    const errors = await web?.ask("errors");
    await browser?.close();
    await web?.stop();
    service?.close();
    assert.deepEqual(errors, []);
});

const address = () => `http://127.0.0.1:${service.address().port}`;
const instance = (url, more = {}) => ({"instance:default": {url, tenant: "acme", ...more}});

async function onPage(conf, check, {user, roles} = {}) {
    await web.ask("reset");
    await web.ask("conf", {conf: {app: {install: {is_configured: "1"}}, intelgraph: conf}});
    if (user) await web.ask("user", {name: user, roles, password: "changeme"});
    const page = await signedIn(browser, web, {user});
    const wrong = await watched(page);
    asked = [];
    try {
        await check(page);
        // The browser looks for an icon of the page it comes to while it leaves ours.
        assert.deepEqual(
            wrong.filter((line) => !line.includes("/favicon.ico")),
            [],
        );
    } finally {
        await page.context().close();
    }
}

const view = (field, value) =>
    `${web.url}/en-US/app/intelgraph/open?field=${field}&value=${encodeURIComponent(value)}`;

async function told(page) {
    await page.waitForFunction(
        () => !/Opening/.test(document.querySelector("[role=status]").innerText),
    );
    return page.innerText("[role=status]");
}

// --- the address --------------------------------------------------------------------------------

test("open: a value is one encoded member of the query, whatever it holds", () => {
    for (const value of hostile) {
        const link = new URL(linkFor(instance("https://ig.example/x"), "src_ip", value));
        assert.equal(link.origin, "https://ig.example");
        assert.equal(link.pathname, "/x/open/entities");
        assert.equal(link.hash, "");
        assert.deepEqual(
            [...link.searchParams],
            [
                ["field", "src_ip"],
                ["value", value],
            ],
        );
    }
});

test("open: the link template says where browsers reach the service, the setting which instance", () => {
    const stanzas = {
        handoff: {instance: "prod"},
        "instance:prod": {
            url: "https://inside.example:8443/",
            tenant: "a b",
            link_template: "https://out.example/{tenant}/open/handoffs/{id}",
        },
    };
    assert.equal(
        linkFor(stanzas, "user", "m"),
        "https://out.example/a%20b/open/entities?field=user&value=m",
    );
    stanzas["instance:prod"].link_template = "https://elsewhere.example/h/{id}";
    assert.equal(
        linkFor(stanzas, "user", "m"),
        "https://inside.example:8443/open/entities?field=user&value=m",
    );
});

test("open: what cannot be opened is told in a sentence", () => {
    const good = instance("https://ig.example");
    for (const [stanzas, field, value, sentence] of [
        [{}, "src", "x", /not set up: the instance “default”/],
        [instance(""), "src", "x", /not set up/],
        [{...good, handoff: {instance: "berlin"}}, "src", "x", /“berlin” has no address/],
        [instance("ig.example"), "src", "x", /is not one|must be https/],
        [instance("http://ig.example"), "src", "x", /must be https/],
        [instance("javascript:alert(1)//"), "src", "x", /must be https/],
        [instance("https://a:b@ig.example"), "src", "x", /without credentials/],
        [good, "src", "", /no value for src/],
        [good, "src", "é".repeat(2049), /too long/],
        [good, "", "x", /names no field/],
        [good, "a&b", "x", /names no field/],
    ])
        assert.throws(() => linkFor(stanzas, field, value), sentence);
});

// --- the page -----------------------------------------------------------------------------------

test("open: an analyst's click goes to the service with the value as it was", () =>
    onPage(
        instance(address()),
        async (page) => {
            for (const value of hostile) {
                asked = [];
                await page.goto(view("src_ip", value));
                await page.waitForURL(`${address()}/**`);
                const path = asked.find((url) => !url.startsWith("/favicon"));
                const link = new URL(path, address());
                assert.equal(link.pathname, "/open/entities");
                assert.deepEqual(
                    [...link.searchParams],
                    [
                        ["field", "src_ip"],
                        ["value", value],
                    ],
                );
            }
        },
        {user: "mara", roles: ["user", "intelgraph_analyst"]},
    ));

test("open: the page asks Splunk for the settings, and nobody for anything else", () =>
    onPage(instance(address()), async (page) => {
        await web.ask("asked");
        await page.goto(view("user", "mara"));
        await page.waitForURL(`${address()}/**`);
        const targets = (await web.ask("asked")).map(({method, target}) => `${method} ${target}`);
        assert.ok(targets.some((each) => each.includes("/configs/conf-intelgraph")));
        for (const each of targets)
            assert.match(
                each,
                /^GET .*(\/app\/intelgraph\/open|\/open\.js|conf-intelgraph|favicon)/,
            );
        assert.equal(asked.filter((url) => !url.startsWith("/favicon")).length, 1);
    }));

test("open: settings that are missing are told, and the page has no violation (axe)", () =>
    onPage({handoff: {instance: "berlin"}}, async (page) => {
        await page.goto(view("user", "<b>mara</b>"));
        assert.match(await told(page), /the instance “berlin” has no address/);
        assert.deepEqual(await axeFindings(page), []);
        assert.deepEqual(asked, []);
    }));

test("open: who has no role of the app gets no further", () =>
    onPage(
        instance(address()),
        async (page) => {
            const reply = await page.goto(view("user", "mara"));
            if (reply.status() === 200)
                assert.match(await told(page), /You may not use IntelGraph. .* intelgraph_analyst/);
            else assert.ok([403, 404].includes(reply.status()));
            assert.deepEqual(asked, []);
        },
        {user: "joe", roles: ["user"]},
    ));

test("open: without a session the analyst signs in to Splunk first", () =>
    onPage(instance(address()), async (page) => {
        await web.ask("end_sessions");
        await page.goto(view("user", "mara"));
        assert.match(page.url(), /\/account\/login\?return_to=/);
        assert.deepEqual(asked, []);
    }));
