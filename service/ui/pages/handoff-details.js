// What is chosen, in detail: an entity or a relation, where it was seen, and its neighbours.
import {el, icon, icons, replace} from "./dom.js";
import {badge, copyButton, timeNode} from "./parts.js";
import {kindMark, kindOf} from "./kinds.js";
import {counted, defanged, number, relationText, shortened, time, visible} from "./text.js";
import {endButton} from "./handoff-relations.js";

const NEIGHBOURS = 25;

function seenBefore(count) {
    return count > 0
        ? badge(`Seen in ${counted(count, "earlier hand-off")}`, "known")
        : badge("First seen in this hand-off", "plain");
}

function seenPairs(item) {
    const span =
        item.first_us === null
            ? "no time in the rows"
            : [
                  timeNode(item.first_us),
                  item.last_us !== item.first_us && [" to ", timeNode(item.last_us)],
                  " UTC",
              ];
    return [
        ["Rows", number(item.count)],
        ["Seen", span],
    ];
}

function pairs(list) {
    return el(
        "dl",
        {class: "pairs pairs-tight"},
        list.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
}

// The search that leads back to a row, as far as the hand-off knows it.
function searchFor(sample, handoff) {
    return `| loadjob ${handoff.sid} | streamstats count AS intelgraph_row | where intelgraph_row=${sample.row + 1}`;
}

function samples(item, handoff) {
    if (!item.samples?.length) return null;
    const isSid = /^[\w.@-]+$/.test(handoff.sid ?? ""); // else it is not pasted into a search
    return el(
        "div",
        {class: "details-part"},
        el("h3", {}, "Back to the events in Splunk"),
        el(
            "ul",
            {class: "samples"},
            item.samples.map((sample) =>
                el(
                    "li",
                    {},
                    el("span", {}, `Row ${number(sample.row + 1)}`),
                    el("span", {class: "quiet"}, time(sample.time_us) || "no time"),
                    sample.ref &&
                        el(
                            "span",
                            {class: "mono quiet", title: "_bkt and _cd of the event"},
                            shortened(sample.ref, 28),
                        ),
                    isSid &&
                        copyButton("Copy search", searchFor(sample, handoff), {
                            small: true,
                            what: `the search for row ${number(sample.row + 1)}`,
                        }),
                ),
            ),
        ),
    );
}

function neighbours(entity, model, view) {
    const links = model.links.get(entity.id);
    if (!links) {
        return el(
            "p",
            {class: "quiet details-part"},
            `It has ${counted(entity.degree, "relation")}, and is not ` +
                "among the entities drawn.",
        );
    }
    if (links.length === 0) return el("p", {class: "quiet details-part"}, "It has no relation.");
    const list = el("ul", {class: "neighbours"});
    const button = ({index, other, outwards}) =>
        el(
            "li",
            {},
            el(
                "span",
                {class: "neighbour-type"},
                outwards
                    ? `${relationText(model.relations[index].type)} \u2192`
                    : `\u2190 ${relationText(model.relations[index].type)}`,
            ),
            endButton(model.byId.get(other), view),
        );
    list.append(...links.slice(0, NEIGHBOURS).map(button));
    const more =
        links.length > NEIGHBOURS &&
        el(
            "button",
            {
                class: "button button-small",
                type: "button",
                on: {
                    click: (event) => {
                        list.append(...links.slice(NEIGHBOURS).map(button));
                        event.currentTarget.remove();
                    },
                },
            },
            `Show ${number(links.length - NEIGHBOURS)} more`,
        );
    return el(
        "div",
        {class: "details-part"},
        el("h3", {}, `Neighbours (${number(links.length)})`),
        list,
        more,
    );
}

function entityDetails(entity, model, view) {
    const kind = kindOf(entity.kind);
    return [
        el("p", {class: "details-value"}, visible(entity.value)),
        el(
            "div",
            {class: "details-actions"},
            copyButton("Copy", entity.value, {small: true, what: "the value"}),
            copyButton("Copy defanged", defanged(entity.value), {
                small: true,
                what: "the value, defanged",
            }),
        ),
        pairs([
            ["Kind", kind.label],
            ["History", seenBefore(entity.earlier_handoffs)],
            ...seenPairs(entity),
            [
                "Fields",
                entity.fields?.length
                    ? el("span", {class: "mono"}, entity.fields.map(visible).join(", "))
                    : "not told",
            ],
        ]),
        neighbours(entity, model, view),
        samples(entity, model.handoff),
    ];
}

function relationDetails(relation, model, view) {
    return [
        el(
            "div",
            {class: "details-relation"},
            endButton(model.byId.get(relation.from), view),
            el("span", {class: "neighbour-type"}, `${relationText(relation.type)} \u2192`),
            endButton(model.byId.get(relation.to), view),
        ),
        pairs([["History", seenBefore(relation.earlier_handoffs)], ...seenPairs(relation)]),
        samples(relation, model.handoff),
    ];
}

// What a screen reader is told of a choice; the rest is there to be read.
function summary(choice, model) {
    if (choice === null) return "Nothing chosen";
    if (choice.entity)
        return `Details of ${kindOf(choice.entity.kind).label} ${shortened(choice.entity.value, 60)}`;
    const {relation} = choice;
    return (
        `Details of the relation ${shortened(model.byId.get(relation.from).value, 60)} ` +
        `${relationText(relation.type)} ${shortened(model.byId.get(relation.to).value, 60)}`
    );
}

export function detailsCard({model, view}) {
    const title = el("h2", {id: "details-title", tabindex: "-1"});
    const close = el(
        "button",
        {
            class: "button button-bare",
            type: "button",
            "aria-label": "Close the details",
            title: "Close the details",
            on: {click: () => view.choose(null)},
        },
        icon(icons.close),
    );
    const body = el("div", {class: "details-body"});
    const told = el("p", {class: "unseen", role: "status"});
    const card = el(
        "section",
        {class: "card details", "aria-labelledby": "details-title"},
        el("div", {class: "card-head card-head-row"}, title, close),
        body,
        told,
    );

    function paint() {
        const {choice} = view;
        const focused = body.contains(document.activeElement) || document.activeElement === close;
        card.classList.toggle("details-empty", choice === null);
        close.hidden = choice === null;
        if (choice === null) {
            replace(title, "Details");
            replace(
                body,
                el("p", {class: "quiet"}, "Choose an entity in the drawing or in the table."),
            );
        } else if (choice.entity) {
            replace(title, kindMark(choice.entity.kind), kindOf(choice.entity.kind).label);
            replace(body, ...entityDetails(choice.entity, model, view));
        } else {
            replace(title, "Relation");
            replace(body, ...relationDetails(choice.relation, model, view));
        }
        body.scrollTop = 0;
        told.textContent = summary(choice, model);
        if (focused) title.focus(); // the button that had the focus is gone
    }

    view.listen((what) => what === "choice" && paint());
    paint();
    return card;
}
