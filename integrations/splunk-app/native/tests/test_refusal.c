#include "integrations/splunk-app/native/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/courier.h"
#include "integrations/splunk-app/native/held.h"
#include "libs/core/file.h"
#include "libs/core/os.h"

#define ID "0123456789abcdef0123456789abcdef"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-refusal-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* --- reading -------------------------------------------------------------------------------- */

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

/* --- waiting -------------------------------------------------------------------------------- */

/* A service that answers by a list, and a clock that stands still but for pauses. */
static struct {
    const struct http_reply *answers; /* the last one again and again; body.ptr is a text */
    size_t count;
    size_t asked;
    int64_t asked_at_us[16];
    int64_t now_us;
    struct os_platform platform;
} world;

static enum fault_code fake_open(const struct http_settings *settings, void **out,
                                 struct fault *fault)
{
    (void)settings;
    (void)fault;
    *out = &world;
    return FAULT_NONE;
}

static void fake_close(void *taken)
{
    (void)taken;
}

static enum fault_code fake_send(void *carrier, const struct http_request *request,
                                 struct http_reply *out, struct fault *fault)
{
    (void)carrier;
    (void)request;
    const struct http_reply *answer =
        &world.answers[world.asked < world.count ? world.asked : world.count - 1];
    assert_true(world.asked < 16);
    world.asked_at_us[world.asked++] = world.now_us;
    if (answer->status == 0)
        return fault_set(fault, FAULT_UNAVAILABLE, "nobody there");
    *out = (struct http_reply){.status = answer->status, .retry_after_s = answer->retry_after_s};
    buf_init(&out->body, 4096);
    buf_add_c(&out->body, answer->body.ptr);
    return FAULT_NONE;
}

static void fake_pause(int64_t us)
{
    world.now_us += us;
}

static int64_t fake_now(void)
{
    return world.now_us;
}

struct outcome {
    enum fault_code code;
    struct fault fault;
    bool is_refused;
    struct refusal refusal;
    int64_t waited_ms;
};

static void deliver(const struct http_reply *answers, size_t count, int64_t patience_ms,
                    struct outcome *out)
{
    static const struct http_transport fake = {
        .open = fake_open, .send = fake_send, .close = fake_close};
    static struct places places;
    char token[128];
    struct settings settings = {.url = STR("http://127.0.0.1:1/"), .tenant = STR("acme")};
    struct courier *courier;
    struct parcel parcel;
    struct arena arena;
    struct wire_receipt receipt;
    snprintf(token, sizeof token, "%s/token", folder);
    assert_int_equal(file_replace(token, STR("igt_1_2"), 0600, &out->fault), FAULT_NONE);
    snprintf(token, sizeof token, "file:%s/token", folder);
    settings.credential = str_of(token);
    world.answers = answers;
    world.count = count;
    world.asked = 0;
    world.now_us = INT64_C(1763863200000000);
    world.platform = os_posix;
    world.platform.pause_us = fake_pause;
    world.platform.monotonic_us = fake_now;
    arena_init(&arena, 4 << 20);
    parcel_init(&parcel);
    buf_add_c(&parcel.head, "{\"handoff\":{}}\n");
    buf_add_c(&parcel.commit, "{\"commit\":{\"rows\":1,\"entities\":1,\"relations\":0,\"values\":1,"
                              "\"placeholders\":0,\"invalid\":0,\"masked\":0,\"dropped\":0,"
                              "\"entities_left_out\":0,\"relations_left_out\":0,"
                              "\"content_sha256\":\"" ID ID "\"}}\n");
    const struct http_transport *transport = http_transport_set(&fake);
    const struct os_platform *platform = os_platform_set(&world.platform);
    assert_int_equal(courier_new(&places, &settings, NULL, &courier, &out->fault), FAULT_NONE);
    out->code = courier_deliver(courier, &parcel, patience_ms, &arena, &receipt, &out->fault);
    out->is_refused = courier_is_refused(courier);
    out->refusal = *courier_refusal(courier);
    out->waited_ms = courier_waited_ms(courier);
    courier_free(courier);
    os_platform_set(platform);
    http_transport_set(transport);
    parcel_done(&parcel);
    arena_done(&arena);
}

#define ANSWER(number, seconds, text)                                                              \
    {                                                                                              \
        .status = (number), .retry_after_s = (seconds), .body = {.ptr = (char *)(text) }           \
    }
#define SLOW "{\"budget_name\":\"B\",\"used\":\"9\",\"limit\":\"10\",\"decision\":\"dec_1\"}"
static void courier_deliver__waits_as_long_as_a_throttle_says(void **state)
{
    (void)state;
    static const struct http_reply answers[] = {ANSWER(429, 2, SLOW), ANSWER(429, 0, SLOW),
                                                ANSWER(503, 0, "{\"detail\":\"down\"}")};
    struct outcome outcome;
    deliver(answers, 3, 3000, &outcome);
    assert_int_equal(world.asked, 3);
    assert_int_equal(world.asked_at_us[1] - world.asked_at_us[0], 2000000);
    assert_int_equal(world.asked_at_us[2] - world.asked_at_us[1], 1000000); /* the least */
    assert_int_equal(outcome.waited_ms, 3000);
    assert_int_equal(outcome.code, FAULT_UNAVAILABLE);
    assert_false(outcome.is_refused); /* what stopped it was no budget */
    assert_string_equal(outcome.fault.text, "IntelGraph answered 503: down");
    assert_int_equal(outcome.refusal.verdict, REFUSAL_THROTTLED);
}

static void courier_deliver__does_not_wait_longer_than_its_patience(void **state)
{
    (void)state;
    static const struct http_reply once[] = {ANSWER(429, 4, SLOW)};
    static const struct http_reply thrice[] = {ANSWER(429, 1, SLOW)};
    struct outcome outcome;
    deliver(once, 1, 3999, &outcome);
    assert_int_equal(world.asked, 1);
    assert_int_equal(outcome.waited_ms, 0);
    assert_true(outcome.is_refused);
    assert_string_equal(outcome.fault.text, "the budget \"B\" lets hand-offs through slowly (9 of "
                                            "10 used; the next in 4 s)");
    deliver(thrice, 1, 3500, &outcome);
    assert_int_equal(world.asked, 4);
    assert_int_equal(outcome.waited_ms, 3000);
    assert_true(outcome.is_refused);
    deliver(thrice, 1, 0, &outcome);
    assert_int_equal(world.asked, 1);
}

static void courier_deliver__does_not_wait_for_a_block(void **state)
{
    (void)state;
    static const struct http_reply answers[] = {ANSWER(402, 1, BLOCKED)};
    struct outcome outcome;
    deliver(answers, 1, 60000, &outcome);
    assert_int_equal(world.asked, 1);
    assert_int_equal(outcome.code, FAULT_UNAVAILABLE);
    assert_true(outcome.is_refused);
    assert_int_equal(outcome.refusal.verdict, REFUSAL_BLOCKED);
}

static void courier_deliver__is_not_refused_when_the_line_breaks_while_it_waits(void **state)
{
    (void)state;
    static const struct http_reply answers[] = {ANSWER(429, 1, SLOW), ANSWER(0, 0, "")};
    struct outcome outcome;
    deliver(answers, 2, 5000, &outcome);
    assert_int_equal(outcome.code, FAULT_UNAVAILABLE);
    assert_false(outcome.is_refused);
    assert_string_equal(outcome.fault.text, "nobody there");
}

/* --- holding -------------------------------------------------------------------------------- */

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
        cmocka_unit_test(refusal_read__takes_what_a_budget_says_when_it_blocks),
        cmocka_unit_test(refusal_read__takes_the_header_before_the_member_of_the_body),
        cmocka_unit_test(refusal_read__is_no_budgets_where_none_is_named),
        cmocka_unit_test(refusal_read__lets_no_foreign_sentence_into_ours),
        cmocka_unit_test(refusal_read__cuts_a_long_name_where_a_character_ends),
        cmocka_unit_test(courier_deliver__waits_as_long_as_a_throttle_says),
        cmocka_unit_test(courier_deliver__does_not_wait_longer_than_its_patience),
        cmocka_unit_test(courier_deliver__does_not_wait_for_a_block),
        cmocka_unit_test(courier_deliver__is_not_refused_when_the_line_breaks_while_it_waits),
        cmocka_unit_test(held_note__holds_one_address_and_tenant_for_as_long_as_was_said),
        cmocka_unit_test(held_note__never_holds_longer_than_its_limit),
        cmocka_unit_test(held_read__holds_nothing_by_what_is_over_odd_or_broken),
        cmocka_unit_test(held_note__that_cannot_be_written_holds_nothing),
    };
    return cmocka_run_group_tests_name("refusal", tests, make_folder, remove_folder);
}
