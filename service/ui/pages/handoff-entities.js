// The table of entities. All of them are in memory, unless the drawing shows only a part: then the table
// pages through what the service keeps.
import {getJson, query} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {failure} from "./parts.js";
import {kindMark, kindOf} from "./kinds.js";
import {counted, number, shortened, visible} from "./text.js";
import {seenEntities} from "./graph-model.js";

const PAGE = 100;

const columns = [
    {key: "value", text: "Entity", from: (entity) => entity.value},
    {key: "count", text: "Rows", from: (entity) => entity.count, down: true},
    {key: "degree", text: "Links", from: (entity) => entity.degree, down: true},
    {
        key: "earlier_handoffs",
        text: "Before",
        from: (entity) => entity.earlier_handoffs,
        down: true,
        title: "Earlier hand-offs that hold it",
    },
];

function sorted(entities, {column, down}) {
    const sign = down ? -1 : 1;
    return [...entities].sort((a, b) => {
        const [x, y] = [column.from(a), column.from(b)];
        return (x < y ? -sign : Number(x > y) * sign) || a.id - b.id;
    });
}

// Pages of what is in memory.
function memoryPages(model, view) {
    let start = 0;
    return {
        sortable: true,
        first: () => {
            start = 0;
        },
        hasBack: () => start > 0,
        back: () => {
            start -= PAGE;
        },
        forth: () => {
            start += PAGE;
        },
        async read(sort) {
            const all = sorted(seenEntities(model, view), sort);
            return {
                rows: all.slice(start, start + PAGE),
                start,
                total: all.length,
                more: start + PAGE < all.length,
            };
        },
    };
}

// Pages of what the service keeps; each knows only how to get the next one.
function servicePages(model, view, kindChoice) {
    const path = `/v1/handoffs/${encodeURIComponent(model.handoff.id)}/entities`;
    let cursors = [null];
    let next = null;
    return {
        sortable: false,
        first: () => {
            cursors = [null];
        },
        hasBack: () => cursors.length > 1,
        back: () => cursors.pop(),
        forth: () => cursors.push(next),
        async read() {
            const reply = await getJson(
                path +
                    query({limit: PAGE, after: cursors.at(-1), kind: kindChoice(), q: view.query}),
            );
            next = reply.next;
            return {
                rows: reply.entities,
                start: (cursors.length - 1) * PAGE,
                total: reply.total,
                more: next !== null,
            };
        },
    };
}

function kindSelect(model, changed) {
    return el(
        "select",
        {"aria-label": "Kind of entity in the table", on: {change: changed}},
        el("option", {value: ""}, "All kinds"),
        model.kinds.map(([name]) => el("option", {value: name}, kindOf(name).label)),
    );
}

function entityRow(entity, model, view) {
    const chosen = view.choice?.entity?.id === entity.id;
    const label = kindOf(entity.kind).label;
    return el(
        "tr",
        {class: chosen ? "row-chosen" : undefined, "data-entity": entity.id},
        el(
            "td",
            {},
            el(
                "button",
                {
                    class: "entity-button",
                    type: "button",
                    title: visible(entity.value),
                    "aria-pressed": String(chosen),
                    on: {click: () => view.choose({entity})},
                },
                kindMark(entity.kind),
                el("span", {class: "unseen"}, `${label} `),
                el("span", {class: "entity-value"}, shortened(entity.value, 60)),
            ),
        ),
        el("td", {class: "number"}, number(entity.count)),
        el("td", {class: "number"}, number(entity.degree)),
        el(
            "td",
            {class: "number"},
            entity.earlier_handoffs > 0
                ? el("span", {class: "badge badge-known"}, number(entity.earlier_handoffs))
                : "\u2013",
        ),
    );
}

function heads(sort, sortable, sortBy) {
    return el(
        "tr",
        {},
        columns.map((column) => {
            const now = sortable && sort.column === column;
            const content = !sortable
                ? column.text
                : el(
                      "button",
                      {
                          class: "sort",
                          type: "button",
                          title: column.title,
                          on: {click: () => sortBy(column)},
                      },
                      column.text,
                      now && icon(sort.down ? icons.down : icons.up),
                  );
            return el(
                "th",
                {
                    scope: "col",
                    class: column.key === "value" ? undefined : "number",
                    "aria-sort": now ? (sort.down ? "descending" : "ascending") : undefined,
                },
                content,
            );
        }),
    );
}

export function entitiesCard({model, view}) {
    const select = model.truncated && kindSelect(model, () => begin());
    const pages = model.truncated
        ? servicePages(model, view, () => select.value)
        : memoryPages(model, view);
    let sort = {column: columns[2], down: true};
    let turn = 0;
    const headRow = el("thead", {});
    const body = el("tbody", {});
    const status = el("p", {class: "quiet", role: "status"});
    const pageButton = (path, label, step) =>
        el(
            "button",
            {
                class: "button button-small",
                type: "button",
                "aria-label": label,
                title: label,
                on: {click: () => go(step)},
            },
            icon(path),
        );
    const back = pageButton(icons.left, "Previous page", pages.back);
    const forth = pageButton(icons.right, "Next page", pages.forth);
    const pager = el("div", {class: "pager"}, back, forth);
    const scroll = el(
        "div",
        {class: "scroll-y", tabindex: "0", role: "region", "aria-label": "Table of entities"},
        el(
            "table",
            {class: "table table-tight"},
            el("caption", {class: "unseen"}, "Entities"),
            headRow,
            body,
        ),
    );

    async function paint() {
        const mine = ++turn; // an answer that comes after a later question is dropped
        let page;
        try {
            page = await pages.read(sort);
        } catch (problem) {
            if (mine === turn)
                replace(
                    body,
                    el("tr", {}, el("td", {colspan: columns.length}, failure(problem, paint))),
                );
            return;
        }
        if (mine !== turn) return;
        replace(
            headRow,
            heads(sort, pages.sortable, (column) => {
                sort = {column, down: sort.column === column ? !sort.down : Boolean(column.down)};
                begin();
            }),
        );
        replace(
            body,
            page.rows.map((entity) => entityRow(entity, model, view)),
        );
        if (page.rows.length === 0) {
            replace(
                body,
                el(
                    "tr",
                    {},
                    el(
                        "td",
                        {class: "quiet", colspan: columns.length},
                        "No entity matches the search and the kinds chosen.",
                    ),
                ),
            );
        }
        const whole = model.total.entities;
        const shown =
            page.rows.length < page.total
                ? `${number(page.start + 1)}\u2013${number(page.start + page.rows.length)} of `
                : "";
        status.textContent =
            page.total === whole
                ? shown + counted(whole, "entity", "entities")
                : `${shown}${number(page.total)} matching, ${number(whole)} in all`;
        back.disabled = !pages.hasBack();
        forth.disabled = !page.more;
        pager.hidden = back.disabled && forth.disabled;
    }

    function begin() {
        pages.first();
        scroll.scrollTop = 0;
        paint();
    }

    function go(step) {
        step();
        scroll.scrollTop = 0;
        paint();
    }

    function markChosen() {
        for (const row of body.querySelectorAll("[data-entity]")) {
            const chosen = row.dataset.entity === String(view.choice?.entity?.id);
            row.classList.toggle("row-chosen", chosen);
            row.querySelector("button").setAttribute("aria-pressed", String(chosen));
        }
    }

    let waiting;
    view.listen((what) => {
        if (what === "choice") markChosen(); // in place: the button keeps the focus
        if (what === "kinds" && !model.truncated) begin();
        if (what === "query") {
            clearTimeout(waiting);
            waiting = setTimeout(begin, model.truncated ? 250 : 0);
        }
    });
    paint();
    return el(
        "section",
        {class: "card entities", "aria-labelledby": "entities-title"},
        el(
            "div",
            {class: "card-head card-head-row"},
            el("h2", {id: "entities-title"}, "Entities"),
            status,
            select,
            pager,
        ),
        scroll,
    );
}
