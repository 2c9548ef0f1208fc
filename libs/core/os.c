#include "libs/core/os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void *posix_resize(void *ptr, size_t size)
{
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static int posix_open(const char *path, int flags, unsigned mode)
{
    return open(path, flags | O_CLOEXEC, (mode_t)mode);
}

static int posix_mkdir(const char *path, unsigned mode)
{
    return mkdir(path, (mode_t)mode);
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t posix_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

static int64_t posix_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static int posix_random(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

/* To a moment, not for a time: a signal in between takes nothing from it and adds nothing. */
static void posix_pause_us(int64_t us)
{
    int64_t until_us = posix_monotonic_us() + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000 * 1000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

const struct os_platform os_posix = {
    .resize = posix_resize,
    .open = posix_open,
    .close = close,
    .read = read,
    .write = write,
    .pread = pread,
    .pwrite = pwrite,
    .ftruncate = ftruncate,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .rename = rename,
    .unlink = unlink,
    .mkdir = posix_mkdir,
    .now_us = posix_now_us,
    .monotonic_us = posix_monotonic_us,
    .random = posix_random,
    .pause_us = posix_pause_us,
};

static const struct os_platform *platform_now = &os_posix;

const struct os_platform *os_platform_set(const struct os_platform *platform)
{
    const struct os_platform *before = platform_now;
    platform_now = platform;
    return before;
}

void *os_alloc(size_t size)
{
    assert(size > 0);
    void *ptr = platform_now->resize(NULL, size);
    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

void *os_resize(void *ptr, size_t size)
{
    assert(size > 0);
    return platform_now->resize(ptr, size);
}

void os_free(void *ptr)
{
    if (ptr)
        platform_now->resize(ptr, 0);
}

int os_open(const char *path, int flags, unsigned mode)
{
    int fd;
    do
        fd = platform_now->open(path, flags, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int os_close(int fd)
{
    /* Linux has closed the descriptor even when it says EINTR: never retried. */
    return platform_now->close(fd);
}

ssize_t os_read(int fd, void *out, size_t len)
{
    ssize_t got;
    do
        got = platform_now->read(fd, out, len);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t os_write(int fd, const void *data, size_t len)
{
    ssize_t put;
    do
        put = platform_now->write(fd, data, len);
    while (put < 0 && errno == EINTR);
    return put;
}

ssize_t os_pread(int fd, void *out, size_t len, off_t at)
{
    ssize_t got;
    do
        got = platform_now->pread(fd, out, len, at);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t os_pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t put;
    do
        put = platform_now->pwrite(fd, data, len, at);
    while (put < 0 && errno == EINTR);
    return put;
}

int os_ftruncate(int fd, off_t size)
{
    int rc;
    do
        rc = platform_now->ftruncate(fd, size);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* A flush is never repeated, whatever it says: the second one would not tell what the first lost.
 */
int os_fsync(int fd)
{
    return platform_now->fsync(fd);
}

int os_fdatasync(int fd)
{
    return platform_now->fdatasync(fd);
}

int os_rename(const char *from, const char *to)
{
    return platform_now->rename(from, to);
}

int os_unlink(const char *path)
{
    return platform_now->unlink(path);
}

int os_mkdir(const char *path, unsigned mode)
{
    return platform_now->mkdir(path, mode);
}

int64_t os_now_us(void)
{
    return platform_now->now_us();
}

int64_t os_monotonic_us(void)
{
    return platform_now->monotonic_us();
}

/* A clock that a test has set has no ticks of its own. */
int64_t os_now_tick_us(void)
{
    return platform_now->now_us == posix_now_us ? clock_us(CLOCK_REALTIME_COARSE)
                                                : platform_now->now_us();
}

int64_t os_monotonic_tick_us(void)
{
    return platform_now->monotonic_us == posix_monotonic_us ? clock_us(CLOCK_MONOTONIC_COARSE)
                                                            : platform_now->monotonic_us();
}

int os_random(void *out, size_t len)
{
    return platform_now->random(out, len);
}

void os_pause_us(int64_t us)
{
    platform_now->pause_us(us);
}

void os_hide_memory(void)
{
    static const struct rlimit none = {0, 0};
    /* Either may be refused (a stricter supervisor); then the other still holds. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}
