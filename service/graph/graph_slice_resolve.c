#include "service/graph/graph_slice_resolve.h"

#include <assert.h>

/* Counts of hostile senders could add up to more than JSON keeps exactly: there they stand still.
 */
#define COUNT_MAX ((int64_t)9007199254740991)

void graph_slice_bind_time(struct statement *statement, int place, int64_t time_us)
{
    if (time_us == GRAPH_NO_TIME)
        store_bind_null(statement, place);
    else
        store_bind_whole(statement, place, time_us);
}

/* What the tenant's graph holds of one thing. */
struct known {
    int64_t id; /* of an entity; 0 for a relation */
    int64_t row_count;
    int64_t first_us;
    int64_t last_us;
    int64_t handoffs;
    int64_t last_handoff;
};

static int64_t read_time(struct statement *query, int column)
{
    return store_is_null(query, column) ? GRAPH_NO_TIME : store_whole(query, column);
}

/* Reads the one row of a query for row_count, first_us, last_us, handoffs, last_handoff and, when
 * it has six columns, id. A SELECT and then a write, not INSERT .. ON CONFLICT .. RETURNING: SQLite
 * makes a temporary table for each of those, which costs more than the second statement. */
static enum fault_code read_known(struct statement *query, bool has_id, bool *out_found,
                                  struct known *out, struct fault *fault)
{
    enum fault_code code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    *out = (struct known){
        .row_count = store_whole(query, 0),
        .first_us = read_time(query, 1),
        .last_us = read_time(query, 2),
        .handoffs = store_whole(query, 3),
        .last_handoff = store_whole(query, 4),
        .id = has_id ? store_whole(query, 5) : 0,
    };
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code stands_twice(const char *what, struct fault *fault)
{
    return fault_field(fault, FAULT_INPUT, what,
                       "the same %s stands twice in one hand-off: merge them and send one line",
                       what);
}

/* Counts add up, times widen, the hand-off counts once. */
static enum fault_code widen(const struct graph_slice_scope *scope, struct known *known,
                             int64_t row_count, int64_t first_us, int64_t last_us, const char *what,
                             struct fault *fault)
{
    if (known->last_handoff == scope->handoff)
        return stands_twice(what, fault);
    assert(known->last_handoff < scope->handoff);
    known->row_count =
        row_count < COUNT_MAX - known->row_count ? known->row_count + row_count : COUNT_MAX;
    if (known->first_us == GRAPH_NO_TIME ||
        (first_us != GRAPH_NO_TIME && first_us < known->first_us))
        known->first_us = first_us;
    if (last_us > known->last_us) /* GRAPH_NO_TIME is below all */
        known->last_us = last_us;
    known->handoffs++;
    known->last_handoff = scope->handoff;
    return FAULT_NONE;
}

static void bind_known(struct statement *statement, const struct known *known)
{
    store_bind_whole(statement, 1, known->row_count);
    graph_slice_bind_time(statement, 2, known->first_us);
    graph_slice_bind_time(statement, 3, known->last_us);
    store_bind_whole(statement, 4, known->handoffs);
    store_bind_whole(statement, 5, known->last_handoff);
}

static enum fault_code find_entity(const struct graph_slice_scope *scope, struct str key,
                                   bool *out_found, struct known *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT row_count, first_us, last_us, handoffs, last_handoff, id FROM graph_entities"
        " WHERE tenant = $1 AND value_key = $2";
    struct statement *query;
    enum fault_code code = store_prepare(scope->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, scope->tenant);
    store_bind_bytes(query, 2, key);
    return read_known(query, true, out_found, out, fault);
}

static enum fault_code insert_entity(const struct graph_slice_scope *scope,
                                     const struct graph_slice_entity *entity, struct str key,
                                     const struct known *known, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO graph_entities (row_count, first_us, last_us, handoffs, last_handoff, tenant,"
        " id, value_key, kind, value) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    struct statement *insert;
    enum fault_code code = store_prepare(scope->store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    bind_known(insert, known);
    store_bind_text(insert, 6, scope->tenant);
    store_bind_whole(insert, 7, known->id);
    store_bind_bytes(insert, 8, key);
    store_bind_text(insert, 9, str_of(graph_kind_info(entity->kind)->name));
    store_bind_text(insert, 10, entity->value);
    return store_run(insert, fault);
}

static enum fault_code update_entity(const struct graph_slice_scope *scope,
                                     const struct known *known, struct fault *fault)
{
    static const char sql[] = "UPDATE graph_entities SET row_count = $1, first_us = $2,"
                              " last_us = $3, handoffs = $4, last_handoff = $5"
                              " WHERE tenant = $6 AND id = $7";
    struct statement *update;
    enum fault_code code = store_prepare(scope->store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    bind_known(update, known);
    store_bind_text(update, 6, scope->tenant);
    store_bind_whole(update, 7, known->id);
    return store_run(update, fault);
}

enum fault_code graph_slice_resolve_entity(const struct graph_slice_scope *scope,
                                           const struct graph_slice_entity *entity, int64_t new_id,
                                           int64_t *out_id, int64_t *out_earlier,
                                           struct fault *fault)
{
    struct known known = {0};
    bool found = false;
    const struct str key = {(const char *)entity->key, sizeof entity->key};
    enum fault_code code = find_entity(scope, key, &found, &known, fault);
    if (code != FAULT_NONE)
        return code;
    if (found) {
        code =
            widen(scope, &known, entity->count, entity->first_us, entity->last_us, "entity", fault);
        if (code == FAULT_NONE)
            code = update_entity(scope, &known, fault);
    } else {
        known = (struct known){new_id, entity->count, entity->first_us, entity->last_us,
                               1,      scope->handoff};
        code = insert_entity(scope, entity, key, &known, fault);
    }
    if (code != FAULT_NONE)
        return code;
    *out_id = known.id;
    *out_earlier = known.handoffs - 1;
    return FAULT_NONE;
}

/* What makes a relation one. */
struct ends {
    int64_t from;
    int64_t to;
    const char *type;
};

static void bind_ends(struct statement *statement, int place, const struct graph_slice_scope *scope,
                      const struct ends *ends)
{
    store_bind_text(statement, place, scope->tenant);
    store_bind_whole(statement, place + 1, ends->from > ends->to ? ends->from : ends->to);
    store_bind_whole(statement, place + 2, ends->from);
    store_bind_whole(statement, place + 3, ends->to);
    store_bind_text(statement, place + 4, str_of(ends->type));
}

static enum fault_code find_relation(const struct graph_slice_scope *scope, const struct ends *ends,
                                     bool *out_found, struct known *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT row_count, first_us, last_us, handoffs, last_handoff FROM graph_relations"
        " WHERE tenant = $1 AND newer = $2 AND from_entity = $3 AND to_entity = $4 AND type = $5";
    struct statement *query;
    enum fault_code code = store_prepare(scope->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    bind_ends(query, 1, scope, ends);
    return read_known(query, false, out_found, out, fault);
}

/* `sql` takes the places of bind_known, then those of bind_ends. */
static enum fault_code write_relation(const struct graph_slice_scope *scope, const char *sql,
                                      const struct ends *ends, const struct known *known,
                                      struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(scope->store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    bind_known(statement, known);
    bind_ends(statement, 6, scope, ends);
    return store_run(statement, fault);
}

static enum fault_code insert_relation(const struct graph_slice_scope *scope,
                                       const struct ends *ends, const struct known *known,
                                       struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO graph_relations (row_count, first_us, last_us, handoffs, last_handoff, tenant,"
        " newer, from_entity, to_entity, type) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (tenant, newer, from_entity, to_entity, type) DO NOTHING";
    enum fault_code code = write_relation(scope, sql, ends, known, fault);
    if (code == FAULT_NONE && store_changes(scope->store) == 0)
        code = stands_twice("relation", fault);
    return code;
}

static enum fault_code update_relation(const struct graph_slice_scope *scope,
                                       const struct ends *ends, const struct known *known,
                                       struct fault *fault)
{
    static const char sql[] =
        "UPDATE graph_relations SET row_count = $1, first_us = $2, last_us = $3, handoffs = $4,"
        " last_handoff = $5 WHERE tenant = $6 AND newer = $7 AND from_entity = $8"
        " AND to_entity = $9 AND type = $10";
    return write_relation(scope, sql, ends, known, fault);
}

enum fault_code graph_slice_resolve_relation(const struct graph_slice_scope *scope,
                                             const struct graph_slice_relation *relation,
                                             int64_t from_id, int64_t to_id, bool is_new,
                                             int64_t *out_earlier, struct fault *fault)
{
    const struct ends ends = {from_id, to_id, graph_relation_name(relation->type)};
    struct known known = {0};
    bool found = false;
    enum fault_code code = is_new ? FAULT_NONE : find_relation(scope, &ends, &found, &known, fault);
    if (code != FAULT_NONE)
        return code;
    if (found) {
        code = widen(scope, &known, relation->count, relation->first_us, relation->last_us,
                     "relation", fault);
        if (code == FAULT_NONE)
            code = update_relation(scope, &ends, &known, fault);
    } else {
        known = (struct known){0, relation->count, relation->first_us, relation->last_us,
                               1, scope->handoff};
        code = insert_relation(scope, &ends, &known, fault);
    }
    if (code == FAULT_NONE)
        *out_earlier = known.handoffs - 1;
    return code;
}

enum fault_code graph_slice_find_entity(struct store *store, struct str tenant,
                                        enum graph_kind kind, struct str value, bool *out_known,
                                        int64_t *out_id, int64_t *out_handoff, struct fault *fault)
{
    uint8_t key[GRAPH_SLICE_KEY_SIZE];
    const struct graph_slice_scope scope = {.store = store, .tenant = tenant};
    struct known known = {0};
    bool found = false;
    graph_slice_write_key(kind, value, key);
    enum fault_code code =
        find_entity(&scope, (struct str){(const char *)key, sizeof key}, &found, &known, fault);
    if (code != FAULT_NONE)
        return code;
    *out_known = found;
    *out_id = known.id;
    *out_handoff = known.last_handoff;
    return FAULT_NONE;
}
