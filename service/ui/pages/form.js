// Forms that lose nothing: one submission at a time, complaints beside the field, what was typed is
// kept over a reload, the way back and a session that ends.
import {call, change, getJson, Problem} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {visible} from "./text.js";

// A control under its label, with a hint and a place for the complaint. The control keeps its name;
// `field` is the member of the request that the service may name.
export function field(label, control, {hint, name = control.name, wide = false} = {}) {
    const id = control.id || `field-${name}`;
    control.id = id;
    const complaint = el("p", {class: "field-error", id: `${id}-error`});
    const note = hint && el("p", {class: "field-hint", id: `${id}-hint`}, hint);
    control.setAttribute("aria-describedby", `${note ? `${id}-hint ` : ""}${id}-error`);
    return el(
        "div",
        {class: wide ? "field field-wide" : "field", "data-field": name},
        el("label", {for: id}, label),
        control,
        note,
        complaint,
    );
}

// Several choices under one heading.
export function choices(legend, name, nodes, {hint, wide = true} = {}) {
    return el(
        "fieldset",
        {class: wide ? "field field-wide" : "field", "data-field": name},
        el("legend", {}, legend),
        hint && el("p", {class: "field-hint"}, hint),
        nodes,
        el("p", {class: "field-error", id: `field-${name}-error`}),
    );
}

export function input(name, attributes = {}) {
    return el("input", {
        type: "text",
        name,
        autocomplete: "off",
        spellcheck: "false",
        ...attributes,
    });
}

export function check(
    name,
    label,
    {value = "yes", type = "checkbox", note, checked, ...more} = {},
) {
    const box = el("input", {type, name, value, ...more});
    box.checked = Boolean(checked);
    return el(
        "label",
        {class: "choice"},
        box,
        el("span", {}, label, note && el("span", {class: "choice-note"}, note)),
    );
}

export function select(name, options, chosen) {
    const node = el(
        "select",
        {name},
        options.map(([value, text]) => el("option", {value}, text)),
    );
    node.value = chosen ?? options[0]?.[0] ?? "";
    return node;
}

// --- Complaints ----------------------------------------------------------------------------------

export function clearComplaints(form) {
    for (const node of form.querySelectorAll(".field-error")) replace(node);
    for (const node of form.querySelectorAll("[aria-invalid]"))
        node.removeAttribute("aria-invalid");
}

// Puts the sentence beside its field and the focus into it; false when the form has no such field.
export function complain(form, name, sentence) {
    const place = [...form.querySelectorAll("[data-field]")].find(
        (node) => node.dataset.field === name,
    );
    if (!place || place.closest("[hidden]")) return false;
    replace(place.querySelector(".field-error"), icon(icons.warning), el("span", {}, sentence));
    const control = place.querySelector("input, select, textarea");
    control?.setAttribute("aria-invalid", "true");
    control?.focus();
    return true;
}

// A sentence over the buttons of a form, for what no field is to blame for.
export function tellForm(form, ...content) {
    const place = form.querySelector(".form-message");
    replace(place, icon(icons.warning), el("div", {}, content));
    place.scrollIntoView({block: "nearest"});
}

export function formMessage() {
    return el("div", {class: "form-message", role: "alert"});
}

// --- Sending -------------------------------------------------------------------------------------

// Runs `send` once at a time: while it runs the form's buttons do nothing.
export function submitting(form, send) {
    let running = false;
    return async (event) => {
        event?.preventDefault();
        if (running) return;
        running = true;
        const buttons = [...form.querySelectorAll("button[type=submit]")];
        for (const button of buttons) button.setAttribute("aria-disabled", "true");
        form.classList.add("form-busy");
        try {
            await send(event);
        } finally {
            running = false;
            form.classList.remove("form-busy");
            for (const button of buttons) button.removeAttribute("aria-disabled");
        }
    };
}

// Changes something; a session that is over is begun anew on the spot, and the change sent then.
export async function sendChange(session, method, path, body) {
    try {
        return await change(session, method, path, body);
    } catch (problem) {
        if (problem.status !== 401) throw problem;
    }
    if (!(await signInAgain(session))) {
        throw new Problem(
            440,
            "You are not signed in",
            "Your session is over. Nothing was sent, and what you typed is still here: send it " +
                "again when you have signed in.",
        );
    }
    return change(session, method, path, body);
}

// What to say of a change that failed.
export function sentenceOf(problem) {
    if (problem.status === undefined) throw problem; // ours: a mistake, not an answer
    if (problem.status === 0) {
        return (
            "No answer came, so it is not known whether the change was made. What you typed is " +
            "still here. Look at the list in another tab before you send it again."
        );
    }
    if (problem.status === 403)
        return `${problem.message} Nothing was changed; what you typed is still here.`;
    return problem.message;
}

export function tellProblem(form, problem) {
    const sentence = sentenceOf(problem);
    const top = problem.field?.split(/[.[]/)[0];
    if ([400, 409].includes(problem.status) && top && complain(form, top, sentence)) return;
    tellForm(form, el("strong", {}, problem.title), " ", sentence);
}

// --- Dialogs -------------------------------------------------------------------------------------

// A form in a dialog; `send(form)` is awaited, and a failure is told in it. Resolves to what `send`
// gave, or null when it was closed.
export function formDialog(title, content, action, send, {danger = false} = {}) {
    return new Promise((resolve) => {
        let result = null;
        const form = el(
            "form",
            {novalidate: true, class: "form"},
            el("h2", {id: "form-dialog-title"}, title),
            content,
            formMessage(),
            el(
                "div",
                {class: "dialog-actions"},
                el(
                    "button",
                    {
                        class: "button",
                        type: "button",
                        on: {click: () => isBusy() || dialog.close()},
                    },
                    "Cancel",
                ),
                el(
                    "button",
                    {class: danger ? "button button-danger" : "button button-main", type: "submit"},
                    action,
                ),
            ),
        );
        const dialog = el(
            "dialog",
            {class: "dialog dialog-form", "aria-labelledby": "form-dialog-title"},
            form,
        );
        form.addEventListener(
            "submit",
            submitting(form, async () => {
                clearComplaints(form);
                replace(form.querySelector(".form-message"));
                try {
                    result = await send(form);
                    if (result !== undefined) dialog.close();
                } catch (problem) {
                    tellProblem(form, problem);
                }
            }),
        );
        // What is on its way is waited for: closing must not look like taking it back.
        const isBusy = () => form.classList.contains("form-busy");
        dialog.addEventListener("cancel", (event) => isBusy() && event.preventDefault());
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(result ?? null);
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

// Asks for the token of the page's own tenant; true when the session is there again.
export function signInAgain(session) {
    const token = input("token", {type: "password", placeholder: "igt_\u2026"});
    return formDialog(
        "Your session is over",
        [
            el(
                "p",
                {},
                `Sign in again as ${visible(session.name)} of ${visible(session.tenant)}. ` +
                    "What you typed is kept and sent then.",
            ),
            field("API token", token, {wide: true}),
        ],
        "Sign in and send",
        async (form) => {
            if (!token.value.trim()) return void complain(form, "token", "Paste your token first.");
            try {
                await call("POST", "/v1/session", {token: token.value.trim()});
            } catch (problem) {
                if (problem.status !== 401 && problem.status !== 400) throw problem;
                return void complain(
                    form,
                    "token",
                    "This token is not accepted. It may be mistyped, expired or revoked.",
                );
            }
            const now = await getJson("/v1/session");
            if (now.tenant === session.tenant && now.name === session.name) return true;
            return void complain(
                form,
                "token",
                `That token belongs to ${visible(now.name)} of the tenant ${visible(now.tenant)}. ` +
                    `This page is ${visible(session.name)}\u2019s of ${visible(session.tenant)}.`,
            );
        },
    ).then(Boolean);
}

// Asks why; gives the reason as `send` gets it. `send(reason)` makes the change.
export function askReason(title, sentence, action, send, {danger = false} = {}) {
    const reason = el("textarea", {name: "reason", rows: "3", maxlength: "256"});
    return formDialog(
        title,
        [
            el("p", {}, sentence),
            field("Reason", reason, {
                hint: "Goes on record with your name.",
                wide: true,
            }),
        ],
        action,
        async (form) => {
            if (!reason.value.trim())
                return void complain(form, "reason", "A reason is needed: it goes on record.");
            return (await send(reason.value.trim())) ?? true;
        },
        {danger},
    );
}

// --- What was typed ------------------------------------------------------------------------------

export function readForm(form) {
    const values = {};
    for (const control of form.querySelectorAll("input[name], select[name], textarea[name]")) {
        if (control.type === "password") continue; // secrets stay where they were typed
        const list = (values[control.name] ??= []);
        if (control.type === "checkbox" || control.type === "radio") {
            if (control.checked) list.push(control.value);
        } else {
            list.push(control.value);
        }
    }
    return values;
}
