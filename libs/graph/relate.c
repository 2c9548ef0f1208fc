#include "libs/graph/relate.h"

#include "libs/graph/family.h"

#define K(kind) GRAPH_KIND_BIT(GRAPH_##kind)
#define R(role) GRAPH_ROLE_BIT(GRAPH_ROLE_##role)

#define NODES  (K(IP) | K(HOST) | K(DOMAIN)) /* what takes part in a network */
#define HASHES (K(MD5) | K(SHA1) | K(SHA256) | K(SHA512))

/* People log on to machines: a named one, or an address inside of the own networks. A row of a
 * firewall has the same roles as one of a logon, and its user did not log on to the internet. */
#define MACHINES (K(HOST) | GRAPH_INSIDE_BIT)

/* What lies on a machine. */
#define STORED (R(FILE) | R(MODULE) | R(HASH) | R(REGISTRY))

/* Signs that the row is not about a logon. */
#define NOT_A_LOGON                                                                                \
    (R(PROCESS) | R(PARENT_PROCESS) | R(URL) | R(QUERY) | R(FILE) | R(MODULE) | R(HASH) |          \
     R(REGISTRY) | R(SENDER) | R(RECIPIENT) | R(VULNERABILITY))

/* A rule claims no more than the row shows. Where the same roles mean two things, `needs` and
 * `unless` tell them apart:
 * - With a source in the row, the destination is the far end of a connection; without one it is, as
 *   in CIM's Endpoint models, the machine on which all happened.
 * - The device is that machine where no destination is, or where the destination is the far end.
 * - A hash is the file's, or the loaded library's, if the row has one; else the program's. */
static const struct graph_rule rules[] = {
    /* the network */
    {GRAPH_CONNECTS_TO, R(SRC), NODES, R(DEST), NODES, 0, 0, false},
    {GRAPH_CONNECTS_TO, R(PROCESS), K(PROCESS), R(DEST), NODES, R(SRC), 0, false},
    {GRAPH_QUERIES, R(SRC), NODES, R(QUERY), NODES, 0, 0, false},
    {GRAPH_QUERIES, R(DEVICE), NODES, R(QUERY), NODES, R(PROCESS), R(SRC), false},
    {GRAPH_QUERIES, R(PROCESS), K(PROCESS), R(QUERY), NODES, 0, 0, false},
    {GRAPH_RESOLVES_TO, R(QUERY), K(DOMAIN) | K(HOST), R(ANSWER), NODES, 0, 0, false},
    {GRAPH_REQUESTS, R(SRC), NODES, R(URL), K(URL), 0, R(SENDER), false},
    {GRAPH_REQUESTS, R(USER) | R(SRC_USER), K(USER), R(URL), K(URL), 0, R(SENDER), false},
    {GRAPH_USES, R(SRC), NODES, R(CLIENT_TRAIT), K(JA3) | K(CERTIFICATE), 0, 0, false},
    {GRAPH_PRESENTS, R(DEST), NODES, R(SERVER_TRAIT), K(JA3S) | K(CERTIFICATE), 0, 0, false},
    /* behind a router, a hardware address is the router's: that of a far end says nothing of it */
    {GRAPH_USES, R(SRC), MACHINES, R(CLIENT_TRAIT), K(MAC), 0, 0, false},
    {GRAPH_USES, R(DEST), MACHINES, R(SERVER_TRAIT), K(MAC), 0, R(SRC), false},
    /* one machine told by name and by address; of two names it is not known whose the address is */
    {GRAPH_HAS_ADDRESS, R(SRC), K(HOST), R(SRC), K(IP), 0, 0, true},
    {GRAPH_HAS_ADDRESS, R(DEST), K(HOST), R(DEST), K(IP), 0, 0, true},
    {GRAPH_HAS_ADDRESS, R(DEVICE), K(HOST), R(DEVICE), K(IP) | K(MAC), 0, 0, true},
    /* people */
    {GRAPH_LOGS_ON_TO, R(USER), K(USER), R(DEST), MACHINES, 0, NOT_A_LOGON, false},
    {GRAPH_LOGS_ON_TO, R(USER), K(USER), R(DEVICE), MACHINES, 0, NOT_A_LOGON | R(DEST), false},
    /* beside a user, src_user is who caused the event, wherever from; alone, it is who sits there
     */
    {GRAPH_LOGS_ON_TO, R(SRC_USER), K(USER), R(SRC), MACHINES, 0, NOT_A_LOGON | R(USER), false},
    {GRAPH_RUNS, R(USER), K(USER), R(PROCESS), K(PROCESS), 0, 0, false},
    {GRAPH_RUNS, R(SRC_USER), K(USER), R(PROCESS), K(PROCESS), 0, R(USER), false},
    /* the machine */
    {GRAPH_STARTS, R(PARENT_PROCESS), K(PROCESS), R(PROCESS), K(PROCESS), 0, 0, false},
    {GRAPH_RUNS_ON, R(PROCESS), K(PROCESS), R(DEST), NODES, 0, R(SRC), false},
    {GRAPH_RUNS_ON, R(PROCESS), K(PROCESS), R(DEVICE), NODES, 0, R(DEST), false},
    {GRAPH_RUNS_ON, R(PROCESS), K(PROCESS), R(DEVICE), NODES, R(SRC), 0, false},
    {GRAPH_WRITES, R(PROCESS), K(PROCESS), R(FILE) | R(REGISTRY), K(FILE) | K(REGISTRY_KEY), 0, 0,
     false},
    {GRAPH_WRITES, R(PROCESS), K(PROCESS), R(HASH), HASHES, R(FILE), 0, false},
    {GRAPH_USES, R(PROCESS), K(PROCESS), R(MODULE), K(FILE), 0, 0, false},
    {GRAPH_HAS_HASH, R(FILE) | R(MODULE), K(FILE), R(HASH), HASHES, 0, 0, false},
    {GRAPH_HAS_HASH, R(PROCESS), K(PROCESS), R(HASH), HASHES, 0, R(FILE) | R(MODULE), false},
    {GRAPH_FOUND_ON, STORED, K(FILE) | K(REGISTRY_KEY) | HASHES, R(DEST), NODES, 0,
     R(SRC) | R(SENDER), false},
    {GRAPH_FOUND_ON, STORED, K(FILE) | K(REGISTRY_KEY) | HASHES, R(DEVICE), NODES, 0,
     R(SRC) | R(DEST) | R(SENDER), false},
    /* a file seen on its way is at both ends */
    {GRAPH_FOUND_ON, R(FILE) | R(HASH), K(FILE) | HASHES, R(SRC) | R(DEST), NODES, R(SRC),
     R(PROCESS) | R(SENDER), false},
    /* mail */
    {GRAPH_SENDS_MAIL_TO, R(SENDER), K(EMAIL), R(RECIPIENT), K(EMAIL), 0, 0, false},
    {GRAPH_CONTAINS, R(SENDER), K(EMAIL), R(URL) | R(HASH), K(URL) | HASHES, 0, 0, false},
    /* an attack that names a CVE does not show that the target has it: only rows without a source,
     * as scanners write them, do */
    {GRAPH_AFFECTED_BY, R(DEST), NODES, R(VULNERABILITY), K(CVE), 0, R(SRC), false},
    {GRAPH_AFFECTED_BY, R(DEVICE), NODES, R(VULNERABILITY), K(CVE), 0, R(SRC) | R(DEST), false},
};

_Static_assert(sizeof rules / sizeof rules[0] <= GRAPH_RULES_MAX, "GRAPH_RULES_MAX is too small");

const struct graph_rule *graph_rules(size_t *out_count)
{
    *out_count = sizeof rules / sizeof rules[0];
    return rules;
}

size_t graph_rules_pick(uint32_t roles, const struct graph_rule *out_rules[GRAPH_RULES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct graph_rule *rule = &rules[i];
        if ((rule->from_roles & roles) != 0 && (rule->to_roles & roles) != 0 &&
            (rule->needs == 0 || (rule->needs & roles) != 0) && (rule->unless & roles) == 0)
            out_rules[count++] = rule;
    }
    return count;
}

uint32_t graph_kind_bits(enum graph_kind kind, struct str value)
{
    uint32_t bits = GRAPH_KIND_BIT(kind);
    if (kind == GRAPH_IP && graph_ip_is_inside(value))
        bits |= GRAPH_INSIDE_BIT;
    return bits;
}

static bool is_path_end(struct str brief, struct str full)
{
    if (full.len <= brief.len || !str_ends(full, brief))
        return false;
    char before = full.ptr[full.len - brief.len - 1];
    return (before == '/' || before == '\\') && str_find_byte(brief, before) == brief.len;
}

bool graph_is_brief(enum graph_kind brief_kind, struct str brief, enum graph_kind full_kind,
                    struct str full)
{
    bool starts = full.len > brief.len && str_starts(full, brief);
    switch (brief_kind) {
    case GRAPH_PROCESS:
    case GRAPH_FILE:
        return full_kind == brief_kind && is_path_end(brief, full);
    case GRAPH_USER:
        return full_kind == GRAPH_USER && starts && full.ptr[brief.len] == '@';
    case GRAPH_HOST:
        return (full_kind == GRAPH_HOST || full_kind == GRAPH_DOMAIN) && starts &&
               full.ptr[brief.len] == '.';
    default:
        return false;
    }
}
