#include "libs/wire/handoff.h"

#include "libs/text/json_write.h"
#include "libs/wire/members.h"

/* A text that says something; mended and cut so that the reader accepts it. */
static void put_text(struct json_out *out, const char *name, struct str text, size_t most)
{
    char room[WIRE_COMMAND_MAX];
    if (text.len > 0)
        json_put_text(out, name, wire_fit(text, most, room));
}

static struct json_out open_line(struct buf *buf, const char *name)
{
    struct json_out out = json_out_to(buf);
    json_open(&out, '{');
    json_open_at(&out, name, '{');
    return out;
}

static void close_line(struct json_out *out)
{
    json_close(out, '}');
    json_close(out, '}');
    buf_add_byte(out->buf, '\n');
}

void wire_add_handoff(struct buf *buf, const struct wire_handoff *handoff)
{
    struct json_out out = open_line(buf, "handoff");
    json_put_whole(&out, "version", WIRE_VERSION);
    json_put_text(&out, "id", handoff->id);
    put_text(&out, "tenant", handoff->tenant, WIRE_TEXT_MAX);
    put_text(&out, "sid", handoff->sid, WIRE_TEXT_MAX);
    put_text(&out, "command", handoff->command, WIRE_COMMAND_MAX);
    put_text(&out, "target", handoff->target, WIRE_COMMAND_MAX);
    put_text(&out, "title", handoff->title, WIRE_TEXT_MAX);
    put_text(&out, "investigation", handoff->investigation, WIRE_TEXT_MAX);
    put_text(&out, "user", handoff->user, WIRE_TEXT_MAX);
    put_text(&out, "app", handoff->app, WIRE_TEXT_MAX);
    put_text(&out, "search_sha256", handoff->search_sha256, SHA256_HEX);
    if (handoff->earliest_us != 0)
        json_put_whole(&out, "earliest_us", handoff->earliest_us);
    if (handoff->latest_us != 0)
        json_put_whole(&out, "latest_us", handoff->latest_us);
    put_text(&out, "client", handoff->client, WIRE_TEXT_MAX);
    json_put_whole(&out, "parts", handoff->parts);
    close_line(&out);
}

static bool is_sendable_time(int64_t time_us)
{
    return time_us >= -WIRE_WHOLE_MAX && time_us <= WIRE_WHOLE_MAX;
}

/* Both or none: GRAPH_NO_TIME and times beyond what JSON keeps exactly (the year 2255) say nothing.
 */
static void put_times(struct json_out *out, int64_t first_us, int64_t last_us)
{
    if (!is_sendable_time(first_us) || !is_sendable_time(last_us))
        return;
    json_put_whole(out, "first_us", first_us);
    json_put_whole(out, "last_us", last_us);
}

static void put_samples(struct json_out *out, const struct graph_sample *samples, size_t count)
{
    if (count == 0)
        return;
    json_open_at(out, "samples", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(out, '{');
        json_put_whole(out, "row", (int64_t)samples[i].row);
        if (is_sendable_time(samples[i].time_us))
            json_put_whole(out, "time_us", samples[i].time_us);
        put_text(out, "ref", samples[i].ref, GRAPH_REF_MAX);
        json_close(out, '}');
    }
    json_close(out, ']');
}

void wire_add_entity(struct buf *buf, const struct graph_entity *entity,
                     const struct graph_mapping *mapping)
{
    struct json_out out = open_line(buf, "entity");
    json_put_text(&out, "kind", str_of(graph_kind_info(entity->kind)->name));
    json_put_text(&out, "value", entity->value);
    json_put_whole(&out, "count", (int64_t)entity->count);
    put_times(&out, entity->first_us, entity->last_us);
    if (entity->field_count > 0) {
        json_open_at(&out, "fields", '[');
        for (size_t i = 0; i < entity->field_count; i++)
            put_text(&out, NULL, graph_mapping_at(mapping, entity->fields[i])->name,
                     GRAPH_FIELD_NAME_MAX);
        json_close(&out, ']');
    }
    put_samples(&out, entity->samples, entity->sample_count);
    close_line(&out);
}

void wire_add_relation(struct buf *buf, const struct graph_relation *relation)
{
    struct json_out out = open_line(buf, "relation");
    json_put_text(&out, "type", str_of(graph_relation_name(relation->type)));
    json_put_whole(&out, "from", relation->from);
    json_put_whole(&out, "to", relation->to);
    json_put_whole(&out, "count", (int64_t)relation->count);
    put_times(&out, relation->first_us, relation->last_us);
    put_samples(&out, relation->samples, relation->sample_count);
    close_line(&out);
}

void wire_add_commit(struct buf *buf, const struct wire_commit *commit)
{
    struct json_out out = open_line(buf, "commit");
    json_put_whole(&out, "rows", commit->rows);
    json_put_whole(&out, "entities", commit->entities);
    json_put_whole(&out, "relations", commit->relations);
    json_put_whole(&out, "values", commit->values);
    json_put_whole(&out, "placeholders", commit->placeholders);
    json_put_whole(&out, "invalid", commit->invalid);
    if (commit->masked > 0)
        json_put_whole(&out, "masked", commit->masked);
    if (commit->dropped > 0)
        json_put_whole(&out, "dropped", commit->dropped);
    json_put_whole(&out, "entities_left_out", commit->entities_left_out);
    json_put_whole(&out, "relations_left_out", commit->relations_left_out);
    json_put_text(&out, "content_sha256", commit->content_sha256);
    close_line(&out);
}
