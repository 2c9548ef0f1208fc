// /admin/recipients: who is told of budgets and unusual days, and whether it reached them.
import {getJson, query} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {adminFrame, mayWrite} from "./admin-frame.js";
import {timeNode} from "./budget-parts.js";
import {
    announce,
    badge,
    confirmed,
    copyButton,
    failure,
    loading,
    message,
    pageHead,
} from "./parts.js";
import {
    check,
    choices,
    complain,
    field,
    formDialog,
    input,
    sendChange,
    sentenceOf,
} from "./form.js";
import {visible} from "./text.js";

const kinds = {webhook: "Webhook", email: "E-mail"};
const path = (id, rest = "") => `/v1/recipients/${encodeURIComponent(id)}${rest}`;

// --- Adding one ----------------------------------------------------------------------------------

function complaintOf(kind, to) {
    if (!to)
        return kind === "webhook" ? "Give the address of the webhook." : "Give the e-mail address.";
    if (kind === "email")
        return /^[^\s@]+@[^\s@]+$/.test(to) ? "" : "An e-mail address has one @ and no blanks.";
    try {
        const {protocol} = new URL(to);
        return protocol === "https:" || protocol === "http:"
            ? ""
            : "The address begins with https://";
    } catch {
        return "This is no address: it begins with https://";
    }
}

async function addRecipient(session) {
    const name = input("name", {maxlength: "80"});
    const to = input("to", {maxlength: "500"});
    const target = field("Address", to, {wide: true});
    const kind = choices("Kind", "kind", [
        check("kind", "Webhook", {
            type: "radio",
            value: "webhook",
            checked: true,
            note: "Signed messages as Standard Webhooks has it.",
        }),
        check("kind", "E-mail", {type: "radio", value: "email", note: "Plain text."}),
    ]);
    const picked = () => (kind.querySelector("[value=email]").checked ? "email" : "webhook");
    const made = await formDialog(
        "Add a recipient",
        [kind, field("Name", name, {hint: "For the lists here.", wide: true}), target],
        "Add",
        async (form) => {
            if (!name.value.trim())
                return void complain(form, "name", "Give it a name: it is what the lists show.");
            const wrong = complaintOf(picked(), to.value.trim());
            if (wrong) return void complain(form, "to", wrong);
            return sendChange(session, "POST", "/v1/recipients", {
                kind: picked(),
                name: name.value.trim(),
                to: to.value.trim(),
            });
        },
    );
    if (made?.secret) await showSecret(made);
    return made;
}

// The secret leaves the service once. The dialog closes only when told that it is kept.
function showSecret(recipient) {
    const kept = check("kept", "I have kept the secret");
    return formDialog(
        "The webhook\u2019s secret",
        [
            el(
                "p",
                {},
                `Who receives at ${visible(recipient.name)} checks with it that a message is from here. ` +
                    "It is shown this once and cannot be read again.",
            ),
            el(
                "pre",
                {class: "secret", tabindex: "0", role: "region", "aria-label": "Secret"},
                recipient.secret,
            ),
            copyButton("Copy the secret", recipient.secret, {what: "the secret", small: true}),
            el(
                "div",
                {class: "field", "data-field": "kept"},
                kept,
                el("p", {class: "field-error"}),
            ),
        ],
        "Done",
        async (form) =>
            kept.querySelector("input").checked
                ? true
                : void complain(form, "kept", "Keep it first: it cannot be read again."),
    );
}

// --- The lists -----------------------------------------------------------------------------------

// What the buttons of a row do.
function actionsOf(session, recipient, again) {
    const name = visible(recipient.name || recipient.to);
    const test = async (event) => {
        event.currentTarget.disabled = true;
        try {
            await sendChange(session, "POST", path(recipient.id, "/test"));
            announce(`A test message is on its way to ${name}`);
            again();
        } catch (problem) {
            announce(sentenceOf(problem));
        }
        event.target.closest("button").disabled = false;
    };
    const renew = async () => {
        const sure = await confirmed(
            `A new secret for \u201c${name}\u201d?`,
            "The secret of now signs beside the new one for 24 hours, and then no more.",
            "Make a new secret",
        );
        if (!sure) return;
        try {
            const {secret} = await sendChange(session, "POST", path(recipient.id, "/secret"));
            await showSecret({...recipient, secret});
        } catch (problem) {
            announce(sentenceOf(problem));
        }
    };
    const enable = async () => {
        try {
            await sendChange(session, "POST", path(recipient.id, "/enable"));
            announce(`${name} is told again`);
            again();
        } catch (problem) {
            announce(sentenceOf(problem));
        }
    };
    const remove = async () => {
        const sure = await confirmed(
            `Remove \u201c${name}\u201d?`,
            "Budgets that name it tell one fewer. This cannot be undone.",
            "Remove the recipient",
        );
        if (!sure) return;
        try {
            await sendChange(session, "DELETE", path(recipient.id));
            announce(`Removed: ${name}`);
            again();
        } catch (problem) {
            if (problem.status === 404) again();
            else announce(sentenceOf(problem));
        }
    };
    return {test, renew, enable, remove};
}

function row(session, recipient, again) {
    const name = visible(recipient.name || recipient.to);
    const {test, renew, enable, remove} = actionsOf(session, recipient, again);
    const button = (text, label, click, tone = "") =>
        el(
            "button",
            {
                class: `button button-small ${tone}`,
                type: "button",
                "aria-label": label,
                on: {click},
            },
            text,
        );
    return el(
        "tr",
        {},
        el(
            "th",
            {scope: "row", class: "cell-title"},
            name,
            el("div", {class: "cell-note mono"}, visible(recipient.to)),
        ),
        el("td", {}, kinds[recipient.kind] ?? visible(recipient.kind)),
        el(
            "td",
            {},
            recipient.state === "active"
                ? badge("Active", "good")
                : [
                      badge(
                          recipient.state === "disabled" ? "Disabled" : visible(recipient.state),
                          "bad",
                      ),
                      recipient.disabled_why &&
                          el("div", {class: "cell-note"}, visible(recipient.disabled_why)),
                  ],
        ),
        mayWrite(session) &&
            el(
                "td",
                {class: "cell-action"},
                recipient.state === "disabled"
                    ? button("Enable", `Enable ${name}`, enable)
                    : button("Test", `Send a test to ${name}`, test),
                recipient.kind === "webhook" &&
                    button("New secret", `A new secret for ${name}`, renew),
                button("Remove", `Remove ${name}`, remove, "button-danger-quiet"),
            ),
    );
}

function recipientTable(session, recipients, again) {
    return el(
        "div",
        {class: "card"},
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Recipients"},
            el(
                "table",
                {class: "table"},
                el("caption", {class: "unseen"}, "Recipients"),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        ["Name", "Kind", "State"].map((text) => el("th", {scope: "col"}, text)),
                        mayWrite(session) &&
                            el("th", {scope: "col"}, el("span", {class: "unseen"}, "Actions")),
                    ),
                ),
                el(
                    "tbody",
                    {},
                    recipients.map((one) => row(session, one, again)),
                ),
            ),
        ),
    );
}

const deliveryStates = {
    waiting: ["Waiting", "plain"],
    delivered: ["Delivered", "good"],
    dead: ["Given up", "bad"],
};

function deliveryRow(session, delivery, names, again) {
    const retry = async () => {
        try {
            await sendChange(
                session,
                "POST",
                `/v1/deliveries/${encodeURIComponent(delivery.id)}/retry`,
            );
            announce("It is sent again");
            again();
        } catch (problem) {
            announce(sentenceOf(problem));
        }
    };
    return el(
        "tr",
        {},
        el("td", {}, timeNode(delivery.created_at)),
        el(
            "td",
            {class: "cell-wide"},
            visible(delivery.subject ?? delivery.kind),
            el("div", {class: "cell-note mono"}, visible(delivery.kind)),
        ),
        el("td", {}, visible(names.get(delivery.recipient) ?? delivery.recipient)),
        el(
            "td",
            {},
            badge(...(deliveryStates[delivery.state] ?? [visible(delivery.state)])),
            delivery.error && el("div", {class: "cell-note"}, visible(delivery.error)),
            delivery.state === "waiting" &&
                delivery.attempts > 0 &&
                el("div", {class: "cell-note"}, "next try ", timeNode(delivery.next_at)),
        ),
        el(
            "td",
            {class: "cell-action"},
            mayWrite(session) &&
                delivery.state !== "waiting" &&
                el(
                    "button",
                    {class: "button button-small", type: "button", on: {click: retry}},
                    "Send again",
                ),
        ),
    );
}

async function deliveriesCard(session, recipients, again) {
    let deliveries;
    try {
        ({deliveries} = await getJson(`/v1/deliveries${query({limit: 20})}`));
    } catch (problem) {
        if (problem.status === 404 || problem.status === 403) return null;
        throw problem;
    }
    const names = new Map(recipients.map(({id, name, to}) => [id, name || to]));
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head"},
            el("h2", {}, "Messages"),
            el("p", {class: "quiet"}, "What was sent, and whether it arrived."),
        ),
        deliveries.length === 0
            ? el("p", {class: "quiet card-body"}, "Nothing was sent yet.")
            : el(
                  "div",
                  {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Messages"},
                  el(
                      "table",
                      {class: "table"},
                      el("caption", {class: "unseen"}, "Messages, newest first"),
                      el(
                          "thead",
                          {},
                          el(
                              "tr",
                              {},
                              ["When (UTC)", "What", "To", "State"].map((text) =>
                                  el("th", {scope: "col"}, text),
                              ),
                              el("th", {scope: "col"}, el("span", {class: "unseen"}, "Action")),
                          ),
                      ),
                      el(
                          "tbody",
                          {},
                          deliveries.map((one) => deliveryRow(session, one, names, again)),
                      ),
                  ),
              ),
    );
}

function none(session, add) {
    return el(
        "div",
        {class: "card"},
        message(
            "Nobody is told yet",
            ["A recipient is a webhook or an e-mail address. Budgets name whom they tell."],
            mayWrite(session)
                ? [
                      el(
                          "button",
                          {class: "button button-main", type: "button", on: {click: add}},
                          "Add a recipient",
                      ),
                  ]
                : [],
        ),
    );
}

// A service that was started without a way out keeps its messages; that must not look like silence.
function noWayOut(recipients, webhooks, mail) {
    const stuck = recipients.filter(({kind}) => (kind === "email" ? !mail : !webhooks));
    if (stuck.length === 0) return null;
    const options = [
        ...(webhooks ? [] : ["--outbound-ports (webhooks and mail)"]),
        ...(mail ? [] : ["--smtp (mail)"]),
    ];
    return el(
        "p",
        {class: "notice"},
        icon(icons.warning),
        `Messages wait: the service was started without ${options.join(" and ")}.`,
    );
}

export async function show({main, session}) {
    const body = el("div", {class: "stack"}, loading("Reading the recipients \u2026"));
    const fill = async () => {
        try {
            const {recipients, webhooks = true, mail = true} = await getJson("/v1/recipients");
            const deliveries = await deliveriesCard(session, recipients, fill);
            replace(
                body,
                noWayOut(recipients, webhooks, mail),
                recipients.length > 0
                    ? recipientTable(session, recipients, fill)
                    : none(session, add),
                deliveries,
            );
        } catch (problem) {
            replace(
                body,
                el(
                    "div",
                    {class: "card"},
                    problem.status === 403
                        ? message("This is not for your role", [
                              `The role ${session.role} does not read recipients.`,
                          ])
                        : failure(problem, fill),
                ),
            );
        }
    };
    const add = async () => {
        if (await addRecipient(session)) fill();
    };
    adminFrame(
        main,
        session,
        pageHead(
            "Recipients",
            "Who is told when a budget crosses a threshold or a day is unusual.",
            mayWrite(session) &&
                el(
                    "button",
                    {class: "button button-main", type: "button", on: {click: add}},
                    icon(icons.plus),
                    "Add a recipient",
                ),
        ),
        body,
    );
    await fill();
}
