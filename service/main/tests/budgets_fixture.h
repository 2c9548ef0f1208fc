/* Administrators of two tenants and a gateway at a whole service; for the tests of budgets,
 * overrides, prices and costs over HTTP. */
#ifndef IG_MAIN_TESTS_BUDGETS_FIXTURE_H
#define IG_MAIN_TESTS_BUDGETS_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "service/main/main_routes.h"
#include "service/main/tests/main_fixture.h"

#define UNUSED __attribute__((unused))
#define S      INT64_C(1000000)
#define HOUR   (3600 * S)
#define DAY    (24 * HOUR)

static struct fixture fixture;
static struct arena arena;
static char mara[FIXTURE_TOKEN_MAX]; /* administrators of acme */
static UNUSED char otto[FIXTURE_TOKEN_MAX];
static UNUSED char mara_too[FIXTURE_TOKEN_MAX]; /* another token of the first one */
static UNUSED char eve[FIXTURE_TOKEN_MAX];      /* of another tenant */
static UNUSED char meter[FIXTURE_TOKEN_MAX];

static UNUSED void make_token(const char *tenant, enum identity_role role, const char *name,
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

static UNUSED int set_up(void **state)
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

static UNUSED int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    arena_done(&arena);
    return 0;
}

/* The reply's JSON (NULL when it is none); its status is checked. */
static UNUSED const struct json *ask(const char *token, const char *method, const char *target,
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
static UNUSED const char *text_at(const struct json *value, ...)
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

static UNUSED void assert_says(const struct json *problem, const char *field, const char *part)
{
    assert_string_equal(text_at(problem, "field", NULL), field);
    if (!strstr(text_at(problem, "detail", NULL), part))
        fail_msg("\"%s\" does not say \"%s\"", text_at(problem, "detail", NULL), part);
}

static const char *textf(const char *format, ...) PRINTF_LIKE(1, 2) UNUSED;
static const char *textf(const char *format, ...)
{
    char room[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(room, sizeof room, format, values);
    va_end(values);
    return arena_copy(&arena, str_of(room)).ptr;
}

static UNUSED const char *moment(int64_t from_now_us)
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
static UNUSED const char *make_budget(const char *name, const char *more)
{
    const struct json *made = ask(mara, "POST", "/v1/budgets",
                                  textf("{\"name\":\"%s\"%s," DEFINITION "}", name, more), 201);
    return text_at(made, "id", NULL);
}

static UNUSED int64_t version_of(const struct json *budget)
{
    int64_t version = -1;
    assert_true(json_whole(json_member(budget, "version"), &version));
    return version;
}

static UNUSED int entries_of(const char *id, const char *kind)
{
    int count = 0;
    const struct json *history =
        ask(mara, "GET", textf("/v1/budgets/%s/history?limit=200", id), NULL, 200);
    for (const struct json *each = json_first(json_member(history, "entries")); each;
         each = json_next(each))
        count += strcmp(text_at(each, "kind", NULL), kind) == 0;
    return count;
}

struct racer {
    const char *method;
    const char *target;
    const char *body;
    int won;
    int conflicts;
    int others;
};

static UNUSED void *race(void *context)
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
static UNUSED void assert_one_wins(const char *method, const char *target, const char *body)
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

#endif
