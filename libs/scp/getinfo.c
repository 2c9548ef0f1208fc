#include "libs/scp/getinfo.h"

#include <string.h>

#include "libs/text/json.h"
#include "libs/text/time.h"

enum fault_code scp_metadata_read(struct arena *arena, struct str metadata,
                                  struct scp_metadata *out, struct fault *fault)
{
    const struct json *top;
    struct str action;
    enum fault_code code = json_read(arena, metadata, &top, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "the chunk's metadata: ");
    if (!json_text(json_member(top, "action"), &action))
        return fault_set(fault, FAULT_INPUT, "the chunk's metadata has no \"action\"");
    bool is_getinfo = str_equal(action, STR("getinfo"));
    if (!is_getinfo && !str_equal(action, STR("execute")))
        return fault_set(fault, FAULT_INPUT, "the chunk's action \"%.*s\" is not known",
                         STR_ARG(str_take(action, 40)));
    bool finished = false;
    const struct json *member = json_member(top, "finished");
    if (member && !json_boolean(member, &finished))
        return fault_set(fault, FAULT_INPUT, "the chunk's \"finished\" is not true or false");
    out->action = is_getinfo ? SCP_GETINFO : SCP_EXECUTE;
    out->finished = finished;
    return FAULT_NONE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding that leaves what is no valid escape as it is. */
static struct str percent_decode(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    if (!copy.ptr)
        return copy;
    char *to = (char *)copy.ptr; /* ours: just copied */
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = -1;
        int low = -1;
        if (text.ptr[i] == '%' && i + 2 < text.len) {
            high = hex_digit(text.ptr[i + 1]);
            low = hex_digit(text.ptr[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            to[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[len++] = text.ptr[i];
        }
    }
    copy.len = len;
    return copy;
}

static struct str text_of(const struct json *object, const char *name)
{
    struct str text = STR("");
    if (!json_text(json_member(object, name), &text))
        return STR("");
    return text;
}

/* Epoch seconds as text, or as a number as other senders may give it; "0" and absence mean none. */
static int64_t time_of(const struct json *object, const char *name)
{
    int64_t seconds;
    int64_t us;
    if (json_whole(json_member(object, name), &seconds))
        return seconds > 0 && seconds < INT64_MAX / 1000000 ? seconds * 1000000 : 0;
    return time_read_us(text_of(object, name), &us) ? us : 0;
}

/* A count as a number, or as text where a sender gives it so; absence and nonsense mean none. */
static int64_t count_of(const struct json *object, const char *name)
{
    int64_t number;
    uint64_t digits;
    const struct json *member = json_member(object, name);
    if (json_whole(member, &number))
        return number > 0 ? number : 0;
    return str_to_u64(text_of(object, name), INT64_MAX, &digits) ? (int64_t)digits : 0;
}

static enum fault_code read_args(const struct json *info, struct scp_getinfo *out,
                                 struct fault *fault)
{
    const struct json *args = json_member(info, "args");
    if (args && !json_is_array(args))
        return fault_set(fault, FAULT_INPUT, "args in getinfo is not a list");
    const struct json *arg = json_first(args);
    for (; arg; arg = json_next(arg)) {
        if (out->arg_count == SCP_ARGS_MAX)
            return fault_set(fault, FAULT_LIMIT, "more than %d arguments", SCP_ARGS_MAX);
        if (!json_text(arg, &out->args[out->arg_count]))
            return fault_set(fault, FAULT_INPUT, "an argument in getinfo is not a text");
        out->arg_count++;
    }
    return FAULT_NONE;
}

enum fault_code scp_getinfo_read(struct arena *arena, struct str metadata, struct scp_getinfo *out,
                                 struct fault *fault)
{
    const struct json *top;
    enum fault_code code = json_read(arena, metadata, &top, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "the getinfo metadata: ");
    *out = (struct scp_getinfo){0};
    if (!json_boolean(json_member(top, "preview"), &out->preview))
        out->preview = false;
    const struct json *info = json_member(top, "searchinfo");
    code = read_args(info, out, fault);
    if (code != FAULT_NONE)
        return code;
    out->dispatch_dir = text_of(info, "dispatch_dir");
    out->sid = text_of(info, "sid");
    out->app = text_of(info, "app");
    out->owner = text_of(info, "owner");
    out->username = text_of(info, "username");
    out->session_key = text_of(info, "session_key");
    out->splunkd_uri = text_of(info, "splunkd_uri");
    out->splunk_version = text_of(info, "splunk_version");
    out->command = text_of(info, "command");
    out->earliest_us = time_of(info, "earliest_time");
    out->latest_us = time_of(info, "latest_time");
    out->max_result_rows = count_of(info, "maxresultrows");
    out->search = percent_decode(arena, text_of(info, "search"));
    if (!out->search.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the search text");
    return FAULT_NONE;
}

bool scp_arg_next(const struct scp_getinfo *info, size_t *at, struct scp_arg *out)
{
    struct str head;
    struct str tail;
    if (*at >= info->arg_count)
        return false;
    struct str word = info->args[(*at)++];
    bool more = *at < info->arg_count;

    if (str_cut(word, '=', &head, &tail)) {
        /* `title= x`: the value is the next word, unless that has a sign of its own. */
        bool next_is_value =
            tail.len == 0 && more && head.len > 0 &&
            str_find_byte(info->args[*at], '=') == info->args[*at].len &&
            !(*at + 1 < info->arg_count && str_starts(info->args[*at + 1], STR("=")));
        *out = (struct scp_arg){head, next_is_value ? info->args[(*at)++] : tail};
        return true;
    }
    if (more && str_starts(info->args[*at], STR("="))) {
        struct str value = str_skip(info->args[(*at)++], 1);
        if (value.len == 0 && *at < info->arg_count)
            value = info->args[(*at)++];
        *out = (struct scp_arg){word, value};
        return true;
    }
    *out = (struct scp_arg){STR(""), word};
    return true;
}
