/* Bodies that come as zstd: the same answer however the bytes are cut, never more than the limit in
 * text, nor more memory than a window and what belongs to it. The first byte chooses the cuts. */
#include "service/web/web_body.h"

#include <assert.h>

#include "service/web/web_unzstd.h"

enum { LIMIT = 256 * 1024, BESIDE = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds `data` in pieces of `step`; the answer, and in `out` what came of it. */
static enum fault_code feed(struct str data, size_t step, struct buf *out, struct fault *fault)
{
    struct web_body body = {0};
    *fault = (struct fault){0};
    enum fault_code code = web_body_init(&body, LIMIT, WEB_ZSTD, fault);
    while (code == FAULT_NONE && data.len > 0) {
        code = web_body_add(&body, str_take(data, step), fault);
        data = str_skip(data, step);
        assert(web_body_held(&body) <= LIMIT + WEB_ZSTD_WINDOW_MAX + BESIDE);
    }
    if (code == FAULT_NONE)
        code = web_body_end(&body, fault);
    if (code == FAULT_NONE)
        buf_add(out, buf_str(&body.bytes));
    else
        assert(fault->code == code && fault->text[0] != '\0');
    assert(code == FAULT_NONE || code == FAULT_INPUT || code == FAULT_LIMIT);
    assert(body.bytes.len <= LIMIT);
    web_body_done(&body);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole;
    struct buf cut;
    struct fault fault;
    struct fault fault_of_cut;
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    buf_init(&whole, LIMIT);
    buf_init(&cut, LIMIT);
    enum fault_code code = feed(text, SIZE_MAX, &whole, &fault);
    assert(feed(text, 1 + data[0] % 64, &cut, &fault_of_cut) == code);
    assert(str_equal(buf_str(&whole), buf_str(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
