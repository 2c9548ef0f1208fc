// Chart and breakdown of one range.
import {el, icon, icons} from "./dom.js";
import {decimal, moneyText, quantityText, zero} from "./decimal.js";
import {dayOf, daysFrom, minuteOf, spanText} from "./days.js";
import {message} from "./parts.js";
import {anomalyList} from "./usage-anomalies.js";
import {breakdown, nameOf} from "./usage-breakdown.js";
import {chartCard} from "./usage-chart.js";
import {segments} from "./usage-filters.js";
import {budgetFor, chartGroups, dailyPace, grouped, shownAmount, valuesOf} from "./usage-model.js";
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
        caption: `${measure.title} ${sum ? "added up" : "per day"}${measure.unit && ` (${measure.unit})`}`,
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
