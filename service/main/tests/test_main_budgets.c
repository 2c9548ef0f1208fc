/* Budgets over HTTP: what administrators do, twice, at once, and to those of others. */
#include "service/main/tests/budgets_fixture.h"

/* --- budgets -------------------------------------------------------------------------------- */

static void budgets__are_made_read_changed_and_deleted(void **state)
{
    (void)state;
    const char *id = make_budget("Life", "");
    assert_int_equal(strlen(id), 26);
    const char *one = textf("/v1/budgets/%s", id);
    const struct json *read = ask(mara, "GET", one, NULL, 200);
    assert_string_equal(text_at(read, "state", "verdict", NULL), "ok");
    assert_string_equal(text_at(read, "unit", NULL), "tokens");
    assert_int_equal(version_of(read), 1);

    read = ask(mara, "PUT", one, "{\"name\":\"Life\",\"version\":1,\"shadow\":true," DEFINITION "}",
               200);
    assert_int_equal(version_of(read), 2);
    /* It says what it said: no new version, nothing on record. */
    read = ask(mara, "PUT", one, "{\"name\":\"Life\",\"version\":2,\"shadow\":true," DEFINITION "}",
               200);
    assert_int_equal(version_of(read), 2);
    assert_says(ask(otto, "PUT", one, "{\"name\":\"Life\",\"version\":1," DEFINITION "}", 409),
                "version", "version 2, changed by mara; you have read version 1");
    assert_says(ask(otto, "PUT", one, "{\"name\":\"Life\"," DEFINITION "}", 400), "version",
                "the number that GET gave");
    assert_says(ask(otto, "DELETE", one, NULL, 400), "version", "?version=");
    ask(otto, "DELETE", textf("%s?version=1", one), NULL, 409);
    ask(otto, "DELETE", textf("%s?version=2", one), NULL, 200);
    ask(otto, "DELETE", textf("%s?version=2", one), NULL, 404);
    ask(mara, "GET", one, NULL, 404);
    ask(mara, "PUT", one, "{\"name\":\"Life\",\"version\":2," DEFINITION "}", 404);
    assert_int_equal(entries_of(id, "created"), 1);
    assert_int_equal(entries_of(id, "changed"), 1);
    assert_int_equal(entries_of(id, "deleted"), 1);
    assert_int_equal(fixture_count(&fixture, "acme", textf("%s: shadow off -> on", id)), 1);
    assert_int_equal(fixture_count(&fixture, "acme", "\"budget.deleted\""), 1);
    make_budget("Life", ""); /* the name is free again */
}

/* What GET gives goes back by PUT as it is. */
static void budgets__are_put_back_as_they_were_read(void **state)
{
    (void)state;
    const char *one = textf("/v1/budgets/%s", make_budget("Round", ",\"two_person\":true"));
    char headers[FIXTURE_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", mara);
    struct client_reply reply = client_ask(fixture.port, "GET", one, headers, STR(""));
    const char *text = arena_copy(&arena, reply.body).ptr;
    client_reply_done(&reply);
    assert_int_equal(version_of(ask(mara, "PUT", one, text, 200)), 1);
}

static void budgets__of_another_tenant_are_not_there(void **state)
{
    (void)state;
    const char *id = make_budget("Ours", ",\"two_person\":true");
    const char *override = text_at(
        ask(mara, "POST", textf("/v1/budgets/%s/overrides", id),
            textf("{\"kind\":\"bypass\",\"reason\":\"r\",\"expires_at\":\"%s\"}", moment(HOUR)),
            201),
        "id", NULL);
    static const struct {
        const char *method;
        const char *rest;
        const char *body;
    } routes[] = {
        {"GET", "", NULL},
        {"PUT", "", "{\"name\":\"Theirs\",\"version\":1," DEFINITION "}"},
        {"DELETE", "?version=1", NULL},
        {"GET", "/history", NULL},
        {"GET", "/overrides", NULL},
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        ask(eve, routes[i].method, textf("/v1/budgets/%s%s", id, routes[i].rest), routes[i].body,
            404);
    ask(eve, "POST", textf("/v1/budgets/%s/overrides", id),
        textf("{\"kind\":\"bypass\",\"reason\":\"r\",\"expires_at\":\"%s\"}", moment(HOUR)), 404);
    ask(eve, "POST", textf("/v1/budgets/%s/overrides/%s/approve", id, override),
        "{\"reason\":\"r\"}", 404);
    ask(eve, "POST", textf("/v1/budgets/%s/overrides/%s/revoke", id, override),
        "{\"reason\":\"r\"}", 404);
    assert_null(json_first(json_member(ask(eve, "GET", "/v1/budgets", NULL, 200), "budgets")));
    assert_int_equal(fixture_count(&fixture, "other", "budget."), 0);
    /* Theirs may have the same name. */
    ask(eve, "POST", "/v1/budgets", "{\"name\":\"Ours\"," DEFINITION "}", 201);
}

static void budgets__sent_or_changed_many_times_at_once_are_taken_once(void **state)
{
    (void)state;
    assert_one_wins("POST", "/v1/budgets", "{\"name\":\"Twice\"," DEFINITION "}");
    const char *id = make_budget("Raced", "");
    assert_one_wins("PUT", textf("/v1/budgets/%s", id),
                    "{\"name\":\"Raced\",\"version\":1,\"two_person\":true," DEFINITION "}");
    assert_int_equal(entries_of(id, "changed"), 1);
    assert_one_wins("POST", textf("/v1/budgets/%s/overrides", id),
                    textf("{\"kind\":\"amount\",\"amount\":\"5\",\"reason\":\"r\",\"expires_at\":"
                          "\"%s\"}",
                          moment(HOUR)));
    assert_int_equal(entries_of(id, "override.asked"), 1);
}

static void budgets__need_the_csrf_header_of_a_browser(void **state)
{
    (void)state;
    char cookie[512];
    char headers[1024];
    snprintf(headers, sizeof headers, "{\"token\":\"%s\"}", mara);
    struct client_reply reply =
        client_ask(fixture.port, "POST", "/v1/session", "", str_of(headers));
    struct str pair = client_header(&reply, "Set-Cookie");
    assert_true(str_to_c(str_take(pair, str_find_byte(pair, ';')), cookie, sizeof cookie));
    client_reply_done(&reply);
    static const struct {
        const char *headers;
        int status;
    } tries[] = {{"", 403},
                 {"X-IntelGraph-CSRF: 1\r\nOrigin: https://evil.example\r\n", 403},
                 {"X-IntelGraph-CSRF: 1\r\n", 201}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        snprintf(headers, sizeof headers, "Cookie: %s\r\n%s", cookie, tries[i].headers);
        reply = client_ask(fixture.port, "POST", "/v1/budgets", headers,
                           STR("{\"name\":\"Browser\"," DEFINITION "}"));
        assert_int_equal(reply.status, tries[i].status);
        client_reply_done(&reply);
    }
}

static void budgets__refer_only_to_what_there_is(void **state)
{
    (void)state;
    assert_says(
        ask(mara, "POST", "/v1/budgets",
            "{\"name\":\"R\",\"recipients\":[\"rcp_aaaaaaaaaaaaaaaaaaaaaa\"]," DEFINITION "}", 400),
        "recipients", "rcp_aaaaaaaaaaaaaaaaaaaaaa");
#define OF_COST                                                                                    \
    "\"basis\":\"cost\",\"limit\":\"10\",\"period\":\"month\",\"mode\":\"notify\","                \
    "\"contact\":\"x\""
    assert_says(ask(eve, "POST", "/v1/budgets", "{\"name\":\"C\"," OF_COST "}", 409), "basis",
                "/v1/prices");
    ask(eve, "POST", "/v1/prices",
        "{\"currency\":\"CHF\",\"prices\":[{\"meter\":\"api.calls\",\"price\":\"0.01\"}]}", 201);
    assert_says(
        ask(eve, "POST", "/v1/budgets", "{\"name\":\"C\",\"currency\":\"EUR\"," OF_COST "}", 400),
        "currency", "CHF");
    const struct json *made = ask(eve, "POST", "/v1/budgets", "{\"name\":\"C\"," OF_COST "}", 201);
    assert_string_equal(text_at(made, "currency", NULL), "CHF");
    assert_string_equal(text_at(made, "limit", NULL), "10.00");
}

/* Page by page, to the last entry; a page that just ends with it has no next one. */
static void history__ends_with_its_last_entry(void **state)
{
    (void)state;
    const char *id = make_budget("Paged", "");
    for (int i = 1; i <= 5; i++)
        ask(mara, "PUT", textf("/v1/budgets/%s", id),
            textf("{\"name\":\"Paged %d\",\"version\":%d," DEFINITION "}", i, i), 200);
    const char *next = "";
    for (int page = 0; page < 3; page++) {
        const struct json *read =
            ask(mara, "GET", textf("/v1/budgets/%s/history?limit=2%s", id, next), NULL, 200);
        int count = 0;
        for (const struct json *each = json_first(json_member(read, "entries")); each;
             each = json_next(each))
            count++;
        assert_int_equal(count, 2);
        assert_int_equal(json_is_null(json_member(read, "next")), page == 2);
        next = textf("&before=%s", text_at(read, "next", NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets__are_made_read_changed_and_deleted),
        cmocka_unit_test(budgets__are_put_back_as_they_were_read),
        cmocka_unit_test(budgets__of_another_tenant_are_not_there),
        cmocka_unit_test(budgets__sent_or_changed_many_times_at_once_are_taken_once),
        cmocka_unit_test(budgets__need_the_csrf_header_of_a_browser),
        cmocka_unit_test(budgets__refer_only_to_what_there_is),
        cmocka_unit_test(history__ends_with_its_last_entry),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
