/* What the app reads of a reply: a receipt that is taken is written back and read as the same; one
 * that is refused says why and leaves what was there. */
#include <assert.h>

#include "libs/wire/handoff.h"

enum { LIMIT = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct wire_receipt receipt = {.rows = -7};
    struct wire_receipt again;
    struct fault fault = {0};
    struct arena arena;
    struct buf once;
    struct buf twice;
    arena_init(&arena, LIMIT);
    buf_init(&once, LIMIT);
    buf_init(&twice, LIMIT);
    if (wire_read_receipt(&arena, text, &receipt, &fault) == FAULT_NONE) {
        assert(wire_is_id(receipt.id) && receipt.link.len > 0 && receipt.rows >= 0);
        wire_add_receipt(&once, &receipt);
        enum fault_code code = wire_read_receipt(&arena, buf_str(&once), &again, &fault);
        assert(code == FAULT_NONE);
        wire_add_receipt(&twice, &again);
        assert(str_equal(buf_str(&once), buf_str(&twice)));
    } else {
        assert(receipt.rows == -7 && fault.text[0] != '\0');
    }
    arena_done(&arena);
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
