// Chart and breakdown of one range.
import {el, icon, icons} from "./dom.js";
import {
    changeText,
    compare,
    decimal,
    moneyText,
    plain,
    quantityText,
    shareText,
    zero,
} from "./decimal.js";
import {dayOf, daysFrom, minuteOf, spanText} from "./days.js";
import {message} from "./parts.js";
import {anomalyList} from "./usage-anomalies.js";
import {chartCard} from "./usage-chart.js";
import {segments} from "./usage-filters.js";
import {
    budgetFor,
    chartGroups,
    dailyPace,
    grouped,
    shownAmount,
    totalOf,
    valuesOf,
} from "./usage-model.js";
import {visible} from "./text.js";

// How the numbers of these filters are read and written.
function measureOf(filters, frame, reply) {
    if (filters.measure === "cost") {
        const unit = reply.currency ?? "";
        return {
            unit,
            amount: (row) => decimal(row.cost),
            text: moneyText,
            title: "Cost",
        };
    }
    const meter = frame.meters.find(({name}) => name === filters.meter);
    const shown = shownAmount(meter);
    return {
        unit: reply.shown_unit,
        amount: (row) => decimal(row.quantity),
        text: (value) => quantityText(shown(value)),
        toShown: shown,
        title: "Quantity",
    };
}

const nameOf = (group, filters) => {
    if (group.key === null) return `Other (${group.count})`;
    if (group.key === "")
        return filters.by === "meter" ? filters.meter || "Everything" : `No ${filters.by} named`;
    return group.key;
};

// A budget on a level is in the unit for people already, one on a sum in the unit of its events.
function inChart(filters, frame) {
    const meter = frame.meters.find(({name}) => name === filters.meter);
    return filters.measure === "cost" || meter.kind === "level"
        ? (value) => value
        : shownAmount(meter);
}

function linesOf(filters, frame, range) {
    const budget = budgetFor(frame.budgets, filters);
    if (!budget) return [];
    const name = visible(budget.name);
    const shown = inChart(filters, frame);
    const limit = decimal(budget.state.limit);
    if (filters.view === "day") {
        const pace = budget.period === "day" ? limit : dailyPace(budget, frame.zone);
        if (!pace) return [];
        return [
            {name: budget.period === "day" ? name : `${name}, an even day`, value: shown(pace)},
        ];
    }
    // Added up, the limit means something only over the budget's own period.
    const from = Date.parse(budget.state.period_from);
    return from === range.from && limit ? [{name, value: shown(limit)}] : [];
}

// The first day, by its place, whose number may still change.
function settlingFrom(days, completeUpTo, zone) {
    const at = Date.parse(completeUpTo);
    if (Number.isNaN(at)) return days.length;
    const open = dayOf(at, zone);
    const index = days.findIndex((day) => day >= open);
    return index < 0 ? days.length : index;
}

function marksOf(anomalies, days, filters, zone) {
    return anomalies
        .filter(({meter}) => !filters.meter || meter === filters.meter)
        .map((anomaly) => ({
            day: days.indexOf(dayOf(Date.parse(anomaly.from), zone)),
            text: `unusual: ${visible(anomaly.meter)}`,
            anomaly,
        }))
        .filter(({day}) => day >= 0);
}

function chartOf(filters, frame, report, measure, groups) {
    const days = daysFrom(report.range.from, report.range.to, frame.zone);
    const until = dayOf(Math.min(report.range.to - 1, frame.now), frame.zone);
    const sum = filters.view === "sum";
    const lines = linesOf(filters, frame, report.range);
    const toShown = measure.toShown ?? ((value) => value);
    return {
        caption: `${measure.title} per day${sum ? ", added up" : ""}`,
        unit: measure.unit,
        days,
        groups: chartGroups(groups.filter(({known}) => known)).map((group) => ({
            name: nameOf(group, filters),
            values: valuesOf(group, days, {sum, until}).map((value) => value && toShown(value)),
        })),
        lines,
        settling: settlingFrom(days, report.reply.complete_up_to, frame.zone),
        marks: marksOf(report.anomalies, days, filters, frame.zone),
        text: filters.measure === "cost" ? moneyText : quantityText,
        axis: (value) =>
            new Intl.NumberFormat("en-US", {
                notation: value >= 10000 ? "compact" : "standard",
            }).format(value),
    };
}

function shareBar(part, whole) {
    const text = shareText(part, whole);
    const width =
        whole.units === 0n
            ? 0
            : Number(
                  (part.units * 10n ** BigInt(whole.scale) * 100n) /
                      (whole.units * 10n ** BigInt(part.scale)),
              );
    return el(
        "span",
        {class: "share"},
        el("progress", {
            class: "bar-plain",
            max: "100",
            value: String(width),
            "aria-hidden": "true",
        }),
        text,
    );
}

function changeCell(now, before) {
    const text = changeText(now, before);
    const way = before ? compare(now, before) : 0;
    return el(
        "td",
        {class: `number ${way > 0 ? "more" : way < 0 ? "less" : ""}`},
        text || "\u2013",
    );
}

function quantityOf(group, frame) {
    const meter = frame.meters.find(({name}) => name === group.key);
    if (!meter) return null;
    return `${quantityText(shownAmount(meter)(group.quantity))} ${meter.shown_unit}`;
}

// The quantities that lie behind costs by meter.
function withQuantities(groups, reply, filters, zone) {
    if (filters.measure !== "cost" || filters.by !== "meter") return groups;
    const by = new Map(
        grouped(reply.rows, {
            by: "meter",
            zone,
            amount: (row) => decimal(row.quantity),
        }).map(({key, total}) => [key, total]),
    );
    return groups.map((group) => ({...group, quantity: by.get(group.key) ?? zero}));
}

function breakdown(filters, frame, report, measure, groups, before) {
    const all = totalOf(groups);
    const earlier = new Map(before.map(({key, total}) => [key, total]));
    const earlierAll = totalOf(before);
    const withQuantity = filters.measure === "cost" && filters.by === "meter";
    const gone = before
        .filter(({key, total}) => total.units !== 0n && !groups.some((group) => group.key === key))
        .map(({key}) => ({key, total: zero, quantity: zero}));
    const row = (group) => {
        const past = earlier.get(group.key) ?? zero;
        return el(
            "tr",
            {},
            el("th", {scope: "row", class: "cell-name"}, visible(nameOf(group, filters))),
            withQuantity && el("td", {class: "number"}, quantityOf(group, frame) ?? "\u2013"),
            el(
                "td",
                {class: "number", title: exact(group.total, measure)},
                group.known === false
                    ? el("span", {class: "quiet"}, "no price")
                    : measure.text(group.total),
            ),
            el(
                "td",
                {class: "number"},
                group.known === false ? "\u2013" : shareBar(group.total, all),
            ),
            el("td", {class: "number"}, group.known === false ? "\u2013" : measure.text(past)),
            changeCell(group.total, past),
        );
    };
    const head = (text, number = true) =>
        el("th", {scope: "col", class: number ? "number" : undefined}, text);
    const by = filters.by === "meter" ? "Meter" : filters.by;
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head-row"},
            el("h2", {}, "Breakdown"),
            el(
                "p",
                {class: "quiet"},
                `${spanText(report.range.from, report.range.to, frame.zone)} against ` +
                    `${spanText(report.before.from, report.before.to, frame.zone)}`,
            ),
        ),
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Breakdown"},
            el(
                "table",
                {class: "table breakdown"},
                el("caption", {class: "unseen"}, `Breakdown by ${visible(by)}`),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        head(visible(by), false),
                        withQuantity && head("Quantity"),
                        head(`${measure.title} (${measure.unit})`),
                        head("Share"),
                        head("Before"),
                        head("Change"),
                    ),
                ),
                el("tbody", {}, [...groups, ...gone].map(row)),
                el(
                    "tfoot",
                    {},
                    el(
                        "tr",
                        {},
                        el("th", {scope: "row"}, "Together"),
                        withQuantity && el("td", {}),
                        el("td", {class: "number", title: exact(all, measure)}, measure.text(all)),
                        el("td", {}),
                        el("td", {class: "number"}, measure.text(earlierAll)),
                        changeCell(all, earlierAll),
                    ),
                ),
            ),
        ),
    );
}

function exact(value, measure) {
    return `${plain(measure.toShown ? measure.toShown(value) : value)} ${measure.unit}`;
}

// That the last day is still open is how it always is; more than that is worth a word.
function settlingNotice(chart, report, frame) {
    if (chart.settling >= chart.days.length - 1) return null;
    const at = Date.parse(report.reply.complete_up_to);
    return el(
        "p",
        {class: "notice", role: "status"},
        icon(icons.warning),
        `Numbers are still settling: events from after ${minuteOf(at, frame.zone)} (${frame.zone}) may still ` +
            "come in and change what is shaded.",
    );
}

function nothing(filters, frame, report) {
    return el(
        "div",
        {class: "card"},
        message("Nothing was used here", [
            `No ${filters.meter ? `usage of ${filters.meter}` : "usage"} was reported for ` +
                `${spanText(report.range.from, report.range.to, frame.zone)}.`,
            "Usage comes with POST /v1/events; hand-offs from Splunk are counted by the service itself.",
        ]),
    );
}

// doing: {go(changes), again(), session}
export function usageReport(filters, frame, report, doing) {
    const measure = measureOf(filters, frame, report.reply);
    const options = {by: filters.by, zone: frame.zone, amount: measure.amount};
    const groups = withQuantities(
        grouped(report.reply.rows, options),
        report.reply,
        filters,
        frame.zone,
    );
    const before = grouped(report.earlier.rows, options);
    if (groups.length === 0 && before.length === 0)
        return {nodes: [nothing(filters, frame, report)], done() {}};
    const chart = chartOf(filters, frame, report, measure, groups);
    const card = chartCard(
        chart,
        segments(
            "How the days are shown",
            "view",
            [
                ["day", "Per day"],
                ["sum", "Added up"],
            ],
            filters.view,
            (value) => doing.go({view: value}),
        ),
    );
    return {
        nodes: [
            settlingNotice(chart, report, frame),
            card.node,
            anomalyList(chart.marks, chart.days, doing),
            breakdown(filters, frame, report, measure, groups, before),
        ],
        done: card.done,
    };
}
