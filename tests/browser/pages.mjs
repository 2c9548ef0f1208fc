// The pages against the mock service. Each test is one point of TAP.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {existsSync, readdirSync} from "node:fs";
import {join} from "node:path";
import {drawn, signedIn, startBrowser} from "./browser.mjs";
import {axeFindings, coreChecks, openHandoff, watched} from "./core.mjs";
import {corpus, hostileTexts, ids, checkpoint} from "./data.mjs";
import {startMock} from "./mock.mjs";

const dist = process.env.INTELGRAPH_DIST;
const hasDrawing =
    existsSync(dist) && readdirSync(dist).some((name) => name.startsWith("graph-view."));
const needsDrawing = hasDrawing
    ? {}
    : {skip: "this build has no drawing library (npm was not reached)"};
const kept = corpus();
let browser;
let mock;

before(async () => {
    mock = await startMock({dist});
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
    await mock?.stop();
});

// A fresh, signed-in, watched page; after the check nothing may have gone wrong on it.
async function onPage(options, check) {
    const page = await signedIn(
        browser,
        options.url ?? mock.url,
        `igt_demo_${options.role ?? "admin"}`,
        options,
    );
    const wrong = await watched(page);
    try {
        await check(page);
        assert.deepEqual(wrong, []);
    } finally {
        await page.context().close();
    }
}

const replyOf = (key) => kept.get(ids[key]);

for (const [sentence, check] of Object.entries(coreChecks)) {
    test(sentence, needsDrawing, () =>
        onPage({}, async (page) => {
            await openHandoff(page, mock.url, ids.investigation);
            await check(page, replyOf("investigation"));
        }),
    );
}

const places = {
    "the list": "/handoffs",
    "the hand-off": `/handoffs/${ids.investigation}`,
    "the truncated hand-off": `/handoffs/${ids.many}`,
    "the empty hand-off": `/handoffs/${ids.empty}`,
    "the missing hand-off": `/handoffs/${ids.missing}`,
    administration: "/admin/access",
    "the sign-in page": "/signin",
};

async function settled(page) {
    await page.waitForFunction(
        () => !document.querySelector(".spinner") && document.querySelector("main h1, main h2"),
    );
}

for (const theme of ["light", "dark"]) {
    for (const [name, path] of Object.entries(places)) {
        test(`axe finds nothing on ${name} in the ${theme} theme`, () =>
            onPage({theme}, async (page) => {
                await page.goto(mock.url + path);
                await settled(page);
                assert.deepEqual(await axeFindings(page), []);
            }));
    }
}

test("axe finds nothing on a narrow screen", () =>
    onPage({width: 390, height: 800}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        assert.deepEqual(await axeFindings(page), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
    }));

test("hostile values stay text on every page", () =>
    onPage({}, async (page) => {
        for (const path of ["/handoffs", `/handoffs/${ids.hostile}`, "/admin/access"]) {
            await page.goto(mock.url + path);
            await settled(page);
            for (const button of await page.locator(".entities .entity-button").all())
                await button.click();
            assert.equal(await page.evaluate(() => window.executed), undefined);
            assert.equal(
                await page.locator("main script, main iframe, main img, main [onerror]").count(),
                0,
            );
        }
    }));

test("hostile values are shown in full in the details", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.hostile}`);
        await settled(page);
        const button = page.locator(".entities .entity-button", {hasText: "<img src=x"}).first();
        await button.click();
        assert.equal(await page.innerText(".details-value"), hostileTexts[1]);
    }));

test("characters that hide or turn text are shown by number", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.hostile}`);
        await settled(page);
        const text = await page.innerText("main");
        assert.ok(text.includes("\u27e8202E\u27e9gpj.exe"));
        assert.ok(!text.includes("\u202e"));
        assert.ok(!text.includes("\u200b"));
    }));

test("no link leads to another place", () =>
    onPage({}, async (page) => {
        for (const path of [
            "/handoffs",
            `/handoffs/${ids.hostile}`,
            `/handoffs/${ids.investigation}`,
            "/admin/access",
        ]) {
            await page.goto(mock.url + path);
            await settled(page);
            for (const href of await page.$$eval("a[href]", (links) =>
                links.map((link) => link.href),
            )) {
                assert.equal(new URL(href).origin, mock.url);
            }
        }
    }));

test("the keyboard alone reaches an entity's details and comes back", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        await page.keyboard.press("Tab");
        assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
        const isOn = (selector) =>
            page.evaluate((it) => document.activeElement.matches(it), selector);
        for (let i = 0; i < 80 && !(await isOn(".entities .entity-button")); i++)
            await page.keyboard.press("Tab");
        assert.ok(await isOn(".entities .entity-button"), "Tab does not reach the table");
        await page.keyboard.press("Enter");
        await page.waitForSelector(".details-value");
        assert.ok(await isOn(".entities .entity-button"), "the focus was lost by choosing");
        for (let i = 0; i < 80 && !(await isOn(".neighbours .entity-button")); i++)
            await page.keyboard.press("Shift+Tab");
        await page.keyboard.press("Enter");
        assert.ok(await isOn("#details-title"), "the focus was lost on the way to a neighbour");
        await page.locator("[aria-label='Close the details']").focus();
        await page.keyboard.press("Enter");
        assert.equal(await page.locator(".details-value").count(), 0);
    }));

test("the focus is always to be seen", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        for (let i = 0; i < 30; i++) {
            await page.keyboard.press("Tab");
            const seen = await page.evaluate(() => {
                const outlined = (node) =>
                    parseFloat(getComputedStyle(node).outlineWidth) > 0 &&
                    getComputedStyle(node).outlineStyle !== "none";
                return (
                    outlined(document.activeElement) ||
                    outlined(document.activeElement.parentElement)
                );
            });
            assert.ok(
                seen,
                await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200)),
            );
        }
    }));

test("a search finds defanged spellings", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        await page.fill(".search input", "hxxps://cdn-telemetry-sync[.]example");
        assert.equal(await page.innerText(".search-count"), "1 found");
        assert.equal(await page.locator(".entities tbody tr").count(), 1);
    }));

test("copying gives the value, and defanged where asked", () =>
    onPage({permissions: ["clipboard-read", "clipboard-write"]}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        await page.click(".entities .entity-button >> text=185.220.101.47");
        await page.click("text=Copy defanged");
        await page.waitForSelector(".toast-shown");
        assert.equal(
            await page.evaluate(() => navigator.clipboard.readText()),
            "185[.]220[.]101[.]47",
        );
        await page.click(".details button:text-is('Copy')");
        await page.waitForFunction(
            async () => (await navigator.clipboard.readText()) === "185.220.101.47",
        );
    }));

test("the table sorts by what its heads name", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        await page.click(".entities .sort >> text=Rows");
        const counts = await page.$$eval(".entities tbody tr td:nth-child(2)", (cells) =>
            cells.map((cell) => Number(cell.textContent.replaceAll(",", ""))),
        );
        assert.deepEqual(
            counts,
            [...counts].sort((a, b) => b - a),
        );
        assert.equal(
            await page.getAttribute(".entities th:nth-child(2)", "aria-sort"),
            "descending",
        );
    }));

test("earlier hand-offs of an entity are told", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await settled(page);
        await page.click(".entities .entity-button >> text=185.220.101.47");
        assert.match(await page.innerText(".details-body"), /Seen in 3 earlier hand-offs/);
    }));

test("what the sender left out is told", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.skipped}`);
        await settled(page);
        assert.match(await page.innerText(".notice"), /5,210 entity values and 9,333 sightings/);
    }));

test("1,000 entities are drawn and stay zoomable", needsDrawing, () =>
    onPage({}, async (page) => {
        await openHandoff(page, mock.url, ids.thousand);
        assert.equal(
            (await page.evaluate(() => document.querySelector(".canvas").graph.count())).nodes,
            1000,
        );
        const before = await page.evaluate(() => document.querySelector(".canvas").graph.zoom());
        await page.locator(".canvas").hover();
        await page.mouse.wheel(0, -400);
        await page.waitForFunction(
            (was) => document.querySelector(".canvas").graph.zoom() > was,
            before,
        );
        await page.fill(".search input", "srv0.");
        await page.press(".search input", "Enter");
        assert.equal(await page.innerText(".details-value"), "srv0.campus.example");
    }),
);

test("beyond the limit the page says what is not drawn", needsDrawing, () =>
    onPage({}, async (page) => {
        await openHandoff(page, mock.url, ids.many);
        assert.match(
            await page.innerText(".notice"),
            /1,500 entities with the most relations, of 6,000/,
        );
        assert.equal(
            (await page.evaluate(() => document.querySelector(".canvas").graph.count())).nodes,
            1500,
        );
    }),
);

test("beyond the limit the table pages through all entities", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.many}`);
        await page.waitForSelector(".entities tbody tr");
        const status = page.locator(".entities .card-head .quiet");
        assert.equal(await status.innerText(), "1\u2013100 of 6,000 entities");
        await page.click("[aria-label='Next page']");
        await page.waitForFunction(() =>
            /^101/.test(document.querySelector(".entities .card-head .quiet").textContent),
        );
        await page.selectOption(".entities select", "host");
        await page.waitForFunction(() =>
            /100 matching/.test(document.querySelector(".entities .card-head .quiet").textContent),
        );
        await page.fill(".search input", "srv9");
        await page.waitForFunction(() =>
            /11 matching/.test(document.querySelector(".entities .card-head .quiet").textContent),
        );
    }));

test("a build without the drawing shows its tables and says why", async () => {
    const bare = await startMock({dist, drawing: false});
    try {
        await onPage({url: bare.url}, async (page) => {
            await page.goto(`${bare.url}/handoffs/${ids.investigation}`);
            await page.waitForSelector(".no-drawing");
            assert.match(await page.innerText(".no-drawing"), /npm was not reached/);
            assert.equal(await page.locator(".entities tbody tr").count(), 67);
            await page.click(".entities .entity-button >> text=185.220.101.47");
            assert.equal(await page.innerText(".details-value"), "185.220.101.47");
            await page.locator(".legend-entry input").first().uncheck();
            assert.match(await page.innerText(".entities .card-head"), /50 matching/);
            assert.deepEqual(await axeFindings(page), []);
        });
    } finally {
        await bare.stop();
    }
});

test("a drawing library that does not load leaves the tables", needsDrawing, () =>
    onPage({}, async (page) => {
        await page.route("**/graph-view.*", (route) => route.abort());
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await page.waitForSelector(".no-drawing");
        assert.match(await page.innerText(".no-drawing"), /did not load/);
    }),
);

test("an empty hand-off says what to do", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.empty}`);
        await page.waitForSelector(".state h1, .state h2");
        assert.match(
            await page.innerText("main"),
            /holds no entities[\s\S]*intelgraph_fields\.csv/,
        );
    }));

test("a missing hand-off is a sentence, not a blank", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.missing}`);
        await page.waitForSelector("[role=alert]");
        assert.match(await page.innerText("main"), /no such hand-off/);
    }));

test("a failure of the service is told and can be tried again", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/handoffs/${ids.broken}`);
        await page.waitForSelector("[role=alert]");
        assert.match(await page.innerText("main"), /The store is not answering/);
        assert.equal(await page.locator("text=Try again").count(), 1);
    }));

test("an unreachable service is told", () =>
    onPage({}, async (page) => {
        await page.route("**/graph?*", (route) => route.abort());
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await page.waitForSelector("[role=alert]");
        assert.match(await page.innerText("main"), /cannot be reached/);
    }));

test("a session that is over leads to the sign-in page and back", () =>
    onPage({}, async (page) => {
        await page.route("**/graph?*", (route) => route.fulfill({status: 401, body: "{}"}));
        await page.goto(`${mock.url}/handoffs/${ids.investigation}`);
        await page.waitForURL(/\/signin\?next=/);
        await page.unroute("**/graph?*");
        await page.fill("#token", "igt_demo_viewer");
        await page.click("button[type=submit]");
        await page.waitForURL(`${mock.url}/handoffs/${ids.investigation}`);
    }));

test("signing in says what is wrong with a token", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${mock.url}/signin`);
    const refusals = [
        ["", /Paste your token/],
        ["igt_a b", /no blanks/],
        ["Bearer", /begins with/],
        ["igt_demo_nobody", /not accepted/],
    ];
    for (const [token, sentence] of refusals) {
        await page.fill("#token", token);
        await page.click("button[type=submit]");
        await page.waitForFunction(
            (it) => new RegExp(it).test(document.querySelector("#token-error").textContent),
            sentence.source,
        );
        assert.equal(await page.evaluate(() => document.activeElement.id), "token");
    }
    await page.context().close();
});

test("signing in leads only to places of our own", async () => {
    for (const next of [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "",
    ]) {
        const page = await (await browser.newContext()).newPage();
        await page.goto(`${mock.url}/signin?next=${encodeURIComponent(next)}`);
        await page.fill("#token", "igt_demo_viewer");
        await page.click("button[type=submit]");
        await page.waitForURL(`${mock.url}/handoffs`);
        await page.context().close();
    }
});

test("the list loads older hand-offs and filters", () =>
    onPage({}, async (page) => {
        assert.equal(await page.locator("tbody tr").count(), 4);
        await page.click("text=Load older");
        await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 6);
        assert.ok(await page.locator("text=Load older").isHidden());
        await page.fill("#filter", "NASHUA mara");
        assert.equal(await page.locator("tbody tr").count(), 1);
        await page.fill("#filter", "nothing like this");
        assert.match(await page.innerText("main"), /Nothing matches/);
    }));

test("a link to an entity chooses it, and one to none chooses nothing", () =>
    onPage({}, async (page) => {
        const {id, value} = replyOf("investigation").entities[3];
        for (const [asked, shown] of [
            [id, value],
            ["999999", null],
            ["x", null],
            ["", null],
        ]) {
            await page.goto(`${mock.url}/handoffs/${ids.investigation}?entity=${asked}`);
            await page.waitForSelector(shown ? ".details-value" : ".details-empty");
            if (shown) assert.equal(await page.innerText(".details-value"), shown);
        }
    }));

test("a value that no hand-off names is told on the list, as text", () =>
    onPage({}, async (page) => {
        for (const value of hostileTexts) {
            await page.goto(`${mock.url}/handoffs?missing=${encodeURIComponent(value)}`);
            await page.waitForSelector("main .notice");
            assert.match(await page.innerText("main .notice"), /^No hand-off has named .* yet\./s);
            assert.equal(await page.locator("main .notice :is(img, script, b, a)").count(), 0);
        }
        await page.goto(`${mock.url}/handoffs`);
        await page.waitForSelector("main table");
        assert.equal(await page.locator("main .notice").count(), 0);
    }));

test("the list without hand-offs says how to make one", async () => {
    const bare = await startMock({dist});
    bare.state.noHandoffs = true;
    try {
        await onPage({url: bare.url}, async (page) => {
            await page.waitForSelector(".sample");
            assert.match(await page.innerText("main"), /\| ighandoff/);
        });
    } finally {
        await bare.stop();
    }
});

const cardsOf = {
    viewer: [],
    analyst: [],
    auditor: ["Audit log"],
    admin: ["API tokens", "Audit log"],
};
for (const [role, more] of Object.entries(cardsOf)) {
    test(`administration shows to the role ${role} what it may see`, () =>
        onPage({role}, async (page) => {
            mock.asked.length = 0;
            await page.goto(`${mock.url}/admin/access`);
            await settled(page);
            assert.deepEqual(await page.locator(".card h2").allInnerTexts(), [
                "You",
                "Service",
                "Recent hand-offs",
                ...more,
            ]);
            const asked = mock.asked.map(({url}) => url.split("?")[0]);
            assert.equal(asked.includes("/v1/tokens"), role === "admin");
            assert.equal(asked.includes("/v1/audit/records"), more.includes("Audit log"));
        }));
}

test("revoking a token asks first", () =>
    onPage({}, async (page) => {
        await page.goto(`${mock.url}/admin/access`);
        const revoked = () =>
            mock.asked.filter(
                ({method, url}) => method === "DELETE" && url.startsWith("/v1/tokens/"),
            );
        mock.asked.length = 0;
        await page.click("[aria-label='Revoke splunk-sh-01']");
        await page.waitForSelector("dialog[open]");
        assert.deepEqual(await axeFindings(page), []);
        await page.keyboard.press("Escape");
        await page.waitForFunction(() => !document.querySelector("dialog"));
        assert.equal(revoked().length, 0);
        await page.click("[aria-label='Revoke splunk-sh-01']");
        await page.click("dialog >> text=Revoke the token");
        await page.waitForFunction(
            () => !document.querySelector("[aria-label='Revoke splunk-sh-01']"),
        );
        assert.equal(revoked()[0].url, "/v1/tokens/k7wq2m");
        assert.equal(revoked()[0].headers["x-intelgraph-csrf"], "1");
    }));

test("the audit card shows the checkpoint to the byte and every record", () =>
    onPage({role: "auditor"}, async (page) => {
        await page.goto(`${mock.url}/admin/access`);
        await page.waitForSelector(".checkpoint pre");
        assert.equal(
            await page.locator(".checkpoint pre").evaluate((node) => node.textContent),
            checkpoint,
        );
        const rows = page.locator("section:has(h2:text-is('Audit log')) tbody tr");
        assert.equal(await rows.count(), 20);
        await page.click("text=Load older");
        await page.waitForFunction(() => document.querySelectorAll(".record").length === 43);
        await page.locator(".record summary").first().click();
        assert.match(await page.locator(".record pre").first().innerText(), /"action": "/);
    }));

test("the theme turns, repaints the drawing and is remembered", needsDrawing, () =>
    onPage({}, async (page) => {
        await openHandoff(page, mock.url, ids.investigation);
        const paper = () =>
            page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
        const light = await paper();
        await page.click("[aria-label='Use the dark theme']");
        const dark = await paper();
        assert.notEqual(dark, light);
        await page.reload();
        await drawn(page);
        assert.equal(await paper(), dark);
    }),
);

test("signing out ends the session and leaves", () =>
    onPage({}, async (page) => {
        mock.asked.length = 0;
        await page.click("text=Sign out");
        await page.waitForURL(`${mock.url}/signin`);
        assert.ok(mock.asked.some(({method, url}) => method === "DELETE" && url === "/v1/session"));
    }));

test("assets are asked for by names that change with their content", () => {
    for (const name of readdirSync(dist)) {
        assert.match(name, /^(index\.html|[a-z-]+\.[0-9a-f]{12}\.(js|css|svg|txt))\.gz$/);
    }
    assert.ok(existsSync(join(dist, "index.html.gz")));
});
