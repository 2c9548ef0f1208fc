/* The row engine: the fast scanner finds what the simple one finds, and rows that have passed once
 * pass a second time unchanged, the cells of the first time giving way to those of the second. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/frame/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 16 };

static void same_rows(struct str body)
{
    struct scp_table fast;
    struct scp_table simple;
    struct scp_row row;
    struct scp_row want;
    uint32_t ends[ROOM];
    uint32_t want_ends[ROOM];
    scp_table_init(&fast, body);
    scp_table_init(&simple, body);
    while (scp_table_next_simple(&simple, want_ends, ROOM, &want)) {
        assert(scp_table_next(&fast, ends, ROOM, &row));
        assert(memcmp(&row, &want, sizeof row) == 0);
        uint32_t cells = row.cell_count < ROOM ? row.cell_count : ROOM;
        assert(memcmp(ends, want_ends, cells * sizeof *ends) == 0);
    }
    assert(!scp_table_next(&fast, ends, ROOM, &row));
    assert(scp_table_is_cut(&fast) == scp_table_is_cut(&simple));
}

static const char *const added[] = {"x", NULL};

static void add_cell(const void *context, uint32_t tag, struct buf *out)
{
    (void)context;
    buf_addf(out, ",%u", tag);
}

static enum fault_code collect(void *context, struct str bytes, struct fault *fault)
{
    buf_add(context, bytes);
    return buf_check(context, "collected", fault);
}

static enum fault_code pass(struct str body, struct arena *arena, struct buf *out)
{
    struct rows rows;
    struct buf staging;
    struct buf scratch;
    struct fault fault;
    bool more = true;
    rows_init(&rows, added);
    buf_init(&staging, 4096);
    buf_init(&scratch, 4096);
    enum fault_code code = rows_begin(&rows, body, arena, &fault);
    if (code == FAULT_NONE)
        rows_need(&rows, 0);
    while (code == FAULT_NONE && more) {
        code = rows_next(&rows, &more, &fault);
        if (code == FAULT_NONE && more)
            code = rows_keep(&rows, 0, &fault);
    }
    if (code == FAULT_NONE) {
        size_t promised = rows_size(&rows, add_cell, NULL, &scratch);
        code = rows_write(&rows, add_cell, NULL, &staging, collect, out, &fault);
        assert(code == FAULT_NONE && out->len == promised);
    }
    rows_done(&rows);
    buf_done(&staging);
    buf_done(&scratch);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct arena arena;
    struct buf once;
    struct buf twice;
    same_rows(body);
    arena_init(&arena, 64 << 20);
    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    if (pass(body, &arena, &once) == FAULT_NONE) {
        /* What has passed once (line ends mended, short rows filled) passes again unchanged. */
        assert(pass(buf_str(&once), &arena, &twice) == FAULT_NONE);
        assert(str_equal(buf_str(&once), buf_str(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
    return 0;
}
