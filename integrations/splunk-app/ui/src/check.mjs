// What the page says before it saves. Each function takes what was typed and gives a sentence, empty
// when there is nothing to say. The native side decides in the end, by the same rules.

const unwritable = /[\u0000-\u0020\u007f-\uffff"<>\\^`{|}]/;

function authorityOf(address, scheme) {
    const rest = address.slice(scheme.length);
    const slash = rest.indexOf("/");
    return slash < 0 ? [rest, ""] : [rest.slice(0, slash), rest.slice(slash)];
}

function hostOf(authority) {
    if (authority.startsWith("[")) return authority.slice(1).split("]")[0];
    return authority.split(":")[0];
}

function portIsGood(authority) {
    const after = authority.startsWith("[")
        ? authority.slice(authority.indexOf("]") + 1)
        : authority.slice(hostOf(authority).length);
    if (after === "") return true;
    const port = /^:([0-9]{1,5})$/.exec(after)?.[1];
    return port !== undefined && Number(port) >= 1 && Number(port) <= 65535;
}

function isThisMachine(host) {
    return /^localhost$/i.test(host) || host === "::1" || /^127\.[0-9.]*$/.test(host);
}

function checkHost(authority) {
    if (authority.includes("@"))
        return (
            "The address must not hold a user name or password: whoever reads the conf file would " +
            "have them."
        );
    if (!hostOf(authority)) return "The address has no host name: write https://host/.";
    if (!portIsGood(authority)) return "The port must be a number from 1 to 65535.";
    return "";
}

export function checkAddress(address) {
    if (!address)
        return "Enter the address of the IntelGraph service, such as https://intelgraph.example/.";
    const scheme = ["https://", "http://"].find((each) => address.startsWith(each));
    if (!scheme) {
        const other = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(address)?.[1];
        return other
            ? `"${other}" is no scheme that IntelGraph speaks: the address begins with https://.`
            : "The address begins with https://.";
    }
    if (unwritable.test(address))
        return "The address holds a blank or a character that must be percent-encoded.";
    const [authority, path] = authorityOf(address, scheme);
    const wrong = checkHost(authority);
    if (wrong) return wrong;
    if (/[?#]/.test(address)) return "The address must have no query (?) and no fragment (#).";
    if (path.includes("//")) return "The address has two slashes in its path.";
    if (scheme === "http://" && !isThisMachine(hostOf(authority)))
        return (
            "http:// is taken to this machine only (127.0.0.1, ::1, localhost): the token would " +
            "cross the network in the clear. Use https://."
        );
    return "";
}

// Where a token goes: the address without its path. Two addresses of one origin share it.
export function originOf(address) {
    const scheme = ["https://", "http://"].find((each) => address.startsWith(each)) ?? "";
    return scheme + authorityOf(address, scheme)[0].toLowerCase();
}

export const checkTenant = (tenant) =>
    tenant ? "" : "Enter the tenant whose graph receives what is handed off.";

export function checkName(name, others) {
    if (!name) return "Give the instance a name: searches choose it by instance=<name>.";
    if (!/^[a-z0-9_-]{1,32}$/.test(name))
        return "A name has only a to z, 0 to 9, _ and -, and at most 32 of them.";
    if (others.includes(name)) return `There is an instance "${name}" already.`;
    return "";
}

// One word, as a header carries it. What is wrong is told without repeating any of it.
export function checkToken(token) {
    if (!token) return "";
    if (token.length > 511)
        return "The token is longer than 511 characters: paste the token alone.";
    if (/[^\u0021-\u007e]/.test(token))
        return "The token holds a blank, a line end or another character that no token has: paste it alone.";
    return "";
}

export function checkPath(path) {
    if (!path) return "";
    if (/-----BEGIN /.test(path)) return "This is the path of a file, not what the file holds.";
    if (/[\u0000-\u001f\u007f]/.test(path)) return "A path has no line ends or control characters.";
    return "";
}

export const filePath = (value) => (value.startsWith("file:") ? value.slice("file:".length) : "");

// What was typed is not repeated: it may hold a password.
export function checkProxy(proxy) {
    if (!proxy) return "";
    const scheme = ["https://", "http://"].find((each) => proxy.startsWith(each));
    if (!scheme)
        return "A proxy's address begins with http:// or https://; others (socks) are not taken.";
    if (unwritable.test(proxy))
        return "The proxy's address holds a blank or a character that no address has.";
    const [authority, path] = authorityOf(proxy, scheme);
    if (authority.includes("@"))
        return (
            "The proxy's address must not hold a user name or password: put user:password into a " +
            "file and name it below."
        );
    if (!/:[0-9]+$/.test(authority)) return "The proxy's port is missing: http://host:port.";
    const wrong = checkHost(authority);
    if (wrong) return wrong;
    return /^\/?$/.test(path) ? "" : "A proxy's address is http://host:port, without a path.";
}

const address4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const isAddress6 = (text) => /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(text);

function networkIsGood(entry) {
    const [address, bits, more] = entry.split("/");
    if (more !== undefined || !/^[0-9]{1,3}$/.test(bits)) return false;
    if (address.includes(":")) return isAddress6(address) && Number(bits) <= 128;
    const parts = address4.exec(address);
    return (
        parts !== null && parts.slice(1).every((part) => Number(part) <= 255) && Number(bits) <= 32
    );
}

function wrongHost(entry) {
    if (entry.includes("://") || /^[^:]*:[^:]*$/.test(entry))
        return `"${entry}": write the host without scheme and port.`;
    if (entry.includes("/")) return networkIsGood(entry) ? "" : notNetwork(entry);
    if (entry === "*") return "";
    if (entry.startsWith("*.")) return `"${entry}": write the suffix without its asterisk.`;
    if (entry.includes(":"))
        return isAddress6(entry.replace(/^\[(.*)\]$/, "$1")) ? "" : `"${entry}" is no address.`;
    return /^[A-Za-z0-9._\u0080-\uffff-]+$/.test(entry) && entry !== "."
        ? ""
        : `"${entry}" is neither a host, a .suffix, an address nor a network.`;
}

const notNetwork = (entry) => `"${entry}" is no network such as 10.0.0.0/8.`;

export const entriesOf = (list) =>
    list
        .split(",")
        .map((entry) => entry.trim())
        .filter(Boolean);

export const checkNoProxy = (list) => entriesOf(list).map(wrongHost).find(Boolean) ?? "";

// A field's name may be nearly anything; these are slips of the pen.
const noField = /[="';]/;

export function checkFields(list) {
    const wrong = entriesOf(list).find((entry) => noField.test(entry));
    return wrong
        ? `"${wrong}" is no field name: write names separated by commas, * for any characters.`
        : "";
}

export function checkMask(list) {
    for (const entry of entriesOf(list)) {
        const [, name, how] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
        if (name === undefined)
            return `"${entry}" does not say how: write ${entry}=hash, ${entry}=prefix or ${entry}=drop.`;
        if (!name.trim() || noField.test(name)) return `"${name.trim()}" is no field name.`;
        if (!["hash", "drop", "prefix"].includes(how.trim()))
            return `"${how.trim()}" is no way to mask: use hash, prefix or drop.`;
    }
    return "";
}

export function checkTemplate(template) {
    if (!template) return "";
    const unknown = [...template.matchAll(/\{([^}]*)(\}?)/g)].find(
        ([, name, end]) => !end || !["url", "tenant", "id"].includes(name),
    );
    if (unknown) return `${unknown[0]} stands for nothing: there are {url}, {tenant} and {id}.`;
    if (!template.includes("{id}"))
        return "The link needs {id}: without it every hand-off would lead to the same page.";
    if (!/^(\{url\}|https:\/\/|http:\/\/)/.test(template))
        return "The link begins with {url}, https:// or http://.";
    if (unwritable.test(template.replace(/[{}]/g, "")))
        return "The link holds a blank or a character that must be percent-encoded.";
    return "";
}

export function checkWhole(value, {least, most}) {
    if (/^[0-9]{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most) return "";
    return `Enter a whole number from ${least} to ${most}.`;
}
