#include "integrations/splunk-app/native/frame/flat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct json *read(struct arena *arena, const char *text)
{
    const struct json *top = NULL;
    struct fault fault;
    assert_int_equal(json_read(arena, str_of(text), &top, &fault), FAULT_NONE);
    return top;
}

/* What one column of `type` makes of {"a":{"b":<value>}}; "!" and the sentence when it is refused.
 */
static void put(enum flat_type type, bool required, const char *value, char out[256])
{
    static const char *const names[] = {"x", NULL};
    const struct flat_column column = {"x", "a.b", type, required};
    char text[256];
    struct arena arena;
    struct fault fault;
    struct generating_rows rows = {.columns = names, .column_count = 1, .most = 10};
    snprintf(text, sizeof text, "{\"a\":{\"b\":%s}}", value);
    arena_init(&arena, 1 << 20);
    buf_init(&rows.csv, 1 << 20);
    if (flat_put(read(&arena, text), "it", &column, 1, NULL, &rows, &fault) == FAULT_NONE)
        snprintf(out, 256, "%.*s", STR_ARG(str_trim(buf_str(&rows.csv))));
    else
        snprintf(out, 256, "!%.200s", fault.text);
    buf_done(&rows.csv);
    arena_done(&arena);
}

static void flat_put__reads_each_kind_and_refuses_what_is_another(void **state)
{
    (void)state;
    static const struct {
        enum flat_type type;
        const char *value;
        const char *cell;
    } cases[] = {
        {FLAT_TEXT, "\"a,b\"", "\"a,b\""},
        {FLAT_TEXT, "7", "!it.a.b must be a text"},
        {FLAT_NUMBER, "\"999999999999999999999999.000001\"", "\"999999999999999999999999.000001\""},
        {FLAT_NUMBER, "\"-5\"", "\"-5\""},
        {FLAT_NUMBER, "12", "12"},
        {FLAT_NUMBER, "1.5", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"-\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\".5\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"5.\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"1.2.3\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"0x10\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "\"=1+1\"", "!it.a.b must be a number as text"},
        {FLAT_NUMBER, "true", "!it.a.b must be a number as text"},
        {FLAT_TIME, "\"2026-11-23T00:00:00Z\"", "\"2026-11-23T00:00:00Z\""},
        {FLAT_TIME, "\"today\"", "!it.a.b must be a time as RFC 3339 has it"},
        {FLAT_EPOCH, "\"2026-11-23T00:00:00.5Z\"", "\"1795392000.500000\""},
        {FLAT_EPOCH, "5", "!it.a.b must be a time as RFC 3339 has it"},
        {FLAT_BOOLEAN, "true", "true"},
        {FLAT_BOOLEAN, "\"true\"", "!it.a.b must be true or false"},
        {FLAT_LIST, "[]", ""},
        {FLAT_LIST, "[\"a\",\"b\"]", "\"a, b\""},
        {FLAT_LIST, "[\"a\",1]", "!it.a.b must be a list of texts"},
        {FLAT_LIST, "{}", "!it.a.b must be a list of texts"},
        {FLAT_THRESHOLDS,
         "[{\"kind\":\"percent\",\"value\":\"80\"},{\"kind\":\"forecast\",\"value\":\"99.5\"},"
         "{\"kind\":\"absolute\",\"value\":\"500\"}]",
         "\"80 %, forecast 99.5 %, 500\""},
        {FLAT_THRESHOLDS, "[{\"kind\":\"percent\"}]", "!it.a.b must be a list of thresholds"},
        {FLAT_THRESHOLDS, "[{\"value\":\"1\"}]", "!it.a.b must be a list of thresholds"},
        {FLAT_THRESHOLDS, "[[]]", "!it.a.b must be a list of thresholds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[256];
        put(cases[i].type, true, cases[i].value, out);
        if (strcmp(out, cases[i].cell) != 0)
            fail_msg("%s: %s", cases[i].value, out);
    }
}

static void flat_put__leaves_a_cell_empty_only_where_that_is_allowed(void **state)
{
    (void)state;
    char out[256];
    put(FLAT_NUMBER, false, "null", out);
    assert_string_equal(out, "");
    put(FLAT_NUMBER, true, "null", out);
    assert_string_equal(out, "!it.a.b is missing");
    put(FLAT_NUMBER, false, "{}", out);
    assert_string_equal(out, "!it.a.b must be a number as text");
}

static void flat_member__follows_objects_alone(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct json *top = read(&arena, "{\"a\":{\"b\":{\"c\":7}},\"d\":[{\"c\":7}],\"e\":null}");
    int64_t number;
    assert_true(json_whole(flat_member(top, "a.b.c"), &number));
    assert_null(flat_member(top, "a.c"));
    assert_null(flat_member(top, "a.b.c.d"));
    assert_null(flat_member(top, "d.c"));
    assert_null(flat_member(top, "e.c"));
    assert_null(flat_member(read(&arena, "[]"), "a"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_put__reads_each_kind_and_refuses_what_is_another),
        cmocka_unit_test(flat_put__leaves_a_cell_empty_only_where_that_is_allowed),
        cmocka_unit_test(flat_member__follows_objects_alone),
    };
    return cmocka_run_group_tests_name("flat", tests, NULL, NULL);
}
