#include "integrations/splunk-app/native/frame/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* --- rows ---------------------------------------------------------------------------------- */

static const char *const added[] = {"x", "y", NULL};

static void add_tag(const void *context, uint32_t tag, struct buf *out)
{
    (void)context;
    buf_addf(out, ",%u,\"t\"", tag);
}

static enum fault_code collect(void *context, struct str bytes, struct fault *fault)
{
    buf_add(context, bytes);
    return buf_check(context, "collected", fault);
}

/* Passes every row of `body` with its number as the tag. */
static enum fault_code pass(struct str body, struct buf *out, struct fault *fault)
{
    struct rows rows;
    struct arena arena;
    struct buf staging;
    struct buf scratch;
    bool more = true;
    arena_init(&arena, 1 << 24);
    buf_init(&staging, 8192);
    buf_init(&scratch, 8192);
    rows_init(&rows, added);
    enum fault_code code = rows_begin(&rows, body, &arena, fault);
    if (code == FAULT_NONE)
        rows_need(&rows, 0);
    for (uint32_t i = 1; code == FAULT_NONE && more; i++) {
        code = rows_next(&rows, &more, fault);
        if (code == FAULT_NONE && more)
            code = rows_keep(&rows, i, fault);
    }
    if (code == FAULT_NONE) {
        size_t size = rows_size(&rows, add_tag, NULL, &scratch);
        code = rows_write(&rows, add_tag, NULL, &staging, collect, out, fault);
        assert_int_equal(out->len, size);
    }
    rows_done(&rows);
    buf_done(&staging);
    buf_done(&scratch);
    arena_done(&arena);
    return code;
}

static void check_pass(struct str body, const char *want)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 24);
    enum fault_code code = pass(body, &out, &fault);
    if (code != FAULT_NONE)
        fail_msg("%s", fault.text);
    buf_add_byte(&out, '\0');
    assert_string_equal(out.ptr ? out.ptr : "", want);
    buf_done(&out);
}

static void rows__pass_byte_for_byte_with_cells_added(void **state)
{
    (void)state;
    check_pass(STR("a,\"__mv_a\"\n1,\n\"q,\"\"\nr\",\"$x$;$y$\"\n"),
               "a,\"__mv_a\",\"x\",\"y\"\n1,,1,\"t\"\n\"q,\"\"\nr\",\"$x$;$y$\",2,\"t\"\n");
    check_pass(STR("a,b\n"), "a,b,\"x\",\"y\"\n");
    check_pass(STR(""), "");
    check_pass(STR("a,b\r\n1,2\r\n3,4"), "a,b,\"x\",\"y\"\n1,2,1,\"t\"\n3,4,2,\"t\"\n");
    check_pass(STR("a,b,c\n1\n"), "a,b,c,\"x\",\"y\"\n1,,,1,\"t\"\n");
}

static void rows__let_columns_of_an_earlier_run_give_way(void **state)
{
    (void)state;
    check_pass(STR("a,x,b,y,__mv_a,__mv_x\n1,2,3,4,5,6\n"),
               "a,b,__mv_a,\"x\",\"y\"\n1,3,5,1,\"t\"\n");
    check_pass(STR("x,a\n1,2\n"), "a,\"x\",\"y\"\n2,1,\"t\"\n");
    check_pass(STR("x,y,a\n1,2,3\n"), "a,\"x\",\"y\"\n3,1,\"t\"\n");
}

static void rows_next__refuses_rows_that_are_no_rows_of_this_table(void **state)
{
    (void)state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 20);
    assert_int_equal(pass(STR("a,b\n1,2\n1,2,3\n"), &out, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "row 2 of a chunk has 3 cells for 2 columns");
    assert_int_equal(pass(STR("a,b\n1,\"2\n"), &out, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "row 1 of a chunk has a quote that is not closed");
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

/* --- messages ------------------------------------------------------------------------------ */

static void command_say__keeps_one_of_two_same_messages(void **state)
{
    (void)state;
    struct command_messages messages = {0};
    command_say(&messages, COMMAND_INFO, "a %d", 1);
    command_say(&messages, COMMAND_WARN, "a %d", 1);
    command_say(&messages, COMMAND_WARN, "a %d", 2);
    assert_int_equal(messages.count, 2);
}

static void command_say__keeps_foreign_words_in_one_line(void **state)
{
    (void)state;
    struct command_messages messages = {0};
    command_say(&messages, COMMAND_WARN, "IntelGraph answered 503: %s",
                "a\r\nERROR\tb\x1b[31m\x7f");
    assert_string_equal(messages.list[0].text, "IntelGraph answered 503: a  ERROR b [31m ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__pass_byte_for_byte_with_cells_added),
        cmocka_unit_test(rows__let_columns_of_an_earlier_run_give_way),
        cmocka_unit_test(rows_next__refuses_rows_that_are_no_rows_of_this_table),
        cmocka_unit_test(command_say__keeps_one_of_two_same_messages),
        cmocka_unit_test(command_say__keeps_foreign_words_in_one_line),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
