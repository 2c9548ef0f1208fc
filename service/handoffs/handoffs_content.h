/* Entity and relation lines on their way into the graph: one line in memory at a time. */
#ifndef IG_HANDOFFS_CONTENT_H
#define IG_HANDOFFS_CONTENT_H

#include "libs/crypto/hash.h"
#include "service/graph/graph_slice.h"

struct handoffs_content {
    struct graph_slice_merge *merge; /* borrowed; NULL only checks each line by itself */
    struct sha256_state *digest;
    int64_t entities;
    int64_t relations;
    struct arena arena; /* of one line */
};

enum fault_code handoffs_content_init(struct handoffs_content *content,
                                      struct graph_slice_merge *merge,
                                      struct fault *fault) MUST_USE;
void handoffs_content_done(struct handoffs_content *content);

/* Takes in whole lines. A wrong one is named by its number in `lines`, counted from `first_line`.
 */
enum fault_code handoffs_content_add(struct handoffs_content *content, struct str lines,
                                     size_t first_line, struct fault *fault) MUST_USE;

/* The digest of all lines; the content takes no more of them. */
struct sha256 handoffs_content_end(struct handoffs_content *content);

#endif
