/* Cells of CSV: what others wrote is data to a spreadsheet, whatever it begins with. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "service/usage/usage_report.h"

static void check(struct str given, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    usage_add_cell(&out, given);
    if (!str_equal(buf_str(&out), str_of(want)))
        fail_msg("got %.*s, want %s", STR_ARG(buf_str(&out)), want);
    buf_done(&out);
}

static void cell__that_a_spreadsheet_would_run_is_text(void **state)
{
    (void)state;
    check(STR("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
    check(STR("+1"), "\"'+1\"");
    check(STR("-2+3+cmd|' /C calc'!A0"), "\"'-2+3+cmd|' /C calc'!A0\"");
    check(STR("@SUM(1)"), "\"'@SUM(1)\"");
    check(STR("\t=1"), "\"'\t=1\"");
    check(STR("\r=1"), "\"'\r=1\"");
    check(STR("="), "\"'=\"");
}

static void cell__cannot_be_left_by_a_quote(void **state)
{
    (void)state;
    check(STR("\",=1,\""), "\"\"\",=1,\"\"\"");
    check(STR("\""), "\"\"\"\"");
}

static void cell__of_anything_else_is_as_it_is(void **state)
{
    (void)state;
    check(STR(""), "\"\"");
    check(STR("/v1/a"), "\"/v1/a\"");
    check(STR("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
    check(STR("a=1"), "\"a=1\"");
    check(STR("a,b"), "\"a,b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell__that_a_spreadsheet_would_run_is_text),
        cmocka_unit_test(cell__cannot_be_left_by_a_quote),
        cmocka_unit_test(cell__of_anything_else_is_as_it_is),
    };
    return cmocka_run_group_tests_name("usage_cell", tests, NULL, NULL);
}
