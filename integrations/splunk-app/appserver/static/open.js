// /app/intelgraph/open?field=src_ip&value=10.0.0.1: where the workflow action "Open in IntelGraph"
// leads. It reads the service's address from the app's settings, in the analyst's session, and goes
// there with the value. A field's value never becomes anything but one encoded member of a query.

const MOST = 4096; // bytes of a value, as the service takes them

class Told extends Error {}

// {name: settings} of what configs/conf-intelgraph answers.
export function stanzasOf(reply) {
    return Object.fromEntries(reply.entry.map(({name, content}) => [name, content]));
}

function text(settings, key) {
    const value = settings?.[key];
    return typeof value === "string" ? value.trim() : "";
}

// Where analysts' browsers reach the service: what stands before /open/ in the links of hand-offs.
function baseOf(settings) {
    const url = text(settings, "url").replace(/\/*$/, "");
    const template = text(settings, "link_template") || "{url}/open/handoffs/{id}";
    const end = template.indexOf("/open/handoffs/{id}");
    const base = end < 0 ? "{url}" : template.slice(0, end);
    return base
        .replaceAll("{url}", url)
        .replaceAll("{tenant}", encodeURIComponent(text(settings, "tenant")));
}

function checked(base, name) {
    let url;
    try {
        url = new URL(base);
    } catch {
        throw new Told(`The address of the instance “${name}” is not one. Ask your Splunk administrator.`);
    }
    const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
    const safe = url.protocol === "https:" || (url.protocol === "http:" && local);
    if (!safe || url.username || url.password || url.search || url.hash)
        throw new Told(
            `The address of the instance “${name}” must be https without credentials. ` +
                "Ask your Splunk administrator.",
        );
    return base;
}

// The service's address for a value; throws an Error whose message is a sentence for the analyst.
export function linkFor(stanzas, field, value) {
    if (!/^[A-Za-z][\w.-]{0,127}$/.test(field))
        throw new Told("This address names no field. Come here from a field's menu in a search.");
    if (value === "") throw new Told(`The event has no value for ${field}.`);
    if (new TextEncoder().encode(value).length > MOST)
        throw new Told(`The value of ${field} is too long to look it up.`);
    const name = text(stanzas.handoff, "instance") || "default";
    const settings = stanzas[`instance:${name}`];
    if (!text(settings, "url"))
        throw new Told(
            `IntelGraph is not set up: the instance “${name}” has no address. ` +
                "Ask your Splunk administrator.",
        );
    const query = `field=${encodeURIComponent(field)}&value=${encodeURIComponent(value)}`;
    return `${checked(baseOf(settings), name)}/open/entities?${query}`;
}

async function readSettings(root) {
    const path = "/splunkd/__raw/servicesNS/nobody/intelgraph/configs/conf-intelgraph";
    const reply = await fetch(`${root}${path}?output_mode=json&count=0`, {
        headers: {"X-Requested-With": "XMLHttpRequest"},
        credentials: "same-origin",
        redirect: "error",
    });
    if (reply.status === 401)
        throw new Told("Your session in Splunk has ended. Sign in again, then try again.");
    if (!reply.ok && reply.status !== 403)
        throw new Told(`Splunk answered ${reply.status}. Try again.`);
    // Who may not read the settings gets a refusal or a list of nothing, as splunkd likes.
    const stanzas = reply.ok ? stanzasOf(await reply.json()) : {};
    if (Object.keys(stanzas).length === 0)
        throw new Told(
            "You may not use IntelGraph. Ask your Splunk administrator for the role intelgraph_analyst.",
        );
    return stanzas;
}

async function open(page) {
    const asked = new URLSearchParams(location.search);
    const root = location.pathname.replace(/\/app\/intelgraph\/open\/?$/, "");
    const said = page.querySelector("[role=status]");
    try {
        const stanzas = await readSettings(root);
        const link = linkFor(stanzas, asked.get("field") ?? "", asked.get("value") ?? "");
        location.replace(link);
    } catch (problem) {
        said.textContent =
            problem instanceof Told ? problem.message : "Splunk could not be asked. Try again.";
    }
}

if (typeof document !== "undefined") {
    const page = document.getElementById("intelgraph-open");
    if (page) open(page);
}
