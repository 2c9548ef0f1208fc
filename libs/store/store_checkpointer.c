/* SQLite begins its log anew only when all of it is in the file and nobody reads from it. A writer
 * who never rests leaves no such moment to others: so a thread copies most of it, beside the
 * writer, and when the log is long and little is left, the writer copies the rest itself. */
#include "libs/store/store_checkpointer.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/store/store_sqlite.h"

/* In pages of the log. */
enum {
    PAGES_STEP =
        1500, /* are worth a pass of the thread. Fewer: what changes often is copied again and
               * again; more: what a pass flushes stands in the way of the log's own flush */
    PAGES_LONG = 16000,    /* 64 MiB: from here on the log should begin anew */
    PAGES_REST_MOST = 400, /* what the writer copies: a millisecond, as the thread has flushed the
                            * pages before it */
    PAGES_LONGEST = 24000, /* 96 MiB: from here on the writer waits for the thread */
};

struct store_checkpointer {
    char *path;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_cond_t ended; /* a pass */
    bool wants;           /* a pass */
    bool stops;
    bool running; /* a pass is under way */
    int pages;    /* in the log, when the writer last looked */
    int done;     /* of them in the file */
};

enum fault_code store_checkpointer_new(const char *path, struct store_checkpointer **out,
                                       struct fault *fault)
{
    size_t size = strlen(path) + 1;
    struct store_checkpointer *checkpointer = os_alloc(sizeof *checkpointer);
    char *kept = os_alloc(size);
    if (!checkpointer || !kept) {
        os_free(checkpointer);
        os_free(kept);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to write the store %s", path);
    }
    memcpy(kept, path, size);
    checkpointer->path = kept;
    int rc = pthread_mutex_init(&checkpointer->lock, NULL);
    assert(rc == 0);
    rc = pthread_cond_init(&checkpointer->wanted, NULL);
    assert(rc == 0);
    rc = pthread_cond_init(&checkpointer->ended, NULL);
    assert(rc == 0);
    *out = checkpointer;
    return FAULT_NONE;
}

void store_checkpointer_free(struct store_checkpointer *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&taken->lock);
    taken->stops = true;
    pthread_cond_signal(&taken->wanted);
    pthread_mutex_unlock(&taken->lock);
    if (taken->started)
        pthread_join(taken->thread, NULL);
    pthread_cond_destroy(&taken->ended);
    pthread_cond_destroy(&taken->wanted);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken->path);
    os_free(taken);
}

/* --- the thread ----------------------------------------------------------------------------- */

/* A pass that fails (the store cannot be opened, another program copies) is no fault of anybody's
 * request: the log stays, and grows until the writer copies it. */
static void pass(struct store_checkpointer *checkpointer, struct store **store)
{
    struct fault ignored;
    int done = 0;
    enum fault_code code = FAULT_NONE;
    if (!*store)
        code = store_open(checkpointer->path, store, &ignored);
    if (code == FAULT_NONE)
        code = store_checkpoint(*store, &done, &ignored);
    if (code == FAULT_NONE)
        code = store_flush(*store, &ignored);
    pthread_mutex_lock(&checkpointer->lock);
    if (code == FAULT_NONE)
        checkpointer->done = done;
}

static void *run(void *argument)
{
    struct store_checkpointer *checkpointer = argument;
    struct store *store = NULL;
    pthread_mutex_lock(&checkpointer->lock);
    for (;;) {
        while (!checkpointer->wants && !checkpointer->stops)
            pthread_cond_wait(&checkpointer->wanted, &checkpointer->lock);
        if (checkpointer->stops)
            break;
        checkpointer->wants = false;
        checkpointer->running = true;
        pthread_mutex_unlock(&checkpointer->lock);
        pass(checkpointer, &store); /* comes back with the lock */
        checkpointer->running = false;
        pthread_cond_signal(&checkpointer->ended);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    store_close(store);
    return NULL;
}

/* Called with the lock, as are those that follow. Without a thread the writer does it all. */
static void ask_for_a_pass(struct store_checkpointer *checkpointer)
{
    if (!checkpointer->started)
        checkpointer->started = pthread_create(&checkpointer->thread, NULL, run, checkpointer) == 0;
    checkpointer->wants = checkpointer->started;
    pthread_cond_signal(&checkpointer->wanted);
}

/* --- the writer ----------------------------------------------------------------------------- */

static void copy_the_rest(struct store_checkpointer *checkpointer, struct store *writer)
{
    struct fault ignored;
    int done = 0;
    checkpointer->wants = false;
    while (checkpointer->running)
        pthread_cond_wait(&checkpointer->ended, &checkpointer->lock);
    if (store_checkpoint(writer, &done, &ignored) == FAULT_NONE)
        checkpointer->done = done;
}

void store_checkpointer_serve(struct store *writer)
{
    sqlite_of(writer)->checkpoints_elsewhere = true;
}

void store_checkpointer_look(struct store_checkpointer *checkpointer, struct store *writer)
{
    int pages = sqlite_of(writer)->log_pages;
    pthread_mutex_lock(&checkpointer->lock);
    if (pages < checkpointer->pages)
        checkpointer->done = 0; /* it has begun anew */
    checkpointer->pages = pages;
    int rest = checkpointer->pages - checkpointer->done;
    bool is_short = rest <= PAGES_REST_MOST && !checkpointer->running;
    if (rest > 0 &&
        ((checkpointer->pages >= PAGES_LONG && is_short) || checkpointer->pages >= PAGES_LONGEST))
        copy_the_rest(checkpointer, writer);
    else if ((rest >= PAGES_STEP || (checkpointer->pages >= PAGES_LONG && !is_short)) &&
             !checkpointer->running)
        ask_for_a_pass(checkpointer);
    pthread_mutex_unlock(&checkpointer->lock);
}
