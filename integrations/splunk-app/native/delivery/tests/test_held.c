#include "integrations/splunk-app/native/delivery/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"
#include "libs/core/os.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-held-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void read_answer(int status, int retry_after_s, const char *body, struct refusal *out)
{
    struct http_reply reply = {.status = status, .retry_after_s = retry_after_s};
    buf_init(&reply.body, 1 << 20);
    buf_add_c(&reply.body, body);
    refusal_read(&reply, out);
    buf_done(&reply.body);
}

#define SLOW "{\"budget_name\":\"B\",\"used\":\"9\",\"limit\":\"10\",\"decision\":\"dec_1\"}"
#define BLOCKED                                                                                    \
    "{\"budget\":\"bdg_1\",\"budget_name\":\"Hand-offs a "                                         \
    "day\",\"resets_at\":\"2026-11-24T00:00:00Z\",\"retry_after_s\":3600}"

static void held_note__holds_one_address_and_tenant_for_as_long_as_was_said(void **state)
{
    (void)state;
    struct refusal refusal;
    struct held held;
    read_answer(429, 40, SLOW, &refusal);
    assert_false(held_look(folder, STR("https://a/"), STR("acme"), &held));
    held_note(folder, STR("https://a/"), STR("acme"), &refusal);
    assert_true(held_look(folder, STR("https://a/"), STR("acme"), &held));
    int64_t left_s = (held.until_us - os_now_us()) / 1000000;
    assert_true(left_s >= 38 && left_s <= 40);
    assert_string_equal(held.why, "the budget \"B\" lets hand-offs through slowly (9 of 10 used; "
                                  "the next in 40 s)");
    assert_false(held_look(folder, STR("https://b/"), STR("acme"), &held));
    assert_false(held_look(folder, STR("https://a/"), STR("acme2"), &held));
    assert_false(held_look(folder, STR("https://a/acm"), STR("e"), &held));
}

static void held_note__never_holds_longer_than_its_limit(void **state)
{
    (void)state;
    static const struct {
        int status;
        int retry_after_s;
        const char *body;
    } cases[] = {
        {402, 86400, BLOCKED},
        {402, 0, "{\"budget\":\"b\",\"resets_at\":\"2999-01-01T00:00:00Z\"}"},
        {402, 0, "{\"budget\":\"b\",\"resets_at\":\"1999-01-01T00:00:00Z\"}"},
        {402, 0, "{\"budget\":\"b\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct refusal refusal;
        struct held held;
        read_answer(cases[i].status, cases[i].retry_after_s, cases[i].body, &refusal);
        held_note(folder, STR("https://c/"), STR("acme"), &refusal);
        assert_true(held_look(folder, STR("https://c/"), STR("acme"), &held));
        int64_t left_s = (held.until_us - os_now_us()) / 1000000;
        assert_true(left_s >= HELD_MOST_S - 2 && left_s <= HELD_MOST_S);
    }
}

static void held_read__holds_nothing_by_what_is_over_odd_or_broken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "{}",
        "[]",
        "{\"until_us\":1000000,\"why\":\"over\"}",
        "{\"until_us\":901000001,\"why\":\"the clock was set back\"}",
        "{\"until_us\":2000000}",
        "{\"until_us\":\"2000000\",\"why\":\"a text\"}",
    };
    struct held held = {.until_us = -7};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(held_read(str_of(texts[i]), 1000000, &held));
    assert_int_equal(held.until_us, -7);
    assert_true(held_read(STR("{\"until_us\":901000000,\"why\":\"w\"}"), 1000000, &held));
    assert_string_equal(held.why, "w");
}

static void held_note__that_cannot_be_written_holds_nothing(void **state)
{
    (void)state;
    char path[128];
    struct refusal refusal;
    struct held held;
    struct fault fault;
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(file_replace(path, STR("in the way"), 0600, &fault), FAULT_NONE);
    read_answer(402, 0, BLOCKED, &refusal);
    held_note(path, STR("https://a/"), STR("acme"), &refusal);
    assert_false(held_look(path, STR("https://a/"), STR("acme"), &held));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_note__holds_one_address_and_tenant_for_as_long_as_was_said),
        cmocka_unit_test(held_note__never_holds_longer_than_its_limit),
        cmocka_unit_test(held_read__holds_nothing_by_what_is_over_odd_or_broken),
        cmocka_unit_test(held_note__that_cannot_be_written_holds_nothing),
    };
    return cmocka_run_group_tests_name("held", tests, make_folder, remove_folder);
}
