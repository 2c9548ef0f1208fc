#include "service/budgets/budgets_override.h"

#include <string.h>

#include "libs/text/time.h"
#include "service/notify/notify.h"

enum { TEXT_MAX = 8000 };

static const char *say(const struct budgets_override *override, const char *what)
{
    if (strcmp(what, "asked") == 0)
        return override->state == BUDGETS_WAITING ? "an override waits for a second person"
                                                  : "an override holds";
    if (strcmp(what, "approved") == 0)
        return "an override was approved and holds";
    return strcmp(what, "revoked") == 0 ? "an override was revoked" : "an override has expired";
}

static void add_text(struct buf *out, const struct budgets_row *row,
                     const struct budgets_override *override, const char *what)
{
    const struct budgets_definition *definition = &row->definition;
    __int128 per;
    buf_addf(out, "Budget: %.*s\n%s: ", STR_ARG(definition->name), say(override, what));
    if (override->kind == BUDGETS_AMOUNT) {
        budgets_amount_add(out, definition->basis, override->amount);
        buf_add_byte(out, ' ');
        buf_add(out, definition->basis == BUDGETS_COST
                         ? definition->currency
                         : str_of(budgets_unit(definition->meters[0], &per)));
        buf_add_c(out, " more");
    } else {
        buf_add_c(out, "nothing is refused");
    }
    buf_add_c(out, " until ");
    time_add_rfc3339(out, override->expires_us);
    buf_addf(out, "\nAsked by %.*s: %.*s\n", STR_ARG(override->asked_by),
             STR_ARG(override->reason));
    if (override->approved_us != 0)
        buf_addf(out, "Approved by %.*s: %.*s\n", STR_ARG(override->approved_by),
                 STR_ARG(override->approved_why));
    if (override->ended_us != 0)
        buf_addf(out, "Ended by %.*s: %.*s\n", STR_ARG(override->ended_by),
                 STR_ARG(override->ended_why));
}

static void add_json(struct buf *out, const struct budgets_row *row,
                     const struct budgets_override *override)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "budget", row->id);
    json_put_text(&json, "name", row->definition.name);
    budgets_override_put(&json, "override", row->definition.basis, override);
    json_close(&json, '}');
}

enum fault_code budgets_override_tell(struct store *store, struct str tenant,
                                      const struct budgets_row *row,
                                      const struct budgets_override *override, const char *what,
                                      int64_t now_us, struct fault *fault)
{
    struct buf texts[5]; /* kind, key, subject, text, json */
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i < 5; i++)
        buf_init(&texts[i], TEXT_MAX);
    buf_addf(&texts[0], "budget.override.%s", what);
    buf_addf(&texts[1], "override:%.*s:%s", STR_ARG(override->id), what);
    buf_addf(&texts[2], "Budget \"%.*s\": %s",
             STR_ARG(budgets_name_cut(row->definition.name, BUDGETS_NAME_SHOWN)),
             say(override, what));
    add_text(&texts[3], row, override, what);
    add_json(&texts[4], row, override);
    for (int i = 0; i < 5 && code == FAULT_NONE; i++)
        code = buf_check(&texts[i], "a notice", fault);
    const struct notify_message message = {
        .tenant = tenant,
        .kind = buf_str(&texts[0]),
        .key = buf_str(&texts[1]),
        .recipients = row->definition.recipients,
        .recipient_count = row->definition.recipient_count,
        .subject = buf_str(&texts[2]),
        .text = buf_str(&texts[3]),
        .json = buf_str(&texts[4]),
        .now_us = now_us,
    };
    if (code == FAULT_NONE)
        code = notify_enqueue(store, &message, fault);
    for (int i = 0; i < 5; i++)
        buf_done(&texts[i]);
    return code;
}
