/* Prepared statements: one for each literal, kept as long as the connection. */
#include "libs/store/store_internal.h"

#include <assert.h>
#include <string.h>

/* A literal's address is as good as random once mixed. */
static size_t slot_of(const char *sql)
{
    uint64_t mixed = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed >> 32) & (STORE_STATEMENT_SLOTS - 1);
}

static struct statement **find(struct store *store, const char *sql)
{
    size_t slot = slot_of(sql);
    while (store->statements[slot] && store->statements[slot]->sql != sql)
        slot = (slot + 1) & (STORE_STATEMENT_SLOTS - 1);
    return &store->statements[slot];
}

enum fault_code store_prepare(struct store *store, const char *sql, struct statement **out,
                              struct fault *fault)
{
    struct statement **slot = find(store, sql);
    if (!*slot) {
        assert(store->statement_count < STORE_STATEMENTS_MAX && "SQL texts are literals");
        enum fault_code code = store->engine->prepare(store, sql, slot, fault);
        if (code != FAULT_NONE)
            return code;
        store->statement_count++;
    }
    store->engine->renew(*slot);
    *out = *slot;
    return FAULT_NONE;
}

static const struct store_engine *engine_of(const struct statement *statement)
{
    return statement->store->engine;
}

static void check_place(const struct statement *statement, int place)
{
    assert(place >= 1 && place <= statement->place_count);
    (void)statement;
    (void)place;
}

void store_bind_text(struct statement *statement, int place, struct str text)
{
    check_place(statement, place);
    engine_of(statement)->bind_text(statement, place, text);
}

void store_bind_bytes(struct statement *statement, int place, struct str bytes)
{
    check_place(statement, place);
    engine_of(statement)->bind_bytes(statement, place, bytes);
}

void store_bind_whole(struct statement *statement, int place, int64_t number)
{
    check_place(statement, place);
    engine_of(statement)->bind_whole(statement, place, number);
}

void store_bind_null(struct statement *statement, int place)
{
    check_place(statement, place);
    engine_of(statement)->bind_null(statement, place);
}

enum fault_code store_step(struct statement *statement, bool *out_row, struct fault *fault)
{
    return engine_of(statement)->step(statement, out_row, fault);
}

enum fault_code store_run(struct statement *statement, struct fault *fault)
{
    bool row = false;
    enum fault_code code = store_step(statement, &row, fault);
    assert(!row && "store_run is for statements without rows");
    return code;
}

enum fault_code store_read_whole(struct statement *statement, int64_t *out, struct fault *fault)
{
    bool row = false;
    enum fault_code code = store_step(statement, &row, fault);
    if (code != FAULT_NONE)
        return code;
    assert(row && "an aggregate gives one row");
    *out = store_whole(statement, 0);
    store_reset(statement);
    return FAULT_NONE;
}

struct str store_text(struct statement *statement, int column)
{
    return engine_of(statement)->text(statement, column);
}

int64_t store_whole(struct statement *statement, int column)
{
    return engine_of(statement)->whole(statement, column);
}

bool store_is_null(struct statement *statement, int column)
{
    return engine_of(statement)->is_null(statement, column);
}

void store_reset(struct statement *statement)
{
    engine_of(statement)->reset(statement);
}

void store_statements_free(struct store *store)
{
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++)
        if (store->statements[i])
            store->engine->finish(store->statements[i]);
}
