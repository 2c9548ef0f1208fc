// Rows that the searches of each dashboard would give. Made up; the names are of no customer.
const table = (fields, ...rows) => ({
    fields,
    columns: fields.map((_, at) => rows.map((row) => (row[at] === null ? null : String(row[at])))),
});

// 32 hexadecimal digits that look like a digest's and are the same in each run.
function id(number) {
    let state = (number + 1) * 2654435761;
    let text = "";
    while (text.length < 32) {
        state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
        text += state.toString(16).padStart(8, "0");
    }
    return text;
}

const day = (number) => `2026-11-${number}T00:00:00.000+00:00`;
const hour = (number) => `2026-11-23T${two(number)}:00:00.000+00:00`;
const before = "https://intelgraph.example/open/handoffs/";
const analysts = ["mara", "tomás", "zoë", "wei.chen", "svc_soar"];
const titles = [
    "Beaconing from NASHUA",
    "Phishing wave, finance",
    "Kerberoasting on UTICA",
    "DNS tunnel to files.example",
    "Ransom note on OSWEGO",
    "Odd logons of a contractor",
    "Exfiltration over HTTPS",
    "USB malware in the lab",
    "Beaconing, second look",
    "Password spray",
    "Suspicious OAuth app",
    "C2 over ICMP",
    "An old JA3, seen again",
    "Coin miner on build hosts",
];
const unreachable = "https://intelgraph.example/ cannot be reached: connection refused";
const tooLarge = "IntelGraph answered 413: the hand-off holds more than 100000 entities";
const two = (number) => String(number).padStart(2, "0");
const minute = (n) => {
    const at = 13 * 60 + 53 - n * 23;
    return `2026-11-23 ${two(Math.floor(at / 60))}:${two(at % 60)}`;
};

const recent = titles.map((title, n) => {
    const fate = {
        1: ["queued", "opens once delivered", unreachable],
        6: ["refused", "not delivered", tooLarge],
    }[n] ?? ["sent", "Open in IntelGraph", null];
    return [
        minute(n),
        analysts[n % 5],
        title,
        fate[0],
        fate[1],
        12 + ((n * 397) % 911),
        20 + ((n * 611) % 1733),
        n % 4 ? "default" : "lab",
        fate[2],
        before,
        id(n),
        "",
    ];
});
const recentFields = [
    "Time",
    "Analyst",
    "Title",
    "Outcome",
    "Graph",
    "Entities",
    "Relations",
    "Instance",
    "Reason",
    "_before",
    "_id",
    "_after",
];
const steps = [
    "Open Settings, enter address, tenant and API token of your IntelGraph service, press Test connection.",
    "Give your analysts the role intelgraph_analyst.",
    'Try it, nothing is sent:  | makeresults | eval src_ip="192.0.2.1" | ighandoff dryrun=true',
    'Put  | ighandoff title="..."  behind a search of yours. It shows up here within a minute.',
];
const firstSteps = table(["Step", "What to do"], ...steps.map((text, n) => [n + 1, text]));
const usageSteps = table(
    ["Step", "What to do"],
    ...[
        steps[0],
        'Put  | ighandoff title="..."  behind a search of yours: hand-offs are counted from the first one.',
        "Set prices on the service's own page Budgets (/admin/budgets), so that what is used has a cost.",
        "Make a budget there, in shadow at first: it refuses nothing and shows what it would have refused.",
    ].map((text, n) => [n + 1, text]),
);
const noSteps = table(["Step", "What to do"]);

const overview = {
    analysts: table(["user"], ...analysts.map((name) => [name])),
    instances: table(["instance"], ["default"], ["lab"]),
    handoffs: table(["handoff"], ...titles.map((_, n) => [id(n)])),
    totals: table(["handoffs", "entities", "analysts", "queued", "lost"], [186, 24871, 5, 1, 2]),
    over_time: table(
        ["_time", "failed", "queued", "refused", "sent"],
        ...[21, 34, 18, 9, 4, 31, 42, 22].map((sent, n) => [
            day(16 + n),
            0,
            [0, 0, 3, 1, 0, 0, 0, 1][n],
            [0, 1, 0, 0, 0, 0, 0, 1][n],
            sent,
        ]),
    ),
    by_kind: table(
        ["kind", "entities"],
        ["ip", 9214],
        ["domain", 6120],
        ["url", 3011],
        ["host", 2204],
        ["user", 1710],
        ["sha256", 1402],
        ["process", 610],
        ["email", 388],
        ["ja3", 120],
        ["cve", 52],
        ["mac", 40],
    ),
    by_analyst: table(
        ["user", "queued", "refused", "sent"],
        ["mara", 1, 0, 71],
        ["zoë", 0, 0, 48],
        ["tomás", 0, 1, 33],
        ["wei.chen", 0, 1, 19],
        ["svc_soar", 0, 0, 12],
    ),
    recent: table(recentFields, ...recent),
    first_steps: noSteps,
};

const todo = {
    service:
        "Find out which search head sent it and whether its _internal reaches this one. If nobody knows of it, revoke the API token.",
    splunk: "The service acknowledged it and has no record now. Run intelgraphd audit verify with --heads of this Splunk; see the audit runbook.",
    waits: "See Reason. What is queued goes out with its analyst's next hand-off; what was refused lies in the outbox's folder refused.",
    doubt: "Do not rely on this record. The reason says what does not hold; see the audit runbook.",
};
const differences = [
    [
        3,
        "not verified",
        "sent",
        "handoff.committed",
        todo.doubt,
        "the record is not the one whose hash is in the log",
    ],
    [7, "only in Splunk", "sent", "no record", todo.splunk, null],
    [8, "only in the service", "no record", "handoff.committed", todo.service, null],
    [1, "not delivered", "queued", "no record", todo.waits, unreachable],
].map(([n, state, splunk, service, what, why]) => [
    minute(n),
    analysts[n % 5],
    titles[n],
    state,
    splunk,
    service,
    what,
    why,
    before,
    id(n),
    "",
]);
const states = new Map(differences.map((row) => [row[9], row]));

const audit = {
    instances: table(["instance"], ["prod"], ["lab"]),
    compared: table(["handoff"], ...titles.map((_, n) => [id(n)])),
    totals: table(["handoffs", "agree", "one_side", "doubtful", "undelivered"], [14, 10, 2, 1, 1]),
    over_time: table(
        [
            "_time",
            "agree",
            "not delivered",
            "not verified",
            "only in Splunk",
            "only in the service",
        ],
        ...[0, 3, 1, 2, 1, 0, 2, 1].map((agree, n) => [
            day(16 + n),
            agree,
            +(n === 7),
            +(n === 5),
            +(n === 3),
            +(n === 2),
        ]),
    ),
    differences: table(
        [
            "Time",
            "Analyst",
            "Title",
            "State",
            "Splunk",
            "Service",
            "What to do",
            "Reason",
            "_before",
            "_id",
            "_after",
        ],
        ...differences,
    ),
    all: table(
        [
            "Time",
            "Analyst",
            "Title",
            "State",
            "Splunk",
            "Service",
            "Verified",
            "Log index",
            "Search head",
            "Search id",
            "_before",
            "_id",
            "_after",
        ],
        ...titles.map((title, n) => {
            const [, , , state, splunk, service] = states.get(id(n)) ?? [
                0,
                0,
                0,
                "agree",
                "sent",
                "handoff.committed",
            ];
            const verified =
                {"not verified": "no", "only in Splunk": "", "not delivered": ""}[state] ?? "yes";
            return [
                minute(n),
                analysts[n % 5],
                title,
                state,
                splunk,
                service,
                verified,
                service === "no record" ? null : 412 - n,
                n % 3 ? "sh1" : "sh2",
                `17638${63200 + n * 311}.${40 + n}`,
                before,
                id(n),
                "",
            ];
        }),
    ),
    others: table(
        ["Time", "Who", "Action", "Outcome", "Title", "Reason", "Verified", "Log index"],
        [minute(0), "mara", "handoff.opened", "success", titles[0], null, "yes", 414],
        [minute(2), "zoë", "handoff.opened", "success", titles[2], null, "yes", 411],
        [minute(4), "svc_soar", "handoff.opened", "success", titles[4], null, "yes", 409],
        [
            minute(5),
            "wei.chen",
            "handoff.refused",
            "failure",
            null,
            "handoff.tenant is not the tenant of this credential",
            "yes",
            402,
        ],
        [minute(6), "mara", "handoff.duplicate", "success", titles[0], null, "yes", 398],
    ),
    first_steps: noSteps,
};

const health = {
    heads: table(["host"], ["sh1"], ["sh2"]),
    totals: table(["tried", "troubled", "p95", "share"], [214, 6, 412, 2.8]),
    waiting: table(["waiting"], [1]),
    refusals: table(["refused"], [3]),
    latency: table(
        ["_time", "half", "95 of 100", "99 of 100"],
        ...[...Array(14).keys()].map((n) => [
            hour(n),
            71 + ((n * 37) % 23),
            240 + ((n * 91) % 130),
            330 + ((n * 173) % 410),
        ]),
    ),
    errors: table(
        ["_time", "denied", "limit", "unavailable", "unsigned"],
        ...[...Array(14).keys()].map((n) => [
            hour(n),
            +(n === 9),
            +(n === 4),
            [0, 3, 1][n - 6] ?? 0,
            n === 11 ? 2 : 0,
        ]),
    ),
    outbox: table(
        ["_time", "sh1", "sh2"],
        ...[...Array(14).keys()].map((n) => [
            hour(n),
            [1, 4, 2, 0][n - 6] ?? 0,
            [0, 2, 1, 1][n - 7] ?? 0,
        ]),
    ),
    versions: table(
        ["Search head", "Version", "Records", "Delivered", "Waiting", "Last record"],
        ["sh1", "0.1.0", 151, 148, 0, "2026-11-23 13:53"],
        ["sh2", "0.1.0", 63, 60, 1, "2026-11-23 13:22"],
    ),
    checks: table(
        ["Instance", "Check", "Status", "Value", "Cure"],
        [
            "lab",
            "tls",
            "warning",
            "lab.intelgraph.example, signed by Example CA, 9 days left",
            "Renew the certificate of the service before it ends.",
        ],
        ["default", "settings", "ok", "https://intelgraph.example/, tenant acme", null],
        ["default", "dns", "ok", "intelgraph.example is 192.0.2.80", null],
        ["default", "tcp", "ok", "connected to 192.0.2.80 port 443 in 2 ms", null],
        ["default", "tls", "ok", "intelgraph.example, signed by Example CA, 71 days left", null],
        ["default", "clock", "ok", "0.2 s behind", null],
        ["default", "token", "ok", "of mara, for 5 minutes", null],
        ["default", "scope", "ok", "may hand off and look", null],
        ["default", "tenant", "ok", "acme", null],
        ["default", "kvstore", "ok", "ready", null],
        ["default", "outbox", "ok", "0 hand-offs wait", null],
        ["default", "log", "ok", "can be written", null],
        ["default", "binary", "ok", "0.1.0, linux_x86_64", null],
        ["default", "service", "ok", "0.1.0, ready", null],
        ["default", "audit", "ok", "the log's head of 415 records is signed", null],
        ["default", "proxy", "skipped", "none is set", null],
        ["default", "budget", "skipped", "there are no budgets yet", null],
    ),
    troubles: table(
        ["Time", "Search head", "Analyst", "Action", "Result", "Error", "Reason"],
        [
            "2026-11-23 11:20:14",
            "sh1",
            "wei.chen",
            "handoff",
            "queued",
            "unsigned",
            "IntelGraph answered 401: the token has expired",
        ],
        [
            "2026-11-23 09:02:41",
            "sh2",
            "guest",
            "token.refused",
            "refused",
            "denied",
            "guest lacks the capability intelgraph_handoff",
        ],
        ["2026-11-23 08:31:05", "sh1", "mara", "handoff", "queued", "unavailable", unreachable],
        ["2026-11-23 04:12:55", "sh1", "tomás", "handoff", "refused", "limit", tooLarge],
    ),
    splunkd: table(
        ["Time", "Search head", "Component", "Level", "Message"],
        [
            "2026-11-23 08:31:05",
            "sh1",
            "sendmodalert",
            "ERROR",
            "action=send_to_intelgraph - Alert action script returned error code=3",
        ],
        [
            "2026-11-23 04:12:56",
            "sh1",
            "ChunkedExternProcessor",
            "WARN",
            "Error adding inspector message: invalid level or message already exists",
        ],
    ),
};

const meters = ["inference.tokens", "storage.bytes", "connector.compute", "api.calls"];
const money = (number) => number.toFixed(2);
const days = [...Array(23).keys()];
const complete = "2026-11-23 12:00";
const monthEnd = "2026-12-01";

const usage = {
    instances: table(["instance"], ["prod"], ["lab"]),
    cost: table(["meter"], ...meters.map((name) => [name])),
    days: table(
        [
            "_time",
            "api.calls",
            "budget per day",
            "connector.compute",
            "inference.tokens",
            "storage.bytes",
        ],
        ...days.map((n) => [
            `2026-11-${two(n + 1)}T12:00:00.000+00:00`,
            money(3 + ((n * 7) % 5)),
            money(66.67),
            money(6 + ((n * 11) % 9)),
            money((n % 7 > 4 ? 9 : 26) + ((n * 13) % 17) + n),
            money(4 + n * 0.21),
        ]),
    ),
    meters: table(
        ["Meter", "Quantity", "Unit", "Cost", "Currency", "Share, %", "Complete up to"],
        ["inference.tokens", 402117300, "tokens", 1005.29, "EUR", 66.2, complete],
        ["connector.compute", 1811.25, "hours", 235.46, "EUR", 15.5, complete],
        ["storage.bytes", 88213.442, "GB-hours", 145.55, "EUR", 9.6, complete],
        ["api.calls", 1321140, "calls", 132.11, "EUR", 8.7, complete],
        ["handoffs", 186, "hand-offs", null, "EUR", 0, complete],
    ),
    dimension: table(
        ["Value", "Meter", "Quantity", "Unit", "Cost"],
        ["large-2", "inference.tokens", 190500200, "tokens", 701.2],
        ["small-4", "inference.tokens", 190316100, "tokens", 248.88],
        ["embed-1", "inference.tokens", 21301000, "tokens", 55.21],
    ),
    forecast: table(["scope"], ["cost"], ["budget"], ["budget"], ["budget"]),
    month: table(["spent", "forecast", "before", "unit"], [1518.41, 1987.3, 1764.02, "\u00a0EUR"]),
    fullest: table(["share"], [91.2]),
    ends: table(
        [
            "What",
            "So far",
            "Forecast",
            "Range",
            "Limit",
            "Unit",
            "Used, %",
            "Forecast, %",
            "Period before",
            "Ends",
        ],
        [
            "All cost",
            "1518.41",
            "1987.30",
            "1,880.11 to 2,101.77",
            null,
            "EUR",
            null,
            null,
            "1764.02",
            monthEnd,
        ],
        [
            "Tokens, research",
            "182400000",
            "241500000",
            "225,000,000 to 258,000,000",
            "200000000",
            "tokens",
            91.2,
            120.8,
            null,
            monthEnd,
        ],
        [
            "Cost, all",
            "1518.41",
            "1987.30",
            "1,880.11 to 2,101.77",
            "2000.00",
            "EUR",
            75.9,
            99.4,
            null,
            monthEnd,
        ],
        ["Hand-offs a day", "38", "55", "44 to 71", "100", "hand-offs", 38, 55, null, "2026-11-24"],
    ),
    first_steps: noSteps,
};

const dec = (number) => `dec_${id(number).slice(0, 26)}`;
const second = (n) =>
    `2026-11-23 ${two(13 - Math.floor(n / 3))}:${two((53 * (n + 1)) % 60)}:${two((n * 37) % 60)}`;
const verdicts = [
    "block",
    "block",
    "throttle",
    "would block",
    "block",
    "throttle",
    "throttle",
    "would throttle",
];

const budgets = {
    instances: table(["instance"], ["prod"], ["lab"]),
    budgets: table(["budget"], ["Tokens, research"], ["Cost, all"], ["Hand-offs a day"]),
    totals: table(["budgets", "blocked", "throttled", "near", "over"], [6, 1, 1, 1, 2]),
    shares: table(
        ["budget", "used", "forecast"],
        ["Tokens, lab", 100, 131],
        ["Tokens, research", 91.2, 120.8],
        ["Compute, imports", 84.1, 98.7],
        ["Cost, all", 75.9, 99.4],
        ["Hand-offs a day", 38, 55],
        ["Storage", 12.5, 17],
    ),
    states: table(
        [
            "Budget",
            "State",
            "Used",
            "Limit",
            "Unit",
            "Used, %",
            "Forecast",
            "Resets",
            "Override",
            "Whom to ask",
        ],
        [
            "Tokens, lab",
            "blocked",
            "50000000",
            "50000000",
            "tokens",
            100,
            "65500000",
            "2026-12-01 00:00",
            "none",
            "lab-leads@corp.example",
        ],
        [
            "Tokens, research",
            "throttled",
            "182400000",
            "200000000",
            "tokens",
            91.2,
            "241500000",
            "2026-12-01 00:00",
            "+ 20,000,000 until 2026-11-30",
            "finance@corp.example",
        ],
        [
            "Compute, imports",
            "would block",
            "1211",
            "1440",
            "hours",
            84.1,
            "1421",
            "2026-12-01 00:00",
            "none",
            "imports@corp.example",
        ],
        [
            "Cost, all",
            "notice",
            "1518.41",
            "2000.00",
            "EUR",
            75.9,
            "1987.30",
            "2026-12-01 00:00",
            "none",
            "finance@corp.example",
        ],
        [
            "Hand-offs a day",
            "ok",
            "38",
            "100",
            "hand-offs",
            38,
            "55",
            "2026-11-24 00:00",
            "no limit until 2026-11-25",
            "soc-lead@corp.example",
        ],
        [
            "Storage",
            "ok",
            "11025",
            "88200",
            "GB-hours",
            12.5,
            null,
            "2026-12-01 00:00",
            "none",
            "finance@corp.example",
        ],
    ),
    first_steps: noSteps,
    decisions: table(["decision"], ...verdicts.map((_, n) => [dec(n)])),
    refused: table(["refused"], [46]),
    over_time: table(
        ["_time", "block", "throttle", "would block", "would throttle"],
        ...[0, 2, 7, 4, 1, 9, 13, 5].map((blocks, n) => [
            day(16 + n),
            blocks,
            [3, 0, 6, 9, 2, 0, 4, 8][n],
            [0, 0, 0, 2, 5, 0, 1, 0][n],
            [1, 0, 0, 0, 2, 0, 0, 3][n],
        ]),
    ),
    refusals: table(
        ["Time", "Verdict", "Budget", "Meter", "Quantity", "Used", "Limit", "Who", "Decision"],
        ...verdicts.map((verdict, n) => [
            second(n),
            verdict,
            ["Tokens, lab", "Tokens, research", "Hand-offs a day"][n % 3],
            n % 3 === 2 ? "handoffs" : "inference.tokens",
            n % 3 === 2 ? 1 : 4000 + n * 1311,
            n % 3 === 2 ? 100 : 49998000 + n * 17,
            n % 3 === 2 ? 100 : 50000000,
            analysts[n % 5],
            dec(n),
        ]),
    ),
    held: table(
        ["Time", "Analyst", "Title", "What", "Budget", "Whom to ask", "Search head", "Decision"],
        [
            second(2),
            "mara",
            titles[0],
            "blocked",
            "Hand-offs a day",
            "soc-lead@corp.example",
            "sh1",
            dec(2),
        ],
        [
            second(5),
            "zoë",
            titles[2],
            "throttled",
            "Hand-offs a day",
            "soc-lead@corp.example",
            "sh2",
            dec(5),
        ],
        [
            second(8),
            "tomás",
            titles[4],
            "waited 3 s",
            "Hand-offs a day",
            "soc-lead@corp.example",
            "sh1",
            dec(8),
        ],
    ),
    overrides: table(
        ["Asked", "Budget", "Amount", "State", "Until", "Reason", "Asked by", "Approved by"],
        [
            "2026-11-23 09:12",
            "Hand-offs a day",
            "no limit",
            "active",
            "2026-11-25 09:00",
            "Incident 4711: every finding goes out",
            "olga",
            "piotr",
        ],
        [
            "2026-11-22 16:40",
            "Tokens, research",
            "+ 20,000,000 tokens",
            "active",
            "2026-11-30 00:00",
            "Model comparison, agreed with finance",
            "olga",
            null,
        ],
        [
            "2026-11-23 13:20",
            "Tokens, lab",
            "+ 5,000,000 tokens",
            "waiting",
            "2026-11-24 13:00",
            "Training on Tuesday",
            "tomás",
            null,
        ],
        [
            "2026-11-10 08:00",
            "Cost, all",
            "+ 150.00 EUR",
            "expired",
            "2026-11-12 08:00",
            "Migration weekend",
            "olga",
            "piotr",
        ],
    ),
};

const nothing = (rows) =>
    Object.fromEntries(Object.entries(rows).map(([name, {fields}]) => [name, table(fields)]));

export const full = {overview, handoff_audit: audit, health, usage, budgets};

// The first day: no record yet, and the self-test has nothing to test.
export const empty = {
    overview: {
        ...nothing(overview),
        totals: table(overview.totals.fields, [0, 0, 0, 0, 0]),
        first_steps: firstSteps,
    },
    handoff_audit: {
        ...nothing(audit),
        instances: audit.instances,
        totals: table(audit.totals.fields, [0, 0, 0, 0, 0]),
        first_steps: firstSteps,
    },
    usage: {
        ...nothing(usage),
        instances: usage.instances,
        first_steps: usageSteps,
    },
    budgets: {
        ...nothing(budgets),
        instances: budgets.instances,
        totals: table(budgets.totals.fields, [0, 0, 0, 0, 0]),
        refused: table(budgets.refused.fields, [0]),
        first_steps: usageSteps,
    },
    health: {
        ...nothing(health),
        totals: table(health.totals.fields, [0, 0, 0, 0]),
        waiting: table(["waiting"], [0]),
        refusals: table(["refused"], [0]),
        checks: table(health.checks.fields, [
            "default",
            "settings",
            "failed",
            "url is not set",
            "Open Settings and enter address, tenant and API token.",
        ]),
    },
};
