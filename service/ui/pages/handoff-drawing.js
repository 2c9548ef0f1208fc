// The drawing and what steers it: search, zoom, the legend that filters, exports. The library that draws
// is loaded here and nowhere else; where a build has none, the card says so and the tables do the work.
import {el, icon, icons, replace} from "./dom.js";
import {announce} from "./parts.js";
import {kindMark, kindOf, signTransform} from "./kinds.js";
import {counted, number, relationText, shortened} from "./text.js";
import {entityMatches, seenEntities, seenRelations} from "./graph-model.js";
import {saveJson, savePicture} from "./handoff-export.js";

const hasDrawing = () => document.querySelector("meta[name=intelgraph-drawing]")?.content === "yes";

function iconButton(path, label, click) {
    return el(
        "button",
        {
            class: "button button-icon",
            type: "button",
            "aria-label": label,
            title: label,
            on: {click},
        },
        icon(path),
    );
}

// The colour that style.css gives an element of this class, as canvas understands it.
function colourOf(probe, className) {
    probe.className = className;
    return getComputedStyle(probe).color;
}

function lookOf(place) {
    const probe = place.appendChild(el("span", {hidden: true}));
    const look = {};
    for (const name of ["ink", "paper", "quiet", "accent", "line"]) {
        look[name] = colourOf(probe, `graph-${name}`);
    }
    look.font = getComputedStyle(place).fontFamily;
    look.family = (family) => colourOf(probe, `family-${family}`);
    look.sign = colourOf(probe, "graph-sign");
    look.done = () => probe.remove();
    return look;
}

function drawnNodes(model, look) {
    const shapes = new Map(
        model.kinds.map(([name]) => {
            const kind = kindOf(name);
            return [
                name,
                {
                    outline: kind.outline,
                    sign: kind.sign,
                    transform: signTransform(kind, 64),
                    colour: look.family(kind.family),
                    ink: look.sign,
                },
            ];
        }),
    );
    return model.entities.map((entity) => ({
        id: entity.id,
        label: shortened(entity.value, 30),
        kind: entity.kind,
        degree: model.links.get(entity.id).length,
        shape: shapes.get(entity.kind),
    }));
}

function legend({model, view}) {
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

// The search field: what matches is marked; Enter goes through the matches, Escape ends the search.
function search({model, view, goTo}) {
    const input = el("input", {
        type: "search",
        placeholder: "Find an address, user, hash \u2026",
        spellcheck: "false",
        autocomplete: "off",
        "aria-label": "Find entities",
        "aria-describedby": "search-count",
    });
    const count = el("span", {class: "search-count", id: "search-count", role: "status"});
    let found = [];
    let at = -1;
    const tell = () => {
        if (view.query === "") count.textContent = "";
        else if (found.length === 0) count.textContent = "none";
        else
            count.textContent =
                at < 0
                    ? `${number(found.length)} found`
                    : `${number(at + 1)} of ${number(found.length)}`;
    };
    const look = () => {
        found =
            view.query === ""
                ? []
                : model.entities.filter(
                      (entity) => view.kinds.has(entity.kind) && entityMatches(entity, view.query),
                  );
        at = -1;
        tell();
    };
    const step = (by) => {
        if (found.length === 0) return;
        at = at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length;
        tell();
        goTo(found[at]);
    };
    input.addEventListener("input", () => view.setQuery(input.value));
    input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
            event.preventDefault();
            step(event.shiftKey ? -1 : 1);
        } else if (event.key === "Escape") {
            input.value = "";
            view.setQuery("");
        }
    });
    view.listen((what) => what !== "choice" && look());
    return el(
        "div",
        {class: "search", role: "search"},
        icon(icons.search),
        input,
        count,
        iconButton(icons.up, "Previous match", () => step(-1)),
        iconButton(icons.down, "Next match", () => step(1)),
    );
}

function noDrawing(sentence) {
    return el(
        "div",
        {class: "no-drawing"},
        el("h3", {}, "No drawing here"),
        el("p", {}, sentence),
        el(
            "p",
            {},
            "Nothing is missing from the tables: search, kinds, details and the JSON export work as usual.",
        ),
    );
}

function drawingSummary(model, view) {
    const entities = seenEntities(model, {kinds: view.kinds, query: ""}).length;
    const relations = seenRelations(model, {kinds: view.kinds, query: ""}).length;
    const all = entities === model.entities.length ? "" : ` of ${number(model.entities.length)}`;
    return `${number(entities)}${all} entities and ${counted(relations, "relation")} drawn`;
}

export function drawingCard({model, view, reply}) {
    let graph = null;
    const canvas = el("div", {
        class: "canvas",
        role: "img",
        "aria-label":
            `Drawing of ${counted(model.entities.length, "entity", "entities")} and ` +
            `${counted(model.relations.length, "relation")}. The tables on this page hold the same.`,
    });
    const stage = el("div", {class: "stage"}, canvas);
    const status = el("p", {class: "quiet drawing-status", role: "status"});
    const choose = (entity) => {
        view.choose({entity});
        graph?.reveal(entity.id);
    };
    const zooms = el(
        "div",
        {class: "zooms"},
        iconButton(icons.plus, "Zoom in", () => graph?.zoomBy(1.4)),
        iconButton(icons.minus, "Zoom out", () => graph?.zoomBy(1 / 1.4)),
        iconButton(icons.fit, "Fit everything", () => graph?.fit()),
    );
    const png = el(
        "button",
        {
            class: "button",
            type: "button",
            on: {
                click: () =>
                    savePicture({graph, model, look: lookOf(stage)}).catch(() =>
                        announce(
                            "The picture could not be made: the drawing is too large " +
                                "for this browser.",
                        ),
                    ),
            },
        },
        icon(icons.download),
        "PNG",
    );
    const json = el(
        "button",
        {class: "button", type: "button", on: {click: () => saveJson(model, reply)}},
        icon(icons.download),
        "JSON",
    );
    png.setAttribute("aria-label", "Save the drawing as PNG");
    json.setAttribute("aria-label", "Save the graph as JSON");

    function unavailable(sentence) {
        replace(stage, noDrawing(sentence));
        png.hidden = true;
        zooms.hidden = true;
        status.textContent = "The tables show everything.";
    }

    async function draw() {
        if (!hasDrawing()) {
            unavailable(
                "This build of IntelGraph was made without its drawing library, because npm was not " +
                    "reached at the time. Build it again with access to npm to get the drawing.",
            );
            return;
        }
        const wait = stage.appendChild(
            el(
                "div",
                {class: "stage-wait", role: "status"},
                el("span", {class: "spinner"}),
                `Drawing ${counted(model.entities.length, "entity", "entities")} \u2026`,
            ),
        );
        let library;
        try {
            library = await import("./graph-view.js");
        } catch {
            unavailable("The drawing library did not load. Reload the page to try again.");
            return;
        }
        await painted();
        try {
            graph = start(library);
        } catch (cause) {
            console.error(cause);
            unavailable("This browser could not make the drawing.");
            return;
        }
        wait.remove();
        status.textContent = drawingSummary(model, view);
        stage.append(zooms);
        stage.dataset.drawn = "yes";
        canvas.graph = graph; // for tests and the console
    }

    function start(library) {
        const look = lookOf(stage);
        const made = library.drawGraph({
            container: canvas,
            nodes: drawnNodes(model, look),
            edges: model.relations.map((relation, index) => ({
                index,
                from: relation.from,
                to: relation.to,
                label: relationText(relation.type),
            })),
            look,
            calm: matchMedia("(prefers-reduced-motion: reduce)").matches,
            onSelect: (choice) => {
                if (choice === null) view.choose(null);
                else if (choice.node !== undefined)
                    view.choose({entity: model.byId.get(choice.node)});
                else view.choose({relation: model.relations[choice.edge], index: choice.edge});
            },
        });
        look.done();
        document.addEventListener("themechange", () => {
            const now = lookOf(stage);
            made.restyle(now, drawnNodes(model, now));
            now.done();
        });
        new ResizeObserver(() => made.resize()).observe(canvas);
        return made;
    }

    view.listen((what) => {
        if (!graph) return;
        const {choice} = view;
        if (what === "kinds") graph.showKinds(view.kinds);
        if (what === "choice") {
            if (choice === null) graph.select(null);
            else graph.select(choice.entity ? {node: choice.entity.id} : {edge: choice.index});
            if (choice?.entity) graph.keepInSight(choice.entity.id);
        }
        if (what !== "choice") {
            graph.mark(view.query === "" ? null : seenEntities(model, view).map(({id}) => id));
            status.textContent = drawingSummary(model, view);
        }
    });

    const node = el(
        "section",
        {class: "card drawing", "aria-labelledby": "drawing-title"},
        el("h2", {id: "drawing-title", class: "unseen"}, "Graph"),
        el(
            "div",
            {class: "toolbar"},
            search({model, view, goTo: choose}),
            el("div", {class: "exports"}, el("span", {class: "quiet"}, "Save as"), png, json),
        ),
        legend({model, view}),
        stage,
        status,
    );
    return {node, draw};
}

// Lets the browser show what is on the page before the layout takes the thread.
function painted() {
    return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
}
