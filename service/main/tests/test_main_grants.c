/* POST /v1/tokens: tokens for minutes, what they may, and how they end. */
#include "service/main/main_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "service/main/tests/main_fixture.h"

static struct fixture fixture;
static int64_t shift_us;
static struct os_platform shifted;

static int64_t shifted_now_us(void)
{
    return os_posix.now_us() + shift_us;
}

static int64_t shifted_monotonic_us(void)
{
    return os_posix.monotonic_us() + shift_us;
}

static int set_up(void **state)
{
    (void)state;
    shifted = os_posix;
    shifted.now_us = shifted_now_us;
    shifted.monotonic_us = shifted_monotonic_us;
    os_platform_set(&shifted);
    fixture_start(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    os_platform_set(&os_posix);
    return 0;
}

#define ASK(subject, scope)                                                                        \
    "{\"subject\":\"" subject "\",\"scope\":\"" scope "\",\"search_head\":\"sh1\",\"ttl_s\":300}"

static struct client_reply post(const char *token, const char *body)
{
    char lines[256];
    snprintf(lines, sizeof lines, "Authorization: Bearer %s\r\n", token);
    return client_ask(fixture.port, "POST", "/v1/tokens", lines, str_of(body));
}

/* Issues a token; the test fails where the service does not. */
static void issue(const char *broker, const char *body, char out[FIXTURE_TOKEN_MAX])
{
    struct arena arena;
    struct fault fault;
    struct str text;
    const struct json *top;
    struct client_reply reply = post(broker, body);
    arena_init(&arena, 1 << 20);
    assert_int_equal(reply.status, 201);
    assert_int_equal(json_read(&arena, reply.body, &top, &fault), FAULT_NONE);
    assert_true(json_text(json_member(top, "token"), &text));
    assert_true(str_starts(text, STR("igs_")));
    assert_true(str_to_c(text, out, FIXTURE_TOKEN_MAX));
    client_reply_done(&reply);
    arena_done(&arena);
}

static int status_of(const char *method, const char *target, const char *token)
{
    struct client_reply reply = fixture_ask(&fixture, method, target, token, "");
    int status = reply.status;
    client_reply_done(&reply);
    return status;
}

static void grants__hold_for_subject_and_scope_and_are_on_record(void **state)
{
    (void)state;
    char broker[FIXTURE_TOKEN_MAX];
    char token[FIXTURE_TOKEN_MAX];
    fixture_token(&fixture, "one", ROLE_BROKER, 0, broker);
    issue(broker, ASK("o'brien \\\"q\\\" \\u00fc", "read"), token);
    struct client_reply reply = fixture_ask(&fixture, "GET", "/v1/whoami", token, "");
    assert_int_equal(reply.status, 200);
    assert_true(str_find(reply.body, STR("\"subject\":\"o'brien \\\"q\\\" ü\"")) < reply.body.len);
    assert_true(str_find(reply.body, STR("\"tenant\":\"one\"")) < reply.body.len);
    client_reply_done(&reply);
    assert_int_equal(status_of("GET", "/v1/handoffs", token), 200);
    assert_int_equal(status_of("POST", "/v1/handoffs", token), 403);
    assert_int_equal(status_of("GET", "/v1/audit/records", token), 403);
    assert_int_equal(status_of("POST", "/v1/tokens", token), 403);
    issue(broker, ASK("ann", "audit"), token);
    assert_int_equal(status_of("GET", "/v1/audit/records", token), 200);
    assert_int_equal(fixture_count(&fixture, "one", "token.issued"), 2);
    assert_int_equal(fixture_count(&fixture, "one", "scope read, search head sh1"), 1);
    char via[64];
    snprintf(via, sizeof via, "\"via\":\"%.16s\"", broker + 4);
    assert_true(fixture_count(&fixture, "one", via) >= 2);
    /* Neither token's secret is on record. */
    assert_int_equal(fixture_count(&fixture, "one", broker + 21), 0);
    assert_int_equal(fixture_count(&fixture, "one", token + 21), 0);
}

static void grants__end_after_their_time(void **state)
{
    (void)state;
    char broker[FIXTURE_TOKEN_MAX];
    char token[FIXTURE_TOKEN_MAX];
    fixture_token(&fixture, "two", ROLE_BROKER, 0, broker);
    issue(broker, ASK("mara", "handoff"), token);
    shift_us = INT64_C(299) * 1000000;
    assert_int_equal(status_of("GET", "/v1/handoffs", token), 200);
    shift_us = INT64_C(301) * 1000000;
    struct client_reply reply = fixture_ask(&fixture, "GET", "/v1/handoffs", token, "");
    assert_int_equal(reply.status, 401);
    assert_true(str_find(reply.body, STR("was for a few minutes and has expired")) <
                reply.body.len);
    client_reply_done(&reply);
    /* Two hours on, with the next issue, it is swept away. */
    shift_us = INT64_C(2) * 3600 * 1000000;
    char other[FIXTURE_TOKEN_MAX];
    issue(broker, ASK("mara", "handoff"), other);
    reply = fixture_ask(&fixture, "GET", "/v1/handoffs", token, "");
    assert_int_equal(reply.status, 401);
    assert_true(str_find(reply.body, STR("not known here")) < reply.body.len);
    client_reply_done(&reply);
    assert_int_equal(status_of("GET", "/v1/handoffs", other), 200);
    shift_us = 0;
}

static void grants__never_outlive_the_token_that_issued_them(void **state)
{
    (void)state;
    char broker[FIXTURE_TOKEN_MAX];
    char token[FIXTURE_TOKEN_MAX];
    struct fault fault;
    fixture_token(&fixture, "three", ROLE_BROKER, os_now_us() + INT64_C(100) * 1000000, broker);
    issue(broker, ASK("mara", "read"), token);
    assert_int_equal(status_of("GET", "/v1/handoffs", token), 200);
    shift_us = INT64_C(101) * 1000000;
    assert_int_equal(status_of("GET", "/v1/handoffs", token), 401);
    shift_us = 0;
    assert_int_equal(status_of("GET", "/v1/handoffs", token), 200);
    char id[17];
    snprintf(id, sizeof id, "%.16s", broker + 4);
    assert_int_equal(identity_token_revoke(fixture.data.service.identity, STR("three"), str_of(id),
                                           NULL, NULL, &fault),
                     FAULT_NONE);
    struct client_reply reply = fixture_ask(&fixture, "GET", "/v1/handoffs", token, "");
    assert_int_equal(reply.status, 401);
    assert_true(str_find(reply.body, STR("the API token that issued this one was revoked")) <
                reply.body.len);
    client_reply_done(&reply);
}

static void grants__open_no_browser_session(void **state)
{
    (void)state;
    char broker[FIXTURE_TOKEN_MAX];
    char token[FIXTURE_TOKEN_MAX];
    char body[256];
    fixture_token(&fixture, "four", ROLE_BROKER, 0, broker);
    issue(broker, ASK("mara", "audit"), token);
    const char *const both[] = {token, broker};
    for (int i = 0; i < 2; i++) {
        snprintf(body, sizeof body, "{\"token\":\"%s\"}", both[i]);
        struct client_reply reply =
            client_ask(fixture.port, "POST", "/v1/session", "", str_of(body));
        assert_int_equal(reply.status, 403);
        client_reply_done(&reply);
    }
}

static void grants__are_counted_by_the_minute(void **state)
{
    (void)state;
    char broker[FIXTURE_TOKEN_MAX];
    char token[FIXTURE_TOKEN_MAX];
    /* At the beginning of a minute of the clock that counts. */
    const int64_t minute_us = INT64_C(60) * 1000000;
    shift_us = minute_us - os_posix.monotonic_us() % minute_us;
    fixture_token(&fixture, "five", ROLE_BROKER, 0, broker);
    for (int i = 0; i < 30; i++)
        issue(broker, ASK("mara", "read"), token);
    struct client_reply reply = post(broker, ASK("mara", "read"));
    assert_int_equal(reply.status, 503);
    assert_true(str_find(reply.body, STR("at most 30 a minute for one subject")) < reply.body.len);
    client_reply_done(&reply);
    assert_int_equal(fixture_count(&fixture, "five", "token.refused"), 1);
    issue(broker, ASK("ann", "read"), token);
    shift_us += minute_us;
    issue(broker, ASK("mara", "read"), token);
    shift_us = 0;
}

static void grants__are_refused_for_anything_but_the_four_members(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\"}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":0}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":301}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":\"60\"}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":1.5}",
        "{\"subject\":\"a\",\"scope\":\"admin\",\"search_head\":\"s\",\"ttl_s\":60}",
        "{\"subject\":\"\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":60}",
        "{\"subject\":\"a\\nb\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":60}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"\",\"ttl_s\":60}",
        "{\"subject\":7,\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":60}",
        "{\"subject\":\"a\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":60,\"tenant\":"
        "\"x\"}",
        "{\"subject\":\"a\",\"subject\":\"b\",\"scope\":\"read\",\"search_head\":\"s\",\"ttl_s\":"
        "60}",
    };
    char broker[FIXTURE_TOKEN_MAX];
    fixture_token(&fixture, "six", ROLE_BROKER, 0, broker);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct client_reply reply = post(broker, bodies[i]);
        if (reply.status != 400)
            fail_msg("%s: %d", bodies[i], reply.status);
        client_reply_done(&reply);
    }
    assert_int_equal(fixture_count(&fixture, "six", "token.issued"), 0);
    assert_int_equal(fixture_count(&fixture, "six", "token.refused"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants__hold_for_subject_and_scope_and_are_on_record),
        cmocka_unit_test(grants__end_after_their_time),
        cmocka_unit_test(grants__never_outlive_the_token_that_issued_them),
        cmocka_unit_test(grants__open_no_browser_session),
        cmocka_unit_test(grants__are_counted_by_the_minute),
        cmocka_unit_test(grants__are_refused_for_anything_but_the_four_members),
    };
    return cmocka_run_group_tests_name("grants", tests, set_up, tear_down);
}
