/* Readers of ours against readers of others: answers what ours make of each case, for
 * fuzz/differential.py to compare with Python's.
 *
 * Standard input: a letter for the reader, the length in decimal, a line feed, that many bytes; and
 * so on. Standard output: one line a case. A refusal is "-"; else the answer in hexadecimal, where
 * a record ends in 0x1e and a cell in 0x1f. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "libs/core/buf.h"
#include "libs/graph/normalise.h"
#include "libs/http/gzip.h"
#include "libs/scp/multivalue.h"
#include "libs/scp/table.h"
#include "libs/text/csv.h"
#include "libs/text/json.h"
#include "libs/text/time.h"

enum { CELLS = 64, LIMIT = 1 << 20, CASE_MAX = 1 << 16 };

static bool read_csv(struct str text, struct arena *arena, struct buf *out)
{
    struct csv csv = csv_of(text);
    struct str cells[CELLS];
    struct fault fault;
    size_t count;
    bool more = true;
    while (csv_next(&csv, arena, cells, CELLS, &count, &more, &fault) == FAULT_NONE) {
        if (!more)
            return true;
        for (size_t i = 0; i < count; i++) {
            buf_add(out, cells[i]);
            buf_add_byte(out, '\x1f');
        }
        buf_add_byte(out, '\x1e');
    }
    return false;
}

static bool read_table(struct str text, struct arena *arena, struct buf *out)
{
    struct scp_table table;
    struct scp_row row;
    uint32_t ends[CELLS];
    scp_table_init(&table, text);
    while (scp_table_next(&table, ends, CELLS, &row)) {
        for (uint32_t i = 0; i < row.cell_count && i < CELLS; i++) {
            buf_add(out, scp_cell_value(scp_cell(&table, &row, ends, i), arena));
            buf_add_byte(out, '\x1f');
        }
        buf_add_byte(out, '\x1e');
    }
    return !scp_table_is_cut(&table);
}

static bool read_ip(struct str text, struct buf *out)
{
    static struct graph_value value;
    enum graph_verdict verdict = graph_normalise(GRAPH_IP, text, &value);
    if (verdict == GRAPH_VALUE_GOOD)
        buf_add(out, (struct str){value.text, value.len});
    return verdict == GRAPH_VALUE_GOOD || verdict == GRAPH_VALUE_PLACEHOLDER;
}

static bool read_time(struct str text, struct buf *out)
{
    int64_t us;
    bool taken = time_read_us(text, &us);
    if (taken)
        buf_add_i64(out, us);
    return taken;
}

static bool read_multivalue(struct str text, struct arena *arena, struct buf *out)
{
    struct fault fault;
    struct str value;
    bool more = true;
    while (scp_multivalue_next(&text, arena, &value, &more, &fault) == FAULT_NONE) {
        if (!more)
            return true;
        buf_add(out, value);
        buf_add_byte(out, '\x1f');
    }
    return false;
}

static bool answer(char reader, struct str text, struct arena *arena, struct buf *out)
{
    struct fault fault;
    switch (reader) {
    case 'c':
        return read_csv(text, arena, out);
    case 't':
        return read_table(text, arena, out);
    case 'i':
        return read_ip(text, out);
    case 'd':
        return read_time(text, out);
    case 'm':
        return read_multivalue(text, arena, out);
    case 'j':
        return json_check(text, &fault) == FAULT_NONE;
    case 'z':
        return gunzip_add(out, text, &fault) == FAULT_NONE;
    default:
        fprintf(stderr, "no reader '%c'\n", reader);
        exit(2);
    }
}

int main(void)
{
    static char room[CASE_MAX];
    struct arena arena;
    struct buf out;
    struct buf line;
    char reader;
    size_t len;
    arena_init(&arena, 64 << 20);
    buf_init(&out, LIMIT);
    buf_init(&line, 2 * LIMIT + 2);
    while (scanf(" %c %zu", &reader, &len) == 2 && getchar() == '\n') {
        assert(len <= sizeof room && fread(room, 1, len, stdin) == len);
        bool taken = answer(reader, (struct str){room, len}, &arena, &out);
        if (taken)
            buf_add_hex(&line, out.ptr, out.len);
        puts(taken && line.len > 0 ? (buf_add_byte(&line, '\0'), line.ptr) : taken ? "" : "-");
        arena_reset(&arena);
        buf_clear(&out);
        buf_clear(&line);
    }
    arena_done(&arena);
    buf_done(&out);
    buf_done(&line);
    return 0;
}
