#include "service/web/web_workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "libs/core/os.h"

struct web_workers {
    void (*run)(struct web_work *work);
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t added;
    struct web_work *first;
    struct web_work *last;
    bool ending;
    int count;
    pthread_t threads[];
};

static struct web_work *take(struct web_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (!workers->first && !workers->ending)
        pthread_cond_wait(&workers->added, &workers->lock);
    struct web_work *work = workers->first;
    if (work)
        workers->first = work->next;
    pthread_mutex_unlock(&workers->lock);
    return work;
}

static void *serve(void *context)
{
    struct web_workers *workers = context;
    struct web_work *work;
    while ((work = take(workers)))
        workers->run(work);
    return NULL;
}

enum fault_code web_workers_new(int count, void (*run)(struct web_work *work),
                                struct web_workers **out, struct fault *fault)
{
    struct web_workers *workers =
        os_alloc(sizeof *workers + (size_t)count * sizeof workers->threads[0]);
    if (!workers)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the threads that answer");
    workers->run = run;
    int rc = pthread_mutex_init(&workers->lock, NULL);
    assert(rc == 0);
    rc = pthread_cond_init(&workers->added, NULL);
    assert(rc == 0);
    for (; workers->count < count && rc == 0; workers->count += rc == 0)
        rc = pthread_create(&workers->threads[workers->count], NULL, serve, workers);
    if (rc != 0) {
        web_workers_free(workers);
        return fault_errno(fault, rc, "cannot start %d threads that answer", count);
    }
    *out = workers;
    return FAULT_NONE;
}

void web_workers_add(struct web_workers *workers, struct web_work *work)
{
    work->next = NULL;
    pthread_mutex_lock(&workers->lock);
    if (workers->first)
        workers->last->next = work;
    else
        workers->first = work;
    workers->last = work;
    pthread_cond_signal(&workers->added);
    pthread_mutex_unlock(&workers->lock);
}

void web_workers_free(struct web_workers *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&taken->lock);
    taken->ending = true;
    pthread_cond_broadcast(&taken->added);
    pthread_mutex_unlock(&taken->lock);
    for (int i = 0; i < taken->count; i++)
        pthread_join(taken->threads[i], NULL);
    assert(!taken->first && "whatever was added has been run");
    pthread_cond_destroy(&taken->added);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}
