/* Usage under refusals and kills: a request's events are there whole or not at all, what was
 * answered is there after a new start, and sending again comes to the sums of the plainest count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "libs/store/store_internal.h"
#include "libs/text/time.h"
#include "service/audit/audit.h"
#include "service/identity/identity.h"
#include "service/main/main_data.h"
#include "service/usage/usage.h"
#include "tests/faults/sweep.h"

enum { CONNECTIONS = 2, BODY_MAX = 64 * 1024, USES = 30, LEVELS = 4, ARENA_MAX = 64 << 20 };

#define TENANT "acme"
#define GB     INT64_C(1000000000)
#define MINUTE INT64_C(60000000)

static char base[64];  /* a folder with a token and what was reported before */
static char stage[64]; /* the folder of the case that runs */
static struct main_data data;
static char bearer[128];
static int64_t now_us;
static struct buf before; /* the request that the base holds */
static struct buf body;   /* the request of the cases */
static struct fault told;

/* --- the scene ------------------------------------------------------------------------------ */

static bool open_stage(void)
{
    told = (struct fault){0};
    return main_data_open(&data, str_of(stage), STR(""), true, CONNECTIONS, &told) == FAULT_NONE;
}

/* As the process that is started after this one. */
static void open_anew(void)
{
    store_flush_failed = false;
    if (!open_stage())
        fail_msg("%s: does not start again: %s", sweep_where(), told.text);
}

static const struct web_route *route_of(const char *pattern)
{
    const struct web_route *route = usage_routes;
    while (route->method && strcmp(route->pattern, pattern) != 0)
        route++;
    assert_non_null(route->method);
    return route;
}

/* The request through its route; whether it was answered. */
static bool send(const struct buf *sent)
{
    struct arena arena;
    struct web_reply reply = {0};
    struct fault fault = {0};
    arena_init(&arena, ARENA_MAX);
    buf_init(&reply.body, BODY_MAX);
    struct web_request request = {
        .method = STR("POST"),
        .path = STR("/v1/events"),
        .client = STR("192.0.2.7"),
        .body = buf_str(sent),
        .arena = &arena,
        .started_us = os_now_us(),
        .header_count = 2,
        .headers = {{STR("Authorization"), str_of(bearer)},
                    {STR("Content-Type"), STR("application/x-ndjson")}},
    };
    enum fault_code code = route_of("/v1/events")->handler(&data.service, &request, &reply, &fault);
    if (code == FAULT_NONE)
        code = buf_check(&reply.body, "the reply", &fault);
    /* What the system refuses is never told as the sender's fault, and in one sentence. */
    if (code == FAULT_INPUT || code == FAULT_LIMIT || code == FAULT_DENIED ||
        code == FAULT_UNSIGNED || code == FAULT_CONFLICT || code == FAULT_NOT_FOUND)
        fail_msg("%s: %s", sweep_where(), fault.text);
    if (code != FAULT_NONE && (fault.text[0] == '\0' || strchr(fault.text, '\n')))
        fail_msg("%s: told as \"%s\"", sweep_where(), fault.text);
    if (code == FAULT_NONE && !strstr(buf_str(&reply.body).ptr, "\"rejected\":0"))
        fail_msg("%s: %.*s", sweep_where(), STR_ARG(buf_str(&reply.body)));
    buf_done(&reply.body);
    arena_done(&arena);
    if (code != FAULT_NONE)
        told = fault;
    return code == FAULT_NONE;
}

static int64_t whole(const char *sql)
{
    struct store *store;
    struct statement *query;
    int64_t number = 0;
    struct fault fault;
    enum fault_code code = store_pool_take(data.service.pool, &store, &fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &query, &fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &number, &fault);
    if (code != FAULT_NONE)
        fail_msg("%s: %s", sweep_where(), fault.text);
    store_pool_give(data.service.pool, store);
    return number;
}

/* --- what must hold ------------------------------------------------------------------------- */

static enum fault_code rebuild_in(struct store *store, void *context, struct fault *fault)
{
    return usage_rebuild(store, STR(TENANT), context, fault);
}

/* All that is derived is what the events say, and what is on record is what was counted. */
static void check_derived(void)
{
    struct usage_rebuilt rebuilt = {0};
    struct usage_reconciled reconciled;
    struct store *store;
    struct fault fault;
    if (store_pool_write(data.service.pool, rebuild_in, &rebuilt, &fault) != FAULT_NONE)
        fail_msg("%s: %s", sweep_where(), fault.text);
    if (rebuilt.differences != 0)
        fail_msg("%s: %d sums are not those of the events", sweep_where(),
                 (int)rebuilt.differences);
    if (store_pool_take(data.service.pool, &store, &fault) != FAULT_NONE ||
        usage_reconcile(store, STR(TENANT), &reconciled, &fault) != FAULT_NONE)
        fail_msg("%s: %s", sweep_where(), fault.text);
    store_pool_give(data.service.pool, store);
    if (!usage_reconciles(&reconciled))
        fail_msg("%s: audit log and usage differ", sweep_where());
}

/* Of the base: uses 1 .. 30 of api.calls and three levels. The request brings 30 more, a repeat of
 * two, one amended to 1000, one voided, and a level between. */
enum { SUM_BEFORE = USES * (USES + 1) / 2 };
enum { SUM_AFTER = 2 * SUM_BEFORE - 5 + 1000 - 7, EVENTS_AFTER = USES + 2 + 1 };

/* Whether the request's events are there; by halves is a failure. */
static bool is_there(void)
{
    int64_t events = whole("SELECT count(*) FROM usage_events WHERE meter <> 'operations'") - USES -
                     (LEVELS - 1);
    int64_t sum = whole("SELECT CAST(coalesce(sum(low), 0) AS BIGINT) FROM usage_days"
                        " WHERE meter = 'api.calls'");
    int64_t high = whole("SELECT CAST(coalesce(sum(high), 0) AS BIGINT) FROM usage_hours"
                         " WHERE meter = 'storage.bytes'");
    int64_t low = whole("SELECT CAST(coalesce(sum(low), 0) AS BIGINT) FROM usage_hours"
                        " WHERE meter = 'storage.bytes'");
    __int128 level = (__int128)high * 1000000000000000 + low;
    __int128 level_before = (__int128)(1 * 20 + 3 * 20) * GB * MINUTE;
    __int128 level_after = (__int128)(1 * 10 + 2 * 10 + 3 * 20) * GB * MINUTE;
    if (events == 0 && sum == SUM_BEFORE && level == level_before)
        return false;
    if (events == EVENTS_AFTER && sum == SUM_AFTER && level == level_after)
        return true;
    fail_msg("%s: %d events more, sum %d", sweep_where(), (int)events, (int)sum);
    return false;
}

/* After whatever has happened: whole or not at all, and once when it is sent again. */
static void check_stage(bool answered)
{
    open_anew();
    bool there = is_there();
    if (answered && !there)
        fail_msg("%s: answered, and not there", sweep_where());
    check_derived();
    for (int i = 0; i < 2; i++)
        if (!send(&body) || !is_there())
            fail_msg("%s: sent again: %s", sweep_where(), told.text);
    check_derived();
    main_data_close(&data);
}

/* --- cases ---------------------------------------------------------------------------------- */

static void set_stage(void)
{
    sweep_folder_clear(stage);
    sweep_folder_copy(base, stage);
    store_flush_failed = false;
    if (!open_stage())
        fail_msg("%s: %s", sweep_where(), told.text);
}

static bool refused_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    set_stage();
    os_fail_arm(kind, mode, at);
    bool answered = send(&body);
    bool is_failed_flush = kind == OS_FAIL_FLUSH && os_fail_has_refused();
    /* A failed flush is not believed, nor one that comes after it. */
    if (is_failed_flush && (answered || send(&body)))
        fail_msg("%s: answered after a failed flush", sweep_where());
    main_data_close(&data);
    bool reached = os_fail_disarm();
    if (!answered && !reached)
        fail_msg("%s: %s", sweep_where(), told.text);
    check_stage(answered);
    return reached;
}

/* A process of its own that is killed at the n-th call. It tells by its status what it knew. */
enum { ANSWERED = 0, NOT_ANSWERED = 1 };

static bool killed_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    (void)mode;
    sweep_folder_clear(stage);
    sweep_folder_copy(base, stage);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!open_stage())
            _exit(NOT_ANSWERED);
        os_fail_arm(kind, OS_FAIL_KILL, at);
        bool answered = send(&body);
        /* Not closed: closing writes too, and that is where later kills come. */
        if (answered && !os_fail_has_refused())
            main_data_close(&data);
        _exit(answered ? ANSWERED : NOT_ANSWERED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    check_stage(WEXITSTATUS(status) == ANSWERED);
    return WEXITSTATUS(status) == OS_FAIL_KILLED;
}

/* --- the base ------------------------------------------------------------------------------- */

static void add_event(struct buf *out, const char *type, const char *id, int64_t at_us,
                      const char *members)
{
    buf_addf(out,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.%s\",\"source\":\"/gw\","
             "\"id\":\"%s\",\"time\":\"",
             type, id);
    time_add_rfc3339(out, at_us);
    buf_addf(out, "\",\"data\":{%s}}\n", members);
}

static void add_use(struct buf *out, const char *name, int number)
{
    char id[32];
    char members[160];
    snprintf(id, sizeof id, "%s%d", name, number);
    snprintf(members, sizeof members,
             "\"meter\":\"api.calls\",\"quantity\":%d,\"dimensions\":{\"route\":\"/%d\"}", number,
             number % 3);
    add_event(out, "use", id, now_us - number * MINUTE, members);
}

static void add_level(struct buf *out, int minutes_ago, int level)
{
    char id[32];
    char members[96];
    snprintf(id, sizeof id, "level%d", minutes_ago);
    snprintf(members, sizeof members, "\"meter\":\"storage.bytes\",\"quantity\":\"%d000000000\"",
             level);
    add_event(out, "use", id, now_us - minutes_ago * MINUTE, members);
}

static void add_correction(struct buf *out, const char *type, int number, const char *quantity)
{
    char id[32];
    char members[256];
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, now_us - number * MINUTE);
    snprintf(id, sizeof id, "%s%d", type, number);
    snprintf(members, sizeof members,
             "\"refers_to\":{\"source\":\"/gw\",\"id\":\"a%d\",\"time\":\"%.*s\"}%s", number,
             STR_ARG(buf_str(&time)), quantity);
    add_event(out, type, id, now_us, members);
    buf_done(&time);
}

static void fill_bodies(void)
{
    buf_init(&before, BODY_MAX);
    buf_init(&body, BODY_MAX);
    for (int i = 1; i <= USES; i++) {
        add_use(&before, "a", i);
        add_use(&body, "b", i);
    }
    add_level(&before, 60, 1);
    add_level(&before, 40, 3);
    add_level(&before, 20, 0);
    add_use(&body, "a", 3);
    add_use(&body, "b", 4);
    add_correction(&body, "amend", 5, ",\"quantity\":1000");
    add_correction(&body, "void", 7, "");
    add_level(&body, 50, 2);
}

static void make_base(void)
{
    struct buf token;
    struct fault fault;
    now_us = os_now_us() / MINUTE * MINUTE - MINUTE;
    sweep_folder(base, sizeof base);
    sweep_folder(stage, sizeof stage);
    fill_bodies();
    assert_true(open_stage());
    buf_init(&token, sizeof bearer);
    assert_int_equal(identity_token_create(data.service.identity, STR(TENANT), ROLE_METER,
                                           STR("gateway"), 0, &token, &fault),
                     FAULT_NONE);
    snprintf(bearer, sizeof bearer, "Bearer %.*s", STR_ARG(str_trim(buf_str(&token))));
    buf_done(&token);
    if (!send(&before))
        fail_msg("%s", told.text);
    main_data_close(&data);
    sweep_folder_copy(stage, base);
}

int main(void)
{
    log_level_set(LOG_ERROR);
    os_fail_install();
    make_base();
    sweep_add("events__are_there_whole_or_not_at_all", refused_case, OS_FAIL_OPEN);
    sweep_add_kill("events__are_there_once_after_a_kill_at", killed_case,
                   1U << OS_FAIL_WRITE | 1U << OS_FAIL_FLUSH);
    int failed = sweep_run("faults_usage");
    buf_done(&before);
    buf_done(&body);
    sweep_folder_clear(base);
    sweep_folder_clear(stage);
    rmdir(base);
    rmdir(stage);
    return failed;
}
