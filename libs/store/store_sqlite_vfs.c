/* SQLite's files, clock and randomness, through the one seam.
 *
 * SQLite's own file system ("unix") lets its system calls be replaced, all but the flush; so ours
 * is a copy of it whose calls are those of os.h, whose files flush through os_fdatasync, and whose
 * log is written in large pieces. Locks and the log's shared index stay SQLite's: no data is lost
 * with them. */
#include "libs/store/store_sqlite.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libs/core/os.h"

/* Days from the start of the Julian calendar, at noon, to 1970, in milliseconds. */
static const int64_t julian_1970_ms = 210866760000000;

static sqlite3_vfs *below; /* SQLite's own */

/* --- system calls -------------------------------------------------------------------------- */

static int call_open(const char *path, int flags, int mode)
{
    return os_open(path, flags, (unsigned)mode);
}

static int call_mkdir(const char *path, mode_t mode)
{
    return os_mkdir(path, mode);
}

/* SQLite keeps its descriptor to itself; but it asks for a file's size with it. */
static _Thread_local int asked_fd;

static int call_fstat(int fd, struct stat *out)
{
    asked_fd = fd;
    return fstat(fd, out);
}

#define CALL(name, function)                                                                       \
    {                                                                                              \
        name, (sqlite3_syscall_ptr)(function)                                                      \
    }

static void replace_calls(void)
{
    static const struct {
        const char *name;
        sqlite3_syscall_ptr function;
    } calls[] = {
        CALL("open", call_open),   CALL("close", os_close),   CALL("fstat", call_fstat),
        CALL("read", os_read),     CALL("pread", os_pread),   CALL("pread64", os_pread),
        CALL("write", os_write),   CALL("pwrite", os_pwrite), CALL("pwrite64", os_pwrite),
        CALL("unlink", os_unlink), CALL("mkdir", call_mkdir), CALL("ftruncate", os_ftruncate),
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int code = below->xSetSystemCall(below, calls[i].name, calls[i].function);
        assert(code == SQLITE_OK);
    }
}

/* --- flushing ------------------------------------------------------------------------------ */

/* Noted here, as SQLite does not tell of each: the copying at a connection's end, for one. */
static int flushed(int rc, int code_else)
{
    if (rc == 0)
        return SQLITE_OK;
    store_flush_failed = true;
    return code_else;
}

static int flush_folder_of(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    assert(slash && "SQLite gives whole paths");
    slash[slash == folder] = '\0';
    int fd = os_open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return SQLITE_CANTOPEN;
    int code = flushed(os_fsync(fd), SQLITE_IOERR_DIR_FSYNC);
    os_close(fd);
    return code;
}

static int file_sync(sqlite3_file *file, int flags)
{
    sqlite3_int64 size;
    (void)flags; /* on Linux both kinds of flush are one */
    asked_fd = -1;
    int code = file->pMethods->xFileSize(file, &size);
    if (code != SQLITE_OK)
        return code;
    assert(asked_fd >= 0);
    return flushed(os_fdatasync(asked_fd), SQLITE_IOERR_FSYNC);
}

/* --- the log's writes, gathered ------------------------------------------------------------ */

/* SQLite writes the log frame by frame, two calls for each: for a hand-off some hundred pages. They
 * follow one another, so that they can be written at once. They must be in the file before anyone
 * else looks for them, which is after a barrier of the shared index; and before a flush. */
enum { GATHERED_MAX = 120 * 1024 }; /* SQLite's own write takes less than 128 KiB at once */

/* Ours, behind SQLite's own part of a file. */
struct part {
    const sqlite3_io_methods *below;
    sqlite3_file *peer; /* of a database: its log while that is open; of a log: its database */
    char *gathered;     /* NULL: written through */
    size_t len;
    sqlite3_int64 at; /* where the first gathered byte belongs */
};

static struct part *part_of(sqlite3_file *file)
{
    return (struct part *)(void *)((char *)file + below->szOsFile);
}

static int write_gathered(sqlite3_file *file)
{
    struct part *part = part_of(file);
    size_t len = part->len;
    part->len = 0;
    return len > 0 ? part->below->xWrite(file, part->gathered, (int)len, part->at) : SQLITE_OK;
}

static int log_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    struct part *part = part_of(file);
    size_t size = (size_t)len;
    bool follows = part->len > 0 && at == part->at + (sqlite3_int64)part->len;
    if (part->len > 0 && (!follows || part->len + size > GATHERED_MAX)) {
        int code = write_gathered(file);
        if (code != SQLITE_OK)
            return code;
    }
    if (!part->gathered || size > GATHERED_MAX)
        return part->below->xWrite(file, data, len, at);
    if (part->len == 0)
        part->at = at;
    memcpy(part->gathered + part->len, data, size);
    part->len += size;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
    int code = write_gathered(file);
    return code == SQLITE_OK ? part_of(file)->below->xRead(file, out, len, at) : code;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = write_gathered(file);
    return code == SQLITE_OK ? part_of(file)->below->xTruncate(file, size) : code;
}

static int log_file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    int code = write_gathered(file);
    return code == SQLITE_OK ? part_of(file)->below->xFileSize(file, out) : code;
}

static int log_sync(sqlite3_file *file, int flags)
{
    int code = write_gathered(file);
    return code == SQLITE_OK ? file_sync(file, flags) : code;
}

static int log_close(sqlite3_file *file)
{
    struct part *part = part_of(file);
    (void)!write_gathered(file); /* of a transaction that was not committed, or nothing */
    os_free(part->gathered);
    part->gathered = NULL;
    if (part->peer)
        part_of(part->peer)->peer = NULL;
    return part->below->xClose(file);
}

/* With synchronous=FULL a flush came before, and nothing is left to write. */
static void database_barrier(sqlite3_file *file)
{
    struct part *part = part_of(file);
    if (part->peer && write_gathered(part->peer) != SQLITE_OK)
        store_flush_failed = true; /* no other way to tell: nothing is believed from now on */
    part->below->xShmBarrier(file);
}

/* --- opening ------------------------------------------------------------------------------- */

enum role { ROLE_DATABASE, ROLE_LOG, ROLE_OTHER, ROLES };

static sqlite3_io_methods methods_for(enum role role, const sqlite3_io_methods *methods)
{
    sqlite3_io_methods table = *methods;
    table.xSync = file_sync;
    if (role == ROLE_DATABASE && table.iVersion >= 2)
        table.xShmBarrier = database_barrier;
    if (role == ROLE_LOG) {
        table.xWrite = log_write;
        table.xRead = log_read;
        table.xTruncate = log_truncate;
        table.xFileSize = log_file_size;
        table.xSync = log_sync;
        table.xClose = log_close;
    }
    return table;
}

/* SQLite gives its files one of a few tables of methods. Each is copied once for each role. */
static const sqlite3_io_methods *methods_over(enum role role, const sqlite3_io_methods *methods)
{
    enum { TABLES = 8 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const sqlite3_io_methods *tables_below[ROLES][TABLES];
    static sqlite3_io_methods tables[ROLES][TABLES];
    size_t i = 0;
    pthread_mutex_lock(&lock);
    while (tables_below[role][i] && tables_below[role][i] != methods) {
        i++;
        assert(i < TABLES);
    }
    if (!tables_below[role][i]) {
        tables[role][i] = methods_for(role, methods);
        tables_below[role][i] = methods;
    }
    pthread_mutex_unlock(&lock);
    return &tables[role][i];
}

static enum role role_of(int flags)
{
    return flags & SQLITE_OPEN_MAIN_DB ? ROLE_DATABASE
           : flags & SQLITE_OPEN_WAL   ? ROLE_LOG
                                       : ROLE_OTHER;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    enum role role = role_of(flags);
    *part_of(file) = (struct part){0};
    int code = below->xOpen(below, name, file, flags, out);
    if (code != SQLITE_OK)
        return code;
    struct part *part = part_of(file);
    part->below = file->pMethods;
    file->pMethods = methods_over(role, file->pMethods);
    if (role == ROLE_LOG) {
        part->peer = sqlite3_database_file_object(name);
        part_of(part->peer)->peer = file;
        part->gathered = os_resize(NULL, GATHERED_MAX); /* without it each is written at once */
    }
    /* A log or journal may be new: its name must be on disk before what it holds counts. */
    bool may_be_new =
        (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
    if (may_be_new)
        code = flush_folder_of(name);
    if (code != SQLITE_OK) {
        file->pMethods->xClose(file);
        file->pMethods = NULL;
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int durably)
{
    (void)vfs;
    int code = below->xDelete(below, name, 0);
    return code == SQLITE_OK && durably ? flush_folder_of(name) : code;
}

/* --- clock and randomness ------------------------------------------------------------------ */

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return os_random(out, (size_t)size) == 0 ? size : 0;
}

static int vfs_now_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = julian_1970_ms + os_now_us() / 1000;
    return SQLITE_OK;
}

static int vfs_now(sqlite3_vfs *vfs, double *out_days)
{
    sqlite3_int64 now_ms;
    int code = vfs_now_ms(vfs, &now_ms);
    *out_days = (double)now_ms / 86400000.0;
    return code;
}

bool store_vfs_init(void)
{
    static sqlite3_vfs ours;
    if (sqlite3_initialize() != SQLITE_OK)
        return false;
    below = sqlite3_vfs_find("unix");
    assert(below && "SQLite is built for this system");
    replace_calls();
    ours = *below;
    assert(below->szOsFile % (int)_Alignof(struct part) == 0);
    ours.szOsFile = below->szOsFile + (int)sizeof(struct part);
    ours.pNext = NULL;
    ours.zName = "intelgraph";
    ours.xOpen = vfs_open;
    ours.xDelete = vfs_delete;
    ours.xRandomness = vfs_randomness;
    ours.xCurrentTime = vfs_now;
    ours.xCurrentTimeInt64 = vfs_now_ms;
    return sqlite3_vfs_register(&ours, 1) == SQLITE_OK;
}
