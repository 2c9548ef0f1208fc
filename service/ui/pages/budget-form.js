// The form of a budget, new or changed. What is typed is kept in this tab until it is saved; when
// somebody else has changed the budget meanwhile, both are shown and nothing is overwritten unasked.
import {getJson} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {budgetOf, differences} from "./budget-check.js";
import {ladderPart, toldPart, whatPart} from "./budget-fields.js";
import {timeText} from "./budget-parts.js";
import {decimal, grouped} from "./decimal.js";
import {draftOf} from "./draft.js";
import {announce, pageHead} from "./parts.js";
import {unitFor, visible} from "./text.js";
import {
    clearComplaints,
    complain,
    formMessage,
    readForm,
    sendChange,
    submitting,
    tellForm,
    tellProblem,
} from "./form.js";

const usual = {
    basis: "cost",
    meters: [],
    period: "month",
    mode: "notify",
    thresholds: [
        {kind: "percent", value: "50"},
        {kind: "percent", value: "80"},
        {kind: "percent", value: "100"},
        {kind: "forecast", value: "100"},
    ],
    recipients: [],
};
const pathOf = ({id}) => `/v1/budgets/${encodeURIComponent(id)}`;
const pageOf = ({id}) => `/admin/budgets/${encodeURIComponent(id)}`;

// A budget as readForm() gives it.
function typedOf(budget) {
    return {
        name: [budget.name ?? ""],
        basis: [budget.basis],
        meters: budget.meters,
        limit: [budget.limit ?? ""],
        period: [budget.period],
        mode: [budget.mode],
        shadow: budget.shadow ? ["yes"] : [],
        "threshold-kind": budget.thresholds.map(({kind}) => kind),
        "threshold-value": budget.thresholds.map(({value}) => value),
        "throttle-from": [budget.throttle?.from_percent ?? ""],
        "throttle-rate": [budget.throttle?.rate ?? ""],
        "throttle-burst": [budget.throttle?.burst ?? ""],
        default_estimate: [budget.default_estimate ?? ""],
        recipients: budget.recipients,
        contact: [budget.contact ?? ""],
        two_person: budget.two_person ? ["yes"] : [],
    };
}

// The unit of the amounts; `long` also says what it is in the unit for people, as nobody thinks in
// milliseconds.
function unitsOf(basis, meter, currency) {
    const unit =
        basis === "cost"
            ? currency || "the currency of the prices"
            : !meter
              ? "the meter\u2019s unit"
              : meter.kind === "level"
                ? meter.shown_unit
                : meter.unit;
    if (basis === "cost" || meter?.kind !== "sum" || meter.shown_per === "1")
        return {unit, long: unit};
    const many = grouped(decimal(meter.shown_per));
    return {unit, long: `${unit} (${many} are 1 ${unitFor("1", meter.shown_unit)})`};
}

// The parts of the form that show only with a basis or a mode.
function follow(form, meters, currency) {
    const picked = (name) => form.querySelector(`[name=${name}]:checked`)?.value;
    const name = form.querySelector("[name=meters]:checked")?.value;
    const {unit, long} = unitsOf(
        picked("basis"),
        meters.find((one) => one.name === name),
        currency,
    );
    form.querySelector("[data-part=throttle]").hidden = picked("mode") !== "throttle";
    form.querySelector("[data-part=enforced]").hidden = picked("mode") === "notify";
    for (const place of form.querySelectorAll("[data-unit]"))
        place.textContent = place.dataset.unit.replace("LONG", long).replace("UNIT", unit);
    form.querySelector("[data-field=meters] .field-hint").textContent =
        picked("basis") === "cost"
            ? "None chosen: everything that has a price."
            : "One, or several that are counted in the same unit.";
}

function formOf(frame, budget, typed, {keep, leave}) {
    return el(
        "form",
        {
            novalidate: true,
            class: "form stack",
            "aria-label": budget ? "Change the budget" : "New budget",
        },
        whatPart(typed, frame.meters, frame.zone),
        ladderPart(typed),
        toldPart(typed, frame.recipients, keep),
        formMessage(),
        el(
            "div",
            {class: "form-actions"},
            el(
                "button",
                {class: "button button-main", type: "submit"},
                budget ? "Save the changes" : "Set the budget",
            ),
            el("button", {class: "button", type: "button", on: {click: leave}}, "Cancel"),
        ),
    );
}

function headOf(budget) {
    return pageHead(
        budget ? `Change \u201c${visible(budget.name)}\u201d` : "New budget",
        budget
            ? "The change holds from the moment it is saved."
            : "Begin with one that only tells: it holds nothing back.",
    );
}

function tellComplaints(form, complaints) {
    const names = Object.keys(complaints);
    for (const name of names.slice(1).reverse()) complain(form, name, complaints[name]);
    if (!complain(form, names[0], complaints[names[0]])) tellForm(form, complaints[names[0]]);
}

function tellGone(form) {
    tellForm(
        form,
        el("strong", {}, "This budget is no longer there."),
        " Somebody has deleted it meanwhile. What you typed is still here; to set it anew, copy it into ",
        el("a", {href: "/admin/budgets/new"}, "a new budget"),
        ".",
    );
}

function choice(over, take) {
    const button = (text, click) =>
        el("button", {class: "button", type: "button", on: {click}}, text);
    return el(
        "div",
        {class: "form-actions"},
        button("Save mine over theirs", over),
        button("Take theirs, drop mine", take),
    );
}

// A change of somebody else, beside one's own; nothing is overwritten unasked.
async function tellConflict(work, mine) {
    let theirs;
    try {
        theirs = await getJson(pathOf(work.base));
    } catch (problem) {
        if (problem.status === 404) tellGone(work.form);
        else tellProblem(work.form, problem);
        return;
    }
    const over = () => {
        work.base = theirs;
        work.form.requestSubmit();
    };
    const rows = differences(mine, theirs);
    tellForm(work.form, conflict(theirs, rows), choice(over, () => startAnew(work)));
}

async function save(work) {
    const {form, draft, frame} = work;
    clearComplaints(form);
    replace(form.querySelector(".form-message"));
    const {budget: mine, complaints} = budgetOf(readForm(form), frame.meters);
    if (Object.keys(complaints).length > 0) {
        tellComplaints(form, complaints);
        return;
    }
    const {base} = work;
    try {
        const saved = base
            ? await sendChange(frame.session, "PUT", pathOf(base), {...mine, version: base.version})
            : await sendChange(frame.session, "POST", "/v1/budgets", mine);
        draft.drop();
        announce("Saved");
        // The form gives way to the budget: the browser's way back does not lead into it again.
        location.replace(pageOf(saved ?? base));
    } catch (problem) {
        keep(work);
        if (problem.status === 409 && base) await tellConflict(work, mine);
        else if (problem.status === 404 && base) tellGone(form);
        else tellProblem(form, problem);
    }
}

function keep({draft, form, base}) {
    draft.keep({values: readForm(form), version: base?.version});
}

function startAnew({draft}) {
    draft.drop();
    location.reload();
}

// frame: {session, meters, recipients, currency, zone}; budget: the one to change, or null.
export function budgetForm(frame, budget) {
    const draft = draftOf(frame.session, budget ? `budget ${budget.id}` : "budget");
    const kept = draft.read();
    const typed = kept?.values ?? typedOf(budget ?? usual);
    const since = kept?.version && budget && kept.version !== budget.version;
    // base: what the service had when this form was filled.
    const work = {frame, draft, base: since ? {...budget, version: kept.version} : budget};
    const leave = () => {
        draft.drop();
        location.assign(budget ? pageOf(budget) : "/admin/budgets");
    };
    work.form = formOf(frame, budget, typed, {keep: () => keep(work), leave});
    work.form.addEventListener(
        "submit",
        submitting(work.form, () => save(work)),
    );
    work.form.addEventListener("input", () => {
        follow(work.form, frame.meters, frame.currency);
        keep(work);
    });
    follow(work.form, frame.meters, frame.currency);
    return [headOf(budget), kept && restored(() => startAnew(work)), work.form];
}

function restored(discard) {
    return el(
        "p",
        {class: "notice", role: "status"},
        icon(icons.warning),
        el("span", {}, "What you typed before and did not save is here again."),
        el(
            "button",
            {class: "button button-small", type: "button", on: {click: discard}},
            "Discard it",
        ),
    );
}

function conflict(theirs, rows) {
    return [
        el("strong", {}, `${visible(theirs.updated_by)} has changed this budget meanwhile`),
        ` (${timeText(theirs.updated_at)} UTC). Nothing of yours is lost, and nothing was saved.`,
        rows.length > 0 &&
            el(
                "table",
                {class: "table table-tight conflict"},
                el("caption", {class: "unseen"}, "What differs"),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        ["What", "Yours", "Theirs"].map((text) => el("th", {scope: "col"}, text)),
                    ),
                ),
                el(
                    "tbody",
                    {},
                    rows.map(({label, mine, theirs: other}) =>
                        el(
                            "tr",
                            {},
                            el("th", {scope: "row"}, label),
                            el("td", {}, visible(mine)),
                            el("td", {}, visible(other)),
                        ),
                    ),
                ),
            ),
    ];
}
