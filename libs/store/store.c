/* The door: which engine a place belongs to, and what is the same for all of them. */
#include "libs/store/store.h"

#include <assert.h>

#include "libs/store/store_internal.h"

_Atomic bool store_flush_failed;

bool store_has_failed_flush(void)
{
    return store_flush_failed;
}

const struct store_engine *store_engine_of(const char *place)
{
    return store_place_is_server(place) ? &store_postgresql : &store_sqlite;
}

enum fault_code store_open(const char *place, struct store **out, struct fault *fault)
{
    return store_engine_of(place)->open(place, out, fault);
}

void store_close(struct store *taken)
{
    if (!taken)
        return;
    for (int i = 0; i < taken->companion_count; i++)
        taken->companions[i].kind->free(taken->companions[i].companion);
    taken->engine->close(taken);
}

/* --- companions ----------------------------------------------------------------------------- */

enum fault_code store_companion(struct store *store, const struct store_companion *kind, void **out,
                                struct fault *fault)
{
    void *companion = NULL;
    for (int i = 0; i < store->companion_count; i++)
        if (store->companions[i].kind == kind) {
            *out = store->companions[i].companion;
            return FAULT_NONE;
        }
    assert(store->companion_count < STORE_COMPANIONS_MAX && "kinds are literals");
    enum fault_code code = kind->make(&companion, fault);
    if (code != FAULT_NONE)
        return code;
    store->companions[store->companion_count].kind = kind;
    store->companions[store->companion_count++].companion = companion;
    *out = companion;
    return FAULT_NONE;
}

static enum fault_code tell_before_commit(struct store *store, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i < store->companion_count && code == FAULT_NONE; i++)
        code =
            store->companions[i].kind->before_commit(store->companions[i].companion, store, fault);
    return code;
}

static void tell_ended(struct store *store, bool kept)
{
    for (int i = 0; i < store->companion_count; i++)
        store->companions[i].kind->ended(store->companions[i].companion, kept);
}

/* --- transactions --------------------------------------------------------------------------- */

enum fault_code store_begin(struct store *store, struct fault *fault)
{
    assert(!store->in_transaction);
    store->is_commit_unknown = false;
    enum fault_code code = store->engine->begin(store, fault);
    store->in_transaction = store->is_write = code == FAULT_NONE;
    return code;
}

enum fault_code store_begin_read(struct store *store, struct fault *fault)
{
    assert(!store->in_transaction);
    store->is_write = false;
    enum fault_code code = store->engine->begin_read(store, fault);
    store->in_transaction = code == FAULT_NONE;
    return code;
}

enum fault_code store_commit(struct store *store, struct fault *fault)
{
    assert(store->in_transaction);
    enum fault_code code = store->is_write ? tell_before_commit(store, fault) : FAULT_NONE;
    if (code != FAULT_NONE) {
        store_rollback(store);
        return code;
    }
    store->engine->reset_all(store);
    code = store->engine->commit(store, fault);
    store->in_transaction = false;
    if (store->is_write)
        tell_ended(store, code == FAULT_NONE);
    return code;
}

void store_rollback(struct store *store)
{
    bool was_write = store->in_transaction && store->is_write;
    store->engine->reset_all(store);
    store->in_transaction = false;
    store->engine->rollback(store);
    if (was_write)
        tell_ended(store, false);
}

bool store_is_writing(const struct store *store)
{
    return store->in_transaction && store->engine->is_writing(store);
}

int64_t store_changes(struct store *store)
{
    return store->engine->changes(store);
}

enum fault_code store_exec(struct store *store, struct str sql, struct fault *fault)
{
    return store->engine->exec(store, sql, fault);
}

enum fault_code store_copy(struct store *store, const struct store_copy *copy,
                           const struct store_cell *cells, size_t row_count, struct fault *fault)
{
    assert(store->in_transaction && "rows are copied in a write transaction");
    assert(copy->column_count >= 1 && copy->column_count <= STORE_COPY_COLUMNS_MAX);
    if (row_count == 0)
        return FAULT_NONE;
    return store->engine->copy(store, copy, cells, row_count, fault);
}
