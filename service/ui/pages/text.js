// How numbers, times and values are written for people. Pure; no DOM.

const grouped = new Intl.NumberFormat("en-US");

export function number(value) {
    return grouped.format(value);
}

// "1 entity", "1,204 entities"
export function counted(count, one, many = `${one}s`) {
    return `${number(count)} ${count === 1 ? one : many}`;
}

// A unit as the service names it ("tokens", "GB-hours"), for one: "token", "GB-hour". Not "ms".
export function unitFor(amount, unit) {
    return amount === "1" && /[a-z]{3}s$/i.test(unit) ? unit.slice(0, -1) : unit;
}

// "user" -> "User": a dimension's name where a label stands.
export function labelText(name) {
    const text = visible(name);
    return text.charAt(0).toUpperCase() + text.slice(1);
}

// UTC, to the second: what two analysts in two places can say to each other. "" for no time.
export function time(microseconds) {
    if (microseconds === null || microseconds === undefined) return "";
    const date = new Date(microseconds / 1000);
    if (Number.isNaN(date.getTime())) return "";
    return date.toISOString().slice(0, 19).replace("T", " ");
}

// "in 89 days", "3 hours ago"
export function distance(microseconds, now = Date.now()) {
    const seconds = Math.round((microseconds / 1000 - now) / 1000);
    const steps = [
        [86400, "day"],
        [3600, "hour"],
        [60, "minute"],
    ];
    const step = steps.find(([length]) => Math.abs(seconds) >= length);
    if (!step) return seconds > 0 ? "in under a minute" : "just now";
    const text = counted(Math.floor(Math.abs(seconds) / step[0]), step[1]);
    return seconds > 0 ? `in ${text}` : `${text} ago`;
}

// Characters that are not seen, or that turn the text around, are shown by their number: a value
// must not look like another one.
const unseen = new RegExp(
    "[\\u0000-\\u001f\\u007f-\\u00a0\\u00ad\\u061c\\u115f\\u1160\\u180e" +
        "\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3164\\ufeff\\ufff9-\\ufffb" +
        "\\u{e0000}-\\u{e007f}]",
    "gu",
);

export function visible(text) {
    return String(text).replace(
        unseen,
        (character) =>
            `\u27e8${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
    );
}

// At most `most` characters, the middle left out: the ends of a path or URL tell most.
export function shortened(text, most) {
    const characters = [...visible(text)];
    if (characters.length <= most) return characters.join("");
    const head = Math.ceil((most - 1) * 0.6);
    return `${characters.slice(0, head).join("")}\u2026${characters.slice(head + 1 - most).join("")}`;
}

// Safe to paste into a mail or a ticket: nothing makes a link of it.
export function defanged(text) {
    return text
        .replace(
            /^([a-z][a-z0-9+.-]*):\/\//i,
            (whole, scheme) =>
                `${scheme.toLowerCase().replace("tt", "xx").replace(/^ftp/, "fxp")}://`,
        )
        .replaceAll(".", "[.]")
        .replaceAll("@", "[@]");
}

// What follows "next=": a path of our own, else the list. Refuses "//host", "/\host" and the like.
export function ownPath(next) {
    if (typeof next !== "string" || !/^\/(?![/\\])[\x21-\x7e]*$/.test(next)) return "/handoffs";
    if (next.includes("\\")) return "/handoffs";
    return next;
}

// "connects-to" -> "connects to"
export function relationText(type) {
    return visible(type).replaceAll("-", " ");
}
