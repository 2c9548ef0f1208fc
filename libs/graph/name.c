#include "libs/graph/family.h"

#include <string.h>

#include <idn2.h>

enum {
    NAME_MAX_LEN = 253, /* RFC 1035, as text without the last dot */
    LABEL_MAX = 63,
    NAME_RAW_MAX = 1020, /* bytes: 255 characters of UTF-8 */
};

struct str graph_refang(struct str text, char *room, size_t size)
{
    static const struct {
        struct str mark;
        struct str plain;
    } marks[] = {
        {{"[.]", 3}, {".", 1}},   {{"(.)", 3}, {".", 1}}, {{"[dot]", 5}, {".", 1}},
        {{"(dot)", 5}, {".", 1}}, {{"[:]", 3}, {":", 1}}, {{"[://]", 5}, {"://", 3}},
        {{"[@]", 3}, {"@", 1}},   {{"(@)", 3}, {"@", 1}}, {{"[at]", 4}, {"@", 1}},
        {{"(at)", 4}, {"@", 1}},
    };
    bool may_be = str_find_byte(text, '[') < text.len || str_find_byte(text, '(') < text.len;
    size_t len = 0;
    if (!may_be || text.len > size)
        return text;
    for (size_t at = 0; at < text.len;) {
        size_t i = 0;
        size_t count = sizeof marks / sizeof marks[0];
        if (text.ptr[at] != '[' && text.ptr[at] != '(')
            i = count;
        while (i < count &&
               !str_equal_nocase(str_take(str_skip(text, at), marks[i].mark.len), marks[i].mark))
            i++;
        if (i == count) {
            room[len++] = text.ptr[at++];
            continue;
        }
        memcpy(room + len, marks[i].plain.ptr, marks[i].plain.len);
        len += marks[i].plain.len;
        at += marks[i].mark.len;
    }
    return (struct str){room, len};
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

/* IDNA 2008 with the mapping of UTS 46, non-transitional: what browsers do. The library allocates
 * by itself; plain names never come here. */
static bool to_ascii(struct str text, char *room, size_t size, struct str *out)
{
    char terminated[NAME_RAW_MAX + 1];
    char *ascii = NULL;
    if (!str_to_c(text, terminated, sizeof terminated) ||
        idn2_to_ascii_8z(terminated, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return false;
    *out = (struct str){room, strlen(ascii)};
    bool fits = out->len <= size;
    if (fits)
        memcpy(room, ascii, out->len);
    idn2_free(ascii);
    return fits;
}

static bool is_label_byte(char c)
{
    /* The underscore is no host name's (RFC 1123) but DNS names and Windows machines have it. */
    return graph_is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* Labels of 1 to 63 letters, digits, `_` and, not at the ends, `-`; the last one is not a number,
 * for then the text is a broken or an old-style address. */
static bool check_labels(struct str name, bool *out_dotted)
{
    bool all_digits = true;
    size_t start = 0;
    *out_dotted = false;
    for (size_t at = 0; at <= name.len; at++) {
        if (at < name.len && name.ptr[at] != '.') {
            if (!is_label_byte(name.ptr[at]))
                return false;
            all_digits = all_digits && graph_is_digit(name.ptr[at]);
            continue;
        }
        size_t len = at - start;
        if (len == 0 || len > LABEL_MAX || name.ptr[start] == '-' || name.ptr[at - 1] == '-')
            return false;
        if (at < name.len) {
            *out_dotted = true;
            all_digits = true;
            start = at + 1;
        }
    }
    return !all_digits;
}

/* Syslog relays and agents write localhost when they do not know the machine's name: it says
 * nothing. */
static bool is_anyones(struct str name)
{
    return str_equal(name, STR("localhost")) || str_equal(name, STR("localhost.localdomain"));
}

enum graph_verdict graph_name_read(struct str text, bool *out_dotted, struct graph_value *out)
{
    char plain[NAME_RAW_MAX];
    char ascii[NAME_MAX_LEN + 2];
    struct str head;
    struct str port;
    uint64_t number;
    text = graph_refang(text, plain, sizeof plain);
    if (str_cut(text, ':', &head, &port)) {
        if (!str_to_u64(port, 65535, &number))
            return GRAPH_VALUE_INVALID;
        text = head;
    }
    if (!is_ascii(text) && !to_ascii(text, ascii, sizeof ascii, &text))
        return GRAPH_VALUE_INVALID;
    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > NAME_MAX_LEN)
        return GRAPH_VALUE_INVALID;
    for (size_t i = 0; i < text.len; i++)
        out->text[i] = graph_lower_byte(text.ptr[i]);
    out->len = text.len;
    struct str name = {out->text, out->len};
    if (!check_labels(name, out_dotted))
        return GRAPH_VALUE_INVALID;
    if (is_anyones(name) || graph_is_placeholder(name))
        return GRAPH_VALUE_PLACEHOLDER;
    return GRAPH_VALUE_GOOD;
}

bool graph_name_is_inside(struct str normal)
{
    /* RFC 6762 with its appendix G, RFC 8375, and .internal as reserved by ICANN in 2024. */
    static const char *const suffixes[] = {".local",    ".internal", ".lan",
                                           ".corp",     ".home",     ".home.arpa",
                                           ".intranet", ".private",  ".localdomain"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (str_ends(normal, str_of(suffixes[i])))
            return true;
    return false;
}
