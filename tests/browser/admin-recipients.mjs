// /admin/recipients against the real service.
import assert from "node:assert/strict";
import {test} from "node:test";
import {axeFindings} from "./core.mjs";
import {onPage, open, sentBy} from "./admin-tests.mjs";

async function addRecipient(page, {kind = "webhook", name, to}) {
    await page.click("main >> text=Add a recipient");
    await page.waitForSelector("dialog[open]");
    await page.check(`dialog [value=${kind}]`);
    await page.fill("dialog [name=name]", name);
    await page.fill("dialog [name=to]", to);
}

test("a webhook's secret is shown once, after a double click too", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/recipients");
        const name = `Hook ${Date.now()}`;
        await addRecipient(page, {name, to: "https://hooks.acme.example/once"});
        const sent = sentBy(page);
        await page.dblclick("dialog >> button:text-is('Add')");
        await page.waitForSelector(".secret");
        assert.match(await page.innerText(".secret"), /^whsec_/);
        assert.deepEqual(await axeFindings(page), []);
        await page.click("dialog >> button:text-is('Done')");
        assert.match(await page.innerText("dialog .field-error"), /Keep it first/);
        await page.check("dialog [name=kept]");
        await page.click("dialog >> button:text-is('Done')");
        await page.waitForFunction(() => !document.querySelector("dialog"));
        assert.deepEqual(sent, ["POST /v1/recipients"]);
        await page.waitForSelector(`main >> text=${name}`);
        assert.doesNotMatch(await page.content(), /whsec_/);
        await open(page, "/admin/recipients");
        assert.doesNotMatch(await page.content(), /whsec_/);
        assert.deepEqual(
            await page.evaluate(() =>
                JSON.stringify({...sessionStorage, ...localStorage}).includes("whsec_"),
            ),
            false,
        );
        await page.click(`[aria-label='Remove ${name}']`);
        await page.click("dialog >> text=Remove the recipient");
        await page.waitForFunction(
            (it) => !document.querySelector(`[aria-label='Remove ${it}']`),
            name,
        );
    }));

test("an address that is none is said so before it is sent, and a refused one keeps what was typed", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/recipients");
        const sent = sentBy(page);
        await addRecipient(page, {name: "", to: "hooks.acme.example"});
        await page.click("dialog >> button:text-is('Add')");
        assert.match(
            await page.innerText("dialog [data-field=name] .field-error"),
            /Give it a name/,
        );
        await page.fill("dialog [name=name]", "Bad");
        for (const [kind, to, sentence] of [
            ["webhook", "", /Give the address/],
            ["webhook", "hooks", /begins with https/],
            ["webhook", "javascript:alert(1)", /begins with https/],
            ["email", "finance", /one @/],
        ]) {
            await page.check(`dialog [value=${kind}]`);
            await page.fill("dialog [name=to]", to);
            await page.click("dialog >> button:text-is('Add')");
            assert.match(await page.innerText("dialog [data-field=to] .field-error"), sentence);
        }
        assert.deepEqual(sent, []);
        await page.route("**/v1/recipients", (route) =>
            route.request().method() === "POST"
                ? route.fulfill({
                      status: 400,
                      contentType: "application/problem+json",
                      body: JSON.stringify({
                          title: "Not understood",
                          detail: "to leads into a network that is not allowed",
                          field: "to",
                      }),
                  })
                : route.continue(),
        );
        await page.check("dialog [value=webhook]");
        await page.fill("dialog [name=to]", "https://10.0.0.1/");
        await page.click("dialog >> button:text-is('Add')");
        await page.waitForFunction(() =>
            /not allowed/.test(document.querySelector("dialog").textContent),
        );
        assert.equal(await page.inputValue("dialog [name=name]"), "Bad");
    }));

test("a test message is sent and shows among the messages", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/recipients");
        const name = `Mail ${Date.now()}`;
        await addRecipient(page, {kind: "email", name, to: "finance@acme.example"});
        await page.click("dialog >> button:text-is('Add')");
        await page.waitForSelector(`[aria-label='Send a test to ${name}']`);
        await page.click(`[aria-label='Send a test to ${name}']`);
        await page.waitForFunction(
            (it) => document.querySelector("section:has(h2) tbody")?.textContent.includes(it),
            name,
        );
    }));
