#include "libs/graph/family.h"

#include <arpa/inet.h>
#include <string.h>

enum { IP_RAW_MAX = 128 }; /* bytes: an address with brackets, zone, port or prefix length */

bool graph_ip4_read(struct str text, uint32_t *out_address)
{
    uint32_t address = 0;
    size_t at = 0;
    if (text.len < 7 || text.len > 15)
        return false;
    for (int part = 0; part < 4; part++) {
        if (at == text.len || !graph_is_digit(text.ptr[at]))
            return false;
        uint32_t value = (uint32_t)(text.ptr[at++] - '0');
        bool is_zero = value == 0;
        while (at < text.len && graph_is_digit(text.ptr[at])) {
            value = value * 10 + (uint32_t)(text.ptr[at++] - '0');
            if (is_zero || value > 255) /* 010 is eight to some readers and ten to others */
                return false;
        }
        address = address << 8 | value;
        if (part < 3 && (at == text.len || text.ptr[at++] != '.'))
            return false;
    }
    if (at != text.len)
        return false;
    *out_address = address;
    return true;
}

bool graph_ip4_is_empty(uint32_t address)
{
    return address == 0 || address == UINT32_MAX;
}

static void put_number(struct graph_value *out, unsigned value, unsigned base)
{
    char digits[8];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    memcpy(out->text + out->len, digits + at, sizeof digits - at);
    out->len += sizeof digits - at;
}

static enum graph_verdict write_ip4(uint32_t address, struct graph_value *out)
{
    if (graph_ip4_is_empty(address))
        return GRAPH_VALUE_PLACEHOLDER;
    out->kind = GRAPH_IP;
    out->len = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        put_number(out, address >> shift & 0xff, 10);
        if (shift > 0)
            out->text[out->len++] = '.';
    }
    return GRAPH_VALUE_GOOD;
}

/* RFC 5952: lower case, no leading zeros, `::` for the first longest run of two or more zero
 * groups. Written here and not by inet_ntop, whose dotted tails differ between C libraries. */
static enum graph_verdict write_ip6(const unsigned char *bytes, struct graph_value *out)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned groups[8];
    int run_at = 8;
    int run_len = 1;
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return write_ip4((uint32_t)bytes[12] << 24 | (uint32_t)bytes[13] << 16 |
                             (uint32_t)bytes[14] << 8 | bytes[15],
                         out);
    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && groups[i + len] == 0)
            len++;
        if (len > run_len) {
            run_at = i;
            run_len = len;
        }
    }
    if (run_len == 8)
        return GRAPH_VALUE_PLACEHOLDER;
    out->kind = GRAPH_IP;
    out->len = 0;
    for (int i = 0; i < 8; i++) {
        if (i == run_at) {
            graph_put(out, STR("::"));
            i += run_len - 1;
            continue;
        }
        if (i > 0 && i != run_at + run_len)
            out->text[out->len++] = ':';
        put_number(out, groups[i], 16);
    }
    return GRAPH_VALUE_GOOD;
}

static bool is_port(struct str text)
{
    uint64_t port;
    return str_to_u64(text, 65535, &port);
}

/* Takes off what stands around an address: `[..]`, `:port`, `%zone`, and a prefix length that means
 * just this one address. The zone goes because it has a meaning on the writing machine only. */
static bool unwrap(struct str *text)
{
    struct str rest = {NULL, 0};
    if (text->len > 0 && text->ptr[0] == '[') {
        if (!str_cut(str_skip(*text, 1), ']', text, &rest))
            return false;
        if (rest.len > 0 && (rest.ptr[0] != ':' || !is_port(str_skip(rest, 1))))
            return false;
    } else {
        struct str head;
        if (str_cut(*text, ':', &head, &rest) && str_find_byte(rest, ':') == rest.len) {
            if (!is_port(rest))
                return false;
            *text = head;
        }
    }
    bool is_ip6 = str_find_byte(*text, ':') < text->len;
    if (str_ends(*text, is_ip6 ? STR("/128") : STR("/32")))
        text->len -= is_ip6 ? 4 : 3;
    if (is_ip6) {
        struct str zone;
        if (str_cut(*text, '%', text, &zone) && zone.len == 0)
            return false;
    }
    return true;
}

enum graph_verdict graph_ip_read(struct str text, struct graph_value *out)
{
    char plain[IP_RAW_MAX];
    char terminated[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    uint32_t address;
    if (graph_ip4_read(text, &address))
        return write_ip4(address, out);
    if (text.len >= IP_RAW_MAX)
        return GRAPH_VALUE_INVALID;
    text = graph_refang(text, plain, sizeof plain);
    if (!unwrap(&text))
        return GRAPH_VALUE_INVALID;
    if (graph_ip4_read(text, &address))
        return write_ip4(address, out);
    if (!str_to_c(text, terminated, sizeof terminated) ||
        inet_pton(AF_INET6, terminated, bytes) != 1)
        return GRAPH_VALUE_INVALID;
    return write_ip6(bytes, out);
}

static bool is_inside4(uint32_t address)
{
    static const struct {
        uint32_t net;
        uint32_t mask;
    } nets[] = {
        {0x0a000000, 0xff000000}, /* 10.0.0.0/8      RFC 1918 */
        {0xac100000, 0xfff00000}, /* 172.16.0.0/12   RFC 1918 */
        {0xc0a80000, 0xffff0000}, /* 192.168.0.0/16  RFC 1918 */
        {0x7f000000, 0xff000000}, /* 127.0.0.0/8     loopback */
        {0xa9fe0000, 0xffff0000}, /* 169.254.0.0/16  link-local */
        {0x64400000, 0xffc00000}, /* 100.64.0.0/10   shared, RFC 6598 */
    };
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        if ((address & nets[i].mask) == nets[i].net)
            return true;
    return false;
}

bool graph_ip_is_inside(struct str normal)
{
    uint32_t address;
    if (graph_ip4_read(normal, &address))
        return is_inside4(address);
    /* fc00::/7 and fe80::/10; a first group of four digits, since their first byte is not zero */
    if (normal.len > 4 && normal.ptr[0] == 'f' && normal.ptr[4] == ':')
        return normal.ptr[1] == 'c' || normal.ptr[1] == 'd' ||
               (normal.ptr[1] == 'e' && normal.ptr[2] >= '8' && normal.ptr[2] <= 'b' &&
                graph_is_hex(normal.ptr[2]));
    return str_equal(normal, STR("::1"));
}
