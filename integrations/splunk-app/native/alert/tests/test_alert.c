#include "integrations/splunk-app/native/alert/alert_payload.h"
#include "integrations/splunk-app/native/alert/modaction.h"
#include "integrations/splunk-app/native/alert/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/http/gzip.h"

/* --- payload ------------------------------------------------------------------------------- */

#define MEMBERS                                                                                    \
    "\"app\":\"search\",\"owner\":\"mara\",\"server_host\":\"sh1\",\"server_uri\":\"https://"      \
    "127.0.0.1:8089\",\"session_key\":\"k\",\"sid\":\"scheduler__mara__search__RMD5_at_1_2\","     \
    "\"search_name\":\"Beacons\""
#define FILE_OF_ALL ",\"results_file\":\"/s/dispatch/x/results.csv.gz\""
#define FILE_OF_ONE ",\"results_file\":\"/s/dispatch/x/per_result_alert/tmp_7.csv.gz\""

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 8 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static enum fault_code read_payload(const char *json, struct alert_payload *out,
                                    struct fault *fault)
{
    return alert_payload_read(&arena, str_of(json), out, fault);
}

static void assert_text(struct str got, const char *want)
{
    if (!str_equal(got, str_of(want)))
        fail_msg("%.*s is not %s", STR_ARG(got), want);
}

static void alert_payload_read__passes_over_the_first_row_whatever_it_holds(void **state)
{
    (void)state;
    static const char *const results[] = {
        "{}",
        "null",
        "\"text\"",
        "{\"a\":\"\\\"}],{\",\"b\":[1,{\"c\":\"}\"}]}",
        "{\"a\":\"\\u0000\",\"a\":\"twice\",\"b\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        char json[2000];
        struct alert_payload payload;
        struct fault fault;
        snprintf(json, sizeof json,
                 "{\"result\" : %s ," MEMBERS FILE_OF_ALL ",\"configuration\":{}}", results[i]);
        assert_int_equal(read_payload(json, &payload, &fault), FAULT_NONE);
        assert_text(payload.user, "mara");
        assert_true(payload.is_saved);
        assert_false(payload.per_result);
        snprintf(json, sizeof json,
                 "{" MEMBERS FILE_OF_ALL ",\"configuration\":{\"result\":\"x\"},\"result\":%s}",
                 results[i]);
        assert_int_equal(read_payload(json, &payload, &fault), FAULT_NONE);
        assert_text(payload.search_name, "Beacons");
    }
}

static void alert_payload_read__knows_the_one_result_that_it_is_for(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *id;
    } cases[] = {
        {"{" MEMBERS FILE_OF_ONE ",\"configuration\":{}}", "7"},
        {"{" MEMBERS FILE_OF_ONE ",\"configuration\":{},\"result_id\":3}", "3"},
        {"{" MEMBERS FILE_OF_ALL ",\"configuration\":{},\"result_id\":\"0\"}", "0"},
        {"{" MEMBERS FILE_OF_ALL ",\"configuration\":{},\"result_id\":null}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alert_payload payload;
        struct fault fault;
        assert_int_equal(read_payload(cases[i].json, &payload, &fault), FAULT_NONE);
        assert_text(payload.result_id, cases[i].id);
        assert_int_equal(payload.per_result, cases[i].id[0] != '\0');
    }
}

static void alert_payload_read__says_what_is_wrong_and_leaves_the_output(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *told;
    } cases[] = {
        {"", "cannot be read"},
        {"<alert/>", "cannot be read"},
        {"[]", "not a JSON object"},
        {"{}", "lacks \"sid\""},
        {"{\"sid\":\"1\"}", "lacks \"results_file\""},
        {"{" MEMBERS FILE_OF_ALL "}", "lacks the object \"configuration\""},
        {"{" MEMBERS FILE_OF_ALL ",\"configuration\":\"x\"}", "lacks the object"},
        {"{\"app\":7," FILE_OF_ALL, "cannot be read"},
        {"{\"app\":[]}", "\"app\" is not a text"},
        {"{\"result\":{\"a\":\"b\"", "cannot be read"},
        {"{\"result\":", "cannot be read"},
        {"{\"result", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alert_payload payload = {.per_result = true};
        struct fault fault;
        assert_int_equal(read_payload(cases[i].json, &payload, &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%s: %s", cases[i].json, fault.text);
        assert_true(payload.per_result);
    }
}

static enum fault_code read_parameters(const char *configuration, struct args *out,
                                       struct fault *fault)
{
    char json[4000];
    struct alert_payload payload;
    snprintf(json, sizeof json, "{" MEMBERS FILE_OF_ONE ",\"configuration\":%s}", configuration);
    assert_int_equal(read_payload(json, &payload, fault), FAULT_NONE);
    return alert_payload_parameters(&payload, &arena, out, fault);
}

static void alert_payload_parameters__takes_ours_and_passes_over_what_splunk_adds(void **state)
{
    (void)state;
    struct args args;
    struct fault fault;
    assert_int_equal(read_parameters("{\"title\":\" Beacons \",\"fields\":\"src, dest\","
                                     "\"maxentities\":\"50\",\"dryrun\":\"1\",\"instance\":\"\","
                                     "\"_cam\":\"{}\",\"verbose\":\"true\"}",
                                     &args, &fault),
                     FAULT_NONE);
    assert_text(args.title, "Beacons");
    assert_int_equal(args.field_count, 2);
    assert_int_equal(args.max_entities, 50);
    assert_true(args.dryrun);
    assert_int_equal(args.instance.len, 0);
    assert_int_equal(read_parameters("{\"dryrum\":\"1\"}", &args, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "there is no parameter \"dryrum\"; did you mean \"dryrun\"?");
    assert_int_equal(read_parameters("{\"title\":[]}", &args, &fault), FAULT_INPUT);
}

static void alert_payload_parameters__cuts_a_long_title_between_characters(void **state)
{
    (void)state;
    char configuration[1200] = "{\"title\":\"";
    struct args args;
    struct fault fault;
    for (int i = 0; i < 200; i++)
        strncat(configuration, "\xe6\xbc\xa2", sizeof configuration - strlen(configuration) - 1);
    strncat(configuration, "\"}", sizeof configuration - strlen(configuration) - 1);
    assert_int_equal(read_parameters(configuration, &args, &fault), FAULT_NONE);
    assert_int_equal(args.title.len, 255);
    assert_true(str_is_utf8(args.title));
}

static void alert_payload_add_canonical__is_the_same_for_each_run_and_differs_by_result(
    void **state)
{
    (void)state;
    struct alert_payload payload = {.per_result = true, .result_id = STR("7")};
    struct args args = {.title = STR("at 12:00"), .investigation = STR("i-7"), .dryrun = true};
    struct buf text;
    buf_init(&text, 1000);
    alert_payload_add_canonical(&payload, &args, &text);
    assert_text(buf_str(&text), "sendalert send_to_intelgraph investigation=\"i-7\" result=7");
    payload.per_result = false;
    buf_clear(&text);
    alert_payload_add_canonical(&payload, &args, &text);
    assert_text(buf_str(&text), "sendalert send_to_intelgraph investigation=\"i-7\"");
    buf_done(&text);
}

/* --- results ------------------------------------------------------------------------------- */

struct feed {
    struct str rest;
    size_t cut;
};

static enum fault_code feed_some(void *context, char *out, size_t room, size_t *out_len,
                                 struct fault *fault)
{
    struct feed *feed = context;
    struct str piece = str_take(feed->rest, feed->cut < room ? feed->cut : room);
    (void)fault;
    if (piece.len > 0)
        memcpy(out, piece.ptr, piece.len);
    feed->rest = str_skip(feed->rest, piece.len);
    *out_len = piece.len;
    return FAULT_NONE;
}

/* All rows of the file, and how many blocks they came in. */
static enum fault_code read_all(struct str packed, size_t cut, struct buf *out, size_t *out_blocks,
                                struct fault *fault)
{
    static struct results results;
    struct feed feed = {packed, cut};
    struct str block;
    bool more = true;
    *out_blocks = 0;
    assert_int_equal(results_init(&results, feed_some, &feed, fault), FAULT_NONE);
    enum fault_code code = FAULT_NONE;
    while (code == FAULT_NONE && more) {
        code = results_next(&results, &block, &more, fault);
        if (code == FAULT_NONE && more) {
            assert_true(str_starts(block, str_take(block, results.header)));
            buf_add(out, str_skip(block, *out_blocks > 0 ? results.header : 0));
            ++*out_blocks;
        }
    }
    results_done(&results);
    return code;
}

static void results_next__gives_each_row_once_in_blocks_that_end_at_rows(void **state)
{
    (void)state;
    struct buf text;
    struct buf packed;
    buf_init(&text, 8 << 20);
    buf_init(&packed, 8 << 20);
    buf_add_c(&text, "src,\"a \"\"name\"\"\"\r\n");
    for (int i = 0; i < 60000; i++)
        buf_addf(&text, "10.0.%d.%d,\"line\n%d \"\"quoted\"\"\"\n", i / 256, i % 256, i * 7919);
    struct fault fault;
    assert_int_equal(gzip_add(&packed, buf_str(&text), &fault), FAULT_NONE);
    static const size_t cuts[] = {100, 4096, 1 << 20};
    for (size_t i = 0; i < 3; i++) {
        struct buf all;
        size_t blocks;
        buf_init(&all, 8 << 20);
        assert_int_equal(read_all(buf_str(&packed), cuts[i], &all, &blocks, &fault), FAULT_NONE);
        assert_true(blocks >= 2);
        assert_true(str_equal(buf_str(&all), buf_str(&text)));
        buf_done(&all);
    }
    buf_done(&packed);
    buf_done(&text);
}

static void results_next__knows_files_without_rows_and_what_is_no_csv(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum fault_code code;
        size_t blocks;
        const char *rows;
    } cases[] = {
        {"", FAULT_NONE, 0, ""},
        {"\n", FAULT_NONE, 0, ""},
        {"\r\n\r\n", FAULT_NONE, 0, ""},
        {"src", FAULT_NONE, 1, "src"},
        {"src\n", FAULT_NONE, 1, "src\n"},
        {"\xef\xbb\xbfsrc\n1\n", FAULT_NONE, 1, "src\n1\n"},
        {"src\n1", FAULT_NONE, 1, "src\n1"},
        {"\"s\nrc\"\n1\n", FAULT_NONE, 1, "\"s\nrc\"\n1\n"},
        {"\nsrc\n", FAULT_INPUT, 0, ""},
        {"{\"a\":1}\n", FAULT_INPUT, 0, ""},
        {"a\"b\n", FAULT_INPUT, 0, ""},
        {"\"a\"b\n", FAULT_INPUT, 0, ""},
        {"\"a\n", FAULT_INPUT, 0, ""},
        {"a\001b\n", FAULT_INPUT, 0, ""},
        {"\x7f"
         "ELF\xff\n",
         FAULT_INPUT, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf packed;
        struct buf all;
        size_t blocks;
        struct fault fault;
        buf_init(&packed, 1000);
        buf_init(&all, 1000);
        assert_int_equal(gzip_add(&packed, str_of(cases[i].text), &fault), FAULT_NONE);
        assert_int_equal(read_all(buf_str(&packed), 1, &all, &blocks, &fault), cases[i].code);
        if (cases[i].code == FAULT_NONE) {
            assert_int_equal(blocks, cases[i].blocks);
            assert_text(buf_str(&all), cases[i].rows);
        }
        buf_done(&all);
        buf_done(&packed);
    }
}

static void results_next__refuses_a_row_over_the_limit(void **state)
{
    (void)state;
    struct buf packed;
    struct buf all;
    size_t blocks;
    struct fault fault;
    char *row = malloc(RESULTS_ROW_MAX + 100);
    assert_non_null(row);
    /* Not too dense, or it would be taken for a bomb. */
    unsigned seed = 1;
    for (size_t i = 0; i < RESULTS_ROW_MAX + 100; i++) {
        seed = seed * 1103515245 + 12345;
        row[i] = i % 16 ? 'x' : (char)('a' + (seed >> 16) % 26);
    }
    memcpy(row, "src\n", 4);
    buf_init(&packed, RESULTS_ROW_MAX);
    buf_init(&all, 1000);
    assert_int_equal(gzip_add(&packed, (struct str){row, RESULTS_ROW_MAX + 100}, &fault),
                     FAULT_NONE);
    assert_int_equal(read_all(buf_str(&packed), 1 << 20, &all, &blocks, &fault), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "a row is longer than the limit"));
    buf_done(&all);
    buf_done(&packed);
    free(row);
}

/* --- Enterprise Security's log ------------------------------------------------------------- */

static void modaction_add__writes_the_line_that_its_readers_expect(void **state)
{
    (void)state;
    struct alert_payload payload = {
        .app = STR("search"),
        .user = STR("mara"),
        .server_host = STR("sh1"),
        .sid = STR("scheduler__x"),
        .search_name = STR("a \"name\"\naction_status=\"success"),
        .result_id = STR("4"),
        .per_result = true,
        .is_saved = true,
    };
    struct modaction action = {.payload = &payload, .orig_sid = STR("o.1")};
    struct buf line;
    buf_init(&line, 4096);
    modaction_add(&action, INT64_C(1763900000001999), COMMAND_ERROR, STR("it failed"), "failure",
                  &line);
    assert_text(buf_str(&line),
                "2025-11-23 12:13:20,001+0000 ERROR sendmodaction - worker=\"sh1\" "
                "signature=\"it failed\" action_name=\"send_to_intelgraph\" search_name=\"a 'name' "
                "action_status='success\" sid=\"scheduler__x\" orig_sid=\"o.1\" rid=\"4\" "
                "app=\"search\" user=\"mara\" digest_mode=\"0\" action_mode=\"saved\" "
                "action_status=\"failure\"\n");
    buf_done(&line);
}

static void modaction_log__turns_over_a_full_log(void **state)
{
    (void)state;
    struct alert_payload payload = {.sid = STR("1.1")};
    struct modaction action = {.payload = &payload};
    struct places places;
    struct fault fault;
    char path[PATH_MAX + 64];
    char old[PATH_MAX + 64];
    struct stat known;
    snprintf(places.log, sizeof places.log, "/tmp/ig-alert-XXXXXX");
    assert_non_null(mkdtemp(places.log));
    snprintf(path, sizeof path, "%s/send_to_intelgraph_modalert.log", places.log);
    snprintf(old, sizeof old, "%s.1", path);
    for (int i = 0; i < 2; i++)
        assert_int_equal(modaction_log(&action, &places, COMMAND_INFO, STR("x"), "", &fault),
                         FAULT_NONE);
    assert_int_equal(truncate(path, MODACTION_LOG_BYTES), 0);
    assert_int_equal(modaction_log(&action, &places, COMMAND_INFO, STR("x"), "", &fault),
                     FAULT_NONE);
    assert_int_not_equal(stat(old, &known), 0);
    assert_int_equal(modaction_log(&action, &places, COMMAND_INFO, STR("x"), "", &fault),
                     FAULT_NONE);
    assert_int_equal(stat(old, &known), 0);
    assert_true(known.st_size > MODACTION_LOG_BYTES);
    assert_int_equal(stat(path, &known), 0);
    assert_true(known.st_size < 500);
    unlink(path);
    unlink(old);
    rmdir(places.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alert_payload_read__passes_over_the_first_row_whatever_it_holds),
        cmocka_unit_test(alert_payload_read__knows_the_one_result_that_it_is_for),
        cmocka_unit_test(alert_payload_read__says_what_is_wrong_and_leaves_the_output),
        cmocka_unit_test(alert_payload_parameters__takes_ours_and_passes_over_what_splunk_adds),
        cmocka_unit_test(alert_payload_parameters__cuts_a_long_title_between_characters),
        cmocka_unit_test(
            alert_payload_add_canonical__is_the_same_for_each_run_and_differs_by_result),
        cmocka_unit_test(results_next__gives_each_row_once_in_blocks_that_end_at_rows),
        cmocka_unit_test(results_next__knows_files_without_rows_and_what_is_no_csv),
        cmocka_unit_test(results_next__refuses_a_row_over_the_limit),
        cmocka_unit_test(modaction_add__writes_the_line_that_its_readers_expect),
        cmocka_unit_test(modaction_log__turns_over_a_full_log),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
