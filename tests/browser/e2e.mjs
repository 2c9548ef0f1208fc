// The same checks against a running intelgraphd. From the environment: INTELGRAPH_URL (origin),
// INTELGRAPH_TOKEN (a token that may read hand-offs), INTELGRAPH_HANDOFF (an id whose graph has relations).
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {signedIn, startBrowser} from "./browser.mjs";
import {axeFindings, coreChecks, openHandoff, watched} from "./core.mjs";
import {securityHeaders} from "./mock.mjs";

const {INTELGRAPH_TOKEN: token, INTELGRAPH_HANDOFF: handoff} = process.env;
const url = process.env.INTELGRAPH_URL.replace(/\/$/, "");
let browser;
let reply;

before(async () => {
    browser = await startBrowser();
    const response = await fetch(`${url}/v1/handoffs/${handoff}/graph`, {
        headers: {Authorization: `Bearer ${token}`},
    });
    assert.equal(response.status, 200);
    reply = await response.json();
});
after(() => browser?.close());

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

for (const path of ["/handoffs", "/admin", "/signin"]) {
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
