#include "libs/graph/family.h"

#include <stdio.h>
#include <string.h>

struct scheme {
    struct str name;
    unsigned port; /* what need not be written */
};

/* The schemes whose URLs always have a host and a path: an empty path is `/` (RFC 3986, 6.2.3). */
static const struct scheme schemes[] = {
    {{"http", 4}, 80}, {{"https", 5}, 443}, {{"ftp", 3}, 21}, {{"ws", 2}, 80}, {{"wss", 3}, 443},
};

/* How people write schemes that must not be clicked. */
static const struct {
    struct str defanged;
    struct str name;
} defanged_schemes[] = {
    {{"hxxp", 4}, {"http", 4}},   {{"hxxps", 5}, {"https", 5}}, {{"hxtp", 4}, {"http", 4}},
    {{"htxp", 4}, {"http", 4}},   {{"h**p", 4}, {"http", 4}},   {{"h**ps", 5}, {"https", 5}},
    {{"hxtps", 5}, {"https", 5}}, {{"htxps", 5}, {"https", 5}}, {{"fxp", 3}, {"ftp", 3}},
};

struct parts {
    struct str scheme; /* empty when not written */
    struct str user;
    struct str host;
    struct str port;
    struct str rest; /* path, query and fragment */
};

static size_t find_any(struct str text, const char *bytes)
{
    size_t at = 0;
    while (at < text.len && !strchr(bytes, text.ptr[at]))
        at++;
    return at;
}

/* Whether scheme and authority, which end with the first `/`, `?` or `#` behind the `//`, are
 * defanged. Only then are marks in the path undone as well: `[.]` in the path of a plain URL is the
 * path's own. */
static bool is_defanged(struct str text)
{
    char plain[GRAPH_VALUE_MAX];
    struct str head;
    struct str tail;
    size_t slashes = find_any(text, "/?#"); /* a `//` behind those, or a host, is the path's own */
    struct str before = str_take(text, slashes);
    bool leads = slashes == 0 || str_ends(before, STR(":")) || str_ends(before, STR("[:]"));
    size_t start = leads && str_starts(str_skip(text, slashes), STR("//")) ? slashes + 2 : 0;
    str_cut(text, ':', &head, &tail);
    for (size_t i = 0; i < sizeof defanged_schemes / sizeof defanged_schemes[0]; i++) {
        struct str name = defanged_schemes[i].defanged;
        if (str_equal_nocase(str_take(text, name.len), name) &&
            (head.len == name.len || (text.len > name.len && text.ptr[name.len] == '[')))
            return true;
    }
    struct str front = str_take(text, start + find_any(str_skip(text, start), "/?#"));
    return !str_equal(graph_refang(front, plain, sizeof plain), front);
}

static bool is_scheme(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = graph_lower_byte(text.ptr[i]);
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !(graph_is_digit(c) || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return text.len > 0;
}

static struct str plain_scheme(struct str scheme)
{
    for (size_t i = 0; i < sizeof defanged_schemes / sizeof defanged_schemes[0]; i++)
        if (str_equal_nocase(scheme, defanged_schemes[i].defanged))
            return defanged_schemes[i].name;
    return scheme;
}

static bool split(struct str text, struct parts *out)
{
    *out = (struct parts){0};
    size_t at = str_find(text, STR("://"));
    struct str before = plain_scheme(str_take(text, at));
    if (at < text.len && is_scheme(before)) {
        out->scheme = before;
        text = str_skip(text, at + 3);
    } else if (str_starts(text, STR("//"))) {
        text = str_skip(text, 2);
    }
    size_t end = find_any(text, "/?#");
    struct str authority = str_take(text, end);
    out->rest = str_skip(text, end);
    size_t sign = authority.len;
    while (sign > 0 && authority.ptr[sign - 1] != '@')
        sign--;
    if (sign > 0)
        out->user = str_take(authority, sign - 1);
    authority = str_skip(authority, sign);
    size_t close = authority.len > 0 && authority.ptr[0] == '[' ? str_find_byte(authority, ']') : 0;
    size_t colon = close + str_find_byte(str_skip(authority, close), ':');
    out->host = str_take(authority, colon);
    out->port = str_skip(authority, colon + 1);
    return true;
}

static const struct scheme *known_scheme(struct str name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (str_equal_nocase(name, schemes[i].name))
            return &schemes[i];
    return NULL;
}

static enum graph_verdict put_host(struct str host, struct graph_value *out)
{
    struct graph_value value;
    bool dotted = true;
    bool is_bracketed = host.len > 0 && host.ptr[0] == '[';
    enum graph_verdict verdict = graph_ip_read(host, &value);
    if (verdict == GRAPH_VALUE_PLACEHOLDER)
        return GRAPH_VALUE_INVALID; /* http://0.0.0.0/ is a URL of nowhere */
    if (verdict != GRAPH_VALUE_GOOD) {
        if (is_bracketed)
            return GRAPH_VALUE_INVALID;
        verdict = graph_name_read(host, &dotted, &value);
        if (verdict != GRAPH_VALUE_GOOD && verdict != GRAPH_VALUE_PLACEHOLDER)
            return verdict; /* a placeholder is a name all the same: http://localhost/ */
    }
    struct str text = {value.text, value.len};
    bool is_ip6 = str_find_byte(text, ':') < text.len;
    if ((is_ip6 && !graph_put(out, STR("["))) || !graph_put(out, text) ||
        (is_ip6 && !graph_put(out, STR("]"))))
        return GRAPH_VALUE_TOO_LONG;
    return GRAPH_VALUE_GOOD;
}

/* The name before the `@`. A password behind it must not spread through a graph: it is left out. */
static enum graph_verdict put_user(struct str user, struct graph_value *out)
{
    struct str name;
    struct str password;
    str_cut(user, ':', &name, &password);
    if (name.len == 0)
        return GRAPH_VALUE_GOOD;
    if (find_any(name, "[]()<>\"\\ @") < name.len)
        return GRAPH_VALUE_INVALID;
    return graph_put(out, name) && graph_put(out, STR("@")) ? GRAPH_VALUE_GOOD
                                                            : GRAPH_VALUE_TOO_LONG;
}

static enum graph_verdict put_port(struct str port, const struct scheme *scheme,
                                   struct graph_value *out)
{
    uint64_t number;
    char text[8];
    if (port.len == 0)
        return GRAPH_VALUE_GOOD;
    if (!str_to_u64(port, 65535, &number))
        return GRAPH_VALUE_INVALID;
    if (scheme && number == scheme->port)
        return GRAPH_VALUE_GOOD;
    snprintf(text, sizeof text, ":%u", (unsigned)number);
    return graph_put(out, str_of(text)) ? GRAPH_VALUE_GOOD : GRAPH_VALUE_TOO_LONG;
}

/* Path, query and fragment stay as the log has them, but for blanks, which no URL has. */
static enum graph_verdict put_rest(struct str rest, bool needs_path, struct graph_value *out)
{
    bool ok = true;
    if (needs_path && (rest.len == 0 || rest.ptr[0] != '/'))
        ok = graph_put(out, STR("/"));
    while (rest.len > 0 && ok) {
        size_t at = str_find_byte(rest, ' ');
        ok = graph_put(out, str_take(rest, at)) && (at == rest.len || graph_put(out, STR("%20")));
        rest = str_skip(rest, at + 1);
    }
    return ok ? GRAPH_VALUE_GOOD : GRAPH_VALUE_TOO_LONG;
}

/* A proxy's `example.com/path` or `example.com:443`: the scheme is not known, so none is made up. A
 * name alone is no URL, and neither is the relative `index.html`: a path or a port must follow a
 * dotted name or an address. */
static bool may_lack_scheme(const struct parts *parts)
{
    uint64_t number;
    bool has_port = str_to_u64(parts->port, 65535, &number);
    bool has_path = parts->rest.len > 0 && parts->rest.ptr[0] == '/';
    return has_port || (has_path && parts->port.len == 0);
}

static bool is_dotted(struct str host)
{
    return str_find_byte(host, '.') < host.len || str_starts(host, STR("["));
}

enum graph_verdict graph_url_read(struct str text, struct graph_value *out)
{
    char plain[GRAPH_VALUE_MAX];
    struct parts parts;
    if (is_defanged(text))
        text = graph_refang(text, plain, sizeof plain);
    if (!split(text, &parts))
        return GRAPH_VALUE_INVALID;
    const struct scheme *known = known_scheme(parts.scheme);
    out->kind = GRAPH_URL;
    out->len = 0;
    if (parts.scheme.len == 0 && !may_lack_scheme(&parts))
        return GRAPH_VALUE_INVALID;
    if (!graph_put(out, parts.scheme))
        return GRAPH_VALUE_TOO_LONG;
    for (size_t i = 0; i < out->len; i++)
        out->text[i] = graph_lower_byte(out->text[i]);
    if (parts.scheme.len > 0 && !graph_put(out, STR("://")))
        return GRAPH_VALUE_TOO_LONG;
    bool is_file = str_equal_nocase(parts.scheme, STR("file"));
    enum graph_verdict verdict = put_user(parts.user, out);
    size_t host_at = out->len;
    if (verdict == GRAPH_VALUE_GOOD && !(is_file && parts.host.len == 0))
        verdict = put_host(parts.host, out);
    if (verdict == GRAPH_VALUE_GOOD && parts.scheme.len == 0 &&
        !is_dotted((struct str){out->text + host_at, out->len - host_at}))
        verdict = GRAPH_VALUE_INVALID;
    if (verdict == GRAPH_VALUE_GOOD)
        verdict = put_port(parts.port, known, out);
    if (verdict == GRAPH_VALUE_GOOD)
        verdict = put_rest(parts.rest, known || parts.scheme.len == 0, out);
    return verdict;
}

struct str graph_url_host(struct str normal)
{
    struct parts parts;
    split(normal, &parts);
    return parts.host;
}
