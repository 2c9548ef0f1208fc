#include "service/prices/prices_read.h"

#include <string.h>

#include "libs/text/json_expect.h"
#include "libs/text/time.h"

bool prices_currency_is_good(struct str text)
{
    bool is_good = text.len == PRICES_CURRENCY_LEN;
    for (size_t i = 0; is_good && i < text.len; i++)
        is_good = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z';
    return is_good;
}

static enum fault_code read_unit(struct arena *arena, const struct json *member,
                                 const struct usage_meter *meter, struct str *out,
                                 struct fault *fault)
{
    bool is_level = meter->kind == USAGE_LEVEL;
    const char *other = is_level ? "GB-months (730 hours)" : meter->shown_unit;
    bool has_other = is_level || strcmp(meter->unit, meter->shown_unit) != 0;
    struct str unit = str_of(is_level ? meter->shown_unit : meter->unit);
    if (member && (!json_text(member, &unit) || prices_unit(meter, unit) == 0))
        return fault_field(fault, FAULT_INPUT, "unit",
                           "the price of %s has a unit that the meter is not counted in; it is "
                           "counted in %s%s%s",
                           meter->name, is_level ? meter->shown_unit : meter->unit,
                           has_other ? " or " : "", has_other ? other : "");
    *out = arena_copy(arena, unit);
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for prices");
}

static enum fault_code read_amounts(const struct json *member, struct prices_price *price,
                                    struct fault *fault)
{
    struct str text = STR("");
    const struct json *per = json_member(member, "per");
    price->per = 1;
    if (per && (!json_text(per, &text) ||
                !prices_decimal_read(text, 0, PRICES_PER_MAX, &price->per) || price->per < 1))
        return fault_field(fault, FAULT_INPUT, "per",
                           "per of %s must be a whole number as text, from \"1\" to "
                           "\"1000000000000\"",
                           price->meter->name);
    if (!json_text(json_member(member, "price"), &text) ||
        !prices_money_read(text, PRICES_PRICE_MAX, &price->price))
        return fault_field(fault, FAULT_INPUT, "price",
                           "price of %s must be an amount as text, from \"0\" to \"1000000000\", "
                           "with at most six digits behind the point",
                           price->meter->name);
    return FAULT_NONE;
}

static enum fault_code read_price(struct arena *arena, const struct json *member,
                                  struct prices_given *given, struct fault *fault)
{
    static const char *const known[] = {"meter", "unit", "per", "price"};
    struct prices_price price;
    struct str name = STR("");
    enum fault_code code = json_expect_members(member, "prices", "a price", known,
                                               sizeof known / sizeof known[0], fault);
    if (code != FAULT_NONE)
        return code;
    bool is_text = json_text(json_member(member, "meter"), &name);
    price.meter = is_text ? usage_meter_find(name) : NULL;
    if (!price.meter)
        return usage_meter_unknown(name, "meter", fault);
    for (size_t i = 0; i < given->count; i++)
        if (given->prices[i].meter == price.meter)
            return fault_field(fault, FAULT_INPUT, "prices", "prices holds %s twice",
                               price.meter->name);
    code = read_unit(arena, json_member(member, "unit"), price.meter, &price.unit, fault);
    if (code == FAULT_NONE)
        code = read_amounts(member, &price, fault);
    if (code == FAULT_NONE)
        given->prices[given->count++] = price; /* each meter once: there is room */
    return code;
}

static enum fault_code read_from(const struct json *member, struct prices_given *given,
                                 struct fault *fault)
{
    struct str text = STR("");
    given->has_from = member && !json_is_null(member);
    if (!given->has_from)
        return FAULT_NONE;
    if (!json_text(member, &text) || text.len < 10 || text.ptr[4] != '-' ||
        !time_read_us(text, &given->valid_from_us))
        return fault_field(fault, FAULT_INPUT, "valid_from",
                           "valid_from must be a time as RFC 3339 has it: 2026-12-01T00:00:00Z");
    return FAULT_NONE;
}

enum fault_code prices_read(struct arena *arena, const struct json *value, struct prices_given *out,
                            struct fault *fault)
{
    static const char *const known[] = {"currency", "valid_from", "prices"};
    struct prices_given given = {0};
    const struct json *prices = json_member(value, "prices");
    struct str currency = STR("");
    enum fault_code code = json_expect_members(value, "body", "the body", known,
                                               sizeof known / sizeof known[0], fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(value, "currency"), &currency) || !prices_currency_is_good(currency))
        return fault_field(fault, FAULT_INPUT, "currency",
                           "currency must be three capitals as ISO 4217 has them, like \"EUR\"");
    given.currency = arena_copy(arena, currency);
    if (!given.currency.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for prices");
    code = read_from(json_member(value, "valid_from"), &given, fault);
    if (code == FAULT_NONE && !json_is_array(prices))
        code = fault_field(fault, FAULT_INPUT, "prices", "prices must be an array of prices");
    for (const struct json *each = json_first(prices); each && code == FAULT_NONE;
         each = json_next(each))
        code = read_price(arena, each, &given, fault);
    if (code == FAULT_NONE && given.count == 0)
        code = fault_field(fault, FAULT_INPUT, "prices",
                           "prices is empty; a version names at least one price");
    if (code == FAULT_NONE)
        *out = given;
    return code;
}
