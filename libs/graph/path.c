#include "libs/graph/family.h"

#include <string.h>

static bool is_drive(struct str text)
{
    char c = text.len >= 2 ? graph_lower_byte(text.ptr[0]) : 0;
    return c >= 'a' && c <= 'z' && text.ptr[1] == ':' &&
           (text.len == 2 || text.ptr[2] == '\\' || text.ptr[2] == '/');
}

static const char *const windows_endings[] = {".exe", ".dll", ".sys", ".com", ".bat", ".cmd",
                                              ".scr", ".ps1", ".vbs", ".msi", ".cpl", ".ocx"};

/* Windows does not tell case apart, others do; the text itself must say where it is from. */
static bool is_windows(struct str text)
{
    if (text.len > 0 && text.ptr[0] == '/')
        return false;
    if (is_drive(text) || str_find_byte(text, '\\') < text.len)
        return true;
    struct str end = str_skip(text, text.len > 4 ? text.len - 4 : text.len);
    for (size_t i = 0; i < sizeof windows_endings / sizeof windows_endings[0]; i++)
        if (str_equal_nocase(end, str_of(windows_endings[i])))
            return true;
    return false;
}

static struct str unquote(struct str text)
{
    for (;;) {
        struct str was = text;
        text = str_trim(text);
        char first = text.len >= 2 ? text.ptr[0] : 0;
        if ((first == '"' || first == '\'') && text.ptr[text.len - 1] == first)
            text = str_take(str_skip(text, 1), text.len - 2);
        if (text.len == was.len)
            return text;
    }
}

/* Runs of `\` become one, but for the two that begin a share or a device. */
static size_t collapse(char *text, size_t len)
{
    size_t kept = 0;
    size_t lead = len >= 2 && text[0] == '\\' && text[1] == '\\' ? 2 : 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\\' || kept == 0 || text[kept - 1] != '\\' || kept < lead)
            text[kept++] = text[i];
    return kept;
}

/* One round over a Windows path: lower case, `\` for `/`, and without the prefixes that tell the
 * kernel how to read it. */
static size_t tidy(char *text, size_t len)
{
    graph_lower(text, len);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '/')
            text[i] = '\\';
    len = collapse(text, len);
    struct str path = {text, len};
    size_t skip = 0;
    if (str_starts(path, STR("\\\\?\\unc\\")))
        skip = 6; /* leaves two, made of its own last ones */
    else if (str_starts(path, STR("\\\\?\\")) || str_starts(path, STR("\\??\\")))
        skip = 4;
    path = str_skip(path, skip);
    if (skip == 6)
        text[6] = '\\'; /* of `\\?\unc\server` stays `\\server` */
    path = unquote(path);
    memmove(text, path.ptr, path.len);
    return path.len;
}

static enum graph_verdict read_windows(struct str text, struct graph_value *out)
{
    enum { ROUNDS_MAX = 8 }; /* honest paths need two */
    size_t before;
    int round = 0;
    out->len = 0;
    graph_put(out, text);
    do {
        if (round++ == ROUNDS_MAX)
            return GRAPH_VALUE_INVALID;
        before = out->len;
        out->len = tidy(out->text, out->len);
    } while (out->len != before);
    return GRAPH_VALUE_GOOD;
}

enum graph_verdict graph_path_read(struct str text, struct graph_value *out)
{
    text = unquote(text);
    if (is_windows(text)) {
        enum graph_verdict verdict = read_windows(text, out);
        if (verdict != GRAPH_VALUE_GOOD)
            return verdict;
    } else {
        out->len = 0;
        graph_put(out, text);
    }
    if (graph_is_placeholder((struct str){out->text, out->len}))
        return GRAPH_VALUE_PLACEHOLDER;
    return GRAPH_VALUE_GOOD;
}

static bool is_blank_at(struct str text, size_t at)
{
    return at >= text.len || text.ptr[at] == ' ' || text.ptr[at] == '"';
}

/* Where an unquoted program with blanks in its path ends: behind the first `.exe ` or the like. */
static size_t end_of_windows_program(struct str text)
{
    for (size_t at = 0; at + 4 <= text.len; at++) {
        if (text.ptr[at] != '.' || !is_blank_at(text, at + 4))
            continue;
        for (size_t i = 0; i < sizeof windows_endings / sizeof windows_endings[0]; i++)
            if (str_equal_nocase(str_take(str_skip(text, at), 4), str_of(windows_endings[i])))
                return at + 4;
    }
    return str_find_byte(text, ' ');
}

/* Arguments hold passwords, and make each start of a program another thing: only the program is
 * kept. */
enum graph_verdict graph_command_read(struct str text, struct graph_value *out)
{
    char quote = text.len > 0 ? text.ptr[0] : 0;
    out->kind = GRAPH_PROCESS;
    if (quote == '"' || quote == '\'') {
        struct str rest = str_skip(text, 1);
        text = str_take(rest, str_find_byte(rest, quote));
    } else if (text.len > 0 && text.ptr[0] == '/') {
        text = str_take(text, str_find_byte(text, ' '));
    } else {
        text = str_take(text, end_of_windows_program(text));
    }
    return graph_path_read(text, out);
}

static const struct {
    struct str name; /* in lower case */
    struct str root;
} roots[] = {
    {{"hklm", 4}, {"HKLM", 4}},
    {{"hkey_local_machine", 18}, {"HKLM", 4}},
    {{"hkcu", 4}, {"HKCU", 4}},
    {{"hkey_current_user", 17}, {"HKCU", 4}},
    {{"hku", 3}, {"HKU", 3}},
    {{"hkey_users", 10}, {"HKU", 3}},
    {{"hkcr", 4}, {"HKCR", 4}},
    {{"hkey_classes_root", 17}, {"HKCR", 4}},
    {{"hkcc", 4}, {"HKCC", 4}},
    {{"hkey_current_config", 19}, {"HKCC", 4}},
    {{"registry\\machine", 16}, {"HKLM", 4}}, /* as the kernel names them */
    {{"registry\\user", 13}, {"HKU", 3}},
};

/* `HKLM\software\...`: the root by its short name, the rest in lower case, for the registry does
 * not tell case apart. */
enum graph_verdict graph_registry_read(struct str text, struct graph_value *out)
{
    char lower[GRAPH_VALUE_MAX];
    size_t len = text.len;
    memcpy(lower, text.ptr, len);
    graph_lower(lower, len);
    struct str key = {lower, collapse(lower, len)};
    while (str_starts(key, STR("\\")))
        key = str_skip(key, 1);
    if (str_starts(key, STR("computer\\")))
        key = str_skip(key, 9);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        struct str rest = str_skip(key, roots[i].name.len);
        if (!str_starts(key, roots[i].name))
            continue;
        if (str_starts(rest, STR(":"))) /* PowerShell's drive */
            rest = str_skip(rest, 1);
        if (rest.len > 0 && rest.ptr[0] != '\\')
            continue;
        while (str_ends(rest, STR("\\")) || str_ends(rest, STR(" ")))
            rest.len--;
        out->kind = GRAPH_REGISTRY_KEY;
        out->len = 0;
        graph_put(out, roots[i].root);
        graph_put(out, rest);
        return GRAPH_VALUE_GOOD;
    }
    return GRAPH_VALUE_INVALID;
}
