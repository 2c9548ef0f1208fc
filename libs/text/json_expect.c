#include "libs/text/json_expect.h"

enum { SHOWN_MAX = 40, WORDS_MAX = 400 };

void words_add(struct buf *out, const char *const *words, size_t count, const char *last)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_c(out, i + 1 < count ? ", " : last);
        buf_add_c(out, words[i]);
    }
}

static bool is_among(struct str name, const char *const *known, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(name, str_of(known[i])))
            return true;
    return false;
}

enum fault_code json_expect_members(const struct json *value, const char *field, const char *what,
                                    const char *const *known, size_t count, struct fault *fault)
{
    if (!json_is_object(value))
        return fault_field(fault, FAULT_INPUT, field, "%s must be an object", what);
    const struct json *each = json_first(value);
    while (each && is_among(json_name(each), known, count))
        each = json_next(each);
    if (!each)
        return FAULT_NONE;
    struct buf all;
    buf_init(&all, WORDS_MAX);
    words_add(&all, known, count, " and ");
    enum fault_code code = fault_field(
        fault, FAULT_INPUT, field, "%s holds \"%.*s\", which is no member of it; it has %.*s", what,
        STR_ARG(str_take(json_name(each), SHOWN_MAX)), STR_ARG(buf_str(&all)));
    buf_done(&all);
    return code;
}

bool json_line(const struct json *member, size_t most, struct str *out)
{
    struct str text = {0};
    if (!json_text(member, &text))
        return false;
    text = str_trim(text);
    if (text.len == 0 || text.len > most)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    *out = text;
    return true;
}
