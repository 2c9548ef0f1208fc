/* Thresholds: when they count as crossed and as cleared, and telling of it once.
 *
 * "percent" and "absolute" look at what is used, "forecast" at where the period is going. What is
 * reserved is not used yet. A threshold that was crossed is cleared again when the share has fallen
 * 2 points below it, a forecast 5 points, an absolute one 2 % of itself (for small ones half of the
 * threshold): a share that plays around it is told once, not at each turn. In a new period nothing
 * is crossed, and no notice says so. */
#ifndef IG_BUDGETS_THRESHOLD_H
#define IG_BUDGETS_THRESHOLD_H

#include "service/budgets/budgets_admin_state.h"

enum budgets_move { BUDGETS_STAYS, BUDGETS_CROSSED, BUDGETS_CLEARED };

enum budgets_move budgets_threshold_judge(const struct budgets_threshold *threshold,
                                          const struct budgets_state *state, bool is_crossed);

/* A crossing, there or back, that was seen and is to be told. */
struct budgets_seen {
    const struct budgets_row *row;
    struct budgets_state state;
    struct budgets_crossing crossing;
};

/* Those of the budget in the period that holds `at_us`, added to out[*count] (at most `room`).
 * Within a read transaction. */
enum fault_code budgets_threshold_look(const struct budgets_ground *ground,
                                       const struct budgets_row *row, int64_t at_us,
                                       struct budgets_seen *out, size_t room, size_t *count,
                                       struct fault *fault) MUST_USE;

/* Within a write transaction: the crossing, its line in the history and the notice, unless somebody
 * was faster or the budget is another one by now. *out_told: it was this call that told. */
enum fault_code budgets_threshold_tell(struct store *store, struct str tenant,
                                       const struct budgets_seen *seen, int64_t now_us,
                                       struct arena *arena, bool *out_told,
                                       struct fault *fault) MUST_USE;

#endif
