/* Asking the store with values in order, for budgets_store*.c only. */
#ifndef IG_BUDGETS_STORE_ROW_H
#define IG_BUDGETS_STORE_ROW_H

#include "libs/store/store_rows.h"

/* What is asked and how it is bound: one literal and its values, in order. */
struct budgets_value {
    enum { BUDGETS_TEXT, BUDGETS_WHOLE, BUDGETS_NULL } type;
    struct str text;
    int64_t whole;
};

#define BUDGETS_VALUE_TEXT(value)  ((struct budgets_value){BUDGETS_TEXT, (value), 0})
#define BUDGETS_VALUE_WHOLE(value) ((struct budgets_value){BUDGETS_WHOLE, {NULL, 0}, (value)})
#define BUDGETS_VALUE_NULL         ((struct budgets_value){BUDGETS_NULL, {NULL, 0}, 0})

/* Prepared and bound. The texts are borrowed until it has been run. */
enum fault_code budgets_ask(struct store *store, const char *sql,
                            const struct budgets_value *values, size_t count,
                            struct statement **out, struct fault *fault) MUST_USE;

/* The same, run to its end. */
enum fault_code budgets_do(struct store *store, const char *sql, const struct budgets_value *values,
                           size_t count, struct fault *fault) MUST_USE;

#define BUDGETS_COUNT(values) (sizeof(values) / sizeof(values)[0])

#endif
