#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libs/wire/audit.h"

#define HASH "\"qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvB1qvA=\""

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void read_good(const char *text, struct wire_audit_page *out)
{
    struct fault fault;
    if (wire_read_audit_page(&arena, str_of(text), out, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
}

static void wire_read_audit_page__reads_what_the_header_shows(void **state)
{
    (void)state;
    struct wire_audit_page page;
    read_good(
        "{\"size\":300,\"checkpoint\":\"intelgraphd/acme\\n300\\n\",\"key\":\"k\",\"records\":["
        "{\"index\":212,\"leaf\":\"e30=\",\"title\":\"Beaconing\",\"inclusion\":[" HASH "," HASH
        "],\"consistency\":[]},{\"index\":3,\"leaf\":\"eyJhIjoxfQ==\",\"inclusion\":[]}],"
        "\"next\":\"300.5.3\",\"new member\":{}}",
        &page);
    assert_int_equal(page.size, 300);
    assert_true(str_equal(page.checkpoint, STR("intelgraphd/acme\n300\n")));
    assert_true(str_equal(page.next, STR("300.5.3")));
    assert_int_equal(page.count, 2);
    assert_true(str_equal(page.records[0].leaf, STR("{}")));
    assert_true(str_equal(page.records[1].leaf, STR("{\"a\":1}")));
    assert_int_equal(page.records[0].inclusion.count, 2);
    assert_true(page.records[0].has_consistency);
    assert_false(page.records[1].has_consistency);
    assert_true(str_equal(page.records[0].title, STR("Beaconing")));
}

static void wire_read_audit_page__takes_null_for_what_there_is_not(void **state)
{
    (void)state;
    struct wire_audit_page page;
    read_good("{\"size\":0,\"checkpoint\":null,\"key\":\"k\",\"records\":[],\"next\":null}", &page);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.checkpoint.len, 0);
    assert_int_equal(page.next.len, 0);
}

static void wire_read_audit_page__names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        const char *sentence;
    } cases[] = {
        {"{\"leaf\":\"e30=\",\"inclusion\":[]}", "record 1 of the page: record.index is missing"},
        {"{\"index\":-1,\"leaf\":\"e30=\",\"inclusion\":[]}",
         "record 1 of the page: record.index must be a whole number from 0 to 9007199254740990"},
        {"{\"index\":1,\"leaf\":\"e30\",\"inclusion\":[]}",
         "record 1 of the page: record.leaf is not base64"},
        {"{\"index\":1,\"leaf\":\"\",\"inclusion\":[]}",
         "record 1 of the page: record.leaf must not be empty"},
        {"{\"index\":1,\"leaf\":\"e30=\",\"inclusion\":[\"e30=\"]}",
         "record 1 of the page: record.inclusion holds what is no hash in base64"},
        {"{\"index\":1,\"leaf\":\"e30=\",\"inclusion\":7}",
         "record 1 of the page: record.inclusion must be a list of hashes"},
        {"7", "record 1 of the page: record must be an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct wire_audit_page page = {.size = -7};
        struct fault fault = {.text = ""};
        snprintf(text, sizeof text,
                 "{\"size\":1,\"checkpoint\":null,\"key\":\"k\",\"records\":[%s],\"next\":null}",
                 cases[i].record);
        assert_int_equal(wire_read_audit_page(&arena, str_of(text), &page, &fault), FAULT_INPUT);
        assert_string_equal(fault.text, cases[i].sentence);
        assert_int_equal(page.size, -7);
    }
}

static void wire_read_audit_page__refuses_more_hashes_than_a_tree_can_need(void **state)
{
    (void)state;
    struct buf text;
    struct wire_audit_page page;
    struct fault fault;
    buf_init(&text, 1 << 20);
    buf_add_c(&text, "{\"size\":1,\"checkpoint\":null,\"key\":\"k\",\"next\":null,\"records\":["
                     "{\"index\":1,\"leaf\":\"e30=\",\"inclusion\":[" HASH);
    for (int i = 0; i < MERKLE_PROOF_MAX; i++)
        buf_add_c(&text, "," HASH);
    buf_add_c(&text, "]}]}");
    assert_int_equal(wire_read_audit_page(&arena, buf_str(&text), &page, &fault), FAULT_LIMIT);
    buf_done(&text);
}

static void wire_read_consistency__takes_only_the_sizes_that_were_asked_for(void **state)
{
    (void)state;
    struct str text = STR("{\"from\":1,\"to\":3,\"hashes\":[" HASH "]}");
    struct merkle_proof proof;
    struct fault fault;
    assert_int_equal(wire_read_consistency(&arena, text, 1, 3, &proof, &fault), FAULT_NONE);
    assert_int_equal(proof.count, 1);
    assert_int_equal(wire_read_consistency(&arena, text, 2, 3, &proof, &fault), FAULT_INPUT);
    assert_int_equal(wire_read_consistency(&arena, text, 1, 4, &proof, &fault), FAULT_INPUT);
}

#define IN_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ARENA(wire_read_audit_page__reads_what_the_header_shows),
        IN_ARENA(wire_read_audit_page__takes_null_for_what_there_is_not),
        IN_ARENA(wire_read_audit_page__names_what_is_wrong),
        IN_ARENA(wire_read_audit_page__refuses_more_hashes_than_a_tree_can_need),
        IN_ARENA(wire_read_consistency__takes_only_the_sizes_that_were_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
