/* A results file, in gzip and as it is: its blocks together are the file, each ends where a row
 * ends, and it is the same answer however the bytes are cut. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/alert/results.h"
#include "libs/core/os.h"
#include "libs/http/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
    struct str rest;
    size_t cut;
};

static enum fault_code feed_some(void *context, char *out, size_t room, size_t *out_len,
                                 struct fault *fault)
{
    struct feed *feed = context;
    struct str piece = str_take(feed->rest, feed->cut < room ? feed->cut : room);
    (void)fault;
    if (piece.len > 0)
        memcpy(out, piece.ptr, piece.len);
    feed->rest = str_skip(feed->rest, piece.len);
    *out_len = piece.len;
    return FAULT_NONE;
}

static enum fault_code read_all(struct str packed, size_t cut, struct buf *out)
{
    struct results *results = os_alloc(sizeof *results);
    struct feed feed = {packed, cut};
    struct str block;
    struct fault fault = {0};
    bool more = true;
    bool first = true;
    assert(results);
    enum fault_code code = results_init(results, feed_some, &feed, &fault);
    assert(code == FAULT_NONE);
    while (code == FAULT_NONE && more) {
        code = results_next(results, &block, &more, &fault);
        if (code == FAULT_NONE && more) {
            assert(block.len >= results->header);
            buf_add(out, str_skip(block, first ? 0 : results->header));
            first = false;
        }
    }
    assert(code == FAULT_NONE || fault.text[0] != '\0');
    results_done(results);
    os_free(results);
    return code;
}

static void compare(struct str packed, const struct str *text)
{
    struct buf whole;
    struct buf cut;
    buf_init(&whole, 64 << 20);
    buf_init(&cut, 64 << 20);
    enum fault_code code = read_all(packed, SIZE_MAX, &whole);
    assert(read_all(packed, 1 + packed.len % 7, &cut) == code);
    if (code == FAULT_NONE) {
        struct str mark = STR("\xef\xbb\xbf");
        struct str plain = text ? *text : STR("");
        plain = str_skip(plain, str_starts(plain, mark) ? mark.len : 0);
        assert(str_equal(buf_str(&whole), buf_str(&cut)));
        assert(str_trim(plain).len == 0 || str_equal(buf_str(&whole), plain));
    }
    buf_done(&whole);
    buf_done(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf packed;
    struct fault fault;
    compare(text, NULL);
    buf_init(&packed, 16 << 20);
    if (gzip_add(&packed, text, &fault) == FAULT_NONE)
        compare(buf_str(&packed), &text);
    buf_done(&packed);
    return 0;
}
