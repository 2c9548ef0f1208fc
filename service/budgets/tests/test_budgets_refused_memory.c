/* The n-th allocation of a request is refused, n = 1, 2, ...: nothing breaks, nothing leaks; a
 * change is there with its history and its record, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/store/tests/place.h"
#include "libs/text/time.h"
#include "service/budgets/budgets_admin.h"
#include "service/budgets/budgets_threshold_watch.h"
#include "service/migrations/migrations.h"
#include "service/service.h"
#include "service/usage/usage_ingest.h"

enum { MOST_ALLOCATIONS = 20000, REQUEST_MAX = 64 << 20 };

static struct {
    char folder[64];
    struct service service;
    struct buf token;
    struct fault fault;
    char budget[64]; /* its id */
} house;

static struct os_platform short_of_memory;
static long allocations_left; /* until one is refused; < 0: none is */

static void *resize_until_refused(void *ptr, size_t size)
{
    if (size > 0 && allocations_left == 0)
        return NULL;
    if (size > 0 && allocations_left > 0)
        allocations_left--;
    return os_posix.resize(ptr, size);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", house.fault.text);                                                      \
    } while (0)

static int set_up(void **state)
{
    char path[128];
    char place[PLACE_MAX];
    struct store *store;
    (void)state;
    allocations_left = -1;
    short_of_memory = os_posix;
    short_of_memory.resize = resize_until_refused;
    os_platform_set(&short_of_memory);
    snprintf(house.folder, sizeof house.folder, "/tmp/budgets-XXXXXX");
    if (!mkdtemp(house.folder))
        return -1;
    snprintf(path, sizeof path, "%s/budgets.db", house.folder);
    place_make(path, place);
    struct service *service = &house.service;
    MUST(store_pool_new(place, 3, service_migrations, service_migration_count, &service->pool,
                        &house.fault));
    MUST(store_pool_take(service->pool, &store, &house.fault));
    MUST(audit_open(house.folder, store, &service->audit, &house.fault));
    store_pool_give(service->pool, store);
    MUST(identity_new(service->pool, service->audit, &service->identity, &house.fault));
    buf_init(&house.token, 256);
    buf_add_c(&house.token, "Bearer ");
    MUST(identity_token_create(service->identity, STR("acme"), ROLE_ADMIN, STR("mara"), 0,
                               &house.token, &house.fault));
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    identity_free(house.service.identity);
    audit_close(house.service.audit);
    store_pool_free(house.service.pool);
    buf_done(&house.token);
    memset(&house.service, 0, sizeof house.service);
    os_platform_set(&os_posix);
    snprintf(command, sizeof command, "rm -rf %s", house.folder);
    return system(command);
}

static int64_t whole(const char *sql)
{
    struct store *store;
    struct statement *query;
    int64_t number;
    MUST(store_pool_take(house.service.pool, &store, &house.fault));
    MUST(store_prepare(store, sql, &query, &house.fault));
    MUST(store_read_whole(query, &number, &house.fault));
    store_pool_give(house.service.pool, store);
    return number;
}

struct request {
    const struct web_route *routes;
    const char *method;
    const char *pattern;
    const char *query;
    struct str body;
};

/* Sends the request with `allowed` allocations (below 0: as many as it takes); true when it went
 * through all the same. The budget's id is what the route's part is; out_id takes the answer's. */
static bool ask(const struct request *asked, long allowed, char *out_id)
{
    struct arena arena;
    struct fault fault;
    struct web_reply reply = {0};
    const struct web_route *route = asked->routes;
    arena_init(&arena, REQUEST_MAX);
    buf_init(&reply.body, 1 << 20);
    struct web_request request = {
        .method = str_of(asked->method),
        .path = str_of(asked->pattern),
        .query = str_of(asked->query),
        .client = STR("192.0.2.7"),
        .parts = {str_of(house.budget)},
        .body = asked->body,
        .header_count = 1,
        .headers = {{STR("Authorization"), buf_str(&house.token)}},
        .arena = &arena,
        .started_us = os_now_us(),
    };
    while (strcmp(route->method, asked->method) != 0 || strcmp(route->pattern, asked->pattern) != 0)
        route++;
    allocations_left = allowed;
    enum fault_code code = route->handler(&house.service, &request, &reply, &fault);
    bool spent = allocations_left == 0;
    allocations_left = -1;
    if (code != FAULT_NONE && !spent)
        fail_msg("with memory left: %s", fault.text);
    /* A refusal for want of memory is never told as the sender's fault. */
    if (code == FAULT_INPUT || code == FAULT_NOT_FOUND || code == FAULT_DENIED ||
        code == FAULT_CONFLICT || code == FAULT_CORRUPT || code == FAULT_LIMIT)
        fail_msg("after %ld allocations: %d %s", allowed, code, fault.text);
    if (code == FAULT_NONE && out_id) {
        size_t at = str_find(buf_str(&reply.body), STR("bdg_"));
        assert_true(str_to_c(str_take(str_skip(buf_str(&reply.body), at), BUDGETS_ID_MAX), out_id,
                             sizeof house.budget));
    }
    buf_done(&reply.body);
    arena_done(&arena);
    return code == FAULT_NONE;
}

static void make_budget(const char *name)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"name\":\"%s\",\"basis\":\"quantity\",\"meters\":[\"inference.tokens\"],\"limit\":"
             "\"1000\",\"period\":\"month\",\"mode\":\"block\",\"thresholds\":[{\"kind\":"
             "\"percent\",\"value\":\"50\"}],\"contact\":\"x\"}",
             name);
    const struct request post = {budgets_admin_routes, "POST", "/v1/budgets", "", str_of(body)};
    assert_true(ask(&post, -1, house.budget));
}

static void send_event(int64_t quantity)
{
    struct arena arena;
    struct arena scratch;
    char line[512];
    char room[64];
    struct buf time = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    arena_init(&arena, 1 << 20);
    arena_init(&scratch, 1 << 20);
    struct usage_batch batch = {
        .arena = &arena, .scratch = &scratch, .tenant = STR("acme"), .received_us = os_now_us()};
    time_add_rfc3339(&time, os_now_us());
    snprintf(line, sizeof line,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw\","
             "\"id\":\"a\",\"time\":\"%.*s\",\"data\":{\"meter\":\"inference.tokens\","
             "\"quantity\":%lld}}",
             STR_ARG(buf_str(&time)), (long long)quantity);
    MUST(usage_batch_add(&batch, str_of(line), &house.fault));
    MUST(usage_batch_store(&batch, house.service.pool, &house.fault));
    arena_done(&scratch);
    arena_done(&arena);
}

/* Tries with ever more memory until it goes through; after each try the three numbers agree. */
static void try_change(const struct request *asked, const char *rows_sql, const char *history_sql)
{
    int64_t rows_before = whole(rows_sql);
    int64_t history_before = whole(history_sql);
    int64_t records_before = whole("SELECT count(*) FROM audit_entries WHERE tenant = 'acme'");
    bool done = false;
    for (long allowed = 0; !done; allowed++) {
        assert_true(allowed < MOST_ALLOCATIONS);
        done = ask(asked, allowed, NULL);
        int64_t rows = whole(rows_sql) - rows_before;
        int64_t history = whole(history_sql) - history_before;
        int64_t records =
            whole("SELECT count(*) FROM audit_entries WHERE tenant = 'acme'") - records_before;
        /* The first use of the token may be on record beside it. */
        if (rows != history || rows > 1 || (done && rows != 1) || records < rows ||
            records > rows + 1)
            fail_msg("after %ld allocations: %d, %d, %d", allowed, (int)rows, (int)history,
                     (int)records);
        if (rows == 1)
            done = true; /* kept, and only its answer refused */
    }
}

static void budgets__are_made_whole_or_not_at_all(void **state)
{
    (void)state;
    const struct request post = {
        budgets_admin_routes, "POST", "/v1/budgets", "",
        STR("{\"name\":\"New\",\"basis\":\"quantity\",\"meters\":[\"api.calls\"],\"limit\":\"9\","
            "\"period\":\"day\",\"mode\":\"notify\",\"contact\":\"x\"}")};
    try_change(&post, "SELECT count(*) FROM budgets",
               "SELECT count(*) FROM budgets_history WHERE kind = 'created'");
}

static void overrides__are_given_whole_or_not_at_all(void **state)
{
    (void)state;
    char room[64];
    char body[256];
    struct buf time = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    make_budget("Over");
    time_add_rfc3339(&time, os_now_us() + INT64_C(3600000000));
    snprintf(body, sizeof body,
             "{\"kind\":\"amount\",\"amount\":\"5\",\"reason\":\"r\",\"expires_at\":\"%.*s\"}",
             STR_ARG(buf_str(&time)));
    const struct request post = {budgets_override_routes, "POST", "/v1/budgets/{}/overrides", "",
                                 str_of(body)};
    try_change(&post, "SELECT count(*) FROM budgets_overrides",
               "SELECT count(*) FROM budgets_history WHERE kind = 'override.asked'");
}

static void prices__are_added_whole_or_not_at_all(void **state)
{
    (void)state;
    const struct request post = {prices_routes, "POST", "/v1/prices", "",
                                 STR("{\"currency\":\"EUR\",\"prices\":[{\"meter\":"
                                     "\"inference.tokens\",\"price\":\"1\"},{\"meter\":"
                                     "\"storage.bytes\",\"price\":\"2\"}]}")};
    try_change(&post, "SELECT count(*) FROM prices_versions", "SELECT count(*) / 2 FROM prices");
}

static void reports__are_told_or_refused(void **state)
{
    (void)state;
    make_budget("Read");
    send_event(700);
    const struct request prices = {prices_routes, "POST", "/v1/prices", "",
                                   STR("{\"currency\":\"EUR\",\"prices\":[{\"meter\":"
                                       "\"inference.tokens\",\"price\":\"1\"}]}")};
    assert_true(ask(&prices, -1, NULL));
    const struct request reads[] = {
        {budgets_admin_routes, "GET", "/v1/budgets", "", STR("")},
        {budgets_admin_routes, "GET", "/v1/budgets/{}", "", STR("")},
        {budgets_history_routes, "GET", "/v1/budgets/{}/history", "", STR("")},
        {budgets_override_routes, "GET", "/v1/budgets/{}/overrides", "", STR("")},
        {prices_routes, "GET", "/v1/prices", "", STR("")},
        {prices_costs_routes, "GET", "/v1/costs", "by=model", STR("")},
        {prices_costs_routes, "GET", "/v1/costs", "format=csv", STR("")},
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        for (long allowed = 0; !ask(&reads[i], allowed, NULL); allowed++)
            assert_true(allowed < MOST_ALLOCATIONS);
}

/* The look may fail; what is told is told whole, and once. */
static void crossings__are_told_whole_or_not_at_all(void **state)
{
    (void)state;
    make_budget("Watched");
    send_event(700);
    size_t told = 0;
    for (long allowed = 0; told == 0; allowed++) {
        struct fault fault;
        assert_true(allowed < MOST_ALLOCATIONS);
        allocations_left = allowed;
        enum fault_code code =
            budgets_watch_tenant(&house.service, NULL, STR("acme"), os_now_us(), &told, &fault);
        allocations_left = -1;
        int64_t crossings = whole("SELECT count(*) FROM budgets_crossings");
        if (code != FAULT_NONE)
            told = 0;
        assert_int_equal(crossings, (int64_t)told);
        assert_int_equal(whole("SELECT count(*) FROM notify_messages"), crossings);
        assert_int_equal(whole("SELECT count(*) FROM budgets_history WHERE kind = 'crossed'"),
                         crossings);
    }
    assert_int_equal(told, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(budgets__are_made_whole_or_not_at_all),
        TEST(overrides__are_given_whole_or_not_at_all),
        TEST(prices__are_added_whole_or_not_at_all),
        TEST(reports__are_told_or_refused),
        TEST(crossings__are_told_whole_or_not_at_all),
    };
    return cmocka_run_group_tests_name("budgets_refused_memory", tests, NULL, NULL);
}
