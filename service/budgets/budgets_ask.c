#include "service/budgets/budgets_ask.h"

#include <stdio.h>

#include "service/usage/usage_event.h"

static const struct {
    const char *name;
    const char *members[6];
    const char *listed;
} actions[] = {
    [BUDGETS_CHECK] = {"check",
                       {"action", "meter", "quantity", "dimensions"},
                       "action, meter, quantity and dimensions"},
    [BUDGETS_RESERVE] = {"reserve",
                         {"action", "meter", "quantity", "dimensions", "ttl_s"},
                         "action, meter, quantity, dimensions and ttl_s"},
    [BUDGETS_SETTLE] = {"settle",
                        {"action", "reservation", "quantity"},
                        "action, reservation and quantity"},
    [BUDGETS_RELEASE] = {"release", {"action", "reservation"}, "action and reservation"},
};

enum { ACTIONS = sizeof actions / sizeof actions[0], MEMBERS = 6 };

static enum fault_code read_action(const struct json *value, enum budgets_action *out,
                                   struct fault *fault)
{
    struct str text;
    const struct json *member = json_member(value, "action");
    if (!member)
        return fault_field(fault, FAULT_INPUT, "action",
                           "action is missing: it is check, reserve, settle or release");
    for (int i = 0; json_text(member, &text) && i < ACTIONS; i++)
        if (str_equal(text, str_of(actions[i].name))) {
            *out = (enum budgets_action)i;
            return FAULT_NONE;
        }
    return fault_field(fault, FAULT_INPUT, "action",
                       "action must be \"check\", \"reserve\", \"settle\" or \"release\"");
}

/* A member that is passed over may be one that somebody relies on. */
static enum fault_code check_members(const struct json *value, enum budgets_action action,
                                     struct fault *fault)
{
    for (const struct json *each = json_first(value); each; each = json_next(each)) {
        bool known = false;
        for (int i = 0; i < MEMBERS && actions[action].members[i]; i++)
            known = known || str_equal(json_name(each), str_of(actions[action].members[i]));
        if (!known)
            return fault_field(fault, FAULT_INPUT, "decision",
                               "%s has no member \"%.*s\"; it has %s", actions[action].name,
                               STR_ARG(str_take(json_name(each), 40)), actions[action].listed);
    }
    return FAULT_NONE;
}

static enum fault_code read_meter(const struct json *value, const struct usage_meter **out,
                                  struct fault *fault)
{
    struct str name;
    const struct json *member = json_member(value, "meter");
    if (!member)
        return fault_field(fault, FAULT_INPUT, "meter",
                           "meter is missing: say which; GET /v1/meters lists them");
    if (!json_text(member, &name))
        return fault_field(fault, FAULT_INPUT, "meter", "meter must be text");
    *out = usage_meter_find(name);
    return *out ? FAULT_NONE : usage_meter_unknown(name, "meter", fault);
}

static enum fault_code read_ttl(const struct json *value, int64_t *out, struct fault *fault)
{
    int64_t ttl_s = BUDGETS_TTL_DEFAULT_S;
    const struct json *member = json_member(value, "ttl_s");
    if (member && (!json_whole(member, &ttl_s) || ttl_s < 1 || ttl_s > BUDGETS_TTL_MAX_S))
        return fault_field(fault, FAULT_INPUT, "ttl_s",
                           "ttl_s must be a whole number of seconds from 1 to %d: how long the "
                           "work may take before it is settled",
                           BUDGETS_TTL_MAX_S);
    *out = ttl_s;
    return FAULT_NONE;
}

/* Of a check or a reservation. */
static enum fault_code read_asked(struct arena *arena, const struct json *value,
                                  struct budgets_request *out, struct fault *fault)
{
    out->quantity = -1;
    enum fault_code code = read_meter(value, &out->meter, fault);
    if (code == FAULT_NONE && json_member(value, "quantity"))
        code = usage_event_quantity(value, "", &out->quantity, fault);
    if (code == FAULT_NONE && json_member(value, "dimensions"))
        code = usage_event_dimensions(arena, value, out->meter, &out->dimensions, fault);
    if (code == FAULT_NONE)
        code = read_ttl(value, &out->ttl_s, fault);
    if (code == FAULT_NONE && out->dimensions.len > BUDGETS_DIMENSIONS_TEXT)
        code = fault_field(fault, FAULT_LIMIT, "dimensions",
                           "dimensions are %zu bytes as JSON; a reservation carries at most %d",
                           out->dimensions.len, BUDGETS_DIMENSIONS_TEXT);
    if (code == FAULT_NONE && out->action == BUDGETS_RESERVE && out->meter->is_own)
        code = fault_field(fault, FAULT_INPUT, "meter",
                           "meter holds \"%s\", which the service counts and reserves itself; "
                           "check it instead",
                           out->meter->name);
    return code;
}

static enum fault_code read_ended(const struct json *value, struct budgets_request *out,
                                  struct fault *fault)
{
    const struct json *member = json_member(value, "reservation");
    if (!member)
        return fault_field(fault, FAULT_INPUT, "reservation",
                           "reservation is missing: the text that \"reserve\" has answered with");
    if (!json_text(member, &out->reservation))
        return fault_field(fault, FAULT_INPUT, "reservation", "reservation must be text");
    return out->action == BUDGETS_SETTLE ? usage_event_quantity(value, "", &out->quantity, fault)
                                         : FAULT_NONE;
}

enum fault_code budgets_ask_read(struct arena *arena, const struct json *value,
                                 struct budgets_request *out, struct fault *fault)
{
    struct budgets_request read = {.quantity = -1, .ttl_s = BUDGETS_TTL_DEFAULT_S};
    if (!json_is_object(value))
        return fault_field(fault, FAULT_INPUT, "decision", "a decision is asked by an object");
    enum fault_code code = read_action(value, &read.action, fault);
    if (code == FAULT_NONE)
        code = check_members(value, read.action, fault);
    if (code == FAULT_NONE)
        code = read.action == BUDGETS_CHECK || read.action == BUDGETS_RESERVE
                   ? read_asked(arena, value, &read, fault)
                   : read_ended(value, &read, fault);
    if (code == FAULT_NONE)
        *out = read;
    return code;
}

enum fault_code budgets_ask_several(const struct json *body, const struct json **out_first,
                                    size_t *out_count, struct fault *fault)
{
    const struct json *list = json_member(body, "decisions");
    size_t count = 0;
    if (!json_is_object(body))
        return fault_field(fault, FAULT_INPUT, "body", "the body must be a JSON object");
    if (!list) {
        *out_first = NULL;
        *out_count = 1;
        return FAULT_NONE;
    }
    if (!json_is_array(list))
        return fault_field(fault, FAULT_INPUT, "decisions", "decisions must be an array");
    if (json_next(json_first(body)))
        return fault_field(fault, FAULT_INPUT, "decisions",
                           "decisions must be the only member: what concerns one stands within it");
    for (const struct json *each = json_first(list); each; each = json_next(each))
        count++;
    if (count == 0)
        return fault_field(fault, FAULT_INPUT, "decisions", "decisions is empty: ask for one");
    if (count > BUDGETS_ASKS_MAX)
        return fault_field(fault, FAULT_LIMIT, "decisions",
                           "decisions holds %zu; a request may hold %d: send the rest in another",
                           count, BUDGETS_ASKS_MAX);
    *out_first = json_first(list);
    *out_count = count;
    return FAULT_NONE;
}
