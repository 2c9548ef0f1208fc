#include "integrations/splunk-app/native/record/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"

#define ID "0123456789abcdef0123456789abcdef"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-trail-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Two addresses, seen three times, and one domain. */
static struct graph *small_graph(struct graph_mapping *mapping)
{
    static const struct graph_sample event = {.time_us = GRAPH_NO_TIME};
    static const char *const rows[][2] = {
        {"192.0.2.1", "files.example"}, {"192.0.2.2", "files.example"}, {"192.0.2.1", ""}};
    struct graph *graph;
    struct graph_row_counts counts;
    struct fault fault;
    assert_int_equal(graph_new(mapping, (struct graph_limits){100, 100}, &graph, &fault),
                     FAULT_NONE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        graph_row_begin(graph, &event);
        for (size_t field = 0; field < 2; field++)
            assert_int_equal(graph_row_add(graph, field, str_of(rows[i][field]), &fault),
                             FAULT_NONE);
        assert_int_equal(graph_row_end(graph, &counts, &fault), FAULT_NONE);
    }
    return graph;
}

static void append(const struct trail_entry *entry, struct buf *out_line)
{
    char path[128];
    struct places places = {0};
    struct fault fault;
    snprintf(places.log, sizeof places.log, "%s", folder);
    assert_int_equal(trail_append(&places, entry, &fault), FAULT_NONE);
    snprintf(path, sizeof path, "%s/intelgraph_audit.log", folder);
    buf_init(out_line, 64 << 10);
    assert_int_equal(file_read(path, out_line, &fault), FAULT_NONE);
    buf_add_byte(out_line, '\0');
}

static void trail_append__counts_kinds_and_measures_for_the_dashboards(void **state)
{
    (void)state;
    struct graph_mapping *mapping;
    struct fault fault = {.code = FAULT_NONE};
    struct buf line;
    struct wire_handoff handoff = {.id = STR(ID), .sid = STR("1.5")};
    struct wire_commit commit = {.rows = 3};
    assert_int_equal(graph_mapping_read(STR("field,kind,role\nsrc,ip,src\nsite,domain,dest\n"),
                                        &mapping, &fault),
                     FAULT_NONE);
    struct graph *graph = small_graph(mapping);
    append(&(struct trail_entry){.result = "sent",
                                 .handoff = &handoff,
                                 .commit = &commit,
                                 .graph = graph,
                                 .latency_ms = 37,
                                 .bytes = 4096,
                                 .outbox_waiting = 2,
                                 .fault = &fault},
           &line);
    assert_non_null(strstr(line.ptr, "\"kinds\":{\"ip\":2,\"domain\":1}"));
    assert_non_null(strstr(line.ptr, "\"latency_ms\":37,\"bytes\":4096,\"outbox_waiting\":2"));
    assert_non_null(strstr(line.ptr, "\"version\":\"" IG_VERSION "\""));
    assert_null(strstr(line.ptr, "\"error\""));
    assert_null(strstr(line.ptr, "\"reason\""));
    buf_done(&line);
    graph_free(graph);
    graph_mapping_free(mapping);
}

static void trail_append__names_what_went_wrong_by_a_word_and_a_sentence(void **state)
{
    (void)state;
    struct fault fault;
    struct buf line;
    struct wire_handoff handoff = {.id = STR(ID)};
    struct wire_commit commit = {0};
    fault_set(&fault, FAULT_UNSIGNED, "IntelGraph answered 401: \"expired\"\nsecond line");
    append(&(struct trail_entry){.result = "queued",
                                 .handoff = &handoff,
                                 .commit = &commit,
                                 .latency_ms = -1,
                                 .outbox_waiting = -1,
                                 .fault = &fault},
           &line);
    assert_non_null(strstr(line.ptr, "\"error\":\"unsigned\",\"reason\":\"IntelGraph answered 401: "
                                     "\\\"expired\\\"\\nsecond line\""));
    assert_null(strstr(line.ptr, "latency_ms"));
    assert_null(strstr(line.ptr, "outbox_waiting"));
    assert_null(strstr(line.ptr, "kinds"));
    assert_ptr_equal(strchr(line.ptr, '\n'), line.ptr + line.len - 2);
    buf_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trail_append__counts_kinds_and_measures_for_the_dashboards,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(
            trail_append__names_what_went_wrong_by_a_word_and_a_sentence, make_folder,
            remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
