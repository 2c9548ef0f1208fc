/* Service level indicators: how long answers took and how many failed, since the start and over the
 * last minutes.
 *
 * Counters only grow. Once a minute, before the first answer of it is counted, they are copied;
 * what happened in a window is the difference to the first copy within it. A minute without an
 * answer has no copy and needs none: nothing grew in it. */
#ifndef IG_WEB_WEB_SLI_H
#define IG_WEB_WEB_SLI_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/web/web.h"

enum { WEB_SLI_COPIES = 64 }; /* minutes: a window of an hour, and some */

/* Upper bounds of the buckets in microseconds, as Prometheus' `le`; the last has none. */
extern const int64_t web_sli_bounds_us[WEB_SLI_BUCKETS - 1];

struct web_sli_copy {
    int64_t taken_us; /* 0: never */
    struct web_sli_counts counts[WEB_SLI_KINDS];
};

struct web_sli {
    struct {
        atomic_uint_fast64_t buckets[WEB_SLI_BUCKETS];
        atomic_uint_fast64_t sum_us;
        atomic_uint_fast64_t failed;
    } grown[WEB_SLI_KINDS];
    atomic_int_fast64_t minute; /* the last one that has a copy */
    pthread_mutex_t lock;       /* over what follows */
    size_t next;
    struct web_sli_copy copies[WEB_SLI_COPIES];
};

void web_sli_init(struct web_sli *sli);
void web_sli_done(struct web_sli *sli);

/* `now_us`: of the monotonic clock, here and below. */
void web_sli_add(struct web_sli *sli, enum web_sli_kind kind, int64_t duration_us, bool failed,
                 int64_t now_us);

/* What was counted in the last `window_us` (a minute to an hour; exact to a minute); 0: since the
 * start. */
void web_sli_read(struct web_sli *sli, enum web_sli_kind kind, int64_t window_us, int64_t now_us,
                  struct web_sli_counts *out);

#endif
