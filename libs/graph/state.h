/* What a graph is made of. For this room only: graph.c holds entities and relations, row.c makes
 * rows into them. */
#ifndef IG_GRAPH_STATE_H
#define IG_GRAPH_STATE_H

#include "libs/core/arena.h"
#include "libs/graph/graph.h"
#include "libs/graph/index.h"
#include "libs/graph/memo.h"
#include "libs/graph/relate.h"

#define GRAPH_NO_PLACE UINT32_MAX /* not in the graph */
#define GRAPH_HOST_UNKNOWN                                                                         \
    (UINT32_MAX - 1) /* the entity of a URL's host was not looked for yet                          \
                      */

struct node {
    struct graph_entity entity;
    uint64_t hash;
    uint64_t row;   /* the last row that named it, counted from 1 */
    uint32_t roles; /* in that row */
    uint32_t kinds; /* graph_kind_bits */
    uint32_t host;  /* of a URL: its host's place, GRAPH_NO_PLACE or GRAPH_HOST_UNKNOWN */
};

struct link {
    struct graph_relation relation;
    uint64_t row;
};

/* A value of the row at hand. */
struct row_value {
    struct str raw;
    uint64_t hash;  /* of the normal form */
    uint32_t kinds; /* graph_kind_bits */
    uint32_t place; /* GRAPH_NO_PLACE while, or because, it is not in the graph */
    uint32_t next;  /* the next one of its role, or GRAPH_NO_PLACE */
    uint16_t field;
    uint8_t role;
    uint8_t kind;
    bool masked;  /* `raw` is the normal form itself */
    bool dropped; /* a shorter spelling, or there already in this role */
};

struct graph {
    const struct graph_mapping *mapping;
    struct graph_limits limits;
    struct graph_counts counts;
    uint64_t seed;
    struct arena texts; /* values and samples' references */
    struct graph_memo *memo;
    const struct graph_mask *mask; /* NULL: none */

    struct node *nodes;
    uint32_t node_room;
    struct graph_index node_index;
    struct link *links;
    uint32_t link_room;
    struct graph_index link_index;

    /* the row at hand */
    uint64_t row; /* counted from 1 */
    struct graph_sample event;
    struct graph_row_counts row_counts;
    struct str ref_copy; /* of event.ref, made when the first sample of the row needs it */
    struct row_value *values;
    uint32_t value_count;
    uint32_t value_room;
    uint32_t roles;                   /* that the row's values have */
    uint32_t first[GRAPH_ROLE_COUNT]; /* lists of values by role; set where `roles` has the bit */
    uint32_t last[GRAPH_ROLE_COUNT];
    uint32_t named_roles; /* roles with a value that may have a shorter or longer spelling */
    uint32_t brief_roles; /* roles with two of them */

    /* the rules for rows with the roles of the last one */
    uint32_t rules_roles;
    size_t rule_count;
    const struct graph_rule *rules[GRAPH_RULES_MAX];
};

enum fault_code graph_no_memory(struct fault *fault);
/* Doubles an array up to `limit` elements; false when memory is refused, it being as before. */
bool graph_grow(void **array, uint32_t *room, size_t size, uint32_t limit);

static inline bool graph_is_full(const struct graph *graph)
{
    return graph->node_index.count >= graph->limits.entities;
}

uint64_t graph_node_hash(const struct graph *graph, enum graph_kind kind, struct str value);
uint32_t graph_node_find(const struct graph *graph, enum graph_kind kind, struct str value,
                         uint64_t hash);
/* Finds the entity or makes it; *out is GRAPH_NO_PLACE when the graph is full. */
enum fault_code graph_node_intern(struct graph *graph, enum graph_kind kind, struct str value,
                                  uint32_t *out, struct fault *fault) MUST_USE;
/* Counts the entity for this row, once however often the row names it. */
enum fault_code graph_node_see(struct graph *graph, uint32_t place, uint16_t field,
                               struct fault *fault) MUST_USE;
/* Counts the relation for this row, once however many rules show it. */
enum fault_code graph_link_see(struct graph *graph, enum graph_relation_type type, uint32_t from,
                               uint32_t to, struct fault *fault) MUST_USE;

#endif
