#include "service/budgets/budgets_definition.h"

#include <assert.h>

#include "service/prices/prices_money.h"
#include "service/usage/usage_query.h"

const char *budgets_basis_name(enum budgets_basis basis)
{
    return basis == BUDGETS_COST ? "cost" : "quantity";
}

const char *budgets_mode_name(enum budgets_mode mode)
{
    static const char *const names[] = {"notify", "throttle", "block"};
    return names[mode];
}

const char *budgets_threshold_name(enum budgets_threshold_kind kind)
{
    static const char *const names[] = {"percent", "absolute", "forecast"};
    return names[kind];
}

const char *budgets_period_name(enum zone_unit period)
{
    static const char *const names[] = {"hour", "day", "month", "billing"};
    return names[period];
}

const char *budgets_unit(const struct usage_meter *meter, __int128 *out_per)
{
    bool is_level = meter->kind == USAGE_LEVEL;
    *out_per = is_level ? meter->shown_per : 1;
    return is_level ? meter->shown_unit : meter->unit;
}

bool budgets_has_meter(const struct budgets_definition *definition, const struct usage_meter *meter)
{
    bool has = definition->basis == BUDGETS_COST && definition->meter_count == 0;
    for (size_t i = 0; i < definition->meter_count; i++)
        has = has || definition->meters[i] == meter;
    return has;
}

bool budgets_amount_read(enum budgets_basis basis, struct str text, int64_t *out)
{
    return basis == BUDGETS_COST ? prices_money_read(text, BUDGETS_AMOUNT_MAX, out)
                                 : prices_decimal_read(text, 0, BUDGETS_AMOUNT_MAX, out);
}

void budgets_amount_add(struct buf *out, enum budgets_basis basis, __int128 amount)
{
    if (basis == BUDGETS_COST)
        prices_money_add(out, amount);
    else
        usage_add_whole(out, amount);
}

void budgets_amount_put(struct json_out *out, const char *name, enum budgets_basis basis,
                        __int128 amount)
{
    struct buf text;
    buf_init(&text, 64);
    budgets_amount_add(&text, basis, amount);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}

void budgets_percent_add(struct buf *out, int64_t hundredths)
{
    buf_addf(out, "%lld", (long long)(hundredths / BUDGETS_PERCENT));
    int rest = (int)(hundredths % BUDGETS_PERCENT);
    if (rest % 10 != 0)
        buf_addf(out, ".%02d", rest);
    else if (rest != 0)
        buf_addf(out, ".%d", rest / 10);
}

struct str budgets_name_cut(struct str name, size_t most)
{
    struct str cut = str_take(name, most);
    while (cut.len < name.len && cut.len > 0 && ((unsigned char)name.ptr[cut.len] & 0xc0) == 0x80)
        cut.len--;
    return cut;
}

static void put_percent(struct json_out *out, const char *name, int64_t hundredths)
{
    struct buf text;
    buf_init(&text, 32);
    budgets_percent_add(&text, hundredths);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}

void budgets_threshold_put(struct json_out *out, const char *name, enum budgets_basis basis,
                           const struct budgets_threshold *threshold)
{
    json_open_at(out, name, '{');
    json_put_text(out, "kind", str_of(budgets_threshold_name(threshold->kind)));
    if (threshold->kind == BUDGETS_ABSOLUTE)
        budgets_amount_put(out, "value", basis, threshold->value);
    else
        put_percent(out, "value", threshold->value);
    json_close(out, '}');
}

static void put_throttle(struct json_out *out, const struct budgets_definition *definition)
{
    if (!definition->has_throttle) {
        json_put_null(out, "throttle");
        return;
    }
    json_open_at(out, "throttle", '{');
    put_percent(out, "from_percent", definition->throttle.from_percent);
    budgets_amount_put(out, "rate", definition->basis, definition->throttle.rate);
    budgets_amount_put(out, "burst", definition->basis, definition->throttle.burst);
    json_close(out, '}');
}

void budgets_definition_put(struct json_out *out, const struct budgets_definition *definition)
{
    json_put_text(out, "name", definition->name);
    json_put_text(out, "basis", str_of(budgets_basis_name(definition->basis)));
    json_open_at(out, "meters", '[');
    for (size_t i = 0; i < definition->meter_count; i++)
        json_put_text(out, NULL, str_of(definition->meters[i]->name));
    json_close(out, ']');
    budgets_amount_put(out, "limit", definition->basis, definition->limit);
    if (definition->currency.len > 0) /* cost: that of the prices, once it is known */
        json_put_text(out, "currency", definition->currency);
    else
        json_put_null(out, "currency");
    json_put_text(out, "period", str_of(budgets_period_name(definition->period)));
    json_put_text(out, "mode", str_of(budgets_mode_name(definition->mode)));
    json_put_boolean(out, "shadow", definition->shadow);
    json_open_at(out, "thresholds", '[');
    for (size_t i = 0; i < definition->threshold_count; i++)
        budgets_threshold_put(out, NULL, definition->basis, &definition->thresholds[i]);
    json_close(out, ']');
    put_throttle(out, definition);
    budgets_amount_put(out, "default_estimate", definition->basis, definition->default_estimate);
    json_open_at(out, "recipients", '[');
    for (size_t i = 0; i < definition->recipient_count; i++)
        json_put_text(out, NULL, definition->recipients[i]);
    json_close(out, ']');
    json_put_text(out, "contact", definition->contact);
    json_put_boolean(out, "two_person", definition->two_person);
}
