/* What a batch adds to hours and days: gathered in memory, so that a row is written once however
 * many events fall into it. */
#ifndef IG_USAGE_ROLLUP_H
#define IG_USAGE_ROLLUP_H

#include "libs/core/fault.h"
#include "libs/store/store.h"
#include "libs/zone/zone.h"
#include "service/usage/usage_meter.h"

/* Hours and days that one request may touch: a second or two of writing, in which others wait; they
 * wait for five. */
enum { USAGE_ROLLUP_MAX = 1 << 19 };

struct usage_rollup;

/* Borrows the zone. */
enum fault_code usage_rollup_new(struct zone *zone, struct usage_rollup **out,
                                 struct fault *fault) MUST_USE;
void usage_rollup_free(struct usage_rollup *taken);
void usage_rollup_clear(struct usage_rollup *rollup);
size_t usage_rollup_count(const struct usage_rollup *rollup);

/* An amount that falls on one moment; `events` 1 for a use, 0 for what corrects one. */
enum fault_code usage_rollup_add(struct usage_rollup *rollup, const struct usage_meter *meter,
                                 int64_t dimset, int64_t at_us, __int128 amount, int64_t events,
                                 struct fault *fault) MUST_USE;

/* `level` over [from_us, to_us), each hour and day its share; negative takes away. */
enum fault_code usage_rollup_add_span(struct usage_rollup *rollup, const struct usage_meter *meter,
                                      int64_t dimset, int64_t from_us, int64_t to_us, int64_t level,
                                      struct fault *fault) MUST_USE;

/* Adds all of it to the tenant's rows, within a write transaction. */
enum fault_code usage_rollup_write(const struct usage_rollup *rollup, struct store *store,
                                   struct str tenant, struct fault *fault) MUST_USE;

#define USAGE_LOW INT64_C(1000000000000000) /* 10^15: the sums' second column is below it */

__int128 usage_rollup_sum(int64_t high, int64_t low);

#endif
