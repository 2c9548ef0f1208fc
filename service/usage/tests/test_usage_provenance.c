#include "service/usage/tests/usage_house.h"

#include "service/usage/usage_provenance.h"

/* One line of a source, with members besides. */
static const char *line_of(const char *source, const char *id, int64_t at_us, const char *members)
{
    static char lines[8][1024];
    static int next;
    char *line = lines[next++ % 8];
    char time[40];
    house_time(at_us, time);
    snprintf(line, sizeof lines[0],
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"%s\","
             "\"id\":\"%s\",\"time\":\"%s\"%s,\"data\":{\"meter\":\"api.calls\",\"quantity\":1}}\n",
             source, id, time, members);
    return line;
}

#define ACTOR ",\"subject\":\"mara\""
#define TRACE ",\"traceparent\":\"00-1-2-01\""

static struct usage_provenance_report report_for(const char *tenant, const char *only,
                                                 int64_t from_us, int64_t to_us)
{
    struct usage_provenance_report report;
    MUST(store_begin_read(house.store, &house.fault));
    MUST(usage_provenance_read(house.store, str_of(tenant), from_us, to_us, str_of(only),
                               &house.arena, &report, &house.fault));
    store_rollback(house.store);
    return report;
}

static struct usage_provenance_report report_of(const char *only)
{
    return report_for("acme", only, NOON - 48 * HOUR, NOON + HOUR);
}

static void events__tell_by_source_what_of_their_origin_they_gave(void **state)
{
    (void)state;
    house_send(line_of("/b", "1", NOON - HOUR, ACTOR TRACE));
    house_send(line_of("/a", "1", NOON - HOUR, ACTOR));
    house_send(line_of("/a", "2", NOON - HOUR, ""));
    house_send(line_of("/a", "3", NOON - HOUR, TRACE));
    struct usage_provenance_report report = report_of("");
    assert_int_equal(report.count, 2);
    const struct usage_provenance_source *a = &report.sources[0];
    const struct usage_provenance_source *b = &report.sources[1];
    assert_true(str_equal(a->source, STR("/a")) && str_equal(b->source, STR("/b")));
    assert_int_equal(a->events, 3);
    assert_int_equal(a->complete, 0);
    assert_int_equal(a->given[0], 3);
    assert_int_equal(a->given[1], 3);
    assert_int_equal(a->given[2], 1);
    assert_int_equal(a->given[3], 1);
    assert_int_equal(b->complete, 1);
    assert_int_equal(report.total.events, 4);
    assert_int_equal(report.total.given[2], 2);
    assert_int_equal(report_of("/b").count, 1);
    assert_int_equal(report_of("/b").total.events, 1);
    assert_int_equal(report_of("/c").total.events, 0);
}

static void repeats__are_not_counted_again_and_refused_ones_apart(void **state)
{
    (void)state;
    const char *line = line_of("/a", "1", NOON - HOUR, ACTOR);
    house_send(line);
    house_send(line);
    house_send(line_of("/a", "2", NOON + HOUR, ACTOR)); /* the future */
    house_send("{}\n");                                 /* of no source */
    struct usage_provenance_report report = report_of("");
    assert_int_equal(report.count, 2);
    assert_null(report.sources[0].source.ptr);
    assert_int_equal(report.sources[0].rejected, 1);
    assert_int_equal(report.sources[0].events, 0);
    assert_int_equal(report.sources[1].events, 1);
    assert_int_equal(report.sources[1].rejected, 1);
    assert_int_equal(report.total.rejected, 2);
}

static void refused_ones__count_for_the_source_that_they_named(void **state)
{
    (void)state;
    house_send("{\"source\":\"/a\",\"id\":\"1\"}\n");            /* no more than that */
    house_send("{\"source\":\"/a\",\"id\":7,\"type\":\"x\"}\n"); /* the id is none */
    house_send("{\"source\":\"/a\\u0007\",\"id\":\"2\"}\n");     /* the source is none */
    house_send("[\"/a\"]\n");
    struct usage_provenance_report report = report_of("");
    assert_int_equal(report.count, 2);
    assert_null(report.sources[0].source.ptr);
    assert_int_equal(report.sources[0].rejected, 2);
    assert_true(str_equal(report.sources[1].source, STR("/a")));
    assert_int_equal(report.sources[1].rejected, 2);
    assert_int_equal(report.total.events, 0);
}

static void corrections__are_events_of_their_own(void **state)
{
    (void)state;
    house_send(house_use("1", NOON - HOUR, "api.calls", 5, ""));
    house_send(house_correct("void", "v", "1", NOON - HOUR, 0));
    assert_int_equal(report_of("").total.events, 2);
}

static void days__are_whole_and_of_the_events_time(void **state)
{
    (void)state;
    house_send(line_of("/a", "1", NOON - 24 * HOUR, ""));
    house_send(line_of("/a", "2", NOON, ""));
    struct usage_provenance_report report = report_for("acme", "", NOON, NOON + 1);
    assert_int_equal(report.total.events, 1);
    assert_int_equal(report.from_us, NOON - 12 * HOUR);
    assert_int_equal(report.to_us, NOON + 12 * HOUR);
    assert_int_equal(report_for("acme", "", NOON - 24 * HOUR, NOON).total.events, 2);
}

static void tenants__do_not_see_each_others_sources(void **state)
{
    (void)state;
    house_send_for("globex", line_of("/g", "1", NOON, ""));
    house_send(line_of("/a", "1", NOON, ""));
    assert_int_equal(report_of("").count, 1);
    assert_int_equal(report_of("/g").total.events, 0);
    struct usage_provenance_report globex = report_for("globex", "", NOON, NOON + 1);
    assert_int_equal(globex.count, 1);
    assert_true(str_equal(globex.sources[0].source, STR("/g")));
}

static void change(const char *sql)
{
    struct statement *update;
    MUST(store_begin(house.store, &house.fault));
    MUST(store_prepare(house.store, sql, &update, &house.fault));
    MUST(store_run(update, &house.fault));
    MUST(store_commit(house.store, &house.fault));
}

static void rebuild__counts_the_same_and_finds_what_was_changed(void **state)
{
    (void)state;
    static char lines[64 * 512];
    size_t len = 0;
    for (int i = 0; i < 60; i++) {
        char id[16];
        char source[16];
        snprintf(id, sizeof id, "%d", i);
        snprintf(source, sizeof source, "/s%d", i % 7);
        len += (size_t)snprintf(lines + len, sizeof lines - len, "%s",
                                line_of(source, id, NOON - i * HOUR, i % 3 ? ACTOR : ""));
    }
    house_send(lines);
    assert_int_equal(house_rebuild().differences, 0);
    assert_int_equal(report_of("").count, 7);
    change("UPDATE usage_provenance SET events = events + 1"
           " WHERE day_us = (SELECT min(day_us) FROM usage_provenance) AND provenance % 16 = 3");
    assert_true(house_rebuild().differences > 0);
    assert_int_equal(house_rebuild().differences, 0);
    assert_int_equal(report_for("acme", "", NOON - 99 * HOUR, NOON).total.events, 60);
}

static enum fault_code store_and_fail(struct store *store, void *context, struct fault *fault)
{
    enum fault_code code = usage_batch_store_in(context, store, fault);
    return code == FAULT_NONE ? fault_set(fault, FAULT_IO, "taken back") : code;
}

/* Its id was given, and is given again to another one. */
static void source__of_a_batch_that_was_taken_back_is_new_the_next_time(void **state)
{
    (void)state;
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .received_us = house.now_us};
    struct str line = str_trim(str_of(line_of("/first", "1", NOON, ACTOR)));
    MUST(usage_batch_add(&batch, line, &house.fault));
    assert_int_equal(store_pool_write(house.pool, store_and_fail, &batch, &house.fault), FAULT_IO);
    house_send(line_of("/second", "1", NOON, ""));
    house_send(line_of("/first", "1", NOON, ACTOR));
    struct usage_provenance_report report = report_of("");
    assert_int_equal(report.count, 2);
    assert_true(str_equal(report.sources[0].source, STR("/first")));
    assert_int_equal(report.sources[0].given[2], 1);
    assert_int_equal(report.sources[1].given[2], 0);
    assert_int_equal(report.total.events, 2);
    assert_int_equal(house_rebuild().differences, 0);
}

static void sources__beyond_the_cap_are_counted_without_a_name(void **state)
{
    (void)state;
    change("INSERT INTO usage_sources (tenant, id, source) VALUES ('acme', 10000, '/last')");
    house_send(line_of("/new", "1", NOON, ACTOR));
    house_send(line_of("/last", "2", NOON, ACTOR));
    struct usage_provenance_report report = report_of("");
    assert_int_equal(report.count, 2);
    assert_null(report.sources[0].source.ptr);
    assert_int_equal(report.sources[0].given[2], 1);
    assert_true(str_equal(report.sources[1].source, STR("/last")));
    assert_int_equal(house_rebuild().differences, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(events__tell_by_source_what_of_their_origin_they_gave),
        TEST(repeats__are_not_counted_again_and_refused_ones_apart),
        TEST(refused_ones__count_for_the_source_that_they_named),
        TEST(corrections__are_events_of_their_own),
        TEST(days__are_whole_and_of_the_events_time),
        TEST(tenants__do_not_see_each_others_sources),
        TEST(rebuild__counts_the_same_and_finds_what_was_changed),
        TEST(source__of_a_batch_that_was_taken_back_is_new_the_next_time),
        TEST(sources__beyond_the_cap_are_counted_without_a_name),
    };
    return cmocka_run_group_tests_name("usage_provenance", tests, NULL, NULL);
}
