// The administration pages' pure parts, without a browser: decimals, days in zones, what the usage
// page makes of the service's answers, and what is wrong with a budget as it was typed.
import assert from "node:assert/strict";
import {test} from "node:test";
import {
    changeText,
    compare,
    decimal,
    grouped,
    minus,
    moneyText,
    plain,
    plus,
    quantityText,
    rounded,
    scaled,
    shareText,
    trimmed,
} from "../../service/ui/pages/decimal.js";
import {
    dayAfter,
    dayOf,
    daysFrom,
    isDay,
    knownZone,
    momentOf,
    spanText,
} from "../../service/ui/pages/days.js";
import {
    budgetFor,
    chartGroups,
    dailyPace,
    daysLeft,
    grouped as groupedRows,
    nearest,
    rangeBefore,
    rangeOf,
    readFilters,
    shownAmount,
    valuesOf,
    writeFilters,
} from "../../service/ui/pages/usage-model.js";
import {unitFor} from "../../service/ui/pages/text.js";
import {budgetOf, differences} from "../../service/ui/pages/budget-check.js";

const text = (value) => grouped(value);

test("a decimal is taken to its last digit, and nothing else is one", () => {
    assert.equal(text(decimal("12345678901234567890.123456")), "12,345,678,901,234,567,890.123456");
    assert.equal(text(decimal("-0.50")), "\u22120.50");
    for (const bad of ["", "1e3", "0x1", ".5", "5.", "1,000", " 1", "NaN", "--1", null, undefined])
        assert.equal(decimal(bad), null, String(bad));
});

test("sums of decimals are exact where floating numbers are not", () => {
    assert.equal(text(plus(decimal("0.1"), decimal("0.2"))), "0.3");
    let sum = decimal("0");
    for (let i = 0; i < 1000; i++) sum = plus(sum, decimal("0.001"));
    assert.equal(text(trimmed(sum)), "1");
    assert.equal(text(minus(decimal("9007199254740993"), decimal("1"))), "9,007,199,254,740,992");
    assert.equal(compare(decimal("1.10"), decimal("1.1")), 0);
});

test("halves are rounded to even, below nothing too", () => {
    const cases = {
        0.125: "0.12",
        0.135: "0.14",
        2.5: "2.50",
        "-0.125": "\u22120.12",
        0.1251: "0.13",
    };
    for (const [from, to] of Object.entries(cases))
        assert.equal(text(rounded(decimal(from), 2)), to);
    assert.equal(text(scaled(decimal("1"), decimal("2"), decimal("3"), 4)), "0.6667");
    assert.equal(text(scaled(decimal("1"), decimal("1"), decimal("0.5"), 0)), "2");
});

test("less than a cent is not nothing", () => {
    assert.equal(moneyText(decimal("0.004")), "<0.01");
    assert.equal(moneyText(decimal("0.000000")), "0.00");
    assert.equal(moneyText(decimal("1234.005")), "1,234.00");
    assert.equal(quantityText(decimal("0.0001")), "<0.001");
    assert.equal(quantityText(decimal("12.500000")), "12.5");
    assert.equal(plain(decimal("-1250.500")), "-1250.5");
});

test("a change from nothing is new, and from nothing to nothing no change", () => {
    assert.equal(changeText(decimal("3"), decimal("2")), "+50.0 %");
    assert.equal(changeText(decimal("1"), decimal("3")), "\u221266.7 %");
    assert.equal(changeText(decimal("2"), decimal("2.0")), "0.0 %");
    assert.equal(changeText(decimal("2"), decimal("0")), "new");
    assert.equal(changeText(decimal("0"), decimal("0")), "");
    assert.equal(changeText(decimal("19.99"), decimal("2")), "+899.5 %");
    assert.equal(changeText(decimal("20"), decimal("2.0")), "\u00d710.0");
    assert.equal(changeText(decimal("4193.95"), decimal("4.70")), "\u00d7892.3");
    assert.equal(changeText(decimal("0"), decimal("4.70")), "\u2212100.0 %");
    assert.equal(shareText(decimal("1"), decimal("3")), "33.3 %");
    assert.equal(shareText(decimal("1"), decimal("0")), "");
});

test("a unit of one is no plural, and what is none stays", () => {
    for (const [unit, one] of [
        ["hours", "hour"],
        ["GB-months", "GB-month"],
        ["hand-offs", "hand-off"],
        ["ms", "ms"],
        ["EUR", "EUR"],
    ]) {
        assert.equal(unitFor("1", unit), one);
        for (const many of ["0", "1.5", "1,000", "<0.001"]) assert.equal(unitFor(many, unit), unit);
    }
});

test("a day begins where its zone says, also when the clock is put on", () => {
    const at = (iso) => Date.parse(iso);
    assert.equal(momentOf("2026-11-01", "UTC"), at("2026-11-01T00:00:00Z"));
    assert.equal(momentOf("2026-03-29", "Europe/Berlin"), at("2026-03-28T23:00:00Z"));
    assert.equal(momentOf("2026-03-30", "Europe/Berlin"), at("2026-03-29T22:00:00Z"));
    assert.equal(momentOf("2026-10-26", "Europe/Berlin"), at("2026-10-25T23:00:00Z"));
    assert.equal(momentOf("2026-07-01", "Asia/Kolkata"), at("2026-06-30T18:30:00Z"));
    // Where midnight itself is left out, the day begins at one.
    assert.equal(momentOf("2018-11-04", "America/Sao_Paulo"), at("2018-11-04T03:00:00Z"));
    assert.equal(momentOf("2026-11-23", "UTC", "14:05"), at("2026-11-23T14:05:00Z"));
});

test("every day of every zone's year begins on itself and not before", () => {
    for (const zone of [
        "Europe/Berlin",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    ]) {
        for (let day = "2026-01-01"; day < "2027-01-01"; day = dayAfter(day)) {
            const from = momentOf(day, zone);
            assert.equal(dayOf(from, zone), day, `${zone} ${day}`);
            assert.notEqual(dayOf(from - 1, zone), day, `${zone} ${day}`);
        }
    }
});

test("the days of a range are all there, a short and a long one too", () => {
    const zone = "Europe/Berlin";
    const from = momentOf("2026-10-24", zone);
    assert.deepEqual(daysFrom(from, momentOf("2026-10-27", zone), zone), [
        "2026-10-24",
        "2026-10-25",
        "2026-10-26",
    ]);
    assert.equal(daysFrom(0, 4e12, "UTC").length, 1000);
    assert.equal(dayAfter("2028-02-28"), "2028-02-29");
    assert.equal(knownZone("Nowhere/AtAll"), "UTC");
    assert.equal(
        spanText(Date.parse("2026-11-01T00:00:00Z"), Date.parse("2026-12-01T00:00:00Z"), "UTC"),
        "1 \u2013 30 Nov 2026",
    );
    for (const bad of ["2026-02-30", "2026-1-1", "", null, "today"])
        assert.equal(isDay(bad), false);
});

const meters = [
    {
        name: "tokens",
        kind: "sum",
        unit: "tokens",
        shown_unit: "tokens",
        shown_per: "1",
        dimensions: ["model", "user"],
    },
    {
        name: "storage",
        kind: "level",
        unit: "bytes",
        shown_unit: "GB-hours",
        shown_per: "3600000000000000000",
        dimensions: ["store"],
    },
    {
        name: "calls",
        kind: "sum",
        unit: "calls",
        shown_unit: "calls",
        shown_per: "1",
        dimensions: [],
    },
];

test("filters go into the address and come back the same", () => {
    const addresses = [
        "",
        "?range=30d",
        "?from=2026-01-01&to=2026-01-31",
        "?range=90d&meter=tokens&measure=quantity&by=model&view=sum",
    ];
    for (const address of addresses)
        assert.equal(writeFilters(readFilters(address, {meters})), address);
});

test("filters that make no sense are as if they were not there", () => {
    const bad = [
        "?range=5d",
        "?from=2026-02-30&to=2026-03-01",
        "?from=2026-03-02&to=2026-03-01",
        "?from=2020-01-01&to=2026-01-01",
        "?meter=nothing",
        "?by=nothing",
        "?by=constructor",
        "?range=constructor",
        "?measure=x&view=y",
        "?meter=tokens&by=store",
    ];
    for (const address of bad) {
        const filters = readFilters(address, {meters});
        assert.ok(["", "?meter=tokens"].includes(writeFilters(filters)), address);
    }
});

test("a range ends now, and what is before it has as many days", () => {
    const zone = "Europe/Berlin";
    const now = Date.parse("2026-11-23T15:00:00Z");
    const period = {from: momentOf("2026-11-01", zone), to: momentOf("2026-12-01", zone)};
    const range = (address) =>
        rangeOf(readFilters(address, {meters}), period, {from: 1, to: 2}, now, zone);
    assert.deepEqual(range(""), {from: period.from, to: now});
    assert.deepEqual(range("?range=last-period"), {from: 1, to: 2});
    assert.equal(daysFrom(range("?range=7d").from, now, zone).length, 7);
    assert.deepEqual(range("?from=2026-10-25&to=2026-10-25"), {
        from: momentOf("2026-10-25", zone),
        to: momentOf("2026-10-26", zone),
    });
    const before = rangeBefore(range("?range=7d"), zone);
    assert.equal(dayOf(before.from, zone), "2026-11-10");
    assert.equal(before.to, range("?range=7d").from);
});

const row = (day, meter, cost, dimensions = {}) => ({
    from: `${day}T00:00:00Z`,
    meter,
    cost,
    dimensions,
});
const amount = ({cost}) => decimal(cost);

test("rows come together by what is asked, the largest first", () => {
    const rows = [
        row("2026-11-01", "a", "0.1"),
        row("2026-11-02", "a", "0.2"),
        row("2026-11-01", "b", "5"),
        row("2026-11-01", "__proto__", "7"),
    ];
    const groups = groupedRows(rows, {by: "meter", zone: "UTC", amount});
    assert.deepEqual(
        groups.map(({key, total}) => [key, text(total)]),
        [
            ["__proto__", "7"],
            ["b", "5"],
            ["a", "0.3"],
        ],
    );
    const users = groupedRows(
        [
            row("2026-11-01", "a", "1", {user: "mara"}),
            row("2026-11-01", "a", "2", {overflow: "(others)"}),
            row("2026-11-01", "a", "4"),
        ],
        {by: "user", zone: "UTC", amount},
    );
    assert.deepEqual(
        users.map(({key}) => key),
        ["", "(others)", "mara"],
    );
});

test("what has no room in the chart comes together as one, to the last digit", () => {
    const rows = Array.from({length: 30}, (_, i) => row("2026-11-01", `m${i}`, "0.01"));
    const groups = chartGroups(groupedRows(rows, {by: "meter", zone: "UTC", amount}));
    assert.equal(groups.length, 7);
    assert.equal(groups[6].count, 24);
    assert.equal(text(groups[6].total), "0.24");
    assert.equal(text(groups[6].days.get("2026-11-01")), "0.24");
});

test("added up, days that have not begun have no value", () => {
    const [group] = groupedRows([row("2026-11-01", "a", "1"), row("2026-11-02", "a", "2")], {
        by: "meter",
        zone: "UTC",
        amount,
    });
    const days = ["2026-11-01", "2026-11-02", "2026-11-03"];
    assert.deepEqual(
        valuesOf(group, days, {sum: true, until: "2026-11-02"}).map(
            (value) => value && text(value),
        ),
        ["1", "3", null],
    );
    assert.deepEqual(
        valuesOf(group, days, {sum: false}).map((value) => text(value)),
        ["1", "2", "0"],
    );
});

test("a level's quantity is shown in its unit for people", () => {
    assert.equal(text(shownAmount(meters[1])(decimal("19080000000000000000000"))), "5,300.000000");
});

const budget = (basis, names, share, more = {}) => ({
    basis,
    meters: names,
    limit: "300",
    period: "month",
    state: {
        share,
        limit: "300",
        period_from: "2026-11-01T00:00:00Z",
        period_to: "2026-12-01T00:00:00Z",
    },
    ...more,
});

test("the budget line is the one of what is shown, and of several the nearest", () => {
    const all = [
        budget("cost", [], "20.0"),
        budget("cost", [], "80.5"),
        budget("cost", ["tokens"], "10"),
        budget("quantity", ["tokens"], "99"),
    ];
    assert.equal(budgetFor(all, {measure: "cost", meter: ""}), all[1]);
    assert.equal(budgetFor(all, {measure: "cost", meter: "tokens"}), all[2]);
    assert.equal(budgetFor(all, {measure: "quantity", meter: "tokens"}), all[3]);
    assert.equal(budgetFor(all, {measure: "quantity", meter: "calls"}), null);
    assert.equal(nearest([]), null);
    assert.equal(text(dailyPace(all[0], "UTC")), "10.000000");
    assert.equal(daysLeft(1000, 2000), 0);
});

const typed = (more = {}) => ({
    name: ["Spend"],
    basis: ["cost"],
    limit: ["1,000.50"],
    period: ["month"],
    mode: ["notify"],
    contact: ["me"],
    "threshold-kind": ["percent", "percent", "forecast"],
    "threshold-value": ["100", "50 %", "100"],
    ...more,
});

test("a budget is sent as the service takes it", () => {
    const {budget: made, complaints} = budgetOf(typed(), meters);
    assert.deepEqual(complaints, {});
    assert.equal(made.limit, "1000.5");
    assert.deepEqual(made.thresholds, [
        {kind: "percent", value: "50"},
        {kind: "percent", value: "100"},
        {kind: "forecast", value: "100"},
    ]);
    assert.equal(made.throttle, null);
    assert.equal(made.default_estimate, undefined);
});

test("what is wrong with a budget is said by field", () => {
    const cases = [
        [{name: [" "]}, "name"],
        [{name: ["x".repeat(81)]}, "name"],
        [{limit: [""]}, "limit"],
        [{limit: ["0"]}, "limit"],
        [{limit: ["-5"]}, "limit"],
        [{limit: ["1e9"]}, "limit"],
        [{limit: ["1.1234567"]}, "limit"],
        [{limit: ["9".repeat(30)]}, "limit"],
        [{contact: [""]}, "contact"],
        [{contact: ["x".repeat(201)]}, "contact"],
        [{basis: ["quantity"], limit: ["5"]}, "meters"],
        [{basis: ["quantity"], limit: ["5"], meters: ["tokens", "calls"]}, "meters"],
        [{basis: ["quantity"], meters: ["tokens"], limit: ["1.5"]}, "limit"],
        [{"threshold-kind": ["percent"], "threshold-value": ["0"]}, "thresholds"],
        [{"threshold-kind": ["percent"], "threshold-value": ["1001"]}, "thresholds"],
        [{"threshold-kind": ["percent"], "threshold-value": ["80.123"]}, "thresholds"],
        [
            {"threshold-kind": ["percent", "percent"], "threshold-value": ["80", "80.0"]},
            "thresholds",
        ],
        [
            {
                "threshold-kind": Array(17).fill("percent"),
                "threshold-value": Array.from({length: 17}, (_, i) => String(i + 1)),
            },
            "thresholds",
        ],
        [{mode: ["throttle"], "throttle-rate": ["1"], "throttle-burst": ["1"]}, "throttle-from"],
        [
            {
                mode: ["throttle"],
                "throttle-from": ["101"],
                "throttle-rate": ["1"],
                "throttle-burst": ["1"],
            },
            "throttle-from",
        ],
        [
            {
                mode: ["throttle"],
                "throttle-from": ["90"],
                "throttle-rate": ["0"],
                "throttle-burst": ["1"],
            },
            "throttle-rate",
        ],
        [{mode: ["block"], default_estimate: ["2000"]}, "default_estimate"],
    ];
    for (const [change, field] of cases) {
        const {complaints} = budgetOf(typed(change), meters);
        assert.deepEqual(Object.keys(complaints), [field], JSON.stringify(change));
        assert.match(complaints[field], /[.:]$|\.$|\d\.$/);
    }
});

test("what differs between two versions is told by name", () => {
    const {budget: mine} = budgetOf(typed(), meters);
    const theirs = {...mine, limit: "900", thresholds: [], shadow: true};
    assert.deepEqual(
        differences(mine, theirs).map(({label, mine: a, theirs: b}) => [label, a, b]),
        [
            ["Limit", "1000.5", "900"],
            ["Shadow", "no", "yes"],
            ["Thresholds", "50 (percent), 100 (percent), 100 (forecast)", "none"],
        ],
    );
    assert.deepEqual(differences(mine, mine), []);
});
