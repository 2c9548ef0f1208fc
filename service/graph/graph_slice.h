/* The embedded graph: entities and relations of a tenant, each once across all hand-offs, and what
 * each hand-off saw of them. Tables: service/migrations/0009_graph_order.sql.
 *
 * A hand-off is named by its number within the tenant; who may see it is the caller's question. */
#ifndef IG_GRAPH_SLICE_H
#define IG_GRAPH_SLICE_H

#include <stdint.h>

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store.h"
#include "libs/text/json_write.h"
#include "libs/wire/handoff.h"

enum {
    GRAPH_SLICE_KEY_SIZE = 24,
    GRAPH_SLICE_ENTITIES_MAX = 5000,   /* in one drawing */
    GRAPH_SLICE_RELATIONS_MAX = 50000, /* in one drawing: bounds the reply, whatever is drawn */
    GRAPH_SLICE_PAGE_MAX = 1000,       /* entities on one page of the table */
    GRAPH_SLICE_QUERY_MAX = 256,       /* bytes of a text that is looked for */
};

/* --- merging one hand-off ------------------------------------------------------------------- */

/* What a line says as the store takes it. Whatever can be done without the store is done before
 * the turn to write comes: others wait for the end of it. Texts are in the arena of the call. */
struct graph_slice_entity {
    enum graph_kind kind;
    uint8_t key[GRAPH_SLICE_KEY_SIZE]; /* what makes it one (0009_graph_order.sql) */
    struct str value;
    int64_t count;
    int64_t first_us; /* GRAPH_NO_TIME: none */
    int64_t last_us;
    struct str fields;  /* JSON; "": none */
    struct str samples; /* JSON; "": none */
    uint32_t degree;    /* relations at it, as far as they are known already */
};

struct graph_slice_relation {
    enum graph_relation_type type;
    int64_t from; /* places of the ends among the hand-off's entities */
    int64_t to;
    int64_t count;
    int64_t first_us;
    int64_t last_us;
    struct str samples;
};

/* Values are normal (wire_read_line). FAULT_NO_MEMORY when the arena refuses. */
enum fault_code graph_slice_prepare_entity(struct arena *arena, const struct wire_entity *entity,
                                           struct graph_slice_entity *out,
                                           struct fault *fault) MUST_USE;
enum fault_code graph_slice_prepare_relation(struct arena *arena,
                                             const struct wire_relation *relation,
                                             struct graph_slice_relation *out,
                                             struct fault *fault) MUST_USE;

struct graph_slice_merge; /* under way, within a write transaction of the store */

struct graph_slice_counts {
    int64_t entities_new; /* never named before in this tenant */
    int64_t entities_merged;
    int64_t relations_new;
    int64_t relations_merged;
};

/* `store` has a write transaction open and is borrowed until the merge is freed; on any failure the
 * caller rolls it back. `handoff` is larger than every number merged before for the tenant. */
enum fault_code graph_slice_merge_new(struct store *store, struct str tenant, int64_t handoff,
                                      struct graph_slice_merge **out, struct fault *fault) MUST_USE;
void graph_slice_merge_free(struct graph_slice_merge *taken); /* takes NULL */

/* Counts add up, times widen; the hand-off counts once. A thing that the same hand-off names a
 * second time is FAULT_INPUT: its sender has merged it already. */
enum fault_code graph_slice_merge_entity(struct graph_slice_merge *merge,
                                         const struct graph_slice_entity *entity,
                                         struct fault *fault) MUST_USE;
/* `from` and `to` are below the number of entities merged so far. */
enum fault_code graph_slice_merge_relation(struct graph_slice_merge *merge,
                                           const struct graph_slice_relation *relation,
                                           struct fault *fault) MUST_USE;

/* After the last one: writes the degrees that were not known when their entity came. */
enum fault_code graph_slice_merge_end(struct graph_slice_merge *merge,
                                      struct graph_slice_counts *out, struct fault *fault) MUST_USE;

/* --- reading -------------------------------------------------------------------------------- */

/* Whether the tenant's graph holds the value, which is normal; then its id and the number of the
 * newest hand-off that names it. */
enum fault_code graph_slice_find_entity(struct store *store, struct str tenant,
                                        enum graph_kind kind, struct str value, bool *out_known,
                                        int64_t *out_id, int64_t *out_handoff,
                                        struct fault *fault) MUST_USE;

/* Adds the members "entities", "relations", "total" and "truncated" to the object that is open in
 * `out` (docs/api/openapi.yaml). Over `most` entities: those of highest degree, ties by id, and the
 * relations among them. Run it in a read transaction, so that all of it is of one state. */
enum fault_code graph_slice_put_drawing(struct store *store, struct str tenant, int64_t handoff,
                                        int64_t most, struct json_out *out,
                                        struct fault *fault) MUST_USE;

struct graph_slice_page {
    int64_t after;   /* an entity's id; 0: from the first */
    int64_t most;    /* 1 .. GRAPH_SLICE_PAGE_MAX */
    struct str kind; /* "" is any */
    struct str text; /* in the value, letters of either case; "" is any; at most
                        GRAPH_SLICE_QUERY_MAX bytes */
};

/* Adds "entities", "next" (the text for `after`, or null) and "total" (that the filter lets pass).
 */
enum fault_code graph_slice_put_page(struct store *store, struct str tenant, int64_t handoff,
                                     const struct graph_slice_page *page, struct json_out *out,
                                     struct fault *fault) MUST_USE;

#endif
