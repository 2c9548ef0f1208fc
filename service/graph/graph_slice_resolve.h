/* One thing of a hand-off against what the tenant's graph holds: within this folder only. */
#ifndef IG_GRAPH_SLICE_RESOLVE_H
#define IG_GRAPH_SLICE_RESOLVE_H

#include "service/graph/graph_slice.h"

/* Whose graph, and for which hand-off. */
struct graph_slice_scope {
    struct store *store; /* with a write transaction open */
    struct str tenant;
    int64_t handoff;
};

/* Inserts or widens the entity; a new one gets `new_id`. *out_earlier: hand-offs that had named it.
 */
enum fault_code graph_slice_resolve_entity(const struct graph_slice_scope *scope,
                                           const struct graph_slice_entity *entity, int64_t new_id,
                                           int64_t *out_id, int64_t *out_earlier,
                                           struct fault *fault) MUST_USE;

/* The same for a relation between two entities' ids. `is_new`: one of them came with this hand-off,
 * so that nobody can have named the relation before and it is not looked for. */
enum fault_code graph_slice_resolve_relation(const struct graph_slice_scope *scope,
                                             const struct graph_slice_relation *relation,
                                             int64_t from_id, int64_t to_id, bool is_new,
                                             int64_t *out_earlier, struct fault *fault) MUST_USE;

/* What makes an entity one within a tenant (0009_graph_order.sql). */
void graph_slice_write_key(enum graph_kind kind, struct str value,
                           uint8_t out[GRAPH_SLICE_KEY_SIZE]);

/* GRAPH_NO_TIME is NULL in the store. */
void graph_slice_bind_time(struct statement *statement, int place, int64_t time_us);

#endif
