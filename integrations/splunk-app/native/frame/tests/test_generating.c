#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/frame/generating.h"
#include "integrations/splunk-app/native/frame/options.h"
#include "libs/core/file.h"

static const char *const columns[] = {"n", "a text", NULL};

/* Makes `left` rows. */
struct counter {
    int left;
    const char *text;
    enum fault_code fails;
};

static enum fault_code start(void *state, const struct scp_getinfo *info, struct fault *fault)
{
    (void)state;
    (void)info;
    (void)fault;
    return FAULT_NONE;
}

static enum fault_code next(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault)
{
    struct counter *counter = state;
    (void)messages;
    (void)arena;
    if (counter->fails != FAULT_NONE)
        return fault_set(fault, counter->fails, "cannot count");
    while (counter->left > 0 && !generating_is_full(rows)) {
        generating_put_whole(rows, counter->left--);
        generating_put(rows, str_of(counter->text));
    }
    *out_more = counter->left > 0;
    return FAULT_NONE;
}

/* What the command answers to `requests`, from beginning to end. */
static void talk(struct counter *counter, const char *const *requests, char out[65536])
{
    struct generating_source source = {"count", columns, counter, start, next};
    struct generating generating;
    struct fault fault;
    int in[2];
    int back[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(back), 0);
    for (; *requests; requests++) {
        char frame[1024];
        int len =
            snprintf(frame, sizeof frame, "chunked 1.0,%zu,0\n%s", strlen(*requests), *requests);
        assert_true(len > 0 && len < (int)sizeof frame);
        assert_int_equal(
            file_write_all(in[1], (struct str){frame, (size_t)len}, "a request", &fault),
            FAULT_NONE);
    }
    close(in[1]);
    generating_init(&generating, &source);
    struct command command = generating_command(&generating);
    assert_int_equal(command_run(&command, in[0], back[1]), 0);
    generating_done(&generating);
    close(in[0]);
    close(back[1]);
    ssize_t got = read(back[0], out, 65535);
    assert_true(got >= 0);
    out[got] = '\0';
    close(back[0]);
}

#define GETINFO                                                                                    \
    "{\"action\":\"getinfo\",\"preview\":false,\"searchinfo\":{\"args\":[],\"maxresultrows\":2}}"
#define EXECUTE "{\"action\":\"execute\",\"finished\":false}"
#define LAST    "{\"action\":\"execute\",\"finished\":true}"

static void generating__is_asked_until_it_has_no_more_rows(void **state)
{
    (void)state;
    char out[65536];
    struct counter counter = {.left = 5, .text = "x"};
    talk(&counter, (const char *const[]){GETINFO, EXECUTE, LAST, EXECUTE, NULL}, out);
    assert_string_equal(out, "chunked 1.0,37,0\n{\"type\":\"stateful\",\"generating\":true}"
                             "chunked 1.0,18,19\n{\"finished\":false}n,\"a text\"\n5,x\n4,x\n"
                             "chunked 1.0,18,19\n{\"finished\":false}n,\"a text\"\n3,x\n2,x\n"
                             "chunked 1.0,17,15\n{\"finished\":true}n,\"a text\"\n1,x\n");
}

static void generating__without_rows_answers_with_an_empty_body(void **state)
{
    (void)state;
    char out[65536];
    struct counter counter = {.left = 0};
    talk(&counter, (const char *const[]){GETINFO, LAST, LAST, NULL}, out);
    assert_string_equal(out, "chunked 1.0,37,0\n{\"type\":\"stateful\",\"generating\":true}"
                             "chunked 1.0,17,0\n{\"finished\":true}"
                             "chunked 1.0,17,0\n{\"finished\":true}");
}

static void generating__does_nothing_at_getinfo(void **state)
{
    (void)state;
    char out[65536];
    struct counter counter = {.left = 3, .text = "x"};
    talk(&counter, (const char *const[]){GETINFO, NULL}, out);
    assert_int_equal(counter.left, 3);
}

static void generating__quotes_as_splunkd_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *cell;
    } cases[] = {
        {"", ""},           {"a1Z", "a1Z"},       {"a b", "\"a b\""},
        {"a,b", "\"a,b\""}, {"\"", "\"\"\"\""},   {"a\"b\"", "\"a\"\"b\"\"\""},
        {"-1", "\"-1\""},   {"a\nb", "\"a\nb\""}, {"\xc3\xa3", "\"\xc3\xa3\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[65536];
        char want[128];
        struct counter counter = {.left = 1, .text = cases[i].text};
        talk(&counter, (const char *const[]){GETINFO, LAST, NULL}, out);
        snprintf(want, sizeof want, "\n1,%s\n", cases[i].cell);
        assert_true(str_ends(str_of(out), str_of(want)));
    }
}

static void generating__tells_a_fault_as_the_end_of_the_search(void **state)
{
    (void)state;
    char out[65536];
    struct counter counter = {.fails = FAULT_UNAVAILABLE};
    talk(&counter, (const char *const[]){GETINFO, LAST, NULL}, out);
    assert_true(str_ends(str_of(out), STR("{\"finished\":true,\"error\":\"cannot count\"}")));
}

/* --- options ------------------------------------------------------------------------------- */

struct wanted {
    struct str name;
    int64_t limit;
};

static const struct option table[] = {
    {"name", "name=<text>", OPTION_TEXT, offsetof(struct wanted, name), 1, 8},
    {"limit", "limit=<1 to 100>", OPTION_WHOLE, offsetof(struct wanted, limit), 1, 100},
};

static enum fault_code read_words(const char *first, const char *second, struct wanted *out,
                                  struct fault *fault)
{
    struct scp_getinfo info = {.arg_count = second ? 2 : 1};
    info.args[0] = str_of(first);
    info.args[1] = str_of(second);
    return options_read(&info, "count [name=<text>]", table, 2, out, fault);
}

static void options_read__fills_what_is_given_and_leaves_the_rest(void **state)
{
    (void)state;
    struct wanted wanted = {.limit = 7};
    struct fault fault;
    assert_int_equal(read_words("name=abc", NULL, &wanted, &fault), FAULT_NONE);
    assert_true(str_equal(wanted.name, STR("abc")));
    assert_int_equal(wanted.limit, 7);
    assert_int_equal(read_words("LIMIT=100", "name=x", &wanted, &fault), FAULT_NONE);
    assert_int_equal(wanted.limit, 100);
}

static void options_read__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        const char *sentence;
    } cases[] = {
        {"limt=1", NULL,
         "there is no argument \"limt\"; did you mean limit=<1 to 100>? Usage: count "
         "[name=<text>]"},
        {"abc", NULL, "\"abc\" is not name=value. Usage: count [name=<text>]"},
        {"limit=0", NULL, "limit=0 must be a whole number from 1 to 100"},
        {"limit=101", NULL, "limit=101 must be a whole number from 1 to 100"},
        {"limit=1.5", NULL, "limit=1.5 must be a whole number from 1 to 100"},
        {"limit=1", "limit=1", "limit= is given twice"},
        {"name=", NULL, "name= is empty"},
        {"name=123456789", NULL, "name= has 9 bytes, at most 8 are allowed"},
        {"name=\xff", NULL, "name= is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wanted wanted = {.limit = 7};
        struct fault fault = {.text = ""};
        assert_int_not_equal(read_words(cases[i].first, cases[i].second, &wanted, &fault),
                             FAULT_NONE);
        assert_string_equal(fault.text, cases[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generating__is_asked_until_it_has_no_more_rows),
        cmocka_unit_test(generating__without_rows_answers_with_an_empty_body),
        cmocka_unit_test(generating__does_nothing_at_getinfo),
        cmocka_unit_test(generating__quotes_as_splunkd_does),
        cmocka_unit_test(generating__tells_a_fault_as_the_end_of_the_search),
        cmocka_unit_test(options_read__fills_what_is_given_and_leaves_the_rest),
        cmocka_unit_test(options_read__says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
