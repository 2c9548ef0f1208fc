/* What an event that was kept adds to the rollups. A rebuild counts kept events again through the
 * same functions, in the same order. */
#ifndef IG_USAGE_COUNT_H
#define IG_USAGE_COUNT_H

#include "service/usage/usage_ledger.h"
#include "service/usage/usage_rollup.h"
#include "service/usage/usage_store.h"

struct usage_counting {
    struct store *store; /* with a write transaction open */
    struct str tenant;
    struct usage_rollup *rollup;
    struct usage_account *account; /* NULL: all events are in the index by key (a rebuild) */
};

/* A kept event of that key, wherever it stands. */
enum fault_code usage_count_find(const struct usage_counting *counting,
                                 const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                 struct usage_kept *out, struct fault *fault) MUST_USE;

/* A use: of a meter that adds up, its quantity at its time; of a level, what changes between the
 * level before and the one after. */
enum fault_code usage_count_use(const struct usage_counting *counting,
                                const struct usage_kept *kept, const uint8_t key[USAGE_KEY_SIZE],
                                struct fault *fault) MUST_USE;

/* A void or an amendment of `kept`, the use with the key correction->refers_to. The latest
 * correction holds. */
enum fault_code usage_count_correction(const struct usage_counting *counting,
                                       const struct usage_kept *kept,
                                       const struct usage_event *correction,
                                       struct fault *fault) MUST_USE;

#endif
