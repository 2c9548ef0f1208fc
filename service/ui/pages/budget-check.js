// What is wrong with a budget as it was typed, and the budget that the service takes. The service
// decides; this says it sooner. Pure; no DOM.
import {compare, decimal, numberOf, plain} from "./decimal.js";

export const THRESHOLDS_MOST = 16;
const kinds = {percent: 0, absolute: 1, forecast: 2};

const text = (values, name) => (values[name]?.[0] ?? "").trim();
function checkAmount(typed, {places, what}) {
    const value = decimal(numberOf(typed));
    if (!value)
        return [null, `${what} must be a number such as ${places ? "1250.50" : "1250000"}.`];
    if (value.units <= 0n) return [null, `${what} must be more than nothing.`];
    if (value.scale > places && places === 0)
        return [
            null,
            `${what} is counted in whole units here: leave out what is behind the point.`,
        ];
    if (value.scale > places)
        return [null, `${what} may have at most ${places} places behind the point.`];
    if (compare(value, {units: 10n ** 18n, scale: places}) > 0)
        return [null, `${what} is too large.`];
    return [plain(value), ""];
}

function percent(typed, {most = 1000, what}) {
    const value = decimal(numberOf(typed).replace(/%$/, ""));
    if (
        !value ||
        value.units <= 0n ||
        value.scale > 2 ||
        compare(value, {units: BigInt(most), scale: 0}) > 0
    )
        return [null, `${what} must be a percentage above 0 and at most ${most}, such as 80.`];
    return [plain(value), ""];
}

function thresholdsOf(values, places, complaints) {
    const typed = values["threshold-value"] ?? [];
    const list = [];
    typed.forEach((value, index) => {
        const kind = values["threshold-kind"][index];
        if (!value.trim()) return;
        const [taken, wrong] =
            kind === "absolute"
                ? checkAmount(value, {places, what: `Threshold ${index + 1}`})
                : percent(value, {what: `Threshold ${index + 1}`});
        if (wrong) complaints.thresholds ??= wrong;
        else list.push({kind, value: taken});
    });
    list.sort(
        (a, b) => kinds[a.kind] - kinds[b.kind] || compare(decimal(a.value), decimal(b.value)),
    );
    const twice = list.find(
        (one, index) =>
            index > 0 &&
            one.kind === list[index - 1].kind &&
            compare(decimal(one.value), decimal(list[index - 1].value)) === 0,
    );
    if (twice) complaints.thresholds ??= `The threshold ${twice.value} is there twice.`;
    if (list.length > THRESHOLDS_MOST)
        complaints.thresholds ??= `A budget has at most ${THRESHOLDS_MOST} thresholds.`;
    return list;
}

function throttleOf(values, places, complaints) {
    const [from, wrong] = percent(text(values, "throttle-from"), {most: 100, what: "The share"});
    const [rate, wrongRate] = checkAmount(text(values, "throttle-rate"), {
        places,
        what: "The rate",
    });
    const [burst, wrongBurst] = checkAmount(text(values, "throttle-burst"), {
        places,
        what: "The burst",
    });
    if (wrong) complaints["throttle-from"] = wrong;
    if (wrongRate) complaints["throttle-rate"] = wrongRate;
    if (wrongBurst) complaints["throttle-burst"] = wrongBurst;
    return {from_percent: from, rate, burst};
}

// {budget, complaints}: complaints by the name of the field, none when the budget may be sent.
export function budgetOf(values, meters) {
    const complaints = {};
    const basis = text(values, "basis") || "cost";
    const places = basis === "cost" ? 6 : 0;
    const chosen = values.meters ?? [];
    const name = text(values, "name");
    const contact = text(values, "contact");
    if (!name) complaints.name = "A budget needs a name: whoever is refused is shown it.";
    else if ([...name].length > 80) complaints.name = "The name may have at most 80 characters.";
    if (basis === "quantity" && chosen.length === 0)
        complaints.meters = "Choose at least one meter.";
    const units = new Set(
        chosen.map((meter) => {
            const found = meters.find((one) => one.name === meter);
            return found?.kind === "level" ? found.shown_unit : found?.unit;
        }),
    );
    if (basis === "quantity" && units.size > 1)
        complaints.meters = `These meters are counted in different units (${[...units].join(", ")}): make a budget for each, or one of cost.`;
    const [limit, wrongLimit] = checkAmount(text(values, "limit"), {places, what: "The limit"});
    if (wrongLimit) complaints.limit = wrongLimit;
    const thresholds = thresholdsOf(values, places, complaints);
    const mode = text(values, "mode") || "notify";
    const throttle = mode === "throttle" ? throttleOf(values, places, complaints) : null;
    const estimate = text(values, "default_estimate");
    const [taken, wrongEstimate] = estimate
        ? checkAmount(estimate, {places, what: "The estimate"})
        : [undefined, ""];
    if (wrongEstimate) complaints.default_estimate = wrongEstimate;
    else if (taken && limit && compare(decimal(taken), decimal(limit)) > 0)
        complaints.default_estimate =
            "The estimate is over the limit: who cannot say how much is coming would always be refused.";
    if (!contact) complaints.contact = "Say whom to ask: whoever is refused is shown it.";
    else if ([...contact].length > 200)
        complaints.contact = "The contact may have at most 200 characters.";
    const budget = {
        name,
        basis,
        meters: chosen,
        limit,
        period: text(values, "period") || "month",
        mode,
        shadow: text(values, "shadow") === "yes",
        thresholds,
        throttle,
        default_estimate: taken,
        recipients: values.recipients ?? [],
        contact,
        two_person: text(values, "two_person") === "yes",
    };
    return {budget, complaints};
}

// What differs between two budgets, by the name of the member.
export function differences(mine, theirs) {
    const members = [
        ["name", "Name"],
        ["meters", "Meters"],
        ["limit", "Limit"],
        ["period", "Period"],
        ["mode", "At the limit"],
        ["shadow", "Shadow"],
        ["thresholds", "Thresholds"],
        ["throttle", "Throttle"],
        ["default_estimate", "Estimate"],
        ["recipients", "Recipients"],
        ["contact", "Contact"],
        ["two_person", "Second person"],
    ];
    const shown = (value) => {
        if (value === null || value === undefined) return "none";
        if (value === true) return "yes";
        if (value === false) return "no";
        if (Array.isArray(value))
            return (
                value.map((one) => (one.kind ? `${one.value} (${one.kind})` : one)).join(", ") ||
                "none"
            );
        if (typeof value === "object")
            return `${value.rate} a second from ${value.from_percent} %, burst ${value.burst}`;
        return String(value);
    };
    return members
        .map(([member, label]) => ({
            member,
            label,
            mine: shown(mine[member]),
            theirs: shown(theirs[member]),
        }))
        .filter((one) => one.mine !== one.theirs);
}
