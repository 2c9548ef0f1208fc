// Files to take away: the picture with its caption and legend, and the API's own answer.
import {el} from "./dom.js";
import {announce} from "./parts.js";
import {kindOf} from "./kinds.js";
import {counted, number, shortened, time} from "./text.js";
import {handoffTitle} from "./handoffs.js";

function save(blob, name) {
    const href = URL.createObjectURL(blob);
    const link = el("a", {href, download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
    announce(`Saved: ${name}`);
}

function fileName(model, end) {
    return `intelgraph-${model.handoff.id.replace(/[^\w-]/g, "").slice(0, 12)}.${end}`;
}

export function saveJson(model, reply) {
    save(
        new Blob([`${JSON.stringify(reply, null, 2)}\n`], {type: "application/json"}),
        fileName(model, "json"),
    );
}

const CAPTION = {side: 40, title: 34, text: 22, row: 44};

function tracedOutline(context, outline, x, y, radius) {
    context.beginPath();
    if (outline === "circle") context.arc(x, y, radius, 0, 2 * Math.PI);
    else if (outline === "square")
        context.roundRect(x - radius, y - radius, 2 * radius, 2 * radius, 5);
    else
        outline.forEach(([px, py], i) =>
            context[i ? "lineTo" : "moveTo"](x + px * radius, y + py * radius),
        );
    context.closePath();
}

// Lays the legend's entries into rows of `width`; gives [{name, text, x, row}].
function legendRows(context, model, width) {
    let x = CAPTION.side;
    let row = 0;
    return model.kinds.map(([name, count]) => {
        const text = `${kindOf(name).label} ${number(count)}`;
        const need = 30 + context.measureText(text).width + 34;
        if (x + need > width - CAPTION.side && x > CAPTION.side) {
            x = CAPTION.side;
            row += 1;
        }
        const place = {name, text, x, row};
        x += need;
        return place;
    });
}

// The drawing with title, origin and legend under it, so that the picture explains itself in a
// report.
export async function savePicture({graph, model, look}) {
    const image = await createImageBitmap(await graph.picture(look.paper));
    const width = Math.max(image.width, 1400);
    const canvas = document.createElement("canvas");
    let context = canvas.getContext("2d");
    const font = (size, weight = 400) => `${weight} ${size}px ${look.font}`;
    context.font = font(CAPTION.text);
    const entries = legendRows(context, model, width);
    const rows = entries.at(-1).row + 1;
    canvas.width = width;
    canvas.height = image.height + 130 + rows * CAPTION.row + 20;
    context = canvas.getContext("2d"); // setting the size has reset it
    context.fillStyle = look.paper;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, (width - image.width) / 2, 0);
    const top = image.height + 24;
    context.fillStyle = look.line;
    context.fillRect(CAPTION.side, top - 12, width - 2 * CAPTION.side, 2);
    context.textBaseline = "middle";
    context.fillStyle = look.ink;
    context.font = font(CAPTION.title, 600);
    context.fillText(shortened(handoffTitle(model.handoff), 70), CAPTION.side, top + 28);
    context.fillStyle = look.quiet;
    context.font = font(CAPTION.text);
    const {handoff} = model;
    context.fillText(
        `IntelGraph hand-off ${handoff.id} \u00b7 ${shortened(handoff.user, 40)} \u00b7 ` +
            `${time(handoff.committed_us)} UTC \u00b7 ${counted(model.entities.length, "entity", "entities")}, ` +
            counted(model.relations.length, "relation"),
        CAPTION.side,
        top + 68,
    );
    for (const {name, text, x, row} of entries) {
        const kind = kindOf(name);
        const y = top + 118 + row * CAPTION.row;
        context.fillStyle = look.family(kind.family);
        tracedOutline(context, kind.outline, x + 11, y, 11);
        context.fill();
        context.fillStyle = look.ink;
        context.fillText(text, x + 30, y);
    }
    look.done();
    const blob = await new Promise((resolve, reject) => {
        canvas.toBlob(
            (made) => (made ? resolve(made) : reject(new Error("no picture"))),
            "image/png",
        );
    });
    save(blob, fileName(model, "png"));
}
