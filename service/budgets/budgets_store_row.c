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

struct str budgets_reader_text(struct budgets_reader *reader, int column)
{
    struct str text = arena_copy(reader->arena, store_text(reader->row, column));
    reader->is_starved = reader->is_starved || !text.ptr;
    return text;
}

int64_t budgets_reader_whole(struct budgets_reader *reader, int column)
{
    return store_is_null(reader->row, column) ? 0 : store_whole(reader->row, column);
}

enum fault_code budgets_reader_check(const struct budgets_reader *reader, struct fault *fault)
{
    return reader->is_starved ? fault_set(fault, FAULT_NO_MEMORY, "no memory left for budgets")
                              : FAULT_NONE;
}
