/* Entity resolution: what a hand-off names becomes one with what earlier ones named.
 *
 * Commits of a tenant are one after the other (the store has one writer), so ids are given out in
 * memory and the number of earlier hand-offs is what the row holds at that moment. */
#include "service/graph/graph_slice.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/graph/graph_slice_resolve.h"

enum {
    ROOM_LEAST = 1024,              /* entities */
    DETAIL_MAX = 2 * WIRE_LINE_MAX, /* bytes of fields or samples as JSON: they came in one line */
};

struct graph_slice_merge {
    struct graph_slice_scope scope; /* owns its copy of the tenant's name */
    int64_t next_id;
    size_t count; /* of entities so far */
    size_t room;
    int64_t *ids; /* by the entity's place in the hand-off */
    uint32_t *degrees;
    struct graph_slice_counts counts;
    struct buf fields; /* JSON of the row under way */
    struct buf samples;
};

static enum fault_code read_next_id(struct graph_slice_merge *merge, struct fault *fault)
{
    static const char sql[] = "SELECT coalesce(max(id), 0) + 1 FROM graph_entities"
                              " WHERE tenant = $1";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(merge->scope.store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, merge->scope.tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    assert(row && "an aggregate gives one row");
    merge->next_id = store_whole(query, 0);
    store_reset(query);
    return FAULT_NONE;
}

enum fault_code graph_slice_merge_new(struct store *store, struct str tenant, int64_t handoff,
                                      struct graph_slice_merge **out, struct fault *fault)
{
    struct graph_slice_merge *merge = os_alloc(sizeof *merge);
    char *name = os_alloc(tenant.len + 1);
    if (!merge || !name) {
        os_free(merge);
        os_free(name);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for merging a hand-off");
    }
    memcpy(name, tenant.ptr, tenant.len);
    merge->scope.store = store;
    merge->scope.tenant = (struct str){name, tenant.len};
    merge->scope.handoff = handoff;
    buf_init(&merge->fields, DETAIL_MAX);
    buf_init(&merge->samples, DETAIL_MAX);
    enum fault_code code = read_next_id(merge, fault);
    if (code != FAULT_NONE) {
        graph_slice_merge_free(merge);
        return code;
    }
    *out = merge;
    return FAULT_NONE;
}

void graph_slice_merge_free(struct graph_slice_merge *taken)
{
    if (!taken)
        return;
    buf_done(&taken->fields);
    buf_done(&taken->samples);
    os_free(taken->ids);
    os_free(taken->degrees);
    os_free((char *)taken->scope.tenant.ptr);
    os_free(taken);
}

static enum fault_code make_room(struct graph_slice_merge *merge, struct fault *fault)
{
    if (merge->count < merge->room)
        return FAULT_NONE;
    if (merge->count >= WIRE_ENTITIES_MAX)
        return fault_field(fault, FAULT_LIMIT, "entity",
                           "a hand-off may hold %d entities, not more", WIRE_ENTITIES_MAX);
    size_t room = merge->room ? merge->room * 2 : ROOM_LEAST;
    int64_t *ids = os_resize(merge->ids, room * sizeof *ids);
    if (ids)
        merge->ids = ids;
    uint32_t *degrees = ids ? os_resize(merge->degrees, room * sizeof *degrees) : NULL;
    if (!degrees)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %zu entities", room);
    merge->degrees = degrees;
    merge->room = room;
    return FAULT_NONE;
}

/* --- the row's details as JSON -------------------------------------------------------------- */

static void write_fields(struct buf *buf, const struct wire_entity *entity)
{
    struct json_out out = json_out_to(buf);
    buf_clear(buf);
    if (entity->field_count == 0)
        return;
    json_open(&out, '[');
    for (size_t i = 0; i < entity->field_count; i++)
        json_put_text(&out, NULL, entity->fields[i]);
    json_close(&out, ']');
}

static void write_samples(struct buf *buf, const struct graph_sample *samples, size_t count)
{
    struct json_out out = json_out_to(buf);
    buf_clear(buf);
    if (count == 0)
        return;
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

static void bind_detail(struct statement *statement, int place, const struct buf *buf)
{
    if (buf->len > 0)
        store_bind_text(statement, place, buf_str(buf));
    else
        store_bind_null(statement, place);
}

/* --- entities ------------------------------------------------------------------------------- */

static enum fault_code record_entity(struct graph_slice_merge *merge,
                                     const struct wire_entity *entity, int64_t id, int64_t earlier,
                                     struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO graph_handoff_entities (tenant, handoff, entity, row_count, first_us, last_us,"
        " degree, earlier, fields, samples) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)";
    struct statement *insert;
    enum fault_code code = store_prepare(merge->scope.store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    write_fields(&merge->fields, entity);
    write_samples(&merge->samples, entity->samples, entity->sample_count);
    code = buf_check(&merge->fields, "the fields of an entity", fault);
    if (code == FAULT_NONE)
        code = buf_check(&merge->samples, "the samples of an entity", fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, merge->scope.tenant);
    store_bind_whole(insert, 2, merge->scope.handoff);
    store_bind_whole(insert, 3, id);
    store_bind_whole(insert, 4, entity->count);
    graph_slice_bind_time(insert, 5, entity->first_us);
    graph_slice_bind_time(insert, 6, entity->last_us);
    store_bind_whole(insert, 7, earlier);
    bind_detail(insert, 8, &merge->fields);
    bind_detail(insert, 9, &merge->samples);
    return store_run(insert, fault);
}

enum fault_code graph_slice_merge_entity(struct graph_slice_merge *merge,
                                         const struct wire_entity *entity, struct fault *fault)
{
    int64_t id = 0;
    int64_t earlier = 0;
    enum fault_code code = make_room(merge, fault);
    if (code == FAULT_NONE)
        code =
            graph_slice_resolve_entity(&merge->scope, entity, merge->next_id, &id, &earlier, fault);
    if (code == FAULT_NONE)
        code = record_entity(merge, entity, id, earlier, fault);
    if (code != FAULT_NONE)
        return code;
    merge->ids[merge->count] = id;
    merge->degrees[merge->count] = 0;
    merge->count++;
    if (id == merge->next_id) {
        merge->next_id++;
        merge->counts.entities_new++;
    } else {
        merge->counts.entities_merged++;
    }
    return FAULT_NONE;
}

/* --- relations ------------------------------------------------------------------------------ */

static enum fault_code record_relation(struct graph_slice_merge *merge,
                                       const struct wire_relation *relation, int64_t earlier,
                                       struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO graph_handoff_relations (tenant, handoff, from_entity, to_entity, type,"
        " row_count, first_us, last_us, earlier, samples)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    struct statement *insert;
    enum fault_code code = store_prepare(merge->scope.store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    write_samples(&merge->samples, relation->samples, relation->sample_count);
    code = buf_check(&merge->samples, "the samples of a relation", fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, merge->scope.tenant);
    store_bind_whole(insert, 2, merge->scope.handoff);
    store_bind_whole(insert, 3, merge->ids[relation->from]);
    store_bind_whole(insert, 4, merge->ids[relation->to]);
    store_bind_text(insert, 5, str_of(graph_relation_name(relation->type)));
    store_bind_whole(insert, 6, relation->count);
    graph_slice_bind_time(insert, 7, relation->first_us);
    graph_slice_bind_time(insert, 8, relation->last_us);
    store_bind_whole(insert, 9, earlier);
    bind_detail(insert, 10, &merge->samples);
    return store_run(insert, fault);
}

enum fault_code graph_slice_merge_relation(struct graph_slice_merge *merge,
                                           const struct wire_relation *relation,
                                           struct fault *fault)
{
    int64_t earlier = 0;
    assert(relation->from >= 0 && (size_t)relation->from < merge->count);
    assert(relation->to >= 0 && (size_t)relation->to < merge->count);
    enum fault_code code =
        graph_slice_resolve_relation(&merge->scope, relation, merge->ids[relation->from],
                                     merge->ids[relation->to], &earlier, fault);
    if (code == FAULT_NONE)
        code = record_relation(merge, relation, earlier, fault);
    if (code != FAULT_NONE)
        return code;
    merge->degrees[relation->from]++;
    if (relation->to != relation->from)
        merge->degrees[relation->to]++;
    if (earlier == 0)
        merge->counts.relations_new++;
    else
        merge->counts.relations_merged++;
    return FAULT_NONE;
}

/* --- the end -------------------------------------------------------------------------------- */

enum fault_code graph_slice_merge_end(struct graph_slice_merge *merge,
                                      struct graph_slice_counts *out, struct fault *fault)
{
    static const char sql[] = "UPDATE graph_handoff_entities SET degree = $1"
                              " WHERE tenant = $2 AND handoff = $3 AND entity = $4";
    for (size_t i = 0; i < merge->count; i++) {
        struct statement *update;
        if (merge->degrees[i] == 0)
            continue;
        enum fault_code code = store_prepare(merge->scope.store, sql, &update, fault);
        if (code != FAULT_NONE)
            return code;
        store_bind_whole(update, 1, merge->degrees[i]);
        store_bind_text(update, 2, merge->scope.tenant);
        store_bind_whole(update, 3, merge->scope.handoff);
        store_bind_whole(update, 4, merge->ids[i]);
        code = store_run(update, fault);
        if (code != FAULT_NONE)
            return code;
    }
    *out = merge->counts;
    return FAULT_NONE;
}
