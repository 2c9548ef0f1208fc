/* Multivalue cells (`__mv_` columns): no crash, and what was read writes back to itself; what is
 * refused is refused at the same value each time. */
#include "libs/scp/multivalue.h"

#include <assert.h>

#include "libs/core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_value(struct buf *out, struct str value)
{
    buf_add_c(out, out->len ? ";$" : "$");
    for (size_t i = 0; i < value.len; i++) {
        buf_add_byte(out, value.ptr[i]);
        if (value.ptr[i] == '$')
            buf_add_byte(out, '$');
    }
    buf_add_byte(out, '$');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct str rest = text;
    struct str value;
    struct arena arena;
    struct buf again;
    struct fault fault = {0};
    bool more = true;
    enum fault_code code;
    arena_init(&arena, 64 << 20);
    buf_init(&again, 2 * size + 16);
    for (;;) {
        struct str before = rest;
        code = scp_multivalue_next(&rest, &arena, &value, &more, &fault);
        if (code != FAULT_NONE) {
            assert(code == FAULT_INPUT && rest.ptr == before.ptr && rest.len == before.len);
            break;
        }
        if (!more)
            break;
        add_value(&again, value);
        assert(str_starts(text, buf_str(&again))); /* as far as it was read */
    }
    if (code == FAULT_NONE)
        assert(str_equal(buf_str(&again), text));
    buf_done(&again);
    arena_done(&arena);
    return 0;
}
