#include "libs/graph/kind.h"

static const struct graph_kind_info kinds[GRAPH_KIND_COUNT] = {
    [GRAPH_IP] = {"ip", "IP address", "ipv4-addr"},
    [GRAPH_DOMAIN] = {"domain", "Domain", "domain-name"},
    [GRAPH_URL] = {"url", "URL", "url"},
    [GRAPH_EMAIL] = {"email", "Email address", "email-addr"},
    [GRAPH_USER] = {"user", "User", "user-account"},
    [GRAPH_HOST] = {"host", "Host", "infrastructure"},
    [GRAPH_PROCESS] = {"process", "Process", "process"},
    [GRAPH_FILE] = {"file", "File", "file"},
    [GRAPH_MD5] = {"md5", "MD5 hash", "file"},
    [GRAPH_SHA1] = {"sha1", "SHA-1 hash", "file"},
    [GRAPH_SHA256] = {"sha256", "SHA-256 hash", "file"},
    [GRAPH_SHA512] = {"sha512", "SHA-512 hash", "file"},
    [GRAPH_CVE] = {"cve", "Vulnerability", "vulnerability"},
    [GRAPH_REGISTRY_KEY] = {"registry-key", "Registry key", "windows-registry-key"},
    [GRAPH_JA3] = {"ja3", "JA3 fingerprint", "network-traffic"},
    [GRAPH_JA3S] = {"ja3s", "JA3S fingerprint", "network-traffic"},
    [GRAPH_CERTIFICATE] = {"certificate", "Certificate", "x509-certificate"},
    [GRAPH_MAC] = {"mac", "MAC address", "mac-addr"},
    [GRAPH_MASKED] = {"masked", "Masked value", "x-intelgraph-masked"},
};

static const char *const relations[GRAPH_RELATION_TYPE_COUNT] = {
    [GRAPH_CONNECTS_TO] = "connects-to",
    [GRAPH_RESOLVES_TO] = "resolves-to",
    [GRAPH_QUERIES] = "queries",
    [GRAPH_REQUESTS] = "requests",
    [GRAPH_HOSTED_ON] = "hosted-on",
    [GRAPH_LOGS_ON_TO] = "logs-on-to",
    [GRAPH_RUNS] = "runs",
    [GRAPH_RUNS_ON] = "runs-on",
    [GRAPH_STARTS] = "starts",
    [GRAPH_WRITES] = "writes",
    [GRAPH_HAS_HASH] = "has-hash",
    [GRAPH_FOUND_ON] = "found-on",
    [GRAPH_SENDS_MAIL_TO] = "sends-mail-to",
    [GRAPH_CONTAINS] = "contains",
    [GRAPH_USES] = "uses",
    [GRAPH_PRESENTS] = "presents",
    [GRAPH_HAS_ADDRESS] = "has-address",
    [GRAPH_AFFECTED_BY] = "affected-by",
};

const struct graph_kind_info *graph_kind_info(enum graph_kind kind)
{
    return &kinds[kind];
}

bool graph_kind_of_name(struct str name, enum graph_kind *out_kind)
{
    for (int i = 0; i < GRAPH_KIND_COUNT; i++) {
        if (str_equal(name, str_of(kinds[i].name))) {
            *out_kind = (enum graph_kind)i;
            return true;
        }
    }
    return false;
}

const char *graph_kind_stix(enum graph_kind kind, struct str value)
{
    if (kind == GRAPH_IP && str_find_byte(value, ':') < value.len)
        return "ipv6-addr";
    return kinds[kind].stix;
}

const char *graph_relation_name(enum graph_relation_type type)
{
    return relations[type];
}

bool graph_relation_of_name(struct str name, enum graph_relation_type *out_type)
{
    for (int i = 0; i < GRAPH_RELATION_TYPE_COUNT; i++) {
        if (str_equal(name, str_of(relations[i]))) {
            *out_type = (enum graph_relation_type)i;
            return true;
        }
    }
    return false;
}
