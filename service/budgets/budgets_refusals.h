/* What was refused, kept: gathered in memory, written many at a time. A refusal is on disk a
 * quarter of a second after it was told; when more wait than are gathered, who is refused waits for
 * the store. The audit log gets one record a minute for each budget and verdict, with how many
 * there were. */
#ifndef IG_BUDGETS_REFUSALS_H
#define IG_BUDGETS_REFUSALS_H

#include "libs/store/store_pool.h"
#include "libs/store/store_rows.h"
#include "service/audit/audit.h"
#include "service/budgets/budgets.h"

struct budgets_refusals;

enum fault_code budgets_refusals_new(struct store_pool *pool, struct audit *audit,
                                     struct budgets_refusals **out, struct fault *fault) MUST_USE;
void budgets_refusals_free(struct budgets_refusals *taken); /* what waits is lost: end first */

/* One budget's no: a refusal, or what a shadow budget would have refused. */
enum fault_code budgets_refusals_add(struct budgets_refusals *refusals,
                                     const struct budgets_ask *ask,
                                     const struct budgets_decision *decision,
                                     const struct budgets_view *view, struct fault *fault) MUST_USE;

/* Writes down what waits. */
enum fault_code budgets_refusals_flush(struct budgets_refusals *refusals,
                                       struct fault *fault) MUST_USE;
/* The same for the last time: what the audit log would have been told after its minute, too. */
enum fault_code budgets_refusals_end(struct budgets_refusals *refusals,
                                     struct fault *fault) MUST_USE;

/* --- reading -------------------------------------------------------------------------------- */

struct budgets_refusal {
    struct str id;
    int64_t at_us;
    struct str budget;
    struct str budget_name;
    struct str meter;
    int64_t quantity; /* -1: unknown */
    int64_t used;
    int64_t reserved;
    int64_t limit;
    bool is_cost;
    struct str verdict;
    bool shadow;
    struct str caller;
    struct str subject;
};

enum { BUDGETS_REFUSALS_PAGE_MAX = 500 };

struct budgets_refusal_filter {
    struct str budget;  /* empty: any */
    struct str verdict; /* empty: any */
    struct str before;  /* a decision's id; empty: from the newest */
    int64_t limit;
};

/* Newest first; rows of struct budgets_refusal. */
enum fault_code budgets_refusals_list(struct store *store, struct str tenant,
                                      const struct budgets_refusal_filter *filter,
                                      struct arena *arena, struct store_list *out,
                                      struct fault *fault) MUST_USE;

/* Decisions that were allowed on the day that begins then. */
enum fault_code budgets_allowed_add(struct store *store, struct str tenant, int64_t day_us,
                                    int64_t count, struct fault *fault) MUST_USE;
enum fault_code budgets_allowed_read(struct store *store, struct str tenant, int64_t day_us,
                                     int64_t *out, struct fault *fault) MUST_USE;

#endif
