#include "libs/graph/family.h"

#include <string.h>

enum { HEX_MAX = 128 };

static const struct {
    const char *name;
    enum graph_kind kind;
    size_t digits;
} hashes[] = {
    {"md5", GRAPH_MD5, 32},
    {"sha1", GRAPH_SHA1, 40},
    {"sha256", GRAPH_SHA256, 64},
    {"sha512", GRAPH_SHA512, 128},
};

/* Writes the text's hexadecimal digits in lower case, passing over the bytes in `between`; false on
 * any other byte and over HEX_MAX digits. */
static bool read_hex(struct str text, const char *between, struct graph_value *out)
{
    out->len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (graph_is_hex(c) && out->len < HEX_MAX)
            out->text[out->len++] = graph_lower_byte(c);
        else if (c == '\0' || !strchr(between, c))
            return false;
    }
    return true;
}

static bool all_are(const struct graph_value *value, char digit)
{
    for (size_t i = 0; i < value->len; i++)
        if (value->text[i] != digit)
            return false;
    return true;
}

/* Splits `SHA256=...` or `sha256:...` into the algorithm's name and the digits. */
static bool cut_algorithm(struct str text, struct str *out_name, struct str *out_digits)
{
    if (!str_cut(text, '=', out_name, out_digits) && !str_cut(text, ':', out_name, out_digits))
        return false;
    *out_name = str_trim(*out_name);
    *out_digits = str_trim(*out_digits);
    return true;
}

static bool is_algorithm(struct str name, const char *known)
{
    struct str bare = str_of(known);
    if (str_equal_nocase(name, bare))
        return true;
    /* SHA-256 */
    return name.len == bare.len + 1 && name.len > 4 && name.ptr[3] == '-' &&
           str_equal_nocase(str_take(name, 3), str_take(bare, 3)) &&
           str_equal_nocase(str_skip(name, 4), str_skip(bare, 3));
}

bool graph_hash_is_other(struct str text)
{
    static const char *const others[] = {"imphash",      "ssdeep",  "tlsh", "authentihash",
                                         "authenticode", "pe-hash", "crc32"};
    struct str name;
    struct str digits;
    if (!cut_algorithm(str_trim(text), &name, &digits))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_equal_nocase(name, str_of(others[i])))
            return true;
    return false;
}

enum graph_verdict graph_hash_read(int type, struct str text, struct graph_value *out)
{
    struct str name;
    struct str digits;
    bool named = cut_algorithm(text, &name, &digits);
    if (!read_hex(named ? digits : text, "", out))
        return GRAPH_VALUE_INVALID;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (hashes[i].digits != out->len)
            continue;
        if ((type != GRAPH_TYPE_HASH && type != (int)hashes[i].kind) ||
            (named && !is_algorithm(name, hashes[i].name)))
            return GRAPH_VALUE_INVALID;
        out->kind = hashes[i].kind;
        return all_are(out, '0') ? GRAPH_VALUE_PLACEHOLDER : GRAPH_VALUE_GOOD;
    }
    return GRAPH_VALUE_INVALID;
}

enum graph_verdict graph_ja3_read(struct str text, struct graph_value *out)
{
    if (!read_hex(text, "", out) || out->len != 32)
        return GRAPH_VALUE_INVALID;
    return all_are(out, '0') ? GRAPH_VALUE_PLACEHOLDER : GRAPH_VALUE_GOOD;
}

/* A fingerprint (SHA-1 or SHA-256) or a serial number, both in hexadecimal. A serial is written
 * without zero bytes in front and with an even number of digits. One of under four bytes is
 * refused: it is unique to its issuer only and would join certificates that have nothing in common.
 */
enum graph_verdict graph_certificate_read(struct str text, struct graph_value *out)
{
    enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64, SERIAL_LEAST = 8, SERIAL_MAX = 40 };
    struct str name;
    struct str digits;
    if (cut_algorithm(text, &name, &digits) &&
        (is_algorithm(name, "sha1") || is_algorithm(name, "sha256")))
        text = digits;
    if (str_equal_nocase(str_take(text, 2), STR("0x")))
        text = str_skip(text, 2);
    if (!read_hex(text, ": -", out) || out->len == 0)
        return GRAPH_VALUE_INVALID;
    if (all_are(out, '0'))
        return GRAPH_VALUE_PLACEHOLDER;
    out->kind = GRAPH_CERTIFICATE;
    if (out->len == SHA1_DIGITS || out->len == SHA256_DIGITS)
        return GRAPH_VALUE_GOOD;
    size_t zeros = 0;
    while (out->text[zeros] == '0')
        zeros++;
    size_t kept = out->len - zeros;
    size_t pad = kept % 2;
    if (kept + pad > SERIAL_MAX || kept + pad < SERIAL_LEAST)
        return GRAPH_VALUE_INVALID;
    memmove(out->text + pad, out->text + zeros, kept);
    if (pad)
        out->text[0] = '0';
    out->len = kept + pad;
    return GRAPH_VALUE_GOOD;
}

/* `00:0d:3a:13:e3:69` from `00-0D-3A-...`, `000d.3a13.e369` and `000d3a13e369`. All zeros and the
 * broadcast address belong to no device. */
enum graph_verdict graph_mac_read(struct str text, struct graph_value *out)
{
    struct graph_value digits;
    bool pairs = text.len == 17;
    bool quads = text.len == 14;
    if (!read_hex(text, pairs ? ":-" : quads ? "." : "", &digits) || digits.len != 12)
        return GRAPH_VALUE_INVALID;
    for (size_t i = 0; i < text.len; i++)
        if (!graph_is_hex(text.ptr[i]) && (i + 1) % (pairs ? 3 : 5) != 0)
            return GRAPH_VALUE_INVALID;
    if (all_are(&digits, '0') || all_are(&digits, 'f'))
        return GRAPH_VALUE_PLACEHOLDER;
    out->kind = GRAPH_MAC;
    out->len = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (i > 0 && i % 2 == 0)
            out->text[out->len++] = ':';
        out->text[out->len++] = digits.text[i];
    }
    return GRAPH_VALUE_GOOD;
}

/* CVE-YYYY-NNNN, four digits or more in the last part, since 2014 up to nineteen. */
enum graph_verdict graph_cve_read(struct str text, struct graph_value *out)
{
    enum { FRONT = 9, LEAST = FRONT + 4, MOST = FRONT + 19 };
    if (text.len < LEAST || text.len > MOST || text.ptr[8] != '-' ||
        !str_equal_nocase(str_take(text, 4), STR("CVE-")))
        return GRAPH_VALUE_INVALID;
    for (size_t i = 4; i < text.len; i++)
        if (i != 8 && !graph_is_digit(text.ptr[i]))
            return GRAPH_VALUE_INVALID;
    out->kind = GRAPH_CVE;
    out->len = 0;
    graph_put(out, STR("CVE"));
    graph_put(out, str_skip(text, 3));
    return GRAPH_VALUE_GOOD;
}
