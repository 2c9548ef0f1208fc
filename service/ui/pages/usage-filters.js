// The controls of the usage page. A change goes into the address; the page follows the address.
import {el} from "./dom.js";
import {dayOf, dayAfter} from "./days.js";
import {groupings, presets} from "./usage-model.js";
import {labelText} from "./text.js";

function labelled(label, control) {
    return el("label", {class: "filter"}, el("span", {}, label), control);
}

function select(name, options, chosen, change) {
    const node = el(
        "select",
        {name, on: {change: () => change(node.value)}},
        options.map(([value, text]) => el("option", {value}, text)),
    );
    node.value = chosen;
    return node;
}

// Two or three choices side by side, as radio buttons.
export function segments(label, name, options, chosen, change) {
    return el(
        "fieldset",
        {class: "segments"},
        el("legend", {class: "unseen"}, label),
        options.map(([value, text]) => {
            const box = el("input", {
                type: "radio",
                name,
                value,
                on: {change: () => change(value)},
            });
            box.checked = value === chosen;
            return el("label", {}, box, el("span", {}, text));
        }),
    );
}

function ownRange(filters, frame, go) {
    const today = dayOf(frame.now, frame.zone);
    const day = (name, value) =>
        el("input", {type: "date", name, value, max: today, required: true});
    const from = day("from", filters.from || dayAfter(today, -13));
    const to = day("to", filters.to || today);
    const changed = () => {
        to.setCustomValidity(
            from.value > to.value
                ? "The last day lies before the first one."
                : dayAfter(from.value || today, 400) <= to.value
                  ? "At most 400 days are shown at once."
                  : "",
        );
        if (from.value && to.value && to.reportValidity())
            go({range: "own", from: from.value, to: to.value});
    };
    from.addEventListener("change", changed);
    to.addEventListener("change", changed);
    return [labelled("From", from), labelled("To", to)];
}

export function usageFilters(filters, frame, go) {
    const meter = frame.meters.find(({name}) => name === filters.meter);
    const isOwn = filters.range === "own";
    const range = select(
        "range",
        [...Object.entries(presets), ["own", "Days of your choice"]],
        filters.range,
        (value) => {
            const today = dayOf(frame.now, frame.zone);
            go(
                value === "own"
                    ? {range: "own", from: dayAfter(today, -13), to: today}
                    : {range: value, from: "", to: ""},
            );
        },
    );
    const meters = frame.meters.map(({name}) => [name, name]);
    return el(
        "form",
        {
            class: "filters card",
            "aria-label": "Filters",
            on: {submit: (event) => event.preventDefault()},
        },
        labelled("Range", range),
        isOwn && ownRange(filters, frame, go),
        labelled(
            "Meter",
            select(
                "meter",
                filters.measure === "cost" ? [["", "All meters"], ...meters] : meters,
                filters.meter,
                (value) => go({meter: value, by: "meter"}),
            ),
        ),
        labelled(
            "Group by",
            select(
                "by",
                groupings(frame.meters, meter).map((name) => [
                    name,
                    name === "meter" ? (filters.meter ? "Nothing" : "Meter") : labelText(name),
                ]),
                filters.by,
                (value) => go({by: value}),
            ),
        ),
        frame.priced &&
            segments(
                "What is measured",
                "measure",
                [
                    ["cost", "Cost"],
                    ["quantity", "Quantity"],
                ],
                filters.measure,
                (value) => go({measure: value, by: "meter"}),
            ),
    );
}
