#include "integrations/splunk-app/native/delivery/courier.h"

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

#define ID "0123456789abcdef0123456789abcdef"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-courier-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

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
#define BLOCKED                                                                                    \
    "{\"budget\":\"bdg_1\",\"budget_name\":\"Hand-offs a "                                         \
    "day\",\"resets_at\":\"2026-11-24T00:00:00Z\",\"retry_after_s\":3600}"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(courier_deliver__waits_as_long_as_a_throttle_says),
        cmocka_unit_test(courier_deliver__does_not_wait_longer_than_its_patience),
        cmocka_unit_test(courier_deliver__does_not_wait_for_a_block),
        cmocka_unit_test(courier_deliver__is_not_refused_when_the_line_breaks_while_it_waits),
    };
    return cmocka_run_group_tests_name("courier", tests, make_folder, remove_folder);
}
