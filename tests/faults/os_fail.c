#include "tests/faults/os_fail.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "libs/core/os.h"

static struct os_platform failing;
static enum os_fail_kind armed_kind;
static enum os_fail_mode armed_mode;
static atomic_long left; /* calls until one is refused; 0: none is to be */
static atomic_bool refusing;
static atomic_bool has_refused;

enum verdict { PASS, CUT, REFUSE, KILL };

static enum verdict judge(enum os_fail_kind kind, int error)
{
    if (kind != armed_kind)
        return PASS;
    if (!atomic_load(&refusing)) {
        if (atomic_load(&left) == 0 || atomic_fetch_sub(&left, 1) != 1)
            return PASS;
        atomic_store(&has_refused, true);
        atomic_store(&refusing, armed_mode != OS_FAIL_ONCE);
        if (armed_mode == OS_FAIL_KILL && kind == OS_FAIL_WRITE)
            return KILL;
        if (armed_mode == OS_FAIL_KILL)
            _exit(OS_FAIL_KILLED);
        if (armed_mode == OS_FAIL_CUT)
            return CUT;
    }
    errno = error;
    return REFUSE;
}

static bool refused(enum os_fail_kind kind, int error)
{
    enum verdict verdict = judge(kind, error);
    if (verdict == KILL)
        _exit(OS_FAIL_KILLED);
    return verdict != PASS;
}

static void *fail_resize(void *ptr, size_t size)
{
    if (size > 0 && refused(OS_FAIL_ALLOC, ENOMEM))
        return NULL;
    return os_posix.resize(ptr, size);
}

static int fail_open(const char *path, int flags, unsigned mode)
{
    return refused(OS_FAIL_OPEN, EMFILE) ? -1 : os_posix.open(path, flags, mode);
}

static ssize_t fail_read(int fd, void *out, size_t len)
{
    return refused(OS_FAIL_READ, EIO) ? -1 : os_posix.read(fd, out, len);
}

static ssize_t fail_pread(int fd, void *out, size_t len, off_t at)
{
    return refused(OS_FAIL_READ, EIO) ? -1 : os_posix.pread(fd, out, len, at);
}

/* How many bytes a write may take: all, half of them, or -1 for none. *out_last: and then no more.
 */
static ssize_t allowed(size_t len, bool *out_last)
{
    enum verdict verdict = judge(OS_FAIL_WRITE, ENOSPC);
    errno = ENOSPC;
    *out_last = verdict == KILL;
    if (verdict == REFUSE || (verdict == CUT && len < 2))
        return -1;
    return (ssize_t)(verdict == PASS ? len : len / 2);
}

static ssize_t fail_write(int fd, const void *data, size_t len)
{
    bool is_last;
    ssize_t most = allowed(len, &is_last);
    ssize_t done = most < 0 ? -1 : os_posix.write(fd, data, (size_t)most);
    if (is_last)
        _exit(OS_FAIL_KILLED);
    return done;
}

static ssize_t fail_pwrite(int fd, const void *data, size_t len, off_t at)
{
    bool is_last;
    ssize_t most = allowed(len, &is_last);
    ssize_t done = most < 0 ? -1 : os_posix.pwrite(fd, data, (size_t)most, at);
    if (is_last)
        _exit(OS_FAIL_KILLED);
    return done;
}

static int fail_ftruncate(int fd, off_t size)
{
    return refused(OS_FAIL_WRITE, ENOSPC) ? -1 : os_posix.ftruncate(fd, size);
}

static int fail_fsync(int fd)
{
    return refused(OS_FAIL_FLUSH, EIO) ? -1 : os_posix.fsync(fd);
}

static int fail_fdatasync(int fd)
{
    return refused(OS_FAIL_FLUSH, EIO) ? -1 : os_posix.fdatasync(fd);
}

static int fail_rename(const char *from, const char *to)
{
    return refused(OS_FAIL_NAME, EACCES) ? -1 : os_posix.rename(from, to);
}

static int fail_unlink(const char *path)
{
    return refused(OS_FAIL_NAME, EACCES) ? -1 : os_posix.unlink(path);
}

static int fail_mkdir(const char *path, unsigned mode)
{
    return refused(OS_FAIL_NAME, EACCES) ? -1 : os_posix.mkdir(path, mode);
}

void os_fail_install(void)
{
    failing = os_posix;
    failing.resize = fail_resize;
    failing.open = fail_open;
    failing.read = fail_read;
    failing.pread = fail_pread;
    failing.write = fail_write;
    failing.pwrite = fail_pwrite;
    failing.ftruncate = fail_ftruncate;
    failing.fsync = fail_fsync;
    failing.fdatasync = fail_fdatasync;
    failing.rename = fail_rename;
    failing.unlink = fail_unlink;
    failing.mkdir = fail_mkdir;
    os_fail_disarm();
    os_platform_set(&failing);
}

void os_fail_arm(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    armed_kind = kind;
    armed_mode = mode;
    atomic_store(&has_refused, false);
    atomic_store(&refusing, false);
    atomic_store(&left, at);
}

bool os_fail_has_refused(void)
{
    return atomic_load(&has_refused);
}

bool os_fail_disarm(void)
{
    armed_kind = OS_FAIL_KINDS;
    atomic_store(&left, 0);
    atomic_store(&refusing, false);
    return atomic_exchange(&has_refused, false);
}
