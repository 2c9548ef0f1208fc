/* Entity resolution: what a hand-off names becomes one with what earlier ones named.
 *
 * Commits of a tenant are one after the other (the store has one writer), so ids are given out in
 * memory and the number of earlier hand-offs is what the row holds at that moment. */
#include "service/graph/graph_slice.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/graph/graph_slice_resolve.h"

enum { ROOM_LEAST = 1024 }; /* entities */

struct merged {
    int64_t id;
    uint32_t degree; /* relations at it that have come */
    uint32_t written;
};

struct graph_slice_merge {
    struct graph_slice_scope scope; /* owns its copy of the tenant's name */
    int64_t first_new;              /* ids from here on came with this hand-off */
    int64_t next_id;
    size_t count; /* of entities so far */
    size_t room;
    struct merged *entities; /* by their place in the hand-off */
    struct graph_slice_counts counts;
};

static enum fault_code read_next_id(struct graph_slice_merge *merge, struct fault *fault)
{
    static const char sql[] = "SELECT coalesce(max(id), 0) + 1 FROM graph_entities"
                              " WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(merge->scope.store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, merge->scope.tenant);
    code = store_read_whole(query, &merge->next_id, fault);
    merge->first_new = merge->next_id;
    return code;
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
    os_free(taken->entities);
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
    struct merged *entities = os_resize(merge->entities, room * sizeof *entities);
    if (!entities)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %zu entities", room);
    merge->entities = entities;
    merge->room = room;
    return FAULT_NONE;
}

static void bind_json(struct statement *statement, int place, struct str json)
{
    if (json.len > 0)
        store_bind_text(statement, place, json);
    else
        store_bind_null(statement, place);
}

/* --- entities ------------------------------------------------------------------------------- */

static enum fault_code record_entity(struct graph_slice_merge *merge,
                                     const struct graph_slice_entity *entity, int64_t id,
                                     int64_t earlier, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO graph_handoff_entities (tenant, handoff, entity, row_count, first_us, last_us,"
        " degree, earlier, fields, samples) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    struct statement *insert;
    enum fault_code code = store_prepare(merge->scope.store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, merge->scope.tenant);
    store_bind_whole(insert, 2, merge->scope.handoff);
    store_bind_whole(insert, 3, id);
    store_bind_whole(insert, 4, entity->count);
    graph_slice_bind_time(insert, 5, entity->first_us);
    graph_slice_bind_time(insert, 6, entity->last_us);
    store_bind_whole(insert, 7, entity->degree);
    store_bind_whole(insert, 8, earlier);
    bind_json(insert, 9, entity->fields);
    bind_json(insert, 10, entity->samples);
    return store_run(insert, fault);
}

enum fault_code graph_slice_merge_entity(struct graph_slice_merge *merge,
                                         const struct graph_slice_entity *entity,
                                         struct fault *fault)
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
    merge->entities[merge->count++] = (struct merged){.id = id, .written = entity->degree};
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
                                       const struct graph_slice_relation *relation, int64_t earlier,
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
    store_bind_text(insert, 1, merge->scope.tenant);
    store_bind_whole(insert, 2, merge->scope.handoff);
    store_bind_whole(insert, 3, merge->entities[relation->from].id);
    store_bind_whole(insert, 4, merge->entities[relation->to].id);
    store_bind_text(insert, 5, str_of(graph_relation_name(relation->type)));
    store_bind_whole(insert, 6, relation->count);
    graph_slice_bind_time(insert, 7, relation->first_us);
    graph_slice_bind_time(insert, 8, relation->last_us);
    store_bind_whole(insert, 9, earlier);
    bind_json(insert, 10, relation->samples);
    return store_run(insert, fault);
}

enum fault_code graph_slice_merge_relation(struct graph_slice_merge *merge,
                                           const struct graph_slice_relation *relation,
                                           struct fault *fault)
{
    int64_t earlier = 0;
    assert(relation->from >= 0 && (size_t)relation->from < merge->count);
    assert(relation->to >= 0 && (size_t)relation->to < merge->count);
    int64_t from_id = merge->entities[relation->from].id;
    int64_t to_id = merge->entities[relation->to].id;
    bool is_new = from_id >= merge->first_new || to_id >= merge->first_new;
    enum fault_code code = graph_slice_resolve_relation(&merge->scope, relation, from_id, to_id,
                                                        is_new, &earlier, fault);
    if (code == FAULT_NONE)
        code = record_relation(merge, relation, earlier, fault);
    if (code != FAULT_NONE)
        return code;
    merge->entities[relation->from].degree++;
    if (relation->to != relation->from)
        merge->entities[relation->to].degree++;
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
        const struct merged *entity = &merge->entities[i];
        struct statement *update;
        if (entity->degree == entity->written)
            continue;
        enum fault_code code = store_prepare(merge->scope.store, sql, &update, fault);
        if (code != FAULT_NONE)
            return code;
        store_bind_whole(update, 1, entity->degree);
        store_bind_text(update, 2, merge->scope.tenant);
        store_bind_whole(update, 3, merge->scope.handoff);
        store_bind_whole(update, 4, entity->id);
        code = store_run(update, fault);
        if (code != FAULT_NONE)
            return code;
    }
    *out = merge->counts;
    return FAULT_NONE;
}
