/* Refused work that goes on record by itself, such as a hand-off: each once a minute, however often
 * it is tried again. What is not on record by itself is in the minute's `budget.refused` with the
 * count of its budget, and each refusal in GET /v1/decisions. See budgets_refused_anew. */
#ifndef IG_BUDGETS_REPEATS_H
#define IG_BUDGETS_REPEATS_H

#include "service/budgets/budgets.h"

struct budgets_repeats;

enum {
    BUDGETS_REPEATS_S = 60,
    BUDGETS_REPEATS_MAX = 512,         /* remembered; while all are young, no more are news */
    BUDGETS_REPEATS_OF_TENANT = 128,   /* so that no tenant takes all of them */
    BUDGETS_REPEATS_WORK_MAX = 2 * 64, /* bytes of a work's name */
};

enum fault_code budgets_repeats_new(struct budgets_repeats **out, struct fault *fault) MUST_USE;
void budgets_repeats_free(struct budgets_repeats *taken);

#endif
