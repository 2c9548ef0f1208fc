/* Which value of which dimension makes most of a difference. */
#ifndef IG_ANOMALIES_EXPLAIN_H
#define IG_ANOMALIES_EXPLAIN_H

#include "service/anomalies/anomalies_store.h"
#include "service/usage/usage_query.h"

struct anomalies_question {
    const struct usage_meter *meter;
    const struct zone_period *days;
    size_t first; /* day with usage */
    size_t day;   /* the one that is out of the ordinary */
    size_t step;  /* 7: compared with its weekday; 1: with each day */
    size_t most;  /* days that were compared with */
    double share; /* of a day before that the day has lasted so far */
    int64_t now_us;
};

/* Sets dimension, value and explains_ppm of the row; leaves them empty where the meter has no
 * dimension or none of its values makes a tenth of the difference. By means, since those add up to
 * the whole. */
enum fault_code anomalies_explain(struct store *store, struct str tenant,
                                  const struct anomalies_question *question, struct arena *arena,
                                  struct anomalies_row *row, struct fault *fault) MUST_USE;

#endif
