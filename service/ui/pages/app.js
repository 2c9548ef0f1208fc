// One shell for every page: draws the bar, then the page that the path names.
import {call, getJson, Problem} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {failure, loading, message} from "./parts.js";
import {visible} from "./text.js";
import {handoffPage} from "./handoff.js";
import {handoffsPage} from "./handoffs.js";
import {forgetDrafts} from "./draft.js";
import {signInPage} from "./signin.js";

const pages = [
    {path: /^\/signin$/, show: signInPage, open: true},
    {path: /^\/handoffs$/, show: handoffsPage},
    {path: /^\/handoffs\/([^/]+)$/, show: handoffPage},
    {path: /^\/admin(\/usage)?$/, load: () => import("./admin-usage.js")},
    {path: /^\/admin\/budgets$/, load: () => import("./admin-budgets.js")},
    {path: /^\/admin\/budgets\/([^/]+)(\/edit)?$/, load: () => import("./admin-budget.js")},
    {path: /^\/admin\/prices(\/new)?$/, load: () => import("./admin-prices.js")},
    {path: /^\/admin\/recipients$/, load: () => import("./admin-recipients.js")},
    {path: /^\/admin\/dlq$/, load: () => import("./admin-dlq.js")},
    {path: /^\/admin\/access$/, load: () => import("./admin-access.js")},
];

function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeButton() {
    const button = el("button", {class: "button button-bare", type: "button", on: {click: turn}});
    const paint = () => {
        const next = isDark() ? "light" : "dark";
        button.setAttribute("aria-label", `Use the ${next} theme`);
        button.title = `Use the ${next} theme`;
        replace(button, icon(isDark() ? icons.sun : icons.moon));
    };
    function turn() {
        const theme = isDark() ? "light" : "dark";
        document.documentElement.dataset.theme = theme;
        try {
            localStorage.setItem("intelgraph-theme", theme);
        } catch {
            // Not remembered then; the page still turns.
        }
        document.dispatchEvent(new CustomEvent("themechange"));
    }
    document.addEventListener("themechange", paint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
        document.dispatchEvent(new CustomEvent("themechange")),
    );
    paint();
    return button;
}

function navigation() {
    const link = (href, text) =>
        el(
            "a",
            {href, "aria-current": location.pathname.startsWith(href) ? "page" : undefined},
            text,
        );
    return el(
        "nav",
        {class: "nav", "aria-label": "Main"},
        link("/handoffs", "Hand-offs"),
        link("/admin", "Administration"),
    );
}

async function signOut() {
    try {
        await call("DELETE", "/v1/session");
    } catch {
        // Signed out already, or the service is away: the sign-in page says which.
    }
    forgetDrafts();
    location.assign("/signin");
}

function account(session) {
    return el(
        "div",
        {class: "account"},
        el(
            "div",
            {class: "account-who"},
            el("span", {class: "account-name"}, visible(session.name)),
            el(
                "span",
                {class: "quiet"},
                `${visible(session.tenant)} \u00b7 ${visible(session.role)}`,
            ),
        ),
        el("button", {class: "button", type: "button", on: {click: signOut}}, "Sign out"),
    );
}

function brand() {
    return el(
        "a",
        {class: "brand", href: "/handoffs"},
        el("span", {class: "brand-mark", "aria-hidden": "true"}),
        "IntelGraph",
        el("span", {class: "brand-for"}, "for Splunk"),
    );
}

// Pages that few open come when they are opened.
async function loaded(load) {
    try {
        return (await load()).show;
    } catch {
        throw new Problem(
            0,
            "This page did not load",
            "A part of it did not come. Check your connection, then load the page again.",
        );
    }
}

async function start() {
    const main = document.getElementById("main");
    const bar = document.getElementById("bar");
    const page = pages.find(({path}) => path.test(location.pathname));
    const open = !page || page.open;
    const who = el("div", {class: "bar-end"}, themeButton());
    replace(bar, brand(), !open && navigation(), who);
    if (!page) {
        replace(
            main,
            message(
                "There is no such page",
                ["The address leads nowhere here."],
                [el("a", {class: "button", href: "/handoffs"}, "All hand-offs")],
            ),
        );
        return;
    }
    replace(main, loading("Loading \u2026"));
    let session = null;
    try {
        if (!page.open) {
            session = await getJson("/v1/session");
            who.append(account(session));
        }
        const show = page.show ?? (await loaded(page.load));
        await show({main, session, match: page.path.exec(location.pathname)});
    } catch (problem) {
        replace(
            main,
            failure(problem, () => location.reload()),
        );
    }
}

start();
