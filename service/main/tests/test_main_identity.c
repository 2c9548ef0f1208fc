/* Credentials over HTTP: what holds, what does not, what is said and what is recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "service/main/tests/main_fixture.h"

static struct fixture fixture;
static char admin[FIXTURE_TOKEN_MAX];
static char viewer[FIXTURE_TOKEN_MAX];

static int set_up(void **state)
{
    (void)state;
    fixture_start(&fixture);
    fixture_token(&fixture, "acme", ROLE_ADMIN, 0, admin);
    fixture_token(&fixture, "acme", ROLE_VIEWER, 0, viewer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    return 0;
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void assert_session(const char *token, int status, const char *says)
{
    struct client_reply reply = fixture_ask(&fixture, "GET", "/v1/session", token, "");
    if (reply.status != status || !client_says(&reply, says))
        fail_msg("%d %.*s; want %d and \"%s\"", reply.status, STR_ARG(reply.body), status, says);
    client_reply_done(&reply);
}

/* The cookie of a new session, as a header line. */
static void sign_in(const char *token, char *out, size_t size)
{
    char body[256];
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", token);
    struct client_reply reply = client_ask(fixture.port, "POST", "/v1/session", "", str_of(body));
    assert_int_equal(reply.status, 204);
    struct str cookie = client_header(&reply, "Set-Cookie");
    assert_true(str_starts(cookie, STR("intelgraph_session=")));
    assert_true(str_find(cookie, STR("; HttpOnly")) < cookie.len);
    assert_true(str_find(cookie, STR("; SameSite=Lax")) < cookie.len);
    struct str pair = str_take(cookie, str_find_byte(cookie, ';'));
    assert_int_equal(pair.len, 19 + 64);
    snprintf(out, size, "Cookie: a=b; %.*s\r\n", STR_ARG(pair));
    client_reply_done(&reply);
}

static int status_of(const char *method, const char *target, const char *headers)
{
    struct client_reply reply = fixture_ask(&fixture, method, target, NULL, headers);
    int status = reply.status;
    client_reply_done(&reply);
    return status;
}

static void token__holds_and_its_first_use_is_recorded_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_session(viewer, 200,
                       "{\"tenant\":\"acme\",\"name\":\"viewer\",\"role\":\"viewer\","
                       "\"expires_us\":null}");
    assert_int_equal(fixture_count(&fixture, "acme", "\"action\":\"token.used\""), 1);
    assert_int_equal(fixture_count(&fixture, "acme", "\"action\":\"token.created\""), 2);
}

static void token__that_is_forged_in_any_way_is_unknown(void **state)
{
    (void)state;
    char forged[FIXTURE_TOKEN_MAX];
    struct str whole = str_of(admin);
    for (size_t i = 0; i < whole.len; i += 7) {
        memcpy(forged, admin, sizeof forged);
        forged[i] = forged[i] == '0' ? '1' : '0';
        assert_session(forged, 401, "this token is not known here");
    }
    /* Another token's secret under this one's id. */
    memcpy(forged, admin, sizeof forged);
    memcpy(forged, viewer, 20);
    assert_session(forged, 401, "this token is not known here");
    assert_session("x", 401, "this token is not known here");
    assert_session("igt_0123456789abcdef_", 401, "this token is not known here");
    struct client_reply reply =
        fixture_ask(&fixture, "GET", "/v1/session", NULL, "Authorization: Basic YTpi\r\n");
    assert_int_equal(reply.status, 401);
    assert_true(str_starts(client_header(&reply, "WWW-Authenticate"), STR("Bearer")));
    client_reply_done(&reply);
}

static void token__that_has_expired_is_told_so_only_with_its_secret(void **state)
{
    (void)state;
    char brief[FIXTURE_TOKEN_MAX];
    fixture_token(&fixture, "acme", ROLE_ADMIN, os_now_us() + 300000, brief);
    assert_session(brief, 200, "acme");
    sleep_ms(350);
    assert_session(brief, 401, "has expired");
    assert_int_equal(fixture_count(&fixture, "acme", "\"reason\":\"token expired\""), 1);
    brief[70] = brief[70] == '0' ? '1' : '0';
    assert_session(brief, 401, "is not known here");
    struct fault fault;
    struct buf out;
    buf_init(&out, 256);
    assert_int_equal(identity_token_create(fixture.data.service.identity, STR("acme"), ROLE_ADMIN,
                                           STR("n"), os_now_us() - 1, &out, &fault),
                     FAULT_INPUT);
    assert_int_equal(out.len, 0);
}

static void token__that_is_revoked_ends_at_once_with_its_sessions(void **state)
{
    (void)state;
    char other[FIXTURE_TOKEN_MAX];
    char cookie[256];
    char target[64];
    fixture_token(&fixture, "acme", ROLE_ANALYST, 0, other);
    sign_in(other, cookie, sizeof cookie);
    assert_session(other, 200, "analyst");
    assert_int_equal(status_of("GET", "/v1/session", cookie), 200);
    snprintf(target, sizeof target, "/v1/tokens/%.16s", other + 4);
    struct client_reply reply = fixture_ask(&fixture, "DELETE", target, admin, "");
    assert_int_equal(reply.status, 204);
    client_reply_done(&reply);
    assert_session(other, 401, "was revoked");
    assert_int_equal(status_of("GET", "/v1/session", cookie), 401);
    /* A second time changes nothing, and is no second record. */
    reply = fixture_ask(&fixture, "DELETE", target, admin, "");
    assert_int_equal(reply.status, 204);
    client_reply_done(&reply);
    assert_int_equal(fixture_count(&fixture, "acme", "\"action\":\"token.revoked\""), 1);
    reply = fixture_ask(&fixture, "GET", "/v1/tokens", admin, "");
    assert_true(client_says(&reply, "\"revoked_us\":1"));
    assert_false(client_says(&reply, other + 21)); /* its secret */
    client_reply_done(&reply);
}

static void tenants__see_nothing_of_each_other(void **state)
{
    (void)state;
    char foreign[FIXTURE_TOKEN_MAX];
    char target[64];
    fixture_token(&fixture, "globex", ROLE_ADMIN, 0, foreign);
    snprintf(target, sizeof target, "/v1/tokens/%.16s", viewer + 4);
    struct client_reply reply = fixture_ask(&fixture, "DELETE", target, foreign, "");
    assert_int_equal(reply.status, 404);
    client_reply_done(&reply);
    assert_session(viewer, 200, "acme");
    reply = fixture_ask(&fixture, "GET", "/v1/tokens", foreign, "");
    assert_int_equal(reply.status, 200);
    assert_false(client_says(&reply, "viewer"));
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/records", foreign, "");
    assert_false(client_says(&reply, "acme"));
    client_reply_done(&reply);
}

static void cookie__changes_nothing_without_the_header_and_its_own_origin(void **state)
{
    (void)state;
    char cookie[256];
    char headers[512];
    sign_in(admin, cookie, sizeof cookie);
    assert_int_equal(status_of("GET", "/v1/tokens", cookie), 200);
    static const struct {
        const char *more;
        int status;
    } cases[] = {
        {"", 403},
        {"X-IntelGraph-CSRF: 0\r\n", 403},
        {"X-IntelGraph-CSRF: 1\r\nOrigin: http://evil.example\r\n", 403},
        {"X-IntelGraph-CSRF: 1\r\nOrigin: null\r\n", 403},
        {"Origin: http://localhost\r\n", 403},
        {"X-IntelGraph-CSRF: 1\r\nOrigin: http://localhost\r\n", 404},
        {"X-IntelGraph-CSRF: 1\r\n", 404},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(headers, sizeof headers, "%s%s", cookie, cases[i].more);
        assert_int_equal(status_of("DELETE", "/v1/tokens/0123456789abcdef", headers),
                         cases[i].status);
    }
    assert_true(fixture_count(&fixture, "acme", "\"reason\":\"cross-site request\"") >= 1);
    /* With a token in the header there is no cookie to ride on. */
    struct client_reply reply = fixture_ask(&fixture, "DELETE", "/v1/tokens/0123456789abcdef",
                                            admin, "Origin: http://evil.example\r\n");
    assert_int_equal(reply.status, 404);
    client_reply_done(&reply);
}

static void session__opens_and_closes_on_record(void **state)
{
    (void)state;
    char cookie[256];
    char headers[512];
    int opened = fixture_count(&fixture, "acme", "\"action\":\"session.opened\"");
    sign_in(viewer, cookie, sizeof cookie);
    assert_int_equal(fixture_count(&fixture, "acme", "\"action\":\"session.opened\""), opened + 1);
    struct client_reply page = fixture_ask(&fixture, "GET", "/handoffs", NULL, cookie);
    assert_int_equal(page.status, 200);
    assert_true(str_starts(client_header(&page, "Content-Type"), STR("text/html")));
    client_reply_done(&page);
    snprintf(headers, sizeof headers, "%sX-IntelGraph-CSRF: 1\r\n", cookie);
    struct client_reply reply = fixture_ask(&fixture, "DELETE", "/v1/session", NULL, headers);
    assert_int_equal(reply.status, 204);
    assert_true(str_find(client_header(&reply, "Set-Cookie"), STR("=; Path=/; Max-Age=0")) <
                client_header(&reply, "Set-Cookie").len);
    client_reply_done(&reply);
    assert_int_equal(fixture_count(&fixture, "acme", "\"action\":\"session.closed\""), 1);
    assert_int_equal(status_of("GET", "/v1/session", cookie), 401);
}

static void session__ends_no_later_than_its_token(void **state)
{
    (void)state;
    char brief[FIXTURE_TOKEN_MAX];
    char cookie[256];
    fixture_token(&fixture, "acme", ROLE_VIEWER, os_now_us() + 400000, brief);
    sign_in(brief, cookie, sizeof cookie);
    assert_int_equal(status_of("GET", "/v1/session", cookie), 200);
    sleep_ms(450);
    assert_int_equal(status_of("GET", "/v1/session", cookie), 401);
}

/* The reply to the head of a large request that waits for a word before it sends the rest. */
static struct client_reply ask_to_send(const char *token, struct buf *raw)
{
    char head[512];
    int fd = client_connect(fixture.port);
    snprintf(head, sizeof head,
             "POST /v1/handoffs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
             "Content-Length: 4000000\r\nAuthorization: Bearer %s\r\n\r\n",
             token);
    client_send(fd, str_of(head));
    client_receive(fd, 300, raw);
    close(fd);
    struct client_reply reply = {.bytes = *raw};
    client_reply_read(&reply);
    return reply;
}

static void large_bodies__are_taken_from_known_callers_only(void **state)
{
    (void)state;
    struct buf raw;
    buf_init(&raw, 1 << 20);
    struct client_reply reply = ask_to_send("igt_0123456789abcdef_0", &raw);
    assert_int_equal(reply.status, 401);
    client_reply_done(&reply);
    buf_init(&raw, 1 << 20);
    reply = ask_to_send(admin, &raw);
    assert_true(str_starts(buf_str(&raw), STR("HTTP/1.1 100 ")));
    assert_int_equal(reply.status, 0);
    client_reply_done(&reply);
}

static void sign_in__says_what_is_wrong_with_the_body(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *headers;
        int status;
    } cases[] = {
        {"", "", 400},
        {"{", "", 400},
        {"[]", "", 400},
        {"{\"token\":7}", "", 400},
        {"{\"token\":\"igt_x\"}", "", 401},
        {"{\"token\":\"igt_x\",\"token\":\"igt_y\"}", "", 400},
        {"{\"token\":\"igt_x\"}", "Origin: https://evil.example\r\n", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply reply = client_ask(fixture.port, "POST", "/v1/session",
                                               cases[i].headers, str_of(cases[i].body));
        assert_int_equal(reply.status, cases[i].status);
        assert_int_equal(client_header(&reply, "Set-Cookie").len, 0);
        client_reply_done(&reply);
    }
}

static void sign_in__keeps_the_cookie_to_tls_when_the_public_url_has_it(void **state)
{
    (void)state;
    char body[256];
    identity_public_url_set(fixture.data.service.identity, STR("https://ig.example/"));
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", viewer);
    struct client_reply reply = client_ask(fixture.port, "POST", "/v1/session",
                                           "Origin: https://ig.example\r\n", str_of(body));
    identity_public_url_set(fixture.data.service.identity, STR(""));
    assert_int_equal(reply.status, 204);
    assert_true(str_ends(client_header(&reply, "Set-Cookie"), STR("; Secure")));
    client_reply_done(&reply);
}

static void denials__are_recorded_few_at_a_time_and_counted(void **state)
{
    (void)state;
    sleep_ms(1100);
    int before = fixture_count(&fixture, "_service", "\"reason\":\"unknown token\"");
    int64_t began_us = os_monotonic_us();
    for (int i = 0; i < 40; i++)
        assert_session("igt_0123456789abcdef_0", 401, "not known");
    int64_t seconds = (os_monotonic_us() - began_us) / 1000000;
    int recorded = fixture_count(&fixture, "_service", "\"reason\":\"unknown token\"") - before;
    assert_in_range(recorded, 1, 1 + seconds);
    sleep_ms(1100);
    assert_session("igt_0123456789abcdef_0", 401, "not known");
    struct buf records = fixture_records(&fixture, "_service");
    assert_true(str_find(buf_str(&records), STR("\"suppressed\":")) < records.len);
    buf_done(&records);
    /* Nor does one who shows nothing at all go unseen. */
    assert_int_equal(status_of("GET", "/v1/handoffs", ""), 401);
    assert_true(fixture_count(&fixture, "_service", "\"reason\":\"no credential\"") >= 1);
    /* Who may not, by a good token, is on the tenant's own record. */
    struct client_reply reply = fixture_ask(&fixture, "GET", "/v1/tokens", viewer, "");
    assert_int_equal(reply.status, 403);
    assert_true(client_says(&reply, "the role viewer may not manage tokens"));
    client_reply_done(&reply);
    assert_int_equal(fixture_count(&fixture, "acme", "\"reason\":\"manage tokens\""), 1);
}

static void audit__verifies_after_all_of_that(void **state)
{
    (void)state;
    struct store *store;
    struct fault fault;
    struct buf lines;
    buf_init(&lines, 1 << 16);
    assert_int_equal(store_pool_take(fixture.data.service.pool, &store, &fault), FAULT_NONE);
    assert_int_equal(audit_verify(fixture.data.service.audit, store, NULL, &lines, &fault),
                     FAULT_NONE);
    store_pool_give(fixture.data.service.pool, store);
    buf_done(&lines);
    /* No secret ever came near the log. */
    assert_int_equal(fixture_count(&fixture, "acme", admin + 21), 0);
    assert_int_equal(fixture_count(&fixture, "_service", admin + 21), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token__holds_and_its_first_use_is_recorded_once),
        cmocka_unit_test(token__that_is_forged_in_any_way_is_unknown),
        cmocka_unit_test(token__that_has_expired_is_told_so_only_with_its_secret),
        cmocka_unit_test(token__that_is_revoked_ends_at_once_with_its_sessions),
        cmocka_unit_test(tenants__see_nothing_of_each_other),
        cmocka_unit_test(cookie__changes_nothing_without_the_header_and_its_own_origin),
        cmocka_unit_test(session__opens_and_closes_on_record),
        cmocka_unit_test(session__ends_no_later_than_its_token),
        cmocka_unit_test(large_bodies__are_taken_from_known_callers_only),
        cmocka_unit_test(sign_in__says_what_is_wrong_with_the_body),
        cmocka_unit_test(sign_in__keeps_the_cookie_to_tls_when_the_public_url_has_it),
        cmocka_unit_test(denials__are_recorded_few_at_a_time_and_counted),
        cmocka_unit_test(audit__verifies_after_all_of_that),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
