/* What the pages show of one hand-off's graph. */
#include "service/graph/graph_slice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libs/core/os.h"

/* --- what both readers use ------------------------------------------------------------------ */

static void put_time(struct json_out *out, const char *name, struct statement *query, int column)
{
    if (store_is_null(query, column))
        json_put_null(out, name);
    else
        json_put_whole(out, name, store_whole(query, column));
}

/* A stored JSON array; NULL stands for the empty one. */
static void put_array(struct json_out *out, const char *name, struct statement *query, int column)
{
    json_put_raw(out, name, store_is_null(query, column) ? STR("[]") : store_text(query, column));
}

#define ENTITY_COLUMNS                                                                             \
    "seen.entity, known.kind, known.value, seen.row_count, seen.first_us, seen.last_us,"           \
    " seen.fields, seen.samples, seen.degree, seen.earlier"
#define ENTITY_TABLES                                                                              \
    " FROM graph_handoff_entities AS seen JOIN graph_entities AS known"                            \
    " ON known.tenant = seen.tenant AND known.id = seen.entity"

static void put_entity(struct json_out *out, struct statement *query)
{
    json_open(out, '{');
    json_put_whole(out, "id", store_whole(query, 0));
    json_put_text(out, "kind", store_text(query, 1));
    json_put_text(out, "value", store_text(query, 2));
    json_put_whole(out, "count", store_whole(query, 3));
    put_time(out, "first_us", query, 4);
    put_time(out, "last_us", query, 5);
    put_array(out, "fields", query, 6);
    put_array(out, "samples", query, 7);
    json_put_whole(out, "degree", store_whole(query, 8));
    json_put_whole(out, "earlier_handoffs", store_whole(query, 9));
    json_close(out, '}');
}

/* --- the drawing ---------------------------------------------------------------------------- */

struct drawn { /* the entities that are drawn, by id */
    int64_t *ids;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static bool is_drawn(const struct drawn *drawn, int64_t id)
{
    return bsearch(&id, drawn->ids, drawn->count, sizeof id, by_number) != NULL;
}

static enum fault_code count_all(struct store *store, const char *sql, struct str tenant,
                                 int64_t handoff, int64_t *out, struct fault *fault)
{
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, handoff);
    return store_read_whole(query, out, fault);
}

static enum fault_code put_entities(struct store *store, struct str tenant, int64_t handoff,
                                    int64_t most, struct json_out *out, struct drawn *drawn,
                                    struct fault *fault)
{
    static const char sql[] =
        "SELECT " ENTITY_COLUMNS ENTITY_TABLES " WHERE seen.tenant = $1 AND seen.handoff = $2"
        " ORDER BY seen.degree DESC, seen.entity LIMIT $3";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, handoff);
    store_bind_whole(query, 3, most);
    json_open_at(out, "entities", '[');
    while ((code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        put_entity(out, query);
        drawn->ids[drawn->count++] = store_whole(query, 0);
    }
    json_close(out, ']');
    if (drawn->count > 1)
        qsort(drawn->ids, drawn->count, sizeof *drawn->ids, by_number);
    return code;
}

static void put_relation(struct json_out *out, struct statement *query)
{
    json_open(out, '{');
    json_put_text(out, "type", store_text(query, 2));
    json_put_whole(out, "from", store_whole(query, 0));
    json_put_whole(out, "to", store_whole(query, 1));
    json_put_whole(out, "count", store_whole(query, 3));
    put_time(out, "first_us", query, 4);
    put_time(out, "last_us", query, 5);
    put_array(out, "samples", query, 7);
    json_put_whole(out, "earlier_handoffs", store_whole(query, 6));
    json_close(out, '}');
}

static enum fault_code put_relations(struct store *store, struct str tenant, int64_t handoff,
                                     const struct drawn *drawn, struct json_out *out,
                                     int64_t *out_count, struct fault *fault)
{
    static const char sql[] = "SELECT from_entity, to_entity, type, row_count, first_us, last_us,"
                              " earlier, samples FROM graph_handoff_relations"
                              " WHERE tenant = $1 AND handoff = $2"
                              " ORDER BY from_entity, to_entity, type";
    struct statement *query;
    bool row = false;
    int64_t count = 0;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, handoff);
    json_open_at(out, "relations", '[');
    while (count < GRAPH_SLICE_RELATIONS_MAX &&
           (code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        if (!is_drawn(drawn, store_whole(query, 0)) || !is_drawn(drawn, store_whole(query, 1)))
            continue;
        put_relation(out, query);
        count++;
    }
    json_close(out, ']');
    store_reset(query);
    *out_count = count;
    return code;
}

enum fault_code graph_slice_put_drawing(struct store *store, struct str tenant, int64_t handoff,
                                        int64_t most, struct json_out *out, struct fault *fault)
{
    static const char entities_sql[] = "SELECT count(*) FROM graph_handoff_entities"
                                       " WHERE tenant = $1 AND handoff = $2";
    static const char relations_sql[] = "SELECT count(*) FROM graph_handoff_relations"
                                        " WHERE tenant = $1 AND handoff = $2";
    int64_t entities = 0;
    int64_t relations = 0;
    int64_t drawn_relations = 0;
    assert(most >= 1 && most <= GRAPH_SLICE_ENTITIES_MAX);
    struct drawn drawn = {.ids = os_alloc((size_t)most * sizeof *drawn.ids)};
    if (!drawn.ids)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for drawing %" PRId64 " entities",
                         most);
    enum fault_code code = count_all(store, entities_sql, tenant, handoff, &entities, fault);
    if (code == FAULT_NONE)
        code = count_all(store, relations_sql, tenant, handoff, &relations, fault);
    if (code == FAULT_NONE)
        code = put_entities(store, tenant, handoff, most, out, &drawn, fault);
    if (code == FAULT_NONE)
        code = put_relations(store, tenant, handoff, &drawn, out, &drawn_relations, fault);
    if (code == FAULT_NONE) {
        json_open_at(out, "total", '{');
        json_put_whole(out, "entities", entities);
        json_put_whole(out, "relations", relations);
        json_close(out, '}');
        json_put_boolean(out, "truncated",
                         (int64_t)drawn.count < entities || drawn_relations < relations);
    }
    os_free(drawn.ids);
    return code;
}

/* --- the table ------------------------------------------------------------------------------ */

/* Places of both queries: tenant, handoff, kind, pattern; the page's own come after. */
#define PAGE_FILTER                                                                                \
    " WHERE seen.tenant = $1 AND seen.handoff = $2 AND ($3 = '' OR known.kind = $3)"               \
    " AND ($4 = '' OR lower(known.value) LIKE $4 ESCAPE '!')"

/* "%text%" in lower case (ASCII, as the SQL does it), with LIKE's own characters taken literally.
 */
static void write_pattern(struct buf *out, struct str text)
{
    if (text.len == 0)
        return;
    buf_add_byte(out, '%');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' || c == '_' || c == '!')
            buf_add_byte(out, '!');
        buf_add_byte(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    buf_add_byte(out, '%');
}

static void bind_filter(struct statement *query, struct str tenant, int64_t handoff,
                        const struct graph_slice_page *page, struct str pattern)
{
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, handoff);
    store_bind_text(query, 3, page->kind);
    store_bind_text(query, 4, pattern);
}

/* One row more than the page tells whether there is a next one. */
static enum fault_code put_rows(struct statement *query, const struct graph_slice_page *page,
                                struct json_out *out, struct fault *fault)
{
    bool row = false;
    int64_t count = 0;
    int64_t last = 0;
    enum fault_code code;
    json_open_at(out, "entities", '[');
    while ((code = store_step(query, &row, fault)) == FAULT_NONE && row && count < page->most) {
        put_entity(out, query);
        last = store_whole(query, 0);
        count++;
    }
    json_close(out, ']');
    store_reset(query);
    if (!row) {
        json_put_null(out, "next");
        return code;
    }
    char next[24];
    snprintf(next, sizeof next, "%" PRId64, last);
    json_put_text(out, "next", str_of(next));
    return code;
}

static enum fault_code put_page(struct store *store, struct str tenant, int64_t handoff,
                                const struct graph_slice_page *page, struct str pattern,
                                struct json_out *out, struct fault *fault)
{
    static const char sql_count[] = "SELECT count(*)" ENTITY_TABLES PAGE_FILTER;
    static const char sql_rows[] = "SELECT " ENTITY_COLUMNS ENTITY_TABLES PAGE_FILTER
                                   " AND seen.entity > $5 ORDER BY seen.entity LIMIT $6";
    struct statement *query;
    int64_t total = 0;
    enum fault_code code = store_prepare(store, sql_count, &query, fault);
    if (code != FAULT_NONE)
        return code;
    bind_filter(query, tenant, handoff, page, pattern);
    code = store_read_whole(query, &total, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql_rows, &query, fault);
    if (code != FAULT_NONE)
        return code;
    bind_filter(query, tenant, handoff, page, pattern);
    store_bind_whole(query, 5, page->after);
    store_bind_whole(query, 6, page->most + 1);
    code = put_rows(query, page, out, fault);
    json_put_whole(out, "total", total);
    return code;
}

enum fault_code graph_slice_put_page(struct store *store, struct str tenant, int64_t handoff,
                                     const struct graph_slice_page *page, struct json_out *out,
                                     struct fault *fault)
{
    enum graph_kind kind;
    struct buf pattern;
    assert(page->most >= 1 && page->most <= GRAPH_SLICE_PAGE_MAX);
    if (page->kind.len > 0 && !graph_kind_of_name(page->kind, &kind))
        return fault_field(fault, FAULT_INPUT, "kind", "kind \"%.*s\" is not known",
                           STR_ARG(str_take(page->kind, 48)));
    if (page->text.len > GRAPH_SLICE_QUERY_MAX)
        return fault_field(fault, FAULT_LIMIT, "q", "q has %zu bytes, more than the limit of %d",
                           page->text.len, GRAPH_SLICE_QUERY_MAX);
    buf_init(&pattern, 2 * GRAPH_SLICE_QUERY_MAX + 2);
    write_pattern(&pattern, page->text);
    enum fault_code code = buf_check(&pattern, "q", fault);
    if (code == FAULT_NONE)
        code = put_page(store, tenant, handoff, page, buf_str(&pattern), out, fault);
    buf_done(&pattern);
    return code;
}
