/* The rows of one chunk on their way through: every cell passes byte for byte, columns are added.
 *
 * Nothing is copied until the reply is written: a row is remembered as pieces of the request's body
 * and a tag from which its added cells are made at the end, when they are known. A column of the
 * request that has the name of an added one (a command run twice in one pipe) gives way, with its
 * twin. */
#ifndef IG_NATIVE_ROWS_H
#define IG_NATIVE_ROWS_H

#include "libs/core/buf.h"
#include "libs/scp/table.h"

struct rows_piece;

struct rows {
    struct scp_table table;
    struct arena *arena;
    const char *const *added; /* names of the added columns, ended by NULL */
    uint32_t column_count;
    struct str *columns; /* the request's column names, unquoted */
    bool *dropped;       /* by column; NULL when none gives way */
    uint32_t *ends;      /* of the current row's cells */
    uint32_t room;       /* cells whose ends are noted */
    struct scp_row row;  /* the current row */
    uint64_t row_count;
    struct rows_piece *pieces;
    size_t piece_count;
    size_t piece_room;
};

/* In place; allocates nothing until the first chunk. */
void rows_init(struct rows *rows, const char *const *added);
void rows_done(struct rows *rows);

/* Takes up a body (borrowed until rows_write) and reads its header line. `arena` holds names and
 * unquoted cells until then. A body of no bytes has no columns and no rows. */
enum fault_code rows_begin(struct rows *rows, struct str body, struct arena *arena,
                           struct fault *fault) MUST_USE;

/* How many cells of each row rows_cell must be able to give; the fewer, the faster. */
void rows_need(struct rows *rows, uint32_t cells);

/* The next row. *out_more = false at the end. FAULT_INPUT for a row with more cells than there are
 * columns, and for a quote that is not closed. */
enum fault_code rows_next(struct rows *rows, bool *out_more, struct fault *fault) MUST_USE;

/* A cell of the current row as it stands, quotes included. */
struct str rows_cell(const struct rows *rows, uint32_t column);

/* Lets the current row pass with `tag`. */
enum fault_code rows_keep(struct rows *rows, uint32_t tag, struct fault *fault) MUST_USE;

/* Adds the cells for a tag, each after a comma, e.g. ",\"x\",3". Called once per row and twice in
 * all: to count and to write, so it must say the same both times. */
typedef void rows_cells(const void *context, uint32_t tag, struct buf *out);

/* Where a reply goes: FAULT_IO ends it. */
typedef enum fault_code rows_sink(void *context, struct str bytes, struct fault *fault);

/* Bytes that rows_write will write. */
size_t rows_size(const struct rows *rows, rows_cells *cells, const void *context,
                 struct buf *scratch);

/* Writes header and rows through `staging`, which is flushed to the sink when it is full. */
enum fault_code rows_write(const struct rows *rows, rows_cells *cells, const void *context,
                           struct buf *staging, rows_sink *sink, void *sink_context,
                           struct fault *fault) MUST_USE;

#endif
