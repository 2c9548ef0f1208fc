/* The CSV reader of lookups: no crash, a refusal names its line and leaves the place unmoved, and
 * the records that were read, written with every cell quoted, read back as the same. */
#include "libs/text/csv.h"

#include <assert.h>

#include "libs/core/buf.h"

enum { ROOM = 12, LIMIT = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_quoted(struct buf *out, const struct str *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_c(out, i == 0 ? "\"" : ",\"");
        for (size_t j = 0; j < cells[i].len; j++) {
            buf_add_byte(out, cells[i].ptr[j]);
            if (cells[i].ptr[j] == '"')
                buf_add_byte(out, '"');
        }
        buf_add_byte(out, '"');
    }
    buf_add_byte(out, '\n');
}

/* Reads to the end, or to what is refused; the records go quoted into `out`. */
static enum fault_code copy(struct str text, struct arena *arena, struct buf *out)
{
    struct csv csv = csv_of(text);
    struct str cells[ROOM];
    struct fault fault = {0};
    size_t count = 0;
    bool more = true;
    for (;;) {
        struct str before = csv.rest;
        enum fault_code code = csv_next(&csv, arena, cells, ROOM, &count, &more, &fault);
        if (code != FAULT_NONE) {
            assert(code == FAULT_INPUT || code == FAULT_LIMIT);
            assert(str_starts(str_of(fault.text), STR("line ")));
            assert(csv.rest.ptr == before.ptr && csv.rest.len == before.len);
            return code;
        }
        if (!more)
            return FAULT_NONE;
        assert(count >= 1 && count <= ROOM && csv.rest.len < before.len);
        add_quoted(out, cells, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena arena;
    struct buf once;
    struct buf twice;
    arena_init(&arena, LIMIT);
    buf_init(&once, LIMIT);
    buf_init(&twice, LIMIT);
    enum fault_code code = copy(text, &arena, &once);
    if (code == FAULT_NONE) {
        arena_reset(&arena);
        code = copy(buf_str(&once), &arena, &twice);
        assert(code == FAULT_LIMIT || code == FAULT_NONE); /* the arena holds each quoted rest */
        assert(code == FAULT_LIMIT || str_equal(buf_str(&once), buf_str(&twice)));
    }
    arena_done(&arena);
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
