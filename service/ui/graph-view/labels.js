// Which names are seen: as many as fit without lying over each other, the most telling first.
// Zooming in makes room for more. Names keep their size on screen until the nodes are large
// themselves.

const TEXT = 11.5; // pixels on screen
const LINE = 15;
const CHARACTER = 6.6; // a wide guess: better a gap than an overlap
const CELL = 60;
const HUBS = 12; // these may lie over small nodes

// Rectangles taken so far, found quickly by the cells they touch.
function occupied() {
    const cells = new Map();
    const each = (box, visit) => {
        for (let x = Math.floor(box.x1 / CELL); x <= Math.floor(box.x2 / CELL); x++) {
            for (let y = Math.floor(box.y1 / CELL); y <= Math.floor(box.y2 / CELL); y++) {
                if (visit(x * 100003 + y)) return true;
            }
        }
        return false;
    };
    const touches = (a, b) => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;
    return {
        add: (box) =>
            each(box, (key) => {
                if (!cells.has(key)) cells.set(key, []);
                cells.get(key).push(box);
                return false;
            }),
        isFree: (box) => !each(box, (key) => cells.get(key)?.some((other) => touches(box, other))),
    };
}

function screenBoxes(node, zoom) {
    const {x, y} = node.position();
    const half = (node.data("size") / 2) * zoom;
    const width = (node.data("label").length * CHARACTER) / 2;
    const scale = Math.max(1, zoom);
    const top = y * zoom + half + 2;
    return {
        shape: {
            x1: x * zoom - half * 0.8,
            x2: x * zoom + half * 0.8,
            y1: y * zoom - half * 0.8,
            y2: y * zoom + half * 0.8,
        },
        text: {
            x1: x * zoom - width * scale,
            x2: x * zoom + width * scale,
            y1: top,
            y2: top + LINE * scale,
        },
    };
}

function rank(node) {
    return (
        Number(node.hasClass("chosen")) * 4 +
        Number(node.hasClass("near")) * 2 +
        Number(node.hasClass("found"))
    );
}

// Gives the class "named" to the nodes whose names are to be seen now.
export function nameWhatFits(cy, zoom = cy.zoom()) {
    const nodes = cy
        .nodes()
        .filter((node) => !node.hasClass("hidden"))
        .toArray();
    const boxes = new Map(nodes.map((node) => [node.id(), screenBoxes(node, zoom)]));
    const shapes = occupied();
    const names = occupied();
    for (const {shape} of boxes.values()) shapes.add(shape);
    nodes.sort(
        (a, b) =>
            rank(b) - rank(a) ||
            b.data("degree") - a.data("degree") ||
            a.data("entity") - b.data("entity"),
    );
    const text = TEXT / Math.min(1, zoom);
    cy.batch(() => {
        nodes.forEach((node, place) => {
            const box = boxes.get(node.id()).text;
            const faded = node.hasClass("faded") || node.hasClass("unfound");
            const fits =
                !faded &&
                names.isFree(box) &&
                (place < HUBS || rank(node) > 0 || shapes.isFree(box));
            if (fits) {
                names.add(box);
                node.data("text", text);
            }
            node.toggleClass("named", fits);
        });
    });
}
