// What a budget did and what was done to it: refusals and history, each with a button for older ones.
import {getJson, query} from "./api.js";
import {el, replace} from "./dom.js";
import {amountText, timeNode} from "./budget-parts.js";
import {decimal, grouped, trimmed} from "./decimal.js";
import {announce, badge, failure, loading} from "./parts.js";
import {counted, visible} from "./text.js";

const kinds = {
    created: "Set",
    changed: "Changed",
    deleted: "Deleted",
    crossed: "Threshold crossed",
    cleared: "Below a threshold again",
    "override.asked": "Override asked for",
    "override.approved": "Override approved",
    "override.revoked": "Override taken back",
    "override.expired": "Override ended",
};

// A table that loads more: `load(before)` gives {entries, next}.
function pagedCard({title, lead, heads, row, load, empty}) {
    const body = el("div", {}, loading("Loading \u2026"));
    const rows = el("tbody", {});
    const more = el("button", {class: "button", type: "button"}, "Load older");
    let next;
    async function add() {
        more.disabled = true;
        try {
            const reply = await load(next);
            next = reply.next;
            rows.append(...reply.entries.map(row));
            more.hidden = !next;
            if (!rows.firstChild) {
                replace(body, el("p", {class: "quiet card-body"}, empty));
                return;
            }
            if (!body.contains(rows)) {
                replace(
                    body,
                    el(
                        "div",
                        {class: "scroll-x", tabindex: "0", role: "region", "aria-label": title},
                        el(
                            "table",
                            {class: "table"},
                            el("caption", {class: "unseen"}, title),
                            el(
                                "thead",
                                {},
                                el(
                                    "tr",
                                    {},
                                    heads.map((head) =>
                                        el(
                                            "th",
                                            {
                                                scope: "col",
                                                class: head.number ? "number" : undefined,
                                            },
                                            head.text ?? head,
                                        ),
                                    ),
                                ),
                            ),
                            rows,
                        ),
                    ),
                    el("p", {class: "card-foot"}, more),
                );
            }
        } catch (problem) {
            if (rows.firstChild) announce(problem.message);
            else replace(body, failure(problem, add));
        }
        more.disabled = false;
    }
    more.addEventListener("click", add);
    add();
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head"},
            el("h2", {}, title),
            lead && el("p", {class: "quiet"}, lead),
        ),
        body,
    );
}

export function historyCard(budget, zone) {
    return pagedCard({
        title: "History",
        heads: [`When (${zone})`, "What", "Who", "Details"],
        row: (entry) =>
            el(
                "tr",
                {},
                el("td", {}, timeNode(entry.at, zone)),
                el("td", {}, kinds[entry.kind] ?? visible(entry.kind)),
                el("td", {}, visible(entry.by || "the service")),
                el("td", {class: "cell-wide"}, visible(entry.detail ?? "")),
            ),
        load: (before) =>
            getJson(
                `/v1/budgets/${encodeURIComponent(budget.id)}/history${query({before, limit: 20})}`,
            ),
        empty: "Nothing has happened yet.",
    });
}

export function refusalsCard(budget, unit, zone) {
    const figure = (text) => {
        const value = decimal(text);
        return value ? grouped(trimmed(value)) : visible(text ?? "");
    };
    const lead = el("span", {}, "What was throttled or blocked, and in shadow mode would have been.");
    const allowed = el("span", {});
    return pagedCard({
        title: "Recent refusals",
        lead: [lead, " ", allowed],
        heads: [
            `When (${zone})`,
            "Decision",
            "Meter",
            {text: "Quantity", number: true},
            {text: `Used (${unit})`, number: true},
            "Caller",
        ],
        row: (entry) =>
            el(
                "tr",
                {},
                el("td", {}, timeNode(entry.at, zone)),
                el(
                    "td",
                    {},
                    badge(
                        entry.verdict === "block" ? "Blocked" : "Throttled",
                        entry.verdict === "block" ? "bad" : "warn",
                    ),
                    entry.shadow && [" ", badge("Shadow", "known")],
                ),
                el("td", {}, visible(entry.meter)),
                el("td", {class: "number"}, figure(entry.quantity)),
                el("td", {class: "number"}, amountText(entry.used, budget)),
                el(
                    "td",
                    {},
                    visible(entry.subject || entry.caller),
                    entry.subject &&
                        entry.subject !== entry.caller &&
                        el("div", {class: "cell-note"}, `token ${visible(entry.caller)}`),
                ),
            ),
        load: async (before) => {
            const reply = await getJson(
                `/v1/decisions${query({budget: budget.id, before, limit: 20})}`,
            );
            const today = Number(reply.allowed?.today ?? 0);
            allowed.textContent = `Of all budgets together, ${counted(today, "decision")} allowed today.`;
            return reply;
        },
        empty: "Nothing was refused.",
    });
}
