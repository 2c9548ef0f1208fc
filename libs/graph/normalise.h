/* One value, one spelling: what makes two texts the same entity. */
#ifndef IG_GRAPH_NORMALISE_H
#define IG_GRAPH_NORMALISE_H

#include "libs/graph/kind.h"

enum { GRAPH_VALUE_MAX = 2048 }; /* bytes of a normalised value */

enum graph_verdict {
    GRAPH_VALUE_GOOD,
    GRAPH_VALUE_PLACEHOLDER, /* "-", "N/A", "unknown", "(null)" ... : no information */
    GRAPH_VALUE_INVALID,     /* not of this kind */
    GRAPH_VALUE_TOO_LONG,
};

/* What a field may hold. The kinds themselves, and some that the value decides. */
enum graph_type {
    /* An ip, else a name of either side (`dest`, `src`). A name without a dot, or under a suffix
     * that exists only inside of networks (.local, .lan, .corp ...), is a host; any other is a
     * domain, so that it meets the same name in DNS, TLS and URLs. */
    GRAPH_TYPE_ADDRESS = GRAPH_KIND_COUNT,
    GRAPH_TYPE_NAME,      /* an ip, else a domain; without a dot a host (DNS, server names) */
    GRAPH_TYPE_DEVICE,    /* an ip, else a host, with or without dots (`host`, `ComputerName`) */
    GRAPH_TYPE_HASH,      /* md5, sha1, sha256 or sha512 by length */
    GRAPH_TYPE_COMMAND,   /* a command line: the process is its program, arguments are not kept */
    GRAPH_TYPE_PRINCIPAL, /* a Kerberos name `user/REALM` or `user@REALM`, else an ip (`client`) */
    GRAPH_TYPE_COUNT
};

const char *graph_type_name(int type); /* kind's name, "address", "name", "device", "hash" ... */
bool graph_type_of_name(struct str name, int *out_type);

struct graph_value {
    enum graph_kind kind;
    size_t len;
    char text[GRAPH_VALUE_MAX + 1];
};

/* Reads `raw` as `type` (an enum graph_kind or graph_type). Pure. `out` is set only when good. */
enum graph_verdict graph_normalise(int type, struct str raw, struct graph_value *out);

/* Whether `value` is the normal form of itself for `kind`: what a receiver checks. */
bool graph_is_normal(enum graph_kind kind, struct str value);

#endif
