// /handoffs/{id}: one hand-off as a drawing, as tables, and each of its entities in detail.
import {getJson} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {copyButton, badge, failure, figure, loading, message, timeNode} from "./parts.js";
import {counted, number, visible} from "./text.js";
import {detailsCard} from "./handoff-details.js";
import {drawingCard} from "./handoff-drawing.js";
import {entitiesCard} from "./handoff-entities.js";
import {relationsCard} from "./handoff-relations.js";
import {graphModel, graphView} from "./graph-model.js";
import {handoffTitle} from "./handoffs.js";

const DRAWN_MOST = 1500; // what stays usable as a drawing

function meta(name, ...value) {
    return el("span", {class: "meta"}, el("span", {class: "meta-name"}, name), " ", value);
}

function newAndKnown(fresh, known) {
    if (fresh + known === 0) return "";
    return known > 0 ? `${number(fresh)} new, ${number(known)} known before` : "all new";
}

function head(handoff) {
    const title = handoffTitle(handoff);
    document.title = `${title} \u00b7 IntelGraph`;
    return el(
        "div",
        {class: "handoff-head"},
        el(
            "div",
            {class: "handoff-title"},
            el(
                "nav",
                {class: "crumbs", "aria-label": "You are here"},
                el("a", {href: "/handoffs"}, "Hand-offs"),
                el("span", {"aria-hidden": "true"}, "/"),
                el("span", {class: "mono"}, handoff.id.slice(0, 12)),
            ),
            el(
                "h1",
                {},
                title,
                handoff.investigation && badge(visible(handoff.investigation), "accent"),
            ),
            el(
                "p",
                {class: "metas"},
                meta("Analyst", el("strong", {}, visible(handoff.user))),
                meta("App", visible(handoff.app)),
                meta("Search", el("span", {class: "mono"}, visible(handoff.sid))),
                meta("Handed over", timeNode(handoff.committed_us), " UTC"),
            ),
        ),
        el(
            "dl",
            {class: "figures"},
            figure("Rows", handoff.rows),
            figure(
                "Entities",
                handoff.entities,
                newAndKnown(handoff.entities_new, handoff.entities_merged),
            ),
            figure(
                "Relations",
                handoff.relations,
                newAndKnown(handoff.relations_new, handoff.relations_merged),
            ),
            figure("Opened", handoff.opens, handoff.opens === 1 ? "time" : "times"),
            figure(
                "Audit record",
                handoff.audit_index === null ? "\u2013" : `#${number(handoff.audit_index)}`,
            ),
        ),
    );
}

function notice(...sentence) {
    return el("p", {class: "notice"}, icon(icons.warning), el("span", {}, sentence));
}

// What the sender left out, and what this page does not draw.
function notices(model) {
    const {handoff, total} = model;
    const skipped = [];
    if (handoff.entities_skipped > 0)
        skipped.push(counted(handoff.entities_skipped, "entity value"));
    if (handoff.relations_skipped > 0)
        skipped.push(
            counted(handoff.relations_skipped, "sighting of a relation", "sightings of relations"),
        );
    return [
        skipped.length > 0 &&
            notice(
                el("strong", {}, "Not everything was sent. "),
                `The search command left out ${skipped.join(" and ")}, because its limit was reached. ` +
                    "Narrow the search or raise maxentities, then hand off again.",
            ),
        model.truncated &&
            notice(
                el("strong", {}, "Not everything is drawn. "),
                `The drawing shows the ${number(model.entities.length)} entities with the most relations, of ` +
                    `${number(total.entities)}, and ${number(model.relations.length)} of ` +
                    `${counted(total.relations, "relation")}. The table of entities pages through all of them.`,
            ),
    ];
}

function missing(id) {
    return {
        title: "There is no such hand-off",
        sentences: [
            `Nothing is kept under ${visible(id).slice(0, 64)} for your tenant.`,
            "The link may be cut short, the search may not have finished yet, or the hand-off belongs to " +
                "another tenant.",
        ],
    };
}

export async function handoffPage({main, match}) {
    let id;
    try {
        id = decodeURIComponent(match[1]);
    } catch {
        id = match[1];
    }
    replace(main, loading("Loading the hand-off \u2026"));
    let reply;
    try {
        reply = await getJson(`/v1/handoffs/${encodeURIComponent(id)}/graph?limit=${DRAWN_MOST}`);
    } catch (problem) {
        const retry = () => handoffPage({main, match});
        replace(main, failure(problem, retry, {missing: missing(id)}));
        return;
    }
    const model = graphModel(reply);
    if (model.entities.length === 0) {
        replace(
            main,
            head(model.handoff),
            ...notices(model),
            el("div", {class: "card"}, nothingInIt(model)),
        );
        return;
    }
    const view = graphView(model);
    const drawing = drawingCard({model, view, reply});
    replace(
        main,
        head(model.handoff),
        ...notices(model),
        el(
            "div",
            {class: "board"},
            drawing.node,
            el("div", {class: "side"}, detailsCard({model, view}), entitiesCard({model, view})),
        ),
        relationsCard({model, view}),
        el(
            "p",
            {class: "handoff-foot quiet"},
            "Hand-off ",
            el("span", {class: "mono"}, visible(id)),
            " ",
            copyButton("Copy the id", id, {small: true}),
            handoffDigest(model.handoff),
        ),
    );
    await drawing.draw();
    chooseAsked(model, view);
}

// A link to an entity (?entity=7) chooses it, when it is among what is drawn.
function chooseAsked(model, view) {
    const asked = new URLSearchParams(location.search).get("entity");
    const entity = asked === null ? undefined : model.byId.get(Number(asked));
    if (entity) view.choose({entity});
}

function handoffDigest(handoff) {
    return (
        handoff.content_sha256 &&
        el(
            "span",
            {},
            "Content SHA-256 ",
            el("span", {class: "mono"}, visible(handoff.content_sha256).slice(0, 16), "\u2026 "),
            copyButton("Copy the digest", handoff.content_sha256, {small: true}),
        )
    );
}

function nothingInIt(model) {
    return message("This hand-off holds no entities", [
        `${counted(model.handoff.rows, "row")} came in, but no field in them is mapped to a kind of entity, or ` +
            "all their values were placeholders such as \u201c-\u201d.",
        "Ask an admin to add the fields to the lookup intelgraph_fields.csv, or name them: " +
            "ighandoff fields=src_ip,dest.",
    ]);
}
