/* How a budget stands: what is used of it, what it says to who asks, and where it is going. For
 * people and for thresholds; decisions are the engine's (budgets.h). */
#ifndef IG_BUDGETS_ADMIN_STATE_H
#define IG_BUDGETS_ADMIN_STATE_H

#include "service/budgets/budgets_store.h"
#include "service/prices/prices_course.h"

enum budgets_standing {
    BUDGETS_STANDS_OK,
    BUDGETS_STANDS_NOTICE,    /* a threshold is crossed, or the limit, and nothing is refused */
    BUDGETS_STANDS_THROTTLED, /* use is slowed */
    BUDGETS_STANDS_BLOCKED    /* nothing more is allowed */
};

struct budgets_state {
    struct zone_period period; /* its end is when the budget begins anew */
    int64_t used;
    int64_t reserved;
    int64_t limit; /* overrides included */
    bool bypass;
    int64_t share; /* used of the limit, in hundredths of a percent */
    enum budgets_standing standing;
    bool has_forecast;
    int64_t expected;
    int64_t low;
    int64_t high;
    int64_t forecast_share;
    int64_t forecast_days; /* of history */
    int64_t days_left;     /* begun ones count */
    struct budgets_threshold crossed[BUDGETS_THRESHOLDS_MAX];
    size_t crossed_count;
    int64_t complete_up_to_us;
};

/* What the states of a tenant's budgets are reckoned from. */
struct budgets_ground {
    struct store *store;
    struct str tenant;
    struct arena *arena;
    int64_t now_us;
    struct zone *zone; /* freed by _done */
    struct prices_table table;
    struct prices_days *days;
};

/* Within a read or write transaction; texts are in the arena. */
enum fault_code budgets_ground_open(struct store *store, struct str tenant, int64_t now_us,
                                    struct arena *arena, struct budgets_ground *out,
                                    struct fault *fault) MUST_USE;
void budgets_ground_done(struct budgets_ground *ground);

/* The state in the period that holds `at_us`: now, or the period before (then without a forecast).
 */
enum fault_code budgets_state_read(const struct budgets_ground *ground,
                                   const struct budgets_row *row, int64_t at_us,
                                   struct budgets_state *out, struct fault *fault) MUST_USE;

/* part of whole in hundredths of a percent, rounded down, at most INT64_MAX. */
int64_t budgets_share(int64_t part, int64_t whole);

/* The member "state". */
void budgets_state_put(struct json_out *out, const struct budgets_row *row,
                       const struct budgets_state *state);

/* An override as the API has it. */
void budgets_override_put(struct json_out *out, const char *name, enum budgets_basis basis,
                          const struct budgets_override *override);

const char *budgets_standing_name(enum budgets_standing standing);

#endif
