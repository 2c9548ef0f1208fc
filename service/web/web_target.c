#include "service/web/web_target.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

enum fault_code web_target_decode(struct arena *arena, struct str raw, bool plus, struct str *out,
                                  struct fault *fault)
{
    char *text = arena_alloc(arena, raw.len + 1);
    if (!text)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the address of the request");
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? hex_value(raw.ptr[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_value(raw.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return fault_set(fault, FAULT_INPUT,
                                 "the address holds a percent sign without two hexadecimal digits");
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (is_control((unsigned char)c))
            return fault_set(fault, FAULT_INPUT, "the address holds a control character");
        text[len++] = c;
    }
    if (!str_is_utf8((struct str){text, len}))
        return fault_set(fault, FAULT_INPUT, "the address is not UTF-8 when decoded");
    *out = (struct str){text, len};
    return FAULT_NONE;
}

static enum fault_code read_segments(struct arena *arena, struct str path,
                                     struct web_target *target, struct fault *fault)
{
    struct str rest = str_skip(path, 1);
    bool more = true;
    while (more) {
        struct str raw;
        struct str tail = {0};
        more = str_cut(rest, '/', &raw, &tail);
        rest = tail;
        if (target->segment_count == WEB_SEGMENTS_MAX)
            return fault_set(fault, FAULT_INPUT, "the address has more than %d segments",
                             WEB_SEGMENTS_MAX);
        struct str *segment = &target->segments[target->segment_count++];
        enum fault_code code = web_target_decode(arena, raw, false, segment, fault);
        if (code != FAULT_NONE)
            return code;
        if (str_equal(*segment, STR(".")) || str_equal(*segment, STR("..")))
            return fault_set(fault, FAULT_INPUT,
                             "the address holds a dot segment; send it resolved");
    }
    return FAULT_NONE;
}

enum fault_code web_target_read(struct arena *arena, struct str raw, struct web_target *out,
                                struct fault *fault)
{
    if (raw.len == 0 || raw.ptr[0] != '/')
        return fault_set(
            fault, FAULT_INPUT,
            "the address must begin with a slash (origin form, RFC 9112 section 3.2.1)");
    for (size_t i = 0; i < raw.len; i++)
        if ((unsigned char)raw.ptr[i] <= ' ' || (unsigned char)raw.ptr[i] >= 0x7f)
            return fault_set(fault, FAULT_INPUT,
                             "the address holds a byte that must be percent-encoded");

    struct web_target target = {0};
    struct str path;
    str_cut(raw, '?', &path, &target.query);
    enum fault_code code = web_target_decode(arena, path, false, &target.path, fault);
    if (code == FAULT_NONE)
        code = read_segments(arena, path, &target, fault);
    /* Members are decoded when a handler asks for them; a query that cannot be is refused now. */
    struct str ignored;
    if (code == FAULT_NONE)
        code = web_target_decode(arena, target.query, true, &ignored, fault);
    if (code == FAULT_NONE)
        *out = target;
    return code;
}

/* The rest from segment `from` on, with its slashes: segments lie in order within decoded text, so
 * the rest is cut from the whole decoded path. */
static struct str rest_of(const struct web_target *target, size_t from)
{
    size_t skip = 1;
    for (size_t i = 0; i < from; i++)
        skip += target->segments[i].len + 1;
    return str_skip(target->path, skip);
}

bool web_target_matches(const struct web_target *target, const char *pattern,
                        struct str out_parts[WEB_PARTS_MAX])
{
    struct str parts[WEB_PARTS_MAX] = {{0}};
    size_t part_count = 0;
    size_t at = 0;
    struct str rest = str_skip(str_of(pattern), 1);
    bool more = true;
    while (more) {
        struct str want;
        struct str tail = {0};
        more = str_cut(rest, '/', &want, &tail);
        rest = tail;
        bool is_rest = str_equal(want, STR("{*}"));
        bool is_part = is_rest || str_equal(want, STR("{}"));
        if (at >= target->segment_count)
            return false;
        if (is_part && (part_count == WEB_PARTS_MAX || target->segments[at].len == 0))
            return false;
        if (is_rest) {
            parts[part_count] = rest_of(target, at);
            memcpy(out_parts, parts, sizeof parts);
            return true;
        }
        if (is_part)
            parts[part_count++] = target->segments[at];
        else if (!str_equal(want, target->segments[at]))
            return false;
        at++;
    }
    if (at != target->segment_count)
        return false;
    memcpy(out_parts, parts, sizeof parts);
    return true;
}
