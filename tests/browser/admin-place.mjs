// A real intelgraphd for the tests of the administration pages: two tenants, prices, usage of the
// last weeks and budgets in every state, all of it over the service's own API and command line.
import assert from "node:assert/strict";
import {createToken, startService} from "./service.mjs";

const DAY = 86400000;
const zone = "Europe/Berlin"; // days do not begin with UTC's
const prices = [
    {meter: "inference.tokens", per: "1000000", price: "2.50"},
    {meter: "storage.bytes", unit: "GB-months", per: "1", price: "0.021"},
    {meter: "connector.compute", unit: "hours", per: "1", price: "0.18"},
];
const shares = {
    "inference.tokens": [
        [{model: "large", user: "mara.okafor"}, 50],
        [{model: "large", user: "jo.lind"}, 30],
        [{model: "small", user: "<img src=x onerror=alert(1)>"}, 20],
    ],
    "connector.compute": [
        [{connector: "misp"}, 60],
        [{connector: "shodan"}, 40],
    ],
};
const usual = {"inference.tokens": 6_200_000, "connector.compute": 18_000_000};

// Weekends are low and one day is out of the way; the same on every run.
function course(day, unusual) {
    const n = Math.round(day / DAY);
    if (n === unusual) return 3;
    const weekend = [0, 6].includes(new Date(day).getUTCDay()) ? 0.35 : 1;
    return (weekend * (80 + ((n * 37) % 41))) / 100;
}

function eventsOf(now) {
    const events = [];
    const today = Math.floor(now / DAY);
    const add = (time, meter, quantity, dimensions) =>
        events.push({
            specversion: "1.0",
            type: "io.intelgraph.usage.use",
            source: "/tests/browser",
            id: `${meter} ${events.length}`,
            time: new Date(time).toISOString(),
            subject: dimensions.user ?? "splunk-sh-01",
            data: {meter, quantity: String(Math.round(quantity)), dimensions},
        });
    for (let n = today - 62; n <= today; n++) {
        const at = Math.min(n * DAY + 11 * 3600000, now - 60000);
        if (at < n * DAY) continue;
        for (const [meter, parts] of Object.entries(shares))
            for (const [dimensions, percent] of parts)
                add(
                    at,
                    meter,
                    (usual[meter] * course(n * DAY, today - 6) * percent) / 100,
                    dimensions,
                );
        add(at, "storage.bytes", 5.3e12 + (n - today) * 2e10, {store: "graph", class: "hot"});
        add(at, "storage.bytes", 1.9e12, {store: "archive", class: "cold"});
    }
    return events;
}

async function ask(url, token, method, path, body, type = "application/json") {
    const response = await fetch(url + path, {
        method,
        headers: {Authorization: `Bearer ${token}`, "Content-Type": type},
        body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
}

async function fill(url, token) {
    const post = (path, body, type) => ask(url, token, "POST", path, body, type);
    const now = Date.now();
    const first = new Date(now - 70 * DAY).toISOString();
    await post("/v1/prices", {currency: "EUR", valid_from: first, prices});
    const told = await post(
        "/v1/events?backfill=true",
        eventsOf(now),
        "application/cloudevents-batch+json",
    );
    assert.equal(told.rejected, 0, JSON.stringify(told.events?.[0]));
    const shared = {period: "month", contact: "finance@acme.example"};
    const percent = (...list) => list.map((value) => ({kind: "percent", value}));
    const webhook = await post("/v1/recipients", {
        kind: "webhook",
        to: "https://hooks.acme.example/intelgraph",
        name: "On-call channel",
    });
    const mail = await post("/v1/recipients", {
        kind: "email",
        to: "finance@acme.example",
        name: "Finance",
    });
    const recipients = [webhook.id, mail.id];
    // Limits follow what was used, so that each budget is in its state on any day of a month.
    const used = (await ask(url, token, "GET", "/v1/costs?window=month&by=meter")).rows;
    const of = (meter) => BigInt(used.find((row) => row.meter === meter)?.quantity ?? "0") + 1n;
    const cost = Number((await ask(url, token, "GET", "/v1/costs?window=month")).total);
    const set = (budget) => post("/v1/budgets", {...shared, ...budget});
    const spend = await set({
        name: "Monthly spend",
        basis: "cost",
        meters: [],
        limit: (cost * 1.4 + 1).toFixed(2),
        mode: "notify",
        thresholds: [...percent("50", "80", "100"), {kind: "forecast", value: "100"}],
        recipients,
    });
    const tokens = await set({
        name: "Tokens of the month",
        basis: "quantity",
        meters: ["inference.tokens"],
        limit: String((of("inference.tokens") * 9n) / 10n + 1n),
        mode: "block",
        thresholds: percent("80", "100"),
        default_estimate: "1",
        two_person: true,
        recipients: recipients.slice(0, 1),
    });
    await set({
        name: "Connectors",
        basis: "quantity",
        meters: ["connector.compute"],
        limit: String((of("connector.compute") * 3n) / 2n + 1n),
        mode: "throttle",
        throttle: {from_percent: "60", rate: "5000", burst: "600000"},
        thresholds: percent("60", "90"),
        shadow: true,
    });
    await set({
        name: "API calls of a day",
        basis: "quantity",
        meters: ["api.calls"],
        limit: "250000",
        period: "day",
        mode: "notify",
        thresholds: percent("90"),
    });
    // One refusal on record: what is over its limit asks for more.
    const refused = await fetch(`${url}/v1/decisions`, {
        method: "POST",
        headers: {Authorization: `Bearer ${token}`, "Content-Type": "application/json"},
        body: JSON.stringify({action: "check", meter: "inference.tokens", quantity: "4000"}),
    });
    assert.equal(refused.status, 402, await refused.text());
    return {spend, tokens};
}

export async function startPlace(program = process.env.INTELGRAPHD) {
    const service = await startService(program, {zone});
    const token = (name, role = "admin", tenant = "acme") =>
        createToken(program, service.data, {name, role, tenant});
    const tokens = {
        admin: service.token,
        second: token("jo.lind"),
        viewer: token("vic.tan", "viewer"),
        other: token("kim.sato", "admin", "globex"),
    };
    try {
        return {
            url: service.url,
            tokens,
            filled: await fill(service.url, service.token),
            stop: service.stop,
        };
    } catch (problem) {
        await service.stop();
        throw problem;
    }
}
