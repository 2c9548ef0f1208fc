/* Addresses: which a token may be sent to, which can be a proxy, which need none. */
#include "libs/http/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "libs/http/client.h"

/* --- base URL ------------------------------------------------------------------------------ */

/* The host within "host[:port]", brackets of an IPv6 address taken off. */
static struct str host_of(struct str authority)
{
    struct str head;
    struct str tail;
    if (str_starts(authority, STR("["))) {
        str_cut(str_skip(authority, 1), ']', &head, &tail);
        return head;
    }
    str_cut(authority, ':', &head, &tail);
    return head;
}

static bool is_this_machine(struct str host)
{
    if (str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("::1")))
        return true;
    if (!str_starts(host, STR("127.")))
        return false;
    /* Only a dotted address: "127.example.net" is a name like any other. */
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    return true;
}

enum fault_code http_check_url(struct str url, struct fault *fault)
{
    struct str authority;
    struct str path;
    bool https = str_starts(url, STR("https://"));
    if (!https && !str_starts(url, STR("http://")))
        return fault_set(fault, FAULT_INPUT, "\"%.*s\" is not an https:// address",
                         STR_ARG(str_take(url, 100)));
    if (url.len >= HTTP_URL_MAX - 512)
        return fault_set(fault, FAULT_LIMIT, "the address is longer than %d bytes",
                         HTTP_URL_MAX - 512);
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", url.ptr[i]))
            return fault_set(fault, FAULT_INPUT,
                             "the address holds a character that must be percent-encoded");
    str_cut(str_skip(url, https ? 8 : 7), '/', &authority, &path);
    if (host_of(authority).len == 0 || str_find_byte(authority, '@') < authority.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must be https://host[:port]/ without a user name");
    if (!str_ends(url, STR("/")) || str_find_byte(path, '?') < path.len ||
        str_find_byte(path, '#') < path.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must end in a slash and have no query: %.*s/",
                         STR_ARG(str_take(url, 100)));
    if (!https && !is_this_machine(host_of(authority)))
        return fault_set(fault, FAULT_INPUT,
                         "http:// is allowed to this machine only (127.0.0.1, ::1, localhost), a "
                         "token would cross the network in the clear: use https://%.*s/",
                         STR_ARG(str_take(authority, 100)));
    return FAULT_NONE;
}

struct str http_address_host(struct str url)
{
    struct str authority;
    struct str path;
    str_cut(str_skip(url, str_find(url, STR("://")) + 3), '/', &authority, &path);
    return host_of(authority);
}

/* --- proxies ------------------------------------------------------------------------------- */

static enum fault_code bad_proxy(struct fault *fault, const char *why)
{
    /* What was given is not repeated: it may hold a password. */
    return fault_field(fault, FAULT_INPUT, "proxy",
                       "proxy must be http://host:port or https://host:port: %s", why);
}

enum fault_code http_check_proxy(struct str proxy, struct fault *fault)
{
    struct str port;
    uint64_t number;
    bool https = str_starts(proxy, STR("https://"));
    if (!https && !str_starts(proxy, STR("http://")))
        return bad_proxy(fault, "no other scheme is known");
    struct str authority = str_skip(proxy, https ? 8 : 7);
    if (str_ends(authority, STR("/")))
        authority.len--;
    if (str_find_byte(authority, '@') < authority.len)
        return bad_proxy(fault, "user and password belong in the file that proxy_credential names");
    for (size_t i = 0; i < authority.len; i++)
        if (authority.ptr[i] <= ' ' || authority.ptr[i] >= 0x7f ||
            strchr("/?#\"<>\\^`{|}", authority.ptr[i]))
            return bad_proxy(fault, "there is a character that no host has");
    struct str host = host_of(authority);
    bool in_brackets = str_starts(authority, STR("["));
    port = str_skip(authority, host.len + (in_brackets ? 2 : 0));
    if (host.len == 0)
        return bad_proxy(fault, "the host is missing");
    if (!str_starts(port, STR(":")) || !str_to_u64(str_skip(port, 1), 65535, &number) ||
        number == 0)
        return bad_proxy(fault, "the port is missing or no number from 1 to 65535");
    return FAULT_NONE;
}

/* --- who needs none ------------------------------------------------------------------------ */

struct network {
    int family;
    unsigned bits; /* of the address that count */
    unsigned char address[16];
};

static bool read_address(struct str text, struct network *out)
{
    char name[INET6_ADDRSTRLEN];
    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = (struct str){text.ptr + 1, text.len - 2};
    if (!str_to_c(text, name, sizeof name))
        return false;
    memset(out->address, 0, sizeof out->address);
    out->family = AF_INET;
    out->bits = 32;
    if (inet_pton(AF_INET, name, out->address) == 1)
        return true;
    out->family = AF_INET6;
    out->bits = 128;
    return inet_pton(AF_INET6, name, out->address) == 1;
}

static bool read_network(struct str text, struct network *out)
{
    struct str address;
    struct str prefix;
    uint64_t bits;
    if (!str_cut(text, '/', &address, &prefix))
        return read_address(text, out);
    if (!read_address(address, out) || !str_to_u64(prefix, out->bits, &bits))
        return false;
    out->bits = (unsigned)bits;
    return true;
}

static bool is_within(const struct network *network, const struct network *host)
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (network->family != host->family || memcmp(network->address, host->address, whole) != 0)
        return false;
    unsigned char mask = (unsigned char)(0xff00 >> rest);
    return rest == 0 || ((network->address[whole] ^ host->address[whole]) & mask) == 0;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && !str_equal(text, STR("."));
}

static struct str without_dot(struct str name)
{
    return str_take(name, name.len - (name.len > 1 && str_ends(name, STR("."))));
}

static bool entry_meets(struct str entry, struct str host)
{
    struct network network;
    struct network own;
    if (str_equal(entry, STR("*")))
        return true;
    if (read_network(entry, &network))
        return read_address(host, &own) && is_within(&network, &own);
    entry = without_dot(entry);
    host = without_dot(host);
    if (!str_starts(entry, STR(".")))
        return str_equal_nocase(entry, host);
    return host.len > entry.len && str_equal_nocase(str_skip(host, host.len - entry.len), entry);
}

/* The next entry of a list, blanks around it taken off; false at the end. Empty ones are passed
 * over. */
static bool next_entry(struct str *list, struct str *out)
{
    while (list->len > 0) {
        str_cut(*list, ',', out, list);
        *out = str_trim(*out);
        if (out->len > 0)
            return true;
    }
    return false;
}

enum fault_code http_check_no_proxy(struct str list, struct fault *fault)
{
    struct str entry;
    struct network network;
    while (next_entry(&list, &entry)) {
        const char *cure = "a name, a .suffix, an address, a network such as 10.0.0.0/8, or *";
        if (str_equal(entry, STR("*")) || read_network(entry, &network) || is_name(entry))
            continue;
        if (str_starts(entry, STR("*.")))
            cure = "write the suffix without its asterisk";
        else if (str_find_byte(entry, ' ') < entry.len)
            cure = "entries are separated by commas";
        else if (str_find_byte(entry, ':') < entry.len)
            cure = "write the host without scheme and port";
        return fault_field(fault, FAULT_INPUT, "no_proxy", "no_proxy cannot have \"%.*s\": %s",
                           STR_ARG(str_take(entry, 60)), cure);
    }
    return FAULT_NONE;
}

bool http_without_proxy(struct str list, struct str host)
{
    struct str entry;
    while (next_entry(&list, &entry))
        if (entry_meets(entry, host))
            return true;
    return false;
}

bool http_is_this_machine(struct str url)
{
    struct str authority;
    struct str path;
    size_t at = str_find(url, STR("://"));
    str_cut(str_skip(url, at + strlen("://")), '/', &authority, &path);
    return at < url.len && is_this_machine(host_of(authority));
}

struct str http_host(struct str url)
{
    return http_address_host(url);
}
