// From the first run on the settings page to a hand-off, with the real command, broker and service: what
// the page saves is what they read. Usage: INTELGRAPH_APP=... INTELGRAPHD=... node --test real.mjs
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {startService} from "../browser/service.mjs";
import {authority, button, conf, onPage, saved, secrets, set, start, stop, web} from "./bench.mjs";
import {bad, good, settingOf, stricter} from "./values.mjs";

let service;

before(async () => {
    service = await startService(process.env.INTELGRAPHD, {role: "broker"});
    await start();
});
after(async () => {
    await stop();
    await service?.stop();
});

const rows = [
    {_time: "1767225600", src_ip: "192.0.2.7", dest: "files.example", user: "mara"},
    {_time: "1767225601", src_ip: "192.0.2.8", dest: "files.example", user: "sven"},
];

const as = (user, command) => web.ask("search", {user, search: `index=proxy | ${command}`, rows});
const asMara = (command) => as("mara", command);
const handedOff = /handed off \d+ entities/;

async function prepare() {
    for (const name of ["mara", "sven"])
        await web.ask("user", {name, roles: ["user", "intelgraph_analyst"], password: name});
}

async function firstRun(page) {
    await set(page, {url: service.url, tenant: "acme", token: service.token});
    await saved(page);
}

test("after the first run an analyst hands off, with a token of the analyst's own", () =>
    onPage({prepare}, async (page) => {
        await firstRun(page);
        const {state, rows: found, texts} = await asMara("ighandoff");
        assert.equal(state, "DONE", texts.join("\n"));
        assert.match(texts.join("\n"), handedOff);
        assert.ok(found[0].intelgraph_url.startsWith(`${service.url}/open/handoffs/`));
        assert.ok(!JSON.stringify([found, texts]).includes(service.token));
    }));

test("what may not leave Splunk does not: the lists of the page hold for the analyst", () =>
    onPage({prepare}, async (page) => {
        await set(page, {fields_deny: "user", mask: "src_ip=drop"});
        await firstRun(page);
        const {rows: found, texts} = await asMara("ighandoff dryrun=true");
        assert.equal(found[0].intelgraph_entities, "1", texts.join("\n")); // dest alone
    }));

test("a second instance with every setting filled in is read by the command as it was written", () =>
    onPage({prepare}, async (page) => {
        await firstRun(page);
        await button(page, "Add an instance").click();
        await page.getByLabel("Our own: paste its certificate").check();
        await set(page, {
            name: "training",
            tenant: "training",
            url: "https://ig-training.example:8443/base",
            token: "igt_0123456789abcdef_0123456789abcdef",
            ca_pem: authority(),
            proxy: "http://proxy.example:3128",
            no_proxy: "localhost, .example, 10.0.0.0/8, fd00::/8",
            link_template: "https://graph.example/{tenant}/{id}",
            connect_timeout_ms: "100",
            timeout_ms: "100",
        });
        await saved(page);
        const {rows: found, texts} = await asMara("ighandoff instance=training dryrun=true");
        assert.match(
            found[0]?.intelgraph_url ?? "",
            /^(|https:\/\/graph\.example\/training\/[0-9a-f]+)$/,
        );
        assert.equal(found[0]?.intelgraph_status, "dryrun", texts.join("\n"));
        assert.match((await asMara("ighandoff")).texts.join("\n"), handedOff);
    }));

test("a renamed instance is found by its new name only, and a deleted one not at all", () =>
    onPage({prepare}, async (page) => {
        await firstRun(page);
        await set(page, {name: "eu", token: service.token});
        await saved(page);
        assert.match((await asMara("ighandoff instance=eu")).texts.join("\n"), handedOff);
        assert.match((await asMara("ighandoff")).texts.join("\n"), handedOff);
        const old = await asMara("ighandoff instance=default");
        assert.match(old.texts.join("\n"), /not configured|no instance "default"/);
        await button(page, "Delete: eu").click();
        await button(page, "Delete").click();
        await page.waitForSelector("[data-test=outcome]");
        assert.deepEqual(await secrets(), {});
        assert.match((await asMara("ighandoff instance=eu")).texts.join("\n"), /no instance "eu"/);
    }));

test("an instance that is out of use says so to the analyst", () =>
    onPage({prepare}, async (page) => {
        await page.getByLabel("In use: searches may choose this instance").click();
        await firstRun(page);
        assert.match((await asMara("ighandoff")).texts.join("\n"), /default is disabled/);
    }));

test("a removed token leaves the graph in the outbox, and the analyst knows", () =>
    onPage({prepare}, async (page) => {
        await firstRun(page);
        await button(page, "Remove the token").click();
        await saved(page);
        assert.deepEqual(await secrets(), {});
        assert.match(await conf(), /tenant = acme/);
        const {texts} = await as("sven", "ighandoff"); // who has no token for minutes yet
        assert.match(texts.join("\n"), /token/);
        assert.doesNotMatch(texts.join("\n"), handedOff);
    }));

// {check: [status, found, cure]} as the page shows it.
async function tested(page) {
    await button(page, "Test connection").click();
    await page.getByText(/\d+ checks:/).waitFor();
    const found = await page
        .locator("[data-test=doctor] tbody tr")
        .evaluateAll((all) =>
            all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
        );
    return Object.fromEntries(found.map(([check, ...rest]) => [check, rest]));
}

test("the test of a connection that works finds nothing wrong", () =>
    onPage({prepare}, async (page) => {
        await firstRun(page);
        const found = await tested(page);
        assert.ok(Object.keys(found).length >= 14, JSON.stringify(found));
        for (const [check, [status]] of Object.entries(found))
            assert.ok(["OK", "Skipped"].includes(status), `${check}: ${found[check]}`);
        assert.match(found.tenant[1], /acme/);
        assert.ok(!(await page.content()).includes(service.token));
    }));

test("the test of a wrong token and of a service that is away names the check and the cure", () =>
    onPage({prepare}, async (page) => {
        const wrong = `igt_${"0".repeat(16)}_${"0".repeat(32)}`;
        await set(page, {url: service.url, tenant: "acme", token: wrong});
        await saved(page);
        let found = await tested(page);
        assert.equal(found.tcp[0], "OK");
        assert.equal(found.token[0], "Failed", JSON.stringify(found));
        assert.notEqual(found.token[2], "");
        await set(page, {url: "http://127.0.0.1:1/", token: wrong});
        await saved(page);
        found = await tested(page);
        assert.equal(found.tcp[0], "Failed", JSON.stringify(found));
        assert.notEqual(found.tcp[2], "");
        assert.ok(!(await page.content()).includes(wrong));
    }));

// What the native side says of one value, empty when it takes it.
async function verdict(key, value) {
    const stanza = {url: "http://127.0.0.1:1/", tenant: "acme", credential: "file:etc/token"};
    const handoff = {instance: "default"};
    (["mask", "fields_allow"].includes(key) ? handoff : stanza)[key] = value;
    await web.ask("conf", {conf: {intelgraph: {"instance:default": stanza, handoff}}});
    const {texts} = await asMara("ighandoff dryrun=true");
    return texts.find((text) => new RegExp(`intelgraph\\.conf \\[|set ${key} in`).test(text)) ?? "";
}

test("page and command agree about each value; the page is stricter only where it says so", () =>
    onPage({prepare}, async () => {
        for (const [name, key] of Object.entries(settingOf)) {
            for (const value of good[name]) assert.equal(await verdict(key, value), "", value);
            for (const value of Object.keys(bad[name]))
                assert.equal((await verdict(key, value)) === "", stricter.has(value), value);
        }
    }));
