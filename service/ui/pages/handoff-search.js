// Finding entities in the drawing.
import {el, icon, icons} from "./dom.js";
import {iconButton} from "./parts.js";
import {number} from "./text.js";
import {entityMatches} from "./graph-model.js";

// The search field: what matches is marked; Enter goes through the matches, Escape ends the search.
export function search({model, view, goTo}) {
    const input = el("input", {
        type: "search",
        placeholder: "Find an address, user, hash \u2026",
        spellcheck: "false",
        autocomplete: "off",
        "aria-label": "Find entities",
        "aria-describedby": "search-count",
    });
    const count = el("span", {class: "search-count", id: "search-count", role: "status"});
    let found = [];
    let at = -1;
    const tell = () => {
        if (view.query === "") count.textContent = "";
        else if (found.length === 0) count.textContent = "none";
        else
            count.textContent =
                at < 0
                    ? `${number(found.length)} found`
                    : `${number(at + 1)} of ${number(found.length)}`;
    };
    const look = () => {
        found =
            view.query === ""
                ? []
                : model.entities.filter(
                      (entity) => view.kinds.has(entity.kind) && entityMatches(entity, view.query),
                  );
        at = -1;
        tell();
    };
    const step = (by) => {
        if (found.length === 0) return;
        at = at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length;
        tell();
        goTo(found[at]);
    };
    input.addEventListener("input", () => view.setQuery(input.value));
    input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
            event.preventDefault();
            step(event.shiftKey ? -1 : 1);
        } else if (event.key === "Escape") {
            input.value = "";
            view.setQuery("");
        }
    });
    view.listen((what) => what !== "choice" && look());
    return el(
        "div",
        {class: "search", role: "search"},
        icon(icons.search),
        input,
        count,
        iconButton(icons.up, "Previous match", () => step(-1)),
        iconButton(icons.down, "Next match", () => step(1)),
    );
}
