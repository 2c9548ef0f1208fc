// The settings page's pure parts, without a browser: what it says about each wrong value, in which
// order it saves, and that its table of settings is the native one.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {test} from "node:test";
import {fileURLToPath} from "node:url";
import {notice, packagesIn} from "../../integrations/splunk-app/ui/notices.mjs";
import * as check from "../../integrations/splunk-app/ui/src/check.mjs";
import {
    defaultsOf,
    handoffFields,
    instanceFields,
    wrongIn,
} from "../../integrations/splunk-app/ui/src/fields.mjs";
import * as model from "../../integrations/splunk-app/ui/src/model.mjs";
import {
    fromConfLine,
    readCertificates,
    toConfLine,
} from "../../integrations/splunk-app/ui/src/pem.mjs";
import {bad, good} from "./values.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const read = (path) => readFileSync(join(root, path), "utf8");

// --- the table ----------------------------------------------------------------------------------

// {stanza: {key: {otherwise, least, most}}} of README/intelgraph.conf.spec, which the native table makes.
function readSpec() {
    const spec = {};
    let stanza;
    let row;
    for (const line of read("integrations/splunk-app/README/intelgraph.conf.spec").split("\n")) {
        const head = /^\[([a-z]+)/.exec(line)?.[1];
        const key = /^([a-z_]+) = /.exec(line)?.[1];
        const range = /^\* From (\d+) to (\d+)\.$/.exec(line);
        const otherwise = /^\* Default: (.*)$/.exec(line)?.[1];
        if (head) spec[(stanza = head)] = {};
        if (key) spec[stanza][key] = row = {otherwise: ""};
        if (range) Object.assign(row, {least: Number(range[1]), most: Number(range[2])});
        if (otherwise) row.otherwise = otherwise === "(empty)" ? "" : otherwise;
    }
    return spec;
}

for (const [stanza, fields] of [
    ["instance", instanceFields],
    ["handoff", handoffFields],
]) {
    test(`the page knows each setting of [${stanza}], with the default and limits of the spec`, () => {
        const spec = readSpec()[stanza];
        assert.deepEqual(fields.map(({key}) => key).sort(), Object.keys(spec).sort());
        for (const {key, kind, otherwise, least, most} of fields) {
            assert.equal(otherwise, spec[key].otherwise, key);
            if (kind === "whole")
                assert.deepEqual([least, most], [spec[key].least, spec[key].most], key);
        }
    });
}

// --- wrong values -------------------------------------------------------------------------------

// <<a*5>> stands for aaaaa there, \x01 for a byte.
const expanded = (text) =>
    text
        .replace(/<<(.)\*(\d+)>>/g, (_, c, n) => c.repeat(n))
        .replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

// The cases of tests/bad/cases/conf.txt: [{title, values, expected}].
function confCases() {
    return read("tests/bad/cases/conf.txt")
        .split(/\n\s*\n/)
        .map((block) => block.split("\n"))
        .map((lines) => ({
            title: lines.find((line) => /^\S/.test(line) && !line.startsWith("#")),
            values: Object.fromEntries(
                lines
                    .map((line) => /^ +< ([a-z_]+) = ?(.*)$/.exec(line))
                    .filter(Boolean)
                    .map(([, key, value]) => [key, expanded(value)]),
            ),
            expected: lines.map((line) => /^ +> (.*)$/.exec(line)?.[1]).find(Boolean),
        }))
        .filter(({title, expected}) => title && expected);
}

test("what the native side refuses in a value, the page refuses before it is saved", () => {
    let compared = 0;
    for (const {title, values, expected} of confCases()) {
        const [, where, key] =
            /^error: intelgraph\.conf \[(\w+)[^\]]*\] (\w+)/.exec(expected) ?? [];
        const fields = where === "handoff" ? handoffFields : instanceFields;
        const known = ({key: each}) => each === key && values[key] !== undefined;
        // The page writes these itself: they are no text that anybody types.
        if (!fields.some(known) || ["disabled", "auth", "instance"].includes(key)) continue;
        if (key === "credential" && !values.credential.startsWith("file:")) continue;
        if (key === "proxy_credential" || (values.ca_file && values.ca_pem)) continue;
        const of = (list) =>
            Object.fromEntries(
                list
                    .filter((field) => values[field.key] !== undefined)
                    .map((field) => [field.key, values[field.key]]),
            );
        const {wrong} = setUp(
            [
                stanza("instance:prod", of(instanceFields)),
                stanza("handoff", {...of(handoffFields), instance: "prod"}),
            ],
            ["prod"],
        );
        compared++;
        const pair = key === "client_cert_file" ? wrong.client_key_file : undefined;
        assert.ok(wrong[key] ?? pair, `${title}: ${key} = ${values[key]}`);
    }
    assert.ok(compared >= 40, `only ${compared} cases compared`);
});

for (const [name, values] of Object.entries(good))
    test(`${name} takes what is good`, () => {
        for (const value of values) assert.equal(check[name](value), "", value);
    });
for (const [name, values] of Object.entries(bad))
    test(`${name} says what is wrong`, () => {
        for (const [value, sentence] of Object.entries(values))
            assert.match(check[name](value), sentence, value);
    });

test("a sentence about a token repeats none of it", () => {
    for (const token of Object.keys(bad.checkToken))
        assert.ok(!check.checkToken(token).includes("igt_"), token);
});

test("a name is good or the sentence says what it may be", () => {
    for (const name of ["default", "a", "eu-prod_2", "a".repeat(32)])
        assert.equal(check.checkName(name, []), "");
    for (const name of ["", "A", "a b", "a.b", "ä", "a".repeat(33), "a/b", 'a"b', "a]"])
        assert.notEqual(check.checkName(name, []), "", name);
    assert.match(check.checkName("lab", ["lab"]), /already/);
});

// --- certificates -------------------------------------------------------------------------------

const pem = (label, bytes) =>
    `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString("base64")}\n-----END ${label}-----\n`;
const der = [0x30, 0x03, 0x02, 0x01, 0x05]; // the outermost layer of a certificate

test("certificates are counted, whatever stands around them", () => {
    assert.deepEqual(readCertificates(`subject=x\r\n${pem("CERTIFICATE", der)}`), {
        count: 1,
        wrong: "",
    });
    assert.equal(readCertificates(pem("CERTIFICATE", der).repeat(3)).count, 3);
    assert.equal(
        readCertificates(pem("CERTIFICATE", [0x30, 0x81, 0x80, ...Array(128).fill(1)])).count,
        1,
    );
});

test("what is no certificate is told by what it is", () => {
    const cases = [
        ["", /Paste a certificate/],
        ["hello", /no PEM certificate/],
        ["0\u0082\u0003", /must be turned into PEM/],
        [pem("PRIVATE KEY", der), /private key/],
        [pem("CERTIFICATE", der) + pem("RSA PRIVATE KEY", der), /private key/],
        [pem("CERTIFICATE REQUEST", der), /a request/],
        [pem("PUBLIC KEY", der), /public key/],
        [pem("X509 CRL", der), /revoked/],
        ["-----BEGIN CERTIFICATE-----\nMII", /is cut/],
        [pem("CERTIFICATE", der) + "-----BEGIN CERTIFICATE-----\nMII", /is cut/],
        ["-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", /damaged/],
        ["-----BEGIN CERTIFICATE-----\nMII=A\n-----END CERTIFICATE-----", /damaged/],
        [pem("CERTIFICATE", [0x30, 0x09, 1]), /damaged or cut/],
        [pem("CERTIFICATE", [0x30, 0x82, 0xff, 0xff, 1]), /damaged or cut/],
        [pem("CERTIFICATE", [0x04, 0x01, 1]), /damaged or cut/],
        ["-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END PRIVATE KEY-----", /END CERTIFICATE/],
        ["a".repeat(70000), /longer/],
    ];
    for (const [text, sentence] of cases)
        assert.match(readCertificates(text).wrong, sentence, text.slice(0, 60));
});

test("a certificate is one line in the conf file, and the same afterwards", () => {
    const text = pem("CERTIFICATE", der);
    assert.ok(!toConfLine(text.replaceAll("\n", "\r\n")).includes("\n"));
    assert.equal(fromConfLine(toConfLine(text)), text);
});

// --- saving -------------------------------------------------------------------------------------

const stanza = (name, content, removable = true) => ({stanza: name, content, removable});
const shipped = stanza(
    "instance:default",
    {url: "", tenant: "", disabled: false, "eai:acl": null},
    false,
);
const prod = stanza("instance:prod", {url: "https://ig.example/", tenant: "acme"});
const byDefault = (name) => stanza("handoff", {instance: name});

function setUp(conf, secrets, edit = () => {}) {
    const saved = model.readSaved(conf, secrets);
    const draft = model.draftOf(saved);
    const tokens = new Map();
    const type = (instance, token) => {
        tokens.set(instance.id, token);
        instance.tokenTyped = true;
    };
    edit(draft, type);
    const wrong = Object.assign({}, ...Object.values(model.wrongOf(saved, draft, tokens)));
    return {saved, draft, tokens, wrong};
}

// What splunkd would be asked, in order.
async function asked(steps, failing = () => false) {
    const calls = [];
    const to = new Proxy(
        {},
        {
            get:
                (_, what) =>
                (...values) => {
                    if (failing(what)) throw new Error("refused");
                    calls.push([what, ...values]);
                },
        },
    );
    return {calls, result: await model.perform(steps, to)};
}

const names = (calls) => calls.map(([what, name]) => `${what} ${name ?? ""}`.trim());

test("the stanza that comes with the app is no instance until it says something", () => {
    const {draft} = setUp([shipped], []);
    assert.deepEqual(
        draft.instances.map(({name, origin}) => [name, origin]),
        [["default", null]],
    );
    assert.ok(!model.isDirty(model.readSaved([shipped], []), draft));
});

test("a first save writes the settings, then the token, and last that the app is configured", async () => {
    const {saved, draft, tokens, wrong} = setUp(
        [shipped, byDefault("default")],
        [],
        (draft, type) => {
            Object.assign(draft.instances[0].values, {url: "https://ig.example", tenant: "acme"});
            type(draft.instances[0], "igt_x");
        },
    );
    assert.deepEqual(wrong, {});
    const {calls} = await asked(model.stepsToSave(saved, draft, tokens));
    assert.deepEqual(names(calls), [
        "writeStanza instance:default",
        "storeSecret default",
        "setConfigured",
    ]);
    assert.equal(calls[0][2].url, "https://ig.example/");
});

test("a token is asked for where there is none, and again for another name or another address", () => {
    const change =
        (values, more = {}) =>
        (draft) => {
            Object.assign(draft.instances[0].values, values);
            Object.assign(draft.instances[0], more);
        };
    const conf = [prod, byDefault("prod")];
    assert.match(setUp(conf, []).wrong.token, /Paste an API token/);
    assert.equal(setUp(conf, ["prod"]).wrong.token, undefined);
    assert.equal(setUp(conf, null).wrong.token, undefined);
    assert.equal(
        setUp(conf, ["prod"], change({url: "https://ig.example/v2/"})).wrong.token,
        undefined,
    );
    assert.match(
        setUp(conf, ["prod"], change({url: "https://evil.example/"})).wrong.token,
        /another address/,
    );
    assert.match(
        setUp(conf, ["prod"], change({url: "https://ig.example:8443/"})).wrong.token,
        /another address/,
    );
    assert.match(setUp(conf, ["prod"], change({}, {name: "eu"})).wrong.token, /old name/);
    assert.equal(setUp(conf, ["prod"], change({}, {tokenDropped: true})).wrong.token, undefined);
    assert.equal(setUp(conf, [], change({credential: "file:etc/token"})).wrong.token, undefined);
});

test("the old token goes before a new address comes, the new token after it", async () => {
    const {saved, draft, tokens} = setUp([prod, byDefault("prod")], ["prod"], (draft, type) => {
        draft.instances[0].values.url = "https://new.example/";
        type(draft.instances[0], "igt_new");
    });
    const {calls} = await asked(model.stepsToSave(saved, draft, tokens));
    assert.deepEqual(names(calls), [
        "removeSecret prod",
        "writeStanza instance:prod",
        "storeSecret prod",
        "setConfigured",
    ]);
});

test("a rename makes the new one whole, tells the default, and removes the old one last", async () => {
    const {saved, draft, tokens} = setUp([prod, byDefault("prod")], ["prod"], (draft, type) => {
        draft.instances[0].name = "eu";
        draft.handoff.instance = "eu";
        type(draft.instances[0], "igt_again");
    });
    const {calls} = await asked(model.stepsToSave(saved, draft, tokens));
    assert.deepEqual(names(calls), [
        "writeStanza instance:eu",
        "storeSecret eu",
        "writeStanza handoff",
        "removeSecret prod",
        "removeStanza instance:prod",
        "setConfigured",
    ]);
});

test("a step that fails stops the rest, and each is told", async () => {
    const {saved, draft, tokens} = setUp([shipped, byDefault("default")], [], (draft, type) => {
        Object.assign(draft.instances[0].values, {url: "https://ig.example/", tenant: "acme"});
        type(draft.instances[0], "igt_x");
    });
    const steps = model.stepsToSave(saved, draft, tokens);
    const {calls, result} = await asked(steps, (what) => what === "storeSecret");
    assert.deepEqual(names(calls), ["writeStanza instance:default"]);
    assert.deepEqual(result.done, ['the settings of "default" are written']);
    assert.equal(result.failed.sentence, 'the token of "default" is stored');
    assert.deepEqual(result.left, ["the app is marked as configured"]);
});

test("only what was changed is written", async () => {
    const {saved, draft, tokens} = setUp([prod, byDefault("prod")], ["prod"], (draft) => {
        draft.instances[0].values.tenant = "other";
        draft.handoff.mask = "user=hash";
    });
    const {calls} = await asked(model.stepsToSave({...saved, configured: true}, draft, tokens));
    assert.deepEqual(calls, [
        ["writeStanza", "instance:prod", {tenant: "other"}],
        ["writeStanza", "handoff", {mask: "user=hash"}],
    ]);
});

test("what an admin wrote by hand is no change", () => {
    const byHand = stanza("instance:prod", {
        url: "https://ig.example",
        tenant: "acme",
        disabled: "false",
        ca_pem: toConfLine(`note\n${pem("CERTIFICATE", der)}`),
    });
    const {saved, draft} = setUp([byHand, byDefault("prod")], ["prod"]);
    assert.ok(!model.isDirty(saved, draft));
});

test("the default that is deleted hands its place on first", async () => {
    const lab = stanza("instance:lab", {url: "https://lab.example/", tenant: "acme"});
    const {saved, draft} = setUp([lab, prod, byDefault("prod")], ["prod"]);
    const target = draft.instances.find(({name}) => name === "prod");
    const {calls} = await asked(model.stepsToDelete(saved, draft, target));
    assert.deepEqual(calls, [
        ["writeStanza", "handoff", {instance: "lab"}],
        ["removeSecret", "prod"],
        ["removeStanza", "instance:prod"],
    ]);
});

test("the instance that comes with the app is emptied, since nobody can remove it", async () => {
    const set = {...shipped, content: {url: "https://ig.example/", tenant: "acme"}};
    const {saved, draft} = setUp([set, byDefault("default")], ["default"]);
    const {calls} = await asked(model.stepsToDelete(saved, draft, draft.instances[0]));
    assert.deepEqual(names(calls), ["removeSecret default", "writeStanza instance:default"]);
    assert.equal(calls[1][2].url, "");
    assert.equal(calls[1][2].ca_pem, "");
});

test("client certificate and key come together", () => {
    const only = (key) => (draft) => {
        draft.instances[0].values[key] = "/etc/x.pem";
    };
    const conf = [prod, byDefault("prod")];
    assert.match(setUp(conf, ["prod"], only("client_cert_file")).wrong.client_key_file, /together/);
    assert.match(setUp(conf, ["prod"], only("client_key_file")).wrong.client_cert_file, /together/);
});

test("what a conf file would not keep is cut off or refused", () => {
    const give = (tenant) => (draft) => {
        draft.instances[0].values.tenant = tenant;
    };
    const conf = [prod, byDefault("prod")];
    const {saved, draft} = setUp(conf, ["prod"], give("  acme "));
    assert.ok(!model.isDirty(saved, draft));
    assert.match(setUp(conf, ["prod"], give("acme\\")).wrong.tenant, /backslash/);
    assert.match(setUp(conf, ["prod"], give("ac\u0007me")).wrong.tenant, /control character/);
});

test("there are as many instances as the native side reads", () => {
    const many = Array.from({length: 65}, (_, i) => ({...prod, stanza: `instance:i${i}`}));
    assert.match(setUp([...many, byDefault("i1")], null).wrong.name, /64 instances/);
});

test("a default that is not there is told", () => {
    assert.match(setUp([prod, byDefault("gone")], ["prod"]).wrong.instance, /default/);
});

test("a domain is trusted as Splunk reads its list", () => {
    assert.ok(model.isTrusted(["https://ig.example"], "ig.example"));
    assert.ok(model.isTrusted(["*.example"], "ig.example"));
    assert.ok(model.isTrusted(["IG.example:8443"], "ig.example:8443"));
    assert.ok(!model.isTrusted(["*.example"], "ig.example.evil"));
    assert.ok(!model.isTrusted(["example"], "ig.example"));
});

// --- notices ------------------------------------------------------------------------------------

const metafile = {
    outputs: {
        "x.js": {
            inputs: {
                "../npm/node_modules/a/index.js": {bytesInOutput: 5},
                "../npm/node_modules/@b/c/node_modules/d/x.js": {bytesInOutput: 5},
                "../npm/node_modules/unused/x.js": {bytesInOutput: 0},
                "src/settings.jsx": {bytesInOutput: 5},
            },
        },
    },
};

test("the notices are of the packages whose bytes are in the bundle", () => {
    assert.deepEqual(packagesIn(metafile), ["node_modules/@b/c/node_modules/d", "node_modules/a"]);
});

test("a licence that nobody has looked at, a missing text and another version stop the build", () => {
    const mit = {version: "1.0.0", license: "MIT"};
    const files = {licence: "text"};
    assert.match(notice("node_modules/a", mit, mit, files), /## a 1\.0\.0[\s\S]*text/);
    for (const license of [
        "GPL-3.0",
        "SEE LICENSE IN LICENSE.md",
        "UNLICENSED",
        undefined,
        "MIT OR X",
    ]) {
        const about = {version: "1.0.0", license};
        assert.throws(() => notice("node_modules/a", about, about, files), /nobody has looked/);
    }
    assert.throws(() => notice("node_modules/a", mit, mit, {}), /no licence text/);
    assert.throws(
        () => notice("node_modules/a", mit, {...mit, version: "1.0.1"}, files),
        /lock file says/,
    );
    assert.throws(() => notice("node_modules/a", undefined, mit, files), /does not hold it/);
});
