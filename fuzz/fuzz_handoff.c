/* The hand-off decoder: no input breaks it, a refusal tells why, and what it accepts, encoded and
 * decoded again, is the same. */
#include "libs/wire/handoff.h"

#include <assert.h>
#include <string.h>

enum { ARENA_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_samples(const struct graph_sample *a, const struct graph_sample *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(a[i].row == b[i].row);
        assert(a[i].time_us == b[i].time_us);
    }
}

static void check_relation(const struct wire_relation *relation, struct arena *arena,
                           struct buf *buf)
{
    struct graph_relation again = {
        .type = relation->type,
        .from = (uint32_t)relation->from,
        .to = (uint32_t)relation->to,
        .count = (uint64_t)relation->count,
        .first_us = relation->first_us,
        .last_us = relation->last_us,
        .sample_count = (uint8_t)relation->sample_count,
    };
    struct wire_line line;
    struct fault fault;
    memcpy(again.samples, relation->samples, sizeof again.samples);
    wire_add_relation(buf, &again);
    enum fault_code code =
        wire_read_line(arena, str_take(buf_str(buf), buf->len - 1), &line, &fault);
    assert(code == FAULT_NONE && line.kind == WIRE_RELATION);
    assert(line.relation.type == relation->type && line.relation.count == relation->count);
    assert(line.relation.from == relation->from && line.relation.to == relation->to);
    assert(line.relation.first_us == relation->first_us);
    assert(line.relation.last_us == relation->last_us);
    assert(line.relation.sample_count == relation->sample_count);
    check_samples(line.relation.samples, relation->samples, relation->sample_count);
}

static void check_handoff(const struct wire_handoff *handoff, struct arena *arena, struct buf *buf)
{
    struct wire_line line;
    struct fault fault;
    char room[WIRE_COMMAND_MAX];
    wire_add_handoff(buf, handoff);
    enum fault_code code =
        wire_read_line(arena, str_take(buf_str(buf), buf->len - 1), &line, &fault);
    assert(code == FAULT_NONE && line.kind == WIRE_HANDOFF);
    assert(str_equal(line.handoff.id, handoff->id));
    assert(str_equal(line.handoff.command, wire_fit(handoff->command, sizeof room, room)));
    assert(line.handoff.parts == handoff->parts);
}

static void check_entity(const struct wire_entity *entity)
{
    assert(entity->kind < GRAPH_KIND_COUNT && entity->count >= 1);
    assert(entity->value.len > 0 && entity->value.len <= GRAPH_VALUE_MAX);
    assert(entity->field_count <= WIRE_FIELDS_MAX && entity->sample_count <= GRAPH_SAMPLES_MAX);
    assert(graph_is_normal(entity->kind, entity->value));
}

static void check_line(struct str text, struct arena *arena, struct buf *buf)
{
    struct wire_line line;
    struct fault fault = {0};
    enum fault_code code = wire_read_line(arena, text, &line, &fault);
    if (code != FAULT_NONE) {
        assert(code == FAULT_INPUT || code == FAULT_LIMIT);
        assert(fault.code == code && fault.text[0] != '\0');
        return;
    }
    if (line.kind == WIRE_HANDOFF)
        check_handoff(&line.handoff, arena, buf);
    else if (line.kind == WIRE_ENTITY)
        check_entity(&line.entity);
    else if (line.kind == WIRE_RELATION)
        check_relation(&line.relation, arena, buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct str line;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, ARENA_MAX);
    buf_init(&buf, WIRE_LINE_MAX);
    while (wire_next_line(&body, &line)) {
        check_line(line, &arena, &buf);
        arena_reset(&arena);
        buf_clear(&buf);
    }
    struct wire_receipt receipt;
    struct fault fault;
    struct str whole = {(const char *)data, size < 8192 ? size : 8192};
    if (wire_read_receipt(&arena, whole, &receipt, &fault) == FAULT_NONE)
        assert(wire_is_id(receipt.id));
    arena_done(&arena);
    buf_done(&buf);
    return 0;
}
