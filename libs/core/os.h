/* The one seam to the operating system: memory, files, clock, randomness.
 *
 * Code above this seam calls nothing of the system itself, and the libraries that we use are made
 * to come here too (SQLite in libs/store, OpenSSL in libs/crypto, libcurl in libs/http), so that a
 * test can refuse the n-th allocation, write, fsync or rename, set the clock, and fix the random
 * numbers, by installing another `struct os_platform`. The default platform is POSIX. */
#ifndef IG_CORE_OS_H
#define IG_CORE_OS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct os_platform {
    void *(*resize)(void *ptr, size_t size); /* like realloc; size 0 frees and returns NULL */
    int (*open)(const char *path, int flags, unsigned mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *out, size_t len);
    ssize_t (*write)(int fd, const void *data, size_t len);
    ssize_t (*pread)(int fd, void *out, size_t len, off_t at);
    ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t at);
    int (*ftruncate)(int fd, off_t size);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, unsigned mode);
    int64_t (*now_us)(void);              /* UTC, microseconds since 1970-01-01 */
    int64_t (*monotonic_us)(void);        /* for durations only; never goes back */
    int (*random)(void *out, size_t len); /* cryptographic; 0, or -1 with errno */
    void (*pause_us)(int64_t us);         /* the calling thread does nothing for so long */
};

extern const struct os_platform os_posix;

/* Installs a platform and returns the one before. Not while other threads run. */
const struct os_platform *os_platform_set(const struct os_platform *platform);

/* The calls, each through the platform in force. They keep the system's own conventions
 * (-1 and errno), but retry EINTR. */
void *os_alloc(size_t size);             /* zeroed; NULL when refused */
void *os_resize(void *ptr, size_t size); /* the new part is not zeroed */
void os_free(void *ptr);
int os_open(const char *path, int flags, unsigned mode);
int os_close(int fd);
ssize_t os_read(int fd, void *out, size_t len);
ssize_t os_write(int fd, const void *data, size_t len);
ssize_t os_pread(int fd, void *out, size_t len, off_t at);
ssize_t os_pwrite(int fd, const void *data, size_t len, off_t at);
int os_ftruncate(int fd, off_t size);
int os_fsync(int fd);
int os_fdatasync(int fd); /* the bytes and what is needed to find them, not the times */
int os_rename(const char *from, const char *to);
int os_unlink(const char *path);
int os_mkdir(const char *path, unsigned mode);
int64_t os_now_us(void);
int64_t os_monotonic_us(void);
/* Both clocks as of the system's last tick: at most 10 ms old, and several times as quick to read.
 */
int64_t os_now_tick_us(void);
int64_t os_monotonic_tick_us(void);
int os_random(void *out, size_t len);
void os_pause_us(int64_t us);

/* For a process that holds secrets: no core file, and no other process of the same user may read
 * its memory. Not through the platform: it concerns the process, not what it does. */
void os_hide_memory(void);

#endif
