#include "libs/crypto/hmac.h"

#include <string.h>

enum { BLOCK = 64 };

static bool digest(const unsigned char pad[BLOCK], const struct str *parts, size_t count,
                   struct sha256 *out)
{
    struct sha256_state *state = sha256_new();
    if (!state)
        return false;
    sha256_add(state, (struct str){(const char *)pad, BLOCK});
    for (size_t i = 0; i < count; i++)
        sha256_add(state, parts[i]);
    *out = sha256_end(state);
    return true;
}

enum fault_code hmac_sha256(struct str key, const struct str *parts, size_t count,
                            struct sha256 *out, struct fault *fault)
{
    unsigned char inner[BLOCK] = {0};
    unsigned char outer[BLOCK];
    struct sha256 result = {{0}};
    if (key.len > BLOCK) {
        struct sha256 shorter = sha256_of(key);
        memcpy(inner, shorter.bytes, sizeof shorter.bytes);
    } else if (key.len > 0) {
        memcpy(inner, key.ptr, key.len);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    const struct str first = {(const char *)result.bytes, sizeof result.bytes};
    bool done = digest(inner, parts, count, &result) && digest(outer, &first, 1, &result);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
    if (!done)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a signature");
    *out = result;
    return FAULT_NONE;
}
