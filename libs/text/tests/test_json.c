#include "libs/text/json.h"
#include "libs/text/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void json_read__gives_members_texts_and_whole_numbers(void **state)
{
    (void)state;
    const struct json *top;
    struct fault fault;
    struct str text;
    int64_t number;
    assert_int_equal(json_read(&arena, STR("{\"a\":\"x\\u00fc\",\"n\":1763863200000000,\"f\":1.5}"),
                               &top, &fault),
                     FAULT_NONE);
    assert_true(json_text(json_member(top, "a"), &text));
    assert_true(str_equal(text, STR("x\xc3\xbc")));
    assert_true(json_whole(json_member(top, "n"), &number));
    assert_true(number == 1763863200000000);
    assert_false(json_whole(json_member(top, "f"), &number));
    assert_null(json_member(top, "none"));
    assert_false(json_text(json_member(top, "none"), &text));
}

static void json_read__refuses_what_the_rfc_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "{}x",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "1.",
        "+1",
        "nul",
        "\"a\nb\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "'a'",
        "{a:1}",
        "[1 2]",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\xc3\xa9\":1,\"\\u00e9\":2}",
        "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}",
        "{\"\\n\":1,\"\\u000a\":2}",
        "\"\xff\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\ude00\"",
        "NaN",
        "-",
        "1e",
        "\"abc",
        "{\"a\" 1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct json *top;
        struct fault fault;
        enum fault_code code = json_read(&arena, str_of(bad[i]), &top, &fault);
        if (code != FAULT_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void json_read__refuses_no_text_at_all(void **state)
{
    (void)state;
    const struct json *top;
    struct fault fault;
    assert_int_equal(json_read(&arena, (struct str){NULL, 0}, &top, &fault), FAULT_INPUT);
}

static void json_read__refuses_nesting_beyond_32_levels(void **state)
{
    (void)state;
    char deep[2 * (JSON_DEPTH_MAX + 1) + 1];
    const struct json *top;
    struct fault fault;
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(json_read(&arena, str_of(deep), &top, &fault), FAULT_LIMIT);
    struct str allowed = {deep + 1, 2 * JSON_DEPTH_MAX};
    assert_int_equal(json_read(&arena, allowed, &top, &fault), FAULT_NONE);
}

static void json_read__says_when_the_arena_is_too_small(void **state)
{
    (void)state;
    struct arena small;
    const struct json *top;
    struct fault fault;
    arena_init(&small, 128);
    assert_int_equal(json_read(&small, STR("[1,2,3,4,5,6,7,8]"), &top, &fault), FAULT_LIMIT);
    arena_done(&small);
}

static void json_write__escapes_and_mends_what_is_not_utf8(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    struct json_out out = json_out_to(&buf);
    json_open(&out, '{');
    json_put_text(&out, "a", STR("q\" b\\ \n\t\x01 \xc3\xbc \xff|\xc3|"));
    json_open_at(&out, "list", '[');
    json_put_whole(&out, NULL, -5);
    json_put_boolean(&out, NULL, true);
    json_put_null(&out, NULL);
    json_close(&out, ']');
    json_put_hex(&out, "h", "\x00\xab", 2);
    json_close(&out, '}');
    struct str want =
        STR("{\"a\":\"q\\\" b\\\\ \\n\\t\\u0001 \xc3\xbc \xef\xbf\xbd|\xef\xbf\xbd|\","
            "\"list\":[-5,true,null],\"h\":\"00ab\"}");
    assert_int_equal(buf.len, want.len);
    assert_memory_equal(buf.ptr, want.ptr, want.len);
    struct fault fault;
    assert_int_equal(json_check(buf_str(&buf), &fault), FAULT_NONE);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_read__gives_members_texts_and_whole_numbers,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(json_read__refuses_what_the_rfc_refuses, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(json_read__refuses_no_text_at_all, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(json_read__refuses_nesting_beyond_32_levels, open_arena,
                                        close_arena),
        cmocka_unit_test(json_read__says_when_the_arena_is_too_small),
        cmocka_unit_test(json_write__escapes_and_mends_what_is_not_utf8),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
