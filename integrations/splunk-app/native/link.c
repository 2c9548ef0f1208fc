#include "integrations/splunk-app/native/link.h"

#include <string.h>

enum { ID_BYTES = 32 /* WIRE_ID_HEX */ };

static struct str without_slash(struct str url)
{
    return str_take(url, url.len - str_ends(url, STR("/")));
}

/* Adds a text as a part of a path: RFC 3986's unreserved characters as they are. */
static void add_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
            buf_add_byte(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

/* Adds what a placeholder stands for; false when there is none of this name. */
static bool add_placeholder(struct buf *out, const struct settings *settings, struct str name,
                            struct str id)
{
    if (str_equal(name, STR("url")))
        buf_add(out, without_slash(settings->url));
    else if (str_equal(name, STR("tenant")))
        add_encoded(out, settings->tenant);
    else if (str_equal(name, STR("id")))
        buf_add(out, id);
    else
        return false;
    return true;
}

/* Fills the template; false with the name that nobody knows. */
static bool fill(struct buf *out, const struct settings *settings, struct str id,
                 struct str *out_unknown)
{
    struct str rest = settings->link_template;
    while (rest.len > 0) {
        size_t open = str_find_byte(rest, '{');
        buf_add(out, str_take(rest, open));
        rest = str_skip(rest, open);
        if (rest.len == 0)
            return true;
        size_t close = str_find_byte(rest, '}');
        struct str name = str_skip(str_take(rest, close), 1);
        if (close == rest.len || !add_placeholder(out, settings, name, id)) {
            *out_unknown = name;
            return false;
        }
        rest = str_skip(rest, close + 1);
    }
    return true;
}

static enum fault_code wrong(const char *why, struct fault *fault)
{
    return fault_field(fault, FAULT_INPUT, "link_template", "link_template %s", why);
}

enum fault_code link_check(const struct settings *settings, struct fault *fault)
{
    static const char id[ID_BYTES + 1] = "0123456789abcdef0123456789abcdef";
    struct str unknown = STR("");
    struct str template = settings->link_template;
    struct buf link;
    for (size_t i = 0; i < template.len; i++)
        if (template.ptr[i] <= ' ' || template.ptr[i] >= 0x7f ||
            strchr("\"<>\\^`|", template.ptr[i]))
            return wrong("holds a character that must be percent-encoded", fault);
    if (!str_starts(template, STR("{url}")) && !str_starts(template, STR("https://")) &&
        !str_starts(template, STR("http://")))
        return wrong("must begin with {url}, https:// or http://", fault);
    if (str_find(template, STR("{id}")) == template.len)
        return wrong("must hold {id}, which tells one hand-off from another", fault);
    buf_init(&link, LINK_BYTES - 1);
    bool known = fill(&link, settings, str_of(id), &unknown);
    enum fault_code code = link.code;
    buf_done(&link);
    if (!known)
        return fault_field(fault, FAULT_INPUT, "link_template",
                           "link_template: {%.*s} is no placeholder; there are {url}, {tenant} and "
                           "{id}",
                           STR_ARG(str_take(unknown, 40)));
    if (code == FAULT_LIMIT)
        return wrong("makes links that are too long: 2047 characters are the most", fault);
    if (code != FAULT_NONE)
        return fault_set(fault, code, "no memory left for the settings");
    return FAULT_NONE;
}

void link_write(const struct settings *settings, struct str id, char out[LINK_BYTES])
{
    struct str unknown;
    struct buf link;
    buf_init(&link, LINK_BYTES - 1);
    bool known = fill(&link, settings, id, &unknown);
    /* Without memory there is no link rather than half of one. */
    if (!known || link.code != FAULT_NONE || !str_to_c(buf_str(&link), out, LINK_BYTES))
        out[0] = '\0';
    buf_done(&link);
}
