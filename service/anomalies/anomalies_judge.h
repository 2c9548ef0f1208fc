/* Whether an amount is out of the ordinary for its day: statistics, and nothing of the store.
 * Doubles are for these alone; no amount that anybody pays is ever one. */
#ifndef IG_ANOMALIES_JUDGE_H
#define IG_ANOMALIES_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    ANOMALIES_DAYS_MAX = 56, /* that are looked back: eight of each weekday */
    ANOMALIES_DAYS_LEAST = 14,
    ANOMALIES_WINDOW = 28, /* days of the comparison that knows no weekdays */
};

/* Of `count` numbers; `count` > 0, the deviation's > 1. The median sorts what it is given. */
double anomalies_mean(const double *numbers, size_t count);
double anomalies_deviation(const double *numbers, size_t count); /* of a sample: by count - 1 */
double anomalies_median(double *numbers, size_t count);
double anomalies_mad(const double *numbers, size_t count); /* median of distances from the median */

struct anomalies_rule {
    double threshold;    /* on the robust score */
    double least_amount; /* smaller differences are nobody's concern */
    double least_share;  /* nor such as are less than that share of what is usual */
};

struct anomalies_verdict {
    bool is_unusual;
    bool is_above;
    double usual;    /* median of the days compared with, brought to today along their trend */
    double z;        /* by mean and standard deviation; for people to compare */
    double robust;   /* by median and MAD: this one decides */
    bool by_weekday; /* compared with the same weekdays; else with all days of the window */
    size_t days;     /* how many were compared with */
};

/* `past` is the days before, oldest first, without a gap: the same weekday lies seven back. false:
 * it has fewer than ANOMALIES_DAYS_LEAST, or more than ANOMALIES_DAYS_MAX.
 *
 * How: the trend is the median slope between days that lie whole weeks apart (after Theil and Sen),
 * so that a weekly pattern does not look like one; the past is brought to today along it. Weekdays
 * are told apart when that leaves clearly less spread than one level for all, the largest tenth set
 * aside, since an earlier spike must decide nothing. The spread is 1.4826 MAD; where more than half
 * of the days are the same it is zero, and the mean distance takes its place (Iglewicz and
 * Hoaglin); a flat line has neither, and then 2 % of what is usual count as one. */
bool anomalies_judge(const double *past, size_t count, const struct anomalies_rule *rule,
                     double amount, struct anomalies_verdict *out);

#endif
