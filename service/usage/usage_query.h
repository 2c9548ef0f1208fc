/* Usage by period and dimensions, from the rollups. */
#ifndef IG_USAGE_QUERY_H
#define IG_USAGE_QUERY_H

#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/store/store.h"
#include "libs/text/json_write.h"
#include "libs/zone/zone.h"
#include "service/usage/usage_meter.h"

enum {
    USAGE_ROWS_MAX = 100000,       /* of one report */
    USAGE_COMPLETE_AFTER_S = 3600, /* events are expected within that time */
};

struct usage_query {
    const struct usage_meter *meter;
    enum zone_unit window;
    int64_t from_us; /* moved to the beginning of its period */
    int64_t to_us;   /* and to the end of its own */
    size_t by_count;
    struct str by[USAGE_DIMENSIONS_MAX]; /* dimensions to tell apart; none: one row a period */
    int64_t now_us;
};

struct usage_row {
    struct zone_period period;
    struct str dimensions; /* canonical JSON of those asked for */
    __int128 quantity;     /* in the meter's base unit */
    int64_t events;
};

struct usage_report {
    struct usage_row *rows; /* by period, then dimensions; periods without usage are left out */
    size_t count;
    __int128 total;
    int64_t from_us;
    int64_t to_us;
    /* Later events are still expected for what is after it; for a level, what follows the last
     * report of it is counted up to now. */
    int64_t complete_up_to_us;
    struct str zone;
};

/* Reads within a read transaction; texts and rows are in the arena. */
enum fault_code usage_query_run(const struct usage_query *query, struct store *store,
                                struct str tenant, struct arena *arena, struct usage_report *out,
                                struct fault *fault) MUST_USE;

/* A member with a moment as RFC 3339. */
void usage_put_time(struct json_out *out, const char *name, int64_t at_us);

/* Adds a whole number of base units, "-" and all. */
void usage_add_whole(struct buf *out, __int128 number);

/* Adds what a person reads: the quantity in the meter's shown unit, rounded to six digits behind
 * the point, halves to even. */
void usage_add_shown(struct buf *out, const struct usage_meter *meter, __int128 quantity);

#endif
