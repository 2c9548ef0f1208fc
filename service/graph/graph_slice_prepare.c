/* A line of a hand-off as the store takes it: its key and its details as JSON. */
#include "service/graph/graph_slice_resolve.h"

#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/crypto/hash.h"

enum {
    DETAIL_MAX = 2 * WIRE_LINE_MAX, /* bytes of fields or samples: they came in one line */
    KEY_PREFIX = 8,                 /* bytes of the value; the rest of a key is of its digest */
};

/* Kind names hold no NUL, so that the separator keeps (kind, value) unambiguous. */
void graph_slice_write_key(enum graph_kind kind, struct str value,
                           uint8_t out[GRAPH_SLICE_KEY_SIZE])
{
    char text[64 + GRAPH_VALUE_MAX];
    const char *name = graph_kind_info(kind)->name;
    size_t kind_len = strlen(name) + 1;
    assert(kind_len + value.len <= sizeof text);
    memcpy(text, name, kind_len);
    memcpy(text + kind_len, value.ptr, value.len);
    struct sha256 digest = sha256_of((struct str){text, kind_len + value.len});
    memset(out, 0, KEY_PREFIX);
    memcpy(out, value.ptr, value.len < KEY_PREFIX ? value.len : KEY_PREFIX);
    memcpy(out + KEY_PREFIX, digest.bytes, GRAPH_SLICE_KEY_SIZE - KEY_PREFIX);
}

static void write_fields(struct buf *buf, const struct wire_entity *entity)
{
    struct json_out out = json_out_to(buf);
    json_open(&out, '[');
    for (size_t i = 0; i < entity->field_count; i++)
        json_put_text(&out, NULL, entity->fields[i]);
    json_close(&out, ']');
}

static void write_samples(struct buf *buf, const struct graph_sample *samples, size_t count)
{
    struct json_out out = json_out_to(buf);
    json_open(&out, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&out, '{');
        json_put_whole(&out, "row", (int64_t)samples[i].row);
        if (samples[i].time_us == GRAPH_NO_TIME)
            json_put_null(&out, "time_us");
        else
            json_put_whole(&out, "time_us", samples[i].time_us);
        json_put_text(&out, "ref", samples[i].ref);
        json_close(&out, '}');
    }
    json_close(&out, ']');
}

/* What stands in `buf` is copied into the arena, and the buffer is cleared. */
static enum fault_code keep(struct arena *arena, struct buf *buf, const char *what, struct str *out,
                            struct fault *fault)
{
    enum fault_code code = buf_check(buf, what, fault);
    if (code != FAULT_NONE || buf->len == 0)
        return code;
    struct str copy = arena_copy(arena, buf_str(buf));
    if (!copy.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %s", what);
    buf_clear(buf);
    *out = copy;
    return FAULT_NONE;
}

static enum fault_code keep_samples(struct arena *arena, struct buf *buf,
                                    const struct graph_sample *samples, size_t count,
                                    struct str *out, struct fault *fault)
{
    if (count > 0)
        write_samples(buf, samples, count);
    return keep(arena, buf, "the samples of a line", out, fault);
}

enum fault_code graph_slice_prepare_entity(struct arena *arena, const struct wire_entity *entity,
                                           struct graph_slice_entity *out, struct fault *fault)
{
    struct graph_slice_entity prepared = {
        .kind = entity->kind,
        .value = arena_copy(arena, entity->value),
        .count = entity->count,
        .first_us = entity->first_us,
        .last_us = entity->last_us,
    };
    struct buf json;
    if (!prepared.value.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the value of an entity");
    graph_slice_write_key(entity->kind, entity->value, prepared.key);
    buf_init(&json, DETAIL_MAX);
    if (entity->field_count > 0)
        write_fields(&json, entity);
    enum fault_code code = keep(arena, &json, "the fields of an entity", &prepared.fields, fault);
    if (code == FAULT_NONE)
        code = keep_samples(arena, &json, entity->samples, entity->sample_count, &prepared.samples,
                            fault);
    buf_done(&json);
    if (code == FAULT_NONE)
        *out = prepared;
    return code;
}

enum fault_code graph_slice_prepare_relation(struct arena *arena,
                                             const struct wire_relation *relation,
                                             struct graph_slice_relation *out, struct fault *fault)
{
    struct graph_slice_relation prepared = {
        .type = relation->type,
        .from = relation->from,
        .to = relation->to,
        .count = relation->count,
        .first_us = relation->first_us,
        .last_us = relation->last_us,
    };
    struct buf json;
    buf_init(&json, DETAIL_MAX);
    enum fault_code code = keep_samples(arena, &json, relation->samples, relation->sample_count,
                                        &prepared.samples, fault);
    buf_done(&json);
    if (code == FAULT_NONE)
        *out = prepared;
    return code;
}
