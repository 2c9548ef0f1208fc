// /admin/dlq against the real service: what could not be taken is found, mended and replayed, or discarded.
import assert from "node:assert/strict";
import {test} from "node:test";
import {axeFindings} from "./core.mjs";
import {ask, onPage, open, place, sentBy, settled} from "./admin-tests.mjs";

let count = 0;
// An event of a source of its own; what makes it wrong is in `data` and `more`.
function event(data, more = {}) {
    count += 1;
    return {
        specversion: "1.0",
        type: "io.intelgraph.usage.use",
        source: `/tests/dlq/${count}`,
        id: `e${count}`,
        time: new Date(Date.now() - 60000).toISOString(),
        data: {meter: "api.calls", quantity: 1, ...data},
        ...more,
    };
}

async function reject(text, tenant = "admin") {
    const response = await fetch(`${place.url}/v1/events`, {
        method: "POST",
        headers: {
            Authorization: `Bearer ${place.tokens[tenant]}`,
            "Content-Type": "application/x-ndjson",
        },
        body: text,
    });
    assert.equal((await response.json()).rejected, 1);
}

const ofSource = (source) => `/admin/dlq?source=${encodeURIComponent(source)}`;

test("a rejected event is told with its reason, its source and the text that came", () =>
    onPage({}, async (page) => {
        // More than a double holds, and markup: neither may change on the way.
        const wrong = event({quantity: -1, note: "<b>9007199254740993</b>"});
        const text = JSON.stringify(wrong).replace("-1", "90071992547409931234");
        await reject(text);
        await open(page, ofSource(wrong.source));
        const row = page.locator("tbody tr");
        assert.equal(await row.count(), 1);
        assert.match(await row.innerText(), /Not valid/);
        assert.match(await row.innerText(), new RegExp(`${wrong.source}\\s+${wrong.id}`));
        await row.locator("summary").click();
        assert.equal(await row.locator(".event-text").innerText(), text);
        assert.match(await page.innerText("main .lead"), /wait/);
        assert.deepEqual(await axeFindings(page), []);
        await row.locator("button:has-text('Replay')").click();
        assert.equal(await page.inputValue("dialog [name=event]"), text);
        assert.deepEqual(await axeFindings(page), []);
    }));

test("an event is mended in place, refused while it is wrong, and counts once it is right", () =>
    onPage({}, async (page) => {
        const wrong = event({quantity: -41, dimensions: {route: "/v1/mended"}});
        await reject(JSON.stringify(wrong));
        await open(page, ofSource(wrong.source));
        await page.click("tbody >> button:has-text('Replay')");
        const sent = sentBy(page);
        await page.click("dialog >> button:text-is('Replay')");
        assert.match(
            await page.innerText("dialog [data-field=why] .field-error"),
            /Say what makes it right/,
        );
        assert.deepEqual(sent, []);
        await page.fill("dialog [name=why]", "the sign was wrong");
        await page.click("dialog >> button:text-is('Replay')");
        await page.waitForSelector("dialog [data-field=event] .field-error svg");
        assert.match(
            await page.innerText("dialog [data-field=event] .field-error"),
            /still not good: data\.quantity must be a whole number/,
        );
        await page.fill("dialog [name=event]", JSON.stringify(wrong).replace("-41", "41"));
        await page.dblclick("dialog >> button:text-is('Replay')");
        await page.waitForSelector("dialog", {state: "detached"});
        await page.waitForSelector("main h2:text-is('None fits these filters')");
        assert.equal(sent.length, 2, sent.join());
        const usage = await ask(page, "GET", "/v1/usage?meter=api.calls&by=route");
        const row = usage.body.rows.find(({dimensions}) => dimensions.route === "/v1/mended");
        assert.equal(row.quantity, "41");
        await page.selectOption("[name=state]", "replayed");
        await page.waitForSelector("tbody tr");
        const told = await page.innerText("tbody tr");
        assert.match(told, /Replayed by mara\.okafor .*: the sign was wrong/);
        assert.equal(await page.locator("tbody button").count(), 0);
    }));

test("an event is discarded with a reason, and asked about first", () =>
    onPage({}, async (page) => {
        const wrong = event({meter: "no.such"});
        await reject(JSON.stringify(wrong));
        await open(page, ofSource(wrong.source));
        const sent = sentBy(page);
        await page.click("tbody >> button:has-text('Discard')");
        await page.keyboard.press("Escape");
        assert.deepEqual(sent, []);
        await page.click("tbody >> button:has-text('Discard')");
        await page.fill("dialog [name=why]", "a test of theirs");
        await page.click("dialog >> button:text-is('Discard')");
        await page.waitForSelector("main h2:text-is('None fits these filters')");
        await page.selectOption("[name=state]", "all");
        await page.waitForSelector("tbody tr");
        assert.match(await page.innerText("tbody tr"), /Discarded by mara\.okafor .*a test of theirs/);
    }));

test("what another one has dealt with meanwhile is told, and nothing is done twice", () =>
    onPage({}, async (page) => {
        const wrong = event({quantity: 1.5});
        await reject(JSON.stringify(wrong));
        await open(page, ofSource(wrong.source));
        const path = `/v1/usage/dlq?source=${encodeURIComponent(wrong.source)}`;
        const [{id}] = (await ask(page, "GET", path)).body.entries;
        const done = await ask(page, "POST", `/v1/usage/dlq/${id}/discard`, {why: "faster"});
        assert.equal(done.status, 200);
        await page.click("tbody >> button:has-text('Replay')");
        await page.fill("dialog [name=why]", "late");
        await page.click("dialog >> button:text-is('Replay')");
        await page.waitForSelector("dialog .form-message strong, dialog .form-message div");
        assert.match(await page.innerText("dialog .form-message"), /replayed or discarded already/);
    }));

test("filters are in the address, and the way back undoes them", () =>
    onPage({}, async (page) => {
        const late = event({}, {time: new Date(Date.now() - 40 * 86400000).toISOString()});
        await reject(JSON.stringify(late));
        await open(page, "/admin/dlq?state=bogus&reason=bogus");
        assert.equal(await page.inputValue("[name=state]"), "open");
        await page.focus("[name=reason]");
        await page.selectOption("[name=reason]", "late");
        await page.waitForURL(/\/admin\/dlq\?reason=late$/);
        await page.waitForFunction(() =>
            [...document.querySelectorAll("tbody .badge")].every(
                (node) => node.textContent === "Too late",
            ),
        );
        assert.equal(await page.evaluate(() => document.activeElement.name), "reason");
        await page.fill("[name=source]", late.source);
        await page.keyboard.press("Enter");
        await page.waitForURL(/source=/);
        await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
        await page.reload();
        await settled(page);
        assert.equal(await page.inputValue("[name=source]"), late.source);
        await page.goBack();
        await page.waitForURL(/\/admin\/dlq\?reason=late$/);
        await page.waitForFunction(() => document.querySelector("[name=source]").value === "");
    }));

test("who is no administrator is told so, and another tenant's events are not there", () =>
    onPage({who: "viewer"}, async (page) => {
        await open(page, "/admin/dlq");
        assert.match(await page.innerText("main"), /Only an administrator reads rejected events/);
        assert.equal(await page.locator(".rail >> text=Rejected events").count(), 0);
        const theirs = event({quantity: -7});
        await reject(JSON.stringify(theirs), "other");
        await onPage({}, async (ours) => {
            await open(ours, ofSource(theirs.source));
            assert.match(await ours.innerText("main"), /None fits these filters/);
        });
    }));

test("a service that does not answer is told and asked again", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/usage/dlq*", (route) => route.abort());
        await open(page, "/admin/dlq");
        assert.match(await page.innerText("main"), /Try again/);
        await page.unroute("**/v1/usage/dlq*");
        await page.click("button:text-is('Try again')");
        await page.waitForSelector("main .state, tbody tr");
        await page.waitForFunction(() => !/cannot be reached/.test(document.querySelector("main").innerText));
    }));
