/* Which relations one row shows: a table of rules over the roles in it. For this room only. */
#ifndef IG_GRAPH_RELATE_H
#define IG_GRAPH_RELATE_H

#include "libs/graph/mapping.h"

/* Bits of what an entity is: its kind, and for an ip whether it is an inside one (ip.c). */
#define GRAPH_KIND_BIT(kind) (UINT32_C(1) << (kind))
#define GRAPH_INSIDE_BIT     (UINT32_C(1) << GRAPH_KIND_COUNT)
#define GRAPH_ROLE_BIT(role) (UINT32_C(1) << (role))

struct graph_rule {
    enum graph_relation_type type;
    uint32_t from_roles; /* each value of these roles ... */
    uint32_t from_kinds; /* ... that is one of these */
    uint32_t to_roles;   /* is related to each value of these roles ... */
    uint32_t to_kinds;   /* ... that is one of these */
    uint32_t needs;      /* only if one of these roles is in the row (0: no condition) */
    uint32_t unless;     /* not if one of these is */
    bool one_from;       /* not if more than one value could be the `from` */
};

enum { GRAPH_RULES_MAX = 64 };

/* Picks the rules that a row with these roles can meet; their order is the table's. */
size_t graph_rules_pick(uint32_t roles, const struct graph_rule *out_rules[GRAPH_RULES_MAX]);

/* The whole table, for tests and documents. */
const struct graph_rule *graph_rules(size_t *out_count);

uint32_t graph_kind_bits(enum graph_kind kind, struct str value);

/* Whether `brief` is a shorter spelling of what `full` names, as rows often hold both: `cmd.exe`
 * and `c:\windows\cmd.exe`, `alice` and `alice@corp`, `web01` and `web01.example.org`. */
bool graph_is_brief(enum graph_kind brief_kind, struct str brief, enum graph_kind full_kind,
                    struct str full);

#endif
