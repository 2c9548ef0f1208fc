/* A tenant's month by day, out of a store that has the rollups of 100 million events.
 *
 *     bench_usage fill FILE [all]     fills FILE, and times the query in this process
 *     bench_usage ask PORT TOKEN_FILE times GET /v1/usage of a service on that store
 *
 * The store stands for a month of 1,000 tenants with three meters and eleven combinations of
 * dimensions each. `fill` writes the rows of usage_days that 100 million events would have left, a
 * million of them, by SQL; `all` writes the 24 million rows of usage_hours and the 100 million
 * events with their keys as well (some 15 GB and a quarter of an hour). A day's report reads
 * neither, and takes as long with them as without. That what is filled in is what events come to is
 * looked at with a smaller stream, which goes the whole way. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/child.h"
#include "libs/core/buf.h"
#include "libs/text/time.h"
#include "service/migrations/migrations.h"
#include "service/usage/usage_ingest.h"
#include "service/usage/usage_query.h"

#define MONTH_US     INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */
#define DAY_US       (INT64_C(86400) * 1000000)
#define EVENTS_A_DAY "101" /* of a combination: 100 million, and a little over */

enum { DAYS = 30, RUNS = 2000, REAL_EVENTS = 20000, REPLY_MAX = 1 << 20 };

static struct fault fault;

static void must(enum fault_code code)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "bench_usage: %s\n", fault.text);
    exit(1);
}

/* --- filling -------------------------------------------------------------------------------- */

/* Tenants, meters and dimensions: 1,000 * 3 * 11. */
#define COMBINATIONS                                                                               \
    "WITH RECURSIVE tenants(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM tenants WHERE n < 999),"   \
    " days(d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM days WHERE d < 29),"                        \
    " hours(h) AS (SELECT 0 UNION ALL SELECT h + 1 FROM hours WHERE h < 23),"                      \
    " sets(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM sets WHERE s < 11),"                        \
    " meters(m, name, dimension) AS (VALUES (0, 'api.calls', 'route'),"                            \
    "  (1, 'connector.compute', 'connector'), (2, 'inference.tokens', 'model'))"

static const char fill_dimsets[] =
    "INSERT INTO usage_dimsets (tenant, id, meter, dimensions) " COMBINATIONS
    " SELECT printf('t%04d', n), m * 11 + s, name,"
    "  printf('{\"%s\":\"v%d\"}', dimension, s) FROM tenants, meters, sets ORDER BY 1, 2";

static const char fill_days[] =
    "INSERT INTO usage_days (tenant, meter, from_us, dimset, high, low, events) " COMBINATIONS
    " SELECT printf('t%04d', n), name, 1793491200000000 + d * 86400000000, m * 11 + s, 0,"
    "  " EVENTS_A_DAY " * 37, " EVENTS_A_DAY
    " FROM tenants, meters, days, sets ORDER BY 1, 2, 3, 4";

static const char fill_hours[] =
    "INSERT INTO usage_hours (tenant, meter, from_us, dimset, high, low, events) " COMBINATIONS
    " SELECT printf('t%04d', n), name, 1793491200000000 + (d * 24 + h) * 3600000000, m * 11 + s,"
    "  0, (4 + (h % 5 = 0)) * 37, 4 + (h % 5 = 0)"
    " FROM tenants, meters, days, hours, sets ORDER BY 1, 2, 3, 4";

/* In the order of their keys and of seq: as they would lie. */
static const char fill_events[] =
    "INSERT INTO usage_events (seq, event_key, tenant, meter, kind, time_us, quantity, dimset,"
    " content, provenance, received_us) " COMBINATIONS
    ", each_one(e) AS (SELECT 0 UNION ALL SELECT e + 1 FROM each_one WHERE e < " EVENTS_A_DAY
    " - 1)"
    " SELECT NULL, CAST(printf('%08x%08x', (d * 101 + e) * 33000 + n * 33 + m * 11 + s, s) AS "
    "BLOB),"
    "  printf('t%04d', n), name, 0, 1793491200000000 + d * 86400000000 + e * 855000000, 37,"
    "  m * 11 + s, x'00112233445566778899aabbccddeeff', 3, 1793491200000000"
    " FROM days, each_one, tenants, meters, sets WHERE d = $1";

static const char fill_keys[] =
    "INSERT INTO usage_keys (event_key, tenant, seq) SELECT event_key, tenant, seq"
    " FROM usage_events WHERE seq > (SELECT seq FROM usage_keys_done) ORDER BY seq";

static const char end_keys[] =
    "UPDATE usage_keys_done SET seq = (SELECT max(seq) FROM usage_events)";

static int64_t run(struct store *store, const char *sql, int day)
{
    struct statement *statement;
    must(store_prepare(store, sql, &statement, &fault));
    if (day >= 0)
        store_bind_whole(statement, 1, day);
    must(store_run(statement, &fault));
    return store_changes(store);
}

static void fill_rows(struct store *store, const char *what, const char *sql)
{
    int64_t from_ns = bench_now_ns();
    must(store_begin(store, &fault));
    int64_t rows = run(store, sql, -1);
    must(store_commit(store, &fault));
    printf("usage: %lld %s in %.1f s\n", (long long)rows, what,
           (double)(bench_now_ns() - from_ns) / 1e9);
    fflush(stdout);
}

/* A day at a time, as the log holds what a transaction writes. */
static void fill_all_events(struct store *store)
{
    int64_t from_ns = bench_now_ns();
    int64_t rows = 0;
    for (int day = 0; day < DAYS; day++) {
        must(store_begin(store, &fault));
        rows += run(store, fill_events, day);
        run(store, fill_keys, -1);
        run(store, end_keys, -1);
        must(store_commit(store, &fault));
    }
    printf("usage: %lld events and their keys in %.1f s\n", (long long)rows,
           (double)(bench_now_ns() - from_ns) / 1e9);
    fflush(stdout);
}

/* --- in this process ------------------------------------------------------------------------ */

static struct usage_report ask(struct store *store, const char *tenant, struct arena *arena)
{
    struct usage_report report;
    const struct usage_query query = {.meter = usage_meter_find(STR("inference.tokens")),
                                      .window = ZONE_DAY,
                                      .from_us = MONTH_US,
                                      .to_us = MONTH_US + DAYS * DAY_US,
                                      .now_us = MONTH_US + DAYS * DAY_US};
    must(store_begin_read(store, &fault));
    must(usage_query_run(&query, store, str_of(tenant), arena, &report, &fault));
    store_rollback(store);
    return report;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_usage: %s\n", what);
    exit(1);
}

static void time_query(struct store *store)
{
    static double ms[RUNS];
    struct arena arena;
    arena_init(&arena, 16 << 20);
    for (int i = 0; i < RUNS; i++) {
        char tenant[8];
        snprintf(tenant, sizeof tenant, "t%04d", i * 7919 % 1000);
        int64_t from_ns = bench_now_ns();
        struct usage_report report = ask(store, tenant, &arena);
        ms[i] = (double)(bench_now_ns() - from_ns) / 1e6;
        if (report.count != DAYS || report.total != (__int128)DAYS * 11 * 101 * 37)
            fail("a month's report is not what was filled in");
        arena_reset(&arena);
    }
    arena_done(&arena);
    double median = bench_median(ms, RUNS);
    printf("usage: a tenant's month by day, of 330 rows among a million: median %.3f ms, p99 %.3f "
           "ms\n",
           median, ms[RUNS * 99 / 100]);
    printf("figures: usage_month_ms=%.4f usage_month_p99_ms=%.4f\n", median, ms[RUNS * 99 / 100]);
}

/* --- a stream that goes the whole way ------------------------------------------------------- */

static void add_real(struct usage_batch *batch, int number)
{
    struct buf line;
    struct buf time;
    buf_init(&line, 1024);
    buf_init(&time, 64);
    time_add_rfc3339(&time, MONTH_US + number * (DAYS * DAY_US / REAL_EVENTS));
    buf_addf(
        &line,
        "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/b\","
        "\"id\":\"%d\",\"time\":\"%.*s\",\"data\":{\"meter\":\"inference.tokens\",\"quantity\":"
        "37,\"dimensions\":{\"model\":\"v%d\"}}}",
        number, STR_ARG(buf_str(&time)), number % 11 + 1);
    struct str kept = arena_copy(batch->arena, buf_str(&line));
    must(kept.ptr ? usage_batch_add(batch, kept, &fault)
                  : fault_set(&fault, FAULT_NO_MEMORY, "no memory left"));
    buf_done(&line);
    buf_done(&time);
}

static void check_real(struct store *store)
{
    struct arena arena;
    struct arena scratch;
    arena_init(&arena, 256 << 20);
    arena_init(&scratch, 4 << 20);
    for (int i = 0; i < REAL_EVENTS;) {
        struct usage_batch batch = {.arena = &arena,
                                    .scratch = &scratch,
                                    .tenant = STR("real"),
                                    .received_us = MONTH_US + DAYS * DAY_US,
                                    .backfill = true};
        for (int k = 0; k < USAGE_BATCH_MAX && i < REAL_EVENTS; k++)
            add_real(&batch, i++);
        must(store_begin(store, &fault));
        must(usage_batch_store_in(&batch, store, &fault));
        must(store_commit(store, &fault));
        if (batch.accepted != (int64_t)batch.count)
            fail("an event of the smaller stream was not taken");
        arena_reset(&arena);
    }
    struct usage_report report = ask(store, "real", &arena);
    if (report.count != DAYS || report.total != (__int128)REAL_EVENTS * 37)
        fail("the smaller stream did not come to its sum");
    arena_done(&arena);
    arena_done(&scratch);
}

static void fill(const char *path, bool all)
{
    struct store *store;
    must(store_open(path, &store, &fault));
    must(store_migrate(store, service_migrations, service_migration_count, &fault));
    if (all) {
        fill_all_events(store);
        fill_rows(store, "rows of hours", fill_hours);
    }
    fill_rows(store, "combinations of dimensions", fill_dimsets);
    fill_rows(store, "rows of days", fill_days);
    check_real(store);
    time_query(store);
    store_close(store);
}

/* --- over HTTP ------------------------------------------------------------------------------ */

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&address, sizeof address) != 0)
        bench_fail("connect to the service");
    return fd;
}

static void exchange(int fd, const char *request, size_t len, char *reply)
{
    size_t have = 0;
    const char *body = NULL;
    size_t size = 0;
    if (write(fd, request, len) != (ssize_t)len)
        bench_fail("write");
    while (!body || have < (size_t)(body - reply) + size) {
        ssize_t got = read(fd, reply + have, REPLY_MAX - 1 - have);
        if (got <= 0)
            bench_fail("read");
        have += (size_t)got;
        reply[have] = '\0';
        const char *end = strstr(reply, "\r\n\r\n");
        const char *length = end ? strcasestr(reply, "\r\nContent-Length:") : NULL;
        body = end ? end + 4 : NULL;
        size = length ? strtoul(length + 17, NULL, 10) : 0;
    }
    if (strncmp(reply, "HTTP/1.1 200", 12) != 0 || !strstr(reply, "\"total\""))
        fail(reply);
}

static void ask_service(int port, const char *token_file)
{
    static double ms[RUNS];
    static char reply[REPLY_MAX];
    char token[256];
    char request[1024];
    FILE *file = fopen(token_file, "r");
    if (!file || !fgets(token, sizeof token, file))
        bench_fail(token_file);
    fclose(file);
    token[strcspn(token, "\r\n")] = '\0';
    int len = snprintf(request, sizeof request,
                       "GET /v1/usage?meter=inference.tokens&window=day&from=2026-11-01T00:00:00Z"
                       "&to=2026-12-01T00:00:00Z HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "Authorization: Bearer %s\r\n\r\n",
                       port, token);
    int fd = connect_to(port);
    for (int i = 0; i < RUNS; i++) {
        int64_t from_ns = bench_now_ns();
        exchange(fd, request, (size_t)len, reply);
        ms[i] = (double)(bench_now_ns() - from_ns) / 1e6;
    }
    close(fd);
    double median = bench_median(ms, RUNS);
    printf("usage: the same by GET /v1/usage: median %.3f ms, p99 %.3f ms\n", median,
           ms[RUNS * 99 / 100]);
    printf("figures: usage_http_ms=%.4f usage_http_p99_ms=%.4f\n", median, ms[RUNS * 99 / 100]);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "fill") == 0)
        fill(argv[2], argc > 3 && strcmp(argv[3], "all") == 0);
    else if (argc == 4 && strcmp(argv[1], "ask") == 0)
        ask_service(atoi(argv[2]), argv[3]);
    else {
        fputs("usage: bench_usage fill FILE [all] | ask PORT TOKEN_FILE\n", stderr);
        return 2;
    }
    return 0;
}
