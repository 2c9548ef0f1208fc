#include "libs/crypto/hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "libs/core/os.h"

struct sha256_state {
    EVP_MD_CTX *context;
};

/* Looking the algorithm up costs several times what hashing a short text does, and so does making a
 * context: the first is done once a process, the second once a thread. */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *fetched;
static pthread_key_t context_key;
static _Thread_local EVP_MD_CTX *thread_context;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch(void)
{
    fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(fetched && "OpenSSL has SHA-256");
    int rc = pthread_key_create(&context_key, free_context);
    assert(rc == 0);
}

static const EVP_MD *algorithm(void)
{
    int rc = pthread_once(&fetch_once, fetch);
    assert(rc == 0);
    return fetched;
}

/* Without memory for one context of a few hundred bytes a thread cannot go on: asserted, so that
 * hashing has no error path. */
static EVP_MD_CTX *context_of_thread(void)
{
    if (!thread_context) {
        algorithm();
        thread_context = EVP_MD_CTX_new();
        assert(thread_context);
        int rc = pthread_setspecific(context_key, thread_context);
        assert(rc == 0);
    }
    return thread_context;
}

static struct sha256 final(EVP_MD_CTX *context)
{
    struct sha256 hash;
    unsigned len = 0;
    int ok = EVP_DigestFinal_ex(context, hash.bytes, &len);
    assert(ok == 1 && len == SHA256_SIZE);
    return hash;
}

static void update(EVP_MD_CTX *context, struct str data)
{
    int ok = EVP_DigestUpdate(context, data.ptr, data.len);
    assert(ok == 1);
}

struct sha256 sha256_of(struct str data)
{
    EVP_MD_CTX *context = context_of_thread();
    int ok = EVP_DigestInit_ex2(context, algorithm(), NULL);
    assert(ok == 1);
    update(context, data);
    return final(context);
}

struct sha256_state *sha256_new(void)
{
    struct sha256_state *state = os_alloc(sizeof *state);
    if (!state)
        return NULL;
    state->context = EVP_MD_CTX_new();
    if (!state->context || EVP_DigestInit_ex2(state->context, algorithm(), NULL) != 1) {
        sha256_free(state);
        return NULL;
    }
    return state;
}

void sha256_add(struct sha256_state *state, struct str data)
{
    update(state->context, data);
}

void sha256_add_sized(struct sha256_state *state, struct str data)
{
    char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (char)((uint64_t)data.len >> (56 - 8 * i));
    update(state->context, (struct str){size, sizeof size});
    update(state->context, data);
}

struct sha256 sha256_end(struct sha256_state *taken)
{
    struct sha256 hash = final(taken->context);
    sha256_free(taken);
    return hash;
}

void sha256_free(struct sha256_state *taken)
{
    if (!taken)
        return;
    EVP_MD_CTX_free(taken->context);
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
