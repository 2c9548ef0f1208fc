#include "integrations/splunk-app/native/handoff/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum fault_code read_args(const char *const *words, struct args *out, struct fault *fault)
{
    static struct scp_getinfo info;
    info = (struct scp_getinfo){0};
    for (; words[info.arg_count]; info.arg_count++)
        info.args[info.arg_count] = str_of(words[info.arg_count]);
    return args_read(&info, out, fault);
}

static void args_read__takes_each_argument_in_any_spelling_of_splunkd(void **state)
{
    (void)state;
    static const char *const words[] = {
        "title=a \"b\"", "fields=src_ip",   "dest, url",      "DryRun", "=",
        "yes",           "maxentities=500", "investigation=", "i-7",    NULL};
    struct args args;
    struct fault fault;
    assert_int_equal(read_args(words, &args, &fault), FAULT_NONE);
    assert_true(str_equal(args.title, STR("a \"b\"")));
    assert_int_equal(args.field_count, 3);
    assert_true(str_equal(args.fields[2], STR("url")));
    assert_true(args.dryrun);
    assert_int_equal(args.max_entities, 500);
    assert_true(str_equal(args.investigation, STR("i-7")));

    struct buf canonical;
    buf_init(&canonical, 1000);
    args_add_canonical(&args, &canonical);
    assert_true(
        str_equal(buf_str(&canonical), STR("ighandoff fields=src_ip,dest,url investigation=\"i-7\" "
                                           "maxentities=500 title=\"a \\\"b\\\"\"")));
    buf_done(&canonical);
}

static void args_read__says_what_is_wrong_and_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *told;
    } cases[] = {
        {{"titel=x"}, "there is no argument \"titel\"; did you mean title=<text>?"},
        {{"max_entities=5"}, "did you mean maxentities=<1 to 100000>?"},
        {{"token=igt_secret"}, "there is no argument \"token\""},
        {{"foo"}, "\"foo\" is not name=value"},
        {{"maxentities=0"}, "must be a whole number from 1 to 100000"},
        {{"maxentities=100001"}, "must be a whole number from 1 to 100000"},
        {{"maxentities=-1"}, "must be a whole number from 1 to 100000"},
        {{"dryrun=maybe"}, "dryrun=maybe is neither true nor false"},
        {{"title=a", "title=b"}, "title= is given twice"},
        {{"fields="}, "fields= names no field"},
        {{"title=\xff"}, "title= is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct args args;
        struct fault fault;
        assert_int_equal(read_args(cases[i].words, &args, &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%s: %s", cases[i].words[0], fault.text);
        assert_null(strstr(fault.text, "igt_secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(args_read__takes_each_argument_in_any_spelling_of_splunkd),
        cmocka_unit_test(args_read__says_what_is_wrong_and_what_was_meant),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
