/* Budgets, overrides, prices and costs over HTTP: what administrators do, twice, at once, and to
 * those of others. */
#include "service/main/main_routes.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "service/main/tests/main_fixture.h"

#define S    INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY  (24 * HOUR)

static struct fixture fixture;
static struct arena arena;
static char mara[FIXTURE_TOKEN_MAX]; /* administrators of acme */
static char otto[FIXTURE_TOKEN_MAX];
static char mara_too[FIXTURE_TOKEN_MAX]; /* another token of the first one */
static char eve[FIXTURE_TOKEN_MAX];      /* of another tenant */
static char meter[FIXTURE_TOKEN_MAX];

static void make_token(const char *tenant, enum identity_role role, const char *name,
                       char out[FIXTURE_TOKEN_MAX])
{
    struct fault fault;
    struct buf token;
    buf_init(&token, FIXTURE_TOKEN_MAX);
    assert_int_equal(identity_token_create(fixture.data.service.identity, str_of(tenant), role,
                                           str_of(name), 0, &token, &fault),
                     FAULT_NONE);
    assert_true(str_to_c(buf_str(&token), out, FIXTURE_TOKEN_MAX));
    buf_done(&token);
}

static int set_up(void **state)
{
    (void)state;
    fixture_start(&fixture);
    arena_init(&arena, 64 << 20);
    make_token("acme", ROLE_ADMIN, "mara", mara);
    make_token("acme", ROLE_ADMIN, "otto", otto);
    make_token("acme", ROLE_ADMIN, "mara", mara_too);
    make_token("other", ROLE_ADMIN, "eve", eve);
    make_token("acme", ROLE_METER, "gateway", meter);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    arena_done(&arena);
    return 0;
}

/* The reply's JSON (NULL when it is none); its status is checked. */
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
        fail_msg("%s %s: %d: %.*s", method, target, reply.status, STR_ARG(reply.body));
    if (json_read(&arena, arena_copy(&arena, reply.body), &value, &fault) != FAULT_NONE)
        value = NULL;
    client_reply_done(&reply);
    return value;
}

/* A text within members: "state", "used", NULL. */
static const char *text_at(const struct json *value, ...)
{
    struct str text = STR("");
    va_list names;
    va_start(names, value);
    for (const char *name = va_arg(names, const char *); name; name = va_arg(names, const char *))
        value = json_member(value, name);
    va_end(names);
    if (!json_text(value, &text))
        return "(no text)";
    return arena_copy(&arena, text).ptr;
}

static void assert_says(const struct json *problem, const char *field, const char *part)
{
    assert_string_equal(text_at(problem, "field", NULL), field);
    if (!strstr(text_at(problem, "detail", NULL), part))
        fail_msg("\"%s\" does not say \"%s\"", text_at(problem, "detail", NULL), part);
}

static const char *textf(const char *format, ...) PRINTF_LIKE(1, 2);
static const char *textf(const char *format, ...)
{
    char room[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(room, sizeof room, format, values);
    va_end(values);
    return arena_copy(&arena, str_of(room)).ptr;
}

static const char *moment(int64_t from_now_us)
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, os_now_us() + from_now_us);
    const char *kept = arena_copy(&arena, buf_str(&text)).ptr;
    buf_done(&text);
    return kept;
}

#define DEFINITION                                                                                 \
    "\"basis\":\"quantity\",\"meters\":[\"inference.tokens\"],\"limit\":\"1000\",\"period\":"      \
    "\"month\",\"mode\":\"block\",\"thresholds\":[{\"kind\":\"percent\",\"value\":\"80\"}],"       \
    "\"contact\":\"finance@corp.example\""

/* Made; its id. */
static const char *make_budget(const char *name, const char *more)
{
    const struct json *made = ask(mara, "POST", "/v1/budgets",
                                  textf("{\"name\":\"%s\"%s," DEFINITION "}", name, more), 201);
    return text_at(made, "id", NULL);
}

static int64_t version_of(const struct json *budget)
{
    int64_t version = -1;
    assert_true(json_whole(json_member(budget, "version"), &version));
    return version;
}

static int entries_of(const char *id, const char *kind)
{
    int count = 0;
    const struct json *history =
        ask(mara, "GET", textf("/v1/budgets/%s/history?limit=200", id), NULL, 200);
    for (const struct json *each = json_first(json_member(history, "entries")); each;
         each = json_next(each))
        count += strcmp(text_at(each, "kind", NULL), kind) == 0;
    return count;
}

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

struct racer {
    const char *method;
    const char *target;
    const char *body;
    int won;
    int conflicts;
    int others;
};

static void *race(void *context)
{
    struct racer *racer = context;
    char headers[FIXTURE_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", mara);
    struct client_reply reply =
        client_ask(fixture.port, racer->method, racer->target, headers, str_of(racer->body));
    racer->won += reply.status == 200 || reply.status == 201;
    racer->conflicts += reply.status == 409;
    racer->others += reply.status != 200 && reply.status != 201 && reply.status != 409;
    client_reply_done(&reply);
    return NULL;
}

enum { RACERS = 8 };

/* All at once: one is taken, the others are told. */
static void assert_one_wins(const char *method, const char *target, const char *body)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    int won = 0;
    int conflicts = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.method = method, .target = target, .body = body};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        won += racers[i].won;
        conflicts += racers[i].conflicts;
        assert_int_equal(racers[i].others, 0);
    }
    assert_int_equal(won, 1);
    assert_int_equal(conflicts, RACERS - 1);
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

/* --- prices, costs -------------------------------------------------------------------------- */

static void prices__are_added_and_never_changed_backwards(void **state)
{
    (void)state;
#define PRICE(value) "{\"meter\":\"inference.tokens\",\"per\":\"1000\",\"price\":\"" value "\"}"
    ask(mara, "POST", "/v1/prices",
        "{\"currency\":\"EUR\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"prices\":[" PRICE(
            "0.5") "]}",
        201);
    const char *same = "{\"currency\":\"EUR\",\"prices\":[" PRICE("0.7") "]}";
    const struct json *made = ask(mara, "POST", "/v1/prices", same, 201);
    assert_int_equal(version_of(made), 2);
    made = ask(mara, "POST", "/v1/prices", same, 200); /* a double click */
    assert_int_equal(version_of(made), 2);
    assert_says(
        ask(mara, "POST", "/v1/prices",
            textf("{\"currency\":\"EUR\",\"valid_from\":\"%s\",\"prices\":[" PRICE("1") "]}",
                  moment(-DAY)),
            400),
        "valid_from", "before today");
    assert_says(
        ask(mara, "POST", "/v1/prices", "{\"currency\":\"CHF\",\"prices\":[" PRICE("1") "]}", 409),
        "currency", "EUR");
    const struct json *table = ask(mara, "GET", "/v1/prices", NULL, 200);
    assert_string_equal(text_at(table, "currency", NULL), "EUR");
    int versions = 0;
    for (const struct json *each = json_first(json_member(table, "versions")); each;
         each = json_next(each))
        versions++;
    assert_int_equal(versions, 2);
    assert_int_equal(fixture_count(&fixture, "acme", "\"prices.changed\""), 2);
}

/* Costs as text to micro-units. */
static int64_t micros(const char *text)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    int places = -1;
    for (; *text; text++) {
        if (*text == '.')
            places = 0;
        else if (places < 0)
            whole = whole * 10 + (*text - '0');
        else if (places++ < 6)
            fraction = fraction * 10 + (*text - '0');
    }
    for (; places < 6; places++)
        fraction *= 10;
    return whole * S + fraction;
}

static void costs__add_up_to_their_total(void **state)
{
    (void)state;
    char headers[FIXTURE_TOKEN_MAX + 128];
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nContent-Type: application/cloudevents+json\r\n", meter);
    for (int i = 0; i < 20; i++) {
        const char *event =
            textf("{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":"
                  "\"/gw\",\"id\":\"c%d\",\"time\":\"%s\",\"data\":{\"meter\":"
                  "\"inference.tokens\",\"quantity\":\"%d\",\"dimensions\":{\"model\":\"m%d\"}}}",
                  i, moment(-i * DAY - S), 1237 + i * 13, i % 3);
        struct client_reply reply =
            client_ask(fixture.port, "POST", "/v1/events", headers, str_of(event));
        assert_int_equal(reply.status, 200);
        client_reply_done(&reply);
    }
    static const char *const queries[] = {"window=day", "window=month", "window=billing&by=model",
                                          "window=day&by=meter,model&meter=inference.tokens"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        const struct json *costs = ask(
            mara, "GET", textf("/v1/costs?%s&from=%s", queries[i], moment(-19 * DAY)), NULL, 200);
        int64_t sum = 0;
        int rows = 0;
        for (const struct json *each = json_first(json_member(costs, "rows")); each;
             each = json_next(each)) {
            struct str cost;
            if (json_text(json_member(each, "cost"), &cost))
                sum += micros(text_at(each, "cost", NULL));
            rows++;
        }
        assert_true(rows > 0 && sum > 0);
        assert_int_equal(micros(text_at(costs, "total", NULL)), sum);
        assert_string_equal(text_at(costs, "currency", NULL), "EUR");
        assert_string_not_equal(text_at(costs, "forecast", "expected", NULL), "(no text)");
    }
    static const struct {
        const char *query;
        const char *field;
    } wrong[] = {{"window=hour", "window"},
                 {"by=colour", "by"},
                 {"by=model,model", "by"},
                 {"meter=gold", "meter"},
                 {"format=xml", "format"},
                 {"from=yesterday", "from"},
                 {"to=2026-11-01T00:00:00Z&from=2026-11-02T00:00:00Z", "from"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_string_equal(
            text_at(ask(mara, "GET", textf("/v1/costs?%s", wrong[i].query), NULL, 400), "field",
                    NULL),
            wrong[i].field);
    /* Another tenant's are none of ours. */
    const struct json *theirs = ask(eve, "GET", "/v1/costs?meter=inference.tokens", NULL, 200);
    assert_null(json_first(json_member(theirs, "rows")));
}

static void costs__come_as_csv(void **state)
{
    (void)state;
    char headers[FIXTURE_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", mara);
    struct client_reply reply = client_ask(
        fixture.port, "GET", "/v1/costs?format=csv&by=model&window=month", headers, STR(""));
    assert_int_equal(reply.status, 200);
    assert_true(str_starts(client_header(&reply, "Content-Type"), STR("text/csv")));
    assert_true(str_starts(reply.body,
                           STR("from,to,meter,model,quantity,shown,shown_unit,cost,currency\n")));
    assert_true(client_says(&reply, ",inference.tokens,\"m1\","));
    assert_true(client_says(&reply, ",EUR\n"));
    client_reply_done(&reply);
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
        cmocka_unit_test(overrides__raise_the_limit_until_they_are_revoked),
        cmocka_unit_test(overrides__of_two_persons_wait_for_the_second),
        cmocka_unit_test(overrides__end_by_themselves),
        cmocka_unit_test(overrides__are_refused_for_what_they_say),
        cmocka_unit_test(overrides__go_with_their_budget),
        cmocka_unit_test(prices__are_added_and_never_changed_backwards),
        cmocka_unit_test(costs__add_up_to_their_total),
        cmocka_unit_test(costs__come_as_csv),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
