#include "service/budgets/budgets_store.h"

#include "service/budgets/budgets_store_row.h"
#include "service/prices/prices.h"

enum { DEFINITION_MAX = 16 * 1024 };

#define TEXT(value)  BUDGETS_VALUE_TEXT(value)
#define WHOLE(value) BUDGETS_VALUE_WHOLE(value)

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for budgets");
}

enum fault_code budgets_generation(struct store *store, struct str tenant, int64_t *out,
                                   struct fault *fault)
{
    return prices_generation(store, tenant, out, fault);
}

/* --- reading -------------------------------------------------------------------------------- */

#define COLUMNS "id, version, definition, created_us, created_by, updated_us, updated_by"

static enum fault_code read_row(struct store_row *row, void *out, struct fault *fault)
{
    const struct json *definition;
    struct budgets_row *read = out;
    struct str text = store_row_text(row, 2);
    *read = (struct budgets_row){
        .id = store_row_text(row, 0),
        .version = store_whole(row->query, 1),
        .created_us = store_whole(row->query, 3),
        .created_by = store_row_text(row, 4),
        .updated_us = store_whole(row->query, 5),
        .updated_by = store_row_text(row, 6),
    };
    enum fault_code code = json_read(row->arena, text, &definition, fault);
    if (code == FAULT_NONE)
        code = budgets_definition_read(row->arena, definition, &read->definition, NULL, fault);
    if (code == FAULT_INPUT || code == FAULT_LIMIT) {
        fault->code = FAULT_CORRUPT;
        fault_prefix(fault, "a budget in the store cannot be read: ");
        code = FAULT_CORRUPT;
    }
    return code;
}

/* The override that is open, as long as it has not expired by the clock. */
static enum fault_code read_override(struct store *store, struct str tenant, int64_t now_us,
                                     struct arena *arena, struct budgets_row *row,
                                     struct fault *fault)
{
    struct budgets_override open;
    bool found = false;
    enum fault_code code =
        budgets_store_override_open(store, tenant, row->id, now_us, arena, &found, &open, fault);
    if (code != FAULT_NONE || !found || open.state == BUDGETS_EXPIRED)
        return code;
    struct budgets_override *kept = arena_alloc(arena, sizeof *kept);
    if (!kept)
        return no_memory(fault);
    *kept = open;
    row->override = kept;
    return FAULT_NONE;
}

int64_t budgets_limit(const struct budgets_row *row, int64_t now_us, bool *out_bypass)
{
    const struct budgets_override *override = row->override;
    bool holds = override && override->state == BUDGETS_ACTIVE && now_us < override->expires_us;
    *out_bypass = holds && override->kind == BUDGETS_BYPASS;
    return row->definition.limit +
           (holds && override->kind == BUDGETS_AMOUNT ? override->amount : 0);
}

static enum fault_code load_rows(struct store *store, struct str tenant, struct arena *arena,
                                 struct store_list *out, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets"
                              " WHERE tenant = $1 AND deleted_us IS NULL ORDER BY name";
    const struct budgets_value values[] = {TEXT(tenant)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE
               ? store_list(query, arena, sizeof(struct budgets_row), read_row, out, fault)
               : code;
}

enum fault_code budgets_load(struct store *store, struct str tenant, int64_t now_us,
                             struct arena *arena, struct budgets_loaded *out, struct fault *fault)
{
    struct budgets_loaded loaded = {0};
    struct store_list list = {0};
    enum fault_code code = prices_generation(store, tenant, &loaded.generation, fault);
    if (code == FAULT_NONE)
        code = load_rows(store, tenant, arena, &list, fault);
    loaded.rows = list.rows;
    loaded.count = list.count;
    for (size_t i = 0; i < loaded.count && code == FAULT_NONE; i++)
        code = read_override(store, tenant, now_us, arena, &loaded.rows[i], fault);
    if (code == FAULT_NONE)
        *out = loaded;
    return code;
}

static enum fault_code read_tenant(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct str *)out = store_row_text(row, 0);
    return FAULT_NONE;
}

enum fault_code budgets_load_tenants(struct store *store, struct arena *arena,
                                     struct store_list *out, struct fault *fault)
{
    static const char sql[] = "SELECT DISTINCT tenant FROM budgets WHERE deleted_us IS NULL"
                              " ORDER BY tenant LIMIT $1";
    const struct budgets_value values[] = {WHOLE(BUDGETS_TENANTS_MAX)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE
               ? store_list(query, arena, sizeof(struct str), read_tenant, out, fault)
               : code;
}

static enum fault_code not_found(struct fault *fault)
{
    return fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such budget");
}

static enum fault_code find_row(struct store *store, const char *sql,
                                const struct budgets_value *values, size_t count,
                                struct arena *arena, struct budgets_row *out, struct fault *fault)
{
    struct statement *query;
    bool found = false;
    enum fault_code code = budgets_ask(store, sql, values, count, &query, fault);
    if (code == FAULT_NONE)
        code = store_find(query, arena, sizeof *out, read_row, &found, out, fault);
    return code == FAULT_NONE && !found ? not_found(fault) : code;
}

enum fault_code budgets_store_find(struct store *store, struct str tenant, struct str id,
                                   int64_t now_us, struct arena *arena, struct budgets_row *out,
                                   struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets"
                              " WHERE tenant = $1 AND id = $2 AND deleted_us IS NULL";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(id)};
    struct budgets_row found;
    enum fault_code code =
        find_row(store, sql, values, BUDGETS_COUNT(values), arena, &found, fault);
    if (code == FAULT_NONE)
        code = read_override(store, tenant, now_us, arena, &found, fault);
    if (code == FAULT_NONE)
        *out = found;
    return code;
}

enum fault_code budgets_store_basis(struct store *store, struct str tenant, struct str id,
                                    struct arena *arena, enum budgets_basis *out,
                                    struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets WHERE tenant = $1 AND id = $2";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(id)};
    struct budgets_row found;
    enum fault_code code =
        find_row(store, sql, values, BUDGETS_COUNT(values), arena, &found, fault);
    if (code == FAULT_NONE)
        *out = found.definition.basis;
    return code;
}

enum fault_code budgets_store_existed(struct store *store, struct str tenant, struct str id,
                                      bool *out, struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM budgets WHERE tenant = $1 AND id = $2";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(id)};
    struct statement *query;
    int64_t count = 0;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &count, fault);
    if (code == FAULT_NONE)
        *out = count > 0;
    return code;
}

/* --- writing -------------------------------------------------------------------------------- */

static enum fault_code check_name(struct store *store, struct str tenant,
                                  const struct budgets_row *row, struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM budgets"
                              " WHERE tenant = $1 AND name = $2 AND id <> $3"
                              " AND deleted_us IS NULL";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(row->definition.name), TEXT(row->id)};
    struct statement *query;
    int64_t others = 0;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &others, fault);
    if (code == FAULT_NONE && others > 0)
        code = fault_field(fault, FAULT_CONFLICT, "name",
                           "there is a budget \"%.*s\" already; change that one, or choose another "
                           "name",
                           STR_ARG(row->definition.name));
    return code;
}

static enum fault_code check_count(struct store *store, struct str tenant, struct fault *fault)
{
    static const char sql[] =
        "SELECT count(*) FROM budgets WHERE tenant = $1 AND deleted_us IS NULL";
    const struct budgets_value values[] = {TEXT(tenant)};
    struct statement *query;
    int64_t count = 0;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &count, fault);
    if (code == FAULT_NONE && count >= BUDGETS_MAX)
        code = fault_field(fault, FAULT_CONFLICT, "name",
                           "there are %d budgets, and no more are kept; delete one first",
                           BUDGETS_MAX);
    return code;
}

static enum fault_code put_version(struct store *store, struct str tenant,
                                   const struct budgets_row *row, struct str definition,
                                   struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_versions (tenant, budget, version, definition, at_us, changed_by)"
        " VALUES ($1, $2, $3, $4, $5, $6)";
    const struct budgets_value values[] = {TEXT(tenant),           TEXT(row->id),
                                           WHOLE(row->version),    TEXT(definition),
                                           WHOLE(row->updated_us), TEXT(row->updated_by)};
    return budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
}

static enum fault_code write_definition(const struct budgets_row *row, struct buf *out,
                                        struct fault *fault)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    budgets_definition_put(&json, &row->definition);
    json_close(&json, '}');
    return buf_check(out, "a budget", fault);
}

static enum fault_code insert(struct store *store, struct str tenant, const struct budgets_row *row,
                              struct str definition, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets (tenant, id, name, version, definition, created_us, created_by,"
        " updated_us, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const struct budgets_value values[] = {
        TEXT(tenant),          TEXT(row->id),          TEXT(row->definition.name),
        WHOLE(row->version),   TEXT(definition),       WHOLE(row->created_us),
        TEXT(row->created_by), WHOLE(row->updated_us), TEXT(row->updated_by)};
    return budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
}

static enum fault_code update(struct store *store, struct str tenant, const struct budgets_row *row,
                              struct str definition, struct fault *fault)
{
    static const char sql[] =
        "UPDATE budgets SET name = $1, version = $2, definition = $3, updated_us = $4,"
        " updated_by = $5 WHERE tenant = $6 AND id = $7 AND deleted_us IS NULL";
    const struct budgets_value values[] = {
        TEXT(row->definition.name), WHOLE(row->version), TEXT(definition), WHOLE(row->updated_us),
        TEXT(row->updated_by),      TEXT(tenant),        TEXT(row->id)};
    return budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
}

enum fault_code budgets_store_insert(struct store *store, struct str tenant,
                                     const struct budgets_row *row, struct fault *fault)
{
    struct buf text;
    buf_init(&text, DEFINITION_MAX);
    enum fault_code code = write_definition(row, &text, fault);
    if (code == FAULT_NONE)
        code = check_name(store, tenant, row, fault);
    if (code == FAULT_NONE)
        code = check_count(store, tenant, fault);
    if (code == FAULT_NONE)
        code = insert(store, tenant, row, buf_str(&text), fault);
    if (code == FAULT_NONE)
        code = put_version(store, tenant, row, buf_str(&text), fault);
    buf_done(&text);
    return code;
}

enum fault_code budgets_store_update(struct store *store, struct str tenant,
                                     const struct budgets_row *row, struct fault *fault)
{
    struct buf text;
    buf_init(&text, DEFINITION_MAX);
    enum fault_code code = write_definition(row, &text, fault);
    if (code == FAULT_NONE)
        code = check_name(store, tenant, row, fault);
    if (code == FAULT_NONE)
        code = update(store, tenant, row, buf_str(&text), fault);
    if (code == FAULT_NONE && store_changes(store) != 1)
        code = not_found(fault);
    if (code == FAULT_NONE)
        code = put_version(store, tenant, row, buf_str(&text), fault);
    buf_done(&text);
    return code;
}

enum fault_code budgets_store_delete(struct store *store, struct str tenant, struct str id,
                                     int64_t at_us, struct fault *fault)
{
    static const char sql[] = "UPDATE budgets SET deleted_us = $1"
                              " WHERE tenant = $2 AND id = $3 AND deleted_us IS NULL";
    const struct budgets_value values[] = {WHOLE(at_us), TEXT(tenant), TEXT(id)};
    enum fault_code code = budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
    return code == FAULT_NONE && store_changes(store) != 1 ? not_found(fault) : code;
}
