// Overrides of a budget: asking for one, approving another's, taking one back. Each needs a reason.
import {el} from "./dom.js";
import {amountText, timeNode, timeText} from "./budget-parts.js";
import {minuteOf, momentOf} from "./days.js";
import {decimal, numberOf, plain} from "./decimal.js";
import {askReason, check, choices, complain, field, formDialog, input, sendChange} from "./form.js";
import {announce, badge} from "./parts.js";
import {visible} from "./text.js";

const DAYS_MOST = 31; // as the service has it

const states = {
    active: ["In force", "accent"],
    waiting: ["Waits for a second person", "warn"],
    expired: ["Expired", "plain"],
    revoked: ["Taken back", "plain"],
};

const pathOf = (budget, rest = "") =>
    `/v1/budgets/${encodeURIComponent(budget.id)}/overrides${rest}`;

// "2026-11-23T14:05" in the zone, some hours from now.
function inHours(hours, zone) {
    return minuteOf(Date.now() + hours * 3600000, zone).replace(" ", "T");
}

export function askOverride(session, budget, unit, zone) {
    const amount = input("amount", {inputmode: "decimal"});
    const reason = el("textarea", {name: "reason", rows: "3", maxlength: "256"});
    const until = el("input", {
        type: "datetime-local",
        name: "expires_at",
        value: inHours(4, zone),
        min: inHours(0, zone),
    });
    const amountField = field("Amount on top of the limit", amount, {hint: `In ${unit}.`});
    const kind = (value, label, note, checked) =>
        check("kind", label, {type: "radio", value, note, checked});
    const content = [
        choices("Kind", "kind", [
            kind("amount", "More for now", "Raises the limit by an amount.", true),
            kind("bypass", "Let everything through", "Nothing is held back until it ends."),
        ]),
        amountField,
        field(`Ends (${zone})`, until, {name: "expires_at", hint: "It reverts by itself then."}),
        field("Reason", reason, {hint: "Goes on record with your name.", wide: true}),
        budget.two_person &&
            el(
                "p",
                {class: "quiet"},
                "This budget wants a second person: it waits until another administrator approves it.",
            ),
    ];
    const bypass = () => content[0].querySelector("[value=bypass]").checked;
    content[0].addEventListener("change", () => {
        amountField.hidden = bypass();
    });
    return formDialog("Override this budget", content, "Override", async (form) => {
        const value = decimal(numberOf(amount.value));
        if (!bypass() && (!value || value.units <= 0n))
            return void complain(form, "amount", "Say how much, as a number such as 500.");
        const [day, clock] = until.value.split("T");
        if (!clock)
            return void complain(form, "expires_at", "Say when it ends: an override always does.");
        const expires = momentOf(day, zone, clock.slice(0, 5));
        if (expires <= Date.now())
            return void complain(form, "expires_at", "That is past. It must end later than now.");
        if (expires > Date.now() + DAYS_MOST * 86400000)
            return void complain(
                form,
                "expires_at",
                `At most ${DAYS_MOST} days ahead. For longer, change the limit.`,
            );
        if (!reason.value.trim())
            return void complain(form, "reason", "A reason is needed: it goes on record.");
        return sendChange(session, "POST", pathOf(budget), {
            kind: bypass() ? "bypass" : "amount",
            amount: bypass() ? undefined : plain(value),
            reason: reason.value.trim(),
            expires_at: new Date(expires).toISOString().replace(".000Z", "Z"),
        });
    });
}

function decide(session, budget, override, verb, words) {
    return askReason(
        words.title,
        words.sentence,
        words.action,
        (reason) =>
            sendChange(
                session,
                "POST",
                pathOf(budget, `/${encodeURIComponent(override.id)}/${verb}`),
                {reason},
            ),
        {danger: verb === "revoke"},
    );
}

function actions(session, budget, override, done) {
    const act = (verb, words) => async () => {
        if (await decide(session, budget, override, verb, words)) {
            announce(words.said);
            done();
        }
    };
    const button = (text, click) =>
        el("button", {class: "button button-small", type: "button", on: {click}}, text);
    return [
        override.state === "waiting" &&
            override.asked_by !== session.name &&
            button(
                "Approve",
                act("approve", {
                    title: "Approve this override?",
                    sentence: `${visible(override.asked_by ?? override.by ?? "Another administrator")} asks for it: \u201c${visible(override.reason)}\u201d`,
                    action: "Approve",
                    said: "Approved",
                }),
            ),
        ["waiting", "active"].includes(override.state) &&
            button(
                "Take back",
                act("revoke", {
                    title: "Take this override back?",
                    sentence: "The budget holds as before from that moment on.",
                    action: "Take it back",
                    said: "Taken back",
                }),
            ),
    ];
}

function item(session, budget, unit, override, {write, zone, done}) {
    const [text, tone] = states[override.state] ?? [visible(override.state), "plain"];
    const what =
        override.kind === "bypass"
            ? "Everything let through"
            : `${amountText(override.amount, budget)} ${unit} more`;
    return el(
        "li",
        {class: "override"},
        el("div", {class: "override-head"}, el("strong", {}, what), badge(text, tone)),
        el("p", {}, visible(override.reason)),
        el(
            "p",
            {class: "quiet"},
            `Asked by ${visible(override.asked_by ?? "")}`,
            override.approved_by && `, approved by ${visible(override.approved_by)}`,
            ["active", "waiting"].includes(override.state)
                ? [", ends ", timeNode(override.expires_at, zone), ` (${zone})`]
                : override.ended_at && `, ended ${timeText(override.ended_at, zone)} (${zone})`,
        ),
        override.state === "waiting" &&
            override.asked_by === session.name &&
            el("p", {class: "quiet"}, "Another administrator has to approve it."),
        write && el("div", {class: "override-actions"}, actions(session, budget, override, done)),
    );
}

export function overrideList(session, budget, unit, overrides, doing) {
    const now = overrides.filter(({state}) => state === "active" || state === "waiting");
    const before = overrides.filter(({state}) => state !== "active" && state !== "waiting");
    const list = (some) =>
        el(
            "ul",
            {class: "plain-list"},
            some.map((one) => item(session, budget, unit, one, doing)),
        );
    return [
        now.length > 0 ? list(now) : el("p", {class: "quiet"}, "None in force."),
        before.length > 0 &&
            el("details", {}, el("summary", {}, `Earlier (${before.length})`), list(before)),
    ];
}
