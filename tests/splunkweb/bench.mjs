// What the browser tests of the settings page share: a fresh server, a watched page, and how a person
// uses it.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {startBrowser} from "../browser/browser.mjs";
import {axeFindings, watched} from "../browser/core.mjs";
import {signedIn, startSplunkWeb} from "./standin.mjs";

export const token = "igt_5e77196f0a1b2c3d_canary-that-must-not-be-seen";
export const address = "https://ig.example/";

export let web;
let browser;

export async function start() {
    web = await startSplunkWeb(process.env.INTELGRAPH_APP);
    browser = await startBrowser();
}

export async function stop() {
    const errors = await web?.ask("errors");
    await browser?.close();
    await web?.stop();
    assert.deepEqual(errors, []);
}

// An instance "prod" with a stored token, the default.
export async function configured(more = {}) {
    await web.ask("conf", {
        conf: {
            app: {install: {is_configured: "1"}},
            intelgraph: {
                "instance:prod": {url: address, tenant: "acme", ...more},
                handoff: {instance: "prod"},
            },
        },
    });
    await web.ask("password", {name: "prod", secret: token});
}

export const open = (page) => page.goto(`${web.url}/en-US/app/intelgraph/settings`);
export const ready = (page) => page.waitForSelector("[data-test=instance-form]");

// A fresh server and a signed-in page on the settings; afterwards nothing may have gone wrong on it.
export async function onPage(options, check) {
    const {prepare, arrive = true, ...more} = options;
    await web.ask("reset");
    await prepare?.();
    const page = await signedIn(browser, web, more);
    const wrong = await watched(page);
    await web.ask("asked");
    try {
        if (arrive) {
            await open(page);
            await ready(page);
        }
        await check(page);
        assert.deepEqual(wrong, []);
    } finally {
        await page.context().close();
    }
}

export const field = (page, label) => page.getByLabel(label, {exact: true});
export const button = (page, name) => page.getByRole("button", {name, exact: true});

export async function fill(page, values) {
    for (const [label, value] of Object.entries(values)) await field(page, label).fill(value);
}

// The asterisk of what must be filled in is part of the label.
export const labels = {
    name: "Name",
    tenant: "Tenant",
    url: "Address",
    token: "API token",
};

export async function set(page, values) {
    for (const [key, value] of Object.entries(values))
        await page.locator(`input[id$="-${key}"], textarea[id$="-${key}"]`).fill(value);
}

export async function save(page) {
    await button(page, "Save").click();
    await page.waitForSelector("[data-test=outcome], [data-test=mistakes]");
    return page.innerText("[data-test=outcome], [data-test=mistakes]");
}

export async function saved(page) {
    const text = await save(page);
    assert.match(text, /^Saved/m, text);
}

// The requests that change something, as [method, path after the app, form].
export async function changes() {
    return (await web.ask("asked"))
        .filter(({method, target}) => method !== "GET" && target.includes("__raw"))
        .map(({method, target, body}) => [
            method,
            decodeURIComponent(
                target.replace(/^.*__raw\/services(NS\/[^/]+\/intelgraph)?\//, "").split("?")[0],
            ),
            Object.fromEntries(new URLSearchParams(body)),
        ]);
}

export const conf = (file = "intelgraph") => web.ask("read", {file: `local/${file}.conf`});
export const secrets = async () =>
    Object.fromEntries((await web.ask("passwords")).map(({name, secret}) => [name, secret]));

export async function noViolation(page) {
    assert.deepEqual(await axeFindings(page), []);
}

export const authority = () => readFileSync(join(web.home, "etc/auth/cacert.pem"), "utf8");

export const checks = [
    ["DNS", "ok", "ig.example is 192.0.2.7", ""],
    [
        "TLS",
        "failed",
        "signed by an authority that is not known",
        "Paste the authority's certificate.",
    ],
    ["clock", "warning", "41 seconds apart", "Let both machines follow a time server."],
    ["budget", "skipped", "", "This service keeps no budgets."],
].map(([check, status, value, cure]) => ({instance: "prod", check, status, value, cure}));
