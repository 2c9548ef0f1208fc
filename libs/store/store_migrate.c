/* Brings a store's tables up to what this program knows. */
#include "libs/store/store_internal.h"

#include <assert.h>

#include "libs/core/os.h"

static const char sql_table[] = "CREATE TABLE IF NOT EXISTS store_migrations ("
                                "version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                                "applied_us INTEGER NOT NULL) STRICT";
static const char sql_newest[] = "SELECT coalesce(max(version), 0) FROM store_migrations";
static const char sql_insert[] =
    "INSERT INTO store_migrations (version, name, applied_us) VALUES ($1, $2, $3)";

static enum fault_code read_version(struct store *store, int64_t *out, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_newest, &query, fault);
    if (code == FAULT_NONE)
        code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = store_whole(query, 0);
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code apply(struct store *store, const struct store_migration *migration,
                             struct fault *fault)
{
    struct statement *insert;
    enum fault_code code = store_exec(store, migration->sql, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql_insert, &insert, fault);
    if (code == FAULT_NONE) {
        store_bind_whole(insert, 1, migration->version);
        store_bind_text(insert, 2, str_of(migration->name));
        store_bind_whole(insert, 3, os_now_us());
        code = store_run(insert, fault);
    }
    if (code != FAULT_NONE)
        fault_prefix(fault, "migration %d (%s): ", migration->version, migration->name);
    return code;
}

/* One step in one transaction: the version is read inside it, as another program may be at the same
 * work. *out_version is what the store has when the step is done. */
static enum fault_code step(struct store *store, const struct store_migration *migrations,
                            size_t count, int64_t *out_version, struct fault *fault)
{
    int64_t version = 0;
    enum fault_code code = store_begin(store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_exec(store, str_of(sql_table), fault);
    if (code == FAULT_NONE)
        code = read_version(store, &version, fault);
    if (code == FAULT_NONE && version > (int64_t)count)
        code = fault_set(fault, FAULT_CONFLICT,
                         "the store %s is of a newer version (%lld) than this program knows (%zu); "
                         "use the newer program or restore a backup",
                         store->name, (long long)version, count);
    if (code == FAULT_NONE && version < (int64_t)count)
        code = apply(store, &migrations[version++], fault);
    if (code != FAULT_NONE) {
        store_rollback(store);
        return code;
    }
    code = store_commit(store, fault);
    if (code == FAULT_NONE)
        *out_version = version;
    return code;
}

enum fault_code store_migrate(struct store *store, const struct store_migration *migrations,
                              size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        assert(migrations[i].version == (int)i + 1 && "versions are 1, 2, 3 ... without gaps");
    int64_t version = 0;
    enum fault_code code;
    do
        code = step(store, migrations, count, &version, fault);
    while (code == FAULT_NONE && version < (int64_t)count);
    return code;
}
