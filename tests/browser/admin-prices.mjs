// /admin/prices against the real service.
import assert from "node:assert/strict";
import {test} from "node:test";
import {ask, onPage, open, place, sentBy, settled} from "./admin-tests.mjs";
import {axeFindings} from "./core.mjs";

test("the prices in force are told as the service has them", () =>
    onPage({}, async (page) => {
        const {currency, versions} = (await ask(page, "GET", "/v1/prices")).body;
        await open(page, "/admin/prices");
        const card = page.locator("section:has(.badge:text-is('In force'))");
        assert.match(await card.innerText(), new RegExp(`Price \\(${currency}\\)`));
        assert.equal(await card.locator("tbody tr").count(), versions[0].prices.length);
        assert.match(await card.innerText(), /inference\.tokens\s+2\.50\s+1,000,000 tokens/);
        assert.match(await card.innerText(), /storage\.bytes\s+0\.021\s+1 GB-month\b/);
        assert.deepEqual(await axeFindings(page), []);
    }));

test("who reads prices only has no buttons", () =>
    onPage({who: "viewer"}, async (page) => {
        await open(page, "/admin/prices");
        assert.equal(await page.locator("main .button").count(), 0);
        await open(page, "/admin/prices/new");
        assert.match(await page.innerText("main"), /Only an administrator/);
    }));

test("a new version is set once however often one clicks, and shows as what is to come", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/prices");
        await page.click("text=New version");
        await page.waitForSelector("[name='price inference.tokens']");
        assert.equal(await page.inputValue("[name='price inference.tokens']"), "2.50");
        assert.equal(await page.inputValue("[name=currency]"), "EUR");
        assert.deepEqual(await axeFindings(page), []);
        const later = new Date(Date.now() + 40 * 86400000).toISOString().slice(0, 10);
        await page.fill("[name=valid_from]", later);
        await page.fill("[name='price inference.tokens']", "3.125");
        await page.fill("[name='price api.calls']", "0.4");
        await page.fill("[name='per api.calls']", "10,000");
        const sent = sentBy(page);
        await page.dblclick("text=Set these prices");
        await page.waitForURL(`${place.url}/admin/prices`);
        await settled(page);
        assert.deepEqual(sent, ["POST /v1/prices"]);
        const card = page.locator("section:has(.badge:text-is('To come'))");
        assert.match(await card.innerText(), /inference\.tokens\s+3\.125\s+1,000,000 tokens/);
        assert.match(await card.innerText(), /api\.calls\s+0\.40\s+10,000 calls/);
        // Midnight of the tenant's zone, not of UTC or of the browser.
        const {versions} = (await ask(page, "GET", "/v1/prices")).body;
        assert.match(versions.at(-1).valid_from, /T2[23]:00:00Z$/);
    }));

test("what is wrong with prices is said beside the meter, and nothing typed is lost", () =>
    onPage({who: "other"}, async (page) => {
        await open(page, "/admin/prices");
        assert.match(await page.innerText("main"), /No prices yet/);
        await page.click("text=Set prices");
        await page.waitForSelector("[name='price inference.tokens']");
        const sent = sentBy(page);
        const error = (name) => page.innerText(`[data-field='${name}'] .field-error`);
        await page.click("text=Set these prices");
        assert.match(await error("currency"), /three letters/);
        await page.fill("[name=currency]", "eur");
        await page.click("text=Set these prices");
        assert.match(await error("inference.tokens"), /at least one meter/);
        for (const price of ["-1", "1e3", "0.1234567", "free"]) {
            await page.fill("[name='price inference.tokens']", price);
            await page.click("text=Set these prices");
            assert.match(await error("inference.tokens"), /at most six places/);
        }
        await page.fill("[name='price inference.tokens']", "2.5");
        await page.fill("[name='per inference.tokens']", "0");
        await page.click("text=Set these prices");
        assert.match(await error("inference.tokens"), /whole and more than nothing/);
        assert.deepEqual(sent, []);
        await page.reload();
        await page.waitForSelector("[name='price inference.tokens']");
        assert.equal(await page.inputValue("[name='price inference.tokens']"), "2.5");
        await page.fill("[name='per inference.tokens']", "1000000");
        await page.click("text=Set these prices");
        await page.waitForURL(`${place.url}/admin/prices`);
        await settled(page);
        assert.match(await page.innerText("main"), /In force[\s\S]*inference\.tokens\s+2\.50/);
    }));
