/* Many threads on two engines, which are to each other as two processes: whatever they do at once,
 * no limit is overshot, and in the end all of it can be used. */
#include "service/budgets/tests/budgets_house.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 60 };

static _Atomic int64_t granted; /* settled, or open */
static _Atomic int64_t refused;
static _Atomic bool over;

struct worker {
    pthread_t thread;
    int engine;
    unsigned seed;
};

static void must(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE) {
        fprintf(stderr, "%s\n", fault->text);
        abort();
    }
}

static void end_somehow(struct worker *worker, const struct budgets_reservation *reservation,
                        int64_t quantity)
{
    struct fault fault;
    enum budgets_end end;
    /* Settled in any of the two, sometimes twice. */
    int engine = rand_r(&worker->seed) % 2;
    int64_t used = rand_r(&worker->seed) % (quantity + 1);
    if (rand_r(&worker->seed) % 3 == 0) {
        atomic_fetch_sub(&granted, quantity);
        must(budgets_release(house.engines[worker->engine], STR("acme"), reservation, &end, &fault),
             &fault);
        return;
    }
    atomic_fetch_sub(&granted, quantity - used);
    must(budgets_settle(house.engines[engine], STR("acme"), reservation, used, &end, &fault),
         &fault);
    if (rand_r(&worker->seed) % 4 == 0)
        must(budgets_settle(house.engines[!engine], STR("acme"), reservation, used, &end, &fault),
             &fault);
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < ROUNDS; i++) {
        struct fault fault;
        struct budgets_decision decision = {0};
        struct budgets_ask ask = house_ask(1 + rand_r(&worker->seed) % 5, true);
        must(budgets_decide(house.engines[worker->engine], &ask, &decision, &fault), &fault);
        if (decision.verdict != BUDGETS_ALLOWED) {
            atomic_fetch_add(&refused, 1);
            continue;
        }
        if (atomic_fetch_add(&granted, ask.quantity) + ask.quantity > 300)
            atomic_store(&over, true);
        end_somehow(worker, &decision.reservation, ask.quantity);
    }
    return NULL;
}

static void *keep(void *context)
{
    _Atomic bool *ending = context;
    while (!atomic_load(ending)) {
        budgets_keep(house.engines[0]);
        budgets_keep(house.engines[1]);
        usleep(20000);
    }
    return NULL;
}

/* What the threads count is taken down before the engine does and up after it, so that `granted`
 * is never more than what is used and reserved: over it is over the limit. */
static void threads__on_two_processes_never_overshoot(void **state)
{
    struct worker workers[THREADS];
    _Atomic bool ending = false;
    pthread_t keeper;
    (void)state;
    os_platform_set(&os_posix);
    house_add(BUDGETS_BLOCK, 300);
    house_start_engine(1);
    int rc = pthread_create(&keeper, NULL, keep, &ending);
    assert_int_equal(rc, 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.engine = i % 2, .seed = (unsigned)i + 1};
        rc = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        assert_int_equal(rc, 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&ending, true);
    pthread_join(keeper, NULL);
    assert_false(atomic_load(&over));
    assert_true(house_used() <= 300);
    assert_int_equal(house_used(), atomic_load(&granted));
}

/* Decisions, settlements, reloads and the housekeeping at once: for the thread sanitizer. */
static void *reload(void *context)
{
    _Atomic bool *ending = context;
    while (!atomic_load(ending)) {
        budgets_reload(house.engines[0], STR("acme"));
        budgets_count(house.engines[0], STR("acme"), usage_meter_find(STR("inference.tokens")),
                      os_now_us(), 0);
        usleep(5000);
    }
    return NULL;
}

static void threads__are_not_disturbed_by_administrators_and_the_keeper(void **state)
{
    struct worker workers[THREADS];
    _Atomic bool ending = false;
    pthread_t reloader;
    (void)state;
    os_platform_set(&os_posix);
    atomic_store(&granted, 0);
    atomic_store(&over, false);
    house_add(BUDGETS_BLOCK, 300);
    house_add(BUDGETS_NOTIFY, 10);
    house_start_engine(1);
    MUST(budgets_start(house.engines[0], &house.fault));
    MUST(budgets_start(house.engines[1], &house.fault));
    int rc = pthread_create(&reloader, NULL, reload, &ending);
    assert_int_equal(rc, 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.engine = i % 2, .seed = (unsigned)i + 77};
        rc = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        assert_int_equal(rc, 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&ending, true);
    pthread_join(reloader, NULL);
    assert_false(atomic_load(&over));
    assert_int_equal(house_used(), atomic_load(&granted));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads__on_two_processes_never_overshoot),
        TEST(threads__are_not_disturbed_by_administrators_and_the_keeper),
    };
    return cmocka_run_group_tests_name("budgets_threads", tests, NULL, NULL);
}
