#include "service/budgets/budgets_admin_change.h"

#include <string.h>

static void add_amount(struct buf *out, const struct budgets_definition *definition, int64_t amount)
{
    __int128 per;
    budgets_amount_add(out, definition->basis, amount);
    buf_add_byte(out, ' ');
    if (definition->basis == BUDGETS_COST)
        buf_add(out, definition->currency);
    else
        buf_add_c(out, budgets_unit(definition->meters[0], &per));
}

void budgets_change_tell_new(struct buf *out, const struct budgets_definition *definition)
{
    buf_addf(out, "%.*s: %s%s at ", STR_ARG(definition->name), definition->shadow ? "shadow " : "",
             budgets_mode_name(definition->mode));
    add_amount(out, definition, definition->limit);
    buf_addf(out, ", period %s", budgets_period_name(definition->period));
}

static void add_name(struct buf *out, const char *name)
{
    if (out->len > 0)
        buf_add_c(out, ", ");
    buf_add_c(out, name);
}

static void tell_text(struct buf *out, const char *name, struct str before, struct str after)
{
    if (str_equal(before, after))
        return;
    add_name(out, name);
    buf_addf(out, " \"%.*s\" -> \"%.*s\"", STR_ARG(before), STR_ARG(after));
}

static void tell_word(struct buf *out, const char *name, const char *before, const char *after)
{
    if (strcmp(before, after) == 0)
        return;
    add_name(out, name);
    buf_addf(out, " %s -> %s", before, after);
}

static void tell_flag(struct buf *out, const char *name, bool before, bool after)
{
    tell_word(out, name, before ? "on" : "off", after ? "on" : "off");
}

static void tell_amount(struct buf *out, const char *name, const struct budgets_definition *before,
                        int64_t from, const struct budgets_definition *after, int64_t to)
{
    if (from == to && before->basis == after->basis)
        return;
    add_name(out, name);
    buf_add_byte(out, ' ');
    add_amount(out, before, from);
    buf_add_c(out, " -> ");
    add_amount(out, after, to);
}

static bool same_meters(const struct budgets_definition *a, const struct budgets_definition *b)
{
    bool is_same = a->meter_count == b->meter_count;
    for (size_t i = 0; is_same && i < a->meter_count; i++)
        is_same = a->meters[i] == b->meters[i];
    return is_same;
}

static bool same_thresholds(const struct budgets_definition *a, const struct budgets_definition *b)
{
    bool is_same = a->threshold_count == b->threshold_count;
    for (size_t i = 0; is_same && i < a->threshold_count; i++)
        is_same = a->thresholds[i].kind == b->thresholds[i].kind &&
                  a->thresholds[i].value == b->thresholds[i].value;
    return is_same;
}

static bool same_throttle(const struct budgets_definition *a, const struct budgets_definition *b)
{
    return a->has_throttle == b->has_throttle &&
           (!a->has_throttle ||
            (a->throttle.from_percent == b->throttle.from_percent &&
             a->throttle.rate == b->throttle.rate && a->throttle.burst == b->throttle.burst));
}

static bool same_recipients(const struct budgets_definition *a, const struct budgets_definition *b)
{
    bool is_same = a->recipient_count == b->recipient_count;
    for (size_t i = 0; is_same && i < a->recipient_count; i++)
        is_same = str_equal(a->recipients[i], b->recipients[i]);
    return is_same;
}

void budgets_change_tell(struct buf *out, const struct budgets_definition *before,
                         const struct budgets_definition *after)
{
    tell_text(out, "name", before->name, after->name);
    tell_word(out, "basis", budgets_basis_name(before->basis), budgets_basis_name(after->basis));
    if (!same_meters(before, after))
        add_name(out, "meters");
    tell_amount(out, "limit", before, before->limit, after, after->limit);
    tell_word(out, "period", budgets_period_name(before->period),
              budgets_period_name(after->period));
    tell_word(out, "mode", budgets_mode_name(before->mode), budgets_mode_name(after->mode));
    tell_flag(out, "shadow", before->shadow, after->shadow);
    if (!same_thresholds(before, after))
        add_name(out, "thresholds");
    if (!same_throttle(before, after))
        add_name(out, "throttle");
    tell_amount(out, "default_estimate", before, before->default_estimate, after,
                after->default_estimate);
    if (!same_recipients(before, after))
        add_name(out, "recipients");
    tell_text(out, "contact", before->contact, after->contact);
    tell_flag(out, "two_person", before->two_person, after->two_person);
}
