/* What the service counts itself: events of its own meters, in the transaction of what they count.
 */
#include "service/usage/usage.h"

#include <stdio.h>
#include <string.h>

#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/usage/usage_ingest.h"

enum { EVENT_BYTES = 8192, EVENT_ARENA_MAX = 1 << 20, ID_BYTES = 32 };

/* One event of quantity 1. */
struct own_event {
    struct str tenant;
    const char *source;
    struct str id;
    int64_t at_us;
    struct str subject; /* "": nobody in particular */
    const char *meter;
    const char *dimension;
    struct str value; /* "": without it */
};

/* A name may hold what a dimension may not. */
static void put_name(struct json_out *out, const char *member, struct str name)
{
    char text[USAGE_TEXT_MAX];
    size_t len = name.len < sizeof text ? name.len : sizeof text - 1;
    while (len < name.len && len > 0 && ((unsigned char)name.ptr[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    for (size_t i = 0; i < len; i++)
        text[i] = (unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f ? '?' : name.ptr[i];
    json_put_text(out, member, (struct str){text, len});
}

static void write_event(struct buf *out, const struct own_event *event)
{
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, event->at_us);
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "specversion", STR("1.0"));
    json_put_text(&json, "type", STR("io.intelgraph.usage.use"));
    json_put_text(&json, "source", str_of(event->source));
    json_put_text(&json, "id", event->id);
    json_put_text(&json, "time", buf_str(&time));
    if (event->subject.len > 0)
        put_name(&json, "subject", event->subject);
    json_open_at(&json, "data", '{');
    json_put_text(&json, "meter", str_of(event->meter));
    json_put_whole(&json, "quantity", 1);
    json_open_at(&json, "dimensions", '{');
    if (event->value.len > 0)
        put_name(&json, event->dimension, event->value);
    json_close(&json, '}');
    json_close(&json, '}');
    json_close(&json, '}');
    buf_done(&time);
}

static enum fault_code check_taken(const struct usage_batch *batch, const char *meter,
                                   struct fault *fault)
{
    const struct usage_item *item = &batch->items[0];
    if (!item->refused && item->outcome != USAGE_REJECTED)
        return FAULT_NONE;
    return fault_set(fault, FAULT_CORRUPT, "an event of the meter %s cannot be counted: %.*s",
                     meter, STR_ARG(item->detail));
}

static enum fault_code count_own(struct store *store, const struct own_event *event,
                                 struct arena *arena, struct fault *fault)
{
    struct arena scratch;
    struct buf text;
    struct usage_batch batch = {.arena = arena,
                                .scratch = &scratch,
                                .tenant = event->tenant,
                                .is_own = true,
                                .received_us = event->at_us};
    arena_init(&scratch, EVENT_ARENA_MAX);
    buf_init(&text, EVENT_BYTES);
    write_event(&text, event);
    enum fault_code code = buf_check(&text, "an event of the service's own", fault);
    if (code == FAULT_NONE)
        code = usage_batch_add(&batch, buf_str(&text), fault);
    if (code == FAULT_NONE)
        code = check_taken(&batch, event->meter, fault);
    if (code == FAULT_NONE)
        code = usage_batch_store_in(&batch, store, fault);
    if (code == FAULT_NONE)
        code = check_taken(&batch, event->meter, fault);
    buf_done(&text);
    arena_done(&scratch);
    return code;
}

enum fault_code usage_count_handoff(struct store *store, const struct usage_handoff *handoff,
                                    struct arena *arena, struct fault *fault)
{
    const struct own_event event = {
        .tenant = handoff->tenant,
        .source = USAGE_OWN_SOURCES "handoffs",
        .id = handoff->id,
        .at_us = handoff->committed_us,
        .subject = handoff->analyst,
        .meter = "handoffs",
        .dimension = "analyst",
        .value = handoff->analyst,
    };
    return count_own(store, &event, arena, fault);
}

/* --- operations ----------------------------------------------------------------------------- */

const char *const usage_operations[] = {"token.used", "token.issued", "entity.opened",
                                        "handoff.opened", NULL};

static bool is_metered(const char *action)
{
    for (size_t i = 0; usage_operations[i]; i++)
        if (strcmp(action, usage_operations[i]) == 0)
            return true;
    return false;
}

enum fault_code usage_count_recorded(void *context, struct store *store,
                                     const struct audit_record *record, int64_t time_us,
                                     int64_t index, struct fault *fault)
{
    (void)context;
    char id[ID_BYTES];
    struct arena arena;
    if (!is_metered(record->action))
        return FAULT_NONE;
    snprintf(id, sizeof id, "%lld", (long long)index);
    const struct own_event event = {
        .tenant = record->tenant,
        .source = USAGE_OWN_SOURCES "audit",
        .id = str_of(id),
        .at_us = time_us,
        .subject = record->subject,
        .meter = "operations",
        .dimension = "operation",
        .value = str_of(record->action),
    };
    arena_init(&arena, EVENT_ARENA_MAX);
    enum fault_code code = count_own(store, &event, &arena, fault);
    arena_done(&arena);
    return code;
}
