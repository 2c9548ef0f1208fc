// The settings, one row each: what intelgraph.conf calls it, its default and limits as the native side
// has them (a test compares them with README/intelgraph.conf.spec), and what the page says about it.
import {
    checkAddress,
    checkFields,
    checkMask,
    checkNoProxy,
    checkPath,
    checkProxy,
    checkTemplate,
    checkTenant,
    checkWhole,
    filePath,
} from "./check.mjs";

const text = (key, otherwise, most, more) => ({key, kind: "text", otherwise, most, ...more});
const whole = (key, otherwise, least, most, more) => ({
    key,
    kind: "whole",
    otherwise,
    least,
    most,
    check: (value) => checkWhole(value, {least, most}),
    ...more,
});

export const instanceFields = [
    {key: "disabled", kind: "boolean", otherwise: "0"},
    text("url", "", 1024, {
        label: "Address",
        required: true,
        help: "Of the IntelGraph service: https://intelgraph.example/. http:// is taken to this machine only.",
        check: checkAddress,
    }),
    text("tenant", "", 64, {
        label: "Tenant",
        required: true,
        help: "Whose graph receives what is handed off.",
        check: checkTenant,
    }),
    text("auth", "token", 16, {}),
    text("credential", "passwords", 1024, {
        label: "Path of the token file",
        check: (value) =>
            value === "passwords"
                ? ""
                : filePath(value)
                  ? checkPath(filePath(value))
                  : "Enter the path of the file.",
    }),
    text("ca_file", "", 1024, {label: "Path of the PEM file", check: checkPath}),
    text("ca_pem", "", 65536, {label: "Certificates"}),
    text("client_cert_file", "", 1024, {
        label: "Client certificate: path of the PEM file",
        help: "Only where the service asks for one. $SPLUNK_HOME may stand in the path.",
        check: checkPath,
    }),
    text("client_key_file", "", 1024, {
        label: "Its private key: path of the PEM file",
        help: "Not encrypted, readable by Splunk's user and nobody else (mode 0600 or 0400).",
        check: checkPath,
    }),
    text("proxy", "", 1024, {
        label: "Proxy",
        help: "http://host:port or https://host:port. Empty: none; the environment's proxy is never used.",
        check: checkProxy,
    }),
    text("proxy_credential", "", 1024, {
        label: "Proxy's user and password: path of the file",
        help: "The file holds user:password on one line, mode 0600 or 0400.",
        check: (value) => checkPath(filePath(value)),
    }),
    text("no_proxy", "", 4096, {
        label: "Reached without the proxy",
        help: "Separated by commas: hosts, .suffixes, addresses, networks such as 10.0.0.0/8, or *.",
        check: checkNoProxy,
    }),
    text("link_template", "{url}/open/handoffs/{id}", 1024, {
        label: "Link",
        help: "Where Open in IntelGraph leads. {url}, {tenant} and {id} are filled in; {id} must be there.",
        check: checkTemplate,
    }),
    text("audit_key", "", 512, {
        label: "Verifier key of the audit log",
        help: "Pins it (intelgraphd audit key prints it). Empty: the key that the service names.",
    }),
    whole("connect_timeout_ms", "3000", 100, 60000, {
        label: "Wait for a connection",
        unit: "milliseconds",
    }),
    whole("timeout_ms", "20000", 100, 120000, {label: "Wait for a reply", unit: "milliseconds"}),
];

export const handoffFields = [
    text("instance", "default", 32, {}),
    whole("max_entities", "10000", 1, 100000, {
        label: "Most entities of one hand-off",
        help: "Unless the search says maxentities=. What is over is counted and told.",
    }),
    whole("outbox_max_mb", "256", 1, 10240, {
        label: "Most megabytes that wait on disk",
        help: "For hand-offs that the service could not take yet.",
    }),
    whole("throttle_wait_ms", "15000", 0, 120000, {
        label: "Wait when a budget throttles",
        unit: "milliseconds",
        help: "What would take longer waits in the outbox.",
    }),
    text("fields_allow", "", 8192, {
        label: "Fields that may be handed off",
        help: "Separated by commas, * for any characters. Empty: all that the field mapping knows.",
        check: checkFields,
    }),
    text("fields_deny", "", 8192, {
        label: "Fields that never leave Splunk",
        help: "Stronger than the list above.",
        check: checkFields,
    }),
    text("mask", "", 8192, {
        label: "Masked fields",
        help: "field=hash, field=prefix or field=drop, separated by commas: user=hash, src_ip=prefix.",
        check: checkMask,
    }),
];

export const defaultsOf = (fields) =>
    Object.fromEntries(fields.map(({key, otherwise}) => [key, otherwise]));

// What a line of a conf file cannot hold, whatever the setting.
function wrongLine({label, key, most}, value) {
    if (value.length > most) return `${label ?? key} is longer than ${most} characters.`;
    if (/[\u0000-\u001f\u007f]/.test(value))
        return `${label ?? key} holds a line end or a control character.`;
    if (value.endsWith("\\"))
        return `${label ?? key} must not end in a backslash: the conf file would take the next line along.`;
    return "";
}

// Wrong values: {key: sentence}.
export function wrongIn(fields, values) {
    const wrong = {};
    for (const field of fields) {
        const value = values[field.key];
        const line = field.kind === "text" ? wrongLine(field, value) : "";
        const sentence = line || (field.check?.(value) ?? "");
        if (sentence) wrong[field.key] = sentence;
    }
    return wrong;
}

// Blanks around a value are no part of it: a conf file does not keep them.
export const trimmed = (values) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value.trim()]));
