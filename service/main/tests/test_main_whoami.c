/* What a client is told of itself and of the service. */
#include "service/main/main_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "service/main/tests/main_fixture.h"

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture_start(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    return 0;
}

static const struct json *ask(const char *token, struct arena *arena, struct client_reply *out)
{
    const struct json *top;
    struct fault fault;
    *out = fixture_ask(&fixture, "GET", "/v1/whoami", token, "");
    assert_int_equal(out->status, 200);
    assert_int_equal(json_read(arena, out->body, &top, &fault), FAULT_NONE);
    return top;
}

static void whoami__tells_tenant_role_and_scopes_of_each_role(void **state)
{
    (void)state;
    static const char *const scopes[ROLE_COUNT] = {
        [ROLE_VIEWER] = "[\"read\"]",
        [ROLE_ANALYST] = "[\"handoff\",\"read\"]",
        [ROLE_AUDITOR] = "[\"read\",\"audit\"]",
        [ROLE_ADMIN] = "[\"handoff\",\"read\",\"audit\",\"admin\",\"report\"]",
        [ROLE_BROKER] = "[\"issue\"]",
        [ROLE_METER] = "[\"report\"]",
    };
    for (int role = 0; role < ROLE_COUNT; role++) {
        char token[FIXTURE_TOKEN_MAX];
        char member[128];
        struct arena arena;
        struct client_reply reply;
        struct str text;
        arena_init(&arena, 1 << 20);
        fixture_token(&fixture, "acme", (enum identity_role)role, 0, token);
        const struct json *top = ask(token, &arena, &reply);
        assert_true(json_text(json_member(top, "tenant"), &text));
        assert_true(str_equal(text, STR("acme")));
        assert_true(json_text(json_member(top, "subject"), &text));
        assert_true(str_equal(text, str_of(identity_role_name((enum identity_role)role))));
        snprintf(member, sizeof member, "\"scopes\":%s", scopes[role]);
        assert_true(str_find(reply.body, str_of(member)) < reply.body.len);
        client_reply_done(&reply);
        arena_done(&arena);
    }
}

static void whoami__tells_the_services_version_and_clock(void **state)
{
    (void)state;
    char token[FIXTURE_TOKEN_MAX];
    struct arena arena;
    struct client_reply reply;
    struct str version;
    int64_t now = 0;
    int64_t expires = 0;
    int64_t before = os_now_us();
    int64_t until = before + INT64_C(300) * 1000000;
    arena_init(&arena, 1 << 20);
    fixture_token(&fixture, "acme", ROLE_ANALYST, until, token);
    const struct json *top = ask(token, &arena, &reply);
    assert_true(json_text(json_member(top, "version"), &version));
    assert_true(str_equal(version, STR(IG_VERSION)));
    assert_true(json_whole(json_member(top, "now_us"), &now));
    assert_true(now >= before && now <= os_now_us());
    assert_true(json_whole(json_member(top, "expires_us"), &expires));
    assert_true(expires == until);
    client_reply_done(&reply);
    arena_done(&arena);
}

static void whoami__never_repeats_the_secret(void **state)
{
    (void)state;
    char token[FIXTURE_TOKEN_MAX];
    struct arena arena;
    struct client_reply reply;
    arena_init(&arena, 1 << 20);
    fixture_token(&fixture, "acme", ROLE_ANALYST, 0, token);
    ask(token, &arena, &reply);
    struct str secret = str_skip(str_of(token), strlen("igt_0123456789abcdef_"));
    assert_true(secret.len == 64);
    assert_int_equal(str_find(reply.body, secret), reply.body.len);
    client_reply_done(&reply);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoami__tells_tenant_role_and_scopes_of_each_role),
        cmocka_unit_test(whoami__tells_the_services_version_and_clock),
        cmocka_unit_test(whoami__never_repeats_the_secret),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
