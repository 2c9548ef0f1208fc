#include "libs/text/json_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct fault fault;

static const struct json *read_good(const char *text)
{
    const struct json *value = NULL;
    if (json_read(&arena, str_of(text), &value, &fault) != FAULT_NONE)
        fail_msg("%s: %s", text, fault.text);
    return value;
}

static enum fault_code expect(const char *text)
{
    static const char *const known[] = {"kind", "to", "name"};
    return json_expect_members(read_good(text), "body", "the body", known, 3, &fault);
}

static void json_expect_members__takes_any_of_those_that_there_are(void **state)
{
    (void)state;
    assert_int_equal(expect("{}"), FAULT_NONE);
    assert_int_equal(expect("{\"name\":null,\"kind\":{\"x\":1}}"), FAULT_NONE);
}

static void json_expect_members__names_the_stranger_and_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(expect("{\"to\":1,\"nmae\":2}"), FAULT_INPUT);
    assert_string_equal(fault.field, "body");
    assert_string_equal(fault.text,
                        "the body holds \"nmae\", which is no member of it; it has kind, "
                        "to and name");
    assert_int_equal(expect("[\"kind\"]"), FAULT_INPUT);
    assert_string_equal(fault.text, "the body must be an object");
    assert_int_equal(expect("null"), FAULT_INPUT);
}

static void json_line__is_one_line_of_text_without_blanks_around_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"7",      "null",      "[]",           "\"\"",
                                      "\"  \"", "\"a\\nb\"", "\"a\\u007f\"", "\"abcdef\""};
    struct str line = STR("as it was");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(json_line(read_good(bad[i]), 5, &line));
    assert_false(json_line(NULL, 5, &line));
    assert_true(str_equal(line, STR("as it was")));
    assert_true(json_line(read_good("\"  gr\\u00fc n  \""), 6, &line));
    assert_true(str_equal(line, STR("gr\xc3\xbc n")));
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_expect_members__takes_any_of_those_that_there_are),
        cmocka_unit_test(json_expect_members__names_the_stranger_and_what_there_is),
        cmocka_unit_test(json_line__is_one_line_of_text_without_blanks_around_it),
    };
    return cmocka_run_group_tests_name("json_expect", tests, begin, end);
}
