// What the administration pages have in common: the list of them beside the page.
import {el, replace} from "./dom.js";

const places = [
    {path: "/admin/usage", name: "Usage"},
    {path: "/admin/budgets", name: "Budgets"},
    {path: "/admin/prices", name: "Prices"},
    {path: "/admin/recipients", name: "Recipients", roles: ["admin"]},
    {path: "/admin/dlq", name: "Rejected events", roles: ["admin"]},
    {path: "/admin/access", name: "Access"},
];

export const mayWrite = (session) => session.role === "admin";

function isHere(path) {
    const here = location.pathname === "/admin" ? "/admin/usage" : location.pathname;
    return here === path || here.startsWith(`${path}/`);
}

export function adminFrame(main, session, ...content) {
    const seen = places.filter(({roles}) => !roles || roles.includes(session.role));
    replace(
        main,
        el(
            "div",
            {class: "admin"},
            el(
                "nav",
                {class: "rail", "aria-label": "Administration"},
                seen.map(({path, name}) =>
                    el("a", {href: path, "aria-current": isHere(path) ? "page" : undefined}, name),
                ),
            ),
            el("div", {class: "admin-page"}, content),
        ),
    );
}
