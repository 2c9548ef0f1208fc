#include "service/main/main_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 16 };

static struct main_options read;
static const struct main_command *command;
static enum main_wish wish;
static struct fault fault;

/* Reads a line of words between blanks. */
static enum fault_code parse(const char *line)
{
    static char text[512];
    char *words[WORDS_MAX];
    int count = 0;
    char *rest = NULL;
    strncpy(text, line, sizeof text - 1);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return main_options_read(count, words, &wish, &command, &read, &fault);
}

static void main_options_read__fills_in_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse("serve"), FAULT_NONE);
    assert_int_equal(wish, MAIN_RUN);
    assert_string_equal(command->name, "serve");
    assert_true(str_equal(read.listen, STR("127.0.0.1:8460")));
    assert_true(str_equal(read.log_level, STR("info")));
    assert_int_equal(read.threads, 16);
    assert_int_equal(read.refusals_expire_s, 90 * 86400);
    assert_int_equal(read.dlq_expire_s, 400 * 86400);
    assert_int_equal(read.data.len, 0);
    assert_int_equal(parse("token create --tenant t --role admin --name=n"), FAULT_NONE);
    assert_int_equal(read.expires_s, 90 * 86400);
    assert_true(str_equal(read.name, STR("n")));
}

static void main_options_read__takes_values_after_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    assert_int_equal(parse("serve --data=/d --listen [::1]:0 --threads=62 --log-level debug"),
                     FAULT_NONE);
    assert_true(str_equal(read.data, STR("/d")));
    assert_true(str_equal(read.listen, STR("[::1]:0")));
    assert_int_equal(read.threads, 62);
    assert_int_equal(parse("serve --refusals-expire never"), FAULT_NONE);
    assert_int_equal(read.refusals_expire_s, 0);
    assert_int_equal(parse("serve --dlq-expire=never"), FAULT_NONE);
    assert_int_equal(read.dlq_expire_s, 0);
    assert_int_equal(parse("token revoke --id --odd"), FAULT_NONE);
    assert_true(str_equal(read.id, STR("--odd")));
}

static void main_options_read__names_what_is_wrong_and_the_nearest_right(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
    } cases[] = {
        {"", "a command is needed"},
        {"sevre", "did you mean \"serve\""},
        {"token lst", "did you mean \"token list\""},
        {"token", "token needs a second word"},
        {"audit", "audit needs a second word"},
        {"quux", "see intelgraphd --help"},
        {"help quux", "see intelgraphd --help"},
        {"serve --lisen 1", "did you mean --listen"},
        {"serve --tenant t", "serve has no option --tenant"},
        {"token list --treads 1", "token list has no option --treads"},
        {"serve --listen", "--listen needs a value: --listen ADDR:PORT"},
        {"serve --threads 1 --threads 2", "--threads is given twice"},
        {"serve --threads 0", "from 1 to 62"},
        {"serve --threads 63", "from 1 to 62"},
        {"serve --threads 4x", "from 1 to 62"},
        {"serve --refusals-expire 0d", "--refusals-expire is \"0d\"; write it as 90d"},
        {"serve --refusals-expire 90", "or never"},
        {"serve --dlq-expire 0d", "--dlq-expire is \"0d\"; write it as 90d"},
        {"serve --data=", "--data must have 1 to"},
        {"serve now", "options begin with --"},
        {"token create --role admin --name n", "token create needs --tenant"},
        {"token create --tenant t --role admin --name n --expires 90", "write it as 90d"},
        {"token create --tenant t --role admin --name n --expires 0d", "write it as 90d"},
        {"token create --tenant t --role admin --name n --expires 3651d", "write it as 90d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].line, fault.text, cases[i].says);
    }
}

static void main_options_read__finds_help_wherever_it_is_asked_for(void **state)
{
    (void)state;
    static const char *const lines[] = {"help serve", "serve --help", "serve --threads 2 -h",
                                        "--help serve"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(parse(lines[i]), FAULT_NONE);
        assert_int_equal(wish, MAIN_HELP);
        assert_string_equal(command->name, "serve");
    }
    assert_int_equal(parse("--help"), FAULT_NONE);
    assert_int_equal(wish, MAIN_HELP);
    assert_null(command);
    assert_int_equal(parse("--version"), FAULT_NONE);
    assert_int_equal(wish, MAIN_VERSION);
}

static void main_duration_read__knows_its_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } cases[] = {
        {"1s", 1},
        {"90m", 5400},
        {"2h", 7200},
        {"90d", 7776000},
        {"1w", 604800},
        {"never", 0},
        {"3650d", 315360000},
        {"3651d", -1},
        {"522w", -1},
        {"", -1},
        {"d", -1},
        {"5", -1},
        {"-1d", -1},
        {"1.5d", -1},
        {"1D", -1},
        {"1dd", -1},
        {"0s", -1},
        {"99999999999999999999s", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -7;
        bool good = main_duration_read(str_of(cases[i].text), &seconds);
        assert_int_equal(good, cases[i].seconds >= 0);
        assert_int_equal(seconds, good ? cases[i].seconds : -7);
    }
}

static void main_options_add_help__tells_every_command_and_option(void **state)
{
    (void)state;
    struct buf help;
    buf_init(&help, 1 << 16);
    main_options_add_help(&help, NULL);
    for (const struct main_command *each = main_commands; each->name; each++)
        assert_true(str_find(buf_str(&help), str_of(each->name)) < help.len);
    buf_clear(&help);
    assert_int_equal(parse("help token create"), FAULT_NONE);
    main_options_add_help(&help, command);
    static const char *const told[] = {"--data DIR",     "--tenant T",    "--role R", "--name N",
                                       "--expires TIME", "(default 90d)", "(needed)"};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        assert_true(str_find(buf_str(&help), str_of(told[i])) < help.len);
    assert_true(str_find(buf_str(&help), STR("--listen")) == help.len);
    buf_done(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_options_read__fills_in_defaults),
        cmocka_unit_test(main_options_read__takes_values_after_a_blank_or_an_equals_sign),
        cmocka_unit_test(main_options_read__names_what_is_wrong_and_the_nearest_right),
        cmocka_unit_test(main_options_read__finds_help_wherever_it_is_asked_for),
        cmocka_unit_test(main_duration_read__knows_its_units),
        cmocka_unit_test(main_options_add_help__tells_every_command_and_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
