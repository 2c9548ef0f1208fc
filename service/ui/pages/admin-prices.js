// /admin/prices: what a unit of each meter costs, by version; /new: the next version.
import {getJson} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {adminFrame, mayWrite} from "./admin-frame.js";
import {dayNode, tenantZone, timeNode} from "./budget-parts.js";
import {dayOf, isDay, momentOf} from "./days.js";
import {decimal, grouped, numberOf, plain, trimmed} from "./decimal.js";
import {draftOf} from "./draft.js";
import {
    clearComplaints,
    complain,
    field,
    formMessage,
    input,
    readForm,
    select,
    sendChange,
    submitting,
    tellForm,
    tellProblem,
} from "./form.js";
import {announce, badge, failure, loading, message, pageHead} from "./parts.js";
import {unitFor, visible} from "./text.js";

const amount = (text) => grouped(trimmed(decimal(text) ?? {units: 0n, scale: 0}, 2));
const whole = (text) => grouped(decimal(text) ?? {units: 0n, scale: 0});

// --- The versions --------------------------------------------------------------------------------

function versionTable(version, currency) {
    const head = (text, number) =>
        el("th", {scope: "col", class: number ? "number" : undefined}, text);
    return el(
        "div",
        {
            class: "scroll-x",
            tabindex: "0",
            role: "region",
            "aria-label": `Version ${version.version}`,
        },
        el(
            "table",
            {class: "table"},
            el("caption", {class: "unseen"}, `Prices of version ${version.version}`),
            el(
                "thead",
                {},
                el("tr", {}, head("Meter"), head(`Price (${currency})`, true), head("For", true)),
            ),
            el(
                "tbody",
                {},
                version.prices.map(({meter, price, per, unit}) =>
                    el(
                        "tr",
                        {},
                        el("th", {scope: "row"}, visible(meter)),
                        el("td", {class: "number"}, amount(price)),
                        el("td", {class: "number"}, `${whole(per)} ${visible(unitFor(per, unit))}`),
                    ),
                ),
            ),
        ),
    );
}

function versionCard(version, currency, zone, standing) {
    const [word, tone] = {
        now: ["In force", "good"],
        next: ["To come", "accent"],
        past: ["Past", "plain"],
    }[standing];
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head-row"},
            el("h2", {}, `Version ${version.version}`),
            badge(word, tone),
            el(
                "p",
                {class: "quiet"},
                "From ",
                dayNode(version.valid_from, zone),
                ` on, set by ${visible(version.created_by)} on `,
                timeNode(version.created_at),
                " UTC",
            ),
        ),
        versionTable(version, currency),
    );
}

// The version in force is the last one that has begun.
function cards({currency, versions}, zone, now) {
    const begun = versions.filter(({valid_from: from}) => Date.parse(from) <= now);
    const current = begun.at(-1);
    const past = begun.slice(0, -1).reverse();
    const next = versions.filter((version) => !begun.includes(version));
    return [
        current && versionCard(current, currency, zone, "now"),
        next.map((version) => versionCard(version, currency, zone, "next")),
        past.length > 0 &&
            el(
                "details",
                {class: "stack"},
                el("summary", {}, `Past versions (${past.length})`),
                past.map((version) => versionCard(version, currency, zone, "past")),
            ),
    ];
}

function none(session) {
    return el(
        "div",
        {class: "card"},
        message(
            "No prices yet",
            [
                "Usage is counted all the same; with prices it has a cost, and budgets can hold cost.",
                mayWrite(session)
                    ? ""
                    : `An administrator of ${visible(session.tenant)} can set them.`,
            ].filter(Boolean),
            mayWrite(session)
                ? [el("a", {class: "button button-main", href: "/admin/prices/new"}, "Set prices")]
                : [],
        ),
    );
}

async function listPage(body, session) {
    const [table, zone] = await Promise.all([getJson("/v1/prices"), tenantZone()]);
    replace(body, table.versions.length > 0 ? cards(table, zone, Date.now()) : none(session));
}

// --- The form ------------------------------------------------------------------------------------

function unitsOf(meter) {
    const units = [meter.shown_unit, meter.unit];
    if (meter.kind === "level") return [meter.shown_unit, "GB-months"];
    return [...new Set(units)];
}

function row(meter, typed) {
    const value = (name) => typed[`${name} ${meter.name}`]?.[0] ?? "";
    const units = unitsOf(meter);
    const labelled = (control, label) => {
        control.setAttribute("aria-label", `${label} of ${meter.name}`);
        return control;
    };
    return el(
        "tr",
        {"data-field": meter.name},
        el("th", {scope: "row"}, visible(meter.name), el("p", {class: "field-error"})),
        el(
            "td",
            {},
            labelled(
                input(`price ${meter.name}`, {
                    value: value("price"),
                    inputmode: "decimal",
                    class: "number",
                    placeholder: "no price",
                }),
                "Price",
            ),
        ),
        el(
            "td",
            {},
            labelled(
                input(`per ${meter.name}`, {
                    value: value("per") || "1",
                    inputmode: "numeric",
                    class: "number",
                }),
                "Number of units",
            ),
        ),
        el(
            "td",
            {},
            labelled(
                select(
                    `unit ${meter.name}`,
                    units.map((unit) => [unit, unit]),
                    units.includes(value("unit")) ? value("unit") : units[0],
                ),
                "Unit",
            ),
        ),
    );
}

// What is typed, as the service takes it, and what is wrong with it by field.
function pricesOf(values, meters, zone) {
    const complaints = {};
    const text = (name) => (values[name]?.[0] ?? "").trim();
    const currency = text("currency").toUpperCase();
    if (!/^[A-Z]{3}$/.test(currency))
        complaints.currency = "A currency is three letters, such as EUR or USD.";
    const day = text("valid_from");
    if (!isDay(day)) complaints.valid_from = "Say from which day on they hold.";
    const prices = [];
    for (const {name} of meters) {
        if (!text(`price ${name}`)) continue;
        const price = decimal(numberOf(text(`price ${name}`)));
        const per = decimal(numberOf(text(`per ${name}`)));
        if (!price || price.units < 0n || price.scale > 6)
            complaints[name] = "The price must be a number with at most six places, such as 2.50.";
        else if (!per || per.units <= 0n || per.scale > 0)
            complaints[name] = "The number of units must be whole and more than nothing.";
        else
            prices.push({
                meter: name,
                unit: text(`unit ${name}`),
                per: plain(per),
                price: plain(price),
            });
    }
    if (prices.length === 0 && Object.keys(complaints).length === 0)
        complaints[meters[0].name] = "Give at least one meter a price.";
    return {
        body: {
            currency,
            valid_from: isDay(day) ? new Date(momentOf(day, zone)).toISOString() : "",
            prices,
        },
        complaints,
    };
}

function typedOf({currency, versions}, zone, now) {
    const typed = {currency: [currency ?? ""], valid_from: [dayOf(now, zone)]};
    for (const {meter, price, per, unit} of versions.at(-1)?.prices ?? []) {
        typed[`price ${meter}`] = [price];
        typed[`per ${meter}`] = [per];
        typed[`unit ${meter}`] = [unit];
    }
    return typed;
}

function headPart(typed, isFirst, today) {
    const currency = input("currency", {
        value: typed.currency?.[0],
        maxlength: "3",
        readonly: !isFirst,
    });
    const from = el("input", {
        type: "date",
        name: "valid_from",
        value: typed.valid_from?.[0],
        min: isFirst ? undefined : today,
    });
    return el(
        "section",
        {class: "card form-part"},
        el(
            "div",
            {class: "form-grid"},
            field("Currency", currency, {
                hint: isFirst ? "One for all versions." : "It is the same in all versions.",
            }),
            field("They hold from", from, {
                hint: isFirst
                    ? "A whole day; the first table may begin in the past."
                    : "A whole day, today or later: what past days have cost does not change.",
            }),
        ),
    );
}

function tablePart(meters, typed) {
    const heads = ["Meter", "Price", "For", "Unit"].map((text) => el("th", {scope: "col"}, text));
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Prices"},
            el(
                "table",
                {class: "table price-table"},
                el(
                    "caption",
                    {class: "unseen"},
                    "Prices by meter; a meter without a price is in no cost",
                ),
                el("thead", {}, el("tr", {}, heads)),
                el(
                    "tbody",
                    {},
                    meters.map((meter) => row(meter, typed)),
                ),
            ),
        ),
    );
}

function priceForm(session, table, meters, zone) {
    const draft = draftOf(session, "prices");
    const now = Date.now();
    const typed = draft.read() ?? typedOf(table, zone, now);
    const isFirst = table.versions.length === 0;
    const form = el(
        "form",
        {novalidate: true, class: "form stack", "aria-label": "New prices"},
        headPart(typed, isFirst, dayOf(now, zone)),
        tablePart(meters, typed),
        formMessage(),
        el(
            "div",
            {class: "form-actions"},
            el("button", {class: "button button-main", type: "submit"}, "Set these prices"),
            el("button", {class: "button", type: "button", on: {click: leave}}, "Cancel"),
        ),
    );
    function leave() {
        draft.drop();
        location.assign("/admin/prices");
    }
    async function save() {
        clearComplaints(form);
        replace(form.querySelector(".form-message"));
        const {body, complaints} = pricesOf(readForm(form), meters, zone);
        const wrong = Object.keys(complaints);
        if (wrong.length > 0) {
            for (const name of wrong.reverse())
                if (!complain(form, name, complaints[name])) tellForm(form, complaints[name]);
            return;
        }
        try {
            await sendChange(session, "POST", "/v1/prices", body);
            draft.drop();
            announce("Saved");
            location.replace("/admin/prices");
        } catch (problem) {
            draft.keep(readForm(form));
            tellProblem(form, problem);
        }
    }
    form.addEventListener("submit", submitting(form, save));
    form.addEventListener("input", () => draft.keep(readForm(form)));
    return form;
}

async function formPage(body, session) {
    const [table, {meters}, zone] = await Promise.all([
        getJson("/v1/prices"),
        getJson("/v1/meters"),
        tenantZone(),
    ]);
    replace(body, priceForm(session, table, meters, zone));
}

// --- The page ------------------------------------------------------------------------------------

export async function show({main, session, match}) {
    const isForm = Boolean(match[1]);
    const body = el("div", {class: "stack"}, loading("Reading the prices \u2026"));
    const button =
        !isForm &&
        mayWrite(session) &&
        el(
            "a",
            {class: "button button-main", href: "/admin/prices/new"},
            icon(icons.plus),
            "New version",
        );
    adminFrame(
        main,
        session,
        isForm &&
            el(
                "nav",
                {class: "crumbs", "aria-label": "Above"},
                el("a", {href: "/admin/prices"}, "Prices"),
            ),
        pageHead(
            isForm ? "New prices" : "Prices",
            isForm
                ? "A version of its own: those before stay as they are."
                : "What a unit of each meter costs. A version holds for whole days and is never changed.",
            button,
        ),
        body,
    );
    try {
        if (isForm && !mayWrite(session))
            replace(
                body,
                el(
                    "div",
                    {class: "card"},
                    message("This is not for your role", ["Only an administrator sets prices."]),
                ),
            );
        else await (isForm ? formPage(body, session) : listPage(body, session));
    } catch (problem) {
        replace(
            body,
            el(
                "div",
                {class: "card"},
                failure(problem, () => show({main, session, match})),
            ),
        );
    }
}
