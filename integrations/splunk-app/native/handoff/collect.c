#include "integrations/splunk-app/native/handoff/collect.h"

#include <string.h>

#include "libs/core/file.h"
#include "libs/scp/multivalue.h"
#include "libs/text/time.h"

enum {
    LOOKUP_BYTES_MAX = 4 << 20,
    RELATIONS_PER_ENTITY = 4, /* room for relations, in proportion to that for entities */
};
#define NO_COLUMN UINT32_MAX

const char *const collect_event_columns[COLLECT_EVENT_COLUMNS] = {"_time", "_bkt", "_cd"};

void collect_init(struct collect *collect)
{
    *collect = (struct collect){0};
}

void collect_done(struct collect *collect)
{
    graph_free(collect->graph);
    graph_mapping_free(collect->mapping);
    policy_done(&collect->policy);
    *collect = (struct collect){0};
}

/* --- fields -------------------------------------------------------------------------------- */

/* The admin's lookup; without one, the table that is compiled in. */
static enum fault_code read_mapping(struct collect *collect, const struct places *places,
                                    struct fault *fault)
{
    char path[PATH_MAX];
    struct buf csv;
    struct fault missing;
    enum fault_code code =
        places_join(path, sizeof path, places->app, "lookups/intelgraph_fields.csv", fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&csv, LOOKUP_BYTES_MAX);
    code = file_read(path, &csv, &missing);
    if (code == FAULT_NONE)
        code = graph_mapping_read(buf_str(&csv), &collect->mapping, fault);
    else if (code == FAULT_NOT_FOUND)
        code = graph_mapping_read(graph_mapping_default(), &collect->mapping, fault);
    else
        *fault = missing;
    buf_done(&csv);
    return code == FAULT_NONE ? code : fault_prefix(fault, "lookups/intelgraph_fields.csv: ");
}

static enum fault_code unknown_field(const struct collect *collect, struct str name,
                                     struct fault *fault)
{
    size_t least = SIZE_MAX;
    struct str nearest = STR("");
    for (size_t i = 0; i < graph_mapping_count(collect->mapping); i++) {
        const struct graph_field *field = graph_mapping_at(collect->mapping, i);
        size_t distance = str_distance(name, field->name);
        if (distance < least) {
            least = distance;
            nearest = field->name;
        }
    }
    return fault_field(fault, FAULT_INPUT, "fields",
                       "fields=%.*s: IntelGraph does not know what this field holds; did you mean "
                       "%.*s? Fields are listed in lookups/intelgraph_fields.csv",
                       STR_ARG(str_take(name, 60)), STR_ARG(nearest));
}

/* What the search names; without that everything, `wanted` being NULL while nothing is left out. */
static enum fault_code choose_fields(struct collect *collect, const struct str *fields,
                                     size_t field_count, struct arena *arena, struct fault *fault)
{
    size_t count = graph_mapping_count(collect->mapping);
    size_t chosen = 0;
    if (field_count == 0 && collect->policy.left_out == 0)
        return FAULT_NONE;
    collect->wanted = arena_alloc(arena, count * sizeof *collect->wanted);
    if (!collect->wanted)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the fields");
    for (size_t i = 0; i < count && field_count == 0; i++)
        collect->wanted[i] = policy_allows(&collect->policy, i);
    for (size_t i = 0; i < field_count; i++) {
        struct str name = fields[i];
        const struct graph_field *field = graph_mapping_find(collect->mapping, name);
        if (!field)
            return unknown_field(collect, name, fault);
        size_t index = (size_t)(field - graph_mapping_at(collect->mapping, 0));
        bool allowed = policy_allows(&collect->policy, index);
        enum fault_code code =
            allowed ? FAULT_NONE : policy_refuse(&collect->policy, name, arena, fault);
        if (code != FAULT_NONE)
            return code;
        collect->wanted[index] = allowed;
        chosen += allowed;
    }
    if (field_count > 0 && chosen == 0)
        return fault_field(fault, FAULT_INPUT, "fields",
                           "fields= names nothing that may be handed off: the admin's fields_allow "
                           "and fields_deny keep back %.*s",
                           STR_ARG(str_take(collect->policy.refused, 300)));
    return FAULT_NONE;
}

enum fault_code collect_open(struct collect *collect, const struct places *places,
                             const struct settings *settings, const struct str *fields,
                             size_t field_count, struct arena *arena, struct fault *fault)
{
    enum fault_code code = read_mapping(collect, places, fault);
    if (code == FAULT_NONE)
        code = policy_open(&collect->policy, settings, collect->mapping, arena, fault);
    if (code == FAULT_NONE)
        code = choose_fields(collect, fields, field_count, arena, fault);
    return code;
}

enum fault_code collect_begin(struct collect *collect, int64_t max_entities, struct fault *fault)
{
    struct graph_limits limits = {
        .entities = (uint32_t)max_entities,
        .relations = (uint32_t)max_entities * RELATIONS_PER_ENTITY,
    };
    enum fault_code code = graph_new(collect->mapping, limits, &collect->graph, fault);
    if (code == FAULT_NONE)
        graph_mask_set(collect->graph, policy_mask(&collect->policy));
    return code;
}

/* --- columns ------------------------------------------------------------------------------- */

/* A column of the body that the mapping knows. */
struct collect_column {
    uint32_t plain;
    uint32_t twin; /* its __mv_ column, or NO_COLUMN */
    size_t field;  /* index into the mapping */
};

static bool is_column(const struct rows *rows, uint32_t at, struct str prefix, struct str name)
{
    struct str column = rows->columns[at];
    return column.len == prefix.len + name.len && str_starts(column, prefix) &&
           str_ends(column, name);
}

/* The column `prefix``name`, looked for from `hint` on and then from the start. */
static uint32_t find_column(const struct rows *rows, struct str prefix, struct str name,
                            uint32_t hint)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        uint32_t at = (hint + i) % rows->column_count;
        if (is_column(rows, at, prefix, name))
            return at;
    }
    return NO_COLUMN;
}

static uint32_t cells_up_to(uint32_t cells, uint32_t column)
{
    return column != NO_COLUMN && column >= cells ? column + 1 : cells;
}

/* Columns may change from chunk to chunk. */
enum fault_code collect_columns(struct collect *collect, struct rows *rows, struct arena *arena,
                                struct fault *fault)
{
    uint32_t cells = 0;
    collect->column_count = 0;
    collect->columns = arena_alloc(arena, (rows->column_count + 1) * sizeof *collect->columns);
    if (!collect->columns)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct graph_field *field = graph_mapping_find(collect->mapping, rows->columns[i]);
        if (!field)
            continue;
        size_t index = (size_t)(field - graph_mapping_at(collect->mapping, 0));
        if (collect->wanted && !collect->wanted[index])
            continue;
        /* splunkd puts the twins after all plain columns, in the same order. */
        uint32_t twin =
            find_column(rows, STR("__mv_"), rows->columns[i], i + rows->column_count / 2);
        collect->columns[collect->column_count++] = (struct collect_column){i, twin, index};
        cells = cells_up_to(cells_up_to(cells, i), twin);
    }
    uint32_t *const event[COLLECT_EVENT_COLUMNS] = {&collect->time_column, &collect->bucket_column,
                                                    &collect->address_column};
    for (size_t i = 0; i < COLLECT_EVENT_COLUMNS; i++) {
        *event[i] = find_column(rows, STR(""), str_of(collect_event_columns[i]), 0);
        cells = cells_up_to(cells, *event[i]);
    }
    rows_need(rows, cells);
    return FAULT_NONE;
}

/* --- rows ---------------------------------------------------------------------------------- */

static struct str cell_text(const struct rows *rows, uint32_t column)
{
    if (column == NO_COLUMN)
        return STR("");
    return scp_cell_value(rows_cell(rows, column), rows->arena);
}

static enum fault_code add_multivalue(struct collect *collect, size_t field, struct str twin,
                                      struct arena *arena, struct fault *fault)
{
    struct str rest = scp_cell_value(twin, arena);
    bool more = true;
    if (!rest.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a multivalue field");
    while (more) {
        struct str value;
        enum fault_code code = scp_multivalue_next(&rest, arena, &value, &more, fault);
        if (code == FAULT_NONE && more)
            code = graph_row_add(collect->graph, field, value, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static enum fault_code add_cell(struct collect *collect, const struct rows *rows,
                                const struct collect_column *column, struct arena *arena,
                                struct fault *fault)
{
    struct str plain = rows_cell(rows, column->plain);
    if (plain.len == 0)
        return FAULT_NONE;
    if (column->twin != NO_COLUMN) {
        struct str twin = rows_cell(rows, column->twin);
        if (twin.len > 0)
            return add_multivalue(collect, column->field, twin, arena, fault);
    }
    struct str value = scp_cell_value(plain, arena);
    if (!value.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a field");
    return graph_row_add(collect->graph, column->field, value, fault);
}

/* What finds the event again: its bucket and its place in it. */
static struct str event_ref(const struct collect *collect, const struct rows *rows, char *out)
{
    struct str bucket = cell_text(rows, collect->bucket_column);
    struct str address = cell_text(rows, collect->address_column);
    size_t len = bucket.len + 1 + address.len;
    if (address.len == 0 || len > GRAPH_REF_MAX)
        return STR("");
    memcpy(out, bucket.ptr, bucket.len);
    out[bucket.len] = '|';
    memcpy(out + bucket.len + 1, address.ptr, address.len);
    return (struct str){out, len};
}

enum fault_code collect_row(struct collect *collect, const struct rows *rows, struct arena *arena,
                            struct graph_row_counts *out, struct fault *fault)
{
    char ref[GRAPH_REF_MAX];
    struct graph_sample event = {.row = graph_counts(collect->graph).rows};
    if (!time_read_us(cell_text(rows, collect->time_column), &event.time_us))
        event.time_us = GRAPH_NO_TIME;
    policy_row_begin(&collect->policy);
    event.ref = event_ref(collect, rows, ref);
    graph_row_begin(collect->graph, &event);
    for (size_t i = 0; i < collect->column_count; i++) {
        enum fault_code code = add_cell(collect, rows, &collect->columns[i], arena, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return graph_row_end(collect->graph, out, fault);
}
