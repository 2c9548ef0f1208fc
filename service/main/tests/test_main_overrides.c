/* Overrides over HTTP: asked for, approved, revoked and expired, once each whoever does it how
 * often. */
#include "service/main/tests/budgets_fixture.h"

/* --- overrides ------------------------------------------------------------------------------ */

static const struct json *ask_override(const char *token, const char *id, const char *amount,
                                       int64_t ends_us, int status)
{
    return ask(token, "POST", textf("/v1/budgets/%s/overrides", id),
               textf("{\"kind\":\"amount\",\"amount\":\"%s\",\"reason\":\"quarter end\","
                     "\"expires_at\":\"%s\"}",
                     amount, moment(ends_us)),
               status);
}

static const char *limit_of(const char *id)
{
    return text_at(ask(mara, "GET", textf("/v1/budgets/%s", id), NULL, 200), "state", "limit",
                   NULL);
}

static void overrides__raise_the_limit_until_they_are_revoked(void **state)
{
    (void)state;
    const char *id = make_budget("Alone", "");
    const struct json *asked = ask_override(mara, id, "500", HOUR, 201);
    const char *override = text_at(asked, "id", NULL);
    assert_string_equal(text_at(asked, "state", NULL), "active");
    assert_string_equal(limit_of(id), "1500");
    assert_says(ask_override(otto, id, "7", HOUR, 409), "kind", "active, asked for by mara");
    const char *answer = textf("/v1/budgets/%s/overrides/%s/", id, override);
    assert_says(ask(otto, "POST", textf("%sapprove", answer), "{\"reason\":\"r\"}", 409), "state",
                "needs no approval");
    asked = ask(otto, "POST", textf("%srevoke", answer), "{\"reason\":\"enough\"}", 200);
    assert_string_equal(text_at(asked, "state", NULL), "revoked");
    assert_string_equal(text_at(asked, "ended_by", NULL), "otto");
    assert_string_equal(limit_of(id), "1000");
    assert_says(ask(otto, "POST", textf("%srevoke", answer), "{\"reason\":\"r\"}", 409), "state",
                "revoked by otto");
    ask_override(otto, id, "7", HOUR, 201);
    assert_string_equal(limit_of(id), "1007");
}

static void overrides__of_two_persons_wait_for_the_second(void **state)
{
    (void)state;
    const char *id = make_budget("Two", ",\"two_person\":true");
    const struct json *asked = ask_override(mara, id, "500", HOUR, 201);
    assert_string_equal(text_at(asked, "state", NULL), "waiting");
    assert_string_equal(limit_of(id), "1000");
    const char *answer = textf("/v1/budgets/%s/overrides/%s/", id, text_at(asked, "id", NULL));
    assert_says(ask(mara, "POST", textf("%sapprove", answer), "{\"reason\":\"r\"}", 403), "id",
                "somebody else");
    assert_says(ask(mara_too, "POST", textf("%sapprove", answer), "{\"reason\":\"r\"}", 403), "id",
                "somebody else");
    assert_says(ask(otto, "POST", textf("%sapprove", answer), "{\"reason\":\" \"}", 400), "reason",
                "goes on record");
    assert_string_equal(limit_of(id), "1000");
    ask(otto, "POST", textf("%sapprove", answer), "{\"reason\":\"agreed\"}", 200);
    assert_string_equal(limit_of(id), "1500");
    ask(otto, "POST", textf("%sapprove", answer), "{\"reason\":\"agreed\"}", 409);
    assert_int_equal(entries_of(id, "override.asked"), 1);
    assert_int_equal(entries_of(id, "override.approved"), 1);
    assert_int_equal(fixture_count(&fixture, "acme", "\"budget.override.approved\""), 1);
}

static void overrides__end_by_themselves(void **state)
{
    (void)state;
    const char *id = make_budget("Brief", "");
    const char *two = make_budget("Brief for two", ",\"two_person\":true");
    ask_override(mara, id, "500", S, 201);
    const struct json *waiting = ask_override(mara, two, "500", S, 201);
    assert_string_equal(limit_of(id), "1500");
    usleep(1200000);
    assert_string_equal(limit_of(id), "1000");
    assert_says(ask(otto, "POST",
                    textf("/v1/budgets/%s/overrides/%s/approve", two, text_at(waiting, "id", NULL)),
                    "{\"reason\":\"late\"}", 409),
                "state", "has expired");
    const struct json *list = ask(mara, "GET", textf("/v1/budgets/%s/overrides", id), NULL, 200);
    const struct json *first = json_first(json_member(list, "overrides"));
    assert_string_equal(text_at(first, "state", NULL), "expired");
    ask_override(mara, id, "7", HOUR, 201); /* it is in nobody's way */
    const struct json *history = ask(mara, "GET", textf("/v1/budgets/%s/history", two), NULL, 200);
    assert_string_equal(text_at(json_first(json_member(history, "entries")), "detail", NULL),
                        "nobody approved it in time");
    assert_string_equal(limit_of(id), "1007");
    assert_int_equal(entries_of(id, "override.expired"), 1);
}

static void overrides__are_refused_for_what_they_say(void **state)
{
    (void)state;
    const char *id = make_budget("Strict", "");
    assert_says(ask_override(mara, id, "5", -S, 400), "expires_at", "is past");
    assert_says(ask_override(mara, id, "5", 31 * DAY + HOUR, 400), "expires_at", "31 days");
    assert_says(ask_override(mara, id, "0", HOUR, 400), "amount", "from \"1\"");
    assert_says(ask_override(mara, id, "1.5", HOUR, 400), "amount", "1.5");
    const char *target = textf("/v1/budgets/%s/overrides", id);
    assert_says(ask(mara, "POST", target,
                    textf("{\"kind\":\"bypass\",\"amount\":\"5\",\"reason\":\"r\","
                          "\"expires_at\":\"%s\"}",
                          moment(HOUR)),
                    400),
                "amount", "a bypass has none");
    assert_says(ask(mara, "POST", target,
                    textf("{\"kind\":\"bypass\",\"expires_at\":\"%s\"}", moment(HOUR)), 400),
                "reason", "why");
    assert_says(ask(mara, "POST", target, "{\"kind\":\"bypass\",\"reason\":\"r\"}", 400),
                "expires_at", "RFC 3339");
    assert_int_equal(entries_of(id, "override.asked"), 0);
}

static void overrides__go_with_their_budget(void **state)
{
    (void)state;
    const char *id = make_budget("Gone", "");
    ask_override(mara, id, "500", HOUR, 201);
    assert_says(ask(mara, "PUT", textf("/v1/budgets/%s", id),
                    "{\"name\":\"Gone\",\"version\":1,\"basis\":\"cost\",\"limit\":\"10\","
                    "\"period\":\"month\",\"mode\":\"notify\",\"contact\":\"x\"}",
                    409),
                "basis", ""); /* either: there are no prices, or an override is open */
    ask(mara, "DELETE", textf("/v1/budgets/%s?version=1", id), NULL, 200);
    const struct json *list = ask(mara, "GET", textf("/v1/budgets/%s/overrides", id), NULL, 200);
    assert_string_equal(text_at(json_first(json_member(list, "overrides")), "state", NULL),
                        "revoked");
    ask_override(mara, id, "5", HOUR, 404);
}

/* A double click, or two administrators at once: one answer holds, and is on record once. */
static void overrides__answered_many_times_at_once_are_answered_once(void **state)
{
    (void)state;
    const char *id = make_budget("Answered", ",\"two_person\":true");
    const struct json *asked = ask_override(otto, id, "500", HOUR, 201);
    const char *answer = textf("/v1/budgets/%s/overrides/%s/", id, text_at(asked, "id", NULL));
    assert_one_wins("POST", textf("%sapprove", answer), "{\"reason\":\"agreed\"}");
    assert_string_equal(limit_of(id), "1500");
    assert_one_wins("POST", textf("%srevoke", answer), "{\"reason\":\"enough\"}");
    assert_string_equal(limit_of(id), "1000");
    assert_int_equal(entries_of(id, "override.approved"), 1);
    assert_int_equal(entries_of(id, "override.revoked"), 1);
}

/* Whoever comes first: what was revoked is not approved afterwards, and its budget is as it was. */
static void overrides__approved_and_revoked_at_once_end_revoked(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        const char *id = make_budget(textf("Contested %d", i), ",\"two_person\":true");
        const struct json *asked = ask_override(otto, id, "500", HOUR, 201);
        const char *answer = textf("/v1/budgets/%s/overrides/%s/", id, text_at(asked, "id", NULL));
        struct racer racers[] = {
            {.method = "POST", .target = textf("%sapprove", answer), .body = "{\"reason\":\"a\"}"},
            {.method = "POST", .target = textf("%srevoke", answer), .body = "{\"reason\":\"b\"}"}};
        pthread_t threads[2];
        for (int racer = 0; racer < 2; racer++)
            assert_int_equal(pthread_create(&threads[racer], NULL, race, &racers[racer]), 0);
        for (int racer = 0; racer < 2; racer++)
            pthread_join(threads[racer], NULL);
        assert_int_equal(racers[1].won, 1);
        assert_int_equal(racers[0].others + racers[1].others, 0);
        assert_string_equal(limit_of(id), "1000");
        assert_int_equal(entries_of(id, "override.approved"), racers[0].won);
        assert_int_equal(entries_of(id, "override.revoked"), 1);
    }
}

/* As after a night in which no process watched. */
static void overrides__that_expired_unseen_are_in_nobodys_way_however_many(void **state)
{
    enum { MANY = 60 };
    const char *ids[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        ids[i] = make_budget(textf("Night %d", i), "");
        ask_override(mara, ids[i], "500", 2 * S, 201);
    }
    usleep(2200000);
    ask_override(mara, ids[MANY - 1], "7", HOUR, 201);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(entries_of(ids[i], "override.expired"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overrides__raise_the_limit_until_they_are_revoked),
        cmocka_unit_test(overrides__of_two_persons_wait_for_the_second),
        cmocka_unit_test(overrides__end_by_themselves),
        cmocka_unit_test(overrides__are_refused_for_what_they_say),
        cmocka_unit_test(overrides__go_with_their_budget),
        cmocka_unit_test(overrides__answered_many_times_at_once_are_answered_once),
        cmocka_unit_test(overrides__approved_and_revoked_at_once_end_revoked),
        cmocka_unit_test(overrides__that_expired_unseen_are_in_nobodys_way_however_many),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
