/* What there can be in the graph: kinds of entities and types of relations, each with its names. */
#ifndef IG_GRAPH_KIND_H
#define IG_GRAPH_KIND_H

#include <stdbool.h>

#include "libs/core/str.h"

enum graph_kind {
    GRAPH_IP,
    GRAPH_DOMAIN,
    GRAPH_URL,
    GRAPH_EMAIL,
    GRAPH_USER,
    GRAPH_HOST,
    GRAPH_PROCESS,
    GRAPH_FILE, /* a path or file name */
    GRAPH_MD5,
    GRAPH_SHA1,
    GRAPH_SHA256,
    GRAPH_SHA512,
    GRAPH_CVE,
    GRAPH_REGISTRY_KEY,
    GRAPH_JA3,
    GRAPH_JA3S,
    GRAPH_CERTIFICATE, /* by fingerprint or serial */
    GRAPH_MAC,
    GRAPH_MASKED, /* what stands for a value that its owner keeps: masked.h */
    GRAPH_KIND_COUNT
};

struct graph_kind_info {
    const char *name;  /* on the wire and in the lookup: "ip", "registry-key" */
    const char *label; /* for people: "IP address" */
    const char *stix;  /* the STIX 2.1 object type it stands for: "ipv4-addr" is chosen by value */
};

const struct graph_kind_info *graph_kind_info(enum graph_kind kind);
bool graph_kind_of_name(struct str name, enum graph_kind *out_kind);

/* The STIX 2.1 object type of one entity: as graph_kind_info says, but "ipv6-addr" for an IPv6 one.
 */
const char *graph_kind_stix(enum graph_kind kind, struct str value);

enum graph_relation_type {
    GRAPH_CONNECTS_TO,   /* ip|host|domain|process -> ip|host|domain */
    GRAPH_RESOLVES_TO,   /* domain|host -> ip|domain|host */
    GRAPH_QUERIES,       /* ip|host|domain|process -> domain|host|ip */
    GRAPH_REQUESTS,      /* ip|host|domain|user -> url */
    GRAPH_HOSTED_ON,     /* url -> ip|host|domain */
    GRAPH_LOGS_ON_TO,    /* user -> host|ip */
    GRAPH_RUNS,          /* user -> process */
    GRAPH_RUNS_ON,       /* process -> host|ip|domain */
    GRAPH_STARTS,        /* process (parent) -> process */
    GRAPH_WRITES,        /* process -> file|hash|registry-key */
    GRAPH_HAS_HASH,      /* file|process -> hash */
    GRAPH_FOUND_ON,      /* file|hash|registry-key -> host|ip|domain */
    GRAPH_SENDS_MAIL_TO, /* email -> email */
    GRAPH_CONTAINS,      /* email -> url|hash */
    GRAPH_USES,          /* ip|host|domain -> ja3|certificate|mac; process -> file (a library) */
    GRAPH_PRESENTS,      /* ip|host|domain (server) -> certificate|ja3s */
    GRAPH_HAS_ADDRESS,   /* host -> ip|mac */
    GRAPH_AFFECTED_BY,   /* host|ip|domain -> cve */
    GRAPH_RELATION_TYPE_COUNT
};

const char *graph_relation_name(enum graph_relation_type type); /* "connects-to" */
bool graph_relation_of_name(struct str name, enum graph_relation_type *out_type);

#endif
