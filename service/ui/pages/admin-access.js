// /admin/access: who am I, is the service well, what came in, who may come in, and the audit log.
// Each card asks for itself: one that fails says so and leaves the others alone.
import {call, getJson, query, Problem} from "./api.js";
import {el, replace} from "./dom.js";
import {
    announce,
    badge,
    confirmed,
    copyButton,
    failure,
    loading,
    pageHead,
    table,
    timeNode,
} from "./parts.js";
import {distance, number, visible} from "./text.js";
import {handoffTable, nothingYet} from "./handoffs.js";
import {adminFrame} from "./admin-frame.js";

const mayReadAudit = (role) => role === "auditor" || role === "admin";

function pairs(list) {
    return el(
        "dl",
        {class: "pairs"},
        list.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
}

// A card whose content comes from `load`, an async function that gives nodes.
function card(title, load, {wide = false, lead} = {}) {
    const body = el("div", {class: "card-body"});
    const fillIt = async () => {
        replace(body, loading("Loading \u2026"));
        try {
            replace(body, ...[await load()].flat());
        } catch (problem) {
            replace(body, failure(problem, fillIt));
        }
    };
    fillIt();
    return el(
        "section",
        {class: wide ? "card card-wide" : "card"},
        el(
            "div",
            {class: "card-head"},
            el("h2", {}, title),
            lead && el("p", {class: "quiet"}, lead),
        ),
        body,
    );
}

function me(session) {
    const expiry =
        session.expires_us === null
            ? "never"
            : el(
                  "span",
                  {},
                  timeNode(session.expires_us),
                  ` UTC (${distance(session.expires_us)})`,
              );
    const means = {
        viewer: "reads hand-offs",
        analyst: "reads and sends hand-offs",
        auditor: "reads hand-offs and the audit log",
        admin: "everything of this tenant",
        broker: "issues tokens for a Splunk app's analysts",
    };
    return pairs([
        ["Name", visible(session.name)],
        ["Tenant", visible(session.tenant)],
        [
            "Role",
            el("span", {}, badge(visible(session.role), "accent"), " ", means[session.role] ?? ""),
        ],
        ["Access ends", expiry],
    ]);
}

// The version, from the service's own metrics; "" where they are not to be had.
async function version() {
    try {
        const text = await (await fetch("/metrics")).text();
        return /^intelgraphd_build_info\{[^}]*version="([^"]*)"/m.exec(text)?.[1] ?? "";
    } catch {
        return "";
    }
}

// /readyz answers 200, or 503 with the reason as a problem.
async function health() {
    const asked = fetch("/readyz", {headers: {Accept: "application/json"}}).catch(() => {
        throw new Problem(0, "The service cannot be reached", "No answer came from IntelGraph.");
    });
    const [response, release] = await Promise.all([asked, version()]);
    const told = await response.json().catch(() => ({}));
    const reason = response.ok ? "" : told.detail || told.title || `status ${response.status}`;
    return pairs([
        ["State", response.ok ? badge("Ready", "good") : badge("Not ready", "bad")],
        ...(reason ? [["Reason", visible(reason)]] : []),
        ["Version", release ? visible(release) : "not told"],
        ["Address", location.host],
        ["API description", el("a", {href: "/openapi.yaml"}, "openapi.yaml")],
    ]);
}

async function recent() {
    const {handoffs} = await getJson("/v1/handoffs?limit=5");
    if (handoffs.length === 0) return nothingYet();
    return [
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Recent hand-offs"},
            handoffTable("Recent hand-offs", handoffs),
        ),
        el("p", {class: "card-foot"}, el("a", {href: "/handoffs"}, "All hand-offs")),
    ];
}

function tokenState(token) {
    if (token.revoked_us !== null) return badge("revoked", "bad");
    if (token.expires_us !== null && token.expires_us / 1000 < Date.now())
        return badge("expired", "bad");
    return badge("active", "good");
}

async function tokens(reload) {
    const list = (await getJson("/v1/tokens")).tokens;
    const revoke = async (token) => {
        const sure = await confirmed(
            `Revoke \u201c${visible(token.name)}\u201d?`,
            "Whoever uses this token is shut out at once: a Splunk app that sends with it will keep its " +
                "hand-offs in the outbox. This cannot be undone.",
            "Revoke the token",
        );
        if (!sure) return;
        try {
            await call("DELETE", `/v1/tokens/${encodeURIComponent(token.id)}`);
            announce(`Revoked: ${visible(token.name)}`);
            reload();
        } catch (problem) {
            announce(problem.message);
        }
    };
    const rows = list.map((token) =>
        el(
            "tr",
            {},
            el(
                "td",
                {},
                visible(token.name),
                el("div", {class: "cell-note mono"}, visible(token.id)),
            ),
            el("td", {}, badge(visible(token.role))),
            el("td", {}, tokenState(token)),
            el("td", {}, timeNode(token.created_us)),
            el("td", {}, token.expires_us === null ? "never" : timeNode(token.expires_us)),
            el("td", {}, token.last_used_us === null ? "never" : timeNode(token.last_used_us)),
            el(
                "td",
                {class: "cell-action"},
                token.revoked_us === null &&
                    el(
                        "button",
                        {
                            class: "button button-small button-danger-quiet",
                            type: "button",
                            "aria-label": `Revoke ${visible(token.name)}`,
                            on: {click: () => revoke(token)},
                        },
                        "Revoke",
                    ),
            ),
        ),
    );
    return el(
        "div",
        {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "API tokens"},
        table(
            "API tokens",
            [
                "Name",
                "Role",
                "State",
                "Created (UTC)",
                "Expires (UTC)",
                "Last used (UTC)",
                el("th", {scope: "col"}, el("span", {class: "unseen"}, "Action")),
            ],
            rows,
            {className: "table"},
        ),
    );
}

function tokensCard() {
    const place = el("div", {class: "card-slot"});
    const fillIt = () =>
        replace(
            place,
            card("API tokens", () => tokens(fillIt), {
                wide: true,
                lead: "Made with \u201cintelgraphd token create\u201d; shown here without their secrets.",
            }),
        );
    fillIt();
    return place;
}

// The record's members are the audit room's; those known get a column, all of them are in the
// details.
function recordRow({index, record}) {
    const good = record.result === "success";
    const when = record.time_us ?? record.at_us ?? null;
    return el(
        "tr",
        {},
        el("td", {class: "number mono"}, number(index)),
        el("td", {}, when === null ? visible(record.time ?? "\u2013") : timeNode(when)),
        el("td", {class: "mono"}, visible(record.action ?? "\u2013")),
        el("td", {}, visible(record.subject ?? record.user ?? "\u2013")),
        el("td", {}, badge(visible(record.result ?? "unknown"), good ? "good" : "bad")),
        el(
            "td",
            {},
            el(
                "details",
                {class: "record"},
                el("summary", {}, "Record", el("span", {class: "unseen"}, ` ${number(index)}`)),
                el("pre", {}, JSON.stringify(record, null, 2).split("\n").map(visible).join("\n")),
            ),
        ),
    );
}

// Keeps adding older records below those that are there.
function olderButton(body, least) {
    const more = el("button", {class: "button", type: "button", hidden: least === 0}, "Load older");
    more.addEventListener("click", async () => {
        try {
            const older = await getJson(`/v1/audit/records${query({before: least, limit: 50})}`);
            body.append(...older.records.map(recordRow));
            least = older.records.at(-1)?.index ?? 0;
            more.hidden = least === 0;
        } catch (problem) {
            announce(problem.message);
        }
    });
    return more;
}

function checkpointBox(checkpoint) {
    return el(
        "div",
        {class: "checkpoint"},
        el(
            "div",
            {class: "checkpoint-head"},
            el("h3", {}, "Signed checkpoint"),
            copyButton("Copy the checkpoint", checkpoint, {small: true}),
        ),
        el(
            "p",
            {class: "quiet"},
            "Keep a copy elsewhere: it proves later that nothing before it was changed.",
        ),
        el("pre", {tabindex: "0", role: "region", "aria-label": "Checkpoint"}, checkpoint),
    );
}

async function audit() {
    const first = await getJson("/v1/audit/records?limit=20");
    const body = el("tbody", {}, first.records.map(recordRow));
    const heads = ["Index", "When (UTC)", "Action", "Who", "Result", "Details"];
    const list = el(
        "table",
        {class: "table"},
        el("caption", {class: "unseen"}, "Audit records, newest first"),
        el(
            "thead",
            {},
            el(
                "tr",
                {},
                heads.map((head, i) =>
                    el("th", {scope: "col", class: i === 0 ? "number" : undefined}, head),
                ),
            ),
        ),
        body,
    );
    return [
        first.checkpoint && checkpointBox(first.checkpoint),
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Audit records"},
            list,
        ),
        el("p", {class: "card-foot"}, olderButton(body, first.records.at(-1)?.index ?? 0)),
    ];
}

export function show({main, session}) {
    const role = session.role;
    adminFrame(
        main,
        session,
        pageHead("Access", "Who may come in, the service\u2019s health, and its records."),
        el(
            "div",
            {class: "cards"},
            card("You", async () => me(session)),
            card("Service", health),
            card("Recent hand-offs", recent, {wide: true}),
            role === "admin" && tokensCard(),
            mayReadAudit(role) &&
                card("Audit log", audit, {
                    wide: true,
                    lead: "Append-only and signed: each record is a leaf of a Merkle tree.",
                }),
        ),
    );
}
