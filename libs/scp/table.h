/* One chunk's CSV, scanned in place: where each cell of a row begins and ends, and nothing copied.
 *
 * Cells are separated by commas, rows by LF or CRLF; a quoted cell may hold commas, line ends and
 * doubled quotes. Bytes are not interpreted otherwise: NULs and invalid UTF-8 pass. The scanner
 * works on 64 bytes at a time; table_simple.c holds the plain version that says what it must find.
 */
#ifndef IG_SCP_TABLE_H
#define IG_SCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SCP_COLUMNS_MAX = 8192 };

struct scp_row {
    uint32_t start;      /* of the row, in the body */
    uint32_t end;        /* of its last cell: the CR, LF or end of the body stands here */
    uint32_t next;       /* start of the next row */
    uint32_t cell_count; /* cells of the row; only the first `room` have an end noted */
};

struct scp_table {
    struct str body;
    size_t block;    /* start of the block whose marks are at hand */
    uint64_t commas; /* marks still to be looked at, outside quotes */
    uint64_t newlines;
    uint64_t quoted; /* all ones when the block before ended within quotes */
    uint32_t row_start;
};

/* The body is borrowed and at most SCP_BODY_MAX bytes. */
void scp_table_init(struct scp_table *table, struct str body);

/* The next row. out_ends[i] is where cell i ends, for i < room. False at the end of the body. */
bool scp_table_next(struct scp_table *table, uint32_t *out_ends, uint32_t room,
                    struct scp_row *out_row);

/* True when the body ended within quotes: to be asked after the last row. */
bool scp_table_is_cut(const struct scp_table *table);

/* The same by one byte after another: the oracle for tests and fuzzing. */
bool scp_table_next_simple(struct scp_table *table, uint32_t *out_ends, uint32_t room,
                           struct scp_row *out_row);

/* Cell `index` as it stands in the body, quotes included; empty when the row has no such cell. */
struct str scp_cell(const struct scp_table *table, const struct scp_row *row, const uint32_t *ends,
                    uint32_t index);

/* What a cell says: without its quotes. Copied into the arena only when it holds a doubled quote;
 * ptr NULL when the arena refuses. A stray quote in a bare cell is kept. */
struct str scp_cell_value(struct str cell, struct arena *arena);

#endif
