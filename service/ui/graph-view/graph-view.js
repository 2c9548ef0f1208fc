// Draws a graph with cytoscape: the one part of the pages that is made of npm packages.
//
// The page gives everything that is to be seen (labels, colours, outlines); this module knows nothing of
// kinds, of the API or of the page around it. Values reach a canvas only, never markup.
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

// nodes: [{id, label, kind, degree, shape:{outline, colour, sign}}], edges: [{index, from, to, label}].
// look: {ink, paper, quiet, accent, line, font}. onSelect gets {node: id}, {edge: index} or null.
export function drawGraph({container, nodes, edges, look, onSelect, calm}) {
    const large = nodes.length > LARGE;
    const cy = cytoscape({
        container,
        elements: elementsOf(nodes, edges),
        style: styleOf(look, nodes, large),
        layout: {name: "preset"},
        minZoom: ZOOM.least,
        maxZoom: ZOOM.most,
        boxSelectionEnabled: false,
        selectionType: "single",
        hideEdgesOnViewport: nodes.length > 1200,
        textureOnViewport: false,
        pixelRatio: large ? 1 : "auto",
    });
    lay(cy, nodes.length);
    pack(cy);
    fit();
    nameWhatFits(cy);
    cy.on("zoom dragfree", nameSoon);

    cy.on("tap", (event) => {
        if (event.target === cy) onSelect(null);
        else if (event.target.isNode()) onSelect({node: event.target.data("entity")});
        else onSelect({edge: event.target.data("relation")});
    });
    cy.on("mouseover", "node", () => container.classList.add("graph-pointing"));
    cy.on("mouseout", "node", () => container.classList.remove("graph-pointing"));

    function fit() {
        const shown = cy.nodes(":visible");
        if (shown.empty()) return;
        // Without names, which come and go with the scale; the edge leaves room for them.
        const box = shown.boundingBox({includeLabels: false});
        const zoom = Math.min(
            FIT_MOST,
            (cy.width() - 2 * EDGE.x) / box.w,
            (cy.height() - 2 * EDGE.y) / box.h,
        );
        const level = Math.max(ZOOM.least, zoom);
        cy.viewport({
            zoom: level,
            pan: {
                x: cy.width() / 2 - (box.x1 + box.w / 2) * level,
                y: cy.height() / 2 - (box.y1 + box.h / 2) * level,
            },
        });
    }

    let naming = 0;
    function nameSoon() {
        if (naming) return;
        naming = requestAnimationFrame(() => {
            naming = 0;
            if (!cy.destroyed()) nameWhatFits(cy);
        });
    }

    function move(to) {
        if (calm) cy.viewport(viewportOf(cy, to));
        else cy.stop().animate({...to, duration: 220, easing: "ease-out"});
    }

    // Shows what is chosen among its neighbours, the rest faded.
    function select(choice) {
        cy.batch(() => {
            cy.elements().removeClass("chosen near faded");
            const chosen =
                choice === null
                    ? cy.collection()
                    : cy.getElementById(
                          choice.node !== undefined ? `n${choice.node}` : `e${choice.edge}`,
                      );
            if (chosen.empty()) return;
            const near = chosen.isNode()
                ? chosen.closedNeighborhood()
                : chosen.union(chosen.connectedNodes());
            cy.elements().difference(near).addClass("faded");
            near.addClass("near");
            chosen.addClass("chosen");
        });
        nameSoon();
    }

    // Brings an entity into view, near enough to read.
    function reveal(id) {
        const node = cy.getElementById(`n${id}`);
        if (node.nonempty()) move({center: {eles: node}, zoom: Math.max(cy.zoom(), 0.9)});
    }

    // Moves only when the entity is out of sight.
    function keepInSight(id) {
        const node = cy.getElementById(`n${id}`);
        if (node.empty()) return;
        const {x, y} = node.renderedPosition();
        if (x < 0 || y < 0 || x > cy.width() || y > cy.height())
            move({center: {eles: node}, zoom: cy.zoom()});
    }

    return {
        fit,
        select,
        reveal,
        keepInSight,
        count: () => ({nodes: cy.nodes(":visible").length, edges: cy.edges(":visible").length}),
        zoom: () => cy.zoom(),
        zoomBy(factor) {
            const level = Math.min(ZOOM.most, Math.max(ZOOM.least, cy.zoom() * factor));
            cy.zoom({level, renderedPosition: {x: cy.width() / 2, y: cy.height() / 2}});
        },
        // `kinds` is the set of those to be seen.
        showKinds(kinds) {
            cy.batch(() => {
                cy.nodes().forEach((node) => {
                    node.toggleClass("hidden", !kinds.has(node.data("kind")));
                });
                cy.edges().forEach((edge) => {
                    const seen =
                        kinds.has(edge.source().data("kind")) &&
                        kinds.has(edge.target().data("kind"));
                    edge.toggleClass("hidden", !seen);
                });
            });
            nameSoon();
        },
        // Marks what a search found; null takes the marks away.
        mark(ids) {
            cy.batch(() => {
                cy.elements().removeClass("found unfound");
                if (ids === null) return;
                cy.elements().addClass("unfound");
                for (const id of ids)
                    cy.getElementById(`n${id}`).removeClass("unfound").addClass("found");
            });
            nameSoon();
        },
        restyle(newLook, newNodes) {
            for (const node of newNodes) cy.getElementById(`n${node.id}`).data(nodeData(node));
            cy.style(styleOf(newLook, newNodes, large));
            nameSoon();
        },
        // The whole drawing as a canvas-ready image, twice the size on screen within limits.
        picture(paper) {
            return cy.png({
                output: "blob-promise",
                full: true,
                scale: 2,
                bg: paper,
                maxWidth: 8000,
                maxHeight: 8000,
            });
        },
        // Where each node lies, rounded: for telling whether two drawings are the same.
        positions: () =>
            cy
                .nodes()
                .map((node) => [
                    node.data("entity"),
                    Math.round(node.position("x")),
                    Math.round(node.position("y")),
                ]),
        renderedPosition(id) {
            const node = cy.getElementById(`n${id}`);
            return node.empty() ? null : node.renderedPosition();
        },
        resize: () => cy.resize(),
        destroy: () => cy.destroy(),
    };
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
