/* The texts of ops/usage/aggregations.sql by their names. */
#ifndef IG_USAGE_SQL_H
#define IG_USAGE_SQL_H

#include <stddef.h>

enum usage_sql_name {
    USAGE_SQL_ADD_HOUR,
    USAGE_SQL_ADD_DAY,
    USAGE_SQL_ADD_PROVENANCE,
    USAGE_SQL_READ_HOURS,
    USAGE_SQL_READ_DAYS,
    USAGE_SQL_LEVEL_BEFORE,
    USAGE_SQL_LEVEL_AFTER,
    USAGE_SQL_LEVELS_NOW,
    USAGE_SQL_FORGET_HOURS,
    USAGE_SQL_FORGET_DAYS,
    USAGE_SQL_FORGET_LEVELS,
    USAGE_SQL_FORGET_CORRECTIONS,
    USAGE_SQL_FORGET_PROVENANCE,
    USAGE_SQL_EACH_EVENT,
    USAGE_SQL_ADD_KEY,
    USAGE_SQL_ADD_BATCH,
    USAGE_SQL_COUNT
};

/* One statement; the same pointer each time, as store_prepare wants it. Safe to call from any
 * thread. A name that the file lacks is a broken build: an assert. */
const char *usage_sql(enum usage_sql_name name);

/* An INSERT of `*rows` rows or fewer at once, a power of two, which *rows is set to: places go on
 * from row to row. So many rows take a few statements, whatever their number. */
const char *usage_sql_rows(enum usage_sql_name name, size_t *rows);

#endif
