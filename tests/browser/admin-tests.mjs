// What the tests of the administration pages share. Each test is one point of TAP. What is to be seen
// is compared with what the API answers on the same session; failures of the service are put between
// by the browser.
import assert from "node:assert/strict";
import {after, before} from "node:test";
import {existsSync, readdirSync} from "node:fs";
import {sameSession, signedIn, startBrowser} from "./browser.mjs";
import {watched} from "./core.mjs";
import {startPlace} from "./admin-place.mjs";

export const dist = process.env.INTELGRAPH_DIST;
const hasDrawing =
    existsSync(dist) && readdirSync(dist).some((name) => name.startsWith("chart-view."));
export const needsDrawing = hasDrawing
    ? {}
    : {skip: "this build has no drawing library (npm was not reached)"};
export let browser;
export let place;

before(async () => {
    place = await startPlace();
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    await place?.stop();
});

// A page signed in as `who`; after the check nothing may have gone wrong on it. Sessions are shared by
// the tests, but for one that asks for its own.
const sessions = new Map();
export async function onPage({who = "admin", own = false, ...options}, check) {
    if (own || !sessions.has(who)) {
        const first = await signedIn(browser, place.url, place.tokens[who]);
        if (!own) sessions.set(who, await first.context().storageState());
        else options.state = await first.context().storageState();
        await first.context().close();
    }
    const page = await sameSession(browser, options.state ?? sessions.get(who), options);
    const wrong = await watched(page);
    try {
        await check(page);
        assert.deepEqual(wrong, []);
    } finally {
        await page.context().close();
    }
}

export async function settled(page) {
    await page.waitForFunction(
        () => !document.querySelector(".spinner") && document.querySelector("main h1, main h2"),
    );
}

export async function open(page, path) {
    await page.goto(place.url + path);
    await settled(page);
}

// Asks the API with the page's session.
export async function ask(page, method, path, body) {
    const response = await page.context().request.fetch(place.url + path, {
        method,
        headers: {"X-IntelGraph-CSRF": "1", Accept: "application/json"},
        data: body,
    });
    const text = await response.text();
    return {status: response.status(), body: text ? JSON.parse(text) : null};
}

let count = 0;
export const plainBudget = (more = {}) => ({
    name: `Budget ${(count += 1)} of ${Date.now()}`,
    basis: "quantity",
    meters: ["api.calls"],
    limit: "1000000",
    period: "month",
    mode: "notify",
    shadow: false,
    thresholds: [{kind: "percent", value: "80"}],
    throttle: null,
    recipients: [],
    contact: "finance@acme.example",
    two_person: false,
    ...more,
});

export async function made(page, more) {
    const {status, body} = await ask(page, "POST", "/v1/budgets", plainBudget(more));
    assert.equal(status, 201, JSON.stringify(body));
    return body;
}

// Counts what the page sends after this.
export function sentBy(page) {
    const sent = [];
    page.on("request", (request) => {
        if (request.method() !== "GET")
            sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    return sent;
}

export const budgetPath = (budget, rest = "") => `/admin/budgets/${budget.id}${rest}`;
