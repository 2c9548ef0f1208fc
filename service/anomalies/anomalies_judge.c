#include "service/anomalies/anomalies_judge.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEEK = 7,
    PATTERN_DAYS_LEAST = 28, /* four of a weekday, to be compared with by itself */
    SLOPES_MAX = ANOMALIES_DAYS_MAX * ANOMALIES_DAYS_MAX / WEEK,
};

static const double MAD_TO_SIGMA = 1.4826;      /* of a normal distribution */
static const double DISTANCE_TO_SIGMA = 1.2533; /* likewise, sqrt(pi / 2) */
static const double PATTERN_SHARE = 0.6;        /* of the spread that weekdays must leave at most */
static const double SET_ASIDE = 0.1;
static const double FLAT_SHARE = 0.02; /* of what is usual that is one spread at least */
static const double SCORE_MAX = 9999;

/* --- statistics ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double left;
    double right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

double anomalies_mean(const double *numbers, size_t count)
{
    double sum = 0;
    assert(count > 0);
    for (size_t i = 0; i < count; i++)
        sum += numbers[i];
    return sum / (double)count;
}

double anomalies_deviation(const double *numbers, size_t count)
{
    double mean = anomalies_mean(numbers, count);
    double sum = 0;
    assert(count > 1);
    for (size_t i = 0; i < count; i++)
        sum += (numbers[i] - mean) * (numbers[i] - mean);
    return sqrt(sum / (double)(count - 1));
}

double anomalies_median(double *numbers, size_t count)
{
    assert(count > 0);
    qsort(numbers, count, sizeof *numbers, compare);
    return count % 2 == 1 ? numbers[count / 2]
                          : numbers[count / 2 - 1] / 2 + numbers[count / 2] / 2;
}

double anomalies_mad(const double *numbers, size_t count)
{
    double each[ANOMALIES_DAYS_MAX];
    assert(count > 0 && count <= ANOMALIES_DAYS_MAX);
    memcpy(each, numbers, count * sizeof *each);
    double median = anomalies_median(each, count);
    for (size_t i = 0; i < count; i++)
        each[i] = fabs(numbers[i] - median);
    return anomalies_median(each, count);
}

/* --- trend ---------------------------------------------------------------------------------- */

/* A day's, as the median over all pairs of days that are whole weeks apart. */
static double slope_of(const double *past, size_t count)
{
    double slopes[SLOPES_MAX];
    size_t found = 0;
    for (size_t late = WEEK; late < count; late++)
        for (size_t early = late % WEEK; early < late; early += WEEK)
            slopes[found++] = (past[late] - past[early]) / (double)(late - early);
    return found > 0 ? anomalies_median(slopes, found) : 0;
}

/* As if they were of the day after the last. */
static void bring_to_today(const double *past, size_t count, double out[ANOMALIES_DAYS_MAX])
{
    double slope = slope_of(past, count);
    for (size_t i = 0; i < count; i++)
        out[i] = past[i] + slope * (double)(count - i);
}

/* --- weekdays ------------------------------------------------------------------------------- */

/* Those of the same weekday as the day `at`, which may be the one after the last. */
static size_t same_weekday(const double *days, size_t count, size_t at,
                           double out[ANOMALIES_DAYS_MAX])
{
    size_t found = 0;
    for (size_t i = at % WEEK; i < count; i += WEEK)
        out[found++] = days[i];
    return found;
}

static double level_of_weekday(const double *days, size_t count, size_t at)
{
    double same[ANOMALIES_DAYS_MAX];
    size_t found = same_weekday(days, count, at, same);
    return anomalies_median(same, found);
}

/* The sum of all but the largest tenth. */
static double trimmed_sum(double *distances, size_t count)
{
    size_t kept = count - (size_t)ceil((double)count * SET_ASIDE);
    double sum = 0;
    qsort(distances, count, sizeof *distances, compare);
    for (size_t i = 0; i < kept; i++)
        sum += distances[i];
    return sum;
}

static bool has_weekly_pattern(const double *days, size_t count)
{
    double by_weekday[ANOMALIES_DAYS_MAX];
    double by_all[ANOMALIES_DAYS_MAX];
    double sorted[ANOMALIES_DAYS_MAX];
    if (count < PATTERN_DAYS_LEAST)
        return false;
    memcpy(sorted, days, count * sizeof *sorted);
    double level = anomalies_median(sorted, count);
    for (size_t i = 0; i < count; i++) {
        by_weekday[i] = fabs(days[i] - level_of_weekday(days, count, i));
        by_all[i] = fabs(days[i] - level);
    }
    double with = trimmed_sum(by_weekday, count);
    double without = trimmed_sum(by_all, count);
    return with < PATTERN_SHARE * without;
}

/* --- spread --------------------------------------------------------------------------------- */

/* Of distances from their levels. */
static double spread_of(double *distances, size_t count)
{
    double mean = anomalies_mean(distances, count);
    double median = anomalies_median(distances, count);
    return median > 0 ? MAD_TO_SIGMA * median : DISTANCE_TO_SIGMA * mean;
}

/* Large days vary by more than small ones: each distance is taken as a share of its weekday's
 * level, over all weekdays, since one alone has too few days. */
static double spread_by_weekday(const double *days, size_t count, double usual)
{
    double shares[ANOMALIES_DAYS_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        double level = level_of_weekday(days, count, i);
        if (level > 0)
            shares[found++] = fabs(days[i] - level) / level;
    }
    return found > 0 ? spread_of(shares, found) * usual : 0;
}

static double spread_by_window(const double *days, size_t count, double usual)
{
    double distances[ANOMALIES_DAYS_MAX];
    for (size_t i = 0; i < count; i++)
        distances[i] = fabs(days[i] - usual);
    return spread_of(distances, count);
}

/* --- the verdict ---------------------------------------------------------------------------- */

static double score(double distance, double spread)
{
    if (distance == 0)
        return 0;
    double found = spread > 0 ? distance / spread : copysign(SCORE_MAX, distance);
    return fabs(found) < SCORE_MAX ? found : copysign(SCORE_MAX, found);
}

bool anomalies_judge(const double *past, size_t count, const struct anomalies_rule *rule,
                     double amount, struct anomalies_verdict *out)
{
    double days[ANOMALIES_DAYS_MAX];
    double compared[ANOMALIES_DAYS_MAX];
    double sorted[ANOMALIES_DAYS_MAX];
    if (count < ANOMALIES_DAYS_LEAST || count > ANOMALIES_DAYS_MAX)
        return false;
    bring_to_today(past, count, days);
    struct anomalies_verdict verdict = {.by_weekday = has_weekly_pattern(days, count)};
    if (verdict.by_weekday) {
        verdict.days = same_weekday(days, count, count, compared);
    } else {
        verdict.days = count < ANOMALIES_WINDOW ? count : ANOMALIES_WINDOW;
        memcpy(compared, days + count - verdict.days, verdict.days * sizeof *compared);
    }
    memcpy(sorted, compared, verdict.days * sizeof *sorted);
    verdict.usual = fmax(0, anomalies_median(sorted, verdict.days));
    double spread = verdict.by_weekday ? spread_by_weekday(days, count, verdict.usual)
                                       : spread_by_window(compared, verdict.days, verdict.usual);
    double least = fmax(FLAT_SHARE * verdict.usual, rule->least_amount / rule->threshold);
    double distance = amount - verdict.usual;
    verdict.robust = score(distance, fmax(spread, least));
    verdict.z = score(amount - anomalies_mean(compared, verdict.days),
                      anomalies_deviation(compared, verdict.days));
    verdict.is_above = distance > 0;
    verdict.is_unusual = fabs(verdict.robust) >= rule->threshold &&
                         fabs(distance) >= rule->least_amount &&
                         fabs(distance) >= rule->least_share * verdict.usual;
    *out = verdict;
    return true;
}
