/* Works that wait at the same time share a transaction, and with it the flush to disk, which is
 * most of what a small one costs ("group commit"). There is no thread for it: of those who wait the
 * first one leads, runs the works of all, and wakes them. */
#include "libs/store/store_writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "libs/core/os.h"
#include "libs/store/store_checkpointer.h"
#include "libs/store/store_internal.h"

enum { GROUP_MAX = 32 }; /* works of one transaction: bounds how long the last one waits */

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

/* On the stack of the thread that waits for it. */
struct job {
    store_work *work;
    void *context;
    struct fault *fault;
    enum fault_code code;
    enum job_state state;
    pthread_cond_t changed;
    struct job *next;
};

struct store_writer {
    pthread_mutex_t lock;
    struct job *first; /* of those who wait, in order */
    struct job *last;
    bool leading;        /* a thread runs a group */
    struct store *store; /* the leader's alone; NULL until the first work */
    char *path;
    struct store_checkpointer *checkpointer; /* of SQLite's log; else NULL */
};

enum fault_code store_writer_new(const char *path, struct store_writer **out, struct fault *fault)
{
    size_t size = strlen(path) + 1;
    struct store_writer *writer = os_alloc(sizeof *writer);
    char *kept = os_alloc(size);
    if (!writer || !kept) {
        os_free(writer);
        os_free(kept);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to write the store");
    }
    enum fault_code code = FAULT_NONE;
    if (store_engine_of(path) == &store_sqlite)
        code = store_checkpointer_new(path, &writer->checkpointer, fault);
    if (code != FAULT_NONE) {
        os_free(writer);
        os_free(kept);
        return code;
    }
    memcpy(kept, path, size);
    writer->path = kept;
    int rc = pthread_mutex_init(&writer->lock, NULL);
    assert(rc == 0);
    *out = writer;
    return FAULT_NONE;
}

void store_writer_free(struct store_writer *taken)
{
    if (!taken)
        return;
    assert(!taken->first && !taken->leading && "nobody writes any more");
    store_checkpointer_free(taken->checkpointer);
    store_close(taken->store);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken->path);
    os_free(taken);
}

/* --- running -------------------------------------------------------------------------------- */

static enum fault_code run_works(struct store *store, const struct job *first,
                                 const struct job *end, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (const struct job *job = first; job != end && code == FAULT_NONE; job = job->next)
        code = job->work(store, job->context, fault);
    return code == FAULT_NONE ? store_commit(store, fault) : code;
}

static void finish(struct job *job, enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE && fault != job->fault)
        *job->fault = *fault;
    job->code = code;
}

static enum fault_code begin(struct store_writer *writer, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (!writer->store)
        code = store_open(writer->path, &writer->store, fault);
    if (code != FAULT_NONE)
        return code;
    if (writer->checkpointer)
        store_checkpointer_serve(writer->store);
    return store_begin(writer->store, fault);
}

static void run_alone(struct store_writer *writer, struct job *job)
{
    enum fault_code code = begin(writer, job->fault);
    if (code == FAULT_NONE) {
        code = run_works(writer->store, job, job->next, job->fault);
        store_rollback(writer->store);
    }
    finish(job, code, job->fault);
}

/* One that fails would take the others' work back with it: then each runs by itself, which is rare
 * and costs no more than not sharing. Not after a commit of unknown outcome: what may have been
 * kept must not be done again. */
static void run_group(struct store_writer *writer, struct job *first)
{
    struct fault fault;
    enum fault_code code = begin(writer, &fault);
    bool again = code == FAULT_NONE && first->next;
    if (code == FAULT_NONE) {
        code = run_works(writer->store, first, NULL, &fault);
        again = again && !writer->store->is_commit_unknown;
        store_rollback(writer->store);
    }
    for (struct job *job = first; job; job = job->next)
        if (code != FAULT_NONE && again)
            run_alone(writer, job);
        else
            finish(job, code, &fault);
}

/* --- waiting -------------------------------------------------------------------------------- */

static void job_init(struct job *job)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    assert(rc == 0);
    rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    assert(rc == 0);
    rc = pthread_cond_init(&job->changed, &attributes);
    assert(rc == 0);
    pthread_condattr_destroy(&attributes);
}

/* All of these are called with the lock. */

static void enqueue(struct store_writer *writer, struct job *job)
{
    if (writer->last)
        writer->last->next = job;
    else
        writer->first = job;
    writer->last = job;
}

static void dequeue(struct store_writer *writer, const struct job *leaver)
{
    struct job *before = NULL;
    for (struct job *job = writer->first; job != leaver; job = job->next)
        before = job;
    if (before)
        before->next = leaver->next;
    else
        writer->first = leaver->next;
    if (writer->last == leaver)
        writer->last = before;
}

static struct job *take_group(struct store_writer *writer)
{
    struct job *first = writer->first;
    struct job *end = first;
    first->state = JOB_RUNNING;
    for (int count = 1; count < GROUP_MAX && end->next; count++) {
        end = end->next;
        end->state = JOB_RUNNING;
    }
    writer->first = end->next;
    if (!writer->first)
        writer->last = NULL;
    end->next = NULL;
    return first;
}

static void wake(struct job *job)
{
    while (job) {
        struct job *next = job->next; /* a job that is done may be gone at once */
        job->state = JOB_DONE;
        pthread_cond_signal(&job->changed);
        job = next;
    }
}

static void lead(struct store_writer *writer)
{
    writer->leading = true;
    struct job *job = take_group(writer);
    pthread_mutex_unlock(&writer->lock);
    run_group(writer, job);
    pthread_mutex_lock(&writer->lock);
    wake(job);
    pthread_mutex_unlock(&writer->lock);
    if (writer->store && writer->checkpointer) /* after the wake-up: nobody's reply waits for it */
        store_checkpointer_look(writer->checkpointer, writer->store);
    pthread_mutex_lock(&writer->lock);
    writer->leading = false;
    if (writer->first)
        pthread_cond_signal(&writer->first->changed);
}

/* Until the work is done, or has waited for its turn too long. */
static void wait_and_lead(struct store_writer *writer, struct job *job)
{
    int64_t until_us = os_monotonic_us() + STORE_WAIT_US;
    const struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
    int rc = 0;
    while (job->state != JOB_DONE) {
        if (!writer->leading)
            lead(writer); /* not necessarily of this job: the earliest are taken first */
        else if (job->state == JOB_RUNNING)
            rc = pthread_cond_wait(&job->changed, &writer->lock);
        else if (rc != ETIMEDOUT)
            rc = pthread_cond_timedwait(&job->changed, &writer->lock, &until);
        else
            return;
        assert(rc == 0 || rc == ETIMEDOUT);
    }
}

enum fault_code store_writer_run(struct store_writer *writer, store_work *work, void *context,
                                 struct fault *fault)
{
    struct job job = {.work = work, .context = context, .fault = fault};
    job_init(&job);
    pthread_mutex_lock(&writer->lock);
    enqueue(writer, &job);
    wait_and_lead(writer, &job);
    bool is_done = job.state == JOB_DONE;
    if (!is_done) {
        dequeue(writer, &job);
        /* The wake-up meant for the first may have come to the one that leaves. */
        if (!writer->leading && writer->first)
            pthread_cond_signal(&writer->first->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    pthread_cond_destroy(&job.changed);
    if (is_done)
        return job.code;
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "cannot write the store: others are writing; try again");
}
