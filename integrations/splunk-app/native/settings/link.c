#include "integrations/splunk-app/native/settings/link.h"

#include <string.h>

enum { ID_BYTES = 32 /* WIRE_ID_HEX */ };

static struct str without_slash(struct str url)
{
    return str_take(url, url.len - str_ends(url, STR("/")));
}

/* A link under way; no memory is taken for it, so that one that was told is always there. */
struct link {
    char *text;
    size_t len;
    bool too_long;
};

static void add(struct link *link, struct str part)
{
    link->too_long = link->too_long || link->len + part.len >= LINK_BYTES;
    if (link->too_long)
        return;
    memcpy(link->text + link->len, part.ptr, part.len);
    link->len += part.len;
}

/* Adds a text as a part of a path: RFC 3986's unreserved characters as they are. */
static void add_encoded(struct link *link, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
            add(link, str_take(str_skip(text, i), 1));
        else
            add(link, (struct str){(char[]){'%', digits[c >> 4], digits[c & 15]}, 3});
    }
}

/* Adds what a placeholder stands for; false when there is none of this name. */
static bool add_placeholder(struct link *link, const struct settings *settings, struct str name,
                            struct str id)
{
    if (str_equal(name, STR("url")))
        add(link, without_slash(settings->url));
    else if (str_equal(name, STR("tenant")))
        add_encoded(link, settings->tenant);
    else if (str_equal(name, STR("id")))
        add(link, id);
    else
        return false;
    return true;
}

/* Fills the template; false with the name that nobody knows. */
static bool fill(struct link *link, const struct settings *settings, struct str id,
                 struct str *out_unknown)
{
    struct str rest = settings->link_template;
    while (rest.len > 0) {
        size_t open = str_find_byte(rest, '{');
        add(link, str_take(rest, open));
        rest = str_skip(rest, open);
        if (rest.len == 0)
            return true;
        size_t close = str_find_byte(rest, '}');
        struct str name = str_skip(str_take(rest, close), 1);
        if (close == rest.len || !add_placeholder(link, settings, name, id)) {
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
    char text[LINK_BYTES];
    struct link link = {.text = text};
    for (size_t i = 0; i < template.len; i++)
        if (template.ptr[i] <= ' ' || template.ptr[i] >= 0x7f ||
            strchr("\"<>\\^`|", template.ptr[i]))
            return wrong("holds a character that must be percent-encoded", fault);
    if (!str_starts(template, STR("{url}")) && !str_starts(template, STR("https://")) &&
        !str_starts(template, STR("http://")))
        return wrong("must begin with {url}, https:// or http://", fault);
    if (str_find(template, STR("{id}")) == template.len)
        return wrong("must hold {id}, which tells one hand-off from another", fault);
    if (!fill(&link, settings, str_of(id), &unknown))
        return fault_field(fault, FAULT_INPUT, "link_template",
                           "link_template: {%.*s} is no placeholder; there are {url}, {tenant} and "
                           "{id}",
                           STR_ARG(str_take(unknown, 40)));
    return link.too_long
               ? wrong("makes links that are too long: 2047 characters are the most", fault)
               : FAULT_NONE;
}

void link_write(const struct settings *settings, struct str id, char out[LINK_BYTES])
{
    struct str unknown;
    struct link link = {.text = out};
    bool whole = fill(&link, settings, id, &unknown) && !link.too_long;
    out[whole ? link.len : 0] = '\0';
}
