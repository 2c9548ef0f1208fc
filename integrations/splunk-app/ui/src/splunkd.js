// splunkd's REST through Splunk Web. A refusal is a Refusal with the status and splunkd's sentence;
// what was sent is never part of it.
import {splunkdPath, username} from "@splunk/splunk-utils/config";
import {createFetchInit} from "@splunk/splunk-utils/fetch";
import {createURL} from "@splunk/splunk-utils/url";

export const app = "intelgraph";
export const realm = "intelgraph";

export class Refusal extends Error {
    constructor(status, message) {
        super(message);
        this.status = status; // 0: no answer at all
    }
}

const over = "Your Splunk session has ended.";

function sentenceOf(status, reply) {
    const told = reply?.messages?.find(({type}) => type === "ERROR" || type === "FATAL");
    if (status === 401) return over;
    if (told?.text) return told.text.trim();
    if (status === 403) return "Your Splunk role may not do this.";
    return `Splunk answered with status ${status}.`;
}

// Waits no longer than `wait_ms`; Splunk Web itself gives up on splunkd earlier.
async function ask(url, init, wait_ms) {
    const clock = AbortSignal.timeout(wait_ms);
    try {
        return await fetch(url, createFetchInit({...init, signal: clock, redirect: "manual"}));
    } catch (error) {
        throw new Refusal(
            0,
            error.name === "TimeoutError"
                ? `Splunk Web gave no answer within ${wait_ms / 1000} seconds.`
                : "Splunk Web cannot be reached.",
        );
    }
}

// `path` comes encoded. GET sends `values` as query, POST as form.
async function send(method, path, {values = {}, query = {}, wait_ms = 30000} = {}) {
    const parameters = new URLSearchParams({output_mode: "json", ...query});
    if (method === "GET") for (const [key, value] of entries(values)) parameters.append(key, value);
    const body = method === "POST" ? new URLSearchParams(entries(values)) : undefined;
    const reply = await ask(`${splunkdPath}/${path}?${parameters}`, {method, body}, wait_ms);
    // Without a session Splunk Web leads to its sign-in page.
    if (reply.type === "opaqueredirect") throw new Refusal(401, over);
    const content = await reply.json().catch(() => null);
    if (!reply.ok) throw new Refusal(reply.status, sentenceOf(reply.status, content));
    if (content === null) throw new Refusal(reply.status, "Splunk's answer cannot be read.");
    return content;
}

const entries = (values) =>
    Object.entries(values).flatMap(([key, value]) =>
        Array.isArray(value) ? value.map((each) => [key, each]) : [[key, value]],
    );

const own = `servicesNS/nobody/${app}`;
const stanzaPath = (stanza) => `${own}/configs/conf-intelgraph/${encodeURIComponent(stanza)}`;
const secretPath = (name) => `${own}/storage/passwords/${encodeURIComponent(`${realm}:${name}:`)}`;

export const capabilities = async () => {
    const reply = await send("GET", "services/authentication/current-context");
    return reply.entry[0].content.capabilities;
};

// [{stanza, content, removable}]: what default and local together say.
export async function readConf() {
    const reply = await send("GET", `${own}/configs/conf-intelgraph`, {values: {count: 0}});
    return reply.entry.map(({name, content, acl, links}) => ({
        stanza: name,
        content,
        removable: acl?.removable ?? Boolean(links?.remove),
    }));
}

export async function writeStanza(stanza, values) {
    try {
        await send("POST", stanzaPath(stanza), {values});
    } catch (error) {
        if (error.status !== 404) throw error;
        await send("POST", `${own}/configs/conf-intelgraph`, {values: {name: stanza, ...values}});
    }
}

export const removeStanza = (stanza) => send("DELETE", stanzaPath(stanza));

// The names that have a secret. Only names are asked for (f=): the secrets stay in splunkd.
export async function secretNames() {
    const reply = await send("GET", `${own}/storage/passwords`, {
        values: {count: 0, search: `realm=${realm}`, f: ["realm", "username"]},
    });
    return reply.entry
        .filter(({content}) => content.realm === realm)
        .map(({content}) => content.username);
}

export async function storeSecret(name, password) {
    try {
        await send("POST", `${own}/storage/passwords`, {values: {name, realm, password}});
    } catch (error) {
        if (error.status !== 409) throw error;
        await send("POST", secretPath(name), {values: {password}});
    }
}

export async function removeSecret(name) {
    try {
        await send("DELETE", secretPath(name));
    } catch (error) {
        if (error.status !== 404) throw error; // gone already is what was wanted
    }
}

export const isConfigured = async () => {
    const reply = await send("GET", `services/apps/local/${app}`);
    return truth(reply.entry[0].content.configured);
};

export const setConfigured = () =>
    send("POST", `services/apps/local/${app}`, {values: {configured: "true"}});

export const truth = (value) =>
    ["1", "true", "t", "yes", "on"].includes(String(value).toLowerCase());

export const signInPlace = () =>
    createURL("account/login", {return_to: window.location.pathname + window.location.search});

// The rows of a search that is over within one request, and what it says beside them.
export async function runSearch(search) {
    const reply = await send(
        "POST",
        `servicesNS/${encodeURIComponent(username)}/${app}/search/jobs`,
        {
            values: {search, exec_mode: "oneshot", output_mode: "json", count: 0},
            wait_ms: 90000,
        },
    );
    const failed = reply.messages?.find(({type}) => type === "ERROR" || type === "FATAL");
    if (failed && !reply.results?.length) throw new Refusal(200, failed.text);
    return reply.results ?? [];
}

// The domains that dashboards may link to, or null where this cannot be read.
export async function trustedDomains() {
    try {
        const reply = await send(
            "GET",
            "servicesNS/nobody/system/web-features/feature%3Adashboards_csp",
        );
        return Object.entries(reply.entry[0].content)
            .filter(([key]) => key.startsWith("dashboards_trusted_domain."))
            .map(([, domain]) => String(domain));
    } catch {
        return null;
    }
}
