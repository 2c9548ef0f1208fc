/* Which addresses a webhook may lead to. The networks are IANA's special-purpose registries (RFC
 * 6890 and its successors), and where clouds answer questions about the machine itself. */
#include "libs/http/outbound.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct network {
    unsigned char bytes[16];
    int bits;
};

/* Never, whatever is allowed: no webhook lives there, but credentials do. */
static const struct network never_4[] = {
    {{0}, 8},                   /* this network */
    {{169, 254}, 16},           /* link-local, 169.254.169.254 among them */
    {{100, 100, 100, 200}, 32}, /* Alibaba's metadata */
    {{168, 63, 129, 16}, 32},   /* Azure's */
    {{192, 0, 0, 192}, 32},     /* Oracle's */
    {{224}, 4},                 /* multicast */
    {{240}, 4},                 /* reserved, broadcast */
};
static const struct network never_6[] = {
    {{0}, 128},                                                             /* unspecified */
    {{0xfe, 0x80}, 10},                                                     /* link-local */
    {{0xff}, 8},                                                            /* multicast */
    {{0xfd, 0x00, 0x0e, 0xc2}, 32},                                         /* Amazon's metadata */
    {{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128}, /* Google's */
};

/* Where the operator's own machines are. */
static const struct network closed_4[] = {
    {{127}, 8},           {{10}, 8},           {{172, 16}, 12},     {{192, 168}, 16},
    {{100, 64}, 10},      {{192, 0, 0}, 24},   {{192, 0, 2}, 24},   {{198, 18}, 15},
    {{198, 51, 100}, 24}, {{203, 0, 113}, 24}, {{192, 88, 99}, 24},
};
static const struct network closed_6[] = {
    {{0}, 8},                       /* loopback, and what is reserved */
    {{0xfc}, 7},                    /* unique local */
    {{0xfe, 0xc0}, 10},             /* site-local, of old */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x01}, 64},                   /* discard */
    {{0x20, 0x01, 0x00, 0x00}, 32}, /* Teredo */
};

static bool is_within(const unsigned char *address, const struct network *network)
{
    int whole = network->bits / 8;
    int rest = network->bits % 8;
    if (memcmp(address, network->bytes, (size_t)whole) != 0)
        return false;
    unsigned mask = rest == 0 ? 0 : 0xffU << (8 - rest) & 0xffU;
    return rest == 0 || (address[whole] & mask) == (network->bytes[whole] & mask);
}

static bool is_in(const unsigned char *address, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_within(address, &networks[i]))
            return true;
    return false;
}

#define IN(address, networks) is_in(address, networks, sizeof(networks) / sizeof(networks)[0])

/* The IPv4 address that an IPv6 one stands for; NULL: none. */
static const unsigned char *inner_4(const unsigned char *address)
{
    static const struct network last[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, /* mapped */
        {{0x00, 0x64, 0xff, 0x9b}, 96},                   /* NAT64, RFC 6052 */
        {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 96},       /* its local kin, as most use it */
    };
    static const struct network compatible = {{0}, 96}; /* ::a.b.c.d, of old */
    static const struct network six_to_four = {{0x20, 0x02}, 16};
    if (IN(address, last))
        return address + 12;
    if (is_within(address, &compatible) && (address[12] || address[13]))
        return address + 12;
    return is_within(address, &six_to_four) ? address + 2 : NULL;
}

static bool is_named(int family, const void *address, struct str allow)
{
    char text[INET6_ADDRSTRLEN];
    return allow.len > 0 && inet_ntop(family, address, text, sizeof text) &&
           http_without_proxy(allow, str_of(text));
}

static enum http_outbound_verdict judge_4(const unsigned char *address, struct str allow)
{
    if (IN(address, never_4))
        return HTTP_OUTBOUND_NEVER;
    if (is_named(AF_INET, address, allow))
        return HTTP_OUTBOUND_ALLOWED;
    return IN(address, closed_4) ? HTTP_OUTBOUND_CLOSED : HTTP_OUTBOUND_OPEN;
}

enum http_outbound_verdict http_outbound_judge(const struct sockaddr *address, struct str allow)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        return judge_4((const unsigned char *)&four.sin_addr, allow);
    }
    if (address->sa_family != AF_INET6)
        return HTTP_OUTBOUND_NEVER;
    memcpy(&six, address, sizeof six);
    const unsigned char *bytes = six.sin6_addr.s6_addr;
    const unsigned char *inner = inner_4(bytes);
    if (inner)
        return judge_4(inner, allow);
    if (IN(bytes, never_6))
        return HTTP_OUTBOUND_NEVER;
    if (is_named(AF_INET6, bytes, allow))
        return HTTP_OUTBOUND_ALLOWED;
    return IN(bytes, closed_6) ? HTTP_OUTBOUND_CLOSED : HTTP_OUTBOUND_OPEN;
}

enum fault_code http_outbound_check_allow(struct str list, struct fault *fault)
{
    struct fault why;
    bool good = true;
    for (size_t i = 0; i < list.len; i++)
        good = good && memchr("0123456789abcdefABCDEF:./, ", list.ptr[i], 27) != NULL;
    if (good && (list.len == 0 || http_check_no_proxy(list, &why) == FAULT_NONE))
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "outbound-allow",
                       "--outbound-allow is \"%.*s\"; it must hold addresses and networks between "
                       "commas, such as 10.1.0.0/16,fd00::/8",
                       STR_ARG(str_take(list, 100)));
}
