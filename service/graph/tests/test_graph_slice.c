#include "service/graph/graph_slice.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"
#include "libs/text/json.h"
#include "service/migrations/migrations.h"

static char folder[64];
static struct store *store;
static struct arena arena;
static struct buf text;
static struct fault fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", fault.text);                                                            \
    } while (0)

static int set_up(void **state)
{
    char path[128];
    char place[PLACE_MAX];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/graph-slice-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/graph.db", folder);
    place_make(path, place);
    MUST(store_open(place, &store, &fault));
    MUST(store_migrate(store, service_migrations, service_migration_count, &fault));
    arena_init(&arena, 64 << 20);
    buf_init(&text, 64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"graph.db", "graph.db-wal", "graph.db-shm"};
    char path[128];
    (void)state;
    store_close(store);
    arena_done(&arena);
    buf_done(&text);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static int64_t whole(const char *sql)
{
    struct statement *query;
    bool row;
    MUST(store_prepare(store, sql, &query, &fault));
    MUST(store_step(query, &row, &fault));
    assert_true(row);
    int64_t number = store_whole(query, 0);
    store_reset(query);
    return number;
}

/* --- merging -------------------------------------------------------------------------------- */

static struct wire_entity entity_of(enum graph_kind kind, const char *value)
{
    return (struct wire_entity){.kind = kind,
                                .value = str_of(value),
                                .count = 1,
                                .first_us = GRAPH_NO_TIME,
                                .last_us = GRAPH_NO_TIME};
}

static struct wire_relation relation_of(enum graph_relation_type type, int64_t from, int64_t to)
{
    return (struct wire_relation){.type = type,
                                  .from = from,
                                  .to = to,
                                  .count = 1,
                                  .first_us = GRAPH_NO_TIME,
                                  .last_us = GRAPH_NO_TIME};
}

static struct graph_slice_merge *begin(const char *tenant, int64_t handoff)
{
    struct graph_slice_merge *merge;
    MUST(store_begin(store, &fault));
    MUST(graph_slice_merge_new(store, str_of(tenant), handoff, &merge, &fault));
    return merge;
}

static struct graph_slice_counts end(struct graph_slice_merge *merge)
{
    struct graph_slice_counts counts;
    MUST(graph_slice_merge_end(merge, &counts, &fault));
    MUST(store_commit(store, &fault));
    graph_slice_merge_free(merge);
    return counts;
}

static enum fault_code merge_entity(struct graph_slice_merge *merge,
                                    const struct wire_entity *entity)
{
    struct graph_slice_entity prepared;
    MUST(graph_slice_prepare_entity(&arena, entity, &prepared, &fault));
    return graph_slice_merge_entity(merge, &prepared, &fault);
}

static enum fault_code merge_relation(struct graph_slice_merge *merge,
                                      const struct wire_relation *relation)
{
    struct graph_slice_relation prepared;
    MUST(graph_slice_prepare_relation(&arena, relation, &prepared, &fault));
    return graph_slice_merge_relation(merge, &prepared, &fault);
}

static void add(struct graph_slice_merge *merge, enum graph_kind kind, const char *value)
{
    struct wire_entity entity = entity_of(kind, value);
    MUST(merge_entity(merge, &entity));
}

static void link_up(struct graph_slice_merge *merge, int64_t from, int64_t to)
{
    struct wire_relation relation = relation_of(GRAPH_CONNECTS_TO, from, to);
    MUST(merge_relation(merge, &relation));
}

static void entity__is_one_across_handoffs_and_its_counts_and_times_add_up(void **state)
{
    (void)state;
    struct wire_entity entity = entity_of(GRAPH_IP, "10.0.0.1");
    entity.count = 5;
    entity.first_us = 100;
    entity.last_us = 200;
    struct graph_slice_merge *merge = begin("acme", 1);
    MUST(merge_entity(merge, &entity));
    assert_int_equal(end(merge).entities_new, 1);

    entity.count = 7;
    entity.first_us = 50;
    entity.last_us = 150;
    merge = begin("acme", 2);
    MUST(merge_entity(merge, &entity));
    struct graph_slice_counts counts = end(merge);
    assert_int_equal(counts.entities_new, 0);
    assert_int_equal(counts.entities_merged, 1);
    assert_int_equal(whole("SELECT count(*) FROM graph_entities"), 1);
    assert_int_equal(whole("SELECT row_count FROM graph_entities"), 12);
    assert_int_equal(whole("SELECT first_us FROM graph_entities"), 50);
    assert_int_equal(whole("SELECT last_us FROM graph_entities"), 200);
    assert_int_equal(whole("SELECT handoffs FROM graph_entities"), 2);
}

static void times__that_are_unknown_do_not_widen_and_are_widened(void **state)
{
    (void)state;
    struct wire_entity entity = entity_of(GRAPH_IP, "10.0.0.1");
    const int64_t times[][2] = {
        {GRAPH_NO_TIME, GRAPH_NO_TIME}, {-5, 7}, {GRAPH_NO_TIME, GRAPH_NO_TIME}};
    for (int64_t i = 0; i < 3; i++) {
        entity.first_us = times[i][0];
        entity.last_us = times[i][1];
        struct graph_slice_merge *merge = begin("acme", i + 1);
        MUST(merge_entity(merge, &entity));
        end(merge);
        assert_int_equal(whole("SELECT count(first_us) FROM graph_entities"), i > 0);
    }
    assert_int_equal(whole("SELECT first_us FROM graph_entities"), -5);
    assert_int_equal(whole("SELECT last_us FROM graph_entities"), 7);
}

static void kinds_and_tenants__keep_equal_values_apart(void **state)
{
    (void)state;
    struct graph_slice_merge *merge = begin("acme", 1);
    add(merge, GRAPH_HOST, "db1");
    add(merge, GRAPH_USER, "db1");
    assert_int_equal(end(merge).entities_new, 2);
    merge = begin("globex", 1);
    add(merge, GRAPH_HOST, "db1");
    assert_int_equal(end(merge).entities_new, 1);
    assert_int_equal(whole("SELECT count(*) FROM graph_entities"), 3);
    assert_int_equal(whole("SELECT max(handoffs) FROM graph_entities"), 1);
    assert_int_equal(whole("SELECT max(id) FROM graph_entities WHERE tenant = 'globex'"), 1);
}

static void thing__named_twice_by_one_handoff_is_refused(void **state)
{
    (void)state;
    struct wire_entity entity = entity_of(GRAPH_IP, "10.0.0.1");
    struct wire_relation relation = relation_of(GRAPH_QUERIES, 0, 1);
    struct graph_slice_merge *merge = begin("acme", 1);
    add(merge, GRAPH_IP, "10.0.0.1");
    add(merge, GRAPH_DOMAIN, "a.example");
    assert_int_equal(merge_entity(merge, &entity), FAULT_INPUT);
    assert_string_equal(fault.field, "entity");
    MUST(merge_relation(merge, &relation));
    assert_int_equal(merge_relation(merge, &relation), FAULT_INPUT);
    assert_string_equal(fault.field, "relation");
    relation = relation_of(GRAPH_REQUESTS, 0, 1); /* another type is another relation */
    MUST(merge_relation(merge, &relation));
    graph_slice_merge_free(merge);
    store_rollback(store);
    assert_int_equal(whole("SELECT count(*) FROM graph_entities"), 0);
}

static void relation__is_one_across_handoffs_whatever_the_order_of_entities(void **state)
{
    (void)state;
    struct graph_slice_merge *merge = begin("acme", 1);
    add(merge, GRAPH_IP, "10.0.0.1");
    add(merge, GRAPH_IP, "10.0.0.2");
    link_up(merge, 0, 1);
    assert_int_equal(end(merge).relations_new, 1);
    merge = begin("acme", 2);
    add(merge, GRAPH_IP, "10.0.0.2");
    add(merge, GRAPH_IP, "10.0.0.1");
    link_up(merge, 1, 0); /* the same two, the same way round */
    link_up(merge, 0, 1); /* and back: another one */
    struct graph_slice_counts counts = end(merge);
    assert_int_equal(counts.relations_merged, 1);
    assert_int_equal(counts.relations_new, 1);
    assert_int_equal(whole("SELECT count(*) FROM graph_relations"), 2);
    assert_int_equal(whole("SELECT max(row_count) FROM graph_relations"), 2);
}

static void degree__counts_relations_known_beforehand_and_those_that_come_later(void **state)
{
    (void)state;
    struct wire_entity entity = entity_of(GRAPH_IP, "10.0.0.1");
    struct graph_slice_entity prepared;
    MUST(graph_slice_prepare_entity(&arena, &entity, &prepared, &fault));
    prepared.degree = 1; /* as its batch says */
    struct graph_slice_merge *merge = begin("acme", 1);
    MUST(graph_slice_merge_entity(merge, &prepared, &fault));
    add(merge, GRAPH_IP, "10.0.0.2"); /* its batch knew of none */
    link_up(merge, 0, 1);
    add(merge, GRAPH_IP, "10.0.0.3");
    link_up(merge, 2, 1);
    end(merge);
    assert_int_equal(whole("SELECT degree FROM graph_handoff_entities WHERE entity = 1"), 1);
    assert_int_equal(whole("SELECT degree FROM graph_handoff_entities WHERE entity = 2"), 2);
    assert_int_equal(whole("SELECT degree FROM graph_handoff_entities WHERE entity = 3"), 1);
}

static void rollback__leaves_nothing(void **state)
{
    (void)state;
    struct graph_slice_merge *merge = begin("acme", 1);
    for (int i = 0; i < 3000; i++) { /* over the first room of the merge's tables */
        char value[32];
        snprintf(value, sizeof value, "10.0.%d.%d", i / 256, i % 256);
        add(merge, GRAPH_IP, value);
    }
    link_up(merge, 0, 2999);
    graph_slice_merge_free(merge);
    store_rollback(store);
    assert_int_equal(whole("SELECT count(*) FROM graph_entities"), 0);
    assert_int_equal(whole("SELECT count(*) FROM graph_handoff_relations"), 0);
}

/* --- reading -------------------------------------------------------------------------------- */

static const struct json *drawing(const char *tenant, int64_t handoff, int64_t most)
{
    const struct json *top;
    buf_clear(&text);
    struct json_out out = json_out_to(&text);
    json_open(&out, '{');
    MUST(graph_slice_put_drawing(store, str_of(tenant), handoff, most, &out, &fault));
    json_close(&out, '}');
    MUST(json_read(&arena, buf_str(&text), &top, &fault));
    return top;
}

static const struct json *page(const struct graph_slice_page *page)
{
    const struct json *top;
    buf_clear(&text);
    struct json_out out = json_out_to(&text);
    json_open(&out, '{');
    MUST(graph_slice_put_page(store, STR("acme"), 1, page, &out, &fault));
    json_close(&out, '}');
    MUST(json_read(&arena, buf_str(&text), &top, &fault));
    return top;
}

static int64_t number(const struct json *object, const char *name)
{
    int64_t value = INT64_MIN;
    if (!json_whole(json_member(object, name), &value))
        fail_msg("no whole number \"%s\"", name);
    return value;
}

static size_t length(const struct json *object, const char *name)
{
    size_t count = 0;
    const struct json *array = json_member(object, name);
    assert_true(json_is_array(array));
    for (const struct json *item = json_first(array); item; item = json_next(item))
        count++;
    return count;
}

static const struct json *entity_named(const struct json *top, const char *value)
{
    const struct json *item = json_first(json_member(top, "entities"));
    for (; item; item = json_next(item)) {
        struct str got;
        if (json_text(json_member(item, "value"), &got) && str_equal(got, str_of(value)))
            return item;
    }
    fail_msg("no entity \"%s\"", value);
    return NULL;
}

static void drawing__tells_how_many_earlier_handoffs_named_each(void **state)
{
    (void)state;
    for (int64_t handoff = 1; handoff <= 4; handoff++) {
        struct graph_slice_merge *merge = begin("acme", handoff);
        add(merge, GRAPH_IP, "10.0.0.1");
        if (handoff % 2 == 0) {
            add(merge, GRAPH_IP, "10.0.0.2");
            link_up(merge, 0, 1);
        }
        end(merge);
    }
    /* What came after a hand-off does not change what it had seen before. */
    const struct json *second = drawing("acme", 2, 100);
    assert_int_equal(number(entity_named(second, "10.0.0.1"), "earlier_handoffs"), 1);
    assert_int_equal(number(entity_named(second, "10.0.0.2"), "earlier_handoffs"), 0);
    const struct json *fourth = drawing("acme", 4, 100);
    assert_int_equal(number(entity_named(fourth, "10.0.0.1"), "earlier_handoffs"), 3);
    assert_int_equal(number(entity_named(fourth, "10.0.0.2"), "earlier_handoffs"), 1);
    const struct json *relation = json_first(json_member(fourth, "relations"));
    assert_int_equal(number(relation, "earlier_handoffs"), 1);
    assert_int_equal(number(relation, "count"), 1); /* of this hand-off, not of all */
}

static void drawing__over_the_limit_keeps_the_highest_degrees_and_says_so(void **state)
{
    (void)state;
    struct graph_slice_merge *merge = begin("acme", 1);
    for (int i = 0; i < 20; i++) {
        char value[32];
        snprintf(value, sizeof value, "10.0.0.%d", i);
        add(merge, GRAPH_IP, value);
    }
    for (int i = 0; i < 19; i++)
        link_up(merge, 19, i); /* the last is the hub */
    link_up(merge, 7, 8);
    link_up(merge, 7, 7); /* itself: counts once */
    end(merge);

    const struct json *top = drawing("acme", 1, 3);
    assert_int_equal(length(top, "entities"), 3);
    const struct json *first = json_first(json_member(top, "entities"));
    assert_int_equal(number(first, "degree"), 19);
    assert_int_equal(number(entity_named(top, "10.0.0.7"), "degree"), 3);
    assert_int_equal(number(entity_named(top, "10.0.0.8"), "degree"), 2);
    assert_int_equal(length(top, "relations"), 4); /* hub-7, hub-8, 7-8, 7-7 */
    assert_int_equal(number(json_member(top, "total"), "entities"), 20);
    assert_int_equal(number(json_member(top, "total"), "relations"), 21);
    bool truncated = false;
    assert_true(json_boolean(json_member(top, "truncated"), &truncated));
    assert_true(truncated);

    top = drawing("acme", 1, 4); /* ties go to the lower id */
    assert_non_null(entity_named(top, "10.0.0.0"));
    top = drawing("acme", 1, 20);
    assert_true(json_boolean(json_member(top, "truncated"), &truncated));
    assert_false(truncated);
    assert_int_equal(length(top, "relations"), 21);
}

static void drawing__of_nothing_is_empty(void **state)
{
    (void)state;
    end(begin("acme", 1));
    const struct json *top = drawing("acme", 1, 10);
    assert_int_equal(length(top, "entities"), 0);
    assert_int_equal(length(top, "relations"), 0);
    top = drawing("globex", 1, 10);
    assert_int_equal(number(json_member(top, "total"), "entities"), 0);
}

static void fill_page(void)
{
    static const char *const values[] = {"a_b.example", "axb.example", "100%.example", "Q!x",
                                         "q!X"};
    struct graph_slice_merge *merge = begin("acme", 1);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        add(merge, GRAPH_USER, values[i]);
    add(merge, GRAPH_DOMAIN, "axb.example");
    end(merge);
}

static void page__takes_the_looked_for_text_literally_in_either_case(void **state)
{
    (void)state;
    fill_page();
    static const struct {
        const char *text;
        int64_t total;
    } cases[] = {{"", 6},  {"a_b", 1}, {"A_B", 1}, {"axb", 2}, {"%", 1},
                 {"!", 2}, {"q!x", 2}, {"_", 1},   {"'", 0},   {".example", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct json *top =
            page(&(struct graph_slice_page){.most = 100, .text = str_of(cases[i].text)});
        if (number(top, "total") != cases[i].total)
            fail_msg("\"%s\": %" PRId64, cases[i].text, number(top, "total"));
        assert_int_equal(length(top, "entities"), cases[i].total);
    }
}

static void page__follows_page_until_the_end(void **state)
{
    (void)state;
    fill_page();
    struct graph_slice_page asked = {.most = 4};
    const struct json *top = page(&asked);
    struct str next;
    assert_int_equal(length(top, "entities"), 4);
    assert_true(json_text(json_member(top, "next"), &next));
    assert_true(str_to_u64(next, INT64_MAX, (uint64_t *)&asked.after));
    top = page(&asked);
    assert_int_equal(length(top, "entities"), 2);
    assert_int_equal(number(top, "total"), 6);
    assert_true(json_is_null(json_member(top, "next")));
    asked = (struct graph_slice_page){.most = 6}; /* a full last page has no next */
    assert_true(json_is_null(json_member(page(&asked), "next")));
}

static void page__refuses_an_unknown_kind_and_a_text_over_the_limit(void **state)
{
    (void)state;
    static char longest[GRAPH_SLICE_QUERY_MAX + 1];
    struct json_out out = json_out_to(&text);
    memset(longest, '%', sizeof longest);
    struct graph_slice_page asked = {.most = 1, .kind = STR("ipp")};
    assert_int_equal(graph_slice_put_page(store, STR("acme"), 1, &asked, &out, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.field, "kind");
    asked = (struct graph_slice_page){.most = 1, .text = {longest, sizeof longest}};
    assert_int_equal(graph_slice_put_page(store, STR("acme"), 1, &asked, &out, &fault),
                     FAULT_LIMIT);
    asked.text.len--;
    MUST(graph_slice_put_page(store, STR("acme"), 1, &asked, &out, &fault));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(entity__is_one_across_handoffs_and_its_counts_and_times_add_up),
        TEST(times__that_are_unknown_do_not_widen_and_are_widened),
        TEST(kinds_and_tenants__keep_equal_values_apart),
        TEST(thing__named_twice_by_one_handoff_is_refused),
        TEST(relation__is_one_across_handoffs_whatever_the_order_of_entities),
        TEST(degree__counts_relations_known_beforehand_and_those_that_come_later),
        TEST(rollback__leaves_nothing),
        TEST(drawing__tells_how_many_earlier_handoffs_named_each),
        TEST(drawing__over_the_limit_keeps_the_highest_degrees_and_says_so),
        TEST(drawing__of_nothing_is_empty),
        TEST(page__takes_the_looked_for_text_literally_in_either_case),
        TEST(page__follows_page_until_the_end),
        TEST(page__refuses_an_unknown_kind_and_a_text_over_the_limit),
    };
    return cmocka_run_group_tests_name("graph_slice", tests, NULL, NULL);
}
