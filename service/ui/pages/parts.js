// Small pieces that several pages use.
import {el, icon, icons} from "./dom.js";
import {distance, number, time} from "./text.js";
import {goToSignIn} from "./api.js";

// Time in UTC as a <time>, or a dash.
export function timeNode(microseconds, {near = false} = {}) {
    const text = time(microseconds);
    if (!text) return el("span", {class: "quiet"}, "\u2013");
    return el(
        "time",
        {datetime: `${text.replace(" ", "T")}Z`, title: `${text} UTC`},
        near ? distance(microseconds) : text,
    );
}

export function loading(text) {
    return el(
        "div",
        {class: "state", role: "status"},
        el("span", {class: "spinner"}),
        el("p", {}, text),
    );
}

// What is shown instead of content: a heading, sentences, actions.
export function message(title, sentences, actions = [], {role, mark} = {}) {
    const heading = document.querySelector("main h1") ? "h2" : "h1";
    return el(
        "div",
        {class: "state", role},
        mark && icon(mark),
        el(heading, {}, title),
        sentences.map((sentence) => el("p", {}, sentence)),
        actions.length > 0 && el("div", {class: "state-actions"}, actions),
    );
}

// A failed call, told; a session that is over leads to the sign-in page.
export function failure(problem, retry, {missing} = {}) {
    if (problem.status === 401) {
        goToSignIn();
        return loading("Your session is over. Going to the sign-in page \u2026");
    }
    if (problem.status === undefined) throw problem; // ours: a mistake, not an answer
    const again =
        retry && el("button", {class: "button", type: "button", on: {click: retry}}, "Try again");
    const home = el("a", {class: "button", href: "/handoffs"}, "All hand-offs");
    if (problem.status === 404 && missing) {
        return message(missing.title, missing.sentences, [home], {role: "alert"});
    }
    return message(problem.title ?? "Something went wrong", [problem.message], [again, home], {
        role: "alert",
        mark: icons.warning,
    });
}

// Says something to everybody, screen readers too, for a few seconds.
let announcer;
export function announce(text) {
    announcer ??= document.body.appendChild(el("div", {class: "toast", role: "status"}));
    announcer.textContent = text;
    announcer.classList.add("toast-shown");
    clearTimeout(announcer.timer);
    announcer.timer = setTimeout(() => announcer.classList.remove("toast-shown"), 3500);
}

async function copyText(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // No clipboard without https or permission: the old way works from a click.
        const area = el("textarea", {class: "unseen", "aria-hidden": "true", readonly: true});
        area.value = text;
        const before = document.activeElement;
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        before?.focus();
        if (!done) throw new Error("the browser refused");
    }
}

// `text` is a string or a function that gives one.
export function copyButton(label, text, {what = label, small = false} = {}) {
    const copy = async () => {
        try {
            await copyText(typeof text === "function" ? text() : text);
            announce(`Copied: ${what}`);
        } catch {
            announce("The browser did not allow copying. Select the text and copy it by hand.");
        }
    };
    return el(
        "button",
        {class: small ? "button button-small" : "button", type: "button", on: {click: copy}},
        icon(icons.copy),
        label,
    );
}

// Asks before something that cannot be undone; resolves to true or false.
export function confirmed(title, sentence, action) {
    return new Promise((resolve) => {
        const dialog = el(
            "dialog",
            {class: "dialog", "aria-labelledby": "dialog-title"},
            el(
                "form",
                {method: "dialog"},
                el("h2", {id: "dialog-title"}, title),
                el("p", {}, sentence),
                el(
                    "div",
                    {class: "dialog-actions"},
                    el("button", {class: "button", value: "no", autofocus: true}, "Cancel"),
                    el("button", {class: "button button-danger", value: "yes"}, action),
                ),
            ),
        );
        dialog.addEventListener("close", () => {
            resolve(dialog.returnValue === "yes");
            dialog.remove();
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

export function iconButton(path, label, click) {
    return el(
        "button",
        {
            class: "button button-icon",
            type: "button",
            "aria-label": label,
            title: label,
            on: {click},
        },
        icon(path),
    );
}

// A number over its label.
export function figure(label, value, note) {
    return el(
        "div",
        {class: "figure"},
        el("dt", {}, label),
        el(
            "dd",
            {},
            typeof value === "number" ? number(value) : value,
            note && el("div", {class: "figure-note"}, note),
        ),
    );
}

export function badge(text, tone = "plain") {
    return el("span", {class: `badge badge-${tone}`}, text);
}

// Title and lead of a page.
export function pageHead(title, lead, ...more) {
    document.title = `${title} \u00b7 IntelGraph`;
    return el(
        "div",
        {class: "page-head"},
        el(
            "div",
            {class: "page-title"},
            el("h1", {}, title),
            lead && el("p", {class: "lead"}, lead),
        ),
        more,
    );
}

export function table(caption, heads, rows, {className = ""} = {}) {
    return el(
        "table",
        {class: className},
        el("caption", {class: "unseen"}, caption),
        el(
            "thead",
            {},
            el(
                "tr",
                {},
                heads.map((head) =>
                    head instanceof Node
                        ? head
                        : el(
                              "th",
                              {scope: "col", class: head.number ? "number" : undefined},
                              head.text ?? head,
                          ),
                ),
            ),
        ),
        el("tbody", {}, rows),
    );
}
