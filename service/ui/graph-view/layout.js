// Where nodes start: the layout refines these places, so they decide what the drawing looks like,
// and they are the same for the same graph.

// mulberry32: small, quick, the same everywhere.
export function seededRandom(seed) {
    let state = (seed + 0x6d2b79f5) >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
}

function neighboursOf(nodes, edges) {
    const found = new Map(nodes.map((node) => [node.id, []]));
    for (const {from, to} of edges) {
        found.get(from)?.push(to);
        found.get(to)?.push(from);
    }
    return found;
}

// Breadth first from the node of highest degree: each branch gets a wedge of the circle as wide as
// the part of the graph behind it, each step outwards a ring. Parts that hang together stand side
// by side.
export function placed(nodes, edges) {
    const neighbours = neighboursOf(nodes, edges);
    const order = [...nodes].sort(
        (a, b) => neighbours.get(b.id).length - neighbours.get(a.id).length || a.id - b.id,
    );
    const seen = new Set();
    const places = new Map();
    let left = 0;
    for (const {id} of order) {
        if (seen.has(id)) continue;
        const tree = treeFrom(id, neighbours, seen);
        const radius = ringWidth(tree.size) * (tree.depth + 1);
        spread(
            tree.root,
            0,
            2 * Math.PI,
            0,
            {x: left + radius, y: 0, ring: ringWidth(tree.size)},
            places,
        );
        left += 2 * radius + 60;
    }
    return places;
}

function ringWidth(size) {
    return 90 + 2.5 * Math.sqrt(size);
}

function treeFrom(id, neighbours, seen) {
    const root = {id, children: [], weight: 1, depth: 0};
    const walk = [root];
    seen.add(id);
    for (const at of walk) {
        // grows while it is walked
        const next = [...new Set(neighbours.get(at.id))]
            .filter((other) => !seen.has(other))
            .sort((a, b) => a - b);
        for (const other of next) {
            seen.add(other);
            const child = {id: other, children: [], weight: 1, depth: at.depth + 1, parent: at};
            at.children.push(child);
            walk.push(child);
        }
    }
    for (const at of walk.toReversed?.() ?? [...walk].reverse()) {
        if (at.parent) at.parent.weight += at.weight;
    }
    return {root, size: walk.length, depth: walk.at(-1).depth};
}

// Recursion is as deep as the tree; a chain of 1,500 is the deepest that is ever drawn.
function spread(at, from, to, depth, centre, places) {
    const angle = (from + to) / 2;
    places.set(at.id, {
        x: centre.x + Math.cos(angle) * depth * centre.ring,
        y: centre.y + Math.sin(angle) * depth * centre.ring,
    });
    const whole = at.children.reduce((sum, child) => sum + child.weight, 0);
    let begin = from;
    for (const child of at.children) {
        const end = begin + ((to - from) * child.weight) / whole;
        spread(child, begin, end, depth + 1, centre, places);
        begin = end;
    }
}
