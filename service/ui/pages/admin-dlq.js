// /admin/dlq: events that could not be taken, with the reason; each is mended and replayed, replayed
// as it is, or discarded, and why goes on record. The filters are in the address.
import {getJson, query} from "./api.js";
import {el, replace} from "./dom.js";
import {adminFrame} from "./admin-frame.js";
import {tenantZone, timeNode} from "./budget-parts.js";
import {complain, field, formDialog, sendChange} from "./form.js";
import {announce, badge, failure, loading, message, pageHead} from "./parts.js";
import {counted, number, visible} from "./text.js";

const states = {open: "Waiting", replayed: "Replayed", discarded: "Discarded", all: "All"};
const tones = {open: "warn", replayed: "good", discarded: "plain"};
const reasons = {
    invalid: "Not valid",
    clash: "Clash",
    late: "Too late",
    future: "From the future",
    unknown_event: "Corrects what has not come",
    not_a_use: "Corrects a correction",
    own: "The service's own",
    limit: "Over a limit",
};
const PAGE = 25;

// What makes no sense is as if it were not there.
function readFilters() {
    const given = new URLSearchParams(location.search);
    const state = given.get("state");
    const reason = given.get("reason");
    return {
        state: Object.hasOwn(states, state ?? "") ? state : "open",
        reason: Object.hasOwn(reasons, reason ?? "") ? reason : "",
        source: given.get("source") ?? "",
    };
}

const addressOf = ({state, reason, source}) =>
    location.pathname + query({state: state === "open" ? "" : state, reason, source});

// --- What is done with an entry ------------------------------------------------------------------

function whyField() {
    const why = el("textarea", {name: "why", rows: "2", maxlength: "256"});
    return [why, field("Why", why, {hint: "Goes on record with your name.", wide: true})];
}

function replay(session, entry) {
    const event = el("textarea", {
        name: "event",
        rows: "9",
        class: "mono",
        spellcheck: "false",
        wrap: "soft",
    });
    event.value = entry.event;
    const [why, reason] = whyField();
    return formDialog(
        "Replay this event",
        [
            el("p", {class: "quiet"}, visible(entry.detail)),
            field("The event", event, {
                hint: "As it came. Mend it here; it counts by its own time, however long it waited.",
                wide: true,
            }),
            reason,
        ],
        "Replay",
        async (form) => {
            if (!event.value.trim())
                return void complain(form, "event", "Give the whole event, or discard the entry.");
            if (!why.value.trim())
                return void complain(form, "why", "Say what makes it right: it goes on record.");
            const mended = event.value === entry.event ? {} : {event: event.value};
            return sendChange(session, "POST", `/v1/usage/dlq/${entry.id}/replay`, {
                why: why.value.trim(),
                ...mended,
            });
        },
    );
}

function discard(session, entry) {
    const [why, reason] = whyField();
    return formDialog(
        "Discard this event?",
        [
            el(
                "p",
                {},
                "It never counts, and cannot be replayed afterwards. It is kept with your reason.",
            ),
            reason,
        ],
        "Discard",
        async (form) => {
            if (!why.value.trim())
                return void complain(form, "why", "Say why: it goes on record.");
            return sendChange(session, "POST", `/v1/usage/dlq/${entry.id}/discard`, {
                why: why.value.trim(),
            });
        },
        {danger: true},
    );
}

// --- The list ------------------------------------------------------------------------------------

function ending(entry, zone) {
    if (entry.state === "open") return null;
    return el(
        "p",
        {class: "quiet"},
        `${states[entry.state]} by ${visible(entry.ended_by ?? "")} `,
        timeNode(entry.ended_at, zone),
        `: ${visible(entry.ended_why ?? "")}`,
    );
}

function texts(entry) {
    const block = (label, text) => [
        el("p", {class: "cell-note"}, label),
        el("pre", {class: "mono event-text"}, visible(text)),
    ];
    return el(
        "details",
        {class: "record"},
        el("summary", {}, "The event", el("span", {class: "unseen"}, ` of entry ${entry.id}`)),
        block("As it came", entry.event),
        entry.replayed && block("Replayed in its place", entry.replayed),
    );
}

function buttons(session, entry, again) {
    if (entry.state !== "open") return null;
    const button = (text, doing, said) =>
        el(
            "button",
            {
                class: "button button-small",
                type: "button",
                on: {
                    click: async () => {
                        if (!(await doing(session, entry))) return;
                        announce(said);
                        again();
                    },
                },
            },
            text,
            el("span", {class: "unseen"}, ` entry ${entry.id}`),
        );
    return [button("Replay", replay, "It counts now"), button("Discard", discard, "Discarded")];
}

function row(session, entry, zone, again) {
    return el(
        "tr",
        {},
        el(
            "td",
            {class: "cell-day"},
            timeNode(entry.last_at ?? entry.received_at, zone),
            entry.times > 1 && el("div", {class: "cell-note"}, `came ${number(entry.times)} times`),
        ),
        el(
            "td",
            {class: "cell-name"},
            entry.source ? visible(entry.source) : el("span", {class: "quiet"}, "not told"),
            entry.event_id && el("div", {class: "cell-note"}, visible(entry.event_id)),
        ),
        el(
            "td",
            {class: "cell-wide"},
            badge(reasons[entry.reason] ?? visible(entry.reason), tones[entry.state]),
            el("p", {}, visible(entry.detail)),
            ending(entry, zone),
            texts(entry),
        ),
        el("td", {class: "cell-action"}, buttons(session, entry, again)),
    );
}

function list(rows, zone, more) {
    const heads = [`Came last (${zone})`, "Source and id", "Reason", ""];
    return el(
        "div",
        {class: "card"},
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Rejected events"},
            el(
                "table",
                {class: "table"},
                el("caption", {class: "unseen"}, "Rejected events, newest first"),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        heads.map((head) =>
                            head
                                ? el("th", {scope: "col"}, head)
                                : el("td", {}, el("span", {class: "unseen"}, "What to do")),
                        ),
                    ),
                ),
                el("tbody", {}, rows),
            ),
        ),
        more && el("p", {class: "card-foot"}, more),
    );
}

function filterBar(filters, go) {
    const pick = (name, label, options) => {
        const control = el(
            "select",
            {name, on: {change: () => go({[name]: control.value})}},
            options.map(([value, text]) =>
                el("option", {value, selected: value === filters[name]}, text),
            ),
        );
        return el("label", {class: "filter"}, label, control);
    };
    const source = el("input", {
        name: "source",
        type: "search",
        value: filters.source,
        maxlength: "256",
        placeholder: "/gateway/eu-1",
    });
    return el(
        "form",
        {
            class: "filters card",
            "aria-label": "Filters",
            on: {
                submit: (event) => {
                    event.preventDefault();
                    go({source: source.value.trim()});
                },
            },
        },
        pick("state", "State", Object.entries(states)),
        pick("reason", "Reason", [["", "Any"], ...Object.entries(reasons)]),
        el("label", {class: "filter"}, "Source", source),
        el("button", {class: "button button-small", type: "submit"}, "Find"),
    );
}

function nothing({state, reason, source}) {
    const narrowed = reason || source || state !== "open";
    return el(
        "div",
        {class: "card"},
        narrowed
            ? message("None fits these filters", ["Choose another state, reason or source."])
            : message("No event waits", ["Every event that came is counted, or was dealt with."]),
    );
}

// What the whole of it says, above the list.
function summary({open, open_limit: most, unkept}) {
    const waits = `${counted(open, "event")} ${open === 1 ? "waits" : "wait"}`;
    const room = open * 10 >= most * 9 ? `; there is room for ${number(most)}` : "";
    const lost =
        unkept > 0 ? ` ${counted(unkept, "event")} found no room and must be sent again.` : "";
    return `${waits}${room}. What waits is counted nowhere until it is replayed.${lost}`;
}

export async function show({main, session}) {
    const lead = el("span", {}, "Events that could not be taken, and why.");
    const bar = el("div", {});
    const body = el("div", {class: "stack"}, loading("Reading the entries \u2026"));
    const head = pageHead("Rejected events", lead);
    adminFrame(main, session, head, el("div", {class: "stack"}, bar, body));
    let turn = 0;
    async function paint() {
        const mine = (turn += 1);
        const filters = readFilters();
        replace(bar, filterBar(filters, go));
        const asked = {...filters, state: filters.state === "all" ? "" : filters.state};
        const load = (before) =>
            getJson(`/v1/usage/dlq${query({...asked, before, limit: PAGE})}`);
        try {
            const [first, zone] = await Promise.all([load(), tenantZone()]);
            if (mine !== turn) return;
            lead.textContent = summary(first);
            const some = first.entries.length > 0;
            replace(body, some ? entriesOf(first, zone, load) : nothing(filters));
        } catch (problem) {
            if (mine !== turn) return;
            const content =
                problem.status === 403
                    ? message("This is not for your role", [
                          "Only an administrator reads rejected events.",
                      ])
                    : failure(problem, paint);
            replace(body, el("div", {class: "card"}, content));
        }
    }
    function entriesOf(first, zone, load) {
        let {next} = first;
        const rows = first.entries.map((entry) => row(session, entry, zone, paint));
        const more = el("button", {class: "button", type: "button", hidden: !next}, "Load older");
        const card = list(rows, zone, more);
        more.addEventListener("click", async () => {
            try {
                const older = await load(next);
                ({next} = older);
                more.hidden = !next;
                card.querySelector("tbody").append(
                    ...older.entries.map((entry) => row(session, entry, zone, paint)),
                );
            } catch (problem) {
                announce(problem.message);
            }
        });
        return card;
    }
    function go(changes) {
        const address = addressOf({...readFilters(), ...changes});
        if (address !== location.pathname + location.search) history.pushState(null, "", address);
        const focus = document.activeElement?.name;
        paint();
        bar.querySelector(`[name="${focus}"]`)?.focus();
    }
    window.addEventListener("popstate", paint);
    await paint();
}
