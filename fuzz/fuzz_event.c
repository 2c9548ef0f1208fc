/* A usage event: from any text, no crash; what was read is within its limits, and written down
 * again in one canonical form it is read as the same event, with the same key and content. The
 * short way (usage_scan.h) takes nothing that the long one would not, and reads the same. */
#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/usage/usage_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 20 };

static void put_member(struct json_out *out, const struct json *object, const char *name)
{
    struct str text;
    if (json_text(json_member(object, name), &text))
        json_put_text(out, name, text);
}

static void put_data(struct json_out *out, const struct usage_event *event, const struct json *data)
{
    struct buf quantity;
    buf_init(&quantity, 32);
    buf_add_i64(&quantity, event->quantity);
    json_open_at(out, "data", '{');
    if (event->kind != USAGE_USE) {
        const struct json *refers_to = json_member(data, "refers_to");
        json_open_at(out, "refers_to", '{');
        put_member(out, refers_to, "time");
        put_member(out, refers_to, "id");
        put_member(out, refers_to, "source");
        json_close(out, '}');
    }
    if (event->kind != USAGE_VOID)
        json_put_text(out, "quantity", buf_str(&quantity));
    if (event->kind == USAGE_USE) {
        json_put_raw(out, "dimensions", event->dimensions);
        json_put_text(out, "meter", str_of(event->meter->name));
    }
    json_close(out, '}');
    buf_done(&quantity);
}

static void write_event(const struct usage_event *event, const struct json *value, struct buf *out)
{
    struct buf time;
    struct json_out json = json_out_to(out);
    buf_init(&time, 64);
    time_add_rfc3339(&time, event->time_us);
    json_open(&json, '{');
    put_data(&json, event, json_member(value, "data"));
    json_put_text(&json, "time", buf_str(&time));
    json_put_text(&json, "id", event->id);
    json_put_text(&json, "source", event->source);
    put_member(&json, value, "type");
    put_member(&json, value, "subject");
    put_member(&json, value, "traceparent");
    json_put_text(&json, "specversion", STR("1.0"));
    json_close(&json, '}');
    assert(out->code == FAULT_NONE);
    buf_done(&time);
}

static void check_limits(const struct usage_event *event)
{
    assert(event->source.len > 0 && event->source.len <= USAGE_TEXT_MAX);
    assert(event->id.len > 0 && event->id.len <= USAGE_TEXT_MAX);
    assert(event->time_us >= 0 && event->time_us <= TIME_MAX_US);
    assert(event->quantity >= 0 && event->quantity <= USAGE_QUANTITY_MAX);
    assert((event->kind == USAGE_USE) == (event->meter != NULL));
}

static void check_same(const struct usage_event *event, const struct usage_event *again)
{
    assert(again->kind == event->kind && again->meter == event->meter);
    assert(again->time_us == event->time_us && again->quantity == event->quantity);
    assert(str_equal(again->source, event->source) && str_equal(again->id, event->id));
    assert(str_equal(again->dimensions, event->dimensions));
    assert(again->provenance == event->provenance);
    assert(memcmp(again->key, event->key, sizeof again->key) == 0);
    assert(memcmp(again->refers_to, event->refers_to, sizeof again->refers_to) == 0);
    assert(memcmp(again->content, event->content, sizeof again->content) == 0);
}

static void check_again(struct arena *arena, const struct usage_event *event,
                        const struct json *value)
{
    struct usage_event again;
    struct fault fault;
    struct buf text;
    const struct json *read;
    buf_init(&text, TEXT_MAX);
    write_event(event, value, &text);
    assert(json_read(arena, buf_str(&text), &read, &fault) == FAULT_NONE);
    assert(usage_event_read(arena, read, &again, &fault) == FAULT_NONE);
    check_same(event, &again);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usage_event event = {.quantity = -7};
    struct usage_event scanned = {.quantity = -8};
    struct str text = {(const char *)data, size};
    const struct json *value;
    struct fault fault = {.text = ""};
    struct arena arena;
    if (size > USAGE_EVENT_MAX)
        return 0;
    arena_init(&arena, 16 << 20);
    bool is_scanned = usage_scan_event(&arena, text, &scanned);
    assert(is_scanned || scanned.quantity == -8);
    if (json_read(&arena, text, &value, &fault) == FAULT_NONE &&
        usage_event_read(&arena, value, &event, &fault) == FAULT_NONE) {
        check_limits(&event);
        check_again(&arena, &event, value);
        if (is_scanned)
            check_same(&event, &scanned);
    } else {
        assert(!is_scanned);
        assert(fault.text[0] && event.quantity == -7);
    }
    arena_done(&arena);
    return 0;
}
