/* What handlers ask a request for. */
#include "service/web/web.h"

#include <assert.h>
#include <string.h>

#include "service/web/web_target.h"

struct str web_header(const struct web_request *request, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, wanted))
            return request->headers[i].value;
    return (struct str){0};
}

enum fault_code web_wait(struct web_request *request, struct fault *fault)
{
    assert(request->quick && "others may wait where they are");
    request->waits = true;
    return fault_set(fault, FAULT_UNAVAILABLE, "this cannot be answered at once");
}

/* The raw value of the first member of that name; false when there is none. */
static bool find_member(const struct web_request *request, const char *name, struct str *out)
{
    struct str wanted = str_of(name);
    struct str rest = request->query;
    while (rest.len > 0) {
        struct str member;
        struct str tail = {0};
        str_cut(rest, '&', &member, &tail);
        rest = tail;
        struct str key;
        struct str value = {0};
        str_cut(member, '=', &key, &value);
        if (str_equal(key, wanted)) {
            *out = value;
            return true;
        }
    }
    return false;
}

struct str web_query(const struct web_request *request, const char *name)
{
    struct str raw;
    struct str value;
    struct fault ignored; /* the server has refused a query that does not decode */
    if (!find_member(request, name, &raw) ||
        web_target_decode(request->arena, raw, true, &value, &ignored) != FAULT_NONE)
        return (struct str){0};
    return value;
}

struct str web_cookie(const struct web_request *request, const char *name)
{
    struct str wanted = str_of(name);
    struct str rest = web_header(request, "Cookie");
    while (rest.len > 0) {
        struct str pair;
        struct str tail = {0};
        str_cut(rest, ';', &pair, &tail);
        rest = tail;
        struct str key;
        struct str value = {0};
        str_cut(str_trim(pair), '=', &key, &value);
        if (str_equal(key, wanted))
            return value;
    }
    return (struct str){0};
}

enum fault_code web_query_whole(const struct web_request *request, const char *name, int64_t least,
                                int64_t most, int64_t otherwise, int64_t *out, struct fault *fault)
{
    struct str raw;
    if (!find_member(request, name, &raw)) {
        *out = otherwise;
        return FAULT_NONE;
    }
    bool negative = raw.len > 0 && raw.ptr[0] == '-';
    uint64_t size;
    if (!str_to_u64(str_skip(raw, negative), INT64_MAX, &size))
        return fault_field(fault, FAULT_INPUT, name, "%s must be a whole number", name);
    int64_t number = negative ? -(int64_t)size : (int64_t)size;
    if (number < least || number > most)
        return fault_field(fault, FAULT_INPUT, name, "%s is %lld; it must be %lld to %lld", name,
                           (long long)number, (long long)least, (long long)most);
    *out = number;
    return FAULT_NONE;
}
