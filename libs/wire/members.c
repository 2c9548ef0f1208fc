#include "libs/wire/members.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/wire/handoff.h"

enum { SHOWN_MAX = 48 }; /* bytes of a foreign text that a sentence repeats */

enum fault_code wire_member_fault(const struct wire_place *place, enum fault_code code,
                                  const char *format, ...)
{
    char field[FAULT_FIELD_MAX];
    char text[FAULT_TEXT_MAX];
    const char *dot = place->where[0] && place->member ? "." : "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(field, sizeof field, "%s%s%s", place->where, dot,
             place->member ? place->member->name : "");
    return fault_field(place->fault, code, field, "%s%s%s", field, field[0] ? " " : "", text);
}

/* A guess is worth telling when at most a third of the name differs. */
static const char *nearest(struct str given, wire_name_at *name_at, const void *names)
{
    const char *best = NULL;
    size_t least = given.len / 3 + 2;
    for (size_t i = 0; name_at(names, i); i++) {
        size_t distance = str_distance(given, str_of(name_at(names, i)));
        if (distance < least) {
            least = distance;
            best = name_at(names, i);
        }
    }
    return best;
}

enum fault_code wire_unknown_fault(const struct wire_place *place, const char *what,
                                   struct str given, wire_name_at *name_at, const void *names)
{
    struct str shown = str_take(given, SHOWN_MAX);
    const char *guess = nearest(given, name_at, names);
    if (guess)
        return wire_member_fault(place, FAULT_INPUT,
                                 "holds the unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                                 STR_ARG(shown), guess);
    char known[FAULT_TEXT_MAX] = "";
    for (size_t i = 0; name_at(names, i); i++) {
        size_t len = strlen(known);
        snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", name_at(names, i));
    }
    return wire_member_fault(place, FAULT_INPUT, "holds the unknown %s \"%.*s\"; known are %s",
                             what, STR_ARG(shown), known);
}

enum fault_code wire_read_text(const struct wire_place *place, const struct json *value, void *out)
{
    const struct wire_member *member = place->member;
    struct str text;
    if (!json_text(value, &text))
        return wire_member_fault(place, FAULT_INPUT, "must be a text");
    if (text.len < (size_t)member->least)
        return wire_member_fault(place, FAULT_INPUT, "must not be empty");
    if (text.len > (size_t)member->most)
        return wire_member_fault(place, FAULT_LIMIT,
                                 "has %zu bytes, more than the limit of %" PRId64, text.len,
                                 member->most);
    memcpy((char *)out + member->offset, &text, sizeof text);
    return FAULT_NONE;
}

static bool is_lower_hex(struct str text, size_t len)
{
    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

bool wire_is_id(struct str text)
{
    return is_lower_hex(text, WIRE_ID_HEX);
}

static enum fault_code read_hex(const struct wire_place *place, const struct json *value,
                                size_t len, void *out)
{
    struct str text;
    if (!json_text(value, &text) || !is_lower_hex(text, len))
        return wire_member_fault(place, FAULT_INPUT, "must be %zu lower-case hexadecimal digits",
                                 len);
    memcpy((char *)out + place->member->offset, &text, sizeof text);
    return FAULT_NONE;
}

enum fault_code wire_read_digest(const struct wire_place *place, const struct json *value,
                                 void *out)
{
    return read_hex(place, value, SHA256_HEX, out);
}

enum fault_code wire_read_id(const struct wire_place *place, const struct json *value, void *out)
{
    return read_hex(place, value, WIRE_ID_HEX, out);
}

enum fault_code wire_read_whole(const struct wire_place *place, const struct json *value, void *out)
{
    const struct wire_member *member = place->member;
    int64_t number;
    if (!json_whole(value, &number) || number < member->least || number > member->most)
        return wire_member_fault(place, FAULT_INPUT,
                                 "must be a whole number from %" PRId64 " to %" PRId64,
                                 member->least, member->most);
    memcpy((char *)out + member->offset, &number, sizeof number);
    return FAULT_NONE;
}

enum fault_code wire_read_boolean(const struct wire_place *place, const struct json *value,
                                  void *out)
{
    bool yes;
    if (!json_boolean(value, &yes))
        return wire_member_fault(place, FAULT_INPUT, "must be true or false");
    memcpy((char *)out + place->member->offset, &yes, sizeof yes);
    return FAULT_NONE;
}

struct member_table {
    const struct wire_member *members;
    size_t count;
};

static const char *member_name_at(const void *names, size_t i)
{
    const struct member_table *table = names;
    return i < table->count ? table->members[i].name : NULL;
}

static size_t find_member(const struct member_table *table, struct str name)
{
    size_t i = 0;
    while (i < table->count && !str_equal(name, str_of(table->members[i].name)))
        i++;
    return i;
}

enum fault_code wire_read_members(const struct json *object, const char *where,
                                  const struct wire_member *members, size_t count,
                                  enum wire_unknown unknown, void *out, struct fault *fault)
{
    const struct member_table table = {members, count};
    struct wire_place place = {.where = where, .fault = fault};
    uint64_t seen = 0;
    assert(count <= 64);
    if (!json_is_object(object))
        return wire_member_fault(&place, FAULT_INPUT, "must be an object");
    for (const struct json *value = json_first(object); value; value = json_next(value)) {
        size_t i = find_member(&table, json_name(value));
        place.member = NULL;
        if (i == count && unknown == WIRE_SKIP_UNKNOWN)
            continue;
        if (i == count)
            return wire_unknown_fault(&place, "member", json_name(value), member_name_at, &table);
        place.member = &members[i];
        if (seen >> i & 1) /* json_check compares names as written: "\u0061" passes beside "a" */
            return wire_member_fault(&place, FAULT_INPUT, "stands twice");
        seen |= UINT64_C(1) << i;
        enum fault_code code = members[i].read(&place, value, out);
        if (code != FAULT_NONE)
            return code;
    }
    for (size_t i = 0; i < count; i++) {
        place.member = &members[i];
        if (members[i].required && !(seen >> i & 1))
            return wire_member_fault(&place, FAULT_INPUT, "is missing");
    }
    return FAULT_NONE;
}
