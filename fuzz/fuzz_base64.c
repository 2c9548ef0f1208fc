/* Base64 from outside: no crash, what is taken writes back to the same text, and what is refused
 * leaves what was there. */
#include <assert.h>

#include "libs/crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf bytes;
    struct buf again;
    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    buf_add(&bytes, STR("kept"));
    if (base64_decode_add(&bytes, text)) {
        base64_add(&again, str_skip(buf_str(&bytes), 4));
        assert(str_equal(buf_str(&again), text));
    } else {
        assert(str_equal(buf_str(&bytes), STR("kept")));
    }
    buf_clear(&again);
    buf_clear(&bytes);
    base64_add(&again, text);
    bool taken = base64_decode_add(&bytes, buf_str(&again));
    assert(taken && str_equal(buf_str(&bytes), text));
    buf_done(&bytes);
    buf_done(&again);
    return 0;
}
