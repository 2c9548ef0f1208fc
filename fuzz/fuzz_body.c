/* Bodies that the service inflates: the same answer however the bytes are cut, and the same as the
 * app's own reader of gzip. The first byte chooses the cuts. */
#include "service/web/web_body.h"

#include <assert.h>

#include "libs/http/gzip.h"

enum { LIMIT = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds `data` in pieces of `step`; the answer, and in `out` what came of it. */
static enum fault_code feed(struct str data, size_t step, enum web_coding coding, struct buf *out)
{
    struct web_body body = {0};
    struct fault fault = {0};
    enum fault_code code = web_body_init(&body, LIMIT, coding, &fault);
    while (code == FAULT_NONE && data.len > 0) {
        code = web_body_add(&body, str_take(data, step), &fault);
        data = str_skip(data, step);
    }
    if (code == FAULT_NONE)
        code = web_body_end(&body, &fault);
    if (code == FAULT_NONE)
        buf_add(out, buf_str(&body.bytes));
    else
        assert(fault.code == code && fault.text[0] != '\0');
    assert(body.bytes.len <= LIMIT);
    web_body_done(&body);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole;
    struct buf cut;
    struct buf inflated;
    struct fault fault;
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    buf_init(&whole, LIMIT);
    buf_init(&cut, LIMIT);
    buf_init(&inflated, LIMIT);
    enum fault_code code = feed(text, SIZE_MAX, WEB_GZIP, &whole);
    assert(feed(text, 1 + data[0] % 64, WEB_GZIP, &cut) == code);
    assert(str_equal(buf_str(&whole), buf_str(&cut)));
    if (code == FAULT_NONE) {
        code = gunzip_add(&inflated, text, &fault);
        /* A body without a byte is one without content; a text that fills the room to its last
         * byte looks to the app's reader like one that is over it. */
        assert(code == FAULT_NONE || text.len == 0 || whole.len == LIMIT);
        assert(code != FAULT_NONE || str_equal(buf_str(&whole), buf_str(&inflated)));
    }
    buf_clear(&whole);
    assert(feed(text, 1 + data[0] % 64, WEB_IDENTITY, &whole) == FAULT_NONE || size > LIMIT);
    assert(size > LIMIT || str_equal(buf_str(&whole), text));
    buf_done(&whole);
    buf_done(&cut);
    buf_done(&inflated);
    return 0;
}
