/* The reader of a budget's JSON: strict, member by member, each with its sentence. */
#include "service/budgets/budgets_definition.h"

#include <string.h>

#include "service/prices/prices_read.h"

enum {
    SHOWN_BYTES = 40,
    PERCENT_PLACES = 2,
    PERCENT_MAX = 1000 * BUDGETS_PERCENT,
    RECIPIENT_BYTES = 64,
};

struct reading {
    struct arena *arena;
    const struct json *object;
    struct budgets_definition *out;
};

/* What GET adds may come back with a PUT; it is passed over. Anything else would be a misspelt
 * member that silently does nothing. */
static enum fault_code check_members(const struct json *object, struct fault *fault)
{
    static const char *const known[] = {
        "name",       "basis",      "meters",     "limit",    "currency",         "period",
        "mode",       "shadow",     "thresholds", "throttle", "default_estimate", "recipients",
        "contact",    "two_person", "version",    "id",       "created_at",       "created_by",
        "updated_at", "updated_by", "state",      "unit"};
    if (!json_is_object(object))
        return fault_field(fault, FAULT_INPUT, "body", "a budget must be a JSON object");
    for (const struct json *each = json_first(object); each; each = json_next(each)) {
        struct str name = json_name(each);
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known = is_known || str_equal(name, str_of(known[i]));
        if (!is_known)
            return fault_field(fault, FAULT_INPUT, "body",
                               "the budget holds \"%.*s\", which is none of its members",
                               STR_ARG(str_take(name, SHOWN_BYTES)));
    }
    return FAULT_NONE;
}

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a budget");
}

/* One line for people: no control characters, no blanks around it, counted in characters. */
static enum fault_code read_line(const struct reading *reading, const char *field, size_t most,
                                 struct str *out, struct fault *fault)
{
    struct str text = STR("");
    size_t characters = 0;
    bool is_good = json_text(json_member(reading->object, field), &text);
    text = str_trim(text);
    for (size_t i = 0; is_good && i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        is_good = byte >= ' ' && byte != 0x7f;
        characters += (byte & 0xc0) != 0x80;
    }
    if (!is_good || characters == 0 || characters > most)
        return fault_field(fault, FAULT_INPUT, field,
                           "%s must be a text of 1 to %zu characters on one line", field, most);
    *out = arena_copy(reading->arena, text);
    return out->ptr ? FAULT_NONE : no_memory(fault);
}

/* Which of the names the member holds; `otherwise` when it is not there, unless that is below 0. */
static enum fault_code read_choice(const struct reading *reading, const char *field,
                                   const char *const *names, int count, int otherwise, int *out,
                                   struct fault *fault)
{
    const struct json *member = json_member(reading->object, field);
    struct str text = STR("");
    if (!member && otherwise >= 0) {
        *out = otherwise;
        return FAULT_NONE;
    }
    bool is_text = json_text(member, &text);
    for (int i = 0; i < count && is_text; i++)
        if (str_equal(text, str_of(names[i]))) {
            *out = i;
            return FAULT_NONE;
        }
    return fault_field(fault, FAULT_INPUT, field, "%s must be \"%s\"%s%s%s or \"%s\"", field,
                       names[0], count > 2 ? ", \"" : "", count > 2 ? names[1] : "",
                       count > 2 ? "\"" : "", names[count - 1]);
}

static enum fault_code read_flag(const struct reading *reading, const char *field, bool *out,
                                 struct fault *fault)
{
    const struct json *member = json_member(reading->object, field);
    *out = false;
    if (member && !json_boolean(member, out))
        return fault_field(fault, FAULT_INPUT, field, "%s must be true or false", field);
    return FAULT_NONE;
}

/* From 1 (of cost: the smallest there is) to BUDGETS_AMOUNT_MAX. */
static enum fault_code read_amount(const struct reading *reading, const struct json *member,
                                   const char *field, int64_t *out, struct fault *fault)
{
    bool is_cost = reading->out->basis == BUDGETS_COST;
    struct str text = STR("");
    if (json_text(member, &text) && budgets_amount_read(reading->out->basis, text, out) && *out > 0)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, field,
                       is_cost ? "%s must be an amount as text, from \"0.000001\" to "
                                 "\"1000000000000\", with at most six digits behind the point"
                               : "%s must be a whole number as text, from \"1\" to "
                                 "\"1000000000000000000\", in the unit of the budget's meters",
                       field);
}

static enum fault_code read_percent(const struct json *member, const char *field, int64_t least,
                                    int64_t most, int64_t *out, struct fault *fault)
{
    struct str text = STR("");
    if (json_text(member, &text) && prices_decimal_read(text, PERCENT_PLACES, most, out) &&
        *out >= least)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, field,
                       "%s must be a percentage as text, from \"%s\" to \"%lld\", with at most two "
                       "digits behind the point",
                       field, least == 0 ? "0" : "0.01", (long long)(most / BUDGETS_PERCENT));
}

/* --- meters --------------------------------------------------------------------------------- */

static enum fault_code add_meter(const struct reading *reading, const struct json *member,
                                 struct fault *fault)
{
    struct budgets_definition *out = reading->out;
    struct str name = STR("");
    __int128 per;
    if (!json_text(member, &name))
        return fault_field(fault, FAULT_INPUT, "meters", "meters must hold names, as texts");
    const struct usage_meter *meter = usage_meter_find(name);
    if (!meter)
        return usage_meter_unknown(name, "meters", fault);
    for (size_t i = 0; i < out->meter_count; i++)
        if (out->meters[i] == meter)
            return fault_field(fault, FAULT_INPUT, "meters", "meters holds \"%s\" twice",
                               meter->name);
    if (out->meter_count == BUDGETS_METERS_MAX)
        return fault_field(fault, FAULT_INPUT, "meters", "meters may hold %d names, not more",
                           BUDGETS_METERS_MAX);
    if (out->basis == BUDGETS_QUANTITY && out->meter_count > 0) {
        const char *unit = budgets_unit(meter, &per);
        const char *first = budgets_unit(out->meters[0], &per);
        if (strcmp(unit, first) != 0)
            return fault_field(fault, FAULT_INPUT, "meters",
                               "meters holds %s, counted in %s, and %s, counted in %s: they do not "
                               "add up; make a budget for each, or one of cost",
                               out->meters[0]->name, first, meter->name, unit);
    }
    out->meters[out->meter_count++] = meter;
    return FAULT_NONE;
}

static enum fault_code read_meters(const struct reading *reading, struct fault *fault)
{
    const struct json *meters = json_member(reading->object, "meters");
    enum fault_code code = FAULT_NONE;
    reading->out->meter_count = 0;
    if (meters && !json_is_array(meters))
        return fault_field(fault, FAULT_INPUT, "meters",
                           "meters must be an array of the names of meters");
    for (const struct json *each = json_first(meters); each && code == FAULT_NONE;
         each = json_next(each))
        code = add_meter(reading, each, fault);
    if (code == FAULT_NONE && reading->out->basis == BUDGETS_QUANTITY &&
        reading->out->meter_count == 0)
        code = fault_field(fault, FAULT_INPUT, "meters",
                           "meters is empty: a budget of quantity names at least one; GET "
                           "/v1/meters lists them");
    return code;
}

/* --- thresholds ----------------------------------------------------------------------------- */

static enum fault_code add_threshold(const struct reading *reading, const struct json *member,
                                     struct fault *fault)
{
    static const char *const kinds[] = {"percent", "absolute", "forecast"};
    struct budgets_definition *out = reading->out;
    const struct reading within = {reading->arena, member, out};
    struct budgets_threshold threshold;
    int kind = 0;
    if (!json_is_object(member))
        return fault_field(fault, FAULT_INPUT, "thresholds",
                           "thresholds must hold objects with kind and value");
    for (const struct json *each = json_first(member); each; each = json_next(each))
        if (!str_equal(json_name(each), STR("kind")) && !str_equal(json_name(each), STR("value")))
            return fault_field(fault, FAULT_INPUT, "thresholds",
                               "a threshold holds \"%.*s\"; it has kind and value",
                               STR_ARG(str_take(json_name(each), SHOWN_BYTES)));
    enum fault_code code = read_choice(&within, "kind", kinds, 3, -1, &kind, fault);
    threshold.kind = (enum budgets_threshold_kind)kind;
    const struct json *value = json_member(member, "value");
    if (code == FAULT_NONE)
        code = kind == BUDGETS_ABSOLUTE
                   ? read_amount(reading, value, "value", &threshold.value, fault)
                   : read_percent(value, "value", 1, PERCENT_MAX, &threshold.value, fault);
    if (code != FAULT_NONE) {
        fault_prefix(fault, "thresholds: ");
        return code;
    }
    for (size_t i = 0; i < out->threshold_count; i++)
        if (out->thresholds[i].kind == threshold.kind &&
            out->thresholds[i].value >= threshold.value)
            return fault_field(fault, FAULT_INPUT, "thresholds",
                               "thresholds of the kind \"%s\" are out of order or twice the same; "
                               "write the smaller before the larger",
                               kinds[kind]);
    if (out->threshold_count == BUDGETS_THRESHOLDS_MAX)
        return fault_field(fault, FAULT_INPUT, "thresholds",
                           "thresholds may hold %d of them, not more", BUDGETS_THRESHOLDS_MAX);
    out->thresholds[out->threshold_count++] = threshold;
    return FAULT_NONE;
}

static enum fault_code read_thresholds(const struct reading *reading, struct fault *fault)
{
    const struct json *thresholds = json_member(reading->object, "thresholds");
    enum fault_code code = FAULT_NONE;
    reading->out->threshold_count = 0;
    if (thresholds && !json_is_array(thresholds))
        return fault_field(fault, FAULT_INPUT, "thresholds",
                           "thresholds must be an array; empty is none");
    for (const struct json *each = json_first(thresholds); each && code == FAULT_NONE;
         each = json_next(each))
        code = add_threshold(reading, each, fault);
    return code;
}

/* --- the ladder ----------------------------------------------------------------------------- */

static enum fault_code read_throttle(const struct reading *reading, struct fault *fault)
{
    struct budgets_definition *out = reading->out;
    struct budgets_throttle *throttle = &out->throttle;
    const struct json *member = json_member(reading->object, "throttle");
    out->has_throttle = member && !json_is_null(member);
    if (out->mode != BUDGETS_THROTTLE)
        return !out->has_throttle
                   ? FAULT_NONE
                   : fault_field(
                         fault, FAULT_INPUT, "throttle",
                         "throttle belongs to the mode \"throttle\"; leave it out, or null");
    if (!json_is_object(member))
        return fault_field(fault, FAULT_INPUT, "throttle",
                           "the mode \"throttle\" needs throttle: an object with from_percent, "
                           "rate and burst");
    for (const struct json *each = json_first(member); each; each = json_next(each))
        if (!str_equal(json_name(each), STR("from_percent")) &&
            !str_equal(json_name(each), STR("rate")) && !str_equal(json_name(each), STR("burst")))
            return fault_field(fault, FAULT_INPUT, "throttle",
                               "throttle holds \"%.*s\"; it has from_percent, rate and burst",
                               STR_ARG(str_take(json_name(each), SHOWN_BYTES)));
    enum fault_code code =
        read_percent(json_member(member, "from_percent"), "throttle.from_percent", 0,
                     PERCENT_MAX / 10, &throttle->from_percent, fault);
    if (code == FAULT_NONE)
        code = read_amount(reading, json_member(member, "rate"), "throttle.rate", &throttle->rate,
                           fault);
    if (code == FAULT_NONE)
        code = read_amount(reading, json_member(member, "burst"), "throttle.burst",
                           &throttle->burst, fault);
    return code;
}

static enum fault_code read_estimate(const struct reading *reading, struct fault *fault)
{
    const struct json *member = json_member(reading->object, "default_estimate");
    struct budgets_definition *out = reading->out;
    out->default_estimate = 1; /* the least there is */
    if (!member)
        return FAULT_NONE;
    enum fault_code code =
        read_amount(reading, member, "default_estimate", &out->default_estimate, fault);
    if (code == FAULT_NONE && out->default_estimate > out->limit)
        code = fault_field(fault, FAULT_INPUT, "default_estimate",
                           "default_estimate is over the limit: who cannot say how much is coming "
                           "would always be refused");
    return code;
}

/* --- the rest ------------------------------------------------------------------------------- */

static enum fault_code add_recipient(const struct reading *reading, const struct json *member,
                                     struct fault *fault)
{
    struct budgets_definition *out = reading->out;
    struct str id = STR("");
    if (!json_text(member, &id) || !str_starts(id, STR("rcp_")) || id.len > RECIPIENT_BYTES)
        return fault_field(fault, FAULT_INPUT, "recipients",
                           "recipients must hold ids of recipients (\"rcp_...\"); GET "
                           "/v1/recipients lists them");
    for (size_t i = 0; i < out->recipient_count; i++)
        if (str_equal(out->recipients[i], id))
            return fault_field(fault, FAULT_INPUT, "recipients", "recipients holds \"%.*s\" twice",
                               STR_ARG(id));
    if (out->recipient_count == BUDGETS_RECIPIENTS_MAX)
        return fault_field(fault, FAULT_INPUT, "recipients", "recipients may hold %d ids, not more",
                           BUDGETS_RECIPIENTS_MAX);
    struct str kept = arena_copy(reading->arena, id);
    if (!kept.ptr)
        return no_memory(fault);
    out->recipients[out->recipient_count++] = kept;
    return FAULT_NONE;
}

static enum fault_code read_recipients(const struct reading *reading, struct fault *fault)
{
    const struct json *recipients = json_member(reading->object, "recipients");
    enum fault_code code = FAULT_NONE;
    reading->out->recipient_count = 0;
    if (recipients && !json_is_array(recipients))
        return fault_field(fault, FAULT_INPUT, "recipients",
                           "recipients must be an array of ids; empty is none");
    for (const struct json *each = json_first(recipients); each && code == FAULT_NONE;
         each = json_next(each))
        code = add_recipient(reading, each, fault);
    return code;
}

static enum fault_code read_currency(const struct reading *reading, struct fault *fault)
{
    const struct json *member = json_member(reading->object, "currency");
    struct str text = STR("");
    reading->out->currency = STR("");
    if (!member || json_is_null(member))
        return FAULT_NONE; /* that of the price table */
    if (!json_text(member, &text) || !prices_currency_is_good(text))
        return fault_field(fault, FAULT_INPUT, "currency",
                           "currency must be three capitals as ISO 4217 has them, like \"EUR\"");
    if (reading->out->basis == BUDGETS_QUANTITY)
        return fault_field(fault, FAULT_INPUT, "currency",
                           "currency belongs to budgets of cost; leave it out, or null");
    reading->out->currency = arena_copy(reading->arena, text);
    return reading->out->currency.ptr ? FAULT_NONE : no_memory(fault);
}

static enum fault_code read_version(const struct json *object, int64_t *out, struct fault *fault)
{
    const struct json *member = json_member(object, "version");
    if (!out)
        return FAULT_NONE;
    *out = 0;
    if (member && (!json_whole(member, out) || *out < 1))
        return fault_field(fault, FAULT_INPUT, "version",
                           "version must be the number that GET gave, from 1");
    return FAULT_NONE;
}

static enum fault_code read_choices(const struct reading *reading, struct fault *fault)
{
    static const char *const bases[] = {"quantity", "cost"};
    static const char *const periods[] = {"day", "month", "billing"};
    static const char *const modes[] = {"notify", "throttle", "block"};
    int basis = 0;
    int period = 0;
    int mode = 0;
    enum fault_code code = read_choice(reading, "basis", bases, 2, -1, &basis, fault);
    if (code == FAULT_NONE)
        code = read_choice(reading, "period", periods, 3, -1, &period, fault);
    if (code == FAULT_NONE)
        code = read_choice(reading, "mode", modes, 3, -1, &mode, fault);
    reading->out->basis = (enum budgets_basis)basis;
    reading->out->period = (enum zone_unit)(ZONE_DAY + period);
    reading->out->mode = (enum budgets_mode)mode;
    return code;
}

enum fault_code budgets_definition_read(struct arena *arena, const struct json *value,
                                        struct budgets_definition *out, int64_t *out_version,
                                        struct fault *fault)
{
    struct budgets_definition read = {0};
    int64_t version = 0;
    const struct reading reading = {arena, value, &read};
    enum fault_code code = check_members(value, fault);
    if (code == FAULT_NONE)
        code = read_line(&reading, "name", BUDGETS_NAME_MAX, &read.name, fault);
    if (code == FAULT_NONE)
        code = read_choices(&reading, fault);
    if (code == FAULT_NONE)
        code = read_meters(&reading, fault);
    if (code == FAULT_NONE)
        code = read_amount(&reading, json_member(value, "limit"), "limit", &read.limit, fault);
    if (code == FAULT_NONE)
        code = read_currency(&reading, fault);
    if (code == FAULT_NONE)
        code = read_flag(&reading, "shadow", &read.shadow, fault);
    if (code == FAULT_NONE)
        code = read_thresholds(&reading, fault);
    if (code == FAULT_NONE)
        code = read_throttle(&reading, fault);
    if (code == FAULT_NONE)
        code = read_estimate(&reading, fault);
    if (code == FAULT_NONE)
        code = read_recipients(&reading, fault);
    if (code == FAULT_NONE)
        code = read_line(&reading, "contact", BUDGETS_CONTACT_MAX, &read.contact, fault);
    if (code == FAULT_NONE)
        code = read_flag(&reading, "two_person", &read.two_person, fault);
    if (code == FAULT_NONE)
        code = read_version(value, &version, fault);
    if (code != FAULT_NONE)
        return code;
    *out = read;
    if (out_version)
        *out_version = version;
    return FAULT_NONE;
}
