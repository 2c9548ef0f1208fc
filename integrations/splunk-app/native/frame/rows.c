#include "integrations/splunk-app/native/frame/rows.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

/* Bytes of the body, or commas for cells that a short row lacks. */
struct rows_piece {
    uint32_t start; /* PADDING: `len` commas */
    uint32_t len;
    uint32_t tag; /* NO_TAG: the row goes on with the next piece */
};

enum { PIECES_LEAST = 1024 };
#define PADDING UINT32_MAX
#define NO_TAG  UINT32_MAX

void rows_init(struct rows *rows, const char *const *added)
{
    *rows = (struct rows){.added = added};
}

void rows_done(struct rows *rows)
{
    os_free(rows->pieces);
    rows->pieces = NULL;
}

static enum fault_code add_piece(struct rows *rows, uint32_t start, uint32_t len, uint32_t tag,
                                 struct fault *fault)
{
    if (rows->piece_count == rows->piece_room) {
        size_t room = rows->piece_room ? rows->piece_room * 2 : PIECES_LEAST;
        struct rows_piece *pieces = os_resize(rows->pieces, room * sizeof *pieces);
        if (!pieces)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the rows of a chunk");
        rows->pieces = pieces;
        rows->piece_room = room;
    }
    rows->pieces[rows->piece_count++] = (struct rows_piece){start, len, tag};
    return FAULT_NONE;
}

/* --- header -------------------------------------------------------------------------------- */

static bool is_added(const struct rows *rows, struct str name)
{
    if (str_starts(name, STR("__mv_")))
        name = str_skip(name, 5);
    for (const char *const *added = rows->added; *added; added++)
        if (str_equal(name, str_of(*added)))
            return true;
    return false;
}

static enum fault_code read_columns(struct rows *rows, struct fault *fault)
{
    struct scp_table table = rows->table;
    struct scp_row row;
    scp_table_next(&table, NULL, 0, &row);
    if (row.cell_count > SCP_COLUMNS_MAX)
        return fault_set(fault, FAULT_LIMIT, "a chunk of %u columns is over the limit of %d",
                         row.cell_count, SCP_COLUMNS_MAX);
    rows->column_count = row.cell_count;
    rows->columns = arena_alloc(rows->arena, row.cell_count * sizeof *rows->columns);
    rows->ends = arena_alloc(rows->arena, row.cell_count * sizeof *rows->ends);
    if (!rows->columns || !rows->ends)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");

    scp_table_next(&rows->table, rows->ends, row.cell_count, &rows->row);
    for (uint32_t i = 0; i < row.cell_count; i++) {
        struct str cell = scp_cell(&rows->table, &rows->row, rows->ends, i);
        rows->columns[i] = scp_cell_value(cell, rows->arena);
        if (!rows->columns[i].ptr)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");
        if (!is_added(rows, rows->columns[i]))
            continue;
        if (!rows->dropped)
            rows->dropped = arena_alloc(rows->arena, row.cell_count * sizeof *rows->dropped);
        if (!rows->dropped)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");
        rows->dropped[i] = true;
    }
    return FAULT_NONE;
}

enum fault_code rows_begin(struct rows *rows, struct str body, struct arena *arena,
                           struct fault *fault)
{
    scp_table_init(&rows->table, body);
    rows->arena = arena;
    rows->column_count = 0;
    rows->columns = NULL;
    rows->dropped = NULL;
    rows->ends = NULL;
    rows->room = 0;
    rows->row_count = 0;
    rows->piece_count = 0;
    if (body.len == 0)
        return FAULT_NONE;
    enum fault_code code = read_columns(rows, fault);
    if (code == FAULT_NONE)
        code = rows_keep(rows, NO_TAG - 1, fault); /* the header line: its tag is never asked for */
    return code;
}

void rows_need(struct rows *rows, uint32_t cells)
{
    /* Cells that give way must be found, so all ends are noted then. */
    rows->room = rows->dropped ? rows->column_count : cells;
    assert(rows->room <= rows->column_count);
}

/* --- rows ---------------------------------------------------------------------------------- */

enum fault_code rows_next(struct rows *rows, bool *out_more, struct fault *fault)
{
    bool more =
        rows->column_count > 0 && scp_table_next(&rows->table, rows->ends, rows->room, &rows->row);
    if (!more && scp_table_is_cut(&rows->table))
        return fault_set(fault, FAULT_INPUT, "row %llu of a chunk has a quote that is not closed",
                         (unsigned long long)rows->row_count);
    if (more && rows->row.cell_count > rows->column_count)
        return fault_set(fault, FAULT_INPUT, "row %llu of a chunk has %u cells for %u columns",
                         (unsigned long long)rows->row_count + 1, rows->row.cell_count,
                         rows->column_count);
    rows->row_count += more;
    *out_more = more;
    return FAULT_NONE;
}

struct str rows_cell(const struct rows *rows, uint32_t column)
{
    assert(column < rows->room);
    return scp_cell(&rows->table, &rows->row, rows->ends, column);
}

/* Passes the cells that do not give way, as runs; the last piece carries the tag. */
static enum fault_code keep_without_dropped(struct rows *rows, uint32_t tag, struct fault *fault)
{
    uint32_t run = rows->row.start;
    bool first = true;
    for (uint32_t i = 0; i < rows->row.cell_count; i++) {
        uint32_t start = i == 0 ? rows->row.start : rows->ends[i - 1];
        if (rows->dropped[i]) {
            if (start > run && add_piece(rows, run, start - run, NO_TAG, fault) != FAULT_NONE)
                return fault->code;
            run = rows->ends[i];
            continue;
        }
        /* The first cell that stays loses the comma before it. */
        if (first && start == run && i > 0)
            run++;
        first = false;
    }
    return add_piece(rows, run, rows->row.end - run, tag, fault);
}

enum fault_code rows_keep(struct rows *rows, uint32_t tag, struct fault *fault)
{
    uint32_t start = rows->row.start;
    uint32_t len = rows->row.end - start;
    if (rows->row.cell_count < rows->column_count) {
        uint32_t missing = rows->column_count - rows->row.cell_count;
        if (rows->dropped)
            return fault_set(fault, FAULT_INPUT, "row %llu of a chunk has %u cells for %u columns",
                             (unsigned long long)rows->row_count, rows->row.cell_count,
                             rows->column_count);
        if (add_piece(rows, start, len, NO_TAG, fault) != FAULT_NONE)
            return fault->code;
        return add_piece(rows, PADDING, missing, tag, fault);
    }
    if (rows->dropped)
        return keep_without_dropped(rows, tag, fault);
    return add_piece(rows, start, len, tag, fault);
}

/* --- reply --------------------------------------------------------------------------------- */

static void add_header_cells(const struct rows *rows, struct buf *out)
{
    for (const char *const *added = rows->added; *added; added++)
        buf_addf(out, ",\"%s\"", *added);
}

static void add_end_of_row(const struct rows *rows, bool header, uint32_t tag, rows_cells *cells,
                           const void *context, struct buf *out)
{
    if (header)
        add_header_cells(rows, out);
    else
        cells(context, tag, out);
    buf_add_byte(out, '\n');
}

size_t rows_size(const struct rows *rows, rows_cells *cells, const void *context,
                 struct buf *scratch)
{
    size_t size = 0;
    bool header = true;
    uint32_t tag_before = NO_TAG;
    for (size_t i = 0; i < rows->piece_count; i++) {
        const struct rows_piece *piece = &rows->pieces[i];
        size += piece->len;
        if (piece->tag == NO_TAG)
            continue;
        /* Runs of rows with the same tag are common: their cells are made once. */
        if (header || piece->tag != tag_before) {
            buf_clear(scratch);
            add_end_of_row(rows, header, piece->tag, cells, context, scratch);
            tag_before = header ? NO_TAG : piece->tag;
        }
        size += scratch->len;
        header = false;
    }
    return size;
}

static enum fault_code flush(struct buf *staging, rows_sink *sink, void *sink_context,
                             struct fault *fault)
{
    enum fault_code code = sink(sink_context, buf_str(staging), fault);
    buf_clear(staging);
    return code;
}

/* Adds text to the staging buffer; what does not fit goes out first. */
static enum fault_code stage(struct buf *staging, struct str text, rows_sink *sink,
                             void *sink_context, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (text.len > staging->limit - staging->len)
        code = flush(staging, sink, sink_context, fault);
    if (code != FAULT_NONE)
        return code;
    if (text.len > staging->limit)
        return sink(sink_context, text, fault);
    buf_add(staging, text);
    return buf_check(staging, "a reply", fault);
}

static enum fault_code stage_commas(struct buf *staging, uint32_t count, rows_sink *sink,
                                    void *sink_context, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (uint32_t i = 0; i < count && code == FAULT_NONE; i++)
        code = stage(staging, STR(","), sink, sink_context, fault);
    return code;
}

enum fault_code rows_write(const struct rows *rows, rows_cells *cells, const void *context,
                           struct buf *staging, rows_sink *sink, void *sink_context,
                           struct fault *fault)
{
    bool header = true;
    for (size_t i = 0; i < rows->piece_count; i++) {
        const struct rows_piece *piece = &rows->pieces[i];
        enum fault_code code;
        if (piece->start == PADDING)
            code = stage_commas(staging, piece->len, sink, sink_context, fault);
        else
            code = stage(staging, (struct str){rows->table.body.ptr + piece->start, piece->len},
                         sink, sink_context, fault);
        /* The added cells of one row are short: room for them is made beforehand. */
        if (code == FAULT_NONE && staging->limit - staging->len < 4096)
            code = flush(staging, sink, sink_context, fault);
        if (code != FAULT_NONE)
            return code;
        if (piece->tag == NO_TAG)
            continue;
        add_end_of_row(rows, header, piece->tag, cells, context, staging);
        header = false;
    }
    enum fault_code code = buf_check(staging, "a reply", fault);
    return code == FAULT_NONE ? flush(staging, sink, sink_context, fault) : code;
}
