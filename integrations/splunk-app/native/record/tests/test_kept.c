#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/record/kept.h"
#include "libs/core/file.h"

#define ROOT  "qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvA="
#define OTHER "AAB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvA="
#define URL   "https://ig.example/"

static struct places places;

static int set_up(void **state)
{
    (void)state;
    snprintf(places.log, sizeof places.log, "/tmp/test_kept.XXXXXX");
    return mkdtemp(places.log) ? 0 : -1;
}

static int tear_down(void **state)
{
    char path[PATH_MAX];
    (void)state;
    snprintf(path, sizeof path, "%.100s/intelgraph_audit.log", places.log);
    unlink(path);
    return rmdir(places.log);
}

static void append(const char *text)
{
    char path[PATH_MAX];
    struct fault fault;
    snprintf(path, sizeof path, "%.100s/intelgraph_audit.log", places.log);
    assert_int_equal(file_append(path, str_of(text), 0600, false, &fault), FAULT_NONE);
}

/* A line as trail.c writes it. */
static void append_receipt(const char *tenant, const char *target, int index, const char *root,
                           const char *more)
{
    char line[1024];
    snprintf(line, sizeof line,
             "{\"time\":\"2026-11-23T10:00:0%d.5Z\",\"action\":\"handoff\",\"result\":\"sent\","
             "\"user\":\"mara\",\"sid\":\"1.%d\",\"target\":\"%s\",\"handoff\":\"%032d\","
             "\"entities\":3,\"audit_index\":%d,\"checkpoint\":\"intelgraphd/%s\\n%d\\n%s\\n\\n"
             "\xe2\x80\x94 x y\\n\"%s}\n",
             index % 10, index, target, index, index, tenant, index + 1, root, more);
    append(line);
}

static void read_list(struct kept_list *out)
{
    struct fault fault = {.text = ""};
    if (kept_read(&places, STR("acme"), STR(URL), out, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
}

static void kept_read__of_no_file_is_empty(void **state)
{
    (void)state;
    struct kept_list list;
    read_list(&list);
    assert_int_equal(list.count, 0);
    assert_null(kept_newest(&list));
    assert_null(kept_find(&list, 0));
    kept_done(&list);
}

static void kept_read__takes_the_receipts_of_one_log_by_index(void **state)
{
    (void)state;
    struct kept_list list;
    append_receipt("acme", URL, 7, ROOT, "");
    append_receipt("acme", URL, 3, ROOT, ",\"title\":\"Beaconing\"");
    append_receipt("globex", URL, 4, ROOT, "");
    append_receipt("acme", "https://other.example/", 5, ROOT, "");
    append("{\"action\":\"handoff\",\"result\":\"queued\",\"target\":\"" URL "\"}\n");
    read_list(&list);
    assert_int_equal(list.count, 2);
    assert_int_equal(kept_newest(&list)->index, 7);
    const struct kept *third = kept_find(&list, 3);
    assert_non_null(third);
    assert_true(str_equal(third->title, STR("Beaconing")));
    assert_true(str_equal(third->user, STR("mara")));
    assert_true(str_equal(third->sid, STR("1.3")));
    assert_int_equal(third->entities, 3);
    assert_int_equal(third->time_us, INT64_C(1795428003500000));
    assert_null(kept_find(&list, 4));
    assert_null(kept_find(&list, 5));
    kept_done(&list);
}

static void kept_read__keeps_one_receipt_of_a_record_but_each_of_different_logs(void **state)
{
    (void)state;
    struct kept_list list;
    append_receipt("acme", URL, 3, ROOT, "");
    append_receipt("acme", URL, 3, ROOT, "");
    read_list(&list);
    assert_int_equal(list.count, 1);
    kept_done(&list);
    append_receipt("acme", URL, 3, OTHER, "");
    read_list(&list);
    assert_int_equal(list.count, 2);
    kept_meet(&list, 3, STR("another"));
    assert_false(list.items[0].met || list.items[1].met);
    kept_meet(&list, 3, STR("00000000000000000000000000000003"));
    assert_true(list.items[0].met && list.items[1].met);
    kept_done(&list);
}

static void kept_read__passes_over_what_it_cannot_read(void **state)
{
    (void)state;
    struct kept_list list;
    append("{\"checkpoint\":\n\xff\xfe\"checkpoint\"\n[\"checkpoint\"]\n{\"checkpoint\":7}\n");
    append("{\"target\":\"" URL "\",\"audit_index\":1,\"checkpoint\":\"intelgraphd/acme\\nx\"}\n");
    append("{\"target\":\"" URL "\",\"audit_index\":9,\"checkpoint\":\"intelgraphd/acme\\n3\\n" ROOT
           "\\n\"}\n");
    append_receipt("acme", URL, 3, ROOT, "");
    append("{\"target\":\"" URL "\",\"checkpoint\":\"cut in the mid");
    read_list(&list);
    assert_int_equal(list.count, 1);
    kept_done(&list);
}

static void kept_read__reads_on_in_the_file_that_was_turned_over(void **state)
{
    (void)state;
    struct kept_list list;
    char from[PATH_MAX];
    char to[PATH_MAX];
    append_receipt("acme", URL, 3, ROOT, "");
    snprintf(from, sizeof from, "%s/intelgraph_audit.log", places.log);
    snprintf(to, sizeof to, "%s/intelgraph_audit.log.1", places.log);
    assert_int_equal(rename(from, to), 0);
    append_receipt("acme", URL, 7, ROOT, "");
    read_list(&list);
    assert_int_equal(list.count, 2);
    assert_false(list.cut);
    assert_non_null(kept_find(&list, 3));
    kept_done(&list);
    snprintf(from, sizeof from, "%s/intelgraph_audit.log.2", places.log);
    assert_int_equal(rename(to, from), 0);
    read_list(&list);
    assert_true(list.cut);
    kept_done(&list);
    assert_int_equal(unlink(from), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(kept_read__of_no_file_is_empty),
        IN_FOLDER(kept_read__takes_the_receipts_of_one_log_by_index),
        IN_FOLDER(kept_read__keeps_one_receipt_of_a_record_but_each_of_different_logs),
        IN_FOLDER(kept_read__reads_on_in_the_file_that_was_turned_over),
        IN_FOLDER(kept_read__passes_over_what_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
