// Builds DOM nodes. Text only ever becomes a text node, so a value from an event cannot become
// markup.

const SVG = "http://www.w3.org/2000/svg";

// Attributes that may lead somewhere take only places of our own.
function checkedPlace(value) {
    if (!/^(\/(?![/\\])|#|blob:)/.test(value)) throw new Error(`not a place of our own: ${value}`);
    return value;
}

function setAttribute(node, name, value) {
    if (value === undefined || value === null || value === false) return;
    if (name === "on") {
        for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (/^on|^style$|^srcdoc$/i.test(name)) {
        throw new Error(`the attribute ${name} is not for us`);
    } else if (name === "href" || name === "src" || name === "action") {
        node.setAttribute(name, checkedPlace(String(value)));
    } else {
        node.setAttribute(name, value === true ? "" : String(value));
    }
}

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(node, name, value);
    node.append(
        ...children
            .flat(Infinity)
            .filter((child) => child !== undefined && child !== null && child !== false),
    );
    return node;
}

// el("a", {class: "x", href: "/y", on: {click}}, "text", node, [nodes], null)
export function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A text that may go on in another line behind its dots: "connector.compute".
export function breakable(text) {
    return text.split(/(?<=\.)/).flatMap((part, i) => (i > 0 ? [el("wbr"), part] : [part]));
}

// A line icon of 24 by 24, in the text's colour, unseen by screen readers.
export function icon(path) {
    return svg(
        "svg",
        {class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true"},
        svg("path", {d: path}),
    );
}

export const icons = {
    check: "M5 12.5l4.5 4.5L19 7.5",
    close: "M6 6l12 12M18 6L6 18",
    copy: "M9 9h10v10H9zM15 9V5H5v10h4",
    down: "M6 9.5l6 6 6-6",
    download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
    fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    left: "M14.5 6l-6 6 6 6",
    minus: "M5 12h14",
    moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5 7.5 7.5 0 1 0 19 14.5z",
    plus: "M12 5v14M5 12h14",
    right: "M9.5 6l6 6-6 6",
    search: "M10.5 4.5a6 6 0 1 0 0 12a6 6 0 1 0 0-12M15 15l5 5",
    sun:
        "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3" +
        "l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
    up: "M6 14.5l6-6 6 6",
    warning: "M12 4L2.5 20h19zM12 10v4.5M12 17v.5",
};

export function replace(node, ...children) {
    node.replaceChildren(...children.flat(Infinity).filter(Boolean));
}
