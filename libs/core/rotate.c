#include "libs/core/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "libs/core/os.h"

enum { TURNS_MAX = 8 }; /* in which others may be faster */

/* Who appends holds the file shared, who turns holds it alone. Where locks are not to be had (some
 * network file systems) it goes without: then a line may land in a file just turned over. */
static bool lock(int fd, int how)
{
    int rc;
    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    return rc == 0 || errno != EWOULDBLOCK;
}

/* Whether the open file is still the one of that name, and how long it is. */
static bool is_current(int fd, const char *path, size_t *out_size)
{
    struct stat open_file;
    struct stat named;
    if (fstat(fd, &open_file) < 0 || stat(path, &named) < 0)
        return false;
    *out_size = (size_t)open_file.st_size;
    return open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* Gives each file the next number. A missing one leaves a gap. */
static bool shift(const char *path, unsigned keep)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    for (unsigned i = keep > 0 ? keep : 1; i > 0; i--) {
        int from_len = i > 1 ? snprintf(from, sizeof from, "%s.%u", path, i - 1)
                             : snprintf(from, sizeof from, "%s", path);
        int to_len = snprintf(to, sizeof to, "%s.%u", path, i);
        if (from_len >= (int)sizeof from || to_len >= (int)sizeof to)
            return false;
        if (os_rename(from, to) < 0 && (errno != ENOENT || i == 1))
            return false;
    }
    return true;
}

/* Turns over unless another does so now or has done so. False when it cannot be done. */
static bool turn(int fd, const char *path, const struct rotate *rotate, size_t line_len)
{
    size_t size;
    if (!lock(fd, LOCK_EX | LOCK_NB) || !is_current(fd, path, &size) ||
        size + line_len <= rotate->most_bytes)
        return true;
    return shift(path, rotate->keep);
}

static enum fault_code sync_folder_of(const char *path, struct fault *fault)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return file_sync_folder(".", fault);
    slash[slash == folder] = '\0';
    return file_sync_folder(folder, fault);
}

static enum fault_code append(int fd, const char *path, struct str line, bool is_new, bool durable,
                              struct fault *fault)
{
    ssize_t put = os_write(fd, line.ptr, line.len);
    if (put < 0)
        return fault_errno(fault, errno, "cannot append to %s", path);
    if ((size_t)put < line.len)
        return fault_set(fault, FAULT_IO, "cannot append to %s: only %zd of %zu bytes were taken",
                         path, put, line.len);
    if (durable && os_fsync(fd) < 0)
        return fault_errno(fault, errno, "cannot flush %s to disk", path);
    return durable && is_new ? sync_folder_of(path, fault) : FAULT_NONE;
}

enum fault_code rotate_append(const char *path, const struct rotate *rotate, struct str line,
                              unsigned mode, bool durable, struct fault *fault)
{
    bool may_turn = true;
    for (int turns = 0;; turns++) {
        size_t size = 0;
        int fd = os_open(path, O_WRONLY | O_CREAT | O_APPEND, mode);
        if (fd < 0)
            return fault_errno(fault, errno, "cannot open %s", path);
        lock(fd, LOCK_SH);
        bool current = is_current(fd, path, &size);
        bool full = size > 0 && size + line.len > rotate->most_bytes;
        if (turns < TURNS_MAX && (!current || (full && may_turn))) {
            if (current)
                may_turn = turn(fd, path, rotate, line.len);
            os_close(fd);
            continue;
        }
        enum fault_code code = append(fd, path, line, size == 0, durable, fault);
        os_close(fd);
        return code;
    }
}
