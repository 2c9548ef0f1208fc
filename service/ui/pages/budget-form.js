// The form of a budget, new or changed. What is typed is kept in this tab until it is saved; when
// somebody else has changed the budget meanwhile, both are shown and nothing is overwritten unasked.
import {getJson} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {budgetOf, differences} from "./budget-check.js";
import {ladderPart, toldPart, whatPart} from "./budget-fields.js";
import {timeText} from "./budget-parts.js";
import {draftOf} from "./draft.js";
import {announce, pageHead} from "./parts.js";
import {visible} from "./text.js";
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

// The parts of the form that show only with a basis or a mode.
function follow(form, meters, currency) {
    const picked = (name) => form.querySelector(`[name=${name}]:checked`)?.value;
    const unit = () => {
        if (picked("basis") === "cost") return currency || "the currency of the prices";
        const name = form.querySelector("[name=meters]:checked")?.value;
        const meter = meters.find((one) => one.name === name);
        if (!meter) return "the meter\u2019s unit";
        return meter.kind === "level" ? meter.shown_unit : meter.unit;
    };
    form.querySelector("[data-part=throttle]").hidden = picked("mode") !== "throttle";
    form.querySelector("[data-part=enforced]").hidden = picked("mode") === "notify";
    for (const place of form.querySelectorAll("[data-unit]"))
        place.textContent = place.dataset.unit.replace("UNIT", unit());
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
        whatPart(typed, frame.meters),
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

// frame: {session, meters, recipients, currency}; budget: the one to change, or null.
export function budgetForm(frame, budget) {
    const draft = draftOf(frame.session, budget ? `budget ${budget.id}` : "budget");
    const kept = draft.read();
    let base = budget; // what the service had when this form was filled
    const typed = kept?.values ?? typedOf(budget ?? usual);
    if (kept?.version && budget && kept.version !== budget.version)
        base = {...budget, version: kept.version};
    const back = budget ? `/admin/budgets/${encodeURIComponent(budget.id)}` : "/admin/budgets";
    const keep = () => draft.keep({values: readForm(form), version: base?.version});
    const form = formOf(frame, budget, typed, {keep: () => keep(), leave});
    function leave() {
        draft.drop();
        location.assign(back);
    }
    async function save() {
        clearComplaints(form);
        replace(form.querySelector(".form-message"));
        const {budget: mine, complaints} = budgetOf(readForm(form), frame.meters);
        if (Object.keys(complaints).length > 0) {
            tellComplaints(form, complaints);
            return;
        }
        try {
            const body = base ? {...mine, version: base.version} : mine;
            const path = base ? `/v1/budgets/${encodeURIComponent(base.id)}` : "/v1/budgets";
            const saved = await sendChange(frame.session, base ? "PUT" : "POST", path, body);
            draft.drop();
            announce("Saved");
            // The form gives way to the budget: the browser's way back does not lead into it again.
            location.replace(`/admin/budgets/${encodeURIComponent(saved?.id ?? base.id)}`);
        } catch (problem) {
            keep();
            if (problem.status === 409 && base) await tellConflict(mine);
            else if (problem.status === 404 && base) tellGone(form);
            else tellProblem(form, problem);
        }
    }
    async function tellConflict(mine) {
        let theirs;
        try {
            theirs = await getJson(`/v1/budgets/${encodeURIComponent(base.id)}`);
        } catch (problem) {
            if (problem.status === 404) tellGone(form);
            else tellProblem(form, problem);
            return;
        }
        tellForm(
            form,
            conflict(theirs, differences(mine, theirs)),
            choice(
                () => {
                    base = theirs;
                    form.requestSubmit();
                },
                () => {
                    draft.drop();
                    location.reload();
                },
            ),
        );
    }
    form.addEventListener("submit", submitting(form, save));
    form.addEventListener("input", () => {
        follow(form, frame.meters, frame.currency);
        keep();
    });
    follow(form, frame.meters, frame.currency);
    return [
        headOf(budget),
        kept &&
            restored(() => {
                draft.drop();
                location.reload();
            }),
        form,
    ];
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
