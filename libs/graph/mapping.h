/* Which field names hold what: the lookup intelgraph_fields.csv, `field,kind,role`.
 *
 * The role says what the field's subject does in the event (src, dest, user, process ...);
 * relations follow from roles (relate.c). Field names are matched exactly, as Splunk does. */
#ifndef IG_GRAPH_MAPPING_H
#define IG_GRAPH_MAPPING_H

#include "libs/core/fault.h"
#include "libs/graph/normalise.h"

enum graph_role {
    GRAPH_ROLE_NONE, /* an entity, no relations */
    GRAPH_ROLE_SRC,
    GRAPH_ROLE_DEST,
    GRAPH_ROLE_DEVICE,   /* the machine the event happened on or that saw it: dvc, ComputerName */
    GRAPH_ROLE_REPORTER, /* the machine that wrote the event (`host`): stands in for no device */
    GRAPH_ROLE_USER,
    GRAPH_ROLE_SRC_USER,
    GRAPH_ROLE_PROCESS,
    GRAPH_ROLE_PARENT_PROCESS,
    GRAPH_ROLE_FILE,
    GRAPH_ROLE_MODULE, /* a file that the process loaded, and whose hash the event tells */
    GRAPH_ROLE_HASH,
    GRAPH_ROLE_URL,
    GRAPH_ROLE_QUERY,
    GRAPH_ROLE_ANSWER,
    GRAPH_ROLE_SENDER,
    GRAPH_ROLE_RECIPIENT,
    GRAPH_ROLE_CLIENT_TRAIT, /* ja3, client certificate, src mac: belongs to src */
    GRAPH_ROLE_SERVER_TRAIT, /* ja3s, server certificate: belongs to dest */
    GRAPH_ROLE_REGISTRY,
    GRAPH_ROLE_VULNERABILITY,
    GRAPH_ROLE_COUNT
};

enum { GRAPH_FIELDS_MAX = 1024, GRAPH_FIELD_NAME_MAX = 128 };

struct graph_field {
    struct str name;
    int type; /* enum graph_kind or enum graph_type */
    enum graph_role role;
};

struct graph_mapping;

const char *graph_role_name(enum graph_role role); /* "none", "src", "parent-process" ... */

/* Reads the lookup's text: a header with the columns field, kind and role in any order (others are
 * passed over), then a line a field. The role may be empty for none. A wrong line is FAULT_INPUT
 * with its number, the column and what is known ("line 7: kind \"ipp\" is not known; did you mean
 * \"ip\"?"). A later line for the same field replaces an earlier one. Kind "ignore" takes a field
 * out. `#` begins a comment line. */
enum fault_code graph_mapping_read(struct str csv, struct graph_mapping **out,
                                   struct fault *fault) MUST_USE;
void graph_mapping_free(struct graph_mapping *taken);

/* The shipped table, compiled in, for the time the app has no lookup file. */
struct str graph_mapping_default(void);

size_t graph_mapping_count(const struct graph_mapping *mapping);
const struct graph_field *graph_mapping_at(const struct graph_mapping *mapping, size_t index);
/* NULL when the field is not mapped. */
const struct graph_field *graph_mapping_find(const struct graph_mapping *mapping, struct str name);

#endif
