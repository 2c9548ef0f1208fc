#include "service/budgets/budgets_override.h"

#include "libs/text/time.h"

#define DAY_US INT64_C(86400000000)

static enum fault_code read_kind(const struct json *body, struct budgets_override_given *given,
                                 struct fault *fault)
{
    const struct json *amount = json_member(body, "amount");
    struct str kind = STR("");
    bool is_text = json_text(json_member(body, "kind"), &kind);
    given->amount = STR("");
    if (is_text && str_equal(kind, STR("bypass"))) {
        given->kind = BUDGETS_BYPASS;
        return !amount || json_is_null(amount)
                   ? FAULT_NONE
                   : fault_field(fault, FAULT_INPUT, "amount",
                                 "amount belongs to the kind \"amount\"; a bypass has none");
    }
    if (!is_text || !str_equal(kind, STR("amount")))
        return fault_field(fault, FAULT_INPUT, "kind",
                           "kind must be \"amount\" (so much more) or \"bypass\" (nothing is "
                           "refused)");
    given->kind = BUDGETS_AMOUNT;
    if (!json_text(amount, &given->amount))
        return fault_field(fault, FAULT_INPUT, "amount",
                           "amount must say, as text, how much is added to the limit");
    return FAULT_NONE;
}

enum fault_code budgets_override_read(const struct json *body, int64_t now_us,
                                      struct budgets_override_given *out, struct fault *fault)
{
    static const char *const known[] = {"kind", "amount", "reason", "expires_at"};
    struct budgets_override_given given = {0};
    struct str expires = STR("");
    enum fault_code code =
        budgets_members_check(body, known, sizeof known / sizeof known[0], fault);
    if (code == FAULT_NONE)
        code = read_kind(body, &given, fault);
    if (code == FAULT_NONE)
        code = budgets_reason_read(body, &given.reason, fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(body, "expires_at"), &expires) || expires.len < 10 ||
        expires.ptr[4] != '-' || !time_read_us(expires, &given.expires_us))
        return fault_field(fault, FAULT_INPUT, "expires_at",
                           "expires_at must be a time as RFC 3339 has it: 2026-12-01T00:00:00Z");
    if (given.expires_us <= now_us)
        return fault_field(fault, FAULT_INPUT, "expires_at",
                           "expires_at is past: the override would never hold");
    if (given.expires_us > now_us + BUDGETS_OVERRIDE_MAX_DAYS * DAY_US)
        return fault_field(fault, FAULT_INPUT, "expires_at",
                           "expires_at is more than %d days ahead; for longer, change the limit",
                           BUDGETS_OVERRIDE_MAX_DAYS);
    *out = given;
    return FAULT_NONE;
}

/* --- the end -------------------------------------------------------------------------------- */

static enum fault_code record(struct audit *audit, struct store *store, struct str tenant,
                              const struct budgets_override *override, struct fault *fault)
{
    char room[128];
    struct buf reason = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    struct buf checkpoint;
    int64_t index;
    buf_addf(&reason, "%.*s: %.*s", STR_ARG(override->budget), STR_ARG(override->id));
    const struct audit_record entry = {
        .action = "budget.override.expired",
        .result = "success",
        .tenant = tenant,
        .subject = STR("intelgraphd"),
        .reason = buf_str(&reason),
    };
    buf_init(&checkpoint, AUDIT_CHECKPOINT_MAX);
    enum fault_code code = audit_append(audit, store, &entry, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

/* Of a budget that is gone nobody is told any more. */
static enum fault_code tell_expired(struct store *store, struct str tenant,
                                    const struct budgets_override *override, int64_t now_us,
                                    struct arena *arena, struct fault *fault)
{
    struct budgets_row row;
    struct fault gone;
    enum fault_code code =
        budgets_store_find(store, tenant, override->budget, now_us, arena, &row, &gone);
    if (code == FAULT_NOT_FOUND)
        return FAULT_NONE;
    if (code != FAULT_NONE) {
        *fault = gone;
        return code;
    }
    return budgets_override_tell(store, tenant, &row, override, "expired", now_us, fault);
}

static enum fault_code expire(struct store *store, struct audit *audit, struct str tenant,
                              const struct budgets_override *override, int64_t now_us,
                              struct arena *arena, struct fault *fault)
{
    struct budgets_override ended = *override;
    bool was_waiting = override->state == BUDGETS_WAITING;

    const struct budgets_entry entry = {
        .budget = override->budget,
        .at_us = now_us,
        .kind = STR("override.expired"),
        .by = STR("intelgraphd"),
        .detail = was_waiting ? STR("nobody approved it in time") : override->reason,
    };
    ended.state = BUDGETS_EXPIRED;
    ended.ended_us = now_us;
    ended.ended_by = STR("intelgraphd");
    ended.ended_why = STR("its time is over");
    enum fault_code code = budgets_store_override_note(store, tenant, &ended, fault);
    if (code != FAULT_NONE || store_changes(store) == 0) /* another process has noted it */
        return code;
    code = budgets_store_history_put(store, tenant, &entry, fault);
    if (code == FAULT_NONE)
        code = tell_expired(store, tenant, &ended, now_us, arena, fault);
    return code == FAULT_NONE ? record(audit, store, tenant, override, fault) : code;
}

enum fault_code budgets_override_expire(struct store *store, struct audit *audit, struct str tenant,
                                        int64_t now_us, struct arena *arena, size_t *out_count,
                                        struct fault *fault)
{
    struct store_list list = {0};
    enum fault_code code = budgets_store_override_due(store, tenant, now_us, arena, &list, fault);
    const struct budgets_override *due = list.rows;
    for (size_t i = 0; i < list.count && code == FAULT_NONE; i++)
        code = expire(store, audit, tenant, &due[i], now_us, arena, fault);
    if (code == FAULT_NONE && list.count > 0)
        code = prices_generation_raise(store, tenant, fault);
    if (code == FAULT_NONE)
        *out_count = list.count;
    return code;
}
