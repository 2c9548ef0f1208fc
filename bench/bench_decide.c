/* Decisions in the process: what a check, and a reservation with its end, cost when slices cover
 * them. Time of the processor, median of several runs, over tenants and budgets that differ.
 *
 *     bench_decide [ROUNDS]     10 by default */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/budgets/budgets.h"
#include "service/budgets/budgets_store.h"
#include "service/migrations/migrations.h"
#include "service/prices/prices.h"

enum { DECISIONS = 200000, ROUNDS_MAX = 100, TENANTS = 1000, BAR_NS = 100 };

static char folder[] = "/tmp/ig-bench-XXXXXX";
static struct store_pool *pool;
static struct audit *audit;
static struct budgets *engine;
static char names[TENANTS][16];

static void must(enum fault_code code, const struct fault *fault)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "bench_decide: %s\n", fault->text);
    exit(1);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static enum fault_code add_in(struct store *store, void *context, struct fault *fault)
{
    const char *tenant = context;
    struct budgets_row row = {
        .id = STR("bdg_0000000000000000000001"),
        .version = 1,
        .definition = {.name = STR("Tokens"),
                       .meters = {usage_meter_find(STR("inference.tokens"))},
                       .meter_count = 1,
                       .limit = INT64_C(1000000000000),
                       .period = ZONE_MONTH,
                       .mode = BUDGETS_BLOCK,
                       .default_estimate = 1,
                       .contact = STR("finance@corp.example")},
        .created_by = STR("bench"),
        .updated_by = STR("bench"),
    };
    enum fault_code code = budgets_store_insert(store, str_of(tenant), &row, fault);
    return code == FAULT_NONE ? prices_generation_raise(store, str_of(tenant), fault) : code;
}

static void open_engine(void)
{
    char path[64];
    struct fault fault;
    struct store *store;
    if (!mkdtemp(folder))
        exit(1);
    snprintf(path, sizeof path, "%s/bench.db", folder);
    must(store_pool_new(path, 4, service_migrations, service_migration_count, &pool, &fault),
         &fault);
    must(store_pool_take(pool, &store, &fault), &fault);
    must(audit_open(folder, store, &audit, &fault), &fault);
    store_pool_give(pool, store);
    must(budgets_new(pool, audit, &engine, &fault), &fault);
    for (int i = 0; i < TENANTS; i++) {
        snprintf(names[i], sizeof names[i], "tenant-%d", i);
        must(store_pool_write(pool, add_in, names[i], &fault), &fault);
    }
}

static void close_engine(void)
{
    static const char *const files[] = {"bench.db", "bench.db-wal", "bench.db-shm", "audit.key",
                                        "audit.vkey"};
    char path[64];
    budgets_free(engine);
    audit_close(audit);
    store_pool_free(pool);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void decide(int tenant, bool reserve, struct budgets_decision *decision)
{
    struct fault fault;
    const struct budgets_ask ask = {
        .tenant = str_of(names[tenant]),
        .meter = usage_meter_find(STR("inference.tokens")),
        .quantity = 1,
        .reserve = reserve,
        .ttl_s = 1, /* what is left open ends by itself */
    };
    must(budgets_decide(engine, &ask, decision, &fault), &fault);
    if (decision->verdict != BUDGETS_ALLOWED) {
        fprintf(stderr, "bench_decide: refused\n");
        exit(1);
    }
}

/* ns a decision, over so many tenants. */
static double run(int tenants, bool reserve)
{
    struct budgets_decision decision = {0};
    for (int i = 0; i < tenants; i++)
        decide(i, false, &decision); /* what the store must be asked is asked */
    double before = now_ns();
    for (int i = 0; i < DECISIONS; i++)
        decide(i % tenants, reserve, &decision);
    double took = (now_ns() - before) / DECISIONS;
    budgets_keep(engine);
    return took;
}

static int by_size(const void *a, const void *b)
{
    double first = *(const double *)a;
    double second = *(const double *)b;
    return (first > second) - (first < second);
}

static double median_of(int rounds, int tenants, bool reserve)
{
    double each[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        each[i] = run(tenants, reserve);
        if (reserve) /* reservations end */
            sleep(3);
        if (reserve)
            budgets_keep(engine);
    }
    qsort(each, (size_t)rounds, sizeof each[0], by_size);
    return each[rounds / 2];
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    open_engine();
    double one = median_of(rounds, 1, false);
    double many = median_of(rounds, TENANTS, false);
    double reserve = median_of(rounds, 1, true);
    printf("decisions  in process, one tenant: check %.0f ns, reserve %.0f ns; %d tenants: check "
           "%.0f ns (bar %d)\n",
           one, reserve, TENANTS, many, BAR_NS);
    printf("figures: decide_check_ns=%.0f decide_reserve_ns=%.0f decide_many_ns=%.0f\n", one,
           reserve, many);
    close_engine();
    return 0;
}
