/* The runner: a thread for each job that watches its lease, takes it when the job is due, and runs
 * it. */
#include "service/jobs/jobs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/jobs/jobs_lease.h"

enum {
    TICK_MS = 500,
    DOUBLINGS_MAX = 5 /* after failures: 16 s */,
    HOLDER_BYTES = (JOBS_HOLDER_MAX - 1) / 2
};

#define SECOND_US INT64_C(1000000)

struct worker {
    struct jobs_runner *runner;
    const struct job *job;
    pthread_t thread;
    bool is_started;
    /* The lease of another process as it was first seen, by our own clock. */
    int64_t seen_fence;
    int64_t seen_beat;
    int64_t seen_us;
    atomic_uint_fast64_t done;
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t lost;
};

struct jobs_runner {
    struct store_pool *pool;
    int lease_ms;
    char holder[JOBS_HOLDER_MAX];
    atomic_bool ending;
    pthread_mutex_t lock; /* for `wake` alone */
    pthread_cond_t wake;
    size_t count;
    struct worker workers[JOBS_MAX];
};

/* --- one round ------------------------------------------------------------------------------ */

/* Whether the lease is ours to take. */
static bool is_free(struct worker *worker, const struct jobs_lease *lease)
{
    const struct jobs_runner *runner = worker->runner;
    int64_t now_us = os_monotonic_us();
    /* Our own name in it is left from a taking or a giving whose outcome was not told. */
    if (lease->holder[0] == '\0' || strcmp(lease->holder, runner->holder) == 0)
        return true;
    if (worker->seen_us == 0 || lease->fence != worker->seen_fence ||
        lease->beat != worker->seen_beat) {
        worker->seen_fence = lease->fence;
        worker->seen_beat = lease->beat;
        worker->seen_us = now_us;
        return false;
    }
    return now_us - worker->seen_us >= (int64_t)runner->lease_ms * 1000;
}

static bool is_due(const struct job *job, const struct jobs_lease *lease, int64_t now_us)
{
    return lease->began_us == 0 || now_us < lease->began_us ||
           now_us - lease->began_us >= job->every_s * SECOND_US;
}

static bool is_lost(enum fault_code code, const struct fault *fault)
{
    return code == FAULT_CONFLICT && strcmp(fault->field, "fence") == 0;
}

static void tell(struct worker *worker, enum fault_code code, const struct fault *fault)
{
    struct str name = str_of(worker->job->name);
    if (code == FAULT_NONE) {
        atomic_fetch_add(&worker->done, 1);
        return;
    }
    bool lost = is_lost(code, fault);
    atomic_fetch_add(lost ? &worker->lost : &worker->failed, 1);
    log_event(LOG_WARN, lost ? "job.lost" : "job.failed", LOG_TEXT("job", name),
              LOG_TEXT("error", str_of(fault->text)));
}

/* false: it failed. */
static bool run_job(struct worker *worker, int64_t fence, int64_t now_us)
{
    struct jobs_runner *runner = worker->runner;
    const struct job *job = worker->job;
    struct fault fault = {.text = ""};
    struct fault giving;
    struct jobs_turn turn = {
        .pool = runner->pool,
        .name = job->name,
        .fence = fence,
        .now_us = now_us,
        .ending = &runner->ending,
    };
    enum fault_code code = job->run(&turn, job->context, &fault);
    tell(worker, code, &fault);
    if (is_lost(code, &fault))
        return true; /* it is another one's now */
    /* A lease that cannot be handed back is taken again by our own name, or by others in time. */
    if (jobs_lease_give(&turn, fault.text, &giving) != FAULT_NONE) {
        log_event(LOG_WARN, "job.not_given", LOG_TEXT("job", str_of(job->name)),
                  LOG_TEXT("error", str_of(giving.text)));
        return false;
    }
    return code == FAULT_NONE;
}

static bool go_round(struct worker *worker)
{
    struct jobs_runner *runner = worker->runner;
    struct jobs_lease lease;
    struct fault fault;
    bool taken = false;
    int64_t fence = 0;
    int64_t now_us = os_now_us();
    enum fault_code code = jobs_lease_read(runner->pool, worker->job->name, &lease, &fault);
    if (code == FAULT_NONE && is_free(worker, &lease) && is_due(worker->job, &lease, now_us))
        code = jobs_lease_take(runner->pool, worker->job->name, &lease, runner->holder, &taken,
                               &fence, &fault);
    if (code != FAULT_NONE) {
        tell(worker, code, &fault);
        return false;
    }
    return !taken || run_job(worker, fence, now_us);
}

/* --- threads -------------------------------------------------------------------------------- */

/* The next look; later where looks fail (a full disk, a server that is gone), and sooner when the
 * runner ends. */
static void rest(struct jobs_runner *runner, int failures)
{
    int doublings = failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX;
    int64_t until_us = os_monotonic_us() + (TICK_MS * INT64_C(1000) << doublings);
    const struct timespec until = {.tv_sec = until_us / SECOND_US,
                                   .tv_nsec = until_us % SECOND_US * 1000};
    pthread_mutex_lock(&runner->lock);
    if (!atomic_load(&runner->ending))
        (void)pthread_cond_timedwait(&runner->wake, &runner->lock, &until);
    pthread_mutex_unlock(&runner->lock);
}

static void *work(void *context)
{
    struct worker *worker = context;
    int failures = 0;
    while (!atomic_load(&worker->runner->ending)) {
        failures = go_round(worker) ? 0 : failures + 1;
        rest(worker->runner, failures);
    }
    return NULL;
}

static enum fault_code draw_holder(char out[JOBS_HOLDER_MAX], struct fault *fault)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[HOLDER_BYTES];
    if (os_random(bytes, sizeof bytes) != 0)
        return fault_errno(fault, errno, "no random numbers for a process's name");
    for (size_t i = 0; i < HOLDER_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[JOBS_HOLDER_MAX - 1] = '\0';
    return FAULT_NONE;
}

static void init_waiting(struct jobs_runner *runner)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&runner->lock, NULL);
}

enum fault_code jobs_start(struct store_pool *pool, const struct job *jobs, size_t count,
                           int lease_ms, struct jobs_runner **out, struct fault *fault)
{
    assert(count <= JOBS_MAX && lease_ms > 0);
    struct jobs_runner *runner = os_alloc(sizeof *runner);
    if (!runner)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the jobs");
    runner->pool = pool;
    runner->lease_ms = lease_ms;
    runner->count = count;
    init_waiting(runner);
    enum fault_code code = draw_holder(runner->holder, fault);
    for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
        struct worker *worker = &runner->workers[i];
        worker->runner = runner;
        worker->job = &jobs[i];
        int error = pthread_create(&worker->thread, NULL, work, worker);
        worker->is_started = error == 0;
        if (error != 0)
            code = fault_errno(fault, error, "cannot start the thread of the job %s", jobs[i].name);
    }
    if (code != FAULT_NONE) {
        jobs_stop(runner);
        return code;
    }
    *out = runner;
    return FAULT_NONE;
}

void jobs_stop(struct jobs_runner *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&taken->lock);
    atomic_store(&taken->ending, true);
    pthread_cond_broadcast(&taken->wake);
    pthread_mutex_unlock(&taken->lock);
    for (size_t i = 0; i < taken->count; i++)
        if (taken->workers[i].is_started)
            pthread_join(taken->workers[i].thread, NULL);
    pthread_cond_destroy(&taken->wake);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

size_t jobs_count(const struct jobs_runner *runner)
{
    return runner->count;
}

struct jobs_stats jobs_stats(const struct jobs_runner *runner, size_t index)
{
    assert(index < runner->count);
    const struct worker *worker = &runner->workers[index];
    return (struct jobs_stats){
        .name = worker->job->name,
        .done = atomic_load(&worker->done),
        .failed = atomic_load(&worker->failed),
        .lost = atomic_load(&worker->lost),
    };
}
