/* The tables of service/migrations/0008_usage.sql, the rollups apart. Every query is keyed by the
 * caller's tenant; writers run within the caller's transaction. */
#ifndef IG_USAGE_STORE_H
#define IG_USAGE_STORE_H

#include "libs/core/arena.h"
#include "libs/crypto/hash.h"
#include "libs/store/store.h"
#include "libs/zone/zone.h"
#include "service/usage/usage_event.h"

/* --- tenants -------------------------------------------------------------------------------- */

/* UTC and the first of the month for a tenant that nobody has set. */
enum fault_code usage_store_zone(struct store *store, struct str tenant, struct arena *arena,
                                 struct str *out_zone, int *out_anchor_day,
                                 struct fault *fault) MUST_USE;
enum fault_code usage_store_zone_put(struct store *store, struct str tenant, struct str zone,
                                     int anchor_day, struct fault *fault) MUST_USE;

/* --- events --------------------------------------------------------------------------------- */

/* An event as it is kept. */
struct usage_kept {
    const struct usage_meter *meter;
    enum usage_kind kind;
    int64_t time_us;
    int64_t quantity;
    int64_t dimset;
};

/* By the index of keys: what was added since it was moved on last is not found (usage_keys.h). */
enum fault_code usage_store_find(struct store *store, struct str tenant,
                                 const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                 struct usage_kept *out, struct fault *fault) MUST_USE;

/* Combinations of dimensions of one tenant and meter. What is over goes by USAGE_OVERFLOW: it is
 * counted, and told apart no more. */
enum { USAGE_DIMSETS_MAX = 10000 };
#define USAGE_OVERFLOW "{\"overflow\":\"true\"}"

/* The id of the dimensions, new or known. *full: the meter has as many as there may be; once so, it
 * stays so. *out_new: what it gives was put there by this call. */
enum fault_code usage_store_dimset(struct store *store, struct str tenant,
                                   const struct usage_meter *meter, struct str dimensions,
                                   bool *full, bool *out_new, int64_t *out_id,
                                   struct fault *fault) MUST_USE;

/* What counts in the place of an event that was corrected, and by which correction; false: it
 * counts as it came. */
enum fault_code usage_store_correction(struct store *store, struct str tenant,
                                       const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                       uint8_t out_correction[USAGE_KEY_SIZE],
                                       int64_t *out_quantity, struct fault *fault) MUST_USE;
enum fault_code usage_store_correction_put(struct store *store, struct str tenant,
                                           const uint8_t key[USAGE_KEY_SIZE],
                                           const struct usage_event *correction,
                                           struct fault *fault) MUST_USE;

/* --- levels --------------------------------------------------------------------------------- */

struct usage_level {
    int64_t time_us;
    uint8_t key[USAGE_KEY_SIZE];
    int64_t level;
};

/* The level next to (time, key) of the same dimensions, on that side; 0 and false: none. */
enum fault_code usage_store_level_beside(struct store *store, struct str tenant,
                                         const struct usage_kept *kept,
                                         const uint8_t key[USAGE_KEY_SIZE], bool after,
                                         bool *out_found, struct usage_level *out,
                                         struct fault *fault) MUST_USE;
enum fault_code usage_store_level_put(struct store *store, struct str tenant,
                                      const struct usage_kept *kept,
                                      const uint8_t key[USAGE_KEY_SIZE],
                                      struct fault *fault) MUST_USE;
enum fault_code usage_store_level_remove(struct store *store, struct str tenant,
                                         const struct usage_kept *kept,
                                         const uint8_t key[USAGE_KEY_SIZE],
                                         struct fault *fault) MUST_USE;

/* --- the chain ------------------------------------------------------------------------------ */

/* All zero before the first batch. */
enum fault_code usage_store_chain(struct store *store, struct str tenant, struct sha256 *out,
                                  struct fault *fault) MUST_USE;

/* A request that was taken. */
struct usage_taken {
    struct str tenant;
    int64_t last_seq;
    int64_t events;
    struct sha256 chain; /* with it */
    int64_t accepted_us;
};
enum fault_code usage_store_taken_put(struct store *store, const struct usage_taken *taken,
                                      size_t count, struct fault *fault) MUST_USE;

#endif
