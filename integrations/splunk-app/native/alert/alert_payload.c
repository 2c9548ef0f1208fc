#include "integrations/splunk-app/native/alert/alert_payload.h"

#include <string.h>

#include "libs/text/json.h"
#include "libs/wire/handoff.h"

enum { TEXT_MAX = 4096, RESULT_ID_MAX = 64 };

/* --- the member that is not read ----------------------------------------------------------- */

struct span {
    size_t start;
    size_t end;
};

/* Behind the string whose opening quote is at `at`; text.len when it is not closed. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        at += text.ptr[at] == '\\';
    return at < text.len ? at + 1 : text.len;
}

/* Behind the value at `at`, which ends at a comma or bracket of its own level. */
static size_t skip_value(struct str text, size_t at)
{
    size_t depth = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return text.len;
}

/* Where the value of the top object's member "result" stands. Only brackets and strings are looked
 * at: a text that is no JSON is found out by who reads the rest. */
static bool find_result(struct str text, struct span *out)
{
    struct str name = STR("\"result\"");
    size_t at = str_find_byte(text, '{');
    for (at++; at < text.len;) {
        size_t name_end = 0;
        while (at < text.len && text.ptr[at] != '"')
            at++;
        name_end = skip_string(text, at);
        size_t value = name_end;
        while (value < text.len && text.ptr[value] != ':')
            value++;
        size_t end = skip_value(text, value + 1 < text.len ? value + 1 : text.len);
        if (name_end - at == name.len && str_starts(str_skip(text, at), name)) {
            *out = (struct span){value + 1, end};
            return value + 1 < end;
        }
        if (end < text.len && text.ptr[end] != ',')
            return false;
        at = end + 1;
    }
    return false;
}

/* The text with null for that value; the text itself when there is none. */
static struct str without_result(struct arena *arena, struct str text, struct fault *fault)
{
    struct span span;
    struct str null = STR("null");
    if (!find_result(text, &span))
        return text;
    size_t rest = text.len - span.end;
    char *copy = arena_alloc(arena, span.start + null.len + rest + 1);
    if (!copy) {
        fault_set(fault, FAULT_NO_MEMORY, "no memory left for the alert's payload");
        return (struct str){NULL, 0};
    }
    memcpy(copy, text.ptr, span.start);
    memcpy(copy + span.start, null.ptr, null.len);
    memcpy(copy + span.start + null.len, text.ptr + span.end, rest);
    return (struct str){copy, span.start + null.len + rest};
}

/* --- members ------------------------------------------------------------------------------- */

static enum fault_code get_text(const struct json *top, const char *name, bool needed, size_t most,
                                struct str *out, struct fault *fault)
{
    const struct json *member = json_member(top, name);
    *out = STR("");
    if (member && !json_is_null(member) && !json_text(member, out))
        return fault_set(fault, FAULT_INPUT, "the alert's payload: \"%s\" is not a text", name);
    if (needed && out->len == 0)
        return fault_set(fault, FAULT_INPUT, "the alert's payload lacks \"%s\"", name);
    if (out->len > most)
        return fault_set(fault, FAULT_LIMIT,
                         "the alert's payload: \"%s\" has %zu bytes, at most %zu are allowed", name,
                         out->len, most);
    return FAULT_NONE;
}

/* The result's number: what newer servers say, else the N of .../per_result_alert/tmp_N.csv.gz. */
static enum fault_code get_result_id(const struct json *top, struct arena *arena,
                                     struct alert_payload *out, struct fault *fault)
{
    const struct json *member = json_member(top, "result_id");
    struct str folder = STR("/per_result_alert/tmp_");
    int64_t number;
    if (json_whole(member, &number) && number >= 0) {
        struct buf text;
        buf_init(&text, 32);
        buf_add_i64(&text, number);
        out->result_id = arena_copy(arena, buf_str(&text));
        buf_done(&text);
    } else {
        enum fault_code code =
            get_text(top, "result_id", false, RESULT_ID_MAX, &out->result_id, fault);
        if (code != FAULT_NONE)
            return code;
    }
    size_t at = str_find(out->results_file, folder);
    struct str name = str_skip(out->results_file, at + folder.len);
    if (out->result_id.len == 0 && at < out->results_file.len)
        out->result_id = str_take(name, str_find_byte(name, '.'));
    if (out->result_id.len > RESULT_ID_MAX)
        return fault_set(fault, FAULT_LIMIT,
                         "the alert's payload: the name of \"results_file\" is too long");
    out->per_result = out->result_id.len > 0 || at < out->results_file.len;
    return FAULT_NONE;
}

/* --- parameters ---------------------------------------------------------------------------- */

/* What Splunk and its add-ons put beside an action's own parameters. */
static bool is_foreign(struct str name)
{
    static const char *const names[] = {"action_name", "verbose", "max_results"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_equal(name, str_of(names[i])))
            return true;
    return str_starts(name, STR("_"));
}

/* splunkd has filled the title's tokens with whatever the results hold: what is too long is cut. */
static enum fault_code fit_title(struct arena *arena, struct str *title, struct fault *fault)
{
    char room[ARGS_TEXT_MAX];
    struct str fit = wire_fit(*title, sizeof room, room);
    if (fit.ptr != title->ptr)
        fit = arena_copy(arena, fit);
    if (!fit.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the title");
    *title = fit;
    return FAULT_NONE;
}

enum fault_code alert_payload_parameters(const struct alert_payload *payload, struct arena *arena,
                                         struct args *out, struct fault *fault)
{
    struct args args = {0};
    bool asks_for_fields = false;
    const struct json *member = json_first(payload->configuration);
    for (; member; member = json_next(member)) {
        struct str name = json_name(member);
        struct str value;
        enum fault_code code = FAULT_NONE;
        if (is_foreign(name))
            continue;
        if (!json_text(member, &value))
            return fault_field(fault, FAULT_INPUT, "parameters", "param.%.*s is not a text",
                               STR_ARG(str_take(name, 40)));
        value = str_trim(value);
        if (value.len == 0)
            continue;
        asks_for_fields = asks_for_fields || str_equal(name, STR("fields"));
        if (str_equal(name, STR("title")))
            code = fit_title(arena, &value, fault);
        if (code == FAULT_NONE)
            code = args_set(&args, name, value, fault);
        if (code != FAULT_NONE)
            return code;
    }
    if (asks_for_fields && args.field_count == 0)
        return fault_field(fault, FAULT_INPUT, "fields", "fields names no field");
    *out = args;
    return FAULT_NONE;
}

/* --- all ----------------------------------------------------------------------------------- */

static enum fault_code read_members(const struct json *top, struct arena *arena,
                                    struct alert_payload *out, struct fault *fault)
{
    const struct {
        const char *name;
        bool needed;
        size_t most;
        struct str *to;
    } texts[] = {
        {"app", false, WIRE_TEXT_MAX, &out->app},
        {"owner", false, WIRE_TEXT_MAX, &out->user},
        {"server_host", false, TEXT_MAX, &out->server_host},
        {"server_uri", false, TEXT_MAX, &out->server_uri},
        {"session_key", false, TEXT_MAX, &out->session_key},
        {"sid", true, WIRE_TEXT_MAX, &out->sid},
        {"search_name", false, TEXT_MAX, &out->search_name},
        {"results_file", true, TEXT_MAX, &out->results_file},
    };
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && code == FAULT_NONE; i++)
        code = get_text(top, texts[i].name, texts[i].needed, texts[i].most, texts[i].to, fault);
    struct str user = STR("");
    if (code == FAULT_NONE)
        code = get_text(top, "user", false, WIRE_TEXT_MAX, &user, fault);
    if (code == FAULT_NONE && user.len > 0)
        out->user = user;
    if (code == FAULT_NONE)
        code = get_result_id(top, arena, out, fault);
    return code;
}

enum fault_code alert_payload_read(struct arena *arena, struct str json, struct alert_payload *out,
                                   struct fault *fault)
{
    const struct json *top;
    struct alert_payload payload = {0};
    struct str text = without_result(arena, json, fault);
    if (!text.ptr)
        return fault->code;
    enum fault_code code = json_read(arena, text, &top, fault);
    if (code == FAULT_NONE && !json_is_object(top))
        code = fault_set(fault, FAULT_INPUT, "not a JSON object");
    if (code != FAULT_NONE) {
        fault_prefix(fault, "the alert's payload cannot be read: ");
        return code;
    }
    code = read_members(top, arena, &payload, fault);
    payload.configuration = json_member(top, "configuration");
    if (code == FAULT_NONE && !json_is_object(payload.configuration))
        code =
            fault_set(fault, FAULT_INPUT, "the alert's payload lacks the object \"configuration\"");
    if (code != FAULT_NONE)
        return code;
    payload.is_saved = str_find(payload.sid, STR("scheduler")) < payload.sid.len;
    *out = payload;
    return FAULT_NONE;
}

void alert_payload_add_canonical(const struct alert_payload *payload, const struct args *args,
                                 struct buf *out)
{
    buf_add_c(out, "sendalert send_to_intelgraph");
    args_add_given(args, out);
    if (payload->per_result)
        buf_addf(out, " result=%.*s", STR_ARG(payload->result_id));
}
