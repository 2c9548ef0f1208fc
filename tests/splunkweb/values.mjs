// Values that settings may have, and values that they may not, with the sentence the page has for each.
// real.mjs asks the native side about the same ones.
export const good = {
    checkAddress: [
        "https://ig.example/",
        "https://ig.example",
        "https://ig.example:8443/base/",
        "https://[2001:db8::7]:8443/",
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "http://[::1]:1/",
    ],
    checkProxy: ["", "http://proxy.example:3128", "https://proxy.example:8443/", "http://[::1]:1"],
    checkNoProxy: [
        "",
        "ig.example, .example,192.0.2.7",
        "10.0.0.0/8, fd00::/8,2001:db8::7,[::1]",
        "*",
        "münchen.example,,",
    ],
    checkFields: ["", "src_ip, dest", "src*,*_ip", "All_Traffic.src, src ip, größe"],
    checkMask: ["", "user=hash", "src_ip=prefix, user*=drop", " user = hash "],
    checkTemplate: ["{url}/open/handoffs/{id}", "https://graph.example/{tenant}/h/{id}?a=b&c=%20"],
    checkToken: ["", "igt_0123456789abcdef_0123456789abcdef"],
    checkPath: ["", "$SPLUNK_HOME/etc/auth/ca.pem", "/etc/ssl/ä b.pem"],
};

export const bad = {
    checkAddress: {
        "": /Enter the address/,
        "ig.example": /begins with https/,
        "ftp://ig.example/": /"ftp" is no scheme/,
        "javascript://x/": /"javascript" is no scheme/,
        "HTTPS://ig.example/": /"HTTPS" is no scheme/,
        "https://mara:secret@ig.example/": /must not hold a user name/,
        "https://ig example/": /percent-encoded/,
        "https://ig.example/ü": /percent-encoded/,
        "https:///": /no host name/,
        "https://ig.example:0/": /port/,
        "https://ig.example:70000/": /port/,
        "https://ig.example:https/": /port/,
        "https://ig.example/?a=b": /no query/,
        "https://ig.example/#a": /no fragment/,
        "https://ig.example//a": /two slashes/,
        "http://ig.example/": /this machine only/,
        "http://127.0.0.1.evil.example/": /this machine only/,
        "http://localhost.evil.example/": /this machine only/,
        "http://2130706433/": /this machine only/,
        "http://[::2]/": /this machine only/,
    },
    checkProxy: {
        "proxy.example:3128": /begins with http/,
        "socks5://proxy.example:1080": /socks/,
        "http://mara:secret@proxy.example:3128": /file/,
        "http://proxy.example:3128/path": /without a path/,
        "http://proxy.example:99999": /port/,
        "http://proxy.example:0": /port/,
        "http://proxy.example": /port is missing/,
        "http://:3128": /host/,
        "http://pro xy:3128": /blank/,
    },
    checkNoProxy: {
        "http://ig.example": /without scheme and port/,
        "ig.example:8080": /without scheme and port/,
        "*.example": /without its asterisk/,
        "10.0.0.0/33": /is no network/,
        "300.0.0.0/8": /is no network/,
        "fd00::/129": /is no network/,
        "10.0.0.0/8/9": /is no network/,
        "ig example": /neither/,
        "a::b::zz": /no address/,
    },
    checkFields: {"src_ip=x": /no field name/, 'src"ip': /no field name/, "a;b": /no field name/},
    checkMask: {
        user: /user=hash/,
        "user=rot13": /no way to mask/,
        "user=": /no way to mask/,
        "=hash": /no field name/,
        "user=hash=x": /no way to mask/,
    },
    checkTemplate: {
        "{url}/open": /needs \{id\}/,
        "{url}/{handoff}/{id}": /\{handoff\} stands for nothing/,
        "{url}/{id}/{": /stands for nothing/,
        "javascript:alert({id})": /begins with/,
        "ftp://x/{id}": /begins with/,
        "{url}/a b/{id}": /blank/,
        "{url}/ü/{id}": /blank/,
    },
    checkToken: {
        "igt_a b": /alone/,
        "igt_a\nigt_b": /alone/,
        igt_ü: /alone/,
        [`igt_${"a".repeat(600)}`]: /longer/,
    },
    checkPath: {"a\nb": /line ends/, "-----BEGIN CERTIFICATE-----": /not what the file holds/},
};

// Which setting a check is for, where the native side reads the same text.
export const settingOf = {
    checkAddress: "url",
    checkProxy: "proxy",
    checkNoProxy: "no_proxy",
    checkFields: "fields_allow",
    checkMask: "mask",
    checkTemplate: "link_template",
};

// What the page refuses although the native side takes it: always a slip of the pen.
export const stricter = new Set([
    "https://ig.example:0/",
    "https://ig.example:70000/",
    "https://ig.example:https/",
    "https://ig.example//a",
    "a;b",
]);
