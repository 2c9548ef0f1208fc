#include "integrations/splunk-app/native/usage/usage_report.h"

#include "libs/text/time.h"
#include "libs/wire/members.h"

enum { NAME_MAX = 64, QUANTITY_MAX = 40 };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* --- readers of members -------------------------------------------------------------------- */

static enum fault_code read_moment(const struct wire_place *place, const struct json *value,
                                   void *out)
{
    struct str text;
    int64_t *moment = (int64_t *)((char *)out + place->member->offset);
    if (json_text(value, &text) && time_read_us(text, moment))
        return FAULT_NONE;
    return wire_member_fault(place, FAULT_INPUT, "must be a time as RFC 3339 has it");
}

/* Of any size: it is passed on as text, never counted with. */
static enum fault_code read_quantity(const struct wire_place *place, const struct json *value,
                                     void *out)
{
    struct str text;
    if (json_text(value, &text)) {
        struct str digits = str_starts(text, STR("-")) ? str_skip(text, 1) : text;
        size_t count = 0;
        while (count < digits.len && digits.ptr[count] >= '0' && digits.ptr[count] <= '9')
            count++;
        if (count > 0 && count == digits.len && count <= QUANTITY_MAX) {
            *(struct str *)((char *)out + place->member->offset) = text;
            return FAULT_NONE;
        }
    }
    return wire_member_fault(place, FAULT_INPUT, "must be a whole number as text");
}

static enum fault_code read_object(const struct wire_place *place, const struct json *value,
                                   void *out)
{
    if (!json_is_object(value))
        return wire_member_fault(place, FAULT_INPUT, "must be an object");
    *(const struct json **)((char *)out + place->member->offset) = value;
    return FAULT_NONE;
}

static enum fault_code read_list(const struct wire_place *place, const struct json *value,
                                 void *out)
{
    if (!json_is_array(value))
        return wire_member_fault(place, FAULT_INPUT, "must be a list");
    *(const struct json **)((char *)out + place->member->offset) = value;
    return FAULT_NONE;
}

/* --- GET /v1/usage -------------------------------------------------------------------------- */

#define AT(member) offsetof(struct usage_report, member)
static const struct wire_member report_members[] = {
    {"meter", wire_read_text, AT(meter), 1, NAME_MAX, true},
    {"window", wire_read_text, AT(window), 1, NAME_MAX, true},
    {"zone", wire_read_text, AT(zone), 1, NAME_MAX, true},
    {"complete_up_to", wire_read_text, AT(complete_up_to), 1, NAME_MAX, true},
    {"unit", wire_read_text, AT(unit), 1, NAME_MAX, true},
    {"shown_unit", wire_read_text, AT(shown_unit), 1, NAME_MAX, true},
    {"to", read_moment, AT(to_us), 0, 0, true},
    {"rows", read_list, AT(rows), 0, 0, true},
};
#undef AT

enum fault_code usage_report_read(struct arena *arena, struct str text, struct usage_report *out,
                                  struct fault *fault)
{
    const struct json *top;
    struct usage_report report = {0};
    enum fault_code code = json_read(arena, text, &top, fault);
    if (code == FAULT_NONE)
        code = wire_read_members(top, "report", report_members, COUNT(report_members),
                                 WIRE_SKIP_UNKNOWN, &report, fault);
    if (code != FAULT_NONE)
        return code;
    report.rows = json_first(report.rows);
    *out = report;
    return FAULT_NONE;
}

#define AT(member) offsetof(struct usage_report_row, member)
static const struct wire_member row_members[] = {
    {"from", read_moment, AT(from_us), 0, 0, true},
    {"to", wire_read_text, AT(to), 1, NAME_MAX, true},
    {"quantity", read_quantity, AT(quantity), 0, 0, true},
    {"shown", wire_read_text, AT(shown), 1, NAME_MAX, true},
    {"events", wire_read_whole, AT(events), 0, WIRE_WHOLE_MAX, true},
    {"dimensions", read_object, AT(dimensions), 0, 0, true},
};
#undef AT

enum fault_code usage_report_row(const struct json *row, struct usage_report_row *out,
                                 struct fault *fault)
{
    struct usage_report_row read = {0};
    enum fault_code code = wire_read_members(row, "report.rows", row_members, COUNT(row_members),
                                             WIRE_SKIP_UNKNOWN, &read, fault);
    if (code == FAULT_NONE)
        *out = read;
    return code;
}

struct str usage_report_dimension(const struct usage_report_row *row, const char *name)
{
    struct str value = STR("");
    if (!json_text(json_member(row->dimensions, name), &value) &&
        json_member(row->dimensions, "overflow"))
        return STR("(overflow)");
    return value;
}

/* --- GET /v1/meters ------------------------------------------------------------------------- */

#define AT(member) offsetof(struct usage_report_meter, member)
static const struct wire_member meter_members[] = {
    {"name", wire_read_text, AT(name), 1, NAME_MAX, true},
    {"dimensions", read_list, AT(dimensions), 0, 0, true},
};
#undef AT

struct meters {
    const struct json *list;
};

static const struct wire_member meters_members[] = {
    {"meters", read_list, offsetof(struct meters, list), 0, 0, true},
};

bool usage_report_meter_has(const struct usage_report_meter *meter, struct str dimension)
{
    struct str name;
    for (const struct json *each = json_first(meter->dimensions); each; each = json_next(each))
        if (json_text(each, &name) && str_equal(name, dimension))
            return true;
    return false;
}

enum fault_code usage_report_meters(struct arena *arena, struct str text, size_t most,
                                    struct usage_report_meter *out, size_t *out_count,
                                    struct fault *fault)
{
    const struct json *top;
    struct meters meters = {0};
    size_t count = 0;
    enum fault_code code = json_read(arena, text, &top, fault);
    if (code == FAULT_NONE)
        code = wire_read_members(top, "answer", meters_members, COUNT(meters_members),
                                 WIRE_SKIP_UNKNOWN, &meters, fault);
    if (code != FAULT_NONE)
        return code;
    for (const struct json *each = json_first(meters.list); each; each = json_next(each)) {
        if (count == most)
            return fault_field(fault, FAULT_LIMIT, "meters",
                               "there are more than %zu meters; name one: meter=<name>", most);
        code = wire_read_members(each, "meters", meter_members, COUNT(meter_members),
                                 WIRE_SKIP_UNKNOWN, &out[count++], fault);
        if (code != FAULT_NONE)
            return code;
    }
    *out_count = count;
    return FAULT_NONE;
}
