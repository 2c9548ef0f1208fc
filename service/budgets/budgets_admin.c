#include "service/budgets/budgets_admin.h"

#include "libs/core/os.h"
#include "service/budgets/budgets.h"
#include "service/notify/notify_rules.h"
#include "service/service.h"

enum { ID_BYTES = 16, SHOWN_BYTES = 40 };

enum fault_code budgets_act_begin(struct budgets_act *act, enum identity_permission permission,
                                  struct fault *fault)
{
    act->now_us = os_now_us();
    return identity_gate(act->service->identity, act->request, permission, &act->caller, fault);
}

enum fault_code budgets_act_note(const struct budgets_act *act, struct store *store,
                                 struct str budget, const char *kind, struct str detail,
                                 struct fault *fault)
{
    const struct budgets_entry entry = {
        .budget = budget,
        .at_us = act->now_us,
        .kind = str_of(kind),
        .by = act->caller.name,
        .detail = detail,
    };
    char action[64];
    char room[BUDGETS_ID_MAX + 2 + BUDGETS_DETAIL_MAX];
    struct buf name = {.ptr = action, .room = sizeof action, .limit = sizeof action - 1};
    struct buf reason = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    buf_addf(&name, "budget.%s", kind);
    action[name.len] = '\0';
    buf_addf(&reason, "%.*s: %.*s", STR_ARG(budget), STR_ARG(detail));
    const struct identity_change change = {action, buf_str(&reason)};
    enum fault_code code = budgets_store_history_put(store, act->caller.tenant, &entry, fault);
    if (code == FAULT_NONE)
        code = identity_change_record(act->service->audit, store, act->request, &act->caller,
                                      &change, fault);
    if (code == FAULT_NONE)
        code = prices_generation_raise(store, act->caller.tenant, fault);
    return code;
}

enum fault_code budgets_id_draw(struct arena *arena, const char *prefix, struct str *out,
                                struct fault *fault)
{
    unsigned char bytes[ID_BYTES];
    char id[NOTIFY_ID_MAX];
    if (os_random(bytes, sizeof bytes) != 0)
        return fault_set(fault, FAULT_IO, "the system has no random numbers");
    notify_id_of(prefix, bytes, id);
    *out = arena_copy(arena, str_of(id));
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
}

enum fault_code budgets_reason_read(const struct json *body, struct str *out, struct fault *fault)
{
    struct str reason = STR("");
    bool is_good = json_text(json_member(body, "reason"), &reason);
    reason = str_trim(reason);
    is_good = is_good && reason.len > 0 && reason.len <= BUDGETS_REASON_MAX;
    for (size_t i = 0; is_good && i < reason.len; i++)
        is_good = (unsigned char)reason.ptr[i] >= ' ' && reason.ptr[i] != 0x7f;
    if (!is_good)
        return fault_field(fault, FAULT_INPUT, "reason",
                           "reason must say in 1 to %d bytes, on one line, why; it goes on record",
                           BUDGETS_REASON_MAX);
    *out = reason;
    return FAULT_NONE;
}

enum fault_code budgets_members_check(const struct json *object, const char *const *known,
                                      size_t count, struct fault *fault)
{
    if (!json_is_object(object))
        return fault_field(fault, FAULT_INPUT, "body", "the body must be a JSON object");
    for (const struct json *each = json_first(object); each; each = json_next(each)) {
        bool is_known = false;
        for (size_t i = 0; i < count; i++)
            is_known = is_known || str_equal(json_name(each), str_of(known[i]));
        if (!is_known)
            return fault_field(fault, FAULT_INPUT, "body",
                               "the body holds \"%.*s\", which is none of its members",
                               STR_ARG(str_take(json_name(each), SHOWN_BYTES)));
    }
    return FAULT_NONE;
}

enum fault_code budgets_existed_check(struct store *store, struct str tenant, struct str id,
                                      struct fault *fault)
{
    bool existed = false;
    enum fault_code code = budgets_store_existed(store, tenant, id, &existed, fault);
    if (code == FAULT_NONE && !existed)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such budget");
    return code;
}

void budgets_act_done(const struct budgets_act *act)
{
    budgets_reload(act->service->budgets, act->caller.tenant);
}
