// What the page holds, without React and without the network: the settings as they are saved, the
// draft that is edited, what is wrong with it, and the steps that would save it.
import {checkAddress, checkName, checkTemplate, checkToken, originOf} from "./check.mjs";
import {defaultsOf, handoffFields, instanceFields, trimmed, wrongIn} from "./fields.mjs";
import {certificatesOnly, fromConfLine, readCertificates, toConfLine} from "./pem.mjs";

const prefix = "instance:";
const own = new Set(["disabled", "eai:acl", "eai:appName", "eai:userName", "eai:attributes"]);
const yes = (value) => ["1", "true", "t", "yes", "on"].includes(String(value).toLowerCase());

function valuesOf(fields, content) {
    const values = defaultsOf(fields);
    for (const {key, kind} of fields) {
        const given = content[key];
        if (given === undefined || given === null || given === "") continue;
        values[key] = kind === "boolean" ? (yes(given) ? "1" : "0") : String(given);
    }
    return values;
}

const unknownIn = (fields, content) =>
    Object.keys(content).filter(
        (key) => !own.has(key) && !fields.some((field) => field.key === key),
    );

// `conf` as readConf gives it, `secrets` the names that have a token, null where that is not known,
// `configured` whether the app is marked so.
export function readSaved(conf, secrets, configured = false) {
    const instances = {};
    const unknown = [];
    let handoff = defaultsOf(handoffFields);
    for (const {stanza, content, removable} of conf) {
        const fields = stanza.startsWith(prefix) ? instanceFields : handoffFields;
        if (stanza.startsWith(prefix)) {
            instances[stanza.slice(prefix.length)] = {
                values: valuesOf(instanceFields, content),
                removable,
            };
        } else if (stanza === "handoff") {
            handoff = valuesOf(handoffFields, content);
        } else {
            continue;
        }
        for (const key of unknownIn(fields, content)) unknown.push({stanza, key});
    }
    return {instances, handoff, secrets, configured, unknown};
}

// The stanza [instance:default] comes with the app, empty: it is shown only once it says something.
export const isSetUp = ({values}) => Boolean(values.url || values.tenant);

let nextId = 1;

const authorityOf = ({ca_pem, ca_file}) => (ca_pem ? "paste" : ca_file ? "file" : "system");

function draftInstance(name, values, origin) {
    const authority = authorityOf(values);
    return {
        id: `i${nextId++}`,
        origin, // the saved name, null for a new one
        name,
        authority,
        tokenTyped: false, // the token itself is kept beside the draft, never in it
        tokenDropped: false,
        values: {...values, ca_pem: fromConfLine(values.ca_pem)},
    };
}

export const newInstance = (name) => draftInstance(name, defaultsOf(instanceFields), null);

export const copyOf = (instance, name) =>
    draftInstance(name, {...instance.values, ca_pem: toConfLine(instance.values.ca_pem)}, null);

export function draftOf(saved) {
    const instances = Object.entries(saved.instances)
        .filter(([, instance]) => isSetUp(instance))
        .map(([name, {values}]) => draftInstance(name, values, name));
    if (instances.length === 0) instances.push(newInstance("default"));
    return {instances, handoff: {...saved.handoff}};
}

// --- edits of a draft ---------------------------------------------------------------------------

export const withInstance = (draft, id, values) => ({
    ...draft,
    instances: draft.instances.map((each) => (each.id === id ? {...each, ...values} : each)),
});

export const withDefault = (draft, name) => ({
    ...draft,
    handoff: {...draft.handoff, instance: name},
});

// Without any instance there is a new one to fill in, which is the default.
export function withoutInstance(draft, id) {
    const left = draft.instances.filter((each) => each.id !== id);
    if (left.length > 0) return {...draft, instances: left};
    return withDefault({...draft, instances: [newInstance("default")]}, "default");
}

export function freeName(draft, stem) {
    const taken = new Set(draft.instances.map(({name}) => name));
    if (!taken.has(stem)) return stem;
    for (let number = 2; ; number++) {
        const name = `${stem.slice(0, 28)}-${number}`;
        if (!taken.has(name)) return name;
    }
}

// --- what is wrong ----------------------------------------------------------------------------

const usesPasswords = ({values}) => values.credential === "passwords";

export const hasSecret = (saved, {origin}) => Boolean(origin && saved.secrets?.includes(origin));

// Whether the stored token stays with this instance: it was given for this name and this address.
export function keepsSecret(saved, instance) {
    if (!hasSecret(saved, instance) || instance.tokenDropped || !usesPasswords(instance))
        return false;
    const before = saved.instances[instance.origin].values;
    return (
        instance.name === instance.origin && originOf(instance.values.url) === originOf(before.url)
    );
}

function wrongToken(saved, instance, token) {
    if (!usesPasswords(instance)) return "";
    const wrong = checkToken(token);
    if (wrong || token || instance.tokenDropped || keepsSecret(saved, instance)) return wrong;
    if (saved.secrets === null && instance.origin === instance.name) return ""; // may be stored
    if (!hasSecret(saved, instance)) return "Paste an API token of this service.";
    if (instance.name !== instance.origin)
        return "Paste the token again: it is stored under the old name, and nobody can read it back.";
    return (
        "Paste the token again: the stored one was given for another address, and is not sent " +
        "to a new one."
    );
}

function wrongAuthority({authority, values}) {
    if (authority === "paste") return {ca_pem: readCertificates(values.ca_pem).wrong};
    if (authority === "file" && !values.ca_file) return {ca_file: "Enter the path of the file."};
    return {};
}

function wrongPair({values}) {
    const cure = "A client certificate and its private key come together: name both, or neither.";
    if (values.client_cert_file && !values.client_key_file) return {client_key_file: cure};
    if (values.client_key_file && !values.client_cert_file) return {client_cert_file: cure};
    if (values.proxy_credential && !values.proxy)
        return {proxy: "There is a credential for a proxy, but no proxy."};
    return {};
}

const most = 64; // as native/settings/settings.h has it

const tooMany = ({instances}) =>
    instances.length > most ? `There can be ${most} instances: delete one first.` : "";

// {[instance id]: {key: sentence}, handoff: {key: sentence}}; empty objects where all is well.
export function wrongOf(saved, draft, tokens) {
    const wrong = {handoff: wrongIn(handoffFields, trimmed(draft.handoff))};
    if (!draft.instances.some(({name}) => name === draft.handoff.instance))
        wrong.handoff.instance = "Make one of the instances the default.";
    for (const instance of draft.instances) {
        const others = draft.instances.filter((other) => other !== instance).map(({name}) => name);
        const values = trimmed({...instance.values, ca_pem: ""});
        if (instance.authority !== "file") values.ca_file = "";
        const found = {
            name: checkName(instance.name, others) || tooMany(draft),
            ...wrongIn(instanceFields, values),
            ...wrongAuthority(instance),
            token: wrongToken(saved, instance, tokens.get(instance.id) ?? ""),
        };
        for (const [key, sentence] of Object.entries(wrongPair(instance))) found[key] ||= sentence;
        wrong[instance.id] = Object.fromEntries(Object.entries(found).filter(([, text]) => text));
    }
    return wrong;
}

export const hasWrong = (wrong) =>
    Object.values(wrong).some((found) => Object.keys(found).length > 0);

// --- what is to be saved ------------------------------------------------------------------------

const slashed = (url) => (url && !url.endsWith("/") ? `${url}/` : url);
const pemLine = (text) => toConfLine(certificatesOnly(text));

// The values as the conf file is to hold them.
export function confValues({values, authority}) {
    const plain = trimmed(values);
    return {
        ...plain,
        url: slashed(plain.url),
        ca_file: authority === "file" ? plain.ca_file : "",
        ca_pem: authority === "paste" ? pemLine(values.ca_pem) : "",
    };
}

function changed(fields, before, now) {
    const keys = fields.map(({key}) => key).filter((key) => before[key] !== now[key]);
    return Object.fromEntries(keys.map((key) => [key, now[key]]));
}

export function changesOf(saved, instance) {
    const kept = saved.instances[instance.origin]?.values ?? defaultsOf(instanceFields);
    // What an admin wrote by hand is no change because the page would write it a little differently.
    const before = {...kept, url: slashed(kept.url), ca_pem: pemLine(fromConfLine(kept.ca_pem))};
    return changed(instanceFields, before, confValues(instance));
}

export function isChanged(saved, instance) {
    return (
        !instance.origin ||
        instance.name !== instance.origin ||
        instance.tokenTyped ||
        instance.tokenDropped ||
        instance.authority !== authorityOf(saved.instances[instance.origin].values) ||
        Object.keys(changesOf(saved, instance)).length > 0
    );
}

// What an instance of the draft is called in what is saved now, after a save that did not end well.
export function originNow(saved, {name, origin}) {
    const isThere = (each) => each && saved.instances[each] && isSetUp(saved.instances[each]);
    if (origin !== name && isThere(origin)) return origin; // the old one has not gone yet
    return isThere(name) ? name : null;
}

const isUntouched = (instance) =>
    !instance.origin &&
    !instance.tokenTyped &&
    instance.authority === "system" &&
    Object.keys(changed(instanceFields, defaultsOf(instanceFields), confValues(instance)))
        .length === 0;

export function isDirty(saved, draft) {
    const first = draft.instances.length === 1 && isUntouched(draft.instances[0]);
    return (
        (!first && draft.instances.some((instance) => isChanged(saved, instance))) ||
        Object.keys(changed(handoffFields, saved.handoff, trimmed(draft.handoff))).length > 0
    );
}

const step = (sentence, run) => ({sentence, run});

function instanceSteps(saved, instance, token) {
    const {name, origin} = instance;
    const steps = [];
    const renamed = origin && origin !== name;
    const values = renamed || !origin ? confValues(instance) : changesOf(saved, instance);
    // A stored token never meets an address it was not given for: it goes before the address comes.
    if (!renamed && hasSecret(saved, instance) && !keepsSecret(saved, instance))
        steps.push(step(`the old token of "${name}" is removed`, (to) => to.removeSecret(name)));
    if (Object.keys(values).length > 0)
        steps.push(
            step(`the settings of "${name}" are written`, (to) =>
                to.writeStanza(prefix + name, values),
            ),
        );
    if (token && usesPasswords(instance))
        steps.push(step(`the token of "${name}" is stored`, (to) => to.storeSecret(name, token)));
    return steps;
}

function removalSteps(saved, name) {
    const steps = [];
    if (saved.secrets === null || saved.secrets.includes(name))
        steps.push(step(`the token of "${name}" is removed`, (to) => to.removeSecret(name)));
    const run = saved.instances[name].removable
        ? (to) => to.removeStanza(prefix + name)
        : (to) => to.writeStanza(prefix + name, defaultsOf(instanceFields));
    steps.push(step(`the settings of "${name}" are removed`, run));
    return steps;
}

// In this order, each only after the one before: what is new is whole before anything old goes, and
// the app counts as configured only when all the rest is there.
export function stepsToSave(saved, draft, tokens) {
    const steps = [];
    for (const instance of draft.instances)
        if (isChanged(saved, instance))
            steps.push(...instanceSteps(saved, instance, tokens.get(instance.id) ?? ""));
    const handoff = changed(handoffFields, saved.handoff, trimmed(draft.handoff));
    if (Object.keys(handoff).length > 0)
        steps.push(
            step("the settings of all hand-offs are written", (to) =>
                to.writeStanza("handoff", handoff),
            ),
        );
    for (const {name, origin} of draft.instances)
        if (origin && origin !== name) steps.push(...removalSteps(saved, origin));
    if (!saved.configured)
        steps.push(step("the app is marked as configured", (to) => to.setConfigured()));
    return steps;
}

export function stepsToDelete(saved, draft, instance) {
    const steps = [];
    const isDefault = saved.handoff.instance === instance.origin;
    const left = draft.instances.find((other) => other !== instance && other.origin);
    if (isDefault && left)
        steps.push(
            step(`"${left.origin}" becomes the default`, (to) =>
                to.writeStanza("handoff", {instance: left.origin}),
            ),
        );
    return [...steps, ...removalSteps(saved, instance.origin)];
}

// Runs the steps one after the other; {done, failed: {sentence, error}, left}.
export async function perform(steps, to, told = () => {}) {
    for (let i = 0; i < steps.length; i++) {
        try {
            told(steps[i].sentence);
            await steps[i].run(to);
        } catch (error) {
            return {
                done: steps.slice(0, i).map(({sentence}) => sentence),
                failed: {sentence: steps[i].sentence, error},
                left: steps.slice(i + 1).map(({sentence}) => sentence),
            };
        }
    }
    return {done: steps.map(({sentence}) => sentence), failed: null, left: []};
}

// The host that links lead to, for Splunk's list of trusted domains.
export function linkHost({values}) {
    if (checkAddress(values.url) || checkTemplate(values.link_template)) return "";
    const link = values.link_template.replace("{url}", values.url.replace(/\/$/, ""));
    try {
        return new URL(link.replace(/\{.*/, "")).host;
    } catch {
        return "";
    }
}

export const isTrusted = (domains, host) =>
    domains.some((domain) => {
        const name = domain
            .trim()
            .replace(/^[a-z]+:\/\//i, "")
            .replace(/\/.*$/, "")
            .toLowerCase();
        return name.startsWith("*.")
            ? host.toLowerCase().endsWith(name.slice(1))
            : name === host.toLowerCase();
    });
