#include "libs/graph/masked.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "libs/graph/family.h"

static bool put_kind(enum graph_kind kind, struct graph_value *out)
{
    out->kind = GRAPH_MASKED;
    out->len = 0;
    return graph_put(out, str_of(graph_kind_info(kind)->name)) && graph_put(out, STR(":"));
}

static bool finish(struct graph_value *out, bool good)
{
    if (good)
        out->text[out->len] = '\0';
    return good;
}

void graph_masked_tag(enum graph_kind kind, const char *tag, struct graph_value *out)
{
    finish(out, put_kind(kind, out) && graph_put(out, STR("#")) &&
                    graph_put(out, (struct str){tag, GRAPH_TAG_HEX}));
}

/* --- what is left of a value --------------------------------------------------------------- */

static bool put_network(struct str value, struct graph_value *out)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16] = {0};
    bool is_six = str_find_byte(value, ':') < value.len;
    int family = is_six ? AF_INET6 : AF_INET;
    size_t kept = is_six ? 6 : 3;
    if (!str_to_c(value, text, sizeof text) || inet_pton(family, text, bytes) != 1)
        return false;
    memset(bytes + kept, 0, sizeof bytes - kept);
    return inet_ntop(family, bytes, text, sizeof text) && graph_put(out, str_of(text)) &&
           graph_put(out, is_six ? STR("/48") : STR("/24"));
}

/* Everything from the first `mark` on, after an asterisk. */
static bool put_rest(struct str value, char mark, struct graph_value *out)
{
    size_t at = str_find_byte(value, mark);
    return at + 1 < value.len && graph_put(out, STR("*")) && graph_put(out, str_skip(value, at));
}

/* Scheme, host and port; without what may stand before the host, a user's name. */
static bool put_host(struct str url, struct graph_value *out)
{
    struct str host = graph_url_host(url);
    struct str scheme = str_take(url, str_find(url, STR("://")) + 3);
    if (host.len == 0 || scheme.len == url.len)
        return false;
    bool is_six = host.ptr > url.ptr && host.ptr[-1] == '[';
    struct str after = str_skip(url, (size_t)(host.ptr - url.ptr) + host.len + is_six);
    size_t port = str_starts(after, STR(":"));
    while (port > 0 && port < after.len && graph_is_digit(after.ptr[port]))
        port++;
    return graph_put(out, scheme) && graph_put(out, is_six ? STR("[") : STR("")) &&
           graph_put(out, host) && graph_put(out, is_six ? STR("]") : STR("")) &&
           graph_put(out, str_take(after, port)) && graph_put(out, STR("/*"));
}

bool graph_masked_prefix(enum graph_kind kind, struct str value, struct graph_value *out)
{
    bool good = put_kind(kind, out);
    switch (kind) {
    case GRAPH_IP:
        return finish(out, good && put_network(value, out));
    case GRAPH_MAC:
        return finish(out, good && value.len == 17 && graph_put(out, str_take(value, 9)) &&
                               graph_put(out, STR("*")));
    case GRAPH_EMAIL:
    case GRAPH_USER:
        return finish(out, good && put_rest(value, '@', out));
    case GRAPH_DOMAIN:
    case GRAPH_HOST:
        return finish(out, good && put_rest(value, '.', out));
    case GRAPH_URL:
        return finish(out, good && put_host(value, out));
    default:
        return false;
    }
}

/* --- reading ------------------------------------------------------------------------------- */

static bool is_tag(struct str text)
{
    if (text.len != GRAPH_TAG_HEX + 1 || text.ptr[0] != '#')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!graph_is_digit(text.ptr[i]) && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
            return false;
    return true;
}

static bool is_rest(enum graph_kind kind, struct str text)
{
    switch (kind) {
    case GRAPH_IP:
        return text.len > 3 && (str_ends(text, STR("/24")) || str_ends(text, STR("/48")));
    case GRAPH_MAC:
        return text.len == 10 && str_ends(text, STR(":*"));
    case GRAPH_EMAIL:
    case GRAPH_USER:
        return text.len > 2 && str_starts(text, STR("*@"));
    case GRAPH_DOMAIN:
    case GRAPH_HOST:
        return text.len > 2 && str_starts(text, STR("*."));
    case GRAPH_URL:
        return str_find(text, STR("://")) < text.len && str_ends(text, STR("/*"));
    default:
        return false;
    }
}

enum graph_verdict graph_masked_read(struct str text, struct graph_value *out)
{
    struct str name;
    struct str rest;
    enum graph_kind kind;
    if (!str_cut(text, ':', &name, &rest) || !graph_kind_of_name(name, &kind) ||
        kind == GRAPH_MASKED || !(is_tag(rest) || is_rest(kind, rest)))
        return GRAPH_VALUE_INVALID;
    out->kind = GRAPH_MASKED;
    return graph_put(out, text) ? GRAPH_VALUE_GOOD : GRAPH_VALUE_TOO_LONG;
}
