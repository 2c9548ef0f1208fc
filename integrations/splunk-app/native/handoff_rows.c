#include "integrations/splunk-app/native/handoff_rows.h"

#include <string.h>

#include "libs/scp/multivalue.h"
#include "libs/text/time.h"

enum {
    STATUS_SHIFT = 24, /* a row's tag: status above, number of entities below */
    ENTITIES_SHOWN_MAX = (1 << STATUS_SHIFT) - 1,
};
#define NO_COLUMN UINT32_MAX

const char *const handoff_event_columns[HANDOFF_EVENT_COLUMNS] = {"_time", "_bkt", "_cd"};

static const char *const status_names[] = {
    [HANDOFF_NONE] = "none",     [HANDOFF_COLLECTED] = "collected", [HANDOFF_LIMITED] = "limited",
    [HANDOFF_DRYRUN] = "dryrun", [HANDOFF_PREVIEW] = "preview",     [HANDOFF_SENT] = "sent",
    [HANDOFF_QUEUED] = "queued", [HANDOFF_REFUSED] = "refused",     [HANDOFF_FAILED] = "failed",
};

/* A column of the chunk that the mapping knows. */
struct handoff_column {
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

/* Finds the mapped columns of this chunk: columns may change from chunk to chunk. */
static enum fault_code find_columns(struct handoff *handoff, struct arena *arena,
                                    struct fault *fault)
{
    struct rows *rows = &handoff->rows;
    uint32_t cells = 0;
    handoff->column_count = 0;
    handoff->columns = arena_alloc(arena, (rows->column_count + 1) * sizeof *handoff->columns);
    if (!handoff->columns)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct graph_field *field = graph_mapping_find(handoff->mapping, rows->columns[i]);
        if (!field)
            continue;
        size_t index = (size_t)(field - graph_mapping_at(handoff->mapping, 0));
        if (handoff->wanted && !handoff->wanted[index])
            continue;
        /* splunkd puts the twins after all plain columns, in the same order. */
        uint32_t twin =
            find_column(rows, STR("__mv_"), rows->columns[i], i + rows->column_count / 2);
        handoff->columns[handoff->column_count++] = (struct handoff_column){i, twin, index};
        cells = cells_up_to(cells_up_to(cells, i), twin);
    }
    uint32_t *const event[HANDOFF_EVENT_COLUMNS] = {&handoff->time_column, &handoff->bucket_column,
                                                    &handoff->address_column};
    for (size_t i = 0; i < HANDOFF_EVENT_COLUMNS; i++) {
        *event[i] = find_column(rows, STR(""), str_of(handoff_event_columns[i]), 0);
        cells = cells_up_to(cells, *event[i]);
    }
    rows_need(rows, cells);
    return FAULT_NONE;
}

static struct str cell_text(const struct handoff *handoff, uint32_t column)
{
    if (column == NO_COLUMN)
        return STR("");
    return scp_cell_value(rows_cell(&handoff->rows, column), handoff->rows.arena);
}

static enum fault_code add_multivalue(struct handoff *handoff, size_t field, struct str twin,
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
            code = graph_row_add(handoff->graph, field, value, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static enum fault_code add_cell(struct handoff *handoff, const struct handoff_column *column,
                                struct arena *arena, struct fault *fault)
{
    struct str plain = rows_cell(&handoff->rows, column->plain);
    if (plain.len == 0)
        return FAULT_NONE;
    if (column->twin != NO_COLUMN) {
        struct str twin = rows_cell(&handoff->rows, column->twin);
        if (twin.len > 0)
            return add_multivalue(handoff, column->field, twin, arena, fault);
    }
    struct str value = scp_cell_value(plain, arena);
    if (!value.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a field");
    return graph_row_add(handoff->graph, column->field, value, fault);
}

/* What finds the event again: its bucket and its place in it. */
static struct str event_ref(const struct handoff *handoff, char *out)
{
    struct str bucket = cell_text(handoff, handoff->bucket_column);
    struct str address = cell_text(handoff, handoff->address_column);
    size_t len = bucket.len + 1 + address.len;
    if (address.len == 0 || len > GRAPH_REF_MAX)
        return STR("");
    memcpy(out, bucket.ptr, bucket.len);
    out[bucket.len] = '|';
    memcpy(out + bucket.len + 1, address.ptr, address.len);
    return (struct str){out, len};
}

static enum fault_code add_row(struct handoff *handoff, struct arena *arena,
                               struct graph_row_counts *out, struct fault *fault)
{
    char ref[GRAPH_REF_MAX];
    struct graph_sample event = {.row = graph_counts(handoff->graph).rows};
    if (!time_read_us(cell_text(handoff, handoff->time_column), &event.time_us))
        event.time_us = GRAPH_NO_TIME;
    event.ref = event_ref(handoff, ref);
    graph_row_begin(handoff->graph, &event);
    for (size_t i = 0; i < handoff->column_count; i++) {
        enum fault_code code = add_cell(handoff, &handoff->columns[i], arena, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return graph_row_end(handoff->graph, out, fault);
}

static enum handoff_status status_of(const struct handoff *handoff,
                                     const struct graph_row_counts *counts)
{
    if (counts->entities == 0 && counts->left_out == 0)
        return HANDOFF_NONE;
    if (handoff->info->preview)
        return HANDOFF_PREVIEW;
    if (counts->left_out > 0)
        return HANDOFF_LIMITED;
    return handoff->args.dryrun ? HANDOFF_DRYRUN : HANDOFF_COLLECTED;
}

static enum fault_code take_rows(struct handoff *handoff, struct arena *arena, struct fault *fault)
{
    for (;;) {
        struct graph_row_counts counts;
        bool more;
        enum fault_code code = rows_next(&handoff->rows, &more, fault);
        if (code != FAULT_NONE || !more)
            return code;
        code = add_row(handoff, arena, &counts, fault);
        if (code != FAULT_NONE)
            return code;
        uint32_t entities =
            counts.entities < ENTITIES_SHOWN_MAX ? counts.entities : ENTITIES_SHOWN_MAX;
        uint32_t status = status_of(handoff, &counts);
        code = rows_keep(&handoff->rows, status << STATUS_SHIFT | entities, fault);
        if (code != FAULT_NONE)
            return code;
    }
}

enum fault_code handoff_rows_take(struct handoff *handoff, struct str body, struct arena *arena,
                                  struct fault *fault)
{
    enum fault_code code = rows_begin(&handoff->rows, body, arena, fault);
    if (code == FAULT_NONE)
        code = find_columns(handoff, arena, fault);
    return code == FAULT_NONE ? take_rows(handoff, arena, fault) : code;
}

void handoff_rows_cells(const void *context, uint32_t tag, struct buf *out)
{
    const struct handoff *handoff = context;
    enum handoff_status status = tag >> STATUS_SHIFT;
    if (status == HANDOFF_COLLECTED && handoff->ended)
        status = handoff->outcome;
    buf_add_c(out, handoff->has_link ? ",\"" : ",");
    buf_add_c(out, handoff->has_link ? handoff->link : "");
    buf_add_c(out, handoff->has_link ? "\"," : ",");
    buf_add_u64(out, tag & ENTITIES_SHOWN_MAX);
    buf_add_byte(out, ',');
    buf_add_c(out, status_names[status]);
}
