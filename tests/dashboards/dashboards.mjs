// The app's dashboards in Splunk's own renderer and the system's Chromium.
// Environment: VIEWS (folder of the views), SHOTS (folder that the pictures go to), CHROMIUM.
import assert from "node:assert/strict";
import {mkdirSync, readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {after, before, describe, test} from "node:test";
import {chromium} from "playwright-core";
import {empty, full} from "./data.mjs";

const here = new URL(".", import.meta.url).pathname;
const views = process.env.VIEWS;
const shots = process.env.SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const html =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dashboard</title></head>' +
    '<body style="margin:0"><main id="root"></main><script src="/page.js"></script></body></html>';
const times = [
    ["-7d@h", "now", "Last 7 days"],
    ["-24h@h", "now", "Last 24 hours"],
];
const answers = {
    "data/ui/times": {
        entry: times.map(([earliest, latest, label]) => ({
            name: label,
            id: `https://127.0.0.1:8089/servicesNS/nobody/system/data/ui/times/${label}`,
            acl: {app: "system", owner: "nobody"},
            content: {
                earliest_time: earliest,
                latest_time: latest,
                label,
                header_label: label,
                order: 10,
                disabled: false,
                is_sub_menu: false,
            },
        })),
    },
    "authentication/current-context": {
        entry: [{content: {username: "mara", capabilities: ["search"]}}],
    },
};

let browser;
before(async () => {
    mkdirSync(shots, {recursive: true});
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM,
        args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"],
    });
});
after(() => browser.close());

function definition(name) {
    const text = readFileSync(`${views}/${name}.xml`, "utf8");
    return JSON.parse(/<definition><!\[CDATA\[([^]*?)\]\]><\/definition>/.exec(text)[1]);
}

// A dashboard on the screen. page.wrong collects script errors, page.opened the addresses that a
// click opened, whatever the site.
async function open(name, rows, theme = "light", change = () => {}) {
    const model = definition(name);
    change(model);
    const height = Math.max(...model.layout.structure.map(({position: {y, h}}) => y + h)) + 160;
    const context = await browser.newContext({
        viewport: {width: 1440, height},
        colorScheme: theme,
        reducedMotion: "reduce",
        timezoneId: "UTC",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(30000);
    page.model = model;
    page.wrong = [];
    page.opened = [];
    page.on("pageerror", (error) => page.wrong.push(error.message));
    page.on("console", (message) => {
        if (message.type() === "error") page.wrong.push(message.text());
    });
    await context.route("**/*", (route) => {
        const url = route.request().url();
        const path = url.replace("http://splunk.example", "");
        if (path === "/") return route.fulfill({contentType: "text/html", body: html});
        if (path === "/page.js") {
            return route.fulfill({path: `${here}/page.js`, contentType: "text/javascript"});
        }
        const known = Object.keys(answers).find((part) => path.includes(`/${part}?`));
        if (known) return route.fulfill({json: answers[known]});
        page.opened.push(url);
        return route.fulfill({contentType: "text/html", body: "opened"});
    });
    await page.addInitScript(() => {
        window.$C = {
            SPLUNKD_PATH: "/en-US/splunkd/__raw",
            LOCALE: "en-US",
            MRSPARKLE_ROOT_PATH: "",
            MRSPARKLE_PORT_NUMBER: 8000,
            USERNAME: "mara",
            SERVER_ZONEINFO: "",
        };
    });
    await page.goto("http://splunk.example/");
    await page.evaluate(([...all]) => window.show(...all), [model, theme, rows]);
    await page.waitForSelector('[data-test="grid-item"]');
    return page;
}

const item = (page, id) => page.locator(`[data-test="viz-item"][data-id="${id}"]`);
const rowsOf = (viz, rows) => rows[viz.dataSources.primary];

// What each kind of visualization must show of its rows.
const shows = {
    async "splunk.singlevalue"(place, viz, rows) {
        const field = /seriesByName\('(\w+)'\)/.exec(viz.options.majorValue)[1];
        const want = Number(rows.columns[rows.fields.indexOf(field)][0]);
        await place.locator('[data-test="majorValue"]').waitFor();
        const said = await place.locator('[data-test="majorValue"]').first().getAttribute("title");
        assert.equal(Number(said.replaceAll(",", "")), want);
    },
    async "splunk.table"(place, viz, rows) {
        const count = Math.min(rows.columns[0].length, viz.options.count);
        const body = place.locator('[data-test="body"] [data-test="row"]');
        await body.nth(count - 1).waitFor();
        assert.equal(await body.count(), count);
        const visible = rows.fields.filter((field) => !field.startsWith("_"));
        const head = await place.locator('[data-test="head-cell"]').allInnerTexts();
        assert.deepEqual(
            head.map((text) => text.trim()),
            visible,
        );
        const cells = await body.first().locator('[data-test="cell"]').allInnerTexts();
        visible.forEach((field, at) => {
            const value = rows.columns[rows.fields.indexOf(field)][0];
            const shown = cells[at].trim();
            // A column with a number's format has a comma at every third digit.
            if (viz.options.columnFormat?.[field]?.data && value !== null) {
                assert.equal(Number(shown.replaceAll(",", "")), Number(value), field);
                assert.ok(Number(value) < 1000 || shown.includes(","), `${field}: ${shown}`);
            } else assert.equal(shown, value ?? "", field);
        });
    },
    "splunk.column": charted,
    "splunk.bar": charted,
    "splunk.line": charted,
};

async function charted(place, viz, rows) {
    const series = rows.fields.length - 1;
    const marks = viz.type === "splunk.line" ? "path.highcharts-graph" : ".highcharts-point";
    await place.locator(`.highcharts-series ${marks}`).first().waitFor({state: "attached"});
    const drawn = place.locator(`.highcharts-series-group .highcharts-series`);
    assert.equal(await drawn.count(), series, "series");
    if (viz.type === "splunk.line") return;
    const points = await place.locator(`.highcharts-series ${marks}`).count();
    const lines = viz.options.overlayFields ?? [];
    const values = rows.columns
        .slice(1)
        .filter((_, at) => !lines.includes(rows.fields[at + 1]))
        .flat();
    for (const name of lines) {
        if (!rows.fields.includes(name)) continue;
        await place
            .locator(".highcharts-line-series path.highcharts-graph")
            .first()
            .waitFor({state: "attached"});
    }
    // Of a stack some charts leave out what is 0.
    const least = values.filter((value) => Number(value) > 0).length;
    assert.ok(points >= least && points <= values.length, `${points} of ${values.length} points`);
}

// What axe says of Splunk's own parts, which no definition can change: the grey of descriptions in the
// light theme, the handles that resize columns with a blank in their name, the buttons of the pager.
const splunksOwn = [
    ["color-contrast", /^<div data-test="viz-description"/],
    ["aria-valid-attr-value", /^<hr [^>]*data-test="resize"/],
    ["label-content-name-mismatch", /^<button [^>]*data-test="(prev|next)"/],
];

async function axeFindings(page) {
    await page.evaluate(`${axe};0`);
    const {violations} = await page.evaluate(() =>
        window.axe.run(document, {
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
        }),
    );
    return violations.flatMap(({id, nodes}) =>
        nodes
            .filter(
                ({html: part}) => !splunksOwn.some(([rule, own]) => rule === id && own.test(part)),
            )
            .map(({html: part, any}) => `${id}: ${part.slice(0, 160)} ${any[0]?.message ?? ""}`),
    );
}

async function settled(page) {
    await page.waitForLoadState("networkidle");
    await page.evaluate(
        () =>
            new Promise((done) => {
                let last = "";
                const look = () => {
                    const now = document.body.innerHTML;
                    if (now === last) return done();
                    last = now;
                    setTimeout(look, 300);
                };
                look();
            }),
    );
}

// The columns of a query that ends with `table a "b c"`.
const tableOf = (query) =>
    [.../\| table ([^|`]*)$/.exec(query)[1].matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare,
    );

for (const name of Object.keys(full)) {
    test(`${name}: the made-up rows have the columns that its searches give`, () => {
        for (const [id, {options}] of Object.entries(definition(name).dataSources)) {
            if (!/\| table /.test(options.query)) continue; // nor those that a macro ends
            for (const rows of [full[name][id], empty[name][id]]) {
                assert.deepEqual(rows.fields, tableOf(options.query), id);
            }
        }
    });

    for (const theme of ["light", "dark"]) {
        describe(`${name}, ${theme}`, () => {
            let page;
            before(async () => {
                page = await open(name, full[name], theme);
            });
            after(() => page.context().close());

            for (const [id, viz] of Object.entries(definition(name).visualizations)) {
                const rows = rowsOf(viz, full[name]);
                const sentence = rows.columns[0].length
                    ? "renders its rows"
                    : "hides while it has nothing to say";
                test(`${viz.title}: ${sentence}`, async () => {
                    if (rows.columns[0].length) {
                        await shows[viz.type](item(page, id), viz, rows);
                    } else {
                        await item(page, id).waitFor({state: "detached"});
                    }
                });
            }

            test("every search gets its time, and no token is left in it", async () => {
                const searches = await page.evaluate(() => window.searches);
                const ids = new Set(searches.map(({id}) => id));
                assert.deepEqual([...ids].sort(), Object.keys(page.model.dataSources).sort());
                const range = page.model.inputs.input_when.options.defaultValue.split(",");
                for (const {id, query, extend, earliest, latest} of searches) {
                    assert.doesNotMatch(query, /\$\w+(\.\w+)?(\|\w)?\$/, id);
                    if (!extend) assert.deepEqual([earliest, latest], range, id);
                }
            });

            test("no script error, and a picture", async () => {
                await settled(page);
                await page.screenshot({path: `${shots}/${name}-${theme}.png`, fullPage: true});
                const clip = {x: 0, y: 0, width: 1440, height: 900};
                await page.screenshot({path: `${shots}/${name}-${theme}-top.png`, clip});
                assert.deepEqual(page.wrong, []);
            });

            test("axe finds nothing to complain about but Splunk's own parts", async () => {
                assert.deepEqual(await axeFindings(page), []);
            });
        });
    }

    describe(`${name}, on the first day`, () => {
        let page;
        before(async () => {
            page = await open(name, empty[name]);
        });
        after(() => page.context().close());

        test("says what to do, and shows nothing that has nothing to say", async () => {
            await settled(page);
            await page.screenshot({path: `${shots}/${name}-empty.png`, fullPage: true});
            for (const [id, viz] of Object.entries(page.model.visualizations)) {
                const rows = rowsOf(viz, empty[name]);
                if (rows.columns[0].length) await shows[viz.type](item(page, id), viz, rows);
                else if (viz.hideWhenNoData) await item(page, id).waitFor({state: "detached"});
                else assert.match(await item(page, id).innerText(), /No /, id);
            }
            assert.match(await page.innerText("#root"), /Open Settings/);
            assert.deepEqual(page.wrong, []);
        });
    });
}

test("a search that fails says so in its panel", async () => {
    const sentence = "You lack the capability intelgraph_admin.";
    const page = await open("handoff_audit", {...full.handoff_audit, others: {error: sentence}});
    const panel = item(page, "viz_others");
    await panel.locator('[aria-label="Error"]').waitFor();
    assert.match(await panel.innerText(), new RegExp(sentence));
    assert.equal(await panel.locator('[data-test="row"]').count(), 0);
    await shows["splunk.table"](
        item(page, "viz_all"),
        page.model.visualizations.viz_all,
        full.handoff_audit.all,
    );
    await page.context().close();
});

describe("a value that wants out of its quotes", () => {
    const hostile = 'zoë" | delete | search user="\\*';

    test("an analyst's name stays one quoted value of the search", async () => {
        const rows = {...full.overview, analysts: {fields: ["user"], columns: [["mara", hostile]]}};
        const page = await open("overview", rows);
        await page
            .locator('[data-test="input-item"]', {hasText: "Analyst"})
            .locator('[data-test="select"]')
            .click();
        await page.locator('[data-test="option"]', {hasText: "delete"}).click();
        await page.waitForFunction(
            () => window.searches.filter(({id}) => id === "handoffs").length > 1,
        );
        const sent = await page.evaluate(
            () => window.searches.filter(({id}) => id === "handoffs").at(-1).query,
        );
        assert.equal(
            sent,
            `\`intelgraph_handoffs\` | search user=${JSON.stringify(hostile)} instance="*"`,
        );
        await page.context().close();
    });
});

describe("Open in IntelGraph", () => {
    const site = "https://intelgraph.example/open/handoffs/";
    const good = "0123456789abcdef0123456789abcdef";
    const hostileIds = [
        "a&b c?x=1/é",
        "../../logout",
        "%2e%2e%2f#frag",
        'x" onclick="y',
        "$analyst$|u",
        "💥",
    ];
    const hostileStarts = ["javascript:alert(1)//", "//evil.example/", "data:text/html,x", ""];
    const cases = [
        [site, good, ""],
        ["https://desk.example/t/acme/?case=", good, "&view=graph"],
        ...hostileIds.map((id) => [site, id, ""]),
        ...hostileStarts.map((start) => [start, good, ""]),
        [null, null, null],
    ];
    let page;
    before(async () => {
        const {fields} = full.overview.recent;
        const columns = fields.map((field, at) =>
            cases.map((parts) => {
                const part = ["_before", "_id", "_after"].indexOf(field);
                return part < 0 ? full.overview.recent.columns[at][0] : parts[part];
            }),
        );
        const rows = {...full.overview, recent: {fields, columns}};
        page = await open("overview", rows, "light", (model) => {
            model.visualizations.viz_recent.options.count = cases.length;
            model.layout.structure.at(-1).position.h = 900;
        });
        await settled(page);
    });
    after(() => page.context().close());

    // The address that a click on the row opens; "" when none does.
    async function click(row, timeout = 8000) {
        page.opened.length = 0;
        const rows = item(page, "viz_recent").locator('[data-test="body"] [data-test="row"]');
        const opens = page.waitForEvent("popup", {timeout}).catch(() => null);
        await rows.nth(row).locator('[data-test="cell"]', {hasText: "Open in IntelGraph"}).click();
        const tab = await opens;
        if (!tab) return page.opened.join();
        await tab.waitForLoadState();
        await tab.close();
        return page.opened.join();
    }

    test("a row opens the instance's own link", async () => {
        assert.equal(await click(0), site + good);
    });

    test("what stands behind the id in the admin's link template is kept", async () => {
        assert.equal(await click(1), `https://desk.example/t/acme/?case=${good}&view=graph`);
    });

    hostileIds.forEach((id, at) =>
        test(`an id like ${id} is one encoded piece of the path`, async () => {
            assert.equal(await click(2 + at), site + encodeURIComponent(id));
        }),
    );

    [...hostileStarts, null].forEach((start, at) =>
        test(`nothing opens where the link begins with ${JSON.stringify(start)}`, async () => {
            assert.equal(await click(2 + hostileIds.length + at, 1500), "");
        }),
    );
});
