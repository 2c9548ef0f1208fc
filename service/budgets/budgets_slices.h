/* What processes hold of budgets, in the store: the authority behind every decision. Tables of
 * service/migrations/0010_budgets.sql; writers run within the caller's transaction. */
#ifndef IG_BUDGETS_SLICES_H
#define IG_BUDGETS_SLICES_H

#include <stdint.h>

#include "libs/store/store.h"

enum { BUDGETS_SECRET_SIZE = 32 };

/* --- processes ------------------------------------------------------------------------------ */

/* A new process' number; none is ever given twice. */
enum fault_code budgets_node_register(struct store *store, int64_t grace_s, int64_t now_us,
                                      int64_t *out, struct fault *fault) MUST_USE;
/* Beats. *out_alive is false when others have taken this process for dead. */
enum fault_code budgets_node_beat(struct store *store, int64_t node, bool *out_alive,
                                  struct fault *fault) MUST_USE;
/* Beats, and tells for how long its reservations may live from now on. */
enum fault_code budgets_node_tell(struct store *store, int64_t node, int64_t grace_s,
                                  bool *out_alive, struct fault *fault) MUST_USE;
enum fault_code budgets_node_is_there(struct store *store, int64_t node, bool *out,
                                      struct fault *fault) MUST_USE;
/* Takes a dead process and all it held away, unless it has beaten since. */
enum fault_code budgets_node_remove(struct store *store, int64_t node, int64_t beat,
                                    bool *out_removed, struct fault *fault) MUST_USE;

struct budgets_node {
    int64_t node;
    int64_t beat;
    int64_t grace_s;
};
enum { BUDGETS_NODES_MAX = 256 };
/* By number, at most BUDGETS_NODES_MAX. */
enum fault_code budgets_node_list(struct store *store, struct budgets_node *out, size_t *out_count,
                                  struct fault *fault) MUST_USE;

/* --- slices --------------------------------------------------------------------------------- */

struct budgets_slice_key {
    struct str tenant;
    struct str budget;
    int64_t period_from_us;
};

struct budgets_slice {
    int64_t node;
    int64_t held;
    int64_t reserved; /* as its process has last told */
};

/* What all processes have a claim to, however many there are or were. */
struct budgets_claims {
    __int128 all;      /* held, or reserved where that is more; of the process itself: held */
    __int128 reserved; /* by the others, as they have last told */
};
/* As the process `node` sees it; 0: as one that is none of them. */
enum fault_code budgets_slice_claims(struct store *store, const struct budgets_slice_key *key,
                                     int64_t node, struct budgets_claims *out,
                                     struct fault *fault) MUST_USE;
/* Adds to what the process holds; below 0 takes away. *out_there: of one that is not there nothing
 * is taken away. */
enum fault_code budgets_slice_add(struct store *store, const struct budgets_slice_key *key,
                                  int64_t node, int64_t held, bool *out_there,
                                  struct fault *fault) MUST_USE;
/* Takes `back` away from what the process holds and tells what it has reserved. A row of nothing
 * goes. */
enum fault_code budgets_slice_give(struct store *store, const struct budgets_slice_key *key,
                                   int64_t node, int64_t back, int64_t reserved,
                                   struct fault *fault) MUST_USE;
/* Sets it as it is; held and reserved 0 removes the row. */
enum fault_code budgets_slice_set(struct store *store, const struct budgets_slice_key *key,
                                  const struct budgets_slice *slice, struct fault *fault) MUST_USE;
/* Asks all other processes that hold something of it for what they do not need. */
enum fault_code budgets_slice_recall(struct store *store, const struct budgets_slice_key *key,
                                     int64_t node, struct fault *fault) MUST_USE;
/* Each budget of which the process is asked to give back. */
typedef void budgets_slice_visit(void *context, const struct budgets_slice_key *key);
enum fault_code budgets_slice_recalled(struct store *store, int64_t node,
                                       budgets_slice_visit *visit, void *context,
                                       struct fault *fault) MUST_USE;

/* What is reserved of the budget in all processes, as of their last word, at most INT64_MAX. */
enum fault_code budgets_slice_reserved(struct store *store, struct str tenant, struct str budget,
                                       int64_t period_from_us, int64_t *out,
                                       struct fault *fault) MUST_USE;

/* --- reservations that have ended ----------------------------------------------------------- */

struct budgets_settled_row {
    int64_t node;
    int64_t number;
    int64_t quantity;
};

/* *out_new is false when it was settled before: *out_quantity says with how much. */
enum fault_code budgets_settled_put(struct store *store, struct str tenant,
                                    const struct budgets_settled_row *row, int64_t now_us,
                                    bool *out_new, int64_t *out_quantity,
                                    struct fault *fault) MUST_USE;
enum fault_code budgets_settled_find(struct store *store, struct str tenant, int64_t node,
                                     int64_t number, bool *out_found, int64_t *out_quantity,
                                     struct fault *fault) MUST_USE;

/* Tells the process that gave it. Nothing is told to one that is gone. */
enum fault_code budgets_ended_put(struct store *store, struct str tenant, int64_t node,
                                  int64_t number, bool settled, struct fault *fault) MUST_USE;
struct budgets_ended {
    struct str tenant;
    int64_t number;
    bool settled;
};
typedef enum fault_code budgets_ended_visit(void *context, const struct budgets_ended *ended,
                                            struct fault *fault);
/* At most `most` of them; texts live for the visit. */
enum fault_code budgets_ended_each(struct store *store, int64_t node, int64_t most,
                                   budgets_ended_visit *visit, void *context,
                                   struct fault *fault) MUST_USE;
enum fault_code budgets_ended_remove(struct store *store, int64_t node, struct str tenant,
                                     int64_t number, struct fault *fault) MUST_USE;

/* --- the key of reservations' names --------------------------------------------------------- */

/* Made when there is none. */
enum fault_code budgets_key_find(struct store *store, uint8_t out[BUDGETS_SECRET_SIZE],
                                 struct fault *fault) MUST_USE;

#endif
