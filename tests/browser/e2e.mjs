// The same checks against a real intelgraphd. From the environment: INTELGRAPHD, the program,
// which is started here; or one that runs: INTELGRAPH_URL (its origin), INTELGRAPH_TOKEN (may read
// hand-offs and the audit log), INTELGRAPH_HANDOFF (an id whose graph has relations).
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {signedIn, startBrowser} from "./browser.mjs";
import {axeFindings, coreChecks, openHandoff, watched} from "./core.mjs";
import {corpus, ids} from "./data.mjs";
import {securityHeaders} from "./mock.mjs";
import {handOff, startService} from "./service.mjs";

let url = process.env.INTELGRAPH_URL?.replace(/\/$/, "");
let {INTELGRAPH_TOKEN: token, INTELGRAPH_HANDOFF: handoff} = process.env;
let service;
let browser;
let reply;

// Two hand-offs of the same graph, so that the page has earlier ones to tell of.
async function startOwn() {
    service = await startService(process.env.INTELGRAPHD);
    ({url, token} = service);
    const kept = corpus().get(ids.investigation);
    await handOff(url, token, "acme", kept, {sid: "1763532720.17"});
    handoff = await handOff(url, token, "acme", kept);
}

before(async () => {
    if (!url) await startOwn();
    browser = await startBrowser();
    const response = await fetch(`${url}/v1/handoffs/${handoff}/graph`, {
        headers: {Authorization: `Bearer ${token}`},
    });
    assert.equal(response.status, 200);
    reply = await response.json();
});
after(async () => {
    await browser?.close();
    await service?.stop();
});

async function onPage(options, check) {
    const page = await signedIn(browser, url, token, options);
    const wrong = await watched(page);
    try {
        await check(page);
        assert.deepEqual(wrong, []);
    } finally {
        await page.context().close();
    }
}

for (const [sentence, check] of Object.entries(coreChecks)) {
    test(`${sentence} (real service)`, () =>
        onPage({}, async (page) => {
            await openHandoff(page, url, handoff);
            await check(page, reply);
        }));
}

for (const path of ["/handoffs", "/admin/access", "/signin"]) {
    for (const theme of ["light", "dark"]) {
        test(`axe finds nothing on ${path} in the ${theme} theme (real service)`, () =>
            onPage({theme}, async (page) => {
                await page.goto(url + path);
                await page.waitForFunction(
                    () => !document.querySelector(".spinner") && document.querySelector("main h1"),
                );
                assert.deepEqual(await axeFindings(page), []);
            }));
    }
}

test("a link from Splunk survives signing in (real service)", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${url}/open/handoffs/${handoff}`);
    await page.waitForURL(/\/signin\?next=/);
    await page.fill("#token", token);
    await page.click("button[type=submit]");
    await page.waitForURL(`${url}/handoffs/${handoff}`);
    await context.close();
});

test("a value's link from Splunk leads to its newest hand-off with the entity chosen (real service)", () =>
    onPage({}, async (page) => {
        const {kind, value} = reply.entities.find((entity) => entity.kind !== "masked");
        const link = (of) => `${url}/open/entities?kind=${kind}&value=${encodeURIComponent(of)}`;
        await page.goto(link(value));
        await page.waitForSelector(".details-value");
        assert.match(page.url(), new RegExp(`/handoffs/${handoff}\\?entity=\\d+$`));
        assert.equal(await page.innerText(".details-value"), value);
        await page.goto(link("<img src=x onerror=alert(1)>&none"));
        await page.waitForSelector(".notice");
        assert.match(page.url(), /\/handoffs\?missing=/);
        assert.match(await page.innerText(".notice"), /No hand-off has named <img src=x onerror=alert\(1\)>&none yet/);
        assert.deepEqual(await axeFindings(page), []);
    }));

test("every page comes with the headers that keep it shut (real service)", async () => {
    const response = await fetch(`${url}/signin`);
    assert.equal(response.status, 200);
    for (const [name, value] of Object.entries(securityHeaders))
        assert.equal(response.headers.get(name), value);
});

test("assets are compressed and may be kept for a year (real service)", async () => {
    const shell = await (await fetch(`${url}/signin`)).text();
    const name = /src="(\/assets\/app\.[0-9a-f]+\.js)"/.exec(shell)[1];
    const response = await fetch(url + name);
    assert.equal(response.headers.get("content-encoding"), "gzip");
    assert.match(response.headers.get("cache-control"), /immutable/);
    const again = await fetch(url + name, {
        headers: {"If-None-Match": response.headers.get("etag")},
    });
    assert.equal(again.status, 304);
});

test("an entity that was handed off before says so (real service)", () =>
    onPage({}, async (page) => {
        await openHandoff(page, url, handoff);
        await page.locator(".entities .entity-button").first().click();
        const expected = reply.entities.some((entity) => entity.earlier_handoffs > 0);
        assert.equal((await page.locator(".entities .badge-known").count()) > 0, expected);
    }));

test("administration shows tokens, records and the checkpoint (real service)", () =>
    onPage({}, async (page) => {
        await page.goto(`${url}/admin/access`);
        await page.waitForSelector(".checkpoint pre");
        const note = await page.locator(".checkpoint pre").evaluate((node) => node.textContent);
        assert.match(note, /^[^\n]+\n\d+\n[A-Za-z0-9+/=]{44}\n\n\u2014 /);
        assert.ok((await page.locator(".record").count()) > 0);
        assert.match(await page.innerText("main"), /Ready[\s\S]*Version/);
        assert.ok(
            (await page.locator("section:has(h2:text-is('API tokens')) tbody tr").count()) > 0,
        );
    }));
