// The table of relations, under the drawing: the same graph for those who read.
import {el, replace} from "./dom.js";
import {timeNode} from "./parts.js";
import {kindMark, kindOf} from "./kinds.js";
import {counted, number, relationText, shortened, visible} from "./text.js";
import {seenRelations} from "./graph-model.js";

const PAGE = 50;

const columns = [
    {text: "From"},
    {text: "Relation"},
    {text: "To"},
    {text: "Rows", numeric: true},
    {text: "First seen (UTC)"},
    {text: "Last seen (UTC)"},
    {text: "Before", numeric: true},
];

export function endButton(entity, view) {
    return el(
        "button",
        {
            class: "entity-button",
            type: "button",
            title: visible(entity.value),
            on: {click: () => view.choose({entity})},
        },
        kindMark(entity.kind),
        el("span", {class: "unseen"}, `${kindOf(entity.kind).label} `),
        el("span", {class: "entity-value"}, shortened(entity.value, 48)),
    );
}

function relationRow({relation, index}, model, view) {
    const chosen = view.choice?.index === index;
    return el(
        "tr",
        {class: chosen ? "row-chosen" : undefined, "data-relation": index},
        el("td", {}, endButton(model.byId.get(relation.from), view)),
        el(
            "td",
            {},
            el(
                "button",
                {
                    class: "relation-button",
                    type: "button",
                    "aria-pressed": String(chosen),
                    on: {click: () => view.choose({relation, index})},
                },
                relationText(relation.type),
            ),
        ),
        el("td", {}, endButton(model.byId.get(relation.to), view)),
        el("td", {class: "number"}, number(relation.count)),
        el("td", {}, timeNode(relation.first_us)),
        el("td", {}, timeNode(relation.last_us)),
        el(
            "td",
            {class: "number"},
            relation.earlier_handoffs > 0
                ? el("span", {class: "badge badge-known"}, number(relation.earlier_handoffs))
                : "\u2013",
        ),
    );
}

function tableAround(body) {
    const heads = columns.map(({text, numeric}) =>
        el("th", {scope: "col", class: numeric && "number"}, text),
    );
    const caption = el("caption", {class: "unseen"}, "Relations");
    const head = el("thead", {}, el("tr", {}, heads));
    return el("table", {class: "table table-tight"}, caption, head, body);
}

export function relationsCard({model, view}) {
    let shown = PAGE;
    const body = el("tbody", {});
    const status = el("p", {class: "quiet", role: "status"});
    const showMore = () => {
        shown += 4 * PAGE;
        paint();
    };
    const more = el(
        "button",
        {class: "button", type: "button", on: {click: showMore}},
        "Show more",
    );

    function paint() {
        const all = seenRelations(model, view);
        replace(
            body,
            all.slice(0, shown).map((entry) => relationRow(entry, model, view)),
        );
        const drawn = model.truncated
            ? ` among the entities drawn, ${number(model.total.relations)} in all`
            : "";
        status.textContent =
            all.length === model.relations.length
                ? counted(all.length, "relation") + drawn
                : `${number(all.length)} of ${counted(model.relations.length, "relation")}${drawn}`;
        more.hidden = shown >= all.length;
    }

    function markChosen() {
        for (const row of body.querySelectorAll("[data-relation]")) {
            const chosen = row.dataset.relation === String(view.choice?.index);
            row.classList.toggle("row-chosen", chosen);
            row.querySelector(".relation-button").setAttribute("aria-pressed", String(chosen));
        }
    }

    view.listen((what) => {
        if (what === "choice") {
            markChosen(); // in place: the button keeps the focus
            return;
        }
        shown = PAGE;
        paint();
    });
    paint();
    const title = el("h2", {id: "relations-title"}, "Relations");
    return el(
        "section",
        {class: "card relations", "aria-labelledby": "relations-title"},
        el("div", {class: "card-head card-head-row"}, title, status),
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table of relations"},
            tableAround(body),
        ),
        el("p", {class: "card-foot"}, more),
    );
}
