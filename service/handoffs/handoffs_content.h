/* Entity and relation lines on their way into the graph. A batch of them (a request's, or a part's)
 * is read and checked without the store; merging it is all that others must wait for. */
#ifndef IG_HANDOFFS_CONTENT_H
#define IG_HANDOFFS_CONTENT_H

#include "libs/crypto/hash.h"
#include "service/graph/graph_slice.h"

struct handoffs_entity {
    struct graph_slice_entity entity;
    size_t line; /* for faults */
};

struct handoffs_relation {
    struct graph_slice_relation relation;
    size_t line;
};

struct handoffs_content {
    bool alone; /* a part by itself: entities of earlier parts are not known */
    struct sha256_state *digest;
    int64_t entities; /* of all batches */
    int64_t relations;
    struct arena line_arena;
    struct arena batch_arena;
    struct handoffs_entity *batch_entities;
    size_t batch_entity_count;
    size_t batch_entity_room;
    struct handoffs_relation *batch_relations;
    size_t batch_relation_count;
    size_t batch_relation_room;
};

enum fault_code handoffs_content_init(struct handoffs_content *content,
                                      struct fault *fault) MUST_USE;
void handoffs_content_done(struct handoffs_content *content);

/* Takes in whole lines, at most WIRE_PART_MAX bytes, in place of the batch before. A wrong line is
 * named by its number in `lines`, counted from `first_line`. Takes at most some four times their
 * size in memory until the next batch. */
enum fault_code handoffs_content_add(struct handoffs_content *content, struct str lines,
                                     size_t first_line, struct fault *fault) MUST_USE;

/* Merges the batch. The content is not changed: it may be merged again after a rollback. */
enum fault_code handoffs_content_merge(const struct handoffs_content *content,
                                       struct graph_slice_merge *merge,
                                       struct fault *fault) MUST_USE;

/* The digest of all lines; the content takes no more of them. */
struct sha256 handoffs_content_end(struct handoffs_content *content);

#endif
