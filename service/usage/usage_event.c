#include "service/usage/usage_event.h"

#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/crypto/hash.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"

#define TYPE_PREFIX "io.intelgraph.usage."

enum { DIMENSIONS_BYTES = 4096, CONTENT_BYTES = 2 * DIMENSIONS_BYTES, TIME_MS_MAX_BITS = 48 };

/* --- texts ---------------------------------------------------------------------------------- */

/* 1 .. USAGE_TEXT_MAX bytes without control characters. */
static enum fault_code read_text(const struct json *object, const char *name, struct str *out,
                                 struct fault *fault)
{
    struct str text;
    const struct json *member = json_member(object, name);
    if (!member)
        return fault_field(fault, FAULT_INPUT, name, "%s is missing", name);
    if (!json_text(member, &text) || text.len == 0)
        return fault_field(fault, FAULT_INPUT, name, "%s must be a text that is not empty", name);
    if (text.len > USAGE_TEXT_MAX)
        return fault_field(fault, FAULT_LIMIT, name, "%s has %zu bytes; at most %d are allowed",
                           name, text.len, USAGE_TEXT_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return fault_field(fault, FAULT_INPUT, name, "%s holds a control character", name);
    *out = text;
    return FAULT_NONE;
}

/* A bare number of seconds is no RFC 3339. */
bool usage_event_time(struct str text, int64_t *out_us)
{
    return text.len >= 10 && text.ptr[4] == '-' && time_read_us(text, out_us);
}

static enum fault_code read_time(const struct json *object, int64_t *out, struct fault *fault)
{
    struct str text;
    enum fault_code code = read_text(object, "time", &text, fault);
    if (code != FAULT_NONE)
        return code;
    if (!usage_event_time(text, out))
        return fault_field(fault, FAULT_INPUT, "time",
                           "time must be of 1970 or later, as RFC 3339 has it, with its offset: "
                           "2026-11-23T12:00:00Z");
    return FAULT_NONE;
}

/* --- identity ------------------------------------------------------------------------------- */

/* A NUL between them: neither holds one. */
static struct sha256 digest_of(struct str a, struct str b)
{
    char text[2 * USAGE_TEXT_MAX + 1];
    assert(a.len + b.len + 1 <= sizeof text);
    memcpy(text, a.ptr, a.len);
    text[a.len] = '\0';
    memcpy(text + a.len + 1, b.ptr, b.len);
    return sha256_of((struct str){text, a.len + 1 + b.len});
}

void usage_event_key(struct str source, struct str id, int64_t time_us, uint8_t out[USAGE_KEY_SIZE])
{
    enum { TIME_BYTES = 6 };
    uint64_t ms = (uint64_t)(time_us / 1000);
    struct sha256 digest = digest_of(source, id);
    assert(time_us >= 0 && ms >> TIME_MS_MAX_BITS == 0);
    for (int i = 0; i < TIME_BYTES; i++)
        out[i] = (uint8_t)(ms >> 8 * (TIME_BYTES - 1 - i));
    memcpy(out + TIME_BYTES, digest.bytes, USAGE_KEY_SIZE - TIME_BYTES);
}

void usage_event_content(const struct usage_event *event, uint8_t out[USAGE_CONTENT_SIZE])
{
    char text[CONTENT_BYTES];
    struct buf content = {.ptr = text, .room = sizeof text, .limit = sizeof text};
    buf_add_i64(&content, event->kind);
    buf_add_byte(&content, ' ');
    buf_add_i64(&content, event->time_us);
    buf_add_byte(&content, ' ');
    buf_add_i64(&content, event->quantity);
    buf_add_byte(&content, ' ');
    buf_add_c(&content, event->meter ? event->meter->name : "");
    buf_add_byte(&content, ' ');
    buf_add_hex(&content, event->refers_to, USAGE_KEY_SIZE);
    buf_add(&content, event->dimensions);
    assert(content.code == FAULT_NONE && "dimensions are at most half of it");
    struct sha256 digest = sha256_of(buf_str(&content));
    memcpy(out, digest.bytes, USAGE_CONTENT_SIZE);
}

void usage_event_finish(struct usage_event *event, bool has_actor, bool has_trace)
{
    event->provenance = USAGE_HAS_SOURCE | USAGE_HAS_TIME | (has_actor ? USAGE_HAS_ACTOR : 0) |
                        (has_trace ? USAGE_HAS_TRACE : 0);
    usage_event_key(event->source, event->id, event->time_us, event->key);
    usage_event_content(event, event->content);
}

/* --- data ----------------------------------------------------------------------------------- */

static enum fault_code read_meter(const struct json *data, const struct usage_meter **out,
                                  struct fault *fault)
{
    struct str name;
    enum fault_code code = read_text(data, "meter", &name, fault);
    if (code != FAULT_NONE)
        return code;
    *out = usage_meter_find(name);
    if (*out)
        return FAULT_NONE;
    return usage_meter_unknown(name, "meter", fault);
}

/* Text as well as a number: what is over 2^53 would not survive a reader with doubles. */
enum fault_code usage_event_quantity(const struct json *data, const char *advice, int64_t *out,
                                     struct fault *fault)
{
    const struct json *member = json_member(data, "quantity");
    struct str text;
    uint64_t number = 0;
    int64_t whole = 0;
    bool is_good = false;
    if (!member)
        return fault_field(fault, FAULT_INPUT, "quantity", "quantity is missing");
    if (json_text(member, &text)) {
        is_good = str_to_u64(text, (uint64_t)USAGE_QUANTITY_MAX, &number);
        whole = (int64_t)number;
    } else {
        is_good = json_whole(member, &whole) && whole >= 0 && whole <= USAGE_QUANTITY_MAX;
    }
    if (!is_good)
        return fault_field(fault, FAULT_INPUT, "quantity",
                           "quantity must be a whole number from 0 to %lld in the meter's unit, as "
                           "a number or as text%s",
                           (long long)USAGE_QUANTITY_MAX, advice);
    *out = whole;
    return FAULT_NONE;
}

struct dimension {
    struct str name;
    struct str value;
};

/* In the order of names, so that the same dimensions are the same text. */
static void insert(struct dimension *sorted, size_t count, struct dimension each)
{
    size_t at = count;
    while (at > 0 && str_compare(sorted[at - 1].name, each.name) > 0) {
        sorted[at] = sorted[at - 1];
        at--;
    }
    sorted[at] = each;
}

static enum fault_code write_dimensions(struct arena *arena, const struct dimension *sorted,
                                        size_t count, struct str *out, struct fault *fault)
{
    struct buf text;
    buf_init(&text, DIMENSIONS_BYTES);
    struct json_out json = json_out_to(&text);
    json_open(&json, '{');
    for (size_t i = 0; i < count; i++) {
        char name[USAGE_TEXT_MAX];
        bool fits = str_to_c(sorted[i].name, name, sizeof name);
        assert(fits && "it is one of the meter's");
        json_put_text(&json, name, sorted[i].value);
    }
    json_close(&json, '}');
    enum fault_code code = buf_check(&text, "dimensions", fault);
    if (code == FAULT_NONE) {
        *out = arena_copy(arena, buf_str(&text));
        if (!out->ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for an event");
    }
    buf_done(&text);
    return code;
}

enum fault_code usage_event_dimensions(struct arena *arena, const struct json *data,
                                       const struct usage_meter *meter, struct str *out,
                                       struct fault *fault)
{
    struct dimension sorted[USAGE_DIMENSIONS_MAX];
    size_t count = 0;
    const struct json *object = json_member(data, "dimensions");
    if (object && !json_is_object(object))
        return fault_field(fault, FAULT_INPUT, "dimensions", "dimensions must be an object");
    for (const struct json *each = json_first(object); each; each = json_next(each)) {
        struct str name = json_name(each);
        struct dimension dimension = {.name = name};
        char shown[USAGE_TEXT_MAX];
        if (!usage_meter_has(meter, name))
            return usage_meter_lacks(meter, name, "dimensions", fault);
        bool fits = str_to_c(name, shown, sizeof shown);
        assert(fits);
        enum fault_code code = read_text(object, shown, &dimension.value, fault);
        if (code != FAULT_NONE)
            return fault_prefix(fault, "dimensions.");
        insert(sorted, count++, dimension);
    }
    return write_dimensions(arena, sorted, count, out, fault);
}

static enum fault_code read_refers_to(const struct json *data, uint8_t out[USAGE_KEY_SIZE],
                                      struct fault *fault)
{
    struct str source;
    struct str id;
    int64_t time_us;
    const struct json *member = json_member(data, "refers_to");
    if (!json_is_object(member))
        return fault_field(fault, FAULT_INPUT, "refers_to",
                           "refers_to must name the event to correct: "
                           "{\"source\":...,\"id\":...,\"time\":...}");
    enum fault_code code = read_text(member, "source", &source, fault);
    if (code == FAULT_NONE)
        code = read_text(member, "id", &id, fault);
    if (code == FAULT_NONE)
        code = read_time(member, &time_us, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "refers_to.");
    usage_event_key(source, id, time_us, out);
    return FAULT_NONE;
}

/* A misspelt member must not be lost: an event would count for less than was meant. */
static enum fault_code check_members(const struct json *data, enum usage_kind kind,
                                     struct fault *fault)
{
    static const char *const known[] = {"meter", "quantity", "dimensions", "refers_to"};
    for (const struct json *each = json_first(data); each; each = json_next(each)) {
        struct str name = json_name(each);
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || str_equal(name, str_of(known[i]));
        if (!found && str_equal(name, STR("reservation")))
            return fault_field(fault, FAULT_INPUT, "reservation",
                               "holds reservation: to settle one by POST /v1/decisions is to "
                               "report what was used, and doing both would count it twice");
        if (!found)
            return fault_field(fault, FAULT_INPUT, "data",
                               "holds \"%.*s\", which is no member of it; it has meter, quantity, "
                               "dimensions and refers_to",
                               STR_ARG(str_take(name, 64)));
    }
    if (kind == USAGE_USE && json_member(data, "refers_to"))
        return fault_field(fault, FAULT_INPUT, "refers_to",
                           "holds refers_to, which a use does not have; a correction is of the "
                           "type " TYPE_PREFIX "void or " TYPE_PREFIX "amend");
    return FAULT_NONE;
}

static enum fault_code read_data(struct arena *arena, const struct json *value,
                                 struct usage_event *event, struct fault *fault)
{
    const struct json *data = json_member(value, "data");
    enum fault_code code = FAULT_NONE;
    if (!json_is_object(data))
        return fault_field(fault, FAULT_INPUT, "data", "data must be an object");
    event->dimensions = STR("");
    if (check_members(data, event->kind, fault) != FAULT_NONE)
        return fault_prefix(fault, "data ");
    if (event->kind != USAGE_USE)
        code = read_refers_to(data, event->refers_to, fault);
    else
        code = read_meter(data, &event->meter, fault);
    if (code == FAULT_NONE && event->kind != USAGE_VOID)
        code = usage_event_quantity(data,
                                    "; what was too much is taken back by a void or an amendment",
                                    &event->quantity, fault);
    if (code == FAULT_NONE && event->kind == USAGE_USE)
        code = usage_event_dimensions(arena, data, event->meter, &event->dimensions, fault);
    return code == FAULT_NONE ? FAULT_NONE : fault_prefix(fault, "data.");
}

/* --- the envelope --------------------------------------------------------------------------- */

static enum fault_code read_kind(const struct json *value, enum usage_kind *out,
                                 struct fault *fault)
{
    static const struct str names[] = {
        [USAGE_USE] = {"use", 3}, [USAGE_VOID] = {"void", 4}, [USAGE_AMEND] = {"amend", 5}};
    struct str type;
    enum fault_code code = read_text(value, "type", &type, fault);
    if (code != FAULT_NONE)
        return code;
    if (str_starts(type, STR(TYPE_PREFIX)))
        for (int kind = USAGE_USE; kind <= USAGE_AMEND; kind++)
            if (str_equal(str_skip(type, strlen(TYPE_PREFIX)), names[kind])) {
                *out = (enum usage_kind)kind;
                return FAULT_NONE;
            }
    return fault_field(fault, FAULT_INPUT, "type",
                       "type must be " TYPE_PREFIX "use, " TYPE_PREFIX "void or " TYPE_PREFIX
                       "amend");
}

static enum fault_code check_version(const struct json *value, struct fault *fault)
{
    struct str version;
    if (!json_text(json_member(value, "specversion"), &version) || !str_equal(version, STR("1.0")))
        return fault_field(fault, FAULT_INPUT, "specversion",
                           "specversion must be \"1.0\": an event is a CloudEvent of that version");
    return FAULT_NONE;
}

enum fault_code usage_event_read(struct arena *arena, const struct json *value,
                                 struct usage_event *out, struct fault *fault)
{
    struct usage_event event = {0};
    struct str ignored;
    struct fault absent;
    if (!json_is_object(value))
        return fault_set(fault, FAULT_INPUT, "an event must be an object");
    enum fault_code code = check_version(value, fault);
    if (code == FAULT_NONE)
        code = read_kind(value, &event.kind, fault);
    if (code == FAULT_NONE)
        code = read_text(value, "source", &event.source, fault);
    if (code == FAULT_NONE)
        code = read_text(value, "id", &event.id, fault);
    if (code == FAULT_NONE)
        code = read_time(value, &event.time_us, fault);
    if (code == FAULT_NONE)
        code = read_data(arena, value, &event, fault);
    if (code != FAULT_NONE)
        return code;
    bool has_actor = read_text(value, "subject", &ignored, &absent) == FAULT_NONE;
    bool has_trace = read_text(value, "traceparent", &ignored, &absent) == FAULT_NONE;
    usage_event_finish(&event, has_actor, has_trace);
    *out = event;
    return FAULT_NONE;
}

void usage_event_name(const struct json *value, struct str *out_source, struct str *out_id)
{
    struct str text;
    struct fault absent;
    if (read_text(value, "source", &text, &absent) == FAULT_NONE)
        *out_source = text;
    if (read_text(value, "id", &text, &absent) == FAULT_NONE)
        *out_id = text;
}
