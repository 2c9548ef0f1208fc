// The style sheet of the drawing, in cytoscape's terms, from the colours the page gives.

function signImage(kind) {
    const svg =
        `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">` +
        `<g transform="${kind.transform}" fill="none" stroke="${kind.ink}" stroke-width="2" ` +
        `stroke-linecap="round" stroke-linejoin="round"><path d="${kind.sign}"/></g></svg>`;
    return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

function shapeOf(outline) {
    if (outline === "circle") return {shape: "ellipse"};
    if (outline === "square") return {shape: "round-rectangle"};
    return {
        shape: "polygon",
        "shape-polygon-points": outline
            .flat()
            .map((n) => n.toFixed(4))
            .join(" "),
    };
}

// One rule a kind; kinds are found through the nodes that are there.
function kindRules(nodes) {
    const kinds = new Map(
        nodes
            .filter((node) => /^[a-z0-9-]+$/.test(node.kind))
            .map((node) => [node.kind, node.shape]),
    );
    return [...kinds].map(([name, kind]) => ({
        selector: `node[kind = "${name}"]`,
        style: {
            ...shapeOf(kind.outline),
            "background-color": kind.colour,
            "background-image": signImage(kind),
            "background-width": "100%",
            "background-height": "100%",
            "background-image-smoothing": "yes",
        },
    }));
}

export function styleOf(look, nodes, large) {
    return [
        {
            selector: "node",
            style: {
                width: "data(size)",
                height: "data(size)",
                color: look.ink,
                "font-family": look.font,
                "font-size": "data(text)",
                "font-weight": 500,
                "text-valign": "bottom",
                "text-margin-y": 4,
                "text-outline-color": look.paper,
                "text-outline-width": 2.5,
                "border-width": 1.5,
                "border-color": look.paper,
                "overlay-opacity": 0,
            },
        },
        ...kindRules(nodes),
        {
            selector: "edge",
            style: {
                width: 1.3,
                "line-color": look.line,
                "target-arrow-color": look.line,
                "target-arrow-shape": "triangle",
                "arrow-scale": 0.85,
                "curve-style": large ? "straight" : "bezier",
                "control-point-step-size": 34,
                label: "data(label)",
                color: look.quiet,
                "font-family": look.font,
                "font-size": 9,
                "min-zoomed-font-size": 10, // edges' labels come with zooming in
                "text-rotation": "autorotate",
                "text-outline-color": look.paper,
                "text-outline-width": 2.5,
                "overlay-opacity": 0,
            },
        },
        {selector: "node.named", style: {label: "data(label)", "z-index": 5}},
        {selector: ".hidden", style: {display: "none"}},
        {
            selector: "node.found",
            style: {"border-width": 4, "border-color": look.accent, "z-index": 10},
        },
        {selector: "node.unfound", style: {opacity: 0.22}},
        {selector: "edge.unfound", style: {opacity: 0.12}},
        {selector: "node.faded", style: {opacity: 0.42}},
        {selector: "edge.faded", style: {opacity: 0.25}},
        {
            selector: "edge.near",
            style: {
                width: 2,
                "line-color": look.accent,
                "target-arrow-color": look.accent,
                "min-zoomed-font-size": 6,
                color: look.ink,
                "z-index": 9,
            },
        },
        {selector: "node.near", style: {opacity: 1, "z-index": 10}},
        {
            selector: "node.chosen",
            style: {
                "border-width": 4,
                "border-color": look.accent,
                "underlay-color": look.accent,
                "underlay-opacity": 0.22,
                "underlay-padding": 8,
                "underlay-shape": "ellipse",
                "font-weight": 600,
                "z-index": 11,
            },
        },
        {selector: "edge.chosen", style: {width: 3}},
    ];
}
