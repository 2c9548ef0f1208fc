// What several pages show of a budget.
import {getJson, query} from "./api.js";
import {el} from "./dom.js";
import {dayOf, knownZone, longDay, minuteOf} from "./days.js";
import {
    compare,
    decimal,
    grouped,
    moneyText,
    plain,
    quantityText,
    scaled,
    trimmed,
    zero,
} from "./decimal.js";
import {badge} from "./parts.js";
import {unitFor} from "./text.js";

export const modes = {
    notify: ["Notify", "Tells the recipients; nothing is held back."],
    throttle: ["Throttle", "Slows requests down from a share on, and goes on."],
    block: ["Block", "Refuses what would go over the limit."],
};
export const DAYS_KNOWN = 3; // of history; with fewer, a forecast is the period's own pace
export const periods = {
    day: "a day",
    month: "a month",
    billing: "a billing period",
};

const verdicts = {
    ok: ["Within", "good"],
    notice: ["Over a threshold", "warn"],
    throttled: ["Throttled", "warn"],
    blocked: ["Blocked", "bad"],
};

// More was used than the limit: a budget that only tells, or only tries, has no verdict for it.
export function isOver({state}) {
    const [used, limit] = [decimal(state?.used), decimal(state?.limit)];
    return used !== null && limit !== null && compare(used, limit) > 0;
}

// It stands in the way of somebody, or would.
export function isUrgent(budget) {
    return ["blocked", "throttled"].includes(budget.state?.verdict) || isOver(budget);
}

export function verdictBadge(budget) {
    if (["ok", "notice"].includes(budget.state?.verdict) && isOver(budget))
        return badge("Over the limit", "bad");
    const [text, tone] = verdicts[budget.state?.verdict] ?? ["Not known", "plain"];
    return badge(text, tone);
}

// The unit that a budget's amounts are in: a level's is the one for people.
export function unitOf(budget, meters) {
    if (budget.unit) return budget.unit;
    if (budget.basis === "cost") return budget.currency ?? "";
    const meter = meters.find(({name}) => name === budget.meters[0]);
    if (!meter) return "";
    return meter.kind === "level" ? meter.shown_unit : meter.unit;
}

// An amount of a budget: money to the cent, a quantity as it is.
export function amountText(text, budget) {
    const value = decimal(text);
    if (!value) return "\u2013";
    return budget.basis === "cost" ? moneyText(value) : grouped(trimmed(value));
}

// An amount of a budget in the unit for people where that is another one ("5.244 hours" of
// milliseconds), else "". Levels are in it already.
export function peopleText(text, budget, meters) {
    const meter = meters.find(({name}) => name === budget.meters[0]);
    const [value, per] = [decimal(text), decimal(meter?.shown_per)];
    if (budget.basis === "cost" || meter?.kind !== "sum" || !value || !per || per.units <= 1n)
        return "";
    const shown = quantityText(scaled(value, {units: 1n, scale: 0}, per, 6));
    return `${shown} ${unitFor(shown, meter.shown_unit)}`;
}

// What a forecast's two ends say.
export function forecastRange(low, high, unit) {
    return el(
        "span",
        {title: "The period ends between these four times out of five."},
        `likely ${low} \u2013 ${high} ${unit}`,
    );
}

export function amountTitle(text, unit) {
    const value = decimal(text);
    return value ? `${plain(value)} ${unit}` : undefined;
}

// A whole number of percent for the length of a bar, at most 100.
function percentOf(part, whole) {
    if (!part || !whole || whole.units <= 0n) return 0;
    return Math.min(100, Number(scaled(part, {units: 100n, scale: 0}, whole, 0).units));
}

// The bar of what is used and reserved of the limit.
export function meterBar(budget) {
    const {state} = budget;
    const limit = decimal(state.limit);
    const used = percentOf(decimal(state.used), limit);
    const reserved = Math.min(100 - used, percentOf(decimal(state.reserved) ?? zero, limit));
    const tone = isOver(budget)
        ? "bad"
        : {ok: "good", notice: "warn", throttled: "warn", blocked: "bad"}[state.verdict];
    return el(
        "span",
        {class: `meter meter-${tone ?? "good"}`, "aria-hidden": "true"},
        el("progress", {class: "meter-both", max: "100", value: String(used + reserved)}),
        el("progress", {class: "meter-used", max: "100", value: String(used)}),
    );
}

export function thresholdText({kind, value}, unit) {
    if (kind === "percent") return `${value} % used`;
    if (kind === "forecast") return `${value} % forecast`;
    const amount = decimal(value);
    return `${amount ? grouped(trimmed(amount)) : value} ${unit} used`;
}

export function sameThreshold(a, b) {
    const [x, y] = [decimal(a.value), decimal(b.value)];
    return a.kind === b.kind && x !== null && y !== null && compare(x, y) === 0;
}

// The API's times are RFC 3339; people read them to the minute, in the zone in which the budget's
// periods begin where a page shows those too.
export function timeText(text, zone = "UTC") {
    const ms = Date.parse(text ?? "");
    return Number.isNaN(ms) ? "" : minuteOf(ms, zone);
}

export function timeNode(text, zone = "UTC") {
    const shown = timeText(text, zone);
    if (!shown) return el("span", {class: "quiet"}, "\u2013");
    return el("time", {datetime: text, title: `${text} (UTC)`}, shown);
}

// Where the tenant's days begin; UTC where it is not told.
export async function tenantZone() {
    const now = Date.now();
    const [from, to] = [new Date(now - 1000).toISOString(), new Date(now).toISOString()];
    try {
        const {zone} = await getJson(`/v1/usage${query({meter: "handoffs", from, to})}`);
        return knownZone(zone);
    } catch {
        return "UTC";
    }
}

// The day on which a period begins anew, in the tenant's zone.
export function dayNode(text, zone) {
    const ms = Date.parse(text ?? "");
    if (Number.isNaN(ms)) return el("span", {class: "quiet"}, "\u2013");
    const title = `${minuteOf(ms, zone)} ${zone}`;
    return el("time", {datetime: text, title}, longDay(dayOf(ms, zone)));
}
