// The fields of a budget's form, filled with what was typed (as readForm gives it).
import {el, icon, icons} from "./dom.js";
import {THRESHOLDS_MOST} from "./budget-check.js";
import {modes} from "./budget-parts.js";
import {check, choices, field, input, select} from "./form.js";
import {visible} from "./text.js";

const thresholdKinds = [
    ["percent", "% used"],
    ["absolute", "amount used"],
    ["forecast", "% forecast"],
];

function thresholdRows(typed, changed) {
    const list = el("div", {class: "threshold-rows"});
    const count = () => list.children.length;
    const add = el(
        "button",
        {
            class: "button button-small",
            type: "button",
            on: {click: () => addRow("percent", "", true)},
        },
        icon(icons.plus),
        "Add a threshold",
    );
    const name = () => {
        [...list.children].forEach((row, index) => {
            row.querySelector("input").setAttribute("aria-label", `Threshold ${index + 1}`);
            row.querySelector("select").setAttribute(
                "aria-label",
                `Kind of threshold ${index + 1}`,
            );
            row.querySelector("button").setAttribute("aria-label", `Remove threshold ${index + 1}`);
        });
        add.hidden = count() >= THRESHOLDS_MOST;
    };
    function addRow(kind, value, fresh) {
        const row = el(
            "div",
            {class: "threshold-row"},
            input("threshold-value", {value, inputmode: "decimal", class: "number"}),
            select("threshold-kind", thresholdKinds, kind),
            el(
                "button",
                {
                    class: "button button-icon",
                    type: "button",
                    on: {
                        click: () => {
                            row.remove();
                            name();
                            add.focus();
                            changed();
                        },
                    },
                },
                icon(icons.close),
            ),
        );
        list.append(row);
        name();
        if (fresh) row.querySelector("input").focus();
    }
    (typed["threshold-value"] ?? []).forEach((value, index) =>
        addRow(typed["threshold-kind"][index], value, false),
    );
    name();
    return [list, add];
}

const unitHint = (text) => el("span", {"data-unit": text}, "");

function groupHead(title, lead) {
    return el(
        "div",
        {class: "form-head"},
        el("h2", {}, title),
        lead && el("p", {class: "quiet"}, lead),
    );
}

export function whatPart(typed, meters, zone) {
    const one = (name) => typed[name]?.[0] ?? "";
    return el(
        "section",
        {class: "card form-part"},
        groupHead("What it limits", "A budget limits one number: a cost, or a quantity."),
        el(
            "div",
            {class: "form-grid"},
            field("Name", input("name", {value: one("name"), maxlength: "80"}), {
                hint: "Shown to whoever is refused.",
            }),
            field(
                "Period",
                select(
                    "period",
                    [
                        ["day", "Day"],
                        ["month", "Calendar month"],
                        ["billing", "Billing period"],
                    ],
                    one("period"),
                ),
                {hint: `It begins anew at midnight, ${zone}.`},
            ),
            choices(
                "Limits",
                "basis",
                el(
                    "div",
                    {class: "choice-row"},
                    check("basis", "Cost", {
                        type: "radio",
                        value: "cost",
                        checked: one("basis") === "cost",
                    }),
                    check("basis", "Quantity", {
                        type: "radio",
                        value: "quantity",
                        checked: one("basis") === "quantity",
                    }),
                ),
                {wide: false},
            ),
            field("Limit", input("limit", {value: one("limit"), inputmode: "decimal"}), {
                hint: unitHint("In LONG, for each period."),
            }),
            choices(
                "Meters",
                "meters",
                el(
                    "div",
                    {class: "choice-row"},
                    meters.map(({name, unit, shown_unit: shown, kind}) =>
                        check("meters", name, {
                            value: name,
                            checked: typed.meters?.includes(name),
                            note: kind === "level" ? shown : unit,
                        }),
                    ),
                ),
                {hint: " "},
            ),
        ),
    );
}

export function ladderPart(typed) {
    const one = (name) => typed[name]?.[0] ?? "";
    const amount = (label, name, hint) =>
        field(label, input(name, {value: one(name), inputmode: "decimal"}), {hint});
    return el(
        "section",
        {class: "card form-part"},
        groupHead("What happens at the limit", "Whichever it is, the recipients are told."),
        choices(
            "At the limit",
            "mode",
            el(
                "div",
                {class: "ladder-choice"},
                Object.entries(modes).map(([value, [label, note]]) =>
                    check("mode", label, {
                        type: "radio",
                        value,
                        note,
                        checked: one("mode") === value,
                    }),
                ),
            ),
        ),
        el(
            "div",
            {"data-part": "throttle", "data-field": "throttle"},
            el("p", {class: "field-error"}),
            el(
                "div",
                {class: "form-grid form-grid-3"},
                amount("Slows down from", "throttle-from", "Percent of the limit."),
                amount("Rate", "throttle-rate", unitHint("UNIT a second.")),
                amount("Burst", "throttle-burst", unitHint("UNIT at once.")),
            ),
        ),
        el(
            "div",
            {"data-part": "enforced", class: "form-grid"},
            amount(
                "Estimate",
                "default_estimate",
                unitHint(
                    "In UNIT, for a request that cannot say what it will use. Empty: the least there is.",
                ),
            ),
            choices(
                "Trial",
                "shadow",
                check("shadow", "Shadow mode", {
                    checked: typed.shadow?.length,
                    note: "Writes down what it would have refused, and refuses nothing.",
                }),
                {wide: false},
            ),
        ),
    );
}

export function toldPart(typed, recipients, changed) {
    const one = (name) => typed[name]?.[0] ?? "";
    const known = new Set(recipients.map(({id}) => id));
    const gone = (typed.recipients ?? []).filter((id) => !known.has(id));
    return el(
        "section",
        {class: "card form-part"},
        groupHead(
            "Who is told, and when",
            "One notice for each time a threshold is crossed, and one when it is over.",
        ),
        el(
            "div",
            {class: "form-grid"},
            choices("Thresholds", "thresholds", thresholdRows(typed, changed), {wide: false}),
            choices(
                "Recipients",
                "recipients",
                [
                    [
                        ...recipients,
                        ...gone.map((id) => ({id, name: id, to: "no longer there"})),
                    ].map(({id, name, to}) =>
                        check("recipients", visible(name || to), {
                            value: id,
                            note: name ? visible(to) : undefined,
                            checked: typed.recipients?.includes(id),
                        }),
                    ),
                    recipients.length === 0 &&
                        el(
                            "p",
                            {class: "quiet"},
                            "There are none yet: crossings are shown here and in Splunk only.",
                        ),
                    el("a", {href: "/admin/recipients"}, "Manage recipients"),
                ],
                {wide: false},
            ),
            field("Whom to ask", input("contact", {value: one("contact"), maxlength: "200"}), {
                hint: "Shown to whoever is refused: a name, an address or a channel.",
            }),
            choices(
                "Overrides",
                "two_person",
                check("two_person", "A second administrator approves", {
                    checked: typed.two_person?.length,
                    note: "An override waits until somebody else has approved it.",
                }),
                {wide: false},
            ),
        ),
    );
}
