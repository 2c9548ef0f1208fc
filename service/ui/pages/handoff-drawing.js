// The drawing and what steers it: search, zoom, the legend that filters, exports. The library that
// draws is loaded here and nowhere else; where a build has none, the card says so and the tables
// do the work.
import {el, icon, icons, replace} from "./dom.js";
import {announce, iconButton} from "./parts.js";
import {kindOf, signTransform} from "./kinds.js";
import {counted, number, relationText, shortened} from "./text.js";
import {seenEntities, seenRelations} from "./graph-model.js";
import {saveJson, savePicture} from "./handoff-export.js";
import {legend} from "./handoff-legend.js";
import {search} from "./handoff-search.js";

const hasDrawing = () => document.querySelector("meta[name=intelgraph-drawing]")?.content === "yes";

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

const sentences = {
    absent:
        "This build of IntelGraph was made without its drawing library, because npm was not reached " +
        "at the time. Build it again with access to npm to get the drawing.",
    notLoaded: "The drawing library did not load. Reload the page to try again.",
    failed: "This browser could not make the drawing.",
    tooLarge: "The picture could not be made: the drawing is too large for this browser.",
};

// The parts of the card that change while it lives. `graph` is null until it is drawn.
function cardParts({model, view, reply}) {
    const canvas = el("div", {
        class: "canvas",
        role: "img",
        "aria-label":
            `Drawing of ${counted(model.entities.length, "entity", "entities")} and ` +
            `${counted(model.relations.length, "relation")}. The tables on this page hold the same.`,
    });
    const card = {model, view, canvas, graph: null, stage: el("div", {class: "stage"}, canvas)};
    card.status = el("p", {class: "quiet drawing-status", role: "status"});
    card.zooms = el(
        "div",
        {class: "zooms"},
        iconButton(icons.plus, "Zoom in", () => card.graph.zoomBy(1.4)),
        iconButton(icons.minus, "Zoom out", () => card.graph.zoomBy(1 / 1.4)),
        iconButton(icons.fit, "Fit everything", () => card.graph.fit()),
    );
    card.png = saveButton("PNG", "Save the drawing as PNG", () => {
        if (!card.graph) return;
        savePicture({graph: card.graph, model, look: lookOf(card.stage)}).catch(() =>
            announce(sentences.tooLarge),
        );
    });
    card.json = saveButton("JSON", "Save the graph as JSON", () => saveJson(model, reply));
    return card;
}

function saveButton(text, label, click) {
    const attributes = {class: "button", type: "button", "aria-label": label, on: {click}};
    return el("button", attributes, icon(icons.download), text);
}

function withoutDrawing(card, sentence) {
    replace(card.stage, noDrawing(sentence));
    card.png.hidden = true;
    card.status.textContent = "The tables show everything.";
}

async function draw(card) {
    if (!hasDrawing()) {
        withoutDrawing(card, sentences.absent);
        return;
    }
    const count = counted(card.model.entities.length, "entity", "entities");
    const wait = el(
        "div",
        {class: "stage-wait", role: "status"},
        el("span", {class: "spinner"}),
        `Drawing ${count} \u2026`,
    );
    card.stage.append(wait);
    let library;
    try {
        library = await import("./graph-view.js");
    } catch {
        withoutDrawing(card, sentences.notLoaded);
        return;
    }
    await painted();
    try {
        card.graph = start(card, library);
    } catch (cause) {
        console.error(cause);
        withoutDrawing(card, sentences.failed);
        return;
    }
    wait.remove();
    follow(card);
    card.status.textContent = drawingSummary(card.model, card.view);
    card.stage.append(card.zooms);
    card.canvas.graph = card.graph; // for tests and the console
    card.stage.dataset.drawn = "yes";
}

function start({model, view, canvas, stage}, library) {
    const look = lookOf(stage);
    const edge = ({from, to, type}, index) => ({index, from, to, label: relationText(type)});
    const graph = library.drawGraph({
        container: canvas,
        nodes: drawnNodes(model, look),
        edges: model.relations.map(edge),
        look,
        calm: matchMedia("(prefers-reduced-motion: reduce)").matches,
        onSelect: (choice) => {
            if (choice === null) view.choose(null);
            else if (choice.node !== undefined) view.choose({entity: model.byId.get(choice.node)});
            else view.choose({relation: model.relations[choice.edge], index: choice.edge});
        },
    });
    look.done();
    return graph;
}

// Keeps the drawing in step with the page: kinds, search, choice, theme, size.
function follow({model, view, canvas, stage, status, graph}) {
    const showAll = () => {
        graph.showKinds(view.kinds);
        graph.mark(view.query === "" ? null : seenEntities(model, view).map(({id}) => id));
        status.textContent = drawingSummary(model, view);
    };
    const showChoice = () => {
        const {choice} = view;
        if (choice === null) graph.select(null);
        else graph.select(choice.entity ? {node: choice.entity.id} : {edge: choice.index});
        if (choice?.entity) graph.keepInSight(choice.entity.id);
    };
    view.listen((what) => (what === "choice" ? showChoice() : showAll()));
    showAll(); // what was filtered or chosen while the library was on its way
    showChoice();
    document.addEventListener("themechange", () => {
        const look = lookOf(stage);
        graph.restyle(look, drawnNodes(model, look));
        look.done();
    });
    new ResizeObserver(() => graph.resize()).observe(canvas);
}

export function drawingCard({model, view, reply}) {
    const card = cardParts({model, view, reply});
    const goTo = (entity) => {
        view.choose({entity});
        card.graph?.reveal(entity.id);
    };
    const save = el("span", {class: "quiet"}, "Save as");
    const exports = el("div", {class: "exports"}, save, card.png, card.json);
    const node = el(
        "section",
        {class: "card drawing", "aria-labelledby": "drawing-title"},
        el("h2", {id: "drawing-title", class: "unseen"}, "Graph"),
        el("div", {class: "toolbar"}, search({model, view, goTo}), exports),
        legend({model, view}),
        card.stage,
        card.status,
    );
    return {node, draw: () => draw(card)};
}

// Lets the browser show what is on the page before the layout takes the thread.
function painted() {
    return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
}
