/* Whole-text CSV records (RFC 4180 with LF or CRLF), for small files such as lookups. The row
 * engine of the search commands has its own reader, libs/scp/table.h. */
#ifndef IG_TEXT_CSV_H
#define IG_TEXT_CSV_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

struct csv {
    struct str rest;
    size_t line; /* of the record last read, from 1 */
    size_t next_line;
};

struct csv csv_of(struct str text); /* skips a UTF-8 byte order mark */

/* Reads the next record into out_cells[*out_count] (at most `room`; more is FAULT_LIMIT). Quoted
 * cells with "" are copied into the arena, others borrowed. FAULT_NONE with *out_more = false at
 * the end. A quote that is not closed, or text after a closing quote, is FAULT_INPUT with the line.
 */
enum fault_code csv_next(struct csv *csv, struct arena *arena, struct str *out_cells, size_t room,
                         size_t *out_count, bool *out_more, struct fault *fault) MUST_USE;

#endif
