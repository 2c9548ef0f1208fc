/* SQLite's memory, through the one seam, so that tests can refuse the n-th allocation. */
#include "libs/store/store_sqlite.h"

#include <assert.h>
#include <pthread.h>

#include "libs/core/os.h"

/* SQLite asks a block for its size, which os_resize does not know: it stands before the block.
 * Eight bytes keep the alignment that SQLite needs. */
struct header {
    int64_t size;
};

static void *memory_malloc(int size)
{
    struct header *block = os_resize(NULL, sizeof(struct header) + (size_t)size);
    if (!block)
        return NULL;
    block->size = size;
    return block + 1;
}

static void memory_free(void *ptr)
{
    if (ptr)
        os_free((struct header *)ptr - 1);
}

static void *memory_realloc(void *ptr, int size)
{
    struct header *block =
        os_resize((struct header *)ptr - 1, sizeof(struct header) + (size_t)size);
    if (!block)
        return NULL;
    block->size = size;
    return block + 1;
}

static int memory_size(void *ptr)
{
    return ptr ? (int)((struct header *)ptr - 1)->size : 0;
}

static int memory_roundup(int size)
{
    return (size + 7) & ~7;
}

static int memory_init(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void memory_shutdown(void *unused)
{
    (void)unused;
}

static void configure(void)
{
    static const sqlite3_mem_methods methods = {
        .xMalloc = memory_malloc,
        .xFree = memory_free,
        .xRealloc = memory_realloc,
        .xSize = memory_size,
        .xRoundup = memory_roundup,
        .xInit = memory_init,
        .xShutdown = memory_shutdown,
    };
    int code = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    assert(code == SQLITE_OK && "nothing used SQLite before libs/store did");
    /* Its totals cost a process-wide lock an allocation, and nobody reads them. */
    code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    assert(code == SQLITE_OK);
}

bool store_platform_init(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool configured;
    static bool done;
    pthread_mutex_lock(&lock);
    if (!configured)
        configure();
    configured = true;
    if (!done)
        done = store_vfs_init();
    bool is_done = done;
    pthread_mutex_unlock(&lock);
    return is_done;
}
