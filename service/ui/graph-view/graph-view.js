// Draws a graph with cytoscape: the one part of the pages that is made of npm packages.
//
// The page gives everything that is to be seen (labels, colours, outlines); this module knows
// nothing of kinds, of the API or of the page around it. Values reach a canvas only, never markup.
import cytoscape from "cytoscape";
import fcose from "cytoscape-fcose";
import {nameWhatFits} from "./labels.js";
import {placed, seededRandom} from "./layout.js";
import {pack} from "./pack.js";
import {styleOf} from "./look.js";

cytoscape.use(fcose);

const LARGE = 400; // nodes from which drawing quickly matters more than drawing every detail
const ZOOM = {least: 0.03, most: 4};
const FIT_MOST = 1.4; // three nodes are not blown up to fill the card
const EDGE = {x: 70, y: 34}; // pixels kept free when everything is fitted in

// nodes: [{id, label, kind, degree, shape:{outline, colour, sign}}], edges: [{index, from, to,
// label}]. look: {ink, paper, quiet, accent, line, font}. onSelect gets {node: id}, {edge: index}
// or null. calm: nothing glides.
export function drawGraph(options) {
    return new Drawing(options);
}

class Drawing {
    #cy;
    #calm;
    #large;
    #naming = 0;

    constructor({container, nodes, edges, look, onSelect, calm}) {
        this.#calm = calm;
        this.#large = nodes.length > LARGE;
        this.#cy = cytoscape({
            container,
            elements: elementsOf(nodes, edges),
            style: styleOf(look, nodes, this.#large),
            layout: {name: "preset"},
            minZoom: ZOOM.least,
            maxZoom: ZOOM.most,
            boxSelectionEnabled: false,
            selectionType: "single",
            hideEdgesOnViewport: nodes.length > 1200,
            pixelRatio: this.#large ? 1 : "auto",
        });
        lay(this.#cy, nodes.length);
        pack(this.#cy);
        this.fit();
        nameWhatFits(this.#cy);
        this.#listen(container, onSelect);
    }

    #listen(container, onSelect) {
        const cy = this.#cy;
        cy.on("zoom dragfree", () => this.#nameSoon());
        cy.on("tap", (event) => {
            if (event.target === cy) onSelect(null);
            else if (event.target.isNode()) onSelect({node: event.target.data("entity")});
            else onSelect({edge: event.target.data("relation")});
        });
        cy.on("mouseover", "node", () => container.classList.add("graph-pointing"));
        cy.on("mouseout", "node", () => container.classList.remove("graph-pointing"));
    }

    #node(id) {
        return this.#cy.getElementById(`n${id}`);
    }

    // Once a frame is enough.
    #nameSoon() {
        if (this.#naming) return;
        this.#naming = requestAnimationFrame(() => {
            this.#naming = 0;
            nameWhatFits(this.#cy);
        });
    }

    #move(to) {
        if (this.#calm) this.#cy.viewport(viewportOf(this.#cy, to));
        else this.#cy.stop().animate({...to, duration: 220, easing: "ease-out"});
    }

    fit() {
        const cy = this.#cy;
        const shown = cy.nodes(":visible");
        if (shown.empty()) return;
        // Without names, which come and go with the scale; the edge leaves room for them.
        const box = shown.boundingBox({includeLabels: false});
        const wide = (cy.width() - 2 * EDGE.x) / box.w;
        const high = (cy.height() - 2 * EDGE.y) / box.h;
        const zoom = Math.max(ZOOM.least, Math.min(FIT_MOST, wide, high));
        cy.viewport({
            zoom,
            pan: {
                x: cy.width() / 2 - (box.x1 + box.w / 2) * zoom,
                y: cy.height() / 2 - (box.y1 + box.h / 2) * zoom,
            },
        });
    }

    // Shows what is chosen ({node} or {edge}) among its neighbours, the rest faded; null: nothing.
    select(choice) {
        const cy = this.#cy;
        cy.batch(() => {
            cy.elements().removeClass("chosen near faded");
            if (choice === null) return;
            const chosen =
                choice.node === undefined
                    ? cy.getElementById(`e${choice.edge}`)
                    : this.#node(choice.node);
            if (chosen.empty()) return;
            const near = chosen.isNode()
                ? chosen.closedNeighborhood()
                : chosen.union(chosen.connectedNodes());
            cy.elements().difference(near).addClass("faded");
            near.addClass("near");
            chosen.addClass("chosen");
        });
        this.#nameSoon();
    }

    // Brings an entity into view, near enough to read.
    reveal(id) {
        const node = this.#node(id);
        if (node.nonempty())
            this.#move({center: {eles: node}, zoom: Math.max(this.#cy.zoom(), 0.9)});
    }

    // Moves only when the entity is out of sight.
    keepInSight(id) {
        const node = this.#node(id);
        if (node.empty()) return;
        const {x, y} = node.renderedPosition();
        if (x < 0 || y < 0 || x > this.#cy.width() || y > this.#cy.height())
            this.#move({center: {eles: node}, zoom: this.#cy.zoom()});
    }

    zoom() {
        return this.#cy.zoom();
    }

    zoomBy(factor) {
        const cy = this.#cy;
        const level = Math.min(ZOOM.most, Math.max(ZOOM.least, cy.zoom() * factor));
        cy.zoom({level, renderedPosition: {x: cy.width() / 2, y: cy.height() / 2}});
    }

    // `kinds` is the set of those to be seen.
    showKinds(kinds) {
        const isHidden = (node) => !kinds.has(node.data("kind"));
        this.#cy.batch(() => {
            this.#cy.nodes().forEach((node) => {
                node.toggleClass("hidden", isHidden(node));
            });
            this.#cy.edges().forEach((edge) => {
                edge.toggleClass("hidden", isHidden(edge.source()) || isHidden(edge.target()));
            });
        });
        this.#nameSoon();
    }

    // Marks what a search found; null takes the marks away.
    mark(ids) {
        this.#cy.batch(() => {
            this.#cy.elements().removeClass("found unfound");
            if (ids === null) return;
            this.#cy.elements().addClass("unfound");
            for (const id of ids) this.#node(id).removeClass("unfound").addClass("found");
        });
        this.#nameSoon();
    }

    restyle(look, nodes) {
        for (const node of nodes) this.#node(node.id).data(nodeData(node));
        this.#cy.style(styleOf(look, nodes, this.#large));
        this.#nameSoon();
    }

    // The whole drawing as an image, twice the size on screen within limits, with the names that fit
    // into it. Gives a blob.
    async picture(paper) {
        nameWhatFits(this.#cy, 1);
        await twoFrames(); // cytoscape measures names when it paints
        const made = await this.#cy.png({
            output: "blob-promise",
            full: true,
            scale: 2,
            bg: paper,
            maxWidth: 8000,
            maxHeight: 8000,
        });
        nameWhatFits(this.#cy);
        return made;
    }

    resize() {
        this.#cy.resize();
    }

    // What is drawn and where, for tests.
    count() {
        const seen = (elements) => elements.filter(":visible").length;
        return {nodes: seen(this.#cy.nodes()), edges: seen(this.#cy.edges())};
    }

    positions() {
        return this.#cy.nodes().map((node) => {
            const {x, y} = node.position();
            return [node.data("entity"), Math.round(x), Math.round(y)];
        });
    }

    renderedPosition(id) {
        return this.#node(id).renderedPosition();
    }
}

function twoFrames() {
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

function viewportOf(cy, {center, zoom}) {
    const at = center.eles.position();
    return {zoom, pan: {x: cy.width() / 2 - at.x * zoom, y: cy.height() / 2 - at.y * zoom}};
}

// Hubs are larger, by the root of their degree.
function sizeOf(node) {
    return Math.min(72, 28 + 5.5 * Math.sqrt(node.degree));
}

function nodeData(node) {
    return {
        entity: node.id,
        kind: node.kind,
        label: node.label,
        size: sizeOf(node),
        degree: node.degree,
        text: 11,
    };
}

function elementsOf(nodes, edges) {
    const start = placed(nodes, edges);
    return [
        ...nodes.map((node) => ({
            group: "nodes",
            data: {id: `n${node.id}`, ...nodeData(node)},
            position: start.get(node.id),
        })),
        ...edges.map((edge) => ({
            group: "edges",
            data: {
                id: `e${edge.index}`,
                relation: edge.index,
                source: `n${edge.from}`,
                target: `n${edge.to}`,
                label: edge.label,
            },
        })),
    ];
}

// fcose draws from Math.random; it is lent a seeded one, so that two loads look the same.
function lay(cy, count) {
    const random = Math.random;
    Math.random = seededRandom(count);
    try {
        cy.layout({
            name: "fcose",
            quality: count > 700 ? "default" : "proof",
            randomize: false,
            animate: false,
            fit: false,
            nodeDimensionsIncludeLabels: false,
            nodeRepulsion: count > LARGE ? 14000 : 9000,
            idealEdgeLength: count > LARGE ? 100 : 95,
            edgeElasticity: 0.45,
            gravity: 0.35,
            numIter: count > 700 ? 700 : 2500,
            tile: true,
            packComponents: false,
        }).run();
    } finally {
        Math.random = random;
    }
}
