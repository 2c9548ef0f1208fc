// What somebody sees at first sight on the administration pages, against the real service: units, states,
// times, and what is left of a table on a telephone.
import assert from "node:assert/strict";
import {test} from "node:test";
import {ask, budgetPath, made, needsDrawing, onPage, open} from "./admin-tests.mjs";

const HOUR_MS = 3600000;

test("the chart says what it is counted in", () =>
    onPage({}, async (page) => {
        const titles = {
            "/admin/usage": "Cost per day (EUR)",
            "/admin/usage?view=sum": "Cost added up (EUR)",
            "/admin/usage?measure=quantity&meter=connector.compute": "Quantity per day (hours)",
        };
        for (const [path, title] of Object.entries(titles)) {
            await open(page, path);
            await page.waitForSelector(".chart-card");
            assert.equal(await page.innerText(".chart-card h2"), title);
        }
    }));

test("a range of two years says which year a day is of", needsDrawing, () =>
    onPage({}, async (page) => {
        const labels = [];
        await page.exposeFunction("told", (text) => labels.push(text));
        await page.addInitScript(() => {
            const paint = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
                window.told(text);
                return paint.call(this, text, ...rest);
            };
        });
        const year = new Date().getUTCFullYear();
        await open(page, `/admin/usage?from=${year - 1}-12-20&to=${year}-01-20`);
        await page.waitForSelector(".chart-stage[data-drawn], .state h2");
        if ((await page.locator(".chart-stage").count()) === 0) return; // nothing was used then
        for (const one of [String(year - 1), String(year)]) assert.ok(labels.includes(one), one);
    }),
);

test("a budget line far above the bars is told with its height, not drawn and not lost", needsDrawing, () =>
    onPage({}, async (page) => {
        const budget = await made(page, {
            basis: "cost",
            meters: ["connector.compute"],
            limit: "1000000000.00",
        });
        try {
            await open(page, "/admin/usage?meter=connector.compute&range=30d");
            await page.waitForSelector(".chart-stage[data-drawn]");
            assert.match(
                await page.innerText(".chart-legend"),
                /an even day: [\d,.]+ EUR, above the chart/,
            );
            await open(page, "/admin/usage?range=30d");
            await page.waitForSelector(".chart-stage[data-drawn]");
            assert.doesNotMatch(await page.innerText(".chart-legend"), /above the chart/);
        } finally {
            await ask(page, "DELETE", `/v1/budgets/${budget.id}?version=${budget.version}`, {});
        }
    }),
);

test("on a telephone the breakdown shows cost, change and quantity without being pushed", () =>
    onPage({width: 390}, async (page) => {
        await open(page, "/admin/usage?range=30d");
        await page.waitForSelector(".breakdown");
        const {table, box} = await page.evaluate(() => ({
            table: document.querySelector(".breakdown").scrollWidth,
            box: document.querySelector(".breakdown").parentElement.clientWidth,
        }));
        assert.ok(table <= box, `the table is ${table - box} pixels too wide`);
        const row = await page.innerText(".breakdown tbody tr >> nth=0");
        assert.match(row, /tokens|hours|GB/);
        assert.match(await page.innerText(".breakdown thead"), /Cost \(EUR\)[\s\S]*Change/);
        await open(page, "/admin/budgets");
        assert.match(await page.innerText(".budgets tbody tr >> nth=0"), /% of [\d,.]+ /);
    }));

test("used over the limit is said, also by a budget that only tells or tries", () =>
    onPage({}, async (page) => {
        const over = {meters: ["connector.compute"], limit: "7200000", thresholds: []};
        const tells = await made(page, over);
        const tries = await made(page, {...over, mode: "block", shadow: true});
        try {
            await open(page, "/admin/budgets");
            assert.match(await page.innerText("main .lead"), /[2-9] over the limit/);
            for (const {name} of [tells, tries]) {
                const row = page.locator(".budgets tbody tr", {hasText: name});
                assert.match(await row.innerText(), /Over the limit/);
                // Milliseconds are told in hours.
                assert.match(await row.innerText(), /of 2 hours/);
            }
            await open(page, budgetPath(tells));
            const text = await page.innerText("section[aria-label=State]");
            assert.match(text, /7,200,000 ms\s+2 hours/);
            assert.match(text, /likely [\d,]+ \u2013 [\d,]+ ms|Too little is known/);
            await open(page, "/admin/usage");
            assert.match(
                await page.innerText("section[aria-label='This billing period']"),
                /others held back or over the limit/,
            );
        } finally {
            for (const {id, version} of [tells, tries])
                await ask(page, "DELETE", `/v1/budgets/${id}?version=${version}`, {});
        }
    }));

test("a budget's page tells every time in the zone of its periods", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        await page.waitForSelector("section:has(h2:text-is('History')) tbody tr");
        const text = await page.innerText("main");
        assert.match(text, /When \(Europe\/Berlin\)/);
        assert.doesNotMatch(text, /UTC/);
        const clock = new Intl.DateTimeFormat("sv-SE", {
            timeZone: "Europe/Berlin",
            dateStyle: "short",
            timeStyle: "short",
        }).format(new Date(budget.created_at));
        assert.ok(text.includes(clock), clock);
    }));

test("an override ends at a time of that zone, at most 31 days ahead", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        await page.click("section:has(h2:text-is('Overrides')) >> button:has-text('Override')");
        await page.fill("dialog [name=amount]", "500");
        await page.fill("dialog [name=reason]", "quarter end");
        const inZone = (ms) =>
            new Intl.DateTimeFormat("sv-SE", {
                timeZone: "Europe/Berlin",
                dateStyle: "short",
                timeStyle: "short",
            })
                .format(ms)
                .replace(" ", "T");
        await page.fill("dialog [name=expires_at]", inZone(Date.now() + 40 * 24 * HOUR_MS));
        await page.click("dialog >> button:text-is('Override')");
        assert.match(
            await page.innerText("dialog [data-field=expires_at] .field-error"),
            /At most 31 days ahead/,
        );
        const ends = Math.floor(Date.now() / 60000) * 60000 + 5 * HOUR_MS;
        await page.fill("dialog [name=expires_at]", inZone(ends));
        await page.click("dialog >> button:text-is('Override')");
        await page.waitForSelector(".override");
        const {overrides} = (await ask(page, "GET", `/v1/budgets/${budget.id}/overrides`)).body;
        assert.equal(Date.parse(overrides[0].expires_at), ends);
        assert.match(await page.innerText(".override"), /\(Europe\/Berlin\)/);
    }));

test("the form says what a limit is in a unit that people think in", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        assert.match(await page.innerText("[data-field=period]"), /Europe\/Berlin/);
        await page.check("[name=basis][value=quantity]");
        await page.check("[name=meters][value='connector.compute']");
        assert.match(await page.innerText("[data-field=limit]"), /In ms \(3,600,000 are 1 hour\)/);
        await page.uncheck("[name=meters][value='connector.compute']");
        await page.check("[name=meters][value='inference.tokens']");
        assert.match(await page.innerText("[data-field=limit]"), /In tokens, for each period/);
    }));
