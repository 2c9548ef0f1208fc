/* Recorded events of a real attack exercise, read from beside the repository where they are there.
 */
#include "libs/graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/file.h"
#include "libs/text/json.h"

#define EVENTS SOURCE_DIR "/../shared/data/events/apt29_day1_zeek.jsonl"

struct tally {
    size_t events;
    size_t with_entity;
    size_t with_relation;
};

static void add_value(struct graph *graph, size_t field, const struct json *value)
{
    struct str text;
    struct fault fault;
    if (json_text(value, &text))
        assert_int_equal(graph_row_add(graph, field, text, &fault), FAULT_NONE);
}

static uint64_t sightings(const struct graph *graph)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < graph_relation_count(graph); i++)
        sum += graph_relation_at(graph, i)->count;
    return sum;
}

static void add_event(struct graph *graph, const struct graph_mapping *mapping, struct str line,
                      struct tally *tally)
{
    struct arena arena;
    struct fault fault;
    const struct json *event;
    struct graph_row_counts counts;
    struct graph_sample sample = {.row = tally->events, .time_us = GRAPH_NO_TIME};
    uint64_t before = sightings(graph);
    arena_init(&arena, 1 << 20);
    assert_int_equal(json_read(&arena, line, &event, &fault), FAULT_NONE);
    graph_row_begin(graph, &sample);
    for (const struct json *member = json_first(event); member; member = json_next(member)) {
        const struct graph_field *field = graph_mapping_find(mapping, json_name(member));
        if (!field)
            continue;
        size_t at = (size_t)(field - graph_mapping_at(mapping, 0));
        add_value(graph, at, member);
        for (const struct json *item = json_is_array(member) ? json_first(member) : NULL; item;
             item = json_next(item))
            add_value(graph, at, item);
    }
    assert_int_equal(graph_row_end(graph, &counts, &fault), FAULT_NONE);
    tally->events++;
    tally->with_entity += counts.entities > 0;
    tally->with_relation += sightings(graph) > before;
    arena_done(&arena);
}

static void real_events__give_entities_and_relations(void **state)
{
    (void)state;
    struct buf file;
    struct fault fault;
    struct tally tally = {0};
    struct graph_mapping *mapping = NULL;
    struct graph *graph = NULL;
    buf_init(&file, 16 << 20);
    if (file_read(EVENTS, &file, &fault) == FAULT_NOT_FOUND)
        skip();
    assert_int_equal(graph_mapping_read(graph_mapping_default(), &mapping, &fault), FAULT_NONE);
    assert_int_equal(graph_new(mapping, (struct graph_limits){10000, 30000}, &graph, &fault),
                     FAULT_NONE);
    struct str rest = buf_str(&file);
    while (rest.len > 0) {
        struct str line;
        str_cut(rest, '\n', &line, &rest);
        add_event(graph, mapping, line, &tally);
    }
    struct graph_counts counts = graph_counts(graph);
    print_message("%zu events: %zu with an entity, %zu with a relation; %zu entities, %zu "
                  "relations of %llu values, %llu placeholders, %llu invalid\n",
                  tally.events, tally.with_entity, tally.with_relation, graph_entity_count(graph),
                  graph_relation_count(graph), (unsigned long long)counts.values,
                  (unsigned long long)counts.placeholders, (unsigned long long)counts.invalid);
    assert_int_equal(tally.with_entity, tally.events);
    assert_true(tally.with_relation * 100 >= tally.events * 80);
    assert_true(counts.invalid * 100 <= counts.values);
    assert_int_equal(counts.entities_left_out + counts.relations_left_out, 0);
    graph_free(graph);
    graph_mapping_free(mapping);
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_events__give_entities_and_relations),
    };
    return cmocka_run_group_tests_name("real events", tests, NULL, NULL);
}
