#include "service/usage/usage_scan.h"

#include <string.h>

#include "libs/text/time.h"

struct scan {
    const char *at;
    const char *end;
};

struct pair {
    struct str name;
    struct str value;
};

/* --- marks ---------------------------------------------------------------------------------- */

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool take(struct scan *scan, char mark)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != mark)
        return false;
    scan->at++;
    return true;
}

/* A string without escapes, of printable ASCII. */
static bool take_text(struct scan *scan, struct str *out)
{
    if (!take(scan, '"'))
        return false;
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char c = (unsigned char)*scan->at++;
        if (c < ' ' || c >= 0x7f || c == '\\')
            return false;
    }
    if (scan->at == scan->end)
        return false;
    *out = (struct str){start, (size_t)(scan->at++ - start)};
    return true;
}

/* 1 .. USAGE_TEXT_MAX bytes, as every text of an event that counts. */
static bool take_short_text(struct scan *scan, struct str *out)
{
    return take_text(scan, out) && out->len > 0 && out->len <= USAGE_TEXT_MAX;
}

/* A whole number as digits alone, or the same in quotes. */
static bool take_quantity(struct scan *scan, int64_t *out)
{
    struct str digits;
    uint64_t number;
    skip_blanks(scan);
    if (scan->at == scan->end)
        return false;
    if (*scan->at == '"') {
        if (!take_short_text(scan, &digits))
            return false;
    } else {
        const char *start = scan->at;
        while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
            scan->at++;
        digits = (struct str){start, (size_t)(scan->at - start)};
        if (digits.len > 1 && digits.ptr[0] == '0')
            return false;
        /* ".", "e": what follows must be a comma or bracket, as the caller sees. */
    }
    if (!str_to_u64(digits, (uint64_t)USAGE_QUANTITY_MAX, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* --- members -------------------------------------------------------------------------------- */

struct members {
    struct scan *scan;
    bool is_first;
    bool is_good;
};

static struct members enter(struct scan *scan)
{
    return (struct members){.scan = scan, .is_first = true, .is_good = take(scan, '{')};
}

/* The next member's name, or false at the end or where it is not of the form. */
static bool next_name(struct members *members, struct str *out)
{
    bool is_end = members->is_good && take(members->scan, '}');
    if (!members->is_good || is_end)
        return false;
    if (!members->is_first)
        members->is_good = take(members->scan, ',');
    members->is_first = false;
    members->is_good =
        members->is_good && take_text(members->scan, out) && take(members->scan, ':');
    return members->is_good;
}

/* Which of the names it is, each once; -1: none, or again. */
static int place_of(struct str name, const struct str *names, int count, unsigned *seen)
{
    for (int i = 0; i < count; i++)
        if (str_equal(name, names[i])) {
            if (*seen & 1u << i)
                return -1;
            *seen |= 1u << i;
            return i;
        }
    return -1;
}

#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* --- dimensions ----------------------------------------------------------------------------- */

static size_t sorted_place(const struct pair *pairs, size_t count, struct str name)
{
    size_t at = 0;
    while (at < count && str_compare(pairs[at].name, name) < 0)
        at++;
    return at;
}

static bool scan_dimensions(struct scan *scan, struct pair out[USAGE_DIMENSIONS_MAX],
                            size_t *out_count)
{
    struct members members = enter(scan);
    struct pair pair;
    size_t count = 0;
    while (next_name(&members, &pair.name)) {
        size_t at = sorted_place(out, count, pair.name);
        if (count == USAGE_DIMENSIONS_MAX || !take_short_text(scan, &pair.value) ||
            (at < count && str_equal(out[at].name, pair.name)))
            return false;
        memmove(out + at + 1, out + at, (count - at) * sizeof *out);
        out[at] = pair;
        count++;
    }
    *out_count = count;
    return members.is_good;
}

static char *put(char *at, struct str text)
{
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

/* As json_write.h would: nothing in it needs an escape. */
static bool write_dimensions(struct arena *arena, const struct pair *pairs, size_t count,
                             struct str *out)
{
    enum { MARKS = 6 }; /* "":"", */
    size_t size = 3;
    for (size_t i = 0; i < count; i++)
        size += pairs[i].name.len + pairs[i].value.len + MARKS;
    char *text = arena_alloc(arena, size);
    char *at = text;
    if (!text)
        return false;
    *at++ = '{';
    for (size_t i = 0; i < count; i++) {
        at = put(at, i > 0 ? STR(",\"") : STR("\""));
        at = put(at, pairs[i].name);
        at = put(at, STR("\":\""));
        at = put(at, pairs[i].value);
        *at++ = '"';
    }
    *at++ = '}';
    *out = (struct str){text, (size_t)(at - text)};
    return true;
}

static bool keep_dimensions(struct arena *arena, const struct pair *pairs, size_t count,
                            struct usage_event *event)
{
    for (size_t i = 0; i < count; i++)
        if (!usage_meter_has(event->meter, pairs[i].name))
            return false;
    return write_dimensions(arena, pairs, count, &event->dimensions);
}

/* --- the event ------------------------------------------------------------------------------ */

static bool scan_data(struct arena *arena, struct scan *scan, struct usage_event *event)
{
    enum { METER, QUANTITY, DIMENSIONS, DATA };
    static const struct str names[DATA] = {NAME("meter"), NAME("quantity"), NAME("dimensions")};
    struct pair pairs[USAGE_DIMENSIONS_MAX + 1];
    struct members members = enter(scan);
    struct str name;
    struct str meter;
    size_t count = 0;
    unsigned seen = 0;
    bool good = true;
    while (good && next_name(&members, &name))
        switch (place_of(name, names, DATA, &seen)) {
        case METER:
            good = take_short_text(scan, &meter);
            event->meter = good ? usage_meter_find(meter) : NULL;
            break;
        case QUANTITY:
            good = take_quantity(scan, &event->quantity);
            break;
        case DIMENSIONS:
            good = scan_dimensions(scan, pairs, &count);
            break;
        default:
            good = false;
        }
    const unsigned needed = 1u << METER | 1u << QUANTITY;
    return good && members.is_good && (seen & needed) == needed && event->meter &&
           keep_dimensions(arena, pairs, count, event);
}

enum { SPECVERSION, TYPE, SOURCE, ID, TIME, SUBJECT, TRACEPARENT, DATA, MEMBERS };

struct envelope {
    struct str texts[MEMBERS];
    unsigned seen;
};

static bool scan_envelope(struct arena *arena, struct scan *scan, struct envelope *out,
                          struct usage_event *event)
{
    static const struct str names[MEMBERS] = {NAME("specversion"), NAME("type"), NAME("source"),
                                              NAME("id"),          NAME("time"), NAME("subject"),
                                              NAME("traceparent"), NAME("data")};
    struct members members = enter(scan);
    struct str name;
    bool good = true;
    while (good && next_name(&members, &name)) {
        int place = place_of(name, names, MEMBERS, &out->seen);
        if (place == DATA)
            good = scan_data(arena, scan, event);
        else
            good = place >= 0 && take_short_text(scan, &out->texts[place]);
    }
    skip_blanks(scan);
    return good && members.is_good && scan->at == scan->end;
}

bool usage_scan_event(struct arena *arena, struct str text, struct usage_event *out)
{
    const unsigned needed =
        1u << SPECVERSION | 1u << TYPE | 1u << SOURCE | 1u << ID | 1u << TIME | 1u << DATA;
    struct scan scan = {text.ptr, text.ptr + text.len};
    struct envelope envelope = {.seen = 0};
    struct usage_event event = {.kind = USAGE_USE};
    struct str time;
    if (text.len == 0 || !scan_envelope(arena, &scan, &envelope, &event) ||
        (envelope.seen & needed) != needed)
        return false;
    time = envelope.texts[TIME];
    if (!str_equal(envelope.texts[SPECVERSION], STR("1.0")) ||
        !str_equal(envelope.texts[TYPE], STR("io.intelgraph.usage.use")) ||
        !usage_event_time(time, &event.time_us))
        return false;
    event.source = envelope.texts[SOURCE];
    event.id = envelope.texts[ID];
    usage_event_finish(&event, (envelope.seen & 1u << SUBJECT) != 0,
                       (envelope.seen & 1u << TRACEPARENT) != 0);
    *out = event;
    return true;
}
