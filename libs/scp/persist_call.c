/* The JSON that splunkd sends a persistent REST handler. */
#include "libs/scp/persist.h"

#include "libs/text/json.h"

/* A member that is there must be text; one that is not is empty. */
static bool read_text(const struct json *object, const char *name, struct str *out)
{
    const struct json *member = json_member(object, name);
    *out = STR("");
    return !member || json_is_null(member) || json_text(member, out);
}

static bool is_pair(const struct json *pair)
{
    struct str text;
    const struct json *first = json_is_array(pair) ? json_first(pair) : NULL;
    const struct json *second = first ? json_next(first) : NULL;
    return second && !json_next(second) && json_text(first, &text) && json_text(second, &text);
}

static bool is_form(const struct json *form)
{
    if (form && !json_is_array(form))
        return false;
    for (const struct json *pair = json_first(form); pair; pair = json_next(pair))
        if (!is_pair(pair))
            return false;
    return true;
}

enum fault_code persist_call_read(struct arena *arena, struct str block, struct persist_call *out,
                                  struct fault *fault)
{
    const struct json *top;
    struct persist_call call = {0};
    enum fault_code code = json_read(arena, block, &top, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "splunkd's request: ");
    if (!json_is_object(top))
        return fault_set(fault, FAULT_INPUT, "splunkd's request is no JSON object");
    const struct json *session = json_member(top, "session");
    const struct json *server = json_member(top, "server");
    const struct {
        const struct json *object;
        const char *name;
        struct str *to;
    } texts[] = {
        {top, "method", &call.method},           {session, "user", &call.user},
        {session, "authtoken", &call.authtoken}, {top, "system_authtoken", &call.system_authtoken},
        {server, "rest_uri", &call.rest_uri},    {server, "servername", &call.server_name},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!read_text(texts[i].object, texts[i].name, texts[i].to))
            return fault_set(fault, FAULT_INPUT, "splunkd's request: %s is not text",
                             texts[i].name);
    call.form = json_member(top, "form");
    if (!is_form(call.form))
        return fault_set(fault, FAULT_INPUT,
                         "splunkd's request: form is no list of names and values");
    *out = call;
    return FAULT_NONE;
}

bool persist_form(const struct persist_call *call, const char *name, struct str *out_value,
                  bool *out_twice)
{
    bool found = false;
    *out_twice = false;
    for (const struct json *pair = json_first(call->form); pair; pair = json_next(pair)) {
        struct str key;
        const struct json *first = json_first(pair);
        if (!json_text(first, &key) || !str_equal(key, str_of(name)))
            continue;
        *out_twice = found;
        if (!found)
            found = json_text(json_next(first), out_value);
    }
    return found;
}
