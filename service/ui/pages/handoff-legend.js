// The legend: what each kind looks like, how many there are, and a box that hides them.
import {el} from "./dom.js";
import {kindMark, kindOf} from "./kinds.js";
import {number} from "./text.js";

export function legend({model, view}) {
    const boxes = new Map();
    const changed = () =>
        view.setKinds(new Set([...boxes].filter(([, box]) => box.checked).map(([name]) => name)));
    const setAll = (on) => {
        for (const box of boxes.values()) box.checked = on;
        changed();
    };
    const entry = ([name, count]) => {
        const box = el("input", {type: "checkbox", checked: true, on: {change: changed}});
        boxes.set(name, box);
        return el(
            "label",
            {class: "legend-entry"},
            box,
            kindMark(name),
            el("span", {}, kindOf(name).label),
            el("span", {class: "legend-count"}, number(count)),
        );
    };
    return el(
        "fieldset",
        {class: "legend"},
        el("legend", {class: "unseen"}, "Kinds of entities to show"),
        model.kinds.map(entry),
        model.kinds.length > 1 &&
            el(
                "span",
                {class: "legend-all"},
                el(
                    "button",
                    {class: "button button-link", type: "button", on: {click: () => setAll(true)}},
                    "All",
                ),
                el(
                    "button",
                    {class: "button button-link", type: "button", on: {click: () => setAll(false)}},
                    "None",
                ),
            ),
    );
}
