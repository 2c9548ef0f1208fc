/* Jobs of several processes on one store: one at a time, and who was stopped is refused. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "libs/store/tests/place.h"
#include "service/jobs/jobs.h"
#include "service/jobs/jobs_lease.h"
#include "service/migrations/migrations.h"

enum { LEASE_MS = 1200, WAIT_MS = 20000, PERIODS = 40 };

static struct {
    char folder[64];
    char place[PLACE_MAX];
} house;

static void must(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE) {
        fprintf(stderr, "%s\n", fault->text);
        abort();
    }
}

static struct store_pool *open_pool(void)
{
    struct store_pool *pool;
    struct fault fault;
    must(store_pool_new(house.place, 4, service_migrations, service_migration_count, &pool, &fault),
         &fault);
    return pool;
}

static int house_open(void **state)
{
    char path[128];
    (void)state;
    log_level_set(LOG_ERROR);
    snprintf(house.folder, sizeof house.folder, "/tmp/ig_jobs_XXXXXX");
    assert_non_null(mkdtemp(house.folder));
    snprintf(path, sizeof path, "%s/jobs.db", house.folder);
    place_make(path, house.place);
    store_pool_free(open_pool());
    place_run(house.place, "CREATE TABLE marks (fence BIGINT NOT NULL, number BIGINT NOT NULL)");
    return 0;
}

static int house_close(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", house.folder);
    return system(command);
}

static int64_t ask(struct store_pool *pool, const char *sql)
{
    struct store *store;
    struct statement *query;
    struct fault fault;
    int64_t number;
    must(store_pool_take(pool, &store, &fault), &fault);
    must(store_prepare(store, sql, &query, &fault), &fault);
    must(store_read_whole(query, &number, &fault), &fault);
    store_pool_give(pool, store);
    return number;
}

static void nap_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* Waits until the question's answer is at least that. */
static void wait_for(struct store_pool *pool, const char *sql, int64_t least)
{
    for (int waited = 0; ask(pool, sql) < least; waited += 50) {
        if (waited > WAIT_MS)
            fail_msg("waited for %s", sql);
        nap_ms(50);
    }
}

struct mark {
    int64_t fence;
    int64_t number;
};

static enum fault_code mark_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] = "INSERT INTO marks (fence, number) VALUES ($1, $2)";
    const struct mark *mark = context;
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(insert, 1, mark->fence);
    store_bind_whole(insert, 2, mark->number);
    return store_run(insert, fault);
}

static enum fault_code mark(struct jobs_turn *turn, int64_t number, struct fault *fault)
{
    struct mark each = {turn->fence, number};
    return jobs_write(turn, mark_in, &each, fault);
}

/* --- one process ---------------------------------------------------------------------------- */

static enum fault_code mark_one(struct jobs_turn *turn, void *context, struct fault *fault)
{
    (void)context;
    return mark(turn, 1, fault);
}

static void jobs__run_when_they_are_due_and_not_before(void **state)
{
    const struct job jobs[] = {{"test.often", 1, mark_one, NULL},
                               {"test.seldom", 3600, mark_one, NULL}};
    struct store_pool *pool = open_pool();
    struct jobs_runner *runner;
    struct fault fault;
    (void)state;
    must(jobs_start(pool, jobs, 2, LEASE_MS, &runner, &fault), &fault);
    wait_for(pool, "SELECT count(*) FROM marks", 4);
    assert_true(jobs_stats(runner, 0).done >= 2);
    assert_int_equal(jobs_stats(runner, 1).done, 1);
    assert_string_equal(jobs_stats(runner, 1).name, "test.seldom");
    jobs_stop(runner);
    /* A clean stop leaves no holder: the next process need not wait for a lease to end. */
    assert_int_equal(ask(pool, "SELECT count(*) FROM jobs_leases WHERE holder <> ''"), 0);
    store_pool_free(pool);
}

static enum fault_code end_badly(struct jobs_turn *turn, void *context, struct fault *fault)
{
    (void)turn;
    (void)context;
    return fault_set(fault, FAULT_IO, "the disk is made of cheese");
}

static void jobs__that_fail_are_told_and_tried_again(void **state)
{
    const struct job jobs[] = {{"test.fails", 1, end_badly, NULL}};
    struct store_pool *pool = open_pool();
    struct jobs_runner *runner;
    struct fault fault;
    (void)state;
    must(jobs_start(pool, jobs, 1, LEASE_MS, &runner, &fault), &fault);
    wait_for(pool, "SELECT coalesce(max(fence), 0) FROM jobs_leases WHERE name = 'test.fails'", 2);
    wait_for(pool, "SELECT count(*) FROM jobs_leases WHERE error = 'the disk is made of cheese'",
             1);
    assert_true(jobs_stats(runner, 0).failed >= 1);
    assert_int_equal(jobs_stats(runner, 0).done, 0);
    jobs_stop(runner);
    store_pool_free(pool);
}

static void jobs__write_nothing_under_an_old_fence(void **state)
{
    struct store_pool *pool = open_pool();
    struct jobs_lease seen = {.holder = ""};
    struct jobs_turn old = {.pool = pool, .name = "test.fence"};
    struct jobs_turn new = {.pool = pool, .name = "test.fence"};
    struct fault fault;
    bool taken;
    (void)state;
    must(jobs_lease_take(pool, old.name, &seen, "aaaa", &taken, &old.fence, &fault), &fault);
    assert_true(taken);
    must(mark(&old, 1, &fault), &fault);
    /* What was seen before is not what is there now. */
    must(jobs_lease_take(pool, old.name, &seen, "bbbb", &taken, &new.fence, &fault), &fault);
    assert_false(taken);
    must(jobs_lease_read(pool, old.name, &seen, &fault), &fault);
    assert_string_equal(seen.holder, "aaaa");
    must(jobs_lease_take(pool, old.name, &seen, "bbbb", &taken, &new.fence, &fault), &fault);
    assert_true(taken);
    assert_int_equal(new.fence, old.fence + 1);
    assert_int_equal(mark(&old, 2, &fault), FAULT_CONFLICT);
    assert_string_equal(fault.field, "fence");
    assert_int_equal(jobs_renew(&old, &fault), FAULT_CONFLICT);
    assert_int_equal(jobs_lease_give(&old, "", &fault), FAULT_CONFLICT);
    must(mark(&new, 3, &fault), &fault);
    assert_int_equal(ask(pool, "SELECT count(*) FROM marks WHERE number = 2"), 0);
    assert_int_equal(ask(pool, "SELECT count(*) FROM marks"), 2);
    store_pool_free(pool);
}

/* --- several processes ---------------------------------------------------------------------- */

static enum fault_code claim_in(struct store *store, void *context, struct fault *fault)
{
    const struct jobs_result *result = ((void **)context)[0];
    const struct jobs_turn *turn = ((void **)context)[1];
    struct mark each = {turn->fence, result->period_us};
    bool is_first = false;
    enum fault_code code = jobs_claim(store, turn, result, &is_first, fault);
    return code == FAULT_NONE && is_first ? mark_in(store, &each, fault) : code;
}

/* Each period's result, as an export or an invoice would make it. */
static enum fault_code make_all(struct jobs_turn *turn, void *context, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    (void)context;
    for (int64_t period = 0; period < PERIODS && code == FAULT_NONE; period++) {
        struct jobs_result result = {STR("acme"), STR("test.export"), period, 0};
        code = jobs_write(turn, claim_in, (void *[]){&result, turn}, fault);
        nap_ms(2);
    }
    return code;
}

static enum fault_code stop_oneself(struct jobs_turn *turn, void *context, struct fault *fault)
{
    (void)context;
    enum fault_code code = mark(turn, 1, fault);
    if (code == FAULT_NONE) {
        raise(SIGSTOP); /* as long as it takes for another one to take over */
        code = mark(turn, 2, fault);
    }
    return code;
}

/* A process with a runner of its own; it ends when a byte comes. */
static pid_t start_process(const struct job *job, int out_pipe[2])
{
    assert_int_equal(pipe(out_pipe), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(out_pipe[0]);
        return pid;
    }
    struct jobs_runner *runner;
    struct fault fault;
    char byte;
    close(out_pipe[1]);
    struct store_pool *pool = open_pool();
    must(jobs_start(pool, job, 1, LEASE_MS, &runner, &fault), &fault);
    while (read(out_pipe[0], &byte, 1) < 0)
        ;
    struct jobs_stats stats = jobs_stats(runner, 0);
    jobs_stop(runner);
    store_pool_free(pool);
    _exit(stats.lost > 0 ? 7 : stats.failed > 0 ? 8 : 0);
}

static int end_process(pid_t pid, int out_pipe[2])
{
    int status = 0;
    assert_int_equal(write(out_pipe[1], "", 1), 1);
    close(out_pipe[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void jobs__of_two_processes_come_to_one_result(void **state)
{
    const struct job job = {"test.export", 1, make_all, NULL};
    int pipes[3][2];
    pid_t pids[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        pids[i] = start_process(&job, pipes[i]);
    struct store_pool *pool = open_pool();
    wait_for(pool, "SELECT count(*) FROM marks", PERIODS);
    wait_for(pool, "SELECT coalesce(max(fence), 0) FROM jobs_leases WHERE name = 'test.export'", 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(end_process(pids[i], pipes[i]), 0);
    assert_int_equal(ask(pool, "SELECT count(*) FROM marks"), PERIODS);
    assert_int_equal(ask(pool, "SELECT count(DISTINCT number) FROM marks"), PERIODS);
    store_pool_free(pool);
}

static void jobs__refuse_a_holder_that_was_stopped_and_comes_back(void **state)
{
    const struct job stops = {"test.stopped", 1, stop_oneself, NULL};
    const struct job marks = {"test.stopped", 1, mark_one, NULL};
    int first[2];
    int second[2];
    int status;
    (void)state;
    pid_t stopped = start_process(&stops, first);
    assert_int_equal(waitpid(stopped, &status, WUNTRACED), stopped);
    assert_true(WIFSTOPPED(status));
    /* No store is open over a fork: SQLite does not bear it. */
    struct store_pool *pool = open_pool();
    assert_int_equal(ask(pool, "SELECT count(*) FROM marks"), 1);
    store_pool_free(pool);
    pid_t other = start_process(&marks, second);
    pool = open_pool();
    wait_for(pool, "SELECT count(*) FROM marks WHERE fence = 2", 1);
    kill(stopped, SIGCONT);
    nap_ms(300);
    assert_int_equal(end_process(other, second), 0);
    assert_int_equal(end_process(stopped, first), 7); /* it was told that it lost the lease */
    assert_int_equal(ask(pool, "SELECT count(*) FROM marks WHERE number = 2"), 0);
    store_pool_free(pool);
}

static void jobs__are_taken_over_from_a_process_that_was_killed(void **state)
{
    const struct job stops = {"test.killed", 1, stop_oneself, NULL};
    const struct job marks = {"test.killed", 1, mark_one, NULL};
    int first[2];
    int second[2];
    int status;
    (void)state;
    pid_t killed = start_process(&stops, first);
    assert_int_equal(waitpid(killed, &status, WUNTRACED), killed);
    kill(killed, SIGKILL);
    assert_int_equal(waitpid(killed, &status, 0), killed);
    close(first[1]);
    int64_t began_us = os_monotonic_us();
    pid_t other = start_process(&marks, second);
    struct store_pool *pool = open_pool();
    wait_for(pool, "SELECT count(*) FROM marks WHERE fence = 2", 1);
    assert_true(os_monotonic_us() - began_us >= (int64_t)LEASE_MS * 1000); /* not before its time */
    assert_int_equal(end_process(other, second), 0);
    store_pool_free(pool);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(jobs__run_when_they_are_due_and_not_before),
        IN_HOUSE(jobs__that_fail_are_told_and_tried_again),
        IN_HOUSE(jobs__write_nothing_under_an_old_fence),
        IN_HOUSE(jobs__of_two_processes_come_to_one_result),
        IN_HOUSE(jobs__refuse_a_holder_that_was_stopped_and_comes_back),
        IN_HOUSE(jobs__are_taken_over_from_a_process_that_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
