#include "service/usage/usage_count.h"

/* --- levels --------------------------------------------------------------------------------- */

/* The levels on both sides of a moment. Before the first one there was nothing; after the last one
 * time is open, and nothing of it stands in the rollups. */
struct sides {
    bool has_before;
    bool has_after;
    struct usage_level before;
    struct usage_level after;
};

static enum fault_code read_sides(const struct usage_counting *counting,
                                  const struct usage_kept *kept, const uint8_t key[USAGE_KEY_SIZE],
                                  struct sides *out, struct fault *fault)
{
    *out = (struct sides){0};
    enum fault_code code = usage_store_level_beside(counting->store, counting->tenant, kept, key,
                                                    false, &out->has_before, &out->before, fault);
    if (code == FAULT_NONE)
        code = usage_store_level_beside(counting->store, counting->tenant, kept, key, true,
                                        &out->has_after, &out->after, fault);
    return code;
}

/* `sign` 1: the level comes, -1: it goes. Between it and the next one its own quantity takes the
 * place of the one before; where there is no next one, the time since the one before is closed. */
static enum fault_code count_level(const struct usage_counting *counting,
                                   const struct usage_kept *kept, const struct sides *sides,
                                   int sign, struct fault *fault)
{
    int64_t before = sides->has_before ? sides->before.level : 0;
    if (sides->has_after)
        return usage_rollup_add_span(counting->rollup, kept->meter, kept->dimset, kept->time_us,
                                     sides->after.time_us, sign * (kept->quantity - before), fault);
    if (sides->has_before)
        return usage_rollup_add_span(counting->rollup, kept->meter, kept->dimset,
                                     sides->before.time_us, kept->time_us, sign * before, fault);
    return FAULT_NONE;
}

static enum fault_code put_level(const struct usage_counting *counting,
                                 const struct usage_kept *kept, const uint8_t key[USAGE_KEY_SIZE],
                                 struct fault *fault)
{
    struct sides sides;
    enum fault_code code = read_sides(counting, kept, key, &sides, fault);
    if (code == FAULT_NONE)
        code = count_level(counting, kept, &sides, 1, fault);
    if (code == FAULT_NONE)
        code = usage_store_level_put(counting->store, counting->tenant, kept, key, fault);
    return code;
}

static enum fault_code remove_level(const struct usage_counting *counting,
                                    const struct usage_kept *kept,
                                    const uint8_t key[USAGE_KEY_SIZE], struct fault *fault)
{
    struct sides sides;
    enum fault_code code = read_sides(counting, kept, key, &sides, fault);
    if (code == FAULT_NONE)
        code = count_level(counting, kept, &sides, -1, fault);
    if (code == FAULT_NONE)
        code = usage_store_level_remove(counting->store, counting->tenant, kept, key, fault);
    return code;
}

/* --- both kinds ----------------------------------------------------------------------------- */

enum fault_code usage_count_use(const struct usage_counting *counting,
                                const struct usage_kept *kept, const uint8_t key[USAGE_KEY_SIZE],
                                struct fault *fault)
{
    bool is_level = kept->meter->kind == USAGE_LEVEL;
    enum fault_code code = usage_rollup_add(counting->rollup, kept->meter, kept->dimset,
                                            kept->time_us, is_level ? 0 : kept->quantity, 1, fault);
    if (code == FAULT_NONE && is_level)
        code = put_level(counting, kept, key, fault);
    return code;
}

static enum fault_code correct_level(const struct usage_counting *counting,
                                     const struct usage_kept *before, bool was_void,
                                     const struct usage_event *correction, struct fault *fault)
{
    struct usage_kept after = *before;
    after.quantity = correction->quantity;
    enum fault_code code = FAULT_NONE;
    if (!was_void)
        code = remove_level(counting, before, correction->refers_to, fault);
    if (code == FAULT_NONE && correction->kind == USAGE_AMEND)
        code = put_level(counting, &after, correction->refers_to, fault);
    return code;
}

enum fault_code usage_count_find(const struct usage_counting *counting,
                                 const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                 struct usage_kept *out, struct fault *fault)
{
    return counting->account
               ? usage_account_find(counting->account, key, out_found, out, fault)
               : usage_store_find(counting->store, counting->tenant, key, out_found, out, fault);
}

/* How the use counts now, and whether it was voided. */
static enum fault_code read_before(const struct usage_counting *counting, const uint8_t *key,
                                   struct usage_kept *before, bool *out_void, struct fault *fault)
{
    uint8_t by[USAGE_KEY_SIZE];
    struct usage_kept correction;
    bool found = false;
    enum fault_code code = usage_store_correction(counting->store, counting->tenant, key, &found,
                                                  by, &before->quantity, fault);
    *out_void = false;
    if (code != FAULT_NONE || !found)
        return code;
    code = usage_count_find(counting, by, &found, &correction, fault);
    if (code == FAULT_NONE && !found)
        return fault_set(fault, FAULT_CORRUPT, "an event was corrected by one that is not there");
    *out_void = code == FAULT_NONE && correction.kind == USAGE_VOID;
    return code;
}

enum fault_code usage_count_correction(const struct usage_counting *counting,
                                       const struct usage_kept *kept,
                                       const struct usage_event *correction, struct fault *fault)
{
    struct usage_kept before = *kept; /* as it counts now */
    bool was_void = false;
    enum fault_code code = read_before(counting, correction->refers_to, &before, &was_void, fault);
    if (code == FAULT_NONE && kept->meter->kind == USAGE_LEVEL)
        code = correct_level(counting, &before, was_void, correction, fault);
    else if (code == FAULT_NONE)
        code = usage_rollup_add(counting->rollup, kept->meter, kept->dimset, kept->time_us,
                                (__int128)correction->quantity - before.quantity, 0, fault);
    if (code == FAULT_NONE)
        code = usage_store_correction_put(counting->store, counting->tenant, correction->refers_to,
                                          correction, fault);
    return code;
}
