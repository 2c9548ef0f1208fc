/* Decisions over HTTP: one and many, who may ask for what, and what a refusal says. */
#include "service/main/main_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "service/main/tests/main_fixture.h"

static struct fixture fixture;
static struct arena arena;
static char admin[FIXTURE_TOKEN_MAX];
static char meter[FIXTURE_TOKEN_MAX];
static char analyst[FIXTURE_TOKEN_MAX];
static char eve[FIXTURE_TOKEN_MAX]; /* of another tenant */

static int set_up(void **state)
{
    (void)state;
    fixture_start(&fixture);
    arena_init(&arena, 64 << 20);
    fixture_token(&fixture, "acme", ROLE_ADMIN, 0, admin);
    fixture_token(&fixture, "acme", ROLE_METER, 0, meter);
    fixture_token(&fixture, "acme", ROLE_ANALYST, 0, analyst);
    fixture_token(&fixture, "other", ROLE_METER, 0, eve);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    arena_done(&arena);
    return 0;
}

static const struct json *ask(const char *token, const char *method, const char *target,
                              const char *body, int status)
{
    char headers[FIXTURE_TOKEN_MAX + 64];
    struct fault fault;
    const struct json *value = NULL;
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    struct client_reply reply =
        client_ask(fixture.port, method, target, headers, str_of(body ? body : ""));
    if (reply.status != status)
        fail_msg("%s %s %s: %d: %.*s", method, target, body ? body : "", reply.status,
                 STR_ARG(reply.body));
    if (json_read(&arena, arena_copy(&arena, reply.body), &value, &fault) != FAULT_NONE)
        fail_msg("no JSON: %.*s", STR_ARG(reply.body));
    client_reply_done(&reply);
    return value;
}

static const struct json *decide(const char *token, const char *body, int status)
{
    return ask(token, "POST", "/v1/decisions", body, status);
}

static const char *text(const struct json *value, const char *name)
{
    struct str found = STR("");
    if (!json_text(json_member(value, name), &found))
        fail_msg("no text \"%s\"", name);
    return arena_copy(&arena, found).ptr;
}

static int64_t whole(const struct json *value, const char *name)
{
    int64_t found = -1;
    if (!json_whole(json_member(value, name), &found))
        fail_msg("no whole number \"%s\"", name);
    return found;
}

static bool yes(const struct json *value, const char *name)
{
    bool found = false;
    assert_true(json_boolean(json_member(value, name), &found));
    return found;
}

static void add_budget(const char *limit)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"name\":\"Tokens\",\"basis\":\"quantity\",\"meters\":[\"inference.tokens\"],"
             "\"limit\":\"%s\",\"period\":\"day\",\"mode\":\"block\",\"default_estimate\":\"5\","
             "\"contact\":\"finance@corp.example\"}",
             limit);
    ask(admin, "POST", "/v1/budgets", body, 201);
}

static const char *reserve(const char *quantity)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"action\":\"reserve\",\"meter\":\"inference.tokens\",\"quantity\":\"%s\","
             "\"dimensions\":{\"model\":\"m-large\"},\"ttl_s\":30}",
             quantity);
    return text(decide(meter, body, 200), "reservation");
}

static const struct json *settle(const char *token, const char *reservation, int quantity,
                                 int status)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"action\":\"settle\",\"reservation\":\"%s\",\"quantity\":%d}",
             reservation, quantity);
    return decide(token, body, status);
}

static const char check[] =
    "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":\"1\"}";

/* The public id within igt_<id>_<secret>. */
static struct str id_of(const char *token)
{
    struct str rest = str_skip(str_of(token), 4);
    return str_take(rest, str_find(rest, STR("_")));
}

static void decisions__of_a_token_that_was_revoked_here_end_at_once(void **state)
{
    (void)state;
    struct fault fault;
    for (int i = 0; i < 3; i++) /* the later ones out of memory */
        decide(meter, check, 200);
    assert_int_equal(identity_token_revoke(fixture.data.service.identity, STR("acme"), id_of(meter),
                                           NULL, NULL, &fault),
                     FAULT_NONE);
    decide(meter, check, 401);
    decide(meter, check, 401);
}

static enum fault_code revoke_in(struct store *store, void *context, struct fault *fault)
{
    (void)context;
    struct statement *statement;
    enum fault_code code = store_prepare(
        store, "UPDATE identity_tokens SET revoked_us = 1 WHERE id = $1", &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, id_of(meter));
    return store_run(statement, fault);
}

/* As another process does it: this one is not told. */
static void decisions__of_a_token_that_was_revoked_elsewhere_end_within_a_second(void **state)
{
    (void)state;
    struct fault fault;
    char headers[FIXTURE_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", meter);
    decide(meter, check, 200);
    assert_int_equal(store_pool_write(fixture.data.service.pool, revoke_in, NULL, &fault),
                     FAULT_NONE);
    int64_t until_us = os_monotonic_us() + 1000000;
    int status = 200;
    while (status == 200 && os_monotonic_us() < until_us) {
        struct client_reply reply =
            client_ask(fixture.port, "POST", "/v1/decisions", headers, str_of(check));
        status = reply.status;
        client_reply_done(&reply);
    }
    decide(meter, check, 401);
    ask(meter, "POST", "/v1/decisions", "{\"decisions\":[]}", 401);
}

static void decisions__are_refused_to_who_may_not_however_often_they_ask(void **state)
{
    (void)state;
    char viewer[FIXTURE_TOKEN_MAX];
    fixture_token(&fixture, "acme", ROLE_VIEWER, 0, viewer);
    for (int i = 0; i < 3; i++)
        decide(viewer, check, 403);
    assert_true(fixture_count(&fixture, "acme", "access.denied") >= 1);
}

static void decisions__reserve_settle_and_refuse(void **state)
{
    (void)state;
    add_budget("100");
    const char *reservation = reserve("60");
    const struct json *problem =
        decide(meter, "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":41}", 402);
    assert_string_equal(text(problem, "type"), "urn:intelgraph:problem:budget-blocked");
    assert_string_equal(text(problem, "used"), "0");
    assert_string_equal(text(problem, "reserved"), "60");
    assert_string_equal(text(problem, "contact"), "finance@corp.example");
    const struct json *end = settle(meter, reservation, 50, 200);
    assert_string_equal(text(end, "outcome"), "settled");
    assert_false(yes(end, "repeated"));
    assert_true(yes(settle(meter, reservation, 50, 200), "repeated"));
    settle(meter, reservation, 51, 409);
    const struct json *usage =
        ask(admin, "GET", "/v1/usage?meter=inference.tokens&by=model", NULL, 200);
    const struct json *row = json_first(json_member(usage, "rows"));
    assert_string_equal(text(row, "quantity"), "50");
    assert_string_equal(text(json_member(row, "dimensions"), "model"), "m-large");
    budgets_keep(fixture.data.service.budgets);
    const struct json *page = ask(admin, "GET", "/v1/decisions?verdict=block", NULL, 200);
    const struct json *entry = json_first(json_member(page, "entries"));
    assert_string_equal(text(entry, "id"), text(problem, "decision"));
    assert_string_equal(text(entry, "quantity"), "41");
    assert_null(json_next(entry));
}

static void decisions__of_a_request_are_answered_in_order_each_with_its_status(void **state)
{
    static const int statuses[] = {200, 402, 400, 404, 409, 200};
    char body[2048];
    (void)state;
    add_budget("100");
    const char *settled = reserve("10");
    settle(meter, settled, 10, 200);
    snprintf(body, sizeof body,
             "{\"decisions\":[{\"action\":\"check\",\"meter\":\"inference.tokens\"},"
             "{\"action\":\"reserve\",\"meter\":\"inference.tokens\",\"quantity\":\"91\"},"
             "{\"action\":\"check\",\"meter\":\"no.such\"},"
             "{\"action\":\"settle\",\"reservation\":\"rsv_AAAA\",\"quantity\":1},"
             "{\"action\":\"settle\",\"reservation\":\"%s\",\"quantity\":11},"
             "{\"action\":\"settle\",\"reservation\":\"%s\",\"quantity\":10}]}",
             settled, settled);
    const struct json *each = json_first(json_member(decide(meter, body, 200), "decisions"));
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++, each = json_next(each))
        assert_int_equal(whole(each, "status"), statuses[i]);
    assert_null(each);
}

static void reservations__of_one_tenant_are_unknown_to_another(void **state)
{
    char body[1024];
    (void)state;
    add_budget("100");
    const char *reservation = reserve("10");
    settle(eve, reservation, 10, 404);
    snprintf(body, sizeof body, "{\"action\":\"release\",\"reservation\":\"%s\"}", reservation);
    decide(eve, body, 404);
    assert_string_equal(text(decide(meter, body, 200), "outcome"), "released");
}

static void reserving__is_for_those_who_report_usage(void **state)
{
    (void)state;
    add_budget("100");
    const char *reservation = reserve("10");
    decide(analyst, "{\"action\":\"check\",\"meter\":\"handoffs\",\"quantity\":1}", 200);
    decide(analyst, "{\"action\":\"reserve\",\"meter\":\"inference.tokens\",\"quantity\":1}", 403);
    settle(analyst, reservation, 10, 403);
    decide(admin, "{\"action\":\"reserve\",\"meter\":\"inference.tokens\",\"quantity\":1}", 200);
}

/* What an administrator changes holds from the next decision on. */
static void budgets__changed_or_bypassed_hold_at_once(void **state)
{
    char target[128];
    (void)state;
    static const char six[] =
        "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":6}";
    add_budget("5");
    decide(meter, six, 402);
    const struct json *budget =
        json_first(json_member(ask(admin, "GET", "/v1/budgets", NULL, 200), "budgets"));
    snprintf(target, sizeof target, "/v1/budgets/%s/overrides", text(budget, "id"));
    ask(admin, "POST", target,
        "{\"kind\":\"bypass\",\"reason\":\"incident\",\"expires_at\":\"2099-01-01T00:00:00Z\"}",
        400);
    char body[256];
    char until[40];
    struct buf time = {.ptr = until, .room = sizeof until, .limit = sizeof until};
    time_add_rfc3339(&time, os_now_us() + INT64_C(3600) * 1000000);
    snprintf(body, sizeof body,
             "{\"kind\":\"bypass\",\"reason\":\"incident\",\"expires_at\":\"%.*s\"}",
             STR_ARG(buf_str(&time)));
    ask(admin, "POST", target, body, 201);
    decide(meter, six, 200);
}

#define LARGEST "1000000000000000"

/* What refuses nothing bounds nothing: amounts that no 64 bits hold are summed, and told as the
 * most that can be. */
static void decisions__of_the_largest_amounts_add_up(void **state)
{
    static const char *const modes[] = {
        "\"mode\":\"notify\"",
        "\"mode\":\"throttle\",\"shadow\":true,"
        "\"throttle\":{\"from_percent\":\"0\",\"rate\":\"1.00\",\"burst\":\"1.00\"}"};
    const char *reservations[3];
    char body[1024];
    (void)state;
    ask(admin, "POST", "/v1/prices",
        "{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"per\":\"1\","
        "\"price\":\"1000000000\"}]}",
        201);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        snprintf(body, sizeof body,
                 "{\"name\":\"Spend %zu\",\"basis\":\"cost\",\"limit\":\"1\",\"period\":\"day\","
                 "%s,\"contact\":\"finance@corp.example\"}",
                 i, modes[i]);
        ask(admin, "POST", "/v1/budgets", body, 201);
    }
    for (size_t i = 0; i < 3; i++)
        reservations[i] = reserve(LARGEST);
    budgets_keep(fixture.data.service.budgets);
    const struct json *budgets = ask(admin, "GET", "/v1/budgets", NULL, 200);
    const struct json *first = json_first(json_member(budgets, "budgets"));
    assert_string_equal(text(json_member(first, "state"), "reserved"), "9223372036854.775807");
    for (size_t i = 0; i < 2; i++) {
        snprintf(body, sizeof body,
                 "{\"action\":\"settle\",\"reservation\":\"%s\",\"quantity\":\"" LARGEST "\"}",
                 reservations[i]);
        decide(meter, body, 200);
    }
    decide(meter,
           "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":\"" LARGEST "\"}",
           200);
    snprintf(body, sizeof body, "{\"action\":\"release\",\"reservation\":\"%s\"}", reservations[2]);
    decide(meter, body, 200);
    budgets_keep(fixture.data.service.budgets);
    budgets = ask(admin, "GET", "/v1/budgets", NULL, 200);
    first = json_first(json_member(budgets, "budgets"));
    assert_string_equal(text(json_member(first, "state"), "reserved"), "0.00");
    assert_string_equal(text(json_member(first, "state"), "used"), "9223372036854.775807");
    ask(admin, "GET", "/v1/decisions", NULL, 200);
}

/* An administrator of another tenant is as far from them as anybody. */
static void decisions__of_one_tenant_are_not_told_to_another_s_administrator(void **state)
{
    char theirs[FIXTURE_TOKEN_MAX];
    (void)state;
    fixture_token(&fixture, "other", ROLE_ADMIN, 0, theirs);
    add_budget("100");
    const char *reservation = reserve("10");
    decide(meter, "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":99}", 402);
    budgets_keep(fixture.data.service.budgets);
    const struct json *page = ask(theirs, "GET", "/v1/decisions", NULL, 200);
    assert_null(json_first(json_member(page, "entries")));
    assert_int_equal(whole(json_member(page, "allowed"), "today"), 0);
    settle(theirs, reservation, 10, 404);
    decide(theirs, "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":99}", 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decisions__reserve_settle_and_refuse),
        TEST(decisions__of_a_token_that_was_revoked_here_end_at_once),
        TEST(decisions__of_a_token_that_was_revoked_elsewhere_end_within_a_second),
        TEST(decisions__are_refused_to_who_may_not_however_often_they_ask),
        TEST(decisions__of_a_request_are_answered_in_order_each_with_its_status),
        TEST(reservations__of_one_tenant_are_unknown_to_another),
        TEST(reserving__is_for_those_who_report_usage),
        TEST(decisions__of_the_largest_amounts_add_up),
        TEST(decisions__of_one_tenant_are_not_told_to_another_s_administrator),
        TEST(budgets__changed_or_bypassed_hold_at_once),
    };
    return cmocka_run_group_tests_name("main_decisions", tests, NULL, NULL);
}
