// /signin: an API token becomes a browser session.
import {call} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {ownPath} from "./text.js";

function sentenceOf(problem) {
    if (problem.status === 401) {
        return (
            "This token is not accepted. It may be mistyped, expired or revoked: copy the whole of it " +
            "again, or ask your IntelGraph administrator for a new one."
        );
    }
    if (problem.status === 429) return "Too many attempts. Wait a minute, then try again.";
    return problem.message;
}

// What is wrong with the text as such, before anything is sent; "" for nothing.
function complaint(token) {
    if (!token) return "Paste your token first.";
    if (/\s/.test(token)) return "A token holds no blanks or line breaks. Copy it again, alone.";
    if (!token.startsWith("igt_"))
        return "An IntelGraph token begins with \u201cigt_\u201d. This is something else.";
    return "";
}

function card(next, form) {
    const came = next.startsWith("/open/") || next.startsWith("/handoffs/");
    return el(
        "div",
        {class: "card signin-card"},
        el("span", {class: "brand-mark brand-mark-large", "aria-hidden": "true"}),
        el("h1", {}, "Sign in to IntelGraph"),
        el(
            "p",
            {class: "lead"},
            came
                ? "Sign in to open the hand-off you came for."
                : "See what your searches in Splunk handed over.",
        ),
        form,
    );
}

const command =
    "intelgraphd token create --data DIR \\\n    --tenant NAME --role analyst --name you";

function help() {
    return el(
        "aside",
        {class: "signin-help", id: "token-help"},
        el("h2", {}, "Where do I get a token?"),
        el(
            "p",
            {},
            "Your IntelGraph administrator makes one for you, on the machine that runs the service:",
        ),
        el("pre", {}, command),
        el(
            "p",
            {},
            "It is shown once. It stays in this browser as a session cookie that scripts cannot " +
                "read, until you sign out or it expires.",
        ),
    );
}

export function signInPage({main}) {
    document.title = "Sign in \u00b7 IntelGraph";
    const next = ownPath(new URLSearchParams(location.search).get("next"));
    const error = el("p", {class: "form-error", id: "token-error", role: "alert"});
    const input = el("input", {
        id: "token",
        type: "password",
        name: "token",
        autocomplete: "off",
        spellcheck: "false",
        "aria-describedby": "token-help token-error",
        placeholder: "igt_\u2026",
    });
    const show = el("input", {
        id: "show",
        type: "checkbox",
        on: {
            change: () => {
                input.type = show.checked ? "text" : "password";
            },
        },
    });
    const button = el("button", {class: "button button-main", type: "submit"}, "Sign in");

    const refuse = (sentence) => {
        replace(error, icon(icons.warning), el("span", {}, sentence));
        input.setAttribute("aria-invalid", "true");
        input.focus();
    };
    const submit = async (event) => {
        event.preventDefault();
        const token = input.value.trim();
        const wrong = complaint(token);
        if (wrong) {
            refuse(wrong);
            return;
        }
        replace(error);
        input.removeAttribute("aria-invalid");
        button.disabled = true;
        button.textContent = "Signing in \u2026";
        try {
            await call("POST", "/v1/session", {token});
            location.assign(next);
        } catch (problem) {
            button.disabled = false;
            button.textContent = "Sign in";
            refuse(sentenceOf(problem));
        }
    };

    const form = el(
        "form",
        {method: "post", action: "/signin", novalidate: true, on: {submit}},
        el("label", {for: "token"}, "API token"),
        input,
        el("label", {class: "check"}, show, "Show the token"),
        error,
        button,
    );
    replace(main, el("div", {class: "signin"}, card(next, form), help()));
    input.focus();
}
