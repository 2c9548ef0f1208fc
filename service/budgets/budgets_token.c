/* Names: of decisions, which grow with time, and of reservations, which say what they are.
 *
 * A reservation is known to the process that gave it; any other process of the store must be able
 * to settle it. So its name holds what that takes, and 12 bytes of HMAC-SHA-256 (RFC 2104) under a
 * key that the store keeps: nobody settles or releases what was not given to the tenant. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/crypto/hash.h"

enum {
    MAC_SIZE = 12,
    VERSION = 1,
    HEAD_SIZE = 1 + 5 * 8,
    NAME_MAX = 48,
    RAW_MAX = HEAD_SIZE + 1 + NAME_MAX + 2 + BUDGETS_DIMENSIONS_TEXT + MAC_SIZE,
    BLOCK_SIZE = 64,
};

static const char prefix[] = "rsv_";

/* --- decisions ------------------------------------------------------------------------------ */

void budgets_decision_id(const struct budgets_decision *decision,
                         char out[BUDGETS_DECISION_ID_SIZE])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's, as ULIDs */
    uint64_t ms = (uint64_t)(decision->at_us / 1000);
    unsigned __int128 number = (unsigned __int128)(ms & ((UINT64_C(1) << 48) - 1)) << 80 |
                               (unsigned __int128)((uint64_t)decision->node & 0xffffffff) << 48 |
                               ((uint64_t)decision->number & ((UINT64_C(1) << 48) - 1));
    memcpy(out, "dec_", 4);
    for (int i = 25; i >= 0; i--) {
        out[4 + i] = digits[(unsigned)(number & 31)];
        number >>= 5;
    }
    out[30] = '\0';
}

/* --- reservations --------------------------------------------------------------------------- */

static void put_u64(uint8_t *out, uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t)value;
        value >>= 8;
    }
}

static int64_t get_i64(const uint8_t *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return (int64_t)value;
}

static void sign(const struct budgets *budgets, struct str tenant, const uint8_t *raw, size_t len,
                 uint8_t out[MAC_SIZE])
{
    uint8_t inner[BLOCK_SIZE + 1 + 68 + RAW_MAX];
    uint8_t outer[BLOCK_SIZE + SHA256_SIZE];
    size_t at = BLOCK_SIZE;
    assert(tenant.len < 68 && len <= RAW_MAX);
    memset(inner, 0x36, BLOCK_SIZE);
    memset(outer, 0x5c, BLOCK_SIZE);
    for (int i = 0; i < BUDGETS_SECRET_SIZE; i++) {
        inner[i] ^= budgets->secret[i];
        outer[i] ^= budgets->secret[i];
    }
    inner[at++] = (uint8_t)tenant.len;
    memcpy(inner + at, tenant.ptr, tenant.len);
    at += tenant.len;
    memcpy(inner + at, raw, len);
    at += len;
    struct sha256 digest = sha256_of((struct str){(const char *)inner, at});
    memcpy(outer + BLOCK_SIZE, digest.bytes, SHA256_SIZE);
    digest = sha256_of((struct str){(const char *)outer, sizeof outer});
    memcpy(out, digest.bytes, MAC_SIZE);
}

static size_t pack(const struct budgets_reservation *reservation, uint8_t raw[RAW_MAX])
{
    struct str meter = str_of(reservation->meter->name);
    struct str dimensions = str_of(reservation->dimensions);
    size_t at = HEAD_SIZE;
    assert(meter.len <= NAME_MAX);
    raw[0] = VERSION;
    put_u64(raw + 1, (uint64_t)reservation->node);
    put_u64(raw + 9, (uint64_t)reservation->number);
    put_u64(raw + 17, (uint64_t)reservation->made_us);
    put_u64(raw + 25, (uint64_t)reservation->expires_us);
    put_u64(raw + 33, (uint64_t)reservation->quantity);
    raw[at++] = (uint8_t)meter.len;
    memcpy(raw + at, meter.ptr, meter.len);
    at += meter.len;
    raw[at++] = (uint8_t)(dimensions.len >> 8);
    raw[at++] = (uint8_t)dimensions.len;
    memcpy(raw + at, dimensions.ptr, dimensions.len);
    return at + dimensions.len;
}

/* base64url without padding (RFC 4648, 5). */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const uint8_t *raw, size_t len, char *out)
{
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | raw[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = alphabet[bits >> (count - 6) & 63];
    }
    if (count > 0)
        *out++ = alphabet[bits << (6 - count) & 63];
    *out = '\0';
}

/* Strict: one text for each value. */
static bool decode(struct str text, uint8_t *out, size_t room, size_t *out_len)
{
    uint32_t bits = 0;
    int count = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        count += 6;
        if (count < 8)
            continue;
        if (len == room)
            return false;
        count -= 8;
        out[len++] = (uint8_t)(bits >> count);
    }
    *out_len = len;
    return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

void budgets_token_write(const struct budgets *budgets, struct str tenant,
                         const struct budgets_reservation *reservation,
                         char out[BUDGETS_TOKEN_SIZE])
{
    uint8_t raw[RAW_MAX];
    _Static_assert(sizeof prefix + (RAW_MAX * 4 + 2) / 3 <= BUDGETS_TOKEN_SIZE, "room for all");
    size_t len = pack(reservation, raw);
    sign(budgets, tenant, raw, len, raw + len);
    memcpy(out, prefix, sizeof prefix - 1);
    encode(raw, len + MAC_SIZE, out + sizeof prefix - 1);
}

/* After its signature was found good: what we packed ourselves. */
static bool unpack(const uint8_t *raw, size_t len, struct budgets_reservation *out)
{
    if (len < HEAD_SIZE + 3 || raw[0] != VERSION)
        return false;
    size_t name_len = raw[HEAD_SIZE];
    if (HEAD_SIZE + 1 + name_len + 2 > len)
        return false;
    const uint8_t *at = raw + HEAD_SIZE + 1;
    out->meter = usage_meter_find((struct str){(const char *)at, name_len});
    at += name_len;
    size_t dimensions_len = (size_t)at[0] << 8 | at[1];
    at += 2;
    if ((size_t)(at - raw) + dimensions_len != len || dimensions_len > BUDGETS_DIMENSIONS_TEXT ||
        !out->meter)
        return false;
    memcpy(out->dimensions, at, dimensions_len);
    out->dimensions[dimensions_len] = '\0';
    out->node = get_i64(raw + 1);
    out->number = get_i64(raw + 9);
    out->made_us = get_i64(raw + 17);
    out->expires_us = get_i64(raw + 25);
    out->quantity = get_i64(raw + 33);
    return true;
}

enum fault_code budgets_token_read(const struct budgets *budgets, struct str tenant,
                                   struct str text, struct budgets_reservation *out,
                                   struct fault *fault)
{
    uint8_t raw[RAW_MAX];
    uint8_t expected[MAC_SIZE];
    size_t len = 0;
    struct budgets_reservation read;
    if (str_starts(text, str_of(prefix)) &&
        decode(str_skip(text, sizeof prefix - 1), raw, sizeof raw, &len) && len > MAC_SIZE) {
        sign(budgets, tenant, raw, len - MAC_SIZE, expected);
        if (crypto_equal(expected, raw + len - MAC_SIZE, MAC_SIZE) &&
            unpack(raw, len - MAC_SIZE, &read)) {
            *out = read;
            return FAULT_NONE;
        }
    }
    return fault_field(fault, FAULT_NOT_FOUND, "reservation",
                       "there is no such reservation; give the text that \"reserve\" has answered "
                       "with, unchanged");
}
