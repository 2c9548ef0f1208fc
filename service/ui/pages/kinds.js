// What each kind of entity looks like: label, family (its colour, in style.css), outline and sign.
//
// Outlines are "circle", "square" (round corners), or the corners of a polygon in a box from -1 to
// 1. The drawing and the legend use the same corners. Signs are line paths in a box of 24 by 24.
import {svg} from "./dom.js";
import {visible} from "./text.js";

// A regular polygon: odd ones stand on an edge, even ones lie flat.
function corners(count) {
    const start = count % 2 ? Math.PI / 2 : Math.PI / 2 + Math.PI / count;
    return Array.from({length: count}, (_, i) => start + (i * 2 * Math.PI) / count).map((angle) => [
        Math.cos(angle),
        -Math.sin(angle),
    ]);
}

function seal(spikes) {
    return Array.from({length: spikes * 2}, (_, i) => [
        (i * Math.PI) / spikes,
        i % 2 ? 0.84 : 1,
    ]).map(([angle, radius]) => [Math.cos(angle) * radius, Math.sin(angle) * radius]);
}

const signs = {
    node: "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6M12 3v6M12 15v6M3 12h6M15 12h6",
    globe: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M4 12h16M12 4c4 4 4 12 0 16M12 4c-4 4-4 12 0 16",
    link: "M9 8H7.5a4 4 0 0 0 0 8H9M15 8h1.5a4 4 0 0 1 0 8H15M8.5 12h7",
    chip:
        "M7 7h10v10H7zM10 3.5V7M14 3.5V7M10 17v3.5M14 17v3.5M3.5 10H7M3.5 14H7M17 10h3.5" +
        "M17 14h3.5",
    mail: "M4 6.5h16v11H4zM4 7.5l8 6 8-6",
    person:
        "M12 4.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M5.5 20c0-4 2.5-5.5 6.5-5.5" +
        "s6.5 1.5 6.5 5.5",
    screen: "M4 5h16v10.5H4zM8.5 19.5h7M12 15.5v4",
    prompt: "M5 7l5 5-5 5M12.5 17H19",
    page: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4M9.5 12h5M9.5 16h5",
    hash: "M9.5 4l-2 16M16.5 4l-2 16M4.5 9H20M4 15h15.5",
    bang: "M12 6.5v8M12 18.5v.1",
    grid: "M4 4h7v7H4zM13.5 4h6.5v7h-6.5zM4 13.5h7V20H4zM16.7 13.5V20M13.5 16.7H20",
    print:
        "M6 18c1-2 1-4 1-6a5 5 0 0 1 10 0c0 3-.3 5-1 7M12 12c0 3.5-.5 6-2 8.5M4 9.5C5.5 6 8.5 4" +
        " 12 4c3 0 5.5 1.3 7 3.5",
    ribbon: "M12 4a5 5 0 1 0 0 10a5 5 0 1 0 0-10M9.5 13.5L8 20.5l4-2.5 4 2.5-1.5-7",
    mask: "M3.5 8.5c3-1.5 14-1.5 17 0c0 4-1.5 7-4.5 7c-2 0-3-2-4-2s-2 2-4 2c-3 0-4.5-3-4.5-7" +
        "M7.5 11h2.5M14 11h2.5",
    question: "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18.5v.1",
};

const leaning = [
    [-0.55, -0.85],
    [1, -0.85],
    [0.55, 0.85],
    [-1, 0.85],
];

const known = {
    ip: ["IP address", "network", "circle", signs.node],
    domain: ["Domain", "network", corners(6), signs.globe],
    url: [
        "URL",
        "network",
        [
            [-1, -0.8],
            [0.45, -0.8],
            [1, 0],
            [0.45, 0.8],
            [-1, 0.8],
        ],
        signs.link,
    ],
    mac: [
        "MAC address",
        "network",
        [
            [-0.7, -1],
            [1, -1],
            [1, 0.7],
            [0.7, 1],
            [-1, 1],
            [-1, -0.7],
        ],
        signs.chip,
    ],
    user: [
        "User",
        "people",
        [
            [-0.95, -0.9],
            [0.95, -0.9],
            [0.95, 0.35],
            [0, 1],
            [-0.95, 0.35],
        ],
        signs.person,
    ],
    email: [
        "Email address",
        "people",
        [
            [-1, -0.75],
            [1, -0.75],
            [1, 0.75],
            [-1, 0.75],
        ],
        signs.mail,
    ],
    host: ["Host", "endpoint", "square", signs.screen],
    process: [
        "Process",
        "endpoint",
        [
            [0, -1.1],
            [1.1, 0],
            [0, 1.1],
            [-1.1, 0],
        ].map(([x, y]) => [x / 1.1, y / 1.1]),
        signs.prompt,
    ],
    file: [
        "File",
        "artefact",
        [
            [-0.85, -1],
            [0.35, -1],
            [0.85, -0.5],
            [0.85, 1],
            [-0.85, 1],
        ],
        signs.page,
    ],
    "registry-key": [
        "Registry key",
        "artefact",
        [
            [-0.65, -0.9],
            [0.65, -0.9],
            [1, 0.9],
            [-1, 0.9],
        ],
        signs.grid,
    ],
    md5: ["MD5", "artefact", corners(5), signs.hash],
    sha1: ["SHA-1", "artefact", corners(6), signs.hash],
    sha256: ["SHA-256", "artefact", corners(7), signs.hash],
    sha512: ["SHA-512", "artefact", corners(8), signs.hash],
    cve: [
        "Vulnerability",
        "weakness",
        [
            [0, -1],
            [1, 0.85],
            [-1, 0.85],
        ],
        signs.bang,
    ],
    ja3: ["JA3 fingerprint", "trait", leaning, signs.print],
    ja3s: ["JA3S fingerprint", "trait", leaning.map(([x, y]) => [-x, y]).reverse(), signs.print],
    masked: ["Masked value", "other", "square", signs.mask],
    certificate: ["Certificate", "trait", seal(10), signs.ribbon],
};

const order = Object.keys(known);

export function kindOf(name) {
    const [label, family, outline, sign] = Object.hasOwn(known, name)
        ? known[name]
        : [visible(name), "other", corners(8), signs.question];
    return {name, label, family, outline, sign};
}

// Known kinds in their order, then others by name.
export function compareKinds(a, b) {
    const place = (name) => (Object.hasOwn(known, name) ? order.indexOf(name) : order.length);
    return place(a) - place(b) || (a < b ? -1 : Number(a > b));
}

function outlineNode(outline) {
    if (outline === "circle") return svg("circle", {cx: 16, cy: 16, r: 14});
    if (outline === "square") return svg("rect", {x: 2.5, y: 2.5, width: 27, height: 27, rx: 6});
    const points = outline.map(
        ([x, y]) => `${(16 + 14 * x).toFixed(2)},${(16 + 14 * y).toFixed(2)}`,
    );
    return svg("polygon", {points: points.join(" ")});
}

// The mark of a kind, for legends and tables. Unseen by screen readers: the label stands beside it.
export function kindMark(name) {
    const kind = kindOf(name);
    const inner = svg(
        "g",
        {transform: signTransform(kind, 32), class: "kind-sign"},
        svg("path", {d: kind.sign}),
    );
    return svg(
        "svg",
        {class: `kind family-${kind.family}`, viewBox: "0 0 32 32", "aria-hidden": "true"},
        outlineNode(kind.outline),
        inner,
    );
}

// Where the sign sits in a box of `size`: smaller and lower in outlines with little room.
export function signTransform(kind, size) {
    const share = kind.name === "process" || kind.name === "cve" ? 0.46 : 0.56;
    const lower = kind.name === "cve" ? 0.12 : 0;
    const scale = (size * share) / 24;
    const left = (size * (1 - share)) / 2;
    return `translate(${left.toFixed(2)} ${(left + size * lower).toFixed(2)}) scale(${scale.toFixed(4)})`;
}
