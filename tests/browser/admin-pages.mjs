// What holds on every administration page, against the real service.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {axeFindings} from "./core.mjs";
import {ask, budgetPath, dist, made, onPage, open, place, settled} from "./admin-tests.mjs";

const paths = {
    usage: "/admin/usage",
    "usage by user, added up": "/admin/usage?range=90d&by=user&view=sum",
    quantities: "/admin/usage?measure=quantity&meter=storage.bytes&by=store",
    budgets: "/admin/budgets",
    "a budget": null,
    "the form": "/admin/budgets/new",
    prices: "/admin/prices",
    "new prices": "/admin/prices/new",
    recipients: "/admin/recipients",
    "rejected events": "/admin/dlq",
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
        for (const name of ["Budgets", "Prices", "Recipients", "Rejected events", "Access", "Usage"]) {
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

test("a change without the page's own header is refused, and no script reads the session", () =>
    onPage({}, async (page) => {
        await open(page, "/admin/budgets");
        assert.equal(await page.evaluate(() => document.cookie), "");
        const statuses = await page.evaluate(async () => {
            const post = (headers) =>
                fetch("/v1/budgets", {
                    method: "POST",
                    headers: {"Content-Type": "application/json", ...headers},
                    body: "{}",
                }).then(({status}) => status);
            return [await post({}), await post({"X-IntelGraph-CSRF": "1"})];
        });
        assert.deepEqual(statuses, [403, 400]); // the second one got as far as the budget itself
        const [cookie] = await page.context().cookies();
        assert.ok(cookie.httpOnly && cookie.sameSite === "Lax", JSON.stringify(cookie));
    }));

test("a page of another origin cannot change anything with the session", () =>
    onPage({}, async (page) => {
        const {status} = await page
            .context()
            .request.fetch(`${place.url}/v1/budgets`, {
                method: "POST",
                headers: {"X-IntelGraph-CSRF": "1", Origin: "https://evil.example"},
                data: {},
            })
            .then((response) => ({status: response.status()}));
        assert.equal(status, 403);
    }));
