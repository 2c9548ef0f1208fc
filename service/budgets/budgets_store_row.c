#include "service/budgets/budgets_store_row.h"

enum fault_code budgets_ask(struct store *store, const char *sql,
                            const struct budgets_value *values, size_t count,
                            struct statement **out, struct fault *fault)
{
    enum fault_code code = store_prepare(store, sql, out, fault);
    if (code != FAULT_NONE)
        return code;
    for (size_t i = 0; i < count; i++) {
        const int place = (int)i + 1;
        switch (values[i].type) {
        case BUDGETS_TEXT:
            store_bind_text(*out, place, values[i].text);
            break;
        case BUDGETS_WHOLE:
            store_bind_whole(*out, place, values[i].whole);
            break;
        case BUDGETS_NULL:
            store_bind_null(*out, place);
            break;
        }
    }
    return FAULT_NONE;
}

enum fault_code budgets_do(struct store *store, const char *sql, const struct budgets_value *values,
                           size_t count, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = budgets_ask(store, sql, values, count, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}
