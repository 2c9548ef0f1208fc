#include "libs/store/store_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "libs/core/os.h"
#include "libs/store/store_internal.h"
#include "libs/store/store_writer.h"

enum { ROOM_MAX = 64 };

struct store_pool {
    pthread_mutex_t lock;
    pthread_cond_t given; /* a connection came back, or one could not be opened */
    char *path;
    int room;
    int port;
    int opened; /* idle and lent */
    int idle_count;
    struct store *idle[ROOM_MAX]; /* the last one given is taken first: its cache is warm */
    struct store_writer *writer;
};

static void init_waiting(struct store_pool *pool)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    assert(rc == 0);
    rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    assert(rc == 0);
    rc = pthread_mutex_init(&pool->lock, NULL);
    assert(rc == 0);
    rc = pthread_cond_init(&pool->given, &attributes);
    assert(rc == 0);
    pthread_condattr_destroy(&attributes);
}

static enum fault_code new_pool(const char *path, int room, struct store_pool **out,
                                struct fault *fault)
{
    size_t size = strlen(path) + 1;
    struct store_writer *writer = NULL;
    struct store_pool *pool = os_alloc(sizeof *pool);
    char *kept = os_alloc(size);
    enum fault_code code = FAULT_NONE;
    if (!pool || !kept)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for connections to the store");
    if (code == FAULT_NONE)
        code = store_writer_new(path, &writer, fault);
    if (code != FAULT_NONE) {
        os_free(pool);
        os_free(kept);
        return code;
    }
    memcpy(kept, path, size);
    *pool = (struct store_pool){.path = kept, .room = room, .writer = writer};
    init_waiting(pool);
    *out = pool;
    return FAULT_NONE;
}

enum fault_code store_pool_new(const char *place, int room,
                               const struct store_migration *migrations, size_t count,
                               struct store_pool **out, struct fault *fault)
{
    assert(room >= 1 && room <= ROOM_MAX);
    struct store *first = NULL;
    struct store_pool *pool = NULL;
    enum fault_code code = store_open(place, &first, fault);
    if (code == FAULT_NONE)
        code = store_migrate(first, migrations, count, fault);
    if (code == FAULT_NONE)
        code = new_pool(first->place, room, &pool, fault);
    if (code != FAULT_NONE) {
        store_close(first);
        return code;
    }
    pool->opened = pool->idle_count = 1;
    pool->idle[0] = first;
    pool->port = store_port(first);
    *out = pool;
    return FAULT_NONE;
}

void store_pool_free(struct store_pool *taken)
{
    if (!taken)
        return;
    assert(taken->idle_count == taken->opened && "every connection is back");
    for (int i = 0; i < taken->idle_count; i++)
        store_close(taken->idle[i]);
    store_writer_free(taken->writer);
    pthread_cond_destroy(&taken->given);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken->path);
    os_free(taken);
}

static struct timespec end_of_wait(void)
{
    int64_t until_us = os_monotonic_us() + STORE_WAIT_US;
    return (struct timespec){.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
}

/* Called with the lock. false when the time is over. */
static bool wait_for_one(struct store_pool *pool)
{
    struct timespec until = end_of_wait();
    while (pool->idle_count == 0 && pool->opened == pool->room) {
        int rc = pthread_cond_timedwait(&pool->given, &pool->lock, &until);
        if (rc == ETIMEDOUT)
            return pool->idle_count > 0 || pool->opened < pool->room;
        assert(rc == 0);
    }
    return true;
}

/* Opening reads the file: done without the lock, its place taken beforehand. */
static enum fault_code open_another(struct store_pool *pool, struct store **out,
                                    struct fault *fault)
{
    enum fault_code code = store_open(pool->path, out, fault);
    if (code != FAULT_NONE) {
        pthread_mutex_lock(&pool->lock);
        pool->opened--;
        pthread_cond_signal(&pool->given);
        pthread_mutex_unlock(&pool->lock);
    }
    return code;
}

enum fault_code store_pool_take(struct store_pool *pool, struct store **out, struct fault *fault)
{
    pthread_mutex_lock(&pool->lock);
    if (!wait_for_one(pool)) {
        pthread_mutex_unlock(&pool->lock);
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "all %d connections to the store are in use; try again", pool->room);
    }
    struct store *store = NULL;
    if (pool->idle_count > 0)
        store = pool->idle[--pool->idle_count];
    else
        pool->opened++;
    pthread_mutex_unlock(&pool->lock);
    if (!store)
        return open_another(pool, out, fault);
    *out = store;
    return FAULT_NONE;
}

enum fault_code store_pool_write(struct store_pool *pool, store_work *work, void *context,
                                 struct fault *fault)
{
    return store_writer_run(pool->writer, work, context, fault);
}

int store_pool_port(const struct store_pool *pool)
{
    return pool->port;
}

void store_pool_give(struct store_pool *pool, struct store *taken)
{
    store_rollback(taken); /* also ends queries left before their end, which would pin a snapshot */
    pthread_mutex_lock(&pool->lock);
    assert(pool->idle_count < pool->opened);
    pool->idle[pool->idle_count++] = taken;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}
