// Setting, changing and deleting budgets on /admin/budgets, against the real service: nothing is sent
// twice, nothing typed is lost.
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

test("when the service is away before anything is sent, that is said", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets/new");
        await typeBudget(page, "Offline");
        const sent = sentBy(page);
        await page.route("**/v1/session", (route) => route.abort());
        await page.click("text=Set the budget");
        await page.waitForSelector(".form-message strong");
        assert.match(
            await page.innerText(".form-message"),
            /cannot be reached[\s\S]*Nothing was sent/,
        );
        assert.deepEqual(sent, []);
        assert.equal(await page.inputValue("[name=name]"), "Offline");
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
