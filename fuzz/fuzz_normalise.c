/* Any text as any type: what comes out good is text, fits, and is its own normal form. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libs/graph/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct graph_value value;
    if (size == 0)
        return 0;
    /* Letters choose the type, so that a corpus can be written by hand. */
    int type = (data[0] - 'A' + 256) % GRAPH_TYPE_COUNT;
    struct str raw = {(const char *)data + 1, size - 1};
    memset(&value, 0x5a, sizeof value);
    enum graph_verdict verdict = graph_normalise(type, raw, &value);
    if (verdict != GRAPH_VALUE_GOOD) {
        for (size_t i = 0; i < sizeof value; i++)
            assert(((const unsigned char *)&value)[i] == 0x5a); /* outputs untouched */
        return 0;
    }
    assert(value.len > 0 && value.len <= GRAPH_VALUE_MAX && value.text[value.len] == '\0');
    assert(type >= GRAPH_KIND_COUNT || type == (int)value.kind);
    struct str text = {value.text, value.len};
    assert(str_is_utf8(text));
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
    assert(graph_is_normal(value.kind, text));
    return 0;
}
