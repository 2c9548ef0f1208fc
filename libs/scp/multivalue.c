#include "libs/scp/multivalue.h"

static enum fault_code wrong(struct fault *fault)
{
    return fault_set(fault, FAULT_INPUT, "a multivalue field is not of the form $a$;$b$");
}

/* The value without the doubling; borrowed when there is none. */
static struct str undouble(struct str raw, size_t doubled, struct arena *arena)
{
    if (doubled == 0)
        return raw;
    char *copy = arena_alloc(arena, raw.len);
    if (!copy)
        return (struct str){NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        copy[len++] = raw.ptr[i];
        i += raw.ptr[i] == '$';
    }
    return (struct str){copy, len};
}

enum fault_code scp_multivalue_next(struct str *rest, struct arena *arena, struct str *out_value,
                                    bool *out_more, struct fault *fault)
{
    if (rest->len == 0) {
        *out_more = false;
        return FAULT_NONE;
    }
    if (rest->ptr[0] != '$')
        return wrong(fault);
    struct str body = str_skip(*rest, 1);
    size_t end = 0;
    size_t doubled = 0;
    for (;; end++) {
        if (end >= body.len)
            return wrong(fault);
        if (body.ptr[end] != '$')
            continue;
        if (end + 1 >= body.len || body.ptr[end + 1] != '$')
            break;
        doubled++;
        end++;
    }
    struct str after = str_skip(body, end + 1);
    if (after.len > 0 && (after.ptr[0] != ';' || after.len == 1))
        return wrong(fault);
    struct str value = undouble(str_take(body, end), doubled, arena);
    if (!value.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a multivalue field");
    *out_value = value;
    *rest = str_skip(after, 1);
    *out_more = true;
    return FAULT_NONE;
}
