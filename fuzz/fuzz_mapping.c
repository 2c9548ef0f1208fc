/* Any text as a field mapping and, after a NUL, rows of `field=value` lines with an empty line
 * between them: the mapping is refused with a sentence or holds; the graph keeps its limits and its
 * counts. */
#include <assert.h>
#include <stdint.h>

#include "libs/graph/graph.h"

enum { ENTITIES = 20, RELATIONS = 30 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_graph(const struct graph *graph)
{
    struct graph_counts counts = graph_counts(graph);
    assert(graph_entity_count(graph) <= ENTITIES && graph_relation_count(graph) <= RELATIONS);
    for (size_t i = 0; i < graph_entity_count(graph); i++) {
        const struct graph_entity *entity = graph_entity_at(graph, i);
        assert(graph_is_normal(entity->kind, entity->value));
        assert(entity->count >= 1 && entity->count <= counts.rows);
        assert(entity->sample_count ==
               (entity->count < GRAPH_SAMPLES_MAX ? entity->count : GRAPH_SAMPLES_MAX));
        assert(entity->field_count >= 1 && entity->first_us <= entity->last_us);
        for (size_t j = 0; j < i; j++)
            assert(entity->kind != graph_entity_at(graph, j)->kind ||
                   !str_equal(entity->value, graph_entity_at(graph, j)->value));
    }
    for (size_t i = 0; i < graph_relation_count(graph); i++) {
        const struct graph_relation *relation = graph_relation_at(graph, i);
        assert(relation->from < graph_entity_count(graph) &&
               relation->to < graph_entity_count(graph) && relation->from != relation->to);
        assert(relation->count >= 1 && relation->count <= counts.rows);
        assert(relation->count <= graph_entity_at(graph, relation->from)->count);
    }
}

static void add_cell(struct graph *graph, const struct graph_mapping *mapping, struct str line)
{
    struct fault fault;
    struct str name;
    struct str value;
    str_cut(line, '=', &name, &value);
    const struct graph_field *field = graph_mapping_find(mapping, name);
    if (!field)
        return;
    enum fault_code code =
        graph_row_add(graph, (size_t)(field - graph_mapping_at(mapping, 0)), value, &fault);
    assert(code == FAULT_NONE || code == FAULT_NO_MEMORY);
}

static void feed(const struct graph_mapping *mapping, struct str rows)
{
    struct graph *graph;
    struct fault fault;
    struct graph_row_counts counts;
    struct graph_sample event = {.ref = STR("1:2")};
    struct graph_limits limits = {.entities = ENTITIES, .relations = RELATIONS};
    if (graph_new(mapping, limits, &graph, &fault) != FAULT_NONE)
        return;
    graph_row_begin(graph, &event);
    while (rows.len > 0) {
        struct str line;
        str_cut(rows, '\n', &line, &rows);
        if (line.len > 0)
            add_cell(graph, mapping, line);
        if (line.len > 0 && rows.len > 0)
            continue;
        if (graph_row_end(graph, &counts, &fault) != FAULT_NONE)
            break;
        assert(counts.entities <= graph_entity_count(graph));
        event.row++;
        event.time_us += 1000;
        graph_row_begin(graph, &event);
    }
    check_graph(graph);
    graph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct graph_mapping *mapping = NULL;
    struct fault fault = {0};
    struct str csv;
    struct str rows;
    str_cut((struct str){(const char *)data, size}, '\0', &csv, &rows);
    if (graph_mapping_read(csv, &mapping, &fault) != FAULT_NONE) {
        assert(mapping == NULL && fault.text[0] != '\0');
        return 0;
    }
    assert(graph_mapping_count(mapping) <= GRAPH_FIELDS_MAX);
    for (size_t i = 0; i < graph_mapping_count(mapping); i++) {
        const struct graph_field *field = graph_mapping_at(mapping, i);
        assert(graph_mapping_find(mapping, field->name) == field);
        assert(field->type >= 0 && field->type < GRAPH_TYPE_COUNT);
        assert(field->role < GRAPH_ROLE_COUNT);
    }
    feed(mapping, rows);
    graph_mapping_free(mapping);
    return 0;
}
