// /admin/budgets against the real service: what is read, and overrides.
import assert from "node:assert/strict";
import {test} from "node:test";
import {axeFindings} from "./core.mjs";
import {
    ask,
    budgetPath,
    made,
    onPage,
    open,
    place,
    plainBudget,
    sentBy,
    settled,
} from "./admin-tests.mjs";

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

test("a tenant that has nothing is told what to begin with, on every page", () =>
    onPage({who: "other"}, async (page) => {
        const pages = [
            ["/admin/usage", /No prices are set[\s\S]*Nothing was used here/],
            ["/admin/budgets", /No budgets yet[\s\S]*Set a budget/],
            ["/admin/recipients", /Nobody is told yet[\s\S]*Add a recipient/],
        ];
        for (const [path, sentence] of pages) {
            await open(page, path);
            assert.match(await page.innerText("main"), sentence);
            assert.deepEqual(await axeFindings(page), []);
        }
    }));

test("who may not set budgets is not asked to", () =>
    onPage({who: "viewer"}, async (page) => {
        await page.route("**/v1/budgets", (route) => route.fulfill({json: {budgets: []}}));
        await open(page, "/admin/budgets");
        assert.match(await page.innerText("main"), /No budgets yet[\s\S]*An administrator/);
        assert.equal(await page.locator("main >> text=Set a budget").count(), 0);
    }));

test("a list that cannot be read is told and tried again", () =>
    onPage({}, async (page) => {
        await page.route("**/v1/budgets", (route) => route.abort());
        await open(page, "/admin/budgets");
        assert.match(await page.innerText("main"), /cannot be reached/);
        await page.unroute("**/v1/budgets");
        await page.click("button:text-is('Try again')");
        await page.waitForSelector(".budgets");
    }));

test("what was refused is listed on the budget's page, beside how much was not", () =>
    onPage({}, async (page) => {
        await open(page, budgetPath(place.filled.tokens));
        const card = page.locator("section:has(h2:text-is('Recent refusals'))");
        await card.locator("tbody tr").first().waitFor();
        assert.match(
            await card.locator("tbody tr").last().innerText(),
            /Blocked\s+inference\.tokens\s+4,000\s+[\d,]+\s+mara\.okafor/,
        );
        const {allowed} = (await ask(page, "GET", "/v1/decisions")).body;
        const said = /all budgets together, ([\d,]+) decisions? allowed today/;
        assert.equal(said.exec(await card.innerText())?.[1], allowed.today.toLocaleString("en-US"));
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
        assert.match(await page.innerText(".override"), /Another administrator has to approve it/);
        assert.equal(await page.locator("main >> button:text-is('Approve')").count(), 0);
        // Who asks the service all the same is refused there.
        const [{id}] = (await ask(page, "GET", `/v1/budgets/${budget.id}/overrides`)).body
            .overrides;
        const own = await ask(page, "POST", `/v1/budgets/${budget.id}/overrides/${id}/approve`, {
            reason: "I say so",
        });
        assert.equal(own.status, 403, JSON.stringify(own.body));
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

test("closing a dialog does not look like taking back what is on its way", () =>
    onPage({}, async (page) => {
        const budget = await made(page);
        await open(page, budgetPath(budget));
        let go;
        const held = new Promise((resolve) => (go = resolve));
        await page.route("**/overrides", async (route) => {
            if (route.request().method() === "POST") await held;
            await route.continue();
        });
        await askFor(page, {amount: "100", reason: "Slow line"});
        await page.keyboard.press("Escape");
        await page.click("dialog >> text=Cancel");
        assert.equal(await page.locator("dialog[open]").count(), 1);
        go();
        await page.waitForSelector(".override");
        assert.equal(await page.locator("dialog").count(), 0);
    }));
