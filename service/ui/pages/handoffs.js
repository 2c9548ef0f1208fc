// /handoffs: what came from Splunk, newest first.
import {getJson, query} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {failure, loading, message, pageHead, table, timeNode} from "./parts.js";
import {counted, number, shortened, visible} from "./text.js";

export function handoffTitle(handoff) {
    return visible(handoff.title || "") || "Untitled hand-off";
}

function row(handoff) {
    const known =
        handoff.entities_merged > 0 &&
        el("div", {class: "cell-known"}, `${number(handoff.entities_merged)} known`);
    return el(
        "tr",
        {},
        el(
            "td",
            {class: "cell-title"},
            el("a", {href: `/handoffs/${encodeURIComponent(handoff.id)}`}, handoffTitle(handoff)),
            el(
                "div",
                {class: "cell-note"},
                handoff.investigation && `Investigation ${visible(handoff.investigation)}`,
            ),
        ),
        el(
            "td",
            {},
            visible(handoff.user),
            el("div", {class: "cell-note"}, `in ${visible(handoff.app)}`),
        ),
        el("td", {class: "mono", title: visible(handoff.sid)}, shortened(handoff.sid, 30)),
        el("td", {}, timeNode(handoff.committed_us)),
        el("td", {class: "number"}, number(handoff.rows)),
        el("td", {class: "number"}, number(handoff.entities), known),
        el("td", {class: "number"}, number(handoff.relations)),
        el("td", {class: "number"}, number(handoff.opens)),
    );
}

export function handoffTable(caption, handoffs) {
    return table(
        caption,
        [
            "Title",
            "Analyst",
            "Search",
            "When (UTC)",
            {text: "Rows", number: true},
            {text: "Entities", number: true},
            {text: "Relations", number: true},
            {text: "Opened", number: true},
        ],
        handoffs.map(row),
        {className: "table"},
    );
}

function matches(handoff, words) {
    const text = [
        handoff.title,
        handoff.investigation,
        handoff.user,
        handoff.app,
        handoff.sid,
        handoff.id,
    ]
        .join(" ")
        .toLowerCase();
    return words.every((word) => text.includes(word));
}

export function nothingYet() {
    return message("No hand-offs yet", [
        "A hand-off begins in Splunk\u2019s search bar. End a search with the command:",
        el("code", {class: "sample"}, 'index=proxy action=blocked | ighandoff title="Beaconing"'),
        "Each row then carries a link that leads here.",
    ]);
}

// Whoever came by a value that no hand-off has named is told so (?missing=10.0.0.1).
function missingNotice() {
    const value = new URLSearchParams(location.search).get("missing");
    return (
        value &&
        el(
            "p",
            {class: "notice", role: "status"},
            icon(icons.warning),
            el(
                "span",
                {},
                "No hand-off has named ",
                el("strong", {class: "mono"}, shortened(value, 80)),
                " yet. Hand its events off in Splunk: end a search for it with | ighandoff.",
            ),
        )
    );
}

export async function handoffsPage({main, session}) {
    const first = await getJson("/v1/handoffs");
    const loaded = [...first.handoffs];
    let next = first.next;
    const place = el("div", {class: "card card-table"});
    const status = el("p", {class: "quiet", role: "status"});
    const more = el(
        "button",
        {class: "button", type: "button", on: {click: loadMore}},
        "Load older",
    );
    const filter = el("input", {
        type: "search",
        id: "filter",
        placeholder: "Title, analyst, search \u2026",
        "aria-label": "Filter the hand-offs shown",
        on: {input: paint},
    });

    function paint() {
        const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
        const shown = loaded.filter((handoff) => matches(handoff, words));
        status.textContent = words.length
            ? `${number(shown.length)} of ${counted(loaded.length, "hand-off")}` +
              `${next ? " loaded so far" : ""}`
            : `${counted(loaded.length, "hand-off")}${next ? " loaded" : ""}`;
        replace(
            place,
            shown.length
                ? el(
                      "div",
                      {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Hand-offs"},
                      handoffTable("Hand-offs, newest first", shown),
                  )
                : message("Nothing matches", ["No hand-off loaded so far holds these words."]),
        );
        more.hidden = !next;
    }

    async function loadMore() {
        more.disabled = true;
        try {
            const older = await getJson(`/v1/handoffs${query({before: next})}`);
            loaded.push(...older.handoffs);
            next = older.next;
            paint();
        } catch (problem) {
            replace(
                place,
                failure(problem, () => location.reload()),
            );
        }
        more.disabled = false;
    }

    const head = pageHead(
        "Hand-offs",
        `What analysts of ${visible(session.tenant)} sent from Splunk, newest first.`,
        loaded.length > 0 && el("div", {class: "field-search"}, icon(icons.search), filter),
    );
    if (loaded.length === 0) {
        replace(main, head, missingNotice(), el("div", {class: "card"}, nothingYet()));
        return;
    }
    replace(main, head, missingNotice(), place, el("div", {class: "after-table"}, status, more));
    replace(place, loading("Loading \u2026"));
    paint();
}
