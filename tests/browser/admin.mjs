// The administration pages. Each test is one point of TAP. What is to be seen is compared with what
// the API answers on the same session; failures of the service are put between by the browser.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {existsSync, readFileSync, readdirSync} from "node:fs";
import {sameSession, signedIn, startBrowser} from "./browser.mjs";
import {axeFindings, watched} from "./core.mjs";
import {decimal, moneyText} from "../../service/ui/pages/decimal.js";
import {startPlace} from "./admin-place.mjs";

const dist = process.env.INTELGRAPH_DIST;
const hasDrawing =
    existsSync(dist) && readdirSync(dist).some((name) => name.startsWith("chart-view."));
const needsDrawing = hasDrawing
    ? {}
    : {skip: "this build has no drawing library (npm was not reached)"};
let browser;
let place;

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
async function onPage({who = "admin", own = false, ...options}, check) {
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

async function settled(page) {
    await page.waitForFunction(
        () => !document.querySelector(".spinner") && document.querySelector("main h1, main h2"),
    );
}

async function open(page, path) {
    await page.goto(place.url + path);
    await settled(page);
}

// Asks the API with the page's session.
async function ask(page, method, path, body) {
    const response = await page.context().request.fetch(place.url + path, {
        method,
        headers: {"X-IntelGraph-CSRF": "1", Accept: "application/json"},
        data: body,
    });
    const text = await response.text();
    return {status: response.status(), body: text ? JSON.parse(text) : null};
}

let count = 0;
const plainBudget = (more = {}) => ({
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

async function made(page, more) {
    const {status, body} = await ask(page, "POST", "/v1/budgets", plainBudget(more));
    assert.equal(status, 201, JSON.stringify(body));
    return body;
}

// Counts what the page sends after this.
function sentBy(page) {
    const sent = [];
    page.on("request", (request) => {
        if (request.method() !== "GET")
            sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    return sent;
}

const budgetPath = (budget, rest = "") => `/admin/budgets/${budget.id}${rest}`;

// --- Usage ---------------------------------------------------------------------------------------

const iso = (ms) => new Date(ms).toISOString();
function costs(page, more) {
    const now = Date.now();
    const query = new URLSearchParams({
        window: "billing",
        by: "meter",
        from: iso(now - 1000),
        to: iso(now),
        ...more,
    });
    return ask(page, "GET", `/v1/costs?${query}`).then(({body}) => body);
}

test("usage tells spend, forecast, nearest budget, days left and how far the numbers are complete", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage");
        const tiles = await page.locator(".tiles").innerText();
        const told = await costs(page);
        assert.ok(tiles.includes(moneyText(decimal(told.total))), tiles);
        assert.ok(tiles.includes(told.currency), tiles);
        if (told.forecast) {
            assert.ok(tiles.includes(moneyText(decimal(told.forecast.expected))), tiles);
            assert.ok(tiles.includes(moneyText(decimal(told.forecast.low))), tiles);
        }
        const left = Math.ceil((Date.parse(told.to) - Date.now()) / 86400000);
        assert.match(tiles, new RegExp(`Days left\\s+${left}\\b`));
        assert.match(tiles, /Complete up to\s+\d+ \w{3}, \d\d:\d\d/);
        const {budgets} = (await ask(page, "GET", "/v1/budgets")).body;
        const nearest = Math.max(
            ...budgets.filter(({basis}) => basis === "cost").map(({state}) => Number(state.share)),
        );
        assert.match(tiles, new RegExp(`Nearest budget\\s+${String(nearest).replace(".", "\\.")}`));
    }));

test("the breakdown adds up to what the API says, and is set against the days before", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage?range=7d");
        const request = page.waitForRequest(/\/v1\/costs\?window=day/);
        await page.reload();
        const path = new URL((await request).url());
        await settled(page);
        const {body} = await ask(page, "GET", path.pathname + path.search);
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
        assert.match(rows[0].at(-1), /^([+\u2212]\d|0\.0|new)/);
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
        assert.match(await page.innerText(".breakdown thead"), /user/);
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

const anomalyOf = (ms) => ({
    id: "anm_1",
    meter: "inference.tokens",
    from: iso(ms),
    to: iso(ms + 3600000),
    quantity: "19158000",
    expected: "6386000",
    explained_by: {dimension: "user", value: "mara.okafor"},
});

test("an unusual day is marked in the chart, in the table and in words", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/usage/anomalies?*", (route) =>
            route.fulfill({json: {anomalies: [anomalyOf(Date.now() - 2 * 86400000)]}}),
        );
        await open(page, "/admin/usage?range=30d");
        assert.match(await page.innerText("main"), /unusual day/);
        await page.locator(".chart-table summary").click();
        assert.ok((await page.locator(".chart-table .badge-mark").count()) >= 1);
    }));

// --- Budgets: reading ----------------------------------------------------------------------------

test("the list tells each budget's state, the most urgent first", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets");
        const {budgets} = (await ask(page, "GET", "/v1/budgets")).body;
        const names = await page.locator(".budgets tbody th a").allInnerTexts();
        assert.deepEqual([...names].sort(), budgets.map(({name}) => name).sort());
        const weight = {blocked: 3, throttled: 2, notice: 1, ok: 0};
        const order = names.map(
            (name) => weight[budgets.find((one) => one.name === name).state.verdict],
        );
        assert.deepEqual(
            order,
            [...order].sort((a, b) => b - a),
        );
        const first = budgets.find(({name}) => name === names[0]);
        assert.ok(
            (await page.locator(".budgets tbody tr").first().innerText()).includes(
                `${first.state.share} %`,
            ),
        );
    }));

test("a budget's page tells state, ladder, thresholds, contact and history", () =>
    onPage({}, async (page) => {
        const budget = await made(page, {
            mode: "throttle",
            throttle: {from_percent: "60", rate: "50", burst: "100"},
            shadow: true,
            thresholds: [
                {kind: "percent", value: "80"},
                {kind: "absolute", value: "900000"},
                {kind: "forecast", value: "100"},
            ],
        });
        await open(page, budgetPath(budget));
        const text = await page.innerText("main");
        assert.match(text, /Notify[\s\S]*Throttle\s+from 60 %: 50 calls a second, 100 at once/);
        assert.match(text, /Shadow mode/);
        assert.match(text, /80 % used[\s\S]*900,000 calls used[\s\S]*100 % forecast/);
        assert.match(text, /finance@acme\.example/);
        assert.match(text, /1,000,000 calls/);
        await page.waitForSelector("section:has(h2:text-is('History')) tbody tr");
        assert.match(
            await page.innerText("section:has(h2:text-is('History'))"),
            /Set[\s\S]*mara\.okafor/,
        );
    }));

test("history loads older entries", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        let {version} = budget;
        for (let i = 0; i < 24; i++) {
            const reply = await ask(page, "PUT", `/v1/budgets/${budget.id}`, {
                ...plainBudget({name: budget.name, limit: String(2000 + i)}),
                version,
            });
            assert.equal(reply.status, 200, JSON.stringify(reply.body));
            ({version} = reply.body);
        }
        await open(page, budgetPath(budget));
        const card = page.locator("section:has(h2:text-is('History'))");
        await card.locator("tbody tr").nth(19).waitFor();
        assert.equal(await card.locator("tbody tr").count(), 20);
        await card.locator("text=Load older").click();
        await card.locator("tbody tr").nth(24).waitFor();
        assert.ok(await card.locator("text=Load older").isHidden());
    }));

test("a viewer reads budgets and has no buttons", () =>
    onPage({who: "viewer"}, async (page) => {
        await open(page, "/admin/budgets");
        assert.equal(await page.locator("main .button").count(), 0);
        await page.locator(".budgets tbody th a").first().click();
        await settled(page);
        await page.waitForSelector("section:has(h2:text-is('Overrides'))");
        assert.equal(await page.locator("main button:visible").count(), 0);
        const here = page.url();
        for (const address of [`${here}/edit`, `${place.url}/admin/budgets/new`]) {
            await page.goto(address);
            await settled(page);
            assert.match(await page.innerText("main"), /Only an administrator/);
            assert.equal(await page.locator("form").count(), 0);
        }
    }));

test("a budget of another tenant is not there, and the page says what that may mean", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await onPage({who: "other"}, async (theirs) => {
            for (const rest of ["", "/edit"]) {
                await open(theirs, budgetPath(budget, rest));
                assert.match(await theirs.innerText("main"), /no such budget[\s\S]*another tenant/);
                assert.doesNotMatch(await theirs.innerText("main"), new RegExp(budget.name));
            }
        });
    }));

test("no budgets is said with the first step, to who may take it", async () => {
    for (const [who, link] of [
        ["admin", 1],
        ["viewer", 0],
    ]) {
        await onPage({who}, async (page) => {
            await page.route("**/v1/budgets", (route) => route.fulfill({json: {budgets: []}}));
            await open(page, "/admin/budgets");
            assert.match(await page.innerText("main"), /No budgets yet/);
            assert.equal(await page.locator("main >> text=Set a budget").count(), link);
            assert.deepEqual(await axeFindings(page), []);
        });
    }
});

test("a list that cannot be read is told and tried again", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/budgets", (route) => route.abort());
        await open(page, "/admin/budgets");
        assert.match(await page.innerText("main"), /cannot be reached/);
        await page.unroute("**/v1/budgets");
        await page.click("button:text-is('Try again')");
        await page.waitForSelector(".budgets");
    }));

// --- Budgets: writing ----------------------------------------------------------------------------

async function typeBudget(page, name) {
    await page.fill("[name=name]", name);
    await page.check("[name=basis][value=quantity]");
    await page.check("[name=meters][value='api.calls']");
    await page.fill("[name=limit]", "250,000");
    await page.fill("[name=contact]", "ask @mara");
}

test("a double click sets one budget, and the way back does not set it again", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets");
        await page.click("text=New budget");
        await settled(page);
        const name = `Once ${Date.now()}`;
        await typeBudget(page, name);
        const sent = sentBy(page);
        await page.dblclick("text=Set the budget");
        await page.waitForURL(/\/admin\/budgets\/bdg_/);
        await settled(page);
        assert.match(await page.innerText("main h1"), new RegExp(name));
        assert.deepEqual(sent, ["POST /v1/budgets"]);
        await page.goBack();
        await page.waitForURL(`${place.url}/admin/budgets`);
        await settled(page);
        assert.equal(await page.locator(".budgets tbody th a", {hasText: name}).count(), 1);
        await open(page, "/admin/budgets/new");
        assert.equal(await page.inputValue("[name=name]"), "");
        const {budgets} = (await ask(page, "GET", "/v1/budgets")).body;
        const [kept] = budgets.filter((one) => one.name === name);
        assert.equal(kept.limit, "250000");
        assert.equal(kept.contact, "ask @mara");
        assert.deepEqual(
            kept.thresholds.map(({kind, value}) => `${kind} ${Number(value)}`),
            ["percent 50", "percent 80", "percent 100", "forecast 100"],
        );
    }));

test("what is wrong is said beside its field before anything is sent", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        const sent = sentBy(page);
        await page.click("text=Set the budget");
        assert.match(await page.innerText("[data-field=name] .field-error"), /needs a name/);
        assert.match(await page.innerText("[data-field=limit] .field-error"), /must be a number/);
        assert.match(await page.innerText("[data-field=contact] .field-error"), /whom to ask/);
        assert.equal(await page.evaluate(() => document.activeElement.name), "name");
        assert.equal(await page.getAttribute("[name=name]", "aria-invalid"), "true");
        assert.deepEqual(await axeFindings(page), []);
        await typeBudget(page, "Thresholds");
        await page.locator("[name=threshold-value]").nth(1).fill("50");
        await page.keyboard.press("Enter");
        assert.match(
            await page.innerText("[data-field=thresholds] .field-error"),
            /is there twice/,
        );
        await page.check("[name=meters][value='inference.tokens']");
        await page.click("text=Set the budget");
        assert.match(await page.innerText("[data-field=meters] .field-error"), /different units/);
        assert.deepEqual(sent, []);
    }));

test("what the service refuses is said beside the field that it names, and nothing typed is lost", () =>
    onPage({}, async (page) => {
        const there = await made(page);
        await open(page, "/admin/budgets/new");
        await typeBudget(page, there.name);
        await page.route("**/v1/budgets", (route) =>
            route.request().method() === "POST"
                ? route.fulfill({
                      status: 400,
                      contentType: "application/problem+json",
                      body: JSON.stringify({
                          title: "Not understood",
                          detail: "name: another budget has this name",
                          field: "name",
                      }),
                  })
                : route.continue(),
        );
        await page.click("text=Set the budget");
        await page.waitForSelector("[data-field=name] .field-error svg");
        assert.match(
            await page.innerText("[data-field=name] .field-error"),
            /another budget has this name/,
        );
        assert.equal(await page.inputValue("[name=limit]"), "250,000");
    }));

test("thresholds are added and taken away by keyboard, and sent in order", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        const name = `Steps ${Date.now()}`;
        await typeBudget(page, name);
        await page.focus("[aria-label='Remove threshold 1']");
        await page.keyboard.press("Enter");
        assert.match(
            await page.evaluate(() => document.activeElement.textContent),
            /Add a threshold/,
        );
        await page.keyboard.press("Enter");
        await page.keyboard.type("25");
        await page.keyboard.press("Enter");
        await page.waitForURL(/\/admin\/budgets\/bdg_/);
        await settled(page);
        assert.deepEqual(
            await page.locator(".chips li").allInnerTexts(),
            await page.locator(".chips li").allInnerTexts(),
        );
        const text = (await page.locator(".chips li").allInnerTexts()).join(", ");
        assert.match(text, /^25 % used.*80 % used.*100 % used.*100 % forecast/);
    }));

test("what was typed is there again after the way back, a reload, and until it is thrown away", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets");
        await page.click("text=New budget");
        await settled(page);
        await typeBudget(page, "Half a thought");
        await page.goBack();
        await settled(page);
        await page.goForward();
        await page.waitForSelector("[name=name]");
        assert.equal(await page.inputValue("[name=name]"), "Half a thought");
        await page.reload();
        await page.waitForSelector("[name=name]");
        assert.equal(await page.inputValue("[name=name]"), "Half a thought");
        assert.ok(await page.isChecked("[name=meters][value='api.calls']"));
        assert.match(await page.innerText("main .notice"), /is here again/);
        await page.click("text=Discard it");
        await page.waitForFunction(() => document.querySelector("[name=name]")?.value === "");
    }));

test("what was typed is nobody else's: signing out forgets it", () =>
    onPage({own: true}, async (page) => {
        await open(page, "/admin/budgets/new");
        await typeBudget(page, "Mine alone");
        await page.click("text=Sign out");
        await page.waitForURL(/\/signin/);
        assert.equal(
            await page.evaluate(
                () =>
                    Object.keys(sessionStorage).filter((key) => key.startsWith("intelgraph-draft"))
                        .length,
            ),
            0,
        );
    }));

test("a session that ends while one types is begun anew on the spot, and the budget is saved", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        const name = `Late ${Date.now()}`;
        await typeBudget(page, name);
        await page.context().clearCookies();
        await page.click("text=Set the budget");
        await page.waitForSelector("dialog[open]");
        assert.match(await page.innerText("dialog"), /Your session is over[\s\S]*kept/);
        assert.deepEqual(await axeFindings(page), []);
        for (const [token, sentence] of [
            ["", /Paste your token/],
            ["igt_nonsense", /not accepted/],
            [place.tokens.other, /belongs to/],
        ]) {
            await page.fill("dialog [name=token]", token);
            await page.click("text=Sign in and send");
            await page.waitForFunction(
                (it) =>
                    new RegExp(it).test(document.querySelector("dialog .field-error").textContent),
                sentence.source,
            );
        }
        await page.fill("dialog [name=token]", place.tokens.admin);
        await page.click("text=Sign in and send");
        await page.waitForURL(/\/admin\/budgets\/bdg_/);
        await settled(page);
        assert.match(await page.innerText("main h1"), new RegExp(name));
    }));

test("who does not sign in again keeps what was typed", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        await typeBudget(page, "Kept");
        await page.context().clearCookies();
        await page.click("text=Set the budget");
        await page.waitForSelector("dialog[open]");
        await page.keyboard.press("Escape");
        await page.waitForSelector(".form-message strong");
        assert.match(await page.innerText(".form-message"), /not signed in[\s\S]*Nothing was sent/);
        assert.equal(await page.inputValue("[name=name]"), "Kept");
    }));

test("when another tab has signed in to another tenant, nothing is sent there", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        await typeBudget(page, "Not for them");
        const tab = await page.context().newPage();
        await tab.goto(`${place.url}/signin`);
        await tab.fill("#token", place.tokens.other);
        await tab.click("button[type=submit]");
        await tab.waitForURL(`${place.url}/handoffs`);
        const sent = sentBy(page);
        await page.click("text=Set the budget");
        await page.waitForSelector(".form-message strong");
        assert.match(
            await page.innerText(".form-message"),
            /Somebody else is signed in[\s\S]*Nothing was sent/,
        );
        assert.deepEqual(sent, []);
        assert.equal(await page.inputValue("[name=name]"), "Not for them");
    }));

test("an answer that never came is said to be unknown, and what was typed stays", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        await typeBudget(page, "Perhaps");
        await page.route("**/v1/budgets", (route) => route.abort());
        await page.click("text=Set the budget");
        await page.waitForSelector(".form-message strong");
        assert.match(await page.innerText(".form-message"), /not known whether/);
        assert.equal(await page.inputValue("[name=name]"), "Perhaps");
    }));

test("another's change is shown beside one's own, and is only overwritten when asked", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget, "/edit"));
        await page.fill("[name=limit]", "777000");
        await onPage({who: "second"}, async (other) => {
            const reply = await ask(other, "PUT", `/v1/budgets/${budget.id}`, {
                ...plainBudget({name: budget.name, limit: "555000", contact: "ask jo"}),
                version: budget.version,
            });
            assert.equal(reply.status, 200, JSON.stringify(reply.body));
        });
        await page.click("text=Save the changes");
        await page.waitForSelector(".conflict");
        const told = await page.innerText(".form-message");
        assert.match(told, /jo\.lind has changed this budget meanwhile/);
        assert.match(told, /Limit\s+777000\s+555000/);
        assert.match(told, /Contact\s+finance@acme\.example\s+ask jo/);
        assert.equal(await page.inputValue("[name=limit]"), "777000");
        assert.deepEqual(await axeFindings(page), []);
        assert.equal((await ask(page, "GET", `/v1/budgets/${budget.id}`)).body.limit, "555000");
        await page.click("text=Save mine over theirs");
        await page.waitForURL(place.url + budgetPath(budget));
        assert.equal((await ask(page, "GET", `/v1/budgets/${budget.id}`)).body.limit, "777000");
    }));

test("another's change can be taken over one's own", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget, "/edit"));
        await page.fill("[name=limit]", "777000");
        await ask(page, "PUT", `/v1/budgets/${budget.id}`, {
            ...plainBudget({name: budget.name, limit: "555000"}),
            version: budget.version,
        });
        await page.click("text=Save the changes");
        await page.waitForSelector(".conflict");
        await page.click("text=Take theirs, drop mine");
        await page.waitForFunction(
            () => document.querySelector("[name=limit]")?.value === "555000",
        );
    }));

test("a budget that is deleted while one changes it is said to be gone, and what was typed stays", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget, "/edit"));
        await page.fill("[name=limit]", "777000");
        const gone = await ask(
            page,
            "DELETE",
            `/v1/budgets/${budget.id}?version=${budget.version}`,
            {version: budget.version},
        );
        assert.ok(gone.status < 300, JSON.stringify(gone.body));
        await page.click("text=Save the changes");
        await page.waitForSelector(".form-message strong");
        assert.match(await page.innerText(".form-message"), /no longer there/);
        assert.equal(await page.inputValue("[name=limit]"), "777000");
    }));

test("deleting asks first, sends the version, and a newer one is not deleted", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        const sent = sentBy(page);
        await page.click("main >> text=Delete");
        await page.waitForSelector("dialog[open]");
        assert.deepEqual(await axeFindings(page), []);
        await page.keyboard.press("Escape");
        assert.deepEqual(sent, []);
        const newer = await ask(page, "PUT", `/v1/budgets/${budget.id}`, {
            ...plainBudget({name: budget.name, limit: "5"}),
            version: budget.version,
        });
        assert.equal(newer.status, 200);
        await page.click("main >> text=Delete");
        await page.click("text=Delete the budget");
        await page.waitForSelector("dialog .form-message strong");
        assert.match(await page.innerText("dialog"), /changed this budget meanwhile/);
        await page.keyboard.press("Escape");
        await open(page, budgetPath(budget));
        await page.click("main >> text=Delete");
        await page.dblclick("text=Delete the budget");
        await page.waitForURL(`${place.url}/admin/budgets`);
        assert.equal((await ask(page, "GET", `/v1/budgets/${budget.id}`)).status, 404);
    }));

// --- Overrides -----------------------------------------------------------------------------------

async function askFor(page, {amount, reason, until} = {}) {
    await page.click("section:has(h2:text-is('Overrides')) >> button:has-text('Override')");
    await page.waitForSelector("dialog[open]");
    if (amount) await page.fill("dialog [name=amount]", amount);
    if (until) await page.fill("dialog [name=expires_at]", until);
    if (reason) await page.fill("dialog [name=reason]", reason);
    await page.click("dialog >> button:text-is('Override')");
}

test("an override wants an amount, a time to come and a reason, and holds then", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        const error = (field) => page.innerText(`dialog [data-field=${field}] .field-error`);
        await askFor(page);
        assert.match(await error("amount"), /Say how much/);
        assert.deepEqual(await axeFindings(page), []);
        await page.fill("dialog [name=amount]", "5,000");
        await page.fill("dialog [name=expires_at]", "2020-01-01T00:00");
        await page.click("dialog >> button:text-is('Override')");
        assert.match(await error("expires_at"), /past/);
        await page.fill(
            "dialog [name=expires_at]",
            new Date(Date.now() + 7200000).toISOString().slice(0, 16),
        );
        await page.click("dialog >> button:text-is('Override')");
        assert.match(await error("reason"), /reason is needed/);
        assert.equal(await page.inputValue("dialog [name=amount]"), "5,000");
        await page.fill("dialog [name=reason]", "Month-end run");
        const sent = sentBy(page);
        await page.dblclick("dialog >> button:text-is('Override')");
        await page.waitForSelector(".override");
        assert.deepEqual(sent, [`POST /v1/budgets/${budget.id}/overrides`]);
        assert.match(
            await page.innerText(".override"),
            /5,000 calls more\s+In force[\s\S]*Month-end run[\s\S]*mara\.okafor/,
        );
        assert.match(await page.innerText(".tiles"), /1,005,000/);
        await page.click("text=Take back");
        await page.click("dialog >> text=Take it back");
        assert.match(
            await page.innerText("dialog [data-field=reason] .field-error"),
            /reason is needed/,
        );
        await page.fill("dialog [name=reason]", "Done sooner");
        await page.click("dialog >> text=Take it back");
        await page.waitForSelector("text=None in force.");
        await page.waitForSelector("section:has(h2:text-is('History')) tbody tr:nth-child(3)");
        assert.match(
            await page.innerText("section:has(h2:text-is('History'))"),
            /taken back[\s\S]*asked for[\s\S]*Set/,
        );
    }));

test("a bypass wants no amount", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        await page.click("section:has(h2:text-is('Overrides')) >> button:has-text('Override')");
        await page.check("dialog [value=bypass]");
        assert.ok(await page.locator("dialog [name=amount]").isHidden());
        await page.fill("dialog [name=reason]", "Incident");
        await page.click("dialog >> button:text-is('Override')");
        await page.waitForSelector(".override");
        assert.match(await page.innerText(".override"), /Everything let through/);
    }));

test("where two are needed it waits, is not approved by who asked, and by another it is", () =>
    onPage({}, async (page) => {
        const budget = await made(page, {two_person: true});
        await open(page, budgetPath(budget));
        await askFor(page, {amount: "100", reason: "Quarter end"});
        await page.waitForSelector(".override");
        assert.match(await page.innerText(".override"), /Waits for a second person/);
        assert.doesNotMatch(await page.innerText(".tiles"), /1,000,100/);
        await page.click("main >> button:text-is('Approve')");
        await page.fill("dialog [name=reason]", "I say so");
        await page.click("dialog >> button:text-is('Approve')");
        await page.waitForSelector("dialog .form-message strong");
        assert.equal(await page.inputValue("dialog [name=reason]"), "I say so");
        await page.keyboard.press("Escape");
        await onPage({who: "second"}, async (other) => {
            await open(other, budgetPath(budget));
            await other.waitForSelector(".override");
            await other.click("main >> button:text-is('Approve')");
            assert.match(await other.innerText("dialog"), /mara\.okafor asks for it: .Quarter end/);
            await other.fill("dialog [name=reason]", "Agreed with finance");
            await other.click("dialog >> button:text-is('Approve')");
            await other.waitForFunction(() =>
                /In force/.test(document.querySelector(".override")?.textContent ?? ""),
            );
            assert.match(await other.innerText(".override"), /approved by jo\.lind/);
        });
    }));

// --- Recipients ----------------------------------------------------------------------------------

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

test("nobody to tell is said with the first step", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/recipients", (route) => route.fulfill({json: {recipients: []}}));
        await open(page, "/admin/recipients");
        assert.match(await page.innerText("main"), /Nobody is told yet/);
        assert.deepEqual(await axeFindings(page), []);
    }));

// --- All of them ---------------------------------------------------------------------------------

const paths = {
    usage: "/admin/usage",
    "usage by user, added up": "/admin/usage?range=90d&by=user&view=sum",
    quantities: "/admin/usage?measure=quantity&meter=storage.bytes&by=store",
    budgets: "/admin/budgets",
    "a budget": null,
    "the form": "/admin/budgets/new",
    recipients: "/admin/recipients",
    access: "/admin/access",
    "a missing budget": "/admin/budgets/bdg_0000000000000000000000",
};
for (const [theme, width] of [
    ["light", 1440],
    ["dark", 1440],
    ["light", 400],
]) {
    for (const [name, path] of Object.entries(paths)) {
        test(`axe finds nothing on ${name} (${theme}, ${width} pixels), and it fits`, () =>
            onPage({theme, width}, async (page) => {
                await open(
                    page,
                    path ?? budgetPath((await ask(page, "GET", "/v1/budgets")).body.budgets[0]),
                );
                assert.deepEqual(await axeFindings(page), []);
                const over = await page.evaluate(
                    () => document.documentElement.scrollWidth - innerWidth,
                );
                assert.ok(over <= 0, `the page is ${over} pixels too wide`);
            }));
    }
}

test("hostile names stay text on every page", () =>
    onPage({}, async (page) => {
        const name = `<img src=x onerror="window.executed=1"> \u202e${Date.now()}`;
        const budget = await made(page, {name, contact: "<script>window.executed=1</script>"});
        for (const path of [
            "/admin/budgets",
            budgetPath(budget),
            budgetPath(budget, "/edit"),
            "/admin/usage?by=user",
        ]) {
            await open(page, path);
            assert.equal(await page.evaluate(() => window.executed), undefined);
            assert.equal(
                await page.locator("main script, main img, main iframe, main [onerror]").count(),
                0,
            );
        }
        await open(page, budgetPath(budget));
        assert.match(
            await page.innerText("main h1"),
            /<img src=x onerror="window\.executed=1"> \u27e8202E\u27e9/,
        );
        await ask(page, "DELETE", `/v1/budgets/${budget.id}?version=${budget.version}`, {
            version: budget.version,
        });
    }));

test("the keyboard alone reaches every page of the administration, with the focus to be seen", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/usage");
        for (const name of ["Budgets", "Recipients", "Access", "Usage"]) {
            for (let i = 0; i < 40; i++) {
                await page.keyboard.press("Tab");
                const {text, seen} = await page.evaluate(() => {
                    const at = document.activeElement;
                    const outlined = [at, at.nextElementSibling].some(
                        (node) =>
                            node &&
                            getComputedStyle(node).outlineStyle !== "none" &&
                            parseFloat(getComputedStyle(node).outlineWidth) > 0,
                    );
                    return {text: at.textContent.trim(), seen: outlined};
                });
                assert.ok(seen, `no outline on ${text}`);
                if (text === name) break;
            }
            await page.keyboard.press("Enter");
            await page.waitForFunction(
                (it) => document.querySelector("main h1")?.textContent === it,
                name,
            );
            await settled(page);
        }
    }));

test("a part of a page that does not load is told", () =>
    onPage({}, async (page) => {
        await page.route("**/assets/admin-budgets.*.js", (route) => route.abort());
        await page.goto(`${place.url}/admin/budgets`);
        await page.waitForSelector("[role=alert]");
        assert.match(await page.innerText("main"), /did not load/);
    }));

test("what only /admin shows is not loaded by other pages", () => {
    const shell = readFileSync(`${dist}/index.html.gz`);
    assert.ok(shell.length < 1500, `the shell has ${shell.length} bytes`);
    return onPage({}, async (page) => {
        const asked = [];
        page.on("request", (request) => asked.push(new URL(request.url()).pathname));
        await page.goto(`${place.url}/handoffs`);
        await settled(page);
        assert.deepEqual(
            asked.filter((path) => /\/(admin-|usage-|budget-|chart-)/.test(path)),
            [],
        );
    });
});
