#include "libs/store/store_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "libs/core/os.h"
#include "libs/store/store_internal.h"

enum { ROOM_MAX = 64 };

struct store_pool {
    pthread_mutex_t lock;
    pthread_cond_t given; /* a connection came back, or one could not be opened */
    char *path;
    int room;
    int opened; /* idle and lent */
    int idle_count;
    struct store *idle[ROOM_MAX]; /* the last one given is taken first: its cache is warm */
    struct store *writer;         /* NULL until it is first taken */
    bool writing;                 /* it is lent */
    pthread_cond_t written;       /* it came back */
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
    rc = pthread_cond_init(&pool->written, &attributes);
    assert(rc == 0);
    pthread_condattr_destroy(&attributes);
}

enum fault_code store_pool_new(const char *path, int room, const struct store_migration *migrations,
                               size_t count, struct store_pool **out, struct fault *fault)
{
    assert(room >= 1 && room <= ROOM_MAX);
    struct store *first = NULL;
    enum fault_code code = store_open(path, &first, fault);
    if (code == FAULT_NONE)
        code = store_migrate(first, migrations, count, fault);
    if (code != FAULT_NONE) {
        store_close(first);
        return code;
    }
    size_t size = strlen(path) + 1;
    struct store_pool *pool = os_alloc(sizeof *pool);
    char *kept = os_alloc(size);
    if (!pool || !kept) {
        os_free(pool);
        os_free(kept);
        store_close(first);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for connections to the store %s",
                         path);
    }
    memcpy(kept, path, size);
    *pool = (struct store_pool){
        .path = kept, .room = room, .opened = 1, .idle_count = 1, .idle = {first}};
    init_waiting(pool);
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
    assert(!taken->writing && "the writer is back");
    store_close(taken->writer);
    pthread_cond_destroy(&taken->written);
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

static bool wait_for_turn(struct store_pool *pool)
{
    struct timespec until = end_of_wait();
    pthread_mutex_lock(&pool->lock);
    int rc = 0;
    while (pool->writing && rc == 0)
        rc = pthread_cond_timedwait(&pool->written, &pool->lock, &until);
    assert(rc == 0 || rc == ETIMEDOUT);
    bool is_ours = !pool->writing;
    pool->writing = true;
    pthread_mutex_unlock(&pool->lock);
    return is_ours;
}

/* Called with the lock. */
static void end_turn(struct store_pool *pool)
{
    assert(pool->writing);
    pool->writing = false;
    pthread_cond_signal(&pool->written);
}

static enum fault_code open_writer(struct store_pool *pool, struct fault *fault)
{
    struct store *store = NULL;
    enum fault_code code = store_open(pool->path, &store, fault);
    pthread_mutex_lock(&pool->lock);
    pool->writer = store;
    if (!store)
        end_turn(pool);
    pthread_mutex_unlock(&pool->lock);
    return code;
}

enum fault_code store_pool_take_writer(struct store_pool *pool, struct store **out,
                                       struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (!wait_for_turn(pool))
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "cannot write the store %s: others are writing; try again", pool->path);
    if (!pool->writer) /* whose turn it is alone changes it */
        code = open_writer(pool, fault);
    if (code == FAULT_NONE)
        *out = pool->writer;
    return code;
}

void store_pool_give(struct store_pool *pool, struct store *taken)
{
    store_rollback(taken); /* also ends queries left before their end, which would pin a snapshot */
    pthread_mutex_lock(&pool->lock);
    if (taken == pool->writer) {
        end_turn(pool);
        pthread_mutex_unlock(&pool->lock);
        return;
    }
    assert(pool->idle_count < pool->opened);
    pool->idle[pool->idle_count++] = taken;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}
