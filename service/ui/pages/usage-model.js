// What the usage page shows, from what the service answers. Pure; no DOM.
import {compare, decimal, plus, scaled, zero} from "./decimal.js";
import {dayAfter, dayOf, daysFrom, isDay, momentOf} from "./days.js";

export const GROUPS_MOST = 7; // in the chart; what is less comes together as "Other"
export const presets = {
    period: "This billing period",
    "last-period": "Last billing period",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
};
const DAY = 86400000;

// The filters that the address holds; what makes no sense is as if it were not there.
export function readFilters(search, {meters}) {
    const given = new URLSearchParams(search);
    const meter = meters.find(({name}) => name === given.get("meter"));
    const measure = given.get("measure") === "quantity" ? "quantity" : "cost";
    const offered = groupings(meters, meter);
    const by = offered.includes(given.get("by")) ? given.get("by") : offered[0];
    const [from, to] = [given.get("from"), given.get("to")];
    const own = isDay(from) && isDay(to) && from <= to && dayAfter(from, 400) > to;
    const wished = given.get("range");
    const range = own ? "own" : Object.hasOwn(presets, wished ?? "") ? wished : "period";
    return {
        range,
        from: own ? from : "",
        to: own ? to : "",
        meter: meter?.name ?? "",
        measure,
        by,
        view: given.get("view") === "sum" ? "sum" : "day",
    };
}

// What the numbers can be told apart by.
export function groupings(meters, meter) {
    if (meter) return ["meter", ...meter.dimensions];
    return ["meter", ...new Set(meters.flatMap(({dimensions}) => dimensions))];
}

// The address's query for filters; what is usual is left out.
export function writeFilters(filters) {
    const query = new URLSearchParams();
    if (filters.range === "own") {
        query.set("from", filters.from);
        query.set("to", filters.to);
    } else if (filters.range !== "period") {
        query.set("range", filters.range);
    }
    if (filters.meter) query.set("meter", filters.meter);
    if (filters.measure !== "cost") query.set("measure", filters.measure);
    if (filters.by !== "meter") query.set("by", filters.by);
    if (filters.view !== "day") query.set("view", filters.view);
    return query.size ? `?${query}` : "";
}

// From and to of a range in milliseconds; `period` is the billing period that now is.
export function rangeOf(filters, period, lastPeriod, now, zone) {
    if (filters.range === "own")
        return {from: momentOf(filters.from, zone), to: momentOf(dayAfter(filters.to), zone)};
    if (filters.range === "last-period") return lastPeriod;
    if (filters.range === "period") return {from: period.from, to: Math.min(period.to, now)};
    const days = Number.parseInt(filters.range, 10);
    const today = dayOf(now, zone);
    return {from: momentOf(dayAfter(today, 1 - days), zone), to: now};
}

// The days before a range, as many as it has.
export function rangeBefore({from, to}, zone) {
    const count = daysFrom(from, to, zone).length;
    return {from: momentOf(dayAfter(dayOf(from, zone), -count), zone), to: from};
}

const labelOf = (row, by) =>
    by === "meter" ? row.meter : (row.dimensions?.[by] ?? row.dimensions?.overflow ?? "");

// [{key, total, days: Map(day -> decimal), known}] of rows, the largest first. amount(row) is a
// decimal, or null where there is none (no price); known: there is one for some row.
export function grouped(rows, {by, zone, amount}) {
    const groups = new Map();
    for (const row of rows) {
        const key = labelOf(row, by) ?? "";
        const told = amount(row);
        const value = told ?? zero;
        const group = groups.get(key) ?? {key, total: zero, days: new Map(), known: false};
        group.known ||= told !== null;
        const day = dayOf(Date.parse(row.from), zone);
        group.total = plus(group.total, value);
        group.days.set(day, plus(group.days.get(day) ?? zero, value));
        groups.set(key, group);
    }
    return [...groups.values()].sort(
        (a, b) => compare(b.total, a.total) || (a.key < b.key ? -1 : 1),
    );
}

export function totalOf(groups) {
    return groups.reduce((sum, {total}) => plus(sum, total), zero);
}

// The first groups by themselves, the rest as one.
export function chartGroups(groups, most = GROUPS_MOST) {
    if (groups.length <= most) return groups;
    const rest = groups.slice(most - 1);
    const days = new Map();
    for (const group of rest)
        for (const [day, value] of group.days) days.set(day, plus(days.get(day) ?? zero, value));
    return [
        ...groups.slice(0, most - 1),
        {key: null, count: rest.length, total: totalOf(rest), days},
    ];
}

// Decimals of a group by day; `sum` adds up from the first day, and ends with the last day that
// has begun.
export function valuesOf(group, days, {sum, until}) {
    let all = zero;
    return days.map((day) => {
        const value = group.days.get(day) ?? zero;
        all = plus(all, value);
        if (sum) return day <= until ? all : null;
        return value;
    });
}

// A quantity as text in the meter's own unit, told in the unit for people.
export function shownAmount(meter) {
    const by = decimal(meter.shown_per ?? "1") ?? {units: 1n, scale: 0};
    return (quantity) => scaled(quantity, {units: 1n, scale: 0}, by, 6);
}

// The budget that is nearest to its limit among those that the numbers shown belong to.
export function budgetFor(budgets, {measure, meter}) {
    const fits = budgets.filter(({basis, meters = []}) => {
        if (measure === "cost")
            return (
                basis === "cost" &&
                (meters.length === 0 || meter === "" || meters.includes(meter)) &&
                (meter === "" ? meters.length === 0 : meters.length === 1)
            );
        return basis === "quantity" && meters.length === 1 && meters[0] === meter;
    });
    return nearest(fits);
}

export function nearest(budgets) {
    const share = ({state}) => decimal(state?.share) ?? zero;
    return budgets.reduce(
        (best, budget) => (best && compare(share(best), share(budget)) >= 0 ? best : budget),
        null,
    );
}

// What a budget allows for each day when all of its period's days are alike.
export function dailyPace(budget, zone) {
    const limit = decimal(budget.state?.limit ?? budget.limit);
    const {period_from: from, period_to: to} = budget.state ?? {};
    if (!limit || !from || !to) return null;
    const days = daysFrom(Date.parse(from), Date.parse(to), zone).length;
    return scaled(limit, {units: 1n, scale: 0}, {units: BigInt(days), scale: 0}, 6);
}

export function daysLeft(to, now) {
    return Math.max(0, Math.ceil((to - now) / DAY));
}
