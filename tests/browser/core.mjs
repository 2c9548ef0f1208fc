// What must hold on the page of a hand-off whoever serves it: the mock or the real service.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {drawn} from "./browser.mjs";

const axeSource = readFileSync(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
    "utf8",
);

// Keeps what went wrong on a page: script errors, console errors, breaches of the content policy.
// Answers of the API that a test asks for (401, 404) are not errors of the page.
export async function watched(page) {
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
    page.on("console", (message) => {
        if (
            ["error", "warning"].includes(message.type()) &&
            !/^Failed to load resource/.test(message.text())
        ) {
            wrong.push(`console: ${message.text()}`);
        }
    });
    await page.exposeFunction("tellBreach", (text) => wrong.push(`policy: ${text}`));
    await page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) => {
            window.tellBreach(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
        });
    });
    return wrong;
}

export async function axeFindings(page) {
    await page.evaluate(`${axeSource};0`);
    const {violations} = await page.evaluate(() =>
        window.axe.run(document, {
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        }),
    );
    return violations.map(
        ({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).join(", ")}`,
    );
}

export async function openHandoff(page, url, id) {
    await page.goto(`${url}/handoffs/${id}`);
    await page.waitForSelector(".entities tbody tr");
    await drawn(page);
}

// Runs `check(page, model)` on the hand-off's page; `reply` is the API's answer for the same graph.
export const coreChecks = {
    async "the page names the hand-off and counts what is in it"(page, reply) {
        const text = await page.innerText(".handoff-head");
        assert.ok(text.includes(reply.handoff.user));
        assert.ok(text.includes(reply.handoff.sid));
        assert.ok(text.includes(new Intl.NumberFormat("en-US").format(reply.handoff.entities)));
    },

    async "every entity and relation of the answer is drawn"(page, reply) {
        const count = await page.evaluate(() => document.querySelector(".canvas").graph.count());
        assert.deepEqual(count, {nodes: reply.entities.length, edges: reply.relations.length});
    },

    async "something is painted where the drawing is"(page) {
        const painted = await page.evaluate(() => {
            const colours = new Set();
            for (const canvas of document.querySelectorAll(".canvas canvas")) {
                const {data} = canvas
                    .getContext("2d")
                    .getImageData(0, 0, canvas.width, canvas.height);
                for (let i = 0; i < data.length; i += 4) {
                    if (data[i + 3] > 200)
                        colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
                }
            }
            return colours.size;
        });
        assert.ok(painted > 20, `only ${painted} colours`);
    },

    async "choosing an entity in the table opens its details"(page) {
        const button = page.locator(".entities .entity-button").first();
        const value = await button.getAttribute("title");
        await button.click();
        assert.equal(await page.innerText(".details-value"), value);
        assert.equal(await button.getAttribute("aria-pressed"), "true");
        assert.match(await page.innerText(".details-body"), /Rows[\s\S]*Seen[\s\S]*Fields/);
    },

    async "a neighbour in the details leads on to its own details"(page) {
        await page.locator(".entities .entity-button").first().click();
        const neighbour = page.locator(".neighbours .entity-button").first();
        const value = await neighbour.getAttribute("title");
        await neighbour.click();
        assert.equal(await page.innerText(".details-value"), value);
    },

    async "clicking a node in the drawing opens its details"(page, reply) {
        const most = [...reply.entities].sort((a, b) => b.degree - a.degree)[0];
        const box = await page.locator(".canvas").boundingBox();
        const place = await page.evaluate((id) => {
            const {graph} = document.querySelector(".canvas");
            graph.reveal(id);
            return graph.renderedPosition(id);
        }, most.id);
        await page.mouse.click(box.x + place.x, box.y + place.y);
        assert.equal(await page.innerText(".details-value"), most.value);
    },

    async "unchecking a kind hides it in the drawing and in the tables"(page, reply) {
        const kinds = new Map();
        for (const {kind} of reply.entities) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        const entry = page.locator(".legend-entry").first();
        const count = Number(
            (await entry.locator(".legend-count").innerText()).replaceAll(",", ""),
        );
        await entry.locator("input").uncheck();
        const shown = await page.evaluate(
            () => document.querySelector(".canvas").graph.count().nodes,
        );
        assert.equal(shown, reply.entities.length - count);
        assert.match(await page.innerText(".drawing-status"), / of /);
        assert.match(await page.innerText(".entities .card-head"), /matching/);
        await entry.locator("input").check();
        assert.equal(
            await page.evaluate(() => document.querySelector(".canvas").graph.count().nodes),
            reply.entities.length,
        );
    },

    async "search counts the matches and Enter steps through them"(page, reply) {
        const word = reply.entities[0].value.slice(0, 6).toLowerCase();
        const matches = reply.entities.filter(({value}) =>
            value.toLowerCase().includes(word),
        ).length;
        await page.fill(".search input", word);
        assert.equal(await page.innerText(".search-count"), `${matches} found`);
        await page.press(".search input", "Enter");
        assert.equal(await page.innerText(".search-count"), `1 of ${matches}`);
        assert.ok((await page.innerText(".details-value")).toLowerCase().includes(word));
        await page.press(".search input", "Escape");
        assert.equal(await page.innerText(".search-count"), "");
    },

    async "zoom buttons change the scale and fit brings everything back"(page) {
        const zoom = () => page.evaluate(() => document.querySelector(".canvas").graph.zoom());
        await page.click("[aria-label='Fit everything']");
        const before = await zoom();
        await page.click("[aria-label='Zoom in']");
        assert.ok((await zoom()) > before * 1.2);
        await page.click("[aria-label='Zoom out']");
        await page.click("[aria-label='Zoom out']");
        assert.ok((await zoom()) < before);
        await page.click("[aria-label='Fit everything']");
        assert.ok(Math.abs((await zoom()) - before) < 0.001);
    },

    async "the JSON export is what the API gave"(page, reply) {
        const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.click("[aria-label='Save the graph as JSON']"),
        ]);
        assert.match(download.suggestedFilename(), /^intelgraph-\w+\.json$/);
        const saved = JSON.parse(readFileSync(await download.path(), "utf8"));
        assert.deepEqual(saved.entities, reply.entities);
        assert.deepEqual(saved.relations, reply.relations);
    },

    async "the PNG export is a picture of useful size"(page) {
        const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.click("[aria-label='Save the drawing as PNG']"),
        ]);
        const bytes = readFileSync(await download.path());
        assert.equal(bytes.subarray(1, 4).toString(), "PNG");
        assert.ok(bytes.readUInt32BE(16) >= 1400, "too narrow");
        assert.ok(bytes.readUInt32BE(20) >= 300, "too low");
    },

    async "two loads lay the graph out alike"(page) {
        const places = () =>
            page.evaluate(() => document.querySelector(".canvas").graph.positions());
        const before = await places();
        await page.reload();
        await drawn(page);
        assert.deepEqual(await places(), before);
    },

    async "axe finds nothing"(page) {
        await page.locator(".entities .entity-button").first().click();
        assert.deepEqual(await axeFindings(page), []);
    },
};
