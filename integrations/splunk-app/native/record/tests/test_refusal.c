#include "integrations/splunk-app/native/record/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void read_answer(int status, int retry_after_s, const char *body, struct refusal *out)
{
    struct http_reply reply = {.status = status, .retry_after_s = retry_after_s};
    buf_init(&reply.body, 1 << 20);
    buf_add_c(&reply.body, body);
    refusal_read(&reply, out);
    buf_done(&reply.body);
}

#define BLOCKED                                                                                    \
    "{\"type\":\"about:blank\",\"title\":\"Payment Required\",\"status\":402,\"detail\":\"x\","    \
    "\"budget\":\"bdg_1\",\"budget_name\":\"Hand-offs a day\",\"used\":\"98\",\"reserved\":\"2\"," \
    "\"limit\":\"100\",\"resets_at\":\"2026-11-24T00:00:00Z\",\"contact\":\"finance@corp.example"  \
    "\",\"decision\":\"dec_7\",\"retry_after_s\":3600}"

static void refusal_read__takes_what_a_budget_says_when_it_blocks(void **state)
{
    (void)state;
    struct refusal refusal;
    struct fault fault;
    read_answer(402, 0, BLOCKED, &refusal);
    assert_int_equal(refusal.verdict, REFUSAL_BLOCKED);
    assert_int_equal(refusal.retry_after_s, 3600);
    assert_string_equal(refusal.decision, "dec_7");
    assert_string_equal(refusal_word(refusal.verdict), "blocked");
    assert_int_equal(refusal_tell(&refusal, &fault), FAULT_UNAVAILABLE);
    assert_string_equal(fault.text, "the budget \"Hand-offs a day\" lets nothing more through (98 "
                                    "of 100 used, 2 reserved, until 2026-11-24T00:00:00Z; ask "
                                    "finance@corp.example)");
}

static void refusal_read__takes_the_header_before_the_member_of_the_body(void **state)
{
    (void)state;
    static const struct {
        int header;
        const char *body;
        int seconds;
    } cases[] = {
        {30, "{\"retry_after_s\":7}", 30},
        {0, "{\"retry_after_s\":7}", 7},
        {0, "{\"retry_after_s\":\"7\"}", 7},
        {0, "{\"retry_after_s\":-7}", 0},
        {0, "{\"retry_after_s\":99999999999}", REFUSAL_RETRY_MAX_S},
        {0, "{\"retry_after_s\":\"soon\"}", 0},
        {0, "{}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct refusal refusal;
        read_answer(429, cases[i].header, cases[i].body, &refusal);
        assert_int_equal(refusal.verdict, REFUSAL_THROTTLED);
        assert_int_equal(refusal.retry_after_s, cases[i].seconds);
    }
}

static void refusal_read__is_no_budgets_where_none_is_named(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum refusal_verdict verdict;
        const char *told;
    } cases[] = {
        {402, "<html>pay</html>", REFUSAL_NONE, ""},
        {402, "{\"detail\":\"pay\"}", REFUSAL_NONE, ""},
        {402, "{\"budget_name\":7}", REFUSAL_NONE, ""},
        {403, BLOCKED, REFUSAL_NONE, ""},
        {503, BLOCKED, REFUSAL_NONE, ""},
        {201, BLOCKED, REFUSAL_NONE, ""},
        {402, "{\"budget\":\"bdg_1\"}", REFUSAL_BLOCKED,
         "the budget \"bdg_1\" lets nothing more through"},
        {429, "<html>slow down</html>", REFUSAL_THROTTLED,
         "IntelGraph lets hand-offs through slowly"},
        {429, "[[[[", REFUSAL_THROTTLED, "IntelGraph lets hand-offs through slowly"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct refusal refusal;
        struct fault fault;
        read_answer(cases[i].status, 0, cases[i].body, &refusal);
        assert_int_equal(refusal.verdict, cases[i].verdict);
        if (refusal.verdict == REFUSAL_NONE)
            continue;
        (void)refusal_tell(&refusal, &fault);
        assert_string_equal(fault.text, cases[i].told);
    }
}

static void refusal_read__lets_no_foreign_sentence_into_ours(void **state)
{
    (void)state;
    struct refusal refusal;
    struct fault fault;
    read_answer(
        402, 0,
        "{\"budget_name\":\"a\\nERROR b\\u001b\",\"contact\":\"c\\u0007d\",\"used\":\"1; rm\","
        "\"limit\":\"a lot\",\"resets_at\":\"tomorrow\"}",
        &refusal);
    (void)refusal_tell(&refusal, &fault);
    assert_string_equal(fault.text,
                        "the budget \"a ERROR b \" lets nothing more through (ask c d)");
}

static void refusal_read__cuts_a_long_name_where_a_character_ends(void **state)
{
    (void)state;
    struct refusal refusal;
    struct buf body;
    struct fault fault;
    buf_init(&body, 64 << 10);
    buf_add_c(&body, "{\"budget_name\":\"a");
    for (int i = 0; i < 80; i++)
        buf_add_c(&body, "\xc3\xbc");
    buf_add_c(&body, "\",\"contact\":\"");
    for (int i = 0; i < 200; i++)
        buf_add_c(&body, "\xe2\x82\xac");
    buf_add_c(&body, "\",\"used\":\"99999999999999999999999999999999999999\","
                     "\"limit\":\"99999999999999999999999999999999999999\","
                     "\"reserved\":\"99999999999999999999999999999999999999\","
                     "\"resets_at\":\"2026-11-24T00:00:00.123456Z\"}");
    buf_add_byte(&body, '\0');
    read_answer(402, 0, body.ptr, &refusal);
    assert_int_equal(strlen(refusal.name), 119);
    assert_int_equal(strlen(refusal.contact), 120);
    (void)refusal_tell(&refusal, &fault);
    assert_true(str_is_utf8(str_of(fault.text)));
    assert_true(str_ends(str_of(fault.text), STR("\xe2\x82\xac)"))); /* nothing is cut again */
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusal_read__takes_what_a_budget_says_when_it_blocks),
        cmocka_unit_test(refusal_read__takes_the_header_before_the_member_of_the_body),
        cmocka_unit_test(refusal_read__is_no_budgets_where_none_is_named),
        cmocka_unit_test(refusal_read__lets_no_foreign_sentence_into_ours),
        cmocka_unit_test(refusal_read__cuts_a_long_name_where_a_character_ends),
    };
    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
