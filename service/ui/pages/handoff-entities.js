// The table of entities. All of them are in memory, unless the drawing shows only a part: then the
// table pages through what the service keeps.
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

function wideRow(...content) {
    return el("tr", {}, el("td", {class: "quiet", colspan: columns.length}, content));
}

// "1-100 of 6,000 entities", "12 matching, 67 in all"
function statusOf({rows, start, total}, whole) {
    const part = `${number(start + 1)}\u2013${number(start + rows.length)} of `;
    const shown = rows.length < total ? part : "";
    if (total === whole) return shown + counted(whole, "entity", "entities");
    return `${shown}${number(total)} matching, ${number(whole)} in all`;
}

class EntityTable {
    #model;
    #view;
    #pages;
    #select;
    #sort = {column: columns[2], down: true};
    #turn = 0;
    #waiting = 0;
    #head = el("thead", {});
    #body = el("tbody", {});
    #status = el("p", {class: "quiet", role: "status"});
    #back = this.#pageButton(icons.left, "Previous page", () => this.#pages.back());
    #forth = this.#pageButton(icons.right, "Next page", () => this.#pages.forth());
    #pager = el("div", {class: "pager"}, this.#back, this.#forth);
    #scroll = el(
        "div",
        {class: "scroll-y", tabindex: "0", role: "region", "aria-label": "Table of entities"},
        el(
            "table",
            {class: "table table-tight"},
            el("caption", {class: "unseen"}, "Entities"),
            this.#head,
            this.#body,
        ),
    );

    constructor(model, view) {
        this.#model = model;
        this.#view = view;
        this.#select = model.truncated && kindSelect(model, () => this.#begin());
        this.#pages = model.truncated
            ? servicePages(model, view, () => this.#select.value)
            : memoryPages(model, view);
        view.listen((what) => this.#changed(what));
        this.#paint();
    }

    node() {
        const title = el("h2", {id: "entities-title"}, "Entities");
        const rest = [this.#status, this.#select, this.#pager];
        return el(
            "section",
            {class: "card entities", "aria-labelledby": "entities-title"},
            el("div", {class: "card-head card-head-row"}, title, rest),
            this.#scroll,
        );
    }

    #pageButton(path, label, step) {
        const click = () => {
            step();
            this.#scroll.scrollTop = 0;
            this.#paint();
        };
        const attributes = {class: "button button-small", type: "button", title: label};
        return el("button", {...attributes, "aria-label": label, on: {click}}, icon(path));
    }

    #changed(what) {
        if (what === "choice") this.#markChosen(); // in place: the button keeps the focus
        if (what === "kinds" && !this.#model.truncated) this.#begin();
        if (what === "query") {
            clearTimeout(this.#waiting);
            this.#waiting = setTimeout(() => this.#begin(), this.#model.truncated ? 250 : 0);
        }
    }

    #begin() {
        this.#pages.first();
        this.#scroll.scrollTop = 0;
        this.#paint();
    }

    async #paint() {
        const mine = ++this.#turn; // an answer that comes after a later question is dropped
        let page = null;
        let failed = null;
        try {
            page = await this.#pages.read(this.#sort);
        } catch (problem) {
            failed = problem;
        }
        if (mine !== this.#turn) return;
        if (failed) {
            const again = wideRow(failure(failed, () => this.#paint()));
            replace(this.#body, again);
            return;
        }
        this.#paintHead();
        const rows = page.rows.map((entity) => entityRow(entity, this.#model, this.#view));
        const none = "No entity matches the search and the kinds chosen.";
        replace(this.#body, rows.length > 0 ? rows : wideRow(none));
        this.#status.textContent = statusOf(page, this.#model.total.entities);
        this.#back.disabled = !this.#pages.hasBack();
        this.#forth.disabled = !page.more;
        this.#pager.hidden = this.#back.disabled && this.#forth.disabled;
    }

    #paintHead() {
        const focused = this.#head.contains(document.activeElement);
        const sortBy = (column) => {
            const again = this.#sort.column === column;
            this.#sort = {column, down: again ? !this.#sort.down : Boolean(column.down)};
            this.#begin();
        };
        replace(this.#head, heads(this.#sort, this.#pages.sortable, sortBy));
        if (focused) this.#head.querySelector("[aria-sort] button")?.focus();
    }

    #markChosen() {
        for (const row of this.#body.querySelectorAll("[data-entity]")) {
            const chosen = row.dataset.entity === String(this.#view.choice?.entity?.id);
            row.classList.toggle("row-chosen", chosen);
            row.querySelector("button").setAttribute("aria-pressed", String(chosen));
        }
    }
}

export function entitiesCard({model, view}) {
    return new EntityTable(model, view).node();
}
