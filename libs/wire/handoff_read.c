#include "libs/wire/handoff.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "libs/wire/members.h"

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* --- handoff ------------------------------------------------------------------------------- */

static enum fault_code read_version(const struct wire_place *place, const struct json *value,
                                    void *out)
{
    int64_t version;
    (void)out; /* there is one version: nothing to keep */
    if (!json_whole(value, &version))
        return wire_member_fault(place, FAULT_INPUT, "must be a whole number");
    if (version != WIRE_VERSION)
        return wire_member_fault(place, FAULT_INPUT,
                                 "is %" PRId64 ", but this service speaks version %d: update the "
                                 "older of app and service",
                                 version, WIRE_VERSION);
    return FAULT_NONE;
}

#define AT(member) offsetof(struct wire_handoff, member)
#define TIME_RANGE -WIRE_WHOLE_MAX, WIRE_WHOLE_MAX

static const struct wire_member handoff_members[] = {
    {"version", read_version, 0, 0, 0, true},
    {"id", wire_read_id, AT(id), 0, 0, true},
    {"tenant", wire_read_text, AT(tenant), 1, WIRE_TEXT_MAX, true},
    {"sid", wire_read_text, AT(sid), 1, WIRE_TEXT_MAX, true},
    {"command", wire_read_text, AT(command), 1, WIRE_COMMAND_MAX, true},
    {"target", wire_read_text, AT(target), 1, WIRE_COMMAND_MAX, true},
    {"title", wire_read_text, AT(title), 0, WIRE_TEXT_MAX, false},
    {"investigation", wire_read_text, AT(investigation), 0, WIRE_TEXT_MAX, false},
    {"user", wire_read_text, AT(user), 0, WIRE_TEXT_MAX, false},
    {"app", wire_read_text, AT(app), 0, WIRE_TEXT_MAX, false},
    {"search_sha256", wire_read_digest, AT(search_sha256), 0, 0, false},
    {"earliest_us", wire_read_whole, AT(earliest_us), TIME_RANGE, false},
    {"latest_us", wire_read_whole, AT(latest_us), TIME_RANGE, false},
    {"client", wire_read_text, AT(client), 0, WIRE_TEXT_MAX, false},
    {"parts", wire_read_whole, AT(parts), 1, WIRE_PARTS_MAX, false},
};
#undef AT

static enum fault_code read_handoff(const struct json *object, struct wire_handoff *out,
                                    struct fault *fault)
{
    *out = (struct wire_handoff){.parts = 1};
    return wire_read_members(object, "handoff", handoff_members, LENGTH(handoff_members),
                             WIRE_REFUSE_UNKNOWN, out, fault);
}

/* --- what entities and relations share ----------------------------------------------------- */

#define AT(member) offsetof(struct graph_sample, member)

static const struct wire_member sample_members[] = {
    {"row", wire_read_whole, AT(row), 0, WIRE_WHOLE_MAX, true},
    {"time_us", wire_read_whole, AT(time_us), TIME_RANGE, false},
    {"ref", wire_read_text, AT(ref), 0, GRAPH_REF_MAX, false},
};
#undef AT

static enum fault_code read_samples(const struct wire_place *place, const struct json *value,
                                    struct graph_sample *out, size_t *out_count)
{
    char where[FAULT_FIELD_MAX];
    size_t count = 0;
    if (!json_is_array(value))
        return wire_member_fault(place, FAULT_INPUT, "must be an array of samples");
    snprintf(where, sizeof where, "%s.%s", place->where, place->member->name);
    for (const struct json *item = json_first(value); item; item = json_next(item)) {
        if (count == GRAPH_SAMPLES_MAX)
            return wire_member_fault(place, FAULT_LIMIT, "holds more than %d samples",
                                     GRAPH_SAMPLES_MAX);
        out[count] = (struct graph_sample){.time_us = GRAPH_NO_TIME};
        enum fault_code code =
            wire_read_members(item, where, sample_members, LENGTH(sample_members),
                              WIRE_REFUSE_UNKNOWN, &out[count], place->fault);
        if (code != FAULT_NONE)
            return code;
        count++;
    }
    *out_count = count;
    return FAULT_NONE;
}

static enum fault_code check_times(const char *where, int64_t first_us, int64_t last_us,
                                   struct fault *fault)
{
    static const struct wire_member first = {.name = "first_us"};
    static const struct wire_member last = {.name = "last_us"};
    struct wire_place place = {.where = where, .fault = fault};
    bool has_first = first_us != GRAPH_NO_TIME;
    if (has_first != (last_us != GRAPH_NO_TIME)) {
        place.member = has_first ? &last : &first;
        return wire_member_fault(&place, FAULT_INPUT, "is missing: %s stands without it",
                                 has_first ? "first_us" : "last_us");
    }
    place.member = &last;
    if (has_first && last_us < first_us)
        return wire_member_fault(&place, FAULT_INPUT, "is before first_us");
    return FAULT_NONE;
}

/* --- entity -------------------------------------------------------------------------------- */

static const char *kind_name_at(const void *names, size_t i)
{
    (void)names;
    return i < GRAPH_KIND_COUNT ? graph_kind_info((enum graph_kind)i)->name : NULL;
}

static enum fault_code read_kind(const struct wire_place *place, const struct json *value,
                                 void *out)
{
    struct wire_entity *entity = out;
    struct str name;
    if (!json_text(value, &name))
        return wire_member_fault(place, FAULT_INPUT, "must be a text");
    if (!graph_kind_of_name(name, &entity->kind))
        return wire_unknown_fault(place, "kind", name, kind_name_at, NULL);
    return FAULT_NONE;
}

static enum fault_code read_fields(const struct wire_place *place, const struct json *value,
                                   void *out)
{
    struct wire_entity *entity = out;
    if (!json_is_array(value))
        return wire_member_fault(place, FAULT_INPUT, "must be an array of field names");
    for (const struct json *item = json_first(value); item; item = json_next(item)) {
        struct str name;
        if (entity->field_count == WIRE_FIELDS_MAX)
            return wire_member_fault(place, FAULT_LIMIT, "holds more than %d names",
                                     WIRE_FIELDS_MAX);
        if (!json_text(item, &name) || name.len == 0 || name.len > GRAPH_FIELD_NAME_MAX)
            return wire_member_fault(place, FAULT_INPUT,
                                     "must hold field names of 1 to %d bytes each",
                                     GRAPH_FIELD_NAME_MAX);
        entity->fields[entity->field_count++] = name;
    }
    return FAULT_NONE;
}

static enum fault_code read_entity_samples(const struct wire_place *place, const struct json *value,
                                           void *out)
{
    struct wire_entity *entity = out;
    return read_samples(place, value, entity->samples, &entity->sample_count);
}

#define AT(member) offsetof(struct wire_entity, member)

static const struct wire_member entity_members[] = {
    {"kind", read_kind, 0, 0, 0, true},
    {"value", wire_read_text, AT(value), 1, GRAPH_VALUE_MAX, true},
    {"count", wire_read_whole, AT(count), 1, WIRE_WHOLE_MAX, true},
    {"first_us", wire_read_whole, AT(first_us), TIME_RANGE, false},
    {"last_us", wire_read_whole, AT(last_us), TIME_RANGE, false},
    {"fields", read_fields, 0, 0, 0, false},
    {"samples", read_entity_samples, 0, 0, 0, false},
};
#undef AT

static enum fault_code read_entity(const struct json *object, struct wire_entity *out,
                                   struct fault *fault)
{
    *out = (struct wire_entity){.first_us = GRAPH_NO_TIME, .last_us = GRAPH_NO_TIME};
    enum fault_code code = wire_read_members(
        object, "entity", entity_members, LENGTH(entity_members), WIRE_REFUSE_UNKNOWN, out, fault);
    if (code != FAULT_NONE)
        return code;
    code = check_times("entity", out->first_us, out->last_us, fault);
    if (code != FAULT_NONE)
        return code;
    /* The sentence does not repeat the value: it goes to logs, and values stay out of them. */
    if (!graph_is_normal(out->kind, out->value))
        return fault_field(fault, FAULT_INPUT, "entity.value",
                           "entity.value is not in the normal form of its kind \"%s\"",
                           graph_kind_info(out->kind)->name);
    return FAULT_NONE;
}

/* --- relation ------------------------------------------------------------------------------ */

static const char *relation_name_at(const void *names, size_t i)
{
    (void)names;
    return i < GRAPH_RELATION_TYPE_COUNT ? graph_relation_name((enum graph_relation_type)i) : NULL;
}

static enum fault_code read_type(const struct wire_place *place, const struct json *value,
                                 void *out)
{
    struct wire_relation *relation = out;
    struct str name;
    if (!json_text(value, &name))
        return wire_member_fault(place, FAULT_INPUT, "must be a text");
    if (!graph_relation_of_name(name, &relation->type))
        return wire_unknown_fault(place, "relation", name, relation_name_at, NULL);
    return FAULT_NONE;
}

static enum fault_code read_relation_samples(const struct wire_place *place,
                                             const struct json *value, void *out)
{
    struct wire_relation *relation = out;
    return read_samples(place, value, relation->samples, &relation->sample_count);
}

#define AT(member) offsetof(struct wire_relation, member)

static const struct wire_member relation_members[] = {
    {"type", read_type, 0, 0, 0, true},
    {"from", wire_read_whole, AT(from), 0, WIRE_ENTITIES_MAX - 1, true},
    {"to", wire_read_whole, AT(to), 0, WIRE_ENTITIES_MAX - 1, true},
    {"count", wire_read_whole, AT(count), 1, WIRE_WHOLE_MAX, true},
    {"first_us", wire_read_whole, AT(first_us), TIME_RANGE, false},
    {"last_us", wire_read_whole, AT(last_us), TIME_RANGE, false},
    {"samples", read_relation_samples, 0, 0, 0, false},
};
#undef AT

static enum fault_code read_relation(const struct json *object, struct wire_relation *out,
                                     struct fault *fault)
{
    *out = (struct wire_relation){.first_us = GRAPH_NO_TIME, .last_us = GRAPH_NO_TIME};
    enum fault_code code =
        wire_read_members(object, "relation", relation_members, LENGTH(relation_members),
                          WIRE_REFUSE_UNKNOWN, out, fault);
    if (code != FAULT_NONE)
        return code;
    return check_times("relation", out->first_us, out->last_us, fault);
}

/* --- commit -------------------------------------------------------------------------------- */

#define AT(member)  offsetof(struct wire_commit, member)
#define COUNT_RANGE 0, WIRE_WHOLE_MAX

static const struct wire_member commit_members[] = {
    {"rows", wire_read_whole, AT(rows), COUNT_RANGE, true},
    {"entities", wire_read_whole, AT(entities), 0, WIRE_ENTITIES_MAX, true},
    {"relations", wire_read_whole, AT(relations), 0, WIRE_RELATIONS_MAX, true},
    {"values", wire_read_whole, AT(values), COUNT_RANGE, false},
    {"placeholders", wire_read_whole, AT(placeholders), COUNT_RANGE, false},
    {"invalid", wire_read_whole, AT(invalid), COUNT_RANGE, false},
    {"masked", wire_read_whole, AT(masked), COUNT_RANGE, false},
    {"dropped", wire_read_whole, AT(dropped), COUNT_RANGE, false},
    {"entities_left_out", wire_read_whole, AT(entities_left_out), COUNT_RANGE, false},
    {"relations_left_out", wire_read_whole, AT(relations_left_out), COUNT_RANGE, false},
    {"content_sha256", wire_read_digest, AT(content_sha256), 0, 0, true},
};
#undef AT

static enum fault_code read_commit(const struct json *object, struct wire_commit *out,
                                   struct fault *fault)
{
    *out = (struct wire_commit){0};
    return wire_read_members(object, "commit", commit_members, LENGTH(commit_members),
                             WIRE_REFUSE_UNKNOWN, out, fault);
}

/* --- one line ------------------------------------------------------------------------------ */

static const char *line_name_at(const void *names, size_t i)
{
    static const char *const known[] = {
        [WIRE_HANDOFF] = "handoff",
        [WIRE_ENTITY] = "entity",
        [WIRE_RELATION] = "relation",
        [WIRE_COMMIT] = "commit",
    };
    (void)names;
    return i < LENGTH(known) ? known[i] : NULL;
}

static enum fault_code read_by_name(const struct json *member, struct wire_line *out,
                                    struct fault *fault)
{
    struct wire_place place = {.where = "", .fault = fault};
    struct str name = json_name(member);
    size_t kind = 0;
    while (line_name_at(NULL, kind) && !str_equal(name, str_of(line_name_at(NULL, kind))))
        kind++;
    out->kind = (enum wire_line_kind)kind;
    switch (kind) {
    case WIRE_HANDOFF:
        return read_handoff(member, &out->handoff, fault);
    case WIRE_ENTITY:
        return read_entity(member, &out->entity, fault);
    case WIRE_RELATION:
        return read_relation(member, &out->relation, fault);
    case WIRE_COMMIT:
        return read_commit(member, &out->commit, fault);
    default:
        place.where = "line";
        return wire_unknown_fault(&place, "member", name, line_name_at, NULL);
    }
}

enum fault_code wire_read_line(struct arena *arena, struct str line, struct wire_line *out,
                               struct fault *fault)
{
    const struct json *object;
    struct wire_line read;
    if (line.len >= WIRE_LINE_MAX)
        return fault_field(fault, FAULT_LIMIT, "line",
                           "a line has %zu bytes, more than the limit of %d", line.len + 1,
                           WIRE_LINE_MAX);
    if (line.len == 0)
        return fault_field(fault, FAULT_INPUT, "line", "a line is empty");
    enum fault_code code = json_read(arena, line, &object, fault);
    if (code != FAULT_NONE)
        return code;
    const struct json *member = json_first(object);
    if (!json_is_object(object) || !member || json_next(member))
        return fault_field(fault, FAULT_INPUT, "line",
                           "a line must be an object with one member: handoff, entity, relation "
                           "or commit");
    code = read_by_name(member, &read, fault);
    if (code == FAULT_NONE)
        *out = read;
    return code;
}
