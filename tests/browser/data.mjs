// Hand-offs for the mock service: an investigation as an analyst would see it, large ones, hostile
// ones.

const T0 = Date.UTC(2026, 10, 20, 6, 12, 0) * 1000;
const MINUTE = 60 * 1000000;

// The same numbers in every run.
function seeded(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 4294967296;
    };
}

function hex(random, length) {
    return Array.from({length}, () => Math.floor(random() * 16).toString(16)).join("");
}

// Collects entities and relations once each, as the service keeps them.
function builder(seed) {
    const random = seeded(seed);
    const entities = [];
    const relations = [];
    const known = new Map();
    const entity = (kind, value, fields, more = {}) => {
        const key = `${kind} ${value}`;
        if (known.has(key)) return known.get(key);
        const first = T0 + Math.floor(random() * 400) * MINUTE;
        const row = Math.floor(random() * 1200);
        const made = {
            id: entities.length + 1,
            kind,
            value,
            count: 1 + Math.floor(random() * random() * 240),
            first_us: first,
            last_us: first + Math.floor(random() * 900) * MINUTE,
            fields: [].concat(fields),
            samples: [
                {row, time_us: first, ref: `12:${40000 + row * 7}`},
                {row: row + 17, time_us: first + 9 * MINUTE, ref: `12:${40000 + row * 7 + 119}`},
            ],
            degree: 0,
            earlier_handoffs: random() < 0.22 ? 1 + Math.floor(random() * 5) : 0,
            ...more,
        };
        entities.push(made);
        known.set(key, made);
        return made;
    };
    const relate = (from, type, to) => {
        if (relations.some((r) => r.from === from.id && r.to === to.id && r.type === type)) return;
        from.degree += 1;
        to.degree += 1;
        relations.push({
            type,
            from: from.id,
            to: to.id,
            count: 1 + Math.floor(random() * 60),
            first_us: from.first_us,
            last_us: from.last_us,
            samples: from.samples.slice(0, 1),
            earlier_handoffs: Math.min(from.earlier_handoffs, to.earlier_handoffs),
        });
    };
    return {random, entities, relations, entity, relate};
}

function handoffOf(id, made, more) {
    const known = made.entities.filter((entity) => entity.earlier_handoffs > 0).length;
    const knownRelations = made.relations.filter(
        (relation) => relation.earlier_handoffs > 0,
    ).length;
    return {
        id,
        title: "",
        investigation: "",
        user: "mara.okafor",
        app: "search",
        sid: "1763619120.4711",
        command: "ighandoff",
        target: "https://intelgraph.example/",
        client: "intelgraph/0.1.0",
        rows: 1284,
        entities: made.entities.length,
        relations: made.relations.length,
        entities_new: made.entities.length - known,
        entities_merged: known,
        entities_skipped: 0,
        relations_new: made.relations.length - knownRelations,
        relations_merged: knownRelations,
        relations_skipped: 0,
        opens: 3,
        committed_us: T0 + 1500 * MINUTE,
        audit_index: 42,
        search_sha256: "5f".repeat(32),
        content_sha256: "9ac41d7e".repeat(8),
        ...more,
    };
}

function addImplant(b, host, user, index) {
    const hash = b.entity("sha256", hex(b.random, 64), "file_hash");
    const file = b.entity(
        "file",
        `c:\\users\\${user.value.split("@")[0]}\\appdata\\local\\temp\\upd${index}.dll`,
        "file_path",
    );
    const loader = b.entity("process", index % 2 ? "rundll32.exe" : "regsvr32.exe", "process_name");
    b.relate(loader, "runs-on", host);
    b.relate(user, "runs", loader);
    b.relate(loader, "writes", file);
    b.relate(file, "has-hash", hash);
    b.relate(file, "found-on", host);
    return loader;
}

// A phishing mail, an implant on five hosts, beaconing, a lateral move to the domain controller.
function investigation() {
    const b = builder(7);
    const c2 = b.entity("ip", "185.220.101.47", "dest_ip", {earlier_handoffs: 3, count: 914});
    const domain = b.entity("domain", "cdn-telemetry-sync.example", ["query", "dest"], {
        earlier_handoffs: 2,
        count: 655,
    });
    const mirror = b.entity("domain", "assets.cdn-telemetry-sync.example", "query");
    const second = b.entity("ip", "45.153.160.138", "dest_ip", {earlier_handoffs: 1});
    b.relate(domain, "resolves-to", c2);
    b.relate(mirror, "resolves-to", second);
    const beacon = b.entity("url", "https://cdn-telemetry-sync.example/v2/beacon?id=7f3a", "url", {
        count: 611,
    });
    const stage = b.entity(
        "url",
        "https://assets.cdn-telemetry-sync.example/upd/stage2.bin",
        "url",
    );
    b.relate(beacon, "hosted-on", domain);
    b.relate(stage, "hosted-on", mirror);
    const ja3 = b.entity("ja3", "72a589da586844d7f0818ce684948eea", "ja3", {earlier_handoffs: 4});
    const cert = b.entity("certificate", "3c9f01b77ad2e845", "ssl_serial");
    b.relate(c2, "presents", cert);
    const sender = b.entity("email", "billing@invoice-desk.example", "src_user");
    const dc = b.entity("host", "dc01.nashua.corp", "dest", {earlier_handoffs: 5});
    const mail = b.entity("host", "mx1.nashua.corp", "dvc");
    const cve = b.entity("cve", "CVE-2020-1472", "cve");
    b.relate(dc, "affected-by", cve);
    b.relate(sender, "contains", stage);
    const people = ["mokafor", "jlindqvist", "pshah", "rdelgado", "tnguyen"];
    people.forEach((name, index) => {
        const host = b.entity("host", `nashua-ws${14 + index * 3}.nashua.corp`, ["host", "dest"]);
        const ip = b.entity("ip", `10.44.12.${31 + index * 9}`, ["src_ip", "src"]);
        const user = b.entity("user", `${name}@nashua`, "user");
        const box = b.entity("email", `${name}@nashua.corp`, "recipient");
        b.relate(host, "has-address", ip);
        b.relate(user, "logs-on-to", host);
        b.relate(sender, "sends-mail-to", box);
        b.relate(ip, "connects-to", c2);
        b.relate(ip, "queries", domain);
        b.relate(ip, "requests", beacon);
        b.relate(ip, "uses", ja3);
        b.relate(
            ip,
            "uses",
            b.entity("mac", `00:50:56:a3:1${index}:${(17 + index * 29).toString(16)}`, "src_mac"),
        );
        if (index < 4) {
            const loader = addImplant(b, host, user, index);
            const shell = b.entity("process", "powershell.exe", "parent_process_name", {
                count: 133,
            });
            b.relate(shell, "starts", loader);
        }
        if (index < 2) b.relate(ip, "queries", mirror);
        if (index === 2) b.relate(ip, "connects-to", second);
    });
    const admin = b.entity("user", "svc-backup@nashua", "user", {earlier_handoffs: 1});
    b.relate(admin, "logs-on-to", dc);
    b.relate(admin, "logs-on-to", b.entity("host", "nashua-ws20.nashua.corp", "host"));
    const psexec = b.entity("process", "psexesvc.exe", "process_name");
    b.relate(admin, "runs", psexec);
    b.relate(psexec, "runs-on", dc);
    const key = b.entity(
        "registry-key",
        "HKLM\\system\\currentcontrolset\\services\\psexesvc",
        "registry_path",
    );
    b.relate(psexec, "writes", key);
    b.relate(key, "found-on", dc);
    b.relate(
        b.entity("email", "billing@invoice-desk.example", "src_user"),
        "sends-mail-to",
        b.entity("email", "finance@nashua.corp", "recipient"),
    );
    b.relate(mail, "has-address", b.entity("ip", "10.44.1.25", "dvc_ip"));
    for (let i = 0; i < 9; i++) {
        const ip = b.entity("ip", `10.44.12.${101 + i}`, "src_ip");
        b.relate(ip, i % 3 ? "queries" : "connects-to", i % 3 ? domain : c2);
    }
    for (let i = 0; i < 5; i++) {
        b.relate(
            b.entity("domain", `n${hex(b.random, 6)}.cdn-telemetry-sync.example`, "query"),
            "resolves-to",
            i < 3 ? c2 : second,
        );
    }
    return b;
}

function network(count, seed) {
    const b = builder(seed);
    const hubs = Array.from({length: Math.ceil(count / 60)}, (_, i) =>
        b.entity("host", `srv${i}.campus.example`, "dest"),
    );
    for (let i = 0; b.entities.length < count; i++) {
        const kind = ["ip", "ip", "domain", "user", "process"][i % 5];
        const value = {
            ip: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
            domain: `d${i}.example`,
            user: `user${i}@corp`,
            process: `tool${i}.exe`,
        }[kind];
        const entity = b.entity(kind, value, "field");
        const hub = hubs[Math.floor(b.random() * b.random() * hubs.length)];
        b.relate(entity, "connects-to", hub);
        if (i % 3 === 0 && i > 3)
            b.relate(entity, "uses", b.entities[Math.floor(b.random() * b.entities.length)]);
    }
    return b;
}

// Each would set window.executed or turn the text around, were it ever more than text.
export const hostileTexts = [
    "<script>window.executed=1</script>",
    "<img src=x onerror=window.executed=1>",
    '"><svg onload=window.executed=1>',
    "'-window.executed=1-'",
    "javascript:window.executed=1",
    "data:text/html,<script>window.executed=1</script>",
    "</title></textarea></style><script>window.executed=1</script>",
    "{{constructor.constructor('window.executed=1')()}}",
    "${window.executed=1}",
    "<iframe srcdoc='<script>parent.executed=1</script>'>",
    "<a href=javascript:window.executed=1>x</a>",
    "\u202egpj.exe\u202c",
    "nul\u0000byte\nline\ttab",
    "zero\u200bwidth\ufeff",
    "url(javascript:window.executed=1)",
    '\\"}];window.executed=1//',
    "<math><mtext><table><mglyph><style><img src onerror=window.executed=1>",
    "x".repeat(2000),
];

function hostile() {
    const b = builder(11);
    const hub = b.entity("host", hostileTexts[0], hostileTexts[1]);
    const kinds = ["url", "user", "process", "file", "domain"];
    hostileTexts.forEach((text, index) => {
        const entity = b.entity(kinds[index % kinds.length], text, text.slice(0, 100));
        entity.samples = [{row: index, time_us: null, ref: text.slice(0, 128)}];
        b.relate(hub, index === 3 ? text : "connects-to", entity);
    });
    b.entity("<img src=x onerror=window.executed=1>", "of an unknown kind", "field");
    return b;
}

const id = (byte) => byte.repeat(16);

export const ids = {
    investigation: id("a1"),
    thousand: id("b2"),
    many: id("c3"),
    hostile: id("d4"),
    empty: id("e5"),
    missing: id("f6"),
    broken: id("07"),
    skipped: id("18"),
};

export function corpus() {
    const kept = new Map();
    const add = (key, made, more) => {
        kept.set(ids[key], {
            handoff: handoffOf(ids[key], made, more),
            entities: made.entities,
            relations: made.relations,
        });
    };
    add("investigation", investigation(), {
        title: "Beaconing from NASHUA",
        investigation: "INV-2026-0117",
    });
    add("thousand", network(1000, 3), {
        title: "Campus proxy, one day",
        user: "j.lindqvist",
        opens: 1,
        sid: "1763611200.98",
        rows: 48210,
        audit_index: 41,
        committed_us: T0 + 900 * MINUTE,
    });
    add("many", network(6000, 5), {
        title: "All of last week",
        user: "svc-soar",
        app: "intelgraph",
        opens: 0,
        sid: "scheduler__admin__intelgraph__RMD5e1_at_1763596800_77",
        rows: 912004,
        audit_index: 40,
        committed_us: T0 + 300 * MINUTE,
    });
    add("skipped", network(40, 9), {
        title: "Brute force on VPN",
        entities_skipped: 5210,
        relations_skipped: 9333,
        audit_index: 39,
        committed_us: T0 + 100 * MINUTE,
    });
    add("hostile", hostile(), {
        title: hostileTexts[0],
        investigation: hostileTexts[2],
        user: hostileTexts[1],
        app: hostileTexts[4],
        sid: hostileTexts[8],
        audit_index: 38,
        committed_us: T0 + 60 * MINUTE,
    });
    add(
        "empty",
        {entities: [], relations: []},
        {title: "Nothing mapped", rows: 64, audit_index: 37, committed_us: T0 + 30 * MINUTE},
    );
    return kept;
}

// The last words of a log, in the form of a signed note. The signature is no real one.
export const checkpoint =
    "intelgraphd/acme\n43\nqJ1rC4wYz0v1Yk2Cq0H1s4cJ3cQpQ0t8r1cB6oM3xZs=\n\n" +
    "\u2014 intelgraphd/acme kz2Q0m3l1T9bH0uQ7Jk9YVxk3oQ1m5v8W2d4n6p8r0t2v4x6z8B0D2F4H6J8L0N2P4R6T8V0X2Z4\n";

export function auditRecords() {
    const actions = ["handoff.committed", "handoff.opened", "token.used", "access.denied"];
    return Array.from({length: 43}, (_, index) => ({
        index,
        record: {
            action: actions[(index * 5) % 4],
            result: (index * 5) % 4 === 3 ? "failure" : "success",
            time_us: T0 + index * 35 * MINUTE,
            tenant: "acme",
            subject: index % 2 ? "mara.okafor" : "splunk-sh-01",
            token: "k7wq2m",
            role: "analyst",
            client: "10.44.12.9 intelgraph/0.1.0",
            handoff: ids.investigation,
            sid: "1763619120.4711",
            content_sha256: "9ac41d7e".repeat(8),
        },
    })).reverse();
}

export function tokens() {
    const at = (days) => (Date.now() + days * 86400000) * 1000;
    return [
        {
            id: "k7wq2m",
            name: "splunk-sh-01",
            role: "analyst",
            created_us: at(-40),
            expires_us: at(50),
            revoked_us: null,
            last_used_us: at(-0.01),
        },
        {
            id: "p3dz8x",
            name: "mara.okafor",
            role: "admin",
            created_us: at(-12),
            expires_us: null,
            revoked_us: null,
            last_used_us: at(-0.2),
        },
        {
            id: "r9fh1c",
            name: "quarterly audit",
            role: "auditor",
            created_us: at(-120),
            expires_us: at(-30),
            revoked_us: null,
            last_used_us: at(-45),
        },
        {
            id: "t5yb6n",
            name: "old dashboard",
            role: "viewer",
            created_us: at(-200),
            expires_us: at(100),
            revoked_us: at(-90),
            last_used_us: null,
        },
    ];
}
