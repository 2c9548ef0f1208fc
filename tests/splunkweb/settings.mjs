// The settings page in a browser, against the stand-ins for Splunk Web and splunkd. A point of TAP each.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {
    address,
    authority,
    button,
    changes,
    checks,
    conf,
    configured,
    noViolation,
    onPage,
    open,
    ready,
    save,
    saved,
    secrets,
    set,
    start,
    stop,
    token,
    web,
} from "./bench.mjs";

before(start);
after(stop);

const first = {url: "https://ig.example", tenant: "acme"};

// --- the first run ------------------------------------------------------------------------------

test("an app that is not configured leads to its settings, and not once it is", () =>
    onPage({arrive: false}, async (page) => {
        await page.goto(`${web.url}/en-US/app/intelgraph/`);
        await ready(page);
        assert.ok(page.url().endsWith("/app/intelgraph/settings"));
        assert.match(await page.innerText("main"), /Nothing is saved yet/);
        await set(page, {...first, token});
        await saved(page);
        assert.match(await conf("app"), /is_configured = (1|true)/);
        await page.goto(`${web.url}/en-US/app/intelgraph/`);
        assert.ok(!page.url().endsWith("/settings"));
    }));

test("a first save writes the settings, stores the token and marks the app, in this order", () =>
    onPage({}, async (page) => {
        await set(page, {...first, token});
        await saved(page);
        assert.deepEqual(
            (await changes()).map(([method, path]) => `${method} ${path}`),
            [
                "POST configs/conf-intelgraph/instance:default",
                "POST storage/passwords",
                "POST apps/local/intelgraph",
            ],
        );
        assert.match(await conf(), /\[instance:default\][^[]*url = https:\/\/ig\.example\/\n/);
        assert.deepEqual(await secrets(), {default: token});
    }));

test("the token is in no page, address, console or request but the one that stores it", () =>
    onPage({}, async (page) => {
        const told = [];
        page.on("console", (message) => told.push(message.text()));
        const answers = [];
        page.on("response", (reply) => {
            if (reply.request().method() === "GET" && reply.status() === 200)
                answers.push(reply.text().catch(() => ""));
        });
        await set(page, {...first, token});
        assert.ok(!(await page.content()).includes(token), "in the page while it is typed");
        await saved(page);
        await page.reload();
        await ready(page);
        assert.match(await page.innerText("[data-test=token-state]"), /A token is stored/);
        const inputs = await page.evaluate(() =>
            [...document.querySelectorAll("input, textarea")].map(({value}) => value).join("\n"),
        );
        const storage = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
        const seen = [await page.content(), inputs, storage, page.url(), ...told].join("\n");
        assert.ok(!seen.includes("canary"));
        const requests = (await web.ask("asked")).filter(({target, body}) =>
            (target + decodeURIComponent(body)).includes("canary"),
        );
        assert.deepEqual(
            requests.map(({method, target}) => [method, target.split("?")[0]]),
            [["POST", "/en-US/splunkd/__raw/servicesNS/nobody/intelgraph/storage/passwords"]],
        );
        const told_back = (await Promise.all(answers)).join("\n");
        assert.match(told_back, /"username": ?"default"/); // the list of secrets came, without them
        assert.ok(!told_back.includes("canary"), "in an answer");
        assert.ok(!(await conf()).includes("canary"));
    }));

test("the first run works with the keyboard alone", () =>
    onPage({}, async (page) => {
        const focused = () => page.evaluate(() => document.activeElement.id.replace(/^[^-]*-/, ""));
        const until = async (key) => {
            for (let i = 0; i < 60 && (await focused()) !== key; i++)
                await page.keyboard.press("Tab");
            assert.equal(await focused(), key);
        };
        await until("tenant");
        await page.keyboard.type("acme");
        await until("url");
        await page.keyboard.type("https://ig.example/");
        await until("token");
        await page.keyboard.type(token);
        await page.keyboard.press("Enter");
        await page.waitForSelector("[data-test=outcome]");
        assert.match(await page.innerText("[data-test=outcome]"), /^Saved/m);
        assert.equal(await page.evaluate(() => document.activeElement.dataset.test), "outcome");
        assert.deepEqual(await secrets(), {default: token});
    }));

// --- editing ------------------------------------------------------------------------------------

test("an edit writes only what was changed, and leaves the token alone", () =>
    onPage({prepare: configured}, async (page) => {
        await set(page, {tenant: "other", timeout_ms: "5000"});
        await saved(page);
        assert.deepEqual(await changes(), [
            [
                "POST",
                "configs/conf-intelgraph/instance:prod",
                {tenant: "other", timeout_ms: "5000"},
            ],
        ]);
        assert.deepEqual(await secrets(), {prod: token});
    }));

test("every setting comes back as it was saved", () =>
    onPage({prepare: configured}, async (page) => {
        const values = {
            client_cert_file: "$SPLUNK_HOME/etc/auth/client.pem",
            client_key_file: "/etc/keys/client key é.pem",
            audit_key: "ig.example+1234abcd+AQIDBA==",
            proxy: "http://proxy.example:3128",
            proxy_credential: "/etc/proxy",
            no_proxy: "localhost, .example, 10.0.0.0/8",
            link_template: "https://graph.example/{tenant}/{id}?a=b&c=%20",
            connect_timeout_ms: "1000",
            timeout_ms: "9000",
            fields_allow: "src*, dest",
            fields_deny: "password",
            mask: "user=hash, src_ip=prefix",
            max_entities: "500",
            outbox_max_mb: "64",
        };
        await set(page, values);
        await page.getByLabel("In use: searches may choose this instance").click();
        await saved(page);
        await page.reload();
        await ready(page);
        for (const [key, value] of Object.entries(values))
            assert.equal(await page.locator(`input[id$="-${key}"]`).inputValue(), value, key);
        const text = await conf();
        assert.match(text, /proxy_credential = file:\/etc\/proxy\n/);
        assert.match(text, /\[handoff\][^[]*mask = user=hash, src_ip=prefix\n/);
        assert.match(text, /\[instance:prod\][^[]*disabled = 1\n/);
        assert.match(await page.innerText("main"), /Out of use/);
    }));

test("the stored token can be replaced", () =>
    onPage({prepare: configured}, async (page) => {
        await button(page, "Replace the token").click();
        assert.match(await page.evaluate(() => document.activeElement.id), /-token$/);
        await page.keyboard.type("igt_new");
        await saved(page);
        assert.deepEqual(await secrets(), {prod: "igt_new"});
        assert.match(await page.innerText("[data-test=token-state]"), /A token is stored/);
    }));

test("the stored token can be removed, and kept after all", () =>
    onPage({prepare: configured}, async (page) => {
        await button(page, "Remove the token").click();
        await button(page, "Keep the token").click();
        assert.deepEqual(await secrets(), {prod: token});
        await button(page, "Remove the token").click();
        assert.match(await page.innerText("[data-test=token-state]"), /removed when you save/);
        await saved(page);
        assert.deepEqual(await secrets(), {});
    }));

test("a new address needs its own token; the old one is gone before the address is written", () =>
    onPage({prepare: configured}, async (page) => {
        await set(page, {url: "https://elsewhere.example/"});
        assert.match(await save(page), /given for another address/);
        assert.deepEqual(await changes(), []);
        await set(page, {token: "igt_elsewhere"});
        await saved(page);
        assert.deepEqual(
            (await changes()).map(([method, path]) => `${method} ${path}`),
            [
                "DELETE storage/passwords/intelgraph:prod:",
                "POST configs/conf-intelgraph/instance:prod",
                "POST storage/passwords",
            ],
        );
        assert.deepEqual(await secrets(), {prod: "igt_elsewhere"});
    }));

test("a token in a file needs none stored", () =>
    onPage({}, async (page) => {
        await set(page, first);
        await page.getByLabel("In a file on the search head, read by every search itself").check();
        assert.match(await save(page), /Enter the path of the file/);
        await set(page, {credential: "etc/intelgraph.token"});
        await saved(page);
        assert.match(await conf(), /credential = file:etc\/intelgraph\.token\n/);
        assert.deepEqual(await secrets(), {});
    }));

test("single sign-on has its place and cannot be chosen yet", () =>
    onPage({}, async (page) => {
        assert.ok(await page.getByLabel("Single sign-on").isDisabled());
        assert.match(await page.innerText("main"), /comes with a later release/);
        assert.doesNotMatch(await page.innerText("main"), /verify_|skip verification|insecure/i);
    }));

// --- instances ----------------------------------------------------------------------------------

test("an instance is added beside the others, with a token of its own", () =>
    onPage({prepare: configured}, async (page) => {
        await button(page, "Add an instance").click();
        assert.match(await page.evaluate(() => document.activeElement.id), /-name$/);
        await set(page, {
            name: "lab",
            tenant: "lab",
            url: "http://127.0.0.1:8080/",
            token: "igt_lab",
        });
        await saved(page);
        assert.match(await conf(), /\[instance:lab\][^[]*url = http:\/\/127\.0\.0\.1:8080\/\n/);
        assert.deepEqual(await secrets(), {lab: "igt_lab", prod: token});
    }));

test("a copy has the settings and no token", () =>
    onPage({prepare: () => configured({proxy: "http://proxy.example:3128"})}, async (page) => {
        await button(page, "Copy: prod").click();
        assert.equal(await page.locator("input[id$='-name']").inputValue(), "prod-copy");
        assert.equal(
            await page.locator("input[id$='-proxy']").inputValue(),
            "http://proxy.example:3128",
        );
        assert.match(await save(page), /prod-copy: API token: Paste an API token/);
        await set(page, {token: "igt_copy"});
        await saved(page);
        assert.deepEqual(await secrets(), {prod: token, "prod-copy": "igt_copy"});
        assert.match(await conf(), /\[instance:prod-copy\]/);
    }));

test("a rename asks for the token, moves the default and removes the old name last", () =>
    onPage({prepare: configured}, async (page) => {
        await set(page, {name: "eu"});
        assert.match(await page.innerText("main"), /instance=prod must be changed too/);
        assert.match(await save(page), /stored under the old name/);
        await set(page, {token: "igt_eu"});
        await saved(page);
        const done = (await changes()).map(([method, path]) => `${method} ${path}`);
        assert.deepEqual(done.slice(-2), [
            "DELETE storage/passwords/intelgraph:prod:",
            "DELETE configs/conf-intelgraph/instance:prod",
        ]);
        assert.deepEqual(await secrets(), {eu: "igt_eu"});
        assert.doesNotMatch(await conf(), /instance:prod|instance = prod/);
        assert.match(await conf(), /\[handoff\]\ninstance = eu\n/);
    }));

test("a name that is taken, empty or malformed is told", () =>
    onPage({prepare: configured}, async (page) => {
        await button(page, "Add an instance").click();
        for (const [name, sentence] of [
            ["prod", /already/],
            ["", /Give the instance a name/],
            ["Lab 1", /only a to z/],
            ["a".repeat(33), /at most 32/],
        ]) {
            await set(page, {name});
            assert.match(await save(page), sentence);
        }
        assert.deepEqual(await changes(), []);
    }));

test("deleting asks first, and Escape keeps", () =>
    onPage({prepare: configured}, async (page) => {
        await button(page, "Delete: prod").click();
        await page.waitForSelector("[role=dialog]");
        await page.keyboard.press("Escape");
        await page.waitForSelector("[role=dialog]", {state: "detached"});
        assert.deepEqual(await changes(), []);
        await button(page, "Delete: prod").click();
        assert.match(await page.innerText("[role=dialog]"), /only instance/);
        await button(page, "Delete").click();
        await page.waitForSelector("[data-test=outcome]");
        assert.match(await page.innerText("[data-test=outcome]"), /"prod" is deleted/);
        assert.deepEqual(await secrets(), {});
        assert.doesNotMatch(await conf(), /instance:prod/);
    }));

test("another instance becomes the default, by choice or because the default goes", () =>
    onPage(
        {
            prepare: async () => {
                await configured();
                await web.ask("conf", {
                    conf: {
                        intelgraph: {
                            "instance:prod": {url: address, tenant: "acme"},
                            "instance:lab": {url: "https://lab.example/", tenant: "lab"},
                            handoff: {instance: "prod"},
                        },
                    },
                });
                await web.ask("password", {name: "lab", secret: "igt_lab"});
            },
        },
        async (page) => {
            await button(page, "Make default: lab").click();
            await saved(page);
            assert.match(await conf(), /\[handoff\]\ninstance = lab\n/);
            await button(page, "Delete: lab").click();
            assert.match(await page.innerText("[role=dialog]"), /another instance takes its place/);
            await button(page, "Delete").click();
            await page.waitForSelector("[data-test=outcome]");
            assert.match(await conf(), /\[handoff\]\ninstance = prod\n/);
            assert.deepEqual(await secrets(), {prod: token});
        },
    ));

// --- bad input ----------------------------------------------------------------------------------

const wrongValues = [
    ["url", "https://mara:secret@ig.example/", /must not hold a user name/],
    ["url", "ftp://ig.example/", /"ftp" is no scheme/],
    ["url", "http://ig.example/", /this machine only/],
    ["url", "", /Enter the address/],
    ["tenant", "", /Enter the tenant/],
    ["proxy", "socks5://proxy.example:1080", /socks/],
    ["proxy", "http://mara:secret@proxy.example:3128", /must not hold a user name/],
    ["no_proxy", "http://x", /without scheme and port/],
    ["client_cert_file", "/etc/client.pem", /come together/],
    ["link_template", "https://graph.example/", /needs \{id\}/],
    ["timeout_ms", "5", /from 100 to 120000/],
    ["connect_timeout_ms", "soon", /from 100 to 60000/],
    ["fields_allow", "src=ip", /no field name/],
    ["fields_deny", "a;b", /no field name/],
    ["mask", "user=rot13", /no way to mask/],
    ["max_entities", "100001", /from 1 to 100000/],
    ["outbox_max_mb", "-1", /from 1 to 10240/],
    ["url", `https://${"a".repeat(1100)}.example/`, /longer than 1024/],
];

// What a screen reader says of a control beside its label.
const description = (page, id) =>
    page.evaluate((of) => {
        const ids = document.getElementById(of).getAttribute("aria-describedby") ?? "";
        return ids
            .split(" ")
            .map((each) => document.getElementById(each)?.textContent)
            .join(" ");
    }, id);

test("each wrong value has its sentence, at its field and above, and nothing is saved", () =>
    onPage({prepare: configured}, async (page) => {
        for (const [key, value, sentence] of wrongValues) {
            const input = page.locator(`input[id$="-${key}"]`);
            const before = await input.inputValue();
            await input.fill(value);
            assert.match(await save(page), sentence, `${key} = ${value}`);
            const id = await input.getAttribute("id");
            const described = await description(
                page,
                key === "client_cert_file" ? id.replace("cert_file", "key_file") : id,
            );
            assert.match(described, sentence, `${key} = ${value}: at its field`);
            await input.fill(before);
        }
        assert.deepEqual(await changes(), []);
    }));

test("the list of mistakes takes the focus, and each leads to its field", () =>
    onPage({}, async (page) => {
        await button(page, "Save").click();
        await page.waitForSelector("[data-test=mistakes]");
        assert.equal(await page.evaluate(() => document.activeElement.dataset.test), "mistakes");
        assert.match(await page.innerText("[data-test=mistakes]"), /3 settings must be mended/);
        await button(page, "default: Tenant").click();
        assert.match(await page.evaluate(() => document.activeElement.id), /-tenant$/);
        assert.deepEqual(await changes(), []);
    }));

test("a wrong token is told without repeating it", () =>
    onPage({}, async (page) => {
        await set(page, {...first, token: `${token} and more`});
        const text = await save(page);
        assert.match(text, /paste it alone/);
        const id = await page.locator("input[id$='-token']").getAttribute("id");
        assert.match(await description(page, id), /paste it alone/);
        assert.ok(!(await page.content()).includes("canary"));
    }));

test("an authority is pasted, and written on one line", () =>
    onPage({prepare: configured}, async (page) => {
        await page.getByLabel("Our own: paste its certificate").check();
        await set(page, {ca_pem: `some words\r\n${authority()}`});
        assert.match(await page.innerText("main"), /1 certificate\./);
        await saved(page);
        const line = /^ca_pem = (.*)$/m.exec(await conf())[1];
        assert.equal(line.replaceAll("\\n", "\n").trim(), authority().trim());
        await page.reload();
        await ready(page);
        assert.ok(await page.getByLabel("Our own: paste its certificate").isChecked());
        assert.match(await page.innerText("[data-test=instance-form]"), /1 certificate\./);
        await page.getByLabel("One that this system knows").check();
        await saved(page);
        assert.match(await conf(), /^ca_pem = $/m);
    }));

test("an authority comes from a file of this computer too", () =>
    onPage({prepare: configured}, async (page) => {
        await page.getByLabel("Our own: paste its certificate").check();
        const file = (buffer) =>
            page.setInputFiles("[data-test=ca-picker]", {
                name: "ca.pem",
                mimeType: "text/plain",
                buffer,
            });
        await file(Buffer.alloc(300000, 65));
        await page.getByText("ca.pem is too large").waitFor();
        await file(Buffer.from([0x30, 0x82, 3, 1]));
        assert.match(await save(page), /must be turned into PEM/);
        await file(Buffer.from(authority()));
        await saved(page);
        assert.match(await conf(), /^ca_pem = -----BEGIN CERTIFICATE-----/m);
    }));

test("an authority may be a file on the search head", () =>
    onPage({prepare: configured}, async (page) => {
        await page.getByLabel("Our own: a PEM file on the search head").check();
        assert.match(await save(page), /Enter the path of the file/);
        await set(page, {ca_file: authority()});
        assert.match(await save(page), /not what the file holds/);
        await set(page, {ca_file: "$SPLUNK_HOME/etc/auth/ca.pem"});
        await saved(page);
        assert.match(await conf(), /^ca_file = \$SPLUNK_HOME\/etc\/auth\/ca\.pem$/m);
    }));

test("what is no certificate is refused, and a private key above all", () =>
    onPage({prepare: configured}, async (page) => {
        const key = authority().replaceAll("CERTIFICATE", "PRIVATE " + "KEY");
        await page.getByLabel("Our own: paste its certificate").check();
        for (const [text, sentence] of [
            ["", /Paste a certificate/],
            ["hello", /no PEM certificate/],
            [key, /private key/],
            [authority() + key, /private key/],
            [authority().replaceAll("CERTIFICATE", "CERTIFICATE REQUEST"), /a request/],
            [authority().slice(0, 300), /is cut/],
            [authority().replace(/\n[^\n-]+\n/, "\n"), /damaged or cut/],
        ]) {
            await set(page, {ca_pem: text});
            assert.match(await save(page), sentence);
            const id = await page.locator("textarea[name=ca_pem]").getAttribute("id");
            assert.match(await description(page, id), sentence);
        }
        assert.deepEqual(await changes(), []);
    }));

// --- when splunkd says no -----------------------------------------------------------------------

test("a step that fails is named, with what is saved and what is not; saving again does the rest", () =>
    onPage({}, async (page) => {
        await web.ask("fault", {
            method: "POST",
            path: "storage/passwords$",
            status: 500,
            text: "disk full",
        });
        await set(page, {...first, token});
        const text = await save(page);
        assert.match(text, /This step failed: the token of "default" is stored\. disk full/);
        assert.match(text, /Done before it:\s*the settings of "default" are written/);
        assert.match(text, /Not done:\s*the app is marked as configured/);
        assert.equal(await page.evaluate(() => document.activeElement.dataset.test), "outcome");
        assert.doesNotMatch(await conf("app"), /is_configured/);
        await changes();
        await saved(page);
        assert.deepEqual(
            (await changes()).map(([method, path]) => `${method} ${path}`),
            ["POST storage/passwords", "POST apps/local/intelgraph"],
        );
        assert.deepEqual(await secrets(), {default: token});
    }));

test("a rename that stops half way goes on when it is saved again", () =>
    onPage({prepare: configured}, async (page) => {
        await web.ask("fault", {
            method: "DELETE",
            path: "conf-intelgraph",
            status: 503,
            text: "busy",
        });
        await set(page, {name: "eu", token: "igt_eu"});
        const text = await save(page);
        assert.match(text, /the settings of "prod" are removed\. busy/);
        assert.match(await conf(), /instance:eu[\s\S]*|instance:prod/);
        await saved(page);
        assert.doesNotMatch(await conf(), /instance:prod/);
        assert.deepEqual(await secrets(), {eu: "igt_eu"});
    }));

test("a first step that fails changes nothing, and says so", () =>
    onPage({}, async (page) => {
        await web.ask("fault", {
            method: "POST",
            path: "conf-intelgraph",
            status: 400,
            text: "no such key",
        });
        await set(page, {...first, token});
        const text = await save(page);
        assert.match(text, /Nothing was changed/);
        assert.deepEqual(await secrets(), {});
        assert.equal(await conf(), "");
    }));

test("a session that ends while typing loses nothing: sign in elsewhere, save here", () =>
    onPage({prepare: configured}, async (page) => {
        await set(page, {tenant: "typed"});
        await web.ask("end_sessions");
        const text = await save(page);
        assert.match(text, /session has ended/);
        assert.match(text, /what you typed is still on this page/);
        const tab = await page.context().newPage();
        await tab.goto(`${web.url}/en-US/account/login`);
        await tab.fill("[name=username]", "admin");
        await tab.fill("[name=password]", "changeme");
        await tab.click("button[type=submit]");
        assert.equal(await page.locator("input[id$='-tenant']").inputValue(), "typed");
        await saved(page);
        assert.match(await conf(), /tenant = typed/);
    }));

test("a session that has ended before says so and leads to the sign-in page", () =>
    onPage({arrive: false}, async (page) => {
        await page.route("**/current-context*", async (route) => {
            await web.ask("end_sessions");
            await route.continue();
        });
        await open(page);
        await page.getByRole("alert").waitFor();
        assert.match(await page.innerText("[role=alert]"), /session has ended/);
        await page.getByRole("link", {name: "Sign in again"}).click();
        await page.fill("[name=username]", "admin");
        await page.fill("[name=password]", "changeme");
        await page.unroute("**/current-context*");
        await page.click("button[type=submit]");
        await ready(page);
    }));

test("a browser without the capability is told what is missing, and sees no setting", () =>
    onPage(
        {
            arrive: false,
            user: "mara",
            password: "mara",
            prepare: async () => {
                await configured();
                await web.ask("user", {
                    name: "mara",
                    roles: ["user", "intelgraph_analyst"],
                    password: "mara",
                });
            },
        },
        async (page) => {
            await open(page);
            await page.getByRole("alert").waitFor();
            assert.match(
                await page.innerText("[role=alert]"),
                /lacks the capability intelgraph_admin/,
            );
            assert.equal(await page.locator("input").count(), 0);
            const asked = (await web.ask("asked")).filter(({target}) => target.includes("__raw"));
            assert.deepEqual(
                asked.map(({target}) => target.includes("current-context")),
                [true],
            );
            await noViolation(page);
        },
    ));

test("a role that may see the settings but not write them is told at the step that needs it", () =>
    onPage(
        {
            user: "sven",
            password: "sven",
            prepare: async () => {
                await configured();
                await web.ask("user", {
                    name: "sven",
                    roles: ["user", "intelgraph_admin"],
                    password: "sven",
                });
            },
        },
        async (page) => {
            assert.match(
                await page.innerText("table[aria-label=Instances], table"),
                /not to be seen/,
            );
            await set(page, {tenant: "other"});
            const text = await save(page);
            assert.match(text, /cannot write: intelgraph/);
            assert.match(text, /edit_storage_passwords/);
            assert.match(text, /Nothing was changed/);
        },
    ));

test("a Splunk Web that leads to its sign-in page instead of answering has ended the session", () =>
    onPage({arrive: false}, async (page) => {
        await page.route("**/conf-intelgraph*", (route) =>
            route.fulfill({status: 303, headers: {Location: "/en-US/account/login"}}),
        );
        await open(page);
        await page.getByRole("alert").waitFor();
        assert.match(await page.innerText("[role=alert]"), /session has ended/);
    }));

test("an app that was built without the page says so in its place", () =>
    onPage({arrive: false}, async (page) => {
        await page.route("**/pages/settings.js", (route) => route.fulfill({status: 404}));
        await open(page);
        await page.getByText("This build of the app holds no settings page").waitFor();
        assert.match(await page.innerText("body"), /local\/intelgraph\.conf/);
        await noViolation(page);
    }));

test("a splunkd that answers nonsense is told, and can be tried again", () =>
    onPage({arrive: false}, async (page) => {
        await page.route("**/conf-intelgraph*", (route) =>
            route.fulfill({status: 200, body: "<html>"}),
        );
        await open(page);
        await page.getByRole("alert").waitFor();
        assert.match(await page.innerText("[role=alert]"), /answer cannot be read/);
        await page.unroute("**/conf-intelgraph*");
        await page.getByText("Try again").click();
        await ready(page);
    }));

// --- test connection ----------------------------------------------------------------------------

test("the test shows each check with its status and cure", () =>
    onPage({prepare: configured}, async (page) => {
        await web.ask("doctor", {rows: checks});
        await button(page, "Test connection").click();
        await page.getByText("4 checks:").waitFor();
        assert.match(
            await page.innerText("[data-test=doctor]"),
            /1 failed, 1 warning, 1 skipped, 1 OK/,
        );
        for (const {check, value, cure} of checks) {
            const row = page.locator("[data-test=doctor] tbody tr", {hasText: check}).first();
            const text = await row.innerText();
            assert.ok(text.includes(value) && text.includes(cure), `${check}: ${text}`);
        }
        assert.equal(await page.evaluate(() => document.activeElement.id), "doctor-heading");
        const [[method, path, form]] = await changes();
        assert.deepEqual(
            [method, path, form.search, form.exec_mode],
            ["POST", "search/jobs", '| igdoctor instance="prod"', "oneshot"],
        );
    }));

test("the test waits until what is typed is saved", () =>
    onPage({prepare: configured}, async (page) => {
        await set(page, {tenant: "other"});
        await button(page, "Test connection").click({force: true});
        await page.waitForTimeout(200);
        assert.deepEqual(await changes(), []);
        assert.match(await page.innerText("main"), /The test uses what is saved/);
    }));

test("a test that cannot be run says why", () =>
    onPage({prepare: configured}, async (page) => {
        await web.ask("fault", {
            method: "POST",
            path: "search/jobs",
            status: 400,
            text: "Unknown search command 'igdoctor'.",
        });
        await button(page, "Test connection").click();
        await page.getByText("The test could not be run").waitFor();
        assert.match(await page.innerText("[data-test=doctor]"), /Unknown search command/);
    }));

test("a user with quotes and letters beyond ASCII in the name can use all of it", () =>
    onPage(
        {
            user: "o'br\"ïen 雪/..",
            password: "x",
            prepare: async () => {
                await configured();
                await web.ask("user", {name: "o'br\"ïen 雪/..", roles: ["admin"], password: "x"});
                await web.ask("doctor", {rows: checks});
            },
        },
        async (page) => {
            await set(page, {tenant: "other"});
            await saved(page);
            await button(page, "Test connection").click();
            await page.getByText("4 checks:").waitFor();
        },
    ));

// --- what others wrote --------------------------------------------------------------------------

const hostile = '"><img src=x onerror=alert(1)>${7*7}';

test("texts of others are shown as texts", () =>
    onPage({prepare: () => configured({tenant: hostile, audit_key: hostile})}, async (page) => {
        await web.ask("doctor", {
            rows: checks.map((row) => ({...row, value: hostile, cure: hostile})),
        });
        assert.equal(await page.locator("input[id$='-tenant']").inputValue(), hostile);
        await button(page, "Test connection").click();
        await page.getByText("4 checks:").waitFor();
        assert.equal(await page.locator("img").count(), 0);
        assert.ok((await page.innerText("[data-test=doctor]")).includes(hostile));
    }));

test("a setting that nobody knows is told", () =>
    onPage({prepare: () => configured({tennant: "acme"})}, async (page) => {
        assert.match(await page.innerText("main"), /\[instance:prod\] tennant/);
    }));

test("the domains that dashboards may link to are looked up, and how to list one is said", () =>
    onPage({prepare: configured}, async (page) => {
        const text = () => page.innerText("[data-test=links]");
        assert.match(await text(), /Not listed yet: ig\.example/);
        assert.match(await text(), /web-features\.conf/);
        assert.match(
            await text(),
            /dashboards_trusted_domain\.intelgraph_ig_example = ig\.example/,
        );
        await web.ask("trust", {domains: {intelgraph: "https://ig.example"}});
        await page.reload();
        await ready(page);
        assert.match(await text(), /Listed: ig\.example/);
    }));

test("an older Splunk without that list gets the lines for it all the same", () =>
    onPage({arrive: false, prepare: configured}, async (page) => {
        await web.ask("fault", {
            method: "GET",
            path: "web-features",
            status: 404,
            text: "Not Found",
        });
        await open(page);
        await ready(page);
        const text = await page.innerText("[data-test=links]");
        assert.match(text, /could not be read. To list them: ig\.example/);
        assert.match(text, /dashboards_trusted_domain\.intelgraph_ig_example = ig\.example/);
    }));

// --- leaving, themes, accessibility -------------------------------------------------------------

test("leaving with unsaved changes asks, leaving without does not", () =>
    onPage({prepare: configured}, async (page) => {
        const asked = [];
        page.on("dialog", (dialog) => {
            asked.push(dialog.type());
            return dialog.accept();
        });
        await page.reload();
        await ready(page);
        assert.deepEqual(asked, []);
        await set(page, {tenant: "other"});
        await page.reload();
        await ready(page);
        assert.deepEqual(asked, ["beforeunload"]);
        await set(page, {tenant: "other"});
        await button(page, "Discard changes").click();
        assert.equal(await page.locator("input[id$='-tenant']").inputValue(), "acme");
        await page.reload();
        assert.deepEqual(asked, ["beforeunload"]);
    }));

for (const theme of ["light", "dark"]) {
    const prepare = async () => {
        await configured();
        await web.ask("theme", {name: theme});
        await web.ask("doctor", {rows: checks});
    };

    test(`axe finds nothing in the ${theme} theme: saved, tested, mistaken, deleting`, () =>
        onPage({prepare}, async (page) => {
            await noViolation(page);
            await button(page, "Test connection").click();
            await page.getByText("4 checks:").waitFor();
            await noViolation(page);
            await page.getByLabel("Our own: paste its certificate").check();
            await set(page, {url: "ftp://x", tenant: "", ca_pem: "x"});
            await button(page, "Remove the token")
                .click({timeout: 2000})
                .catch(() => {});
            await save(page);
            await noViolation(page);
            await button(page, "Delete: prod").click();
            await page.waitForSelector("[role=dialog]");
            await noViolation(page);
        }));

    test(`the ${theme} theme is on the whole page, behind what lies on it`, () =>
        onPage({prepare}, async (page) => {
            const bright = await page.evaluate(() =>
                ["body", "main", "section"].map((name) => {
                    const colour = getComputedStyle(document.querySelector(name)).backgroundColor;
                    const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
                    return (r + g + b) / 3 > 128;
                }),
            );
            assert.deepEqual(new Set(bright), new Set([theme === "light"]));
        }));
}

test("axe finds nothing on a first run, narrow and enlarged", () =>
    onPage({viewport: {width: 480, height: 800}}, async (page) => {
        await noViolation(page);
        const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    }));
