/* Addresses against the C library's reader: what inet_pton takes is taken here with the same bytes,
 * and what is written here inet_pton reads back. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libs/graph/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As 16 bytes, an IPv4 address mapped; false when the library does not take it. */
static bool read_by_library(const char *text, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out + 12) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

/* Addresses that no machine has: 0.0.0.0, 255.255.255.255 and ::. */
static bool is_empty(const unsigned char bytes[16])
{
    static const unsigned char zero[16];
    static const unsigned char none[6] = {0xff, 0xff};
    static const unsigned char all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(bytes, zero, sizeof zero) == 0 ||
           (memcmp(bytes, zero, 10) == 0 &&
            (memcmp(bytes + 10, none, sizeof none) == 0 || memcmp(bytes + 10, all, 6) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct graph_value value;
    static struct graph_value again;
    struct str raw = {(const char *)data, size};
    unsigned char bytes[16];
    unsigned char written[16];
    char text[64];
    enum graph_verdict verdict = graph_normalise(GRAPH_IP, raw, &value);
    bool known = str_to_c(raw, text, sizeof text) && read_by_library(text, bytes);
    if (known)
        assert(verdict == (is_empty(bytes) ? GRAPH_VALUE_PLACEHOLDER : GRAPH_VALUE_GOOD));
    if (verdict != GRAPH_VALUE_GOOD)
        return 0;
    assert(read_by_library(value.text, written));
    if (known)
        assert(memcmp(bytes, written, sizeof bytes) == 0);
    struct str normal = {value.text, value.len};
    assert(graph_normalise(GRAPH_IP, normal, &again) == GRAPH_VALUE_GOOD);
    assert(again.len == value.len && memcmp(again.text, value.text, value.len) == 0);
    return 0;
}
