#include "libs/graph/graph.h"

#include <errno.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/graph/family.h"
#include "libs/graph/hash.h"
#include "libs/graph/state.h"

enum {
    ENTITIES_MAX = 1000000,
    RELATIONS_MAX = 4000000,
    ROW_VALUES_LEAST = 64,
    PLACE_BITS = 20, /* of an entity's place in a relation's key */
};

_Static_assert(ENTITIES_MAX <= 1 << PLACE_BITS, "a relation's key holds places of PLACE_BITS bits");

enum fault_code graph_no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory for the graph; lower maxentities");
}

enum fault_code graph_new(const struct graph_mapping *mapping, struct graph_limits limits,
                          struct graph **out, struct fault *fault)
{
    if (limits.entities < 1 || limits.entities > ENTITIES_MAX)
        return fault_field(fault, FAULT_INPUT, "maxentities",
                           "the limit of entities must be from 1 to %d", ENTITIES_MAX);
    if (limits.relations < 1 || limits.relations > RELATIONS_MAX)
        return fault_field(fault, FAULT_INPUT, "maxrelations",
                           "the limit of relations must be from 1 to %d", RELATIONS_MAX);
    struct graph *graph = os_alloc(sizeof *graph);
    if (!graph)
        return graph_no_memory(fault);
    graph->mapping = mapping;
    graph->limits = limits;
    size_t refs = ((size_t)limits.entities + limits.relations) * GRAPH_SAMPLES_MAX;
    arena_init(&graph->texts,
               limits.entities * (size_t)(GRAPH_VALUE_MAX + 32) + refs * (GRAPH_REF_MAX + 32));
    graph->value_room = ROW_VALUES_LEAST;
    graph->values = os_alloc(graph->value_room * sizeof *graph->values);
    graph->memo = graph_memo_new();
    enum fault_code code = FAULT_NONE;
    if (!graph->values || !graph->memo)
        code = graph_no_memory(fault);
    else if (os_random(&graph->seed, sizeof graph->seed) != 0)
        code = fault_errno(fault, errno, "cannot draw the seed of the graph's tables");
    if (code != FAULT_NONE) {
        graph_free(graph);
        return code;
    }
    *out = graph;
    return FAULT_NONE;
}

void graph_mask_set(struct graph *graph, const struct graph_mask *mask)
{
    graph->mask = mask;
}

void graph_free(struct graph *taken)
{
    if (!taken)
        return;
    graph_index_done(&taken->node_index);
    graph_index_done(&taken->link_index);
    arena_done(&taken->texts);
    graph_memo_free(taken->memo);
    os_free(taken->nodes);
    os_free(taken->links);
    os_free(taken->values);
    os_free(taken);
}

/* Entities */

uint64_t graph_node_hash(const struct graph *graph, enum graph_kind kind, struct str value)
{
    return graph_hash(graph->seed + (uint64_t)kind * GRAPH_HASH_A, value);
}

static uint64_t node_hash_at(const void *owner, uint32_t place)
{
    return ((const struct graph *)owner)->nodes[place].hash;
}

uint32_t graph_node_find(const struct graph *graph, enum graph_kind kind, struct str value,
                         uint64_t hash)
{
    uint32_t at = (uint32_t)hash;
    for (;;) {
        uint32_t place = graph_index_next(&graph->node_index, hash, &at);
        if (place == GRAPH_INDEX_NONE)
            return GRAPH_NO_PLACE;
        const struct graph_entity *entity = &graph->nodes[place].entity;
        if (entity->kind == kind && str_equal(entity->value, value))
            return place;
    }
}

bool graph_grow(void **array, uint32_t *room, size_t size, uint32_t limit)
{
    enum { LEAST = 64 };
    uint32_t wanted = *room ? *room * 2 : LEAST;
    if (wanted > limit)
        wanted = limit;
    void *larger = os_resize(*array, wanted * size);
    if (!larger)
        return false;
    *array = larger;
    *room = wanted;
    return true;
}

enum fault_code graph_node_intern(struct graph *graph, enum graph_kind kind, struct str value,
                                  uint32_t *out, struct fault *fault)
{
    uint64_t hash = graph_node_hash(graph, kind, value);
    *out = graph_node_find(graph, kind, value, hash);
    if (*out != GRAPH_NO_PLACE || graph_is_full(graph))
        return FAULT_NONE;
    uint32_t place = graph->node_index.count;
    if (place == graph->node_room && !graph_grow((void **)&graph->nodes, &graph->node_room,
                                                 sizeof *graph->nodes, graph->limits.entities))
        return graph_no_memory(fault);
    if (!graph_index_reserve(&graph->node_index, node_hash_at, graph))
        return graph_no_memory(fault);
    struct str copy = arena_copy(&graph->texts, value);
    if (!copy.ptr)
        return graph_no_memory(fault);
    graph->nodes[place] = (struct node){
        .entity = {.kind = kind,
                   .value = copy,
                   .first_us = GRAPH_NO_TIME,
                   .last_us = GRAPH_NO_TIME},
        .hash = hash,
        .kinds = graph_kind_bits(kind, copy),
        .host = kind == GRAPH_URL ? GRAPH_HOST_UNKNOWN : GRAPH_NO_PLACE,
    };
    graph_index_add(&graph->node_index, hash, place);
    *out = place;
    return FAULT_NONE;
}

/* Sightings */

static void widen(int64_t time_us, int64_t *first_us, int64_t *last_us)
{
    if (time_us == GRAPH_NO_TIME)
        return;
    if (*first_us == GRAPH_NO_TIME || time_us < *first_us)
        *first_us = time_us;
    if (*last_us == GRAPH_NO_TIME || time_us > *last_us)
        *last_us = time_us;
}

static enum fault_code add_sample(struct graph *graph, struct graph_sample *samples, uint8_t *count,
                                  struct fault *fault)
{
    if (*count == GRAPH_SAMPLES_MAX)
        return FAULT_NONE;
    if (graph->event.ref.len > 0 && !graph->ref_copy.ptr) {
        graph->ref_copy = arena_copy(&graph->texts, graph->event.ref);
        if (!graph->ref_copy.ptr)
            return graph_no_memory(fault);
    }
    samples[*count] = graph->event;
    samples[*count].ref = graph->ref_copy;
    (*count)++;
    return FAULT_NONE;
}

enum fault_code graph_node_see(struct graph *graph, uint32_t place, uint16_t field,
                               struct fault *fault)
{
    struct node *node = &graph->nodes[place];
    struct graph_entity *entity = &node->entity;
    if (node->row != graph->row) {
        /* Counted first: whatever is refused below, no entity is left without a sighting. */
        node->row = graph->row;
        node->roles = 0;
        entity->count++;
        widen(graph->event.time_us, &entity->first_us, &entity->last_us);
        graph->row_counts.entities++;
        enum fault_code code = add_sample(graph, entity->samples, &entity->sample_count, fault);
        if (code != FAULT_NONE)
            return code;
    }
    for (uint8_t i = 0; i < entity->field_count; i++)
        if (entity->fields[i] == field)
            return FAULT_NONE;
    if (entity->field_count < GRAPH_ENTITY_FIELDS_MAX)
        entity->fields[entity->field_count++] = field;
    return FAULT_NONE;
}

static uint64_t link_key(enum graph_relation_type type, uint32_t from, uint32_t to)
{
    return ((uint64_t)type << PLACE_BITS | from) << PLACE_BITS | to;
}

static uint64_t link_hash(uint64_t key, uint64_t seed)
{
    return graph_hash_mix(key ^ GRAPH_HASH_B, seed ^ GRAPH_HASH_C);
}

static uint64_t link_hash_at(const void *owner, uint32_t place)
{
    const struct graph *graph = owner;
    const struct graph_relation *relation = &graph->links[place].relation;
    return link_hash(link_key(relation->type, relation->from, relation->to), graph->seed);
}

static enum fault_code make_link(struct graph *graph, struct graph_relation relation, uint64_t hash,
                                 uint32_t *out, struct fault *fault)
{
    uint32_t place = graph->link_index.count;
    if (place == graph->link_room && !graph_grow((void **)&graph->links, &graph->link_room,
                                                 sizeof *graph->links, graph->limits.relations))
        return graph_no_memory(fault);
    if (!graph_index_reserve(&graph->link_index, link_hash_at, graph))
        return graph_no_memory(fault);
    graph->links[place] = (struct link){.relation = relation};
    graph_index_add(&graph->link_index, hash, place);
    *out = place;
    return FAULT_NONE;
}

enum fault_code graph_link_see(struct graph *graph, enum graph_relation_type type, uint32_t from,
                               uint32_t to, struct fault *fault)
{
    uint64_t hash = link_hash(link_key(type, from, to), graph->seed);
    uint32_t at = (uint32_t)hash;
    uint32_t place;
    while ((place = graph_index_next(&graph->link_index, hash, &at)) != GRAPH_INDEX_NONE) {
        const struct graph_relation *found = &graph->links[place].relation;
        if (found->type == type && found->from == from && found->to == to)
            break;
    }
    if (place == GRAPH_INDEX_NONE) {
        if (graph->link_index.count >= graph->limits.relations) {
            graph->counts.relations_left_out++;
            return FAULT_NONE;
        }
        struct graph_relation relation = {.type = type,
                                          .from = from,
                                          .to = to,
                                          .first_us = GRAPH_NO_TIME,
                                          .last_us = GRAPH_NO_TIME};
        enum fault_code code = make_link(graph, relation, hash, &place, fault);
        if (code != FAULT_NONE)
            return code;
    }
    struct link *link = &graph->links[place];
    if (link->row == graph->row)
        return FAULT_NONE;
    link->row = graph->row;
    link->relation.count++;
    widen(graph->event.time_us, &link->relation.first_us, &link->relation.last_us);
    return add_sample(graph, link->relation.samples, &link->relation.sample_count, fault);
}

/* Results */

struct graph_counts graph_counts(const struct graph *graph)
{
    return graph->counts;
}

size_t graph_entity_count(const struct graph *graph)
{
    return graph->node_index.count;
}

size_t graph_relation_count(const struct graph *graph)
{
    return graph->link_index.count;
}

const struct graph_entity *graph_entity_at(const struct graph *graph, size_t index)
{
    return &graph->nodes[index].entity;
}

const struct graph_relation *graph_relation_at(const struct graph *graph, size_t index)
{
    return &graph->links[index].relation;
}
