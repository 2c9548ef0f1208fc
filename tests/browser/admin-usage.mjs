// /admin/usage against the real service.
import assert from "node:assert/strict";
import {test} from "node:test";
import {axeFindings} from "./core.mjs";
import {decimal, moneyText} from "../../service/ui/pages/decimal.js";
import {browser, needsDrawing, onPage, open, place, settled} from "./admin-tests.mjs";

const iso = (ms) => new Date(ms).toISOString();
// What the service answered when the page asked: what is stored costs more with every second.
async function answered(page, pattern) {
    const request = await page.waitForRequest(pattern);
    return (await request.response()).json();
}

test("usage tells spend, forecast, nearest budget, days left and how far the numbers are complete", () =>
    onPage({}, async (page) => {
        const asked = [/\/v1\/costs\?window=billing/, /\/v1\/budgets$/];
        const answers = Promise.all(asked.map((pattern) => answered(page, pattern)));
        await open(page, "/admin/usage");
        const [told, {budgets}] = await answers;
        const tiles = await page.locator(".tiles").innerText();
        assert.ok(tiles.includes(moneyText(decimal(told.total))), tiles);
        assert.ok(tiles.includes(told.currency), tiles);
        if (told.forecast) {
            assert.ok(tiles.includes(moneyText(decimal(told.forecast.expected))), tiles);
            assert.ok(tiles.includes(moneyText(decimal(told.forecast.low))), tiles);
        }
        const left = Math.ceil((Date.parse(told.to) - Date.now()) / 86400000);
        assert.match(tiles, new RegExp(`Days left\\s+${left}\\b`));
        assert.match(tiles, /Complete up to\s+\d+ \w{3}, \d\d:\d\d/);
        const nearest = Math.max(
            ...budgets.filter(({basis}) => basis === "cost").map(({state}) => Number(state.share)),
        );
        assert.match(tiles, new RegExp(`Nearest budget\\s+${String(nearest).replace(".", "\\.")}`));
    }));

test("the breakdown adds up to what the API says, and is set against the days before", () =>
    onPage({}, async (page) => {
        const answer = answered(page, /\/v1\/costs\?window=day/); // the range; the one before it follows
        await open(page, "/admin/usage?range=7d");
        const body = await answer;
        const foot = await page.locator(".breakdown tfoot td").allInnerTexts();
        const sums = new Map();
        const priced = body.rows.filter(({cost}) => cost !== null);
        for (const {meter, cost} of priced)
            sums.set(
                meter,
                (sums.get(meter) ?? 0n) +
                    BigInt(decimal(`${cost}`).units) * 10n ** BigInt(6 - decimal(cost).scale),
            );
        const rows = await page
            .locator(".breakdown tbody tr")
            .evaluateAll((list) =>
                list.map((row) => [...row.children].map((cell) => cell.innerText.trim())),
            );
        const without = new Set(
            body.rows.filter(({cost}) => cost === null).map(({meter}) => meter),
        );
        assert.equal(rows.length, sums.size + without.size);
        for (const [name, , cost] of rows.filter(([one]) => without.has(one)))
            assert.equal(cost, "no price", name);
        for (const [name, , cost] of rows.filter(([one]) => !without.has(one)))
            assert.equal(cost, moneyText({units: sums.get(name), scale: 6}), name);
        const all = [...sums.values()].reduce((sum, value) => sum + value, 0n);
        assert.equal(foot[1], moneyText({units: all, scale: 6}));
        assert.match(rows[0].at(-1), /^([+\u2212\u00d7]\d|0\.0|new)/);
        assert.match(await page.innerText("main"), /against/);
    }));

test("filters are in the address: a reload keeps them, the way back undoes them", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage");
        await page.focus("[name=range]");
        await page.selectOption("[name=range]", "30d");
        await page.waitForURL(/\?range=30d$/);
        assert.equal(await page.evaluate(() => document.activeElement.name), "range");
        await page.selectOption("[name=meter]", "inference.tokens");
        await page.selectOption("[name=by]", "user");
        await page.waitForURL(/range=30d&meter=inference\.tokens&by=user$/);
        await page.reload();
        await settled(page);
        assert.equal(await page.inputValue("[name=by]"), "user");
        assert.match(await page.innerText(".breakdown thead"), /User/);
        await page.goBack();
        await page.goBack();
        await page.waitForURL(/\?range=30d$/);
        await page.waitForFunction(() => document.querySelector("[name=meter]").value === "");
        assert.equal(await page.inputValue("[name=range]"), "30d");
    }));

test("filters survive signing in", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${place.url}/admin/usage?range=30d&by=user`);
    await page.fill("#token", place.tokens.admin);
    await page.click("button[type=submit]");
    await page.waitForURL(`${place.url}/admin/usage?range=30d&by=user`);
    await settled(page);
    assert.equal(await page.inputValue("[name=by]"), "user");
    await page.context().close();
});

test("filters that make no sense are passed over", () =>
    onPage({}, async (page) => {
        for (const query of [
            "?range=constructor",
            "?from=2026-02-30&to=2026-01-01",
            "?meter=%3Cimg%3E&by=x",
            "?measure=quantity&meter=nothing",
        ]) {
            await open(page, `/admin/usage${query}`);
            await page.waitForSelector(".filters");
            assert.equal(await page.locator("main [role=alert]").count(), 0, query);
        }
    }));

test("days of one's choice are asked for, and a wrong order is said", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage");
        await page.selectOption("[name=range]", "own");
        await page.waitForURL(/from=\d{4}-\d\d-\d\d&to=/);
        const to = await page.inputValue("[name=to]");
        await page.fill("[name=from]", to);
        await page.waitForURL(new RegExp(`from=${to}&to=${to}$`));
        await page.fill("[name=to]", "2026-01-01");
        assert.match(
            await page.locator("[name=to]").evaluate((node) => node.validationMessage),
            /before the first/,
        );
        assert.ok(page.url().endsWith(`from=${to}&to=${to}`));
    }));

test("quantity is told in the meter's own unit, by what it is split by", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=30d");
        await page.check("[name=measure][value=quantity]");
        await page.waitForURL(/measure=quantity/);
        await page.selectOption("[name=meter]", "storage.bytes");
        await page.waitForFunction(() =>
            /GB-hours/.test(document.querySelector(".breakdown thead")?.textContent ?? ""),
        );
        await page.selectOption("[name=by]", "store");
        await page.waitForFunction(
            () => document.querySelectorAll(".breakdown tbody tr").length >= 2,
        );
    }));

test("the CSV is the API's own, with the filters of the page", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=7d&measure=quantity&meter=inference.tokens&by=model");
        const href = await page.getAttribute("a[download]", "href");
        assert.match(href, /^\/v1\/usage\?.*format=csv.*meter=inference\.tokens.*by=model/);
        await page.goto(`${place.url}/admin/usage?range=7d`);
        await settled(page);
        assert.match(
            await page.getAttribute("a[download]", "href"),
            /^\/v1\/costs\?.*format=csv.*by=meter/,
        );
    }));

test("the chart is painted and the keyboard reads it day by day", needsDrawing, () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=7d");
        await page.waitForSelector(".chart-stage[data-drawn]");
        const colours = await page.evaluate(() => {
            const canvas = document.querySelector(".chart-stage canvas");
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 250) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
            return seen.size;
        });
        assert.ok(colours > 4, `only ${colours} colours`);
        await page.focus(".chart-stage");
        await page.keyboard.press("ArrowRight");
        const first = await page.getAttribute(".chart-stage", "aria-valuetext");
        assert.match(first, /^\d+ \w{3} \d{4}\d+\.\d\d EUR/);
        await page.keyboard.press("ArrowRight");
        assert.notEqual(await page.getAttribute(".chart-stage", "aria-valuetext"), first);
        assert.equal(await page.getAttribute(".chart-stage", "aria-valuenow"), "1");
        await page.locator(".chart-table summary").click();
        assert.equal(await page.locator(".chart-table tbody tr").count(), 7);
        const cell = await page
            .locator(".chart-table tbody tr")
            .first()
            .locator("td")
            .last()
            .innerText();
        assert.ok(first.includes(`${cell} EUR`), `${first} has no ${cell}`);
    }),
);

test("the pointer tells the day under it", needsDrawing, () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=7d");
        await page.waitForSelector(".chart-stage[data-drawn]");
        const box = await page.locator(".chart-stage").boundingBox();
        await page.mouse.move(box.x + box.width - 40, box.y + box.height / 2);
        await page.waitForFunction(() =>
            /\d{4}/.test(document.querySelector(".chart-readout").textContent),
        );
    }),
);

test("the theme repaints the chart", needsDrawing, () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=7d");
        await page.waitForSelector(".chart-stage[data-drawn]");
        const picture = () =>
            page.evaluate(() => document.querySelector(".chart-stage canvas").toDataURL());
        const light = await picture();
        await page.click("[aria-label='Use the dark theme']");
        await page.waitForFunction(
            (was) => document.querySelector(".chart-stage canvas").toDataURL() !== was,
            light,
        );
    }),
);

test("added up, the budget's limit is the line", needsDrawing, () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage");
        assert.match(await page.innerText(".chart-legend"), /an even day/);
        await page.check("[name=view][value=sum]");
        await page.waitForURL(/view=sum/);
        await page.waitForFunction(
            () => !/an even day/.test(document.querySelector(".chart-legend").textContent),
        );
        assert.equal(await page.locator(".chart-legend .swatch-line").count(), 1);
    }),
);

async function withoutDrawing(page) {
    await page.route("**/admin/**", async (route) => {
        const response = await route.fetch();
        const text = (await response.text()).replace(
            'name="intelgraph-drawing" content="yes"',
            'name="intelgraph-drawing" content="no"',
        );
        await route.fulfill({response, body: text});
    });
}

test("a build without the drawing shows every number as a table and says why", () =>
    onPage({}, async (page) => {
        await withoutDrawing(page);
        await open(page, "/admin/usage?range=7d");
        assert.match(await page.innerText(".chart-card"), /npm was not reached/);
        assert.equal(await page.locator(".chart-table tbody tr:visible").count(), 7);
        assert.deepEqual(await axeFindings(page), []);
    }));

test("a drawing library that does not load leaves the table", needsDrawing, () =>
    onPage({}, async (page) => {
        await page.route("**/chart-view.*", (route) => route.abort());
        await open(page, "/admin/usage?range=7d");
        await page.waitForSelector(".chart-table[open]");
        assert.match(await page.innerText(".chart-card"), /did not load/);
    }),
);

// Answers the report (not the header) with what `change` makes of it.
function changing(page, pattern, change) {
    return page.route(pattern, async (route) => {
        const response = await route.fetch();
        await route.fulfill({response, json: change(await response.json())});
    });
}

test("nothing used is said with what to do", () =>
    onPage({}, async (page) => {
        await changing(page, /\/v1\/costs\?window=day/, (reply) => ({
            ...reply,
            rows: [],
            total: "0",
        }));
        await open(page, "/admin/usage");
        await page.waitForSelector(".state");
        assert.match(await page.innerText("main"), /Nothing was used here[\s\S]*POST \/v1\/events/);
        assert.deepEqual(await axeFindings(page), []);
    }));

test("while it adds up the page says so", () =>
    onPage({}, async (page) => {
        let go;
        const held = new Promise((resolve) => (go = resolve));
        await page.route("**/v1/costs?*", async (route) => {
            await held;
            await route.continue();
        });
        await page.goto(`${place.url}/admin/usage`);
        await page.waitForSelector("text=Adding up");
        assert.deepEqual(await axeFindings(page), []);
        go();
        await page.waitForSelector(".breakdown");
    }));

test("a failure of the service is told and can be tried again", () =>
    onPage({}, async (page) => {
        await page.route(/\/v1\/costs\?window=day/, (route) =>
            route.fulfill({
                status: 503,
                contentType: "application/problem+json",
                body: JSON.stringify({
                    title: "Not available",
                    detail: "The store is busy. Try again.",
                }),
            }),
        );
        await open(page, "/admin/usage");
        await page.waitForSelector("[role=alert]");
        assert.match(await page.innerText("main"), /Spend to date[\s\S]*The store is busy/);
        assert.deepEqual(await axeFindings(page), []);
        await page.unroute(/\/v1\/costs\?window=day/);
        await page.click("button:text-is('Try again')");
        await page.waitForSelector(".breakdown");
    }));

test("a role that reads no usage is told so in a sentence", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/costs?*", (route) =>
            route.fulfill({
                status: 403,
                contentType: "application/problem+json",
                body: JSON.stringify({title: "Not allowed", detail: "x"}),
            }),
        );
        await open(page, "/admin/usage");
        assert.match(await page.innerText("main"), /not for your role/);
    }));

test("numbers that still settle are said to, and those that are settled are not", () =>
    onPage({}, async (page) => {
        await changing(page, /\/v1\/costs\?/, (reply) => ({
            ...reply,
            complete_up_to: new Date(Date.now() - 40 * 3600000).toISOString(),
        }));
        await open(page, "/admin/usage?range=7d");
        assert.match(await page.innerText("main"), /Numbers are still settling/);
        await page.locator(".chart-table summary").click();
        assert.ok((await page.locator(".chart-table .badge-warn").count()) >= 2);
        await page.unrouteAll();
        await changing(page, /\/v1\/costs\?/, (reply) => ({
            ...reply,
            complete_up_to: new Date(Date.now() + 1000).toISOString(),
        }));
        await open(page, "/admin/usage?range=last-period");
        assert.doesNotMatch(await page.innerText("main"), /Numbers are still settling/);
    }));

test("without prices the page tells quantities and says why", () =>
    onPage({}, async (page) => {
        await changing(page, /\/v1\/costs\?/, (reply) => ({
            ...reply,
            currency: null,
            total: "0",
            unpriced: [],
            rows: [],
            forecast: null,
        }));
        await open(page, "/admin/usage");
        await page.waitForSelector(".breakdown");
        assert.match(await page.innerText("main"), /No prices are set[\s\S]*Quantity per day/);
        assert.equal(await page.locator("[name=measure]").count(), 0);
    }));

const anomalyOf = (ms, more) => ({
    id: "ano_1",
    meter: "inference.tokens",
    from: iso(ms),
    to: iso(ms + 3600000),
    direction: "above",
    quantity: "19158000",
    shown: "19158000",
    usual: "6386000",
    usual_shown: "6386000",
    shown_unit: "tokens",
    z: "7.100",
    robust_z: "9.800",
    explained_by: {dimension: "user", value: "<b>mara.okafor</b>", share: "0.612"},
    state: "open",
    ...more,
});

test("an unusual day is marked in the chart, in the table and in words, and explained on record", () =>
    onPage({}, async (page) => {
        const at = Date.now() - 2 * 86400000;
        let told = anomalyOf(at);
        await page.route("**/v1/usage/anomalies?*", (route) =>
            route.fulfill({
                json: {
                    anomalies: [
                        told,
                        anomalyOf(at, {id: "ano_2", meter: "api.calls"}),
                        anomalyOf(at - 90 * 86400000),
                    ],
                    next: null,
                },
            }),
        );
        const asked = [];
        await page.route("**/v1/usage/anomalies/*/acknowledge", (route) => {
            asked.push([new URL(route.request().url()).pathname, route.request().postDataJSON()]);
            told = {
                ...told,
                state: "acknowledged",
                acknowledged_by: "mara.okafor",
                reason: "A drill",
            };
            return route.fulfill({json: {id: "ano_1", state: "acknowledged"}});
        });
        await open(page, "/admin/usage?range=30d&meter=inference.tokens");
        const card = page.locator("section:has(h2:text-is('1 unusual day'))");
        assert.match(
            await card.innerText(),
            /19,158,000 tokens, usually about 6,386,000 tokens.*mostly user \u201c<b>mara\.okafor<\/b>\u201d \(61\u00a0% of the difference\)/s,
        );
        await page.locator(".chart-table summary").click();
        assert.equal(await page.locator(".chart-table .badge-mark").count(), 1);
        assert.deepEqual(await axeFindings(page), []);
        await card.locator("button").click();
        await page.click("dialog >> text=Put it on record");
        assert.match(await page.innerText("dialog .field-error"), /reason is needed/);
        await page.fill("dialog [name=reason]", "A drill");
        await page.dblclick("dialog >> text=Put it on record");
        await page.waitForFunction(() =>
            /mara\.okafor: A drill/.test(document.querySelector("main").textContent),
        );
        assert.deepEqual(asked, [["/v1/usage/anomalies/ano_1/acknowledge", {reason: "A drill"}]]);
    }));

test("a session that ends while one filters leads to the sign-in page and back to the filters", () =>
    onPage({own: true}, async (page) => {
        await open(page, "/admin/usage");
        await page.context().clearCookies();
        await page.selectOption("[name=range]", "30d");
        await page.waitForURL(/\/signin\?next=/);
        await page.fill("#token", place.tokens.admin);
        await page.click("button[type=submit]");
        await page.waitForURL(`${place.url}/admin/usage?range=30d`);
        await page.waitForSelector(".breakdown");
    }));
