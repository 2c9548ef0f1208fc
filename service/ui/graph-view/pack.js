// Puts the parts of a graph that do not hang together side by side, as a landscape picture.

const GAP = 60;
const LANDSCAPE = 1.7; // width by height
const STRETCH = 1.25; // names are wide: room for them is better made sideways

function boxOf(places) {
    const box = {x1: Infinity, y1: Infinity, x2: -Infinity, y2: -Infinity};
    for (const {x, y} of places) {
        box.x1 = Math.min(box.x1, x);
        box.x2 = Math.max(box.x2, x);
        box.y1 = Math.min(box.y1, y);
        box.y2 = Math.max(box.y2, y);
    }
    return {...box, width: box.x2 - box.x1 + GAP * 2, height: box.y2 - box.y1 + GAP};
}

// Turns a part so that its long axis lies flat.
function layFlat(nodes) {
    const places = nodes.map((node) => node.position());
    const middle = (axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
    const [mx, my] = [middle("x"), middle("y")];
    let [xx, xy, yy] = [0, 0, 0];
    for (const {x, y} of places) {
        xx += (x - mx) ** 2;
        xy += (x - mx) * (y - my);
        yy += (y - my) ** 2;
    }
    const angle = -Math.atan2(2 * xy, xx - yy) / 2;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    nodes.positions((node) => {
        const {x, y} = node.position();
        return {x: (cos * (x - mx) - sin * (y - my)) * STRETCH, y: sin * (x - mx) + cos * (y - my)};
    });
}

// Shelves from top to bottom: the widest that keeps the whole near landscape. The largest part
// comes first and decides how wide a shelf is.
export function pack(cy) {
    const parts = cy
        .elements()
        .components()
        .map((part) => {
            layFlat(part.nodes());
            return {nodes: part.nodes(), box: boxOf(part.nodes().map((node) => node.position()))};
        });
    parts.sort(
        (a, b) =>
            b.nodes.length - a.nodes.length ||
            a.nodes[0].data("entity") - b.nodes[0].data("entity"),
    );
    const area = parts.reduce((sum, {box}) => sum + box.width * box.height, 0);
    const width = Math.max(Math.sqrt(area * LANDSCAPE), parts[0].box.width);
    let [left, top, shelf] = [0, 0, 0];
    for (const {nodes, box} of parts) {
        if (left > 0 && left + box.width > width) {
            [left, top, shelf] = [0, top + shelf, 0];
        }
        const [dx, dy] = [left - box.x1, top - box.y1];
        nodes.positions((node) => ({x: node.position("x") + dx, y: node.position("y") + dy}));
        left += box.width;
        shelf = Math.max(shelf, box.height);
    }
}
