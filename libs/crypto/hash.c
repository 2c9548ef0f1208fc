/* The digest functions that keep their state where we say: the newer ones allocate, and hashing
 * must have no way to fail. They are deprecated for keeping out other providers, which we do not
 * use. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "libs/crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdint.h>

#include "libs/core/os.h"

struct sha256_state {
    SHA256_CTX context;
};

static struct sha256 final(SHA256_CTX *context)
{
    struct sha256 hash;
    SHA256_Final(hash.bytes, context);
    return hash;
}

enum fault_code sha256_ready(struct fault *fault)
{
    SHA256_CTX context;
    if (SHA256_Init(&context) == 1)
        return FAULT_NONE;
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "libcrypto.so.3 cannot be loaded; install it (Debian: libssl3, Red Hat: "
                     "openssl-libs)");
}

struct sha256 sha256_of(struct str data)
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data.ptr, data.len);
    return final(&context);
}

struct sha256_state *sha256_new(void)
{
    struct sha256_state *state = os_alloc(sizeof *state);
    if (state)
        SHA256_Init(&state->context);
    return state;
}

void sha256_add(struct sha256_state *state, struct str data)
{
    SHA256_Update(&state->context, data.ptr, data.len);
}

void sha256_add_sized(struct sha256_state *state, struct str data)
{
    char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (char)((uint64_t)data.len >> (56 - 8 * i));
    SHA256_Update(&state->context, size, sizeof size);
    SHA256_Update(&state->context, data.ptr, data.len);
}

struct sha256 sha256_end(struct sha256_state *taken)
{
    struct sha256 hash = final(&taken->context);
    sha256_free(taken);
    return hash;
}

void sha256_free(struct sha256_state *taken)
{
    os_free(taken);
}

void hex_of(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_to(struct str hex, void *out, size_t len)
{
    if (hex.len != 2 * len)
        return false;
    for (size_t i = 0; i < hex.len; i++)
        if (hex_digit(hex.ptr[i]) < 0)
            return false;
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((unsigned)hex_digit(hex.ptr[2 * i]) << 4 |
                             (unsigned)hex_digit(hex.ptr[2 * i + 1]));
    return true;
}

void base64_add(struct buf *out, struct str data)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = (data.len + 2) / 3 * 4;
    char *at = size ? buf_reserve(out, size) : NULL;
    if (!at)
        return;
    const uint8_t *in = (const uint8_t *)data.ptr;
    for (size_t left = data.len; left > 0;) {
        size_t take = left < 3 ? left : 3;
        uint32_t bits =
            (uint32_t)in[0] << 16 | (take > 1 ? (uint32_t)in[1] << 8 : 0) | (take > 2 ? in[2] : 0);
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[bits >> 12 & 63];
        *at++ = take > 1 ? alphabet[bits >> 6 & 63] : '=';
        *at++ = take > 2 ? alphabet[bits & 63] : '=';
        in += take;
        left -= take;
    }
    buf_extend(out, size);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, of which the last `pads` are '='; the bits that no byte takes must be zero. */
static bool base64_group(const char *four, int pads, char *out)
{
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) {
        int digit = i < 4 - pads ? base64_digit(four[i]) : 0;
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
    }
    if ((pads == 1 && (bits & 0xff)) || (pads == 2 && (bits & 0xffff)))
        return false;
    for (int i = 0; i < 3 - pads; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return true;
}

bool base64_decode_add(struct buf *out, struct str text)
{
    if (text.len % 4 != 0)
        return false;
    if (text.len == 0)
        return true;
    int pads = (text.ptr[text.len - 1] == '=') + (str_ends(text, STR("==")) ? 1 : 0);
    size_t size = text.len / 4 * 3 - (size_t)pads;
    char *at = buf_reserve(out, size);
    if (!at)
        return false;
    for (size_t i = 0; i < text.len; i += 4, at += 3)
        if (!base64_group(text.ptr + i, i + 4 == text.len ? pads : 0, at))
            return false;
    buf_extend(out, size);
    return true;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
