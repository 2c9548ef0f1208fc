#include "libs/core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libs/core/os.h"

enum { READ_STEP = 64 * 1024 };

static enum fault_code read_to_end(int fd, const char *path, struct buf *out, struct fault *fault)
{
    for (;;) {
        /* One byte is enough to see the end, so a file that just fits the limit is read. */
        size_t left = out->limit - out->len;
        size_t step = left < READ_STEP ? left + (left == 0) : READ_STEP;
        char over = 0;
        char *end = left ? buf_reserve(out, step) : &over;
        if (!end)
            return buf_check(out, path, fault);
        ssize_t got = os_read(fd, end, step);
        if (got < 0)
            return fault_errno(fault, errno, "cannot read %s", path);
        if (got == 0)
            return FAULT_NONE;
        if (left == 0)
            return fault_set(fault, FAULT_LIMIT, "%s is over the limit of %zu bytes", path,
                             out->limit);
        buf_extend(out, (size_t)got);
    }
}

static enum fault_code check_private(int fd, const char *path, struct fault *fault)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return fault_errno(fault, errno, "cannot look at %s", path);
    if (!S_ISREG(info.st_mode))
        return fault_set(fault, FAULT_DENIED, "%s is no plain file", path);
    if (info.st_mode & 077)
        return fault_set(fault, FAULT_DENIED,
                         "%s may be read or changed by others (mode %04o); give it mode 0600", path,
                         (unsigned)info.st_mode & 07777);
    return FAULT_NONE;
}

static enum fault_code read_file(const char *path, bool is_private, struct buf *out,
                                 struct fault *fault)
{
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0 && errno == ENOENT)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no file %s", path);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot open %s", path);
    size_t len_before = out->len;
    enum fault_code code = is_private ? check_private(fd, path, fault) : FAULT_NONE;
    if (code == FAULT_NONE)
        code = read_to_end(fd, path, out, fault);
    if (code != FAULT_NONE)
        out->len = len_before;
    os_close(fd);
    return code;
}

enum fault_code file_read(const char *path, struct buf *out, struct fault *fault)
{
    return read_file(path, false, out, fault);
}

enum fault_code file_read_private(const char *path, struct buf *out, struct fault *fault)
{
    return read_file(path, true, out, fault);
}

enum fault_code file_write_all(int fd, struct str data, const char *name, struct fault *fault)
{
    while (data.len > 0) {
        ssize_t put = os_write(fd, data.ptr, data.len);
        if (put < 0)
            return fault_errno(fault, errno, "cannot write %s", name);
        data = str_skip(data, (size_t)put);
    }
    return FAULT_NONE;
}

static enum fault_code write_new(const char *path, struct str content, unsigned mode,
                                 struct fault *fault)
{
    int fd = os_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot create %s", path);
    enum fault_code code = file_write_all(fd, content, path, fault);
    if (code == FAULT_NONE && os_fsync(fd) < 0)
        code = fault_errno(fault, errno, "cannot flush %s to disk", path);
    if (os_close(fd) < 0 && code == FAULT_NONE)
        code = fault_errno(fault, errno, "cannot close %s", path);
    return code;
}

/* The folder part of a path; "." when there is none. */
static bool folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return str_to_c(STR("."), out, size);
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    return str_to_c((struct str){path, len}, out, size);
}

enum fault_code file_sync_folder(const char *path, struct fault *fault)
{
    int fd = os_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot open the folder %s", path);
    enum fault_code code = FAULT_NONE;
    if (os_fsync(fd) < 0)
        code = fault_errno(fault, errno, "cannot flush the folder %s to disk", path);
    os_close(fd);
    return code;
}

enum fault_code file_replace(const char *path, struct str content, unsigned mode,
                             struct fault *fault)
{
    char temporary[PATH_MAX];
    char folder[PATH_MAX];
    uint64_t unique;
    if (os_random(&unique, sizeof unique) < 0)
        return fault_errno(fault, errno, "no random numbers for a temporary name");
    int len =
        snprintf(temporary, sizeof temporary, "%s.%016llx.tmp", path, (unsigned long long)unique);
    if (len < 0 || (size_t)len >= sizeof temporary || !folder_of(path, folder, sizeof folder))
        return fault_set(fault, FAULT_INPUT, "the path %s is too long", path);

    enum fault_code code = write_new(temporary, content, mode, fault);
    if (code == FAULT_NONE && os_rename(temporary, path) < 0)
        code = fault_errno(fault, errno, "cannot put %s in place", path);
    if (code != FAULT_NONE) {
        os_unlink(temporary);
        return code;
    }
    return file_sync_folder(folder, fault);
}

enum fault_code file_append(const char *path, struct str line, unsigned mode, bool durable,
                            struct fault *fault)
{
    int fd = os_open(path, O_WRONLY | O_CREAT | O_APPEND, mode);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot open %s", path);
    enum fault_code code = FAULT_NONE;
    ssize_t put = os_write(fd, line.ptr, line.len);
    if (put < 0)
        code = fault_errno(fault, errno, "cannot append to %s", path);
    else if ((size_t)put < line.len)
        code = fault_set(fault, FAULT_IO, "cannot append to %s: only %zd of %zu bytes were taken",
                         path, put, line.len);
    if (code == FAULT_NONE && durable && os_fsync(fd) < 0)
        code = fault_errno(fault, errno, "cannot flush %s to disk", path);
    os_close(fd);
    return code;
}

/* Flushes the name of a new folder. One above it that may be passed through and not read (Splunk's
 * own, for another user) cannot be flushed by us. */
static enum fault_code sync_name(const char *path, struct fault *fault)
{
    char folder[PATH_MAX];
    if (!folder_of(path, folder, sizeof folder))
        return fault_set(fault, FAULT_INPUT, "the path %s is too long", path);
    int fd = os_open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == EACCES)
        return FAULT_NONE;
    if (fd < 0)
        return fault_errno(fault, errno, "cannot open the folder %s", folder);
    enum fault_code code = FAULT_NONE;
    if (os_fsync(fd) < 0)
        code = fault_errno(fault, errno, "cannot flush the folder %s to disk", folder);
    os_close(fd);
    return code;
}

enum fault_code file_make_folder(const char *path, unsigned mode, struct fault *fault)
{
    char part[PATH_MAX];
    if (!str_to_c(str_of(path), part, sizeof part) || part[0] == '\0')
        return fault_set(fault, FAULT_INPUT, "the folder name is empty or too long");
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        int made = os_mkdir(part, mode);
        if (made < 0 && errno != EEXIST)
            return fault_errno(fault, errno, "cannot make the folder %s", part);
        enum fault_code code = made == 0 ? sync_name(part, fault) : FAULT_NONE;
        if (code != FAULT_NONE)
            return code;
        *at = kept;
        if (kept == '\0')
            return FAULT_NONE;
    }
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(((const struct file_entry *)a)->name, ((const struct file_entry *)b)->name);
}

/* Puts the folder's plain files into entries[room]; those beyond are only counted. */
static enum fault_code read_entries(DIR *dir, struct arena *arena, struct file_entry *entries,
                                    size_t room, size_t *out_count, struct fault *fault)
{
    size_t count = 0;
    const struct dirent *at;
    while ((at = readdir(dir))) {
        struct stat info;
        if (fstatat(dirfd(dir), at->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (entries && count < room) {
            entries[count].name = arena_copy(arena, str_of(at->d_name));
            entries[count].size = info.st_size;
            entries[count].changed_us =
                (int64_t)info.st_mtim.tv_sec * 1000000 + info.st_mtim.tv_nsec / 1000;
            if (!entries[count].name.ptr)
                return fault_set(fault, FAULT_NO_MEMORY, "no memory left to list a folder");
        }
        count++;
    }
    *out_count = count;
    return FAULT_NONE;
}

enum fault_code file_list(const char *folder, struct arena *arena, struct file_entry **out,
                          size_t *out_count, struct fault *fault)
{
    size_t room = 0;
    size_t count;
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no folder %s", folder);
    if (!dir)
        return fault_errno(fault, errno, "cannot open the folder %s", folder);
    enum fault_code code = read_entries(dir, arena, NULL, 0, &count, fault);
    room = count + 16; /* files may come between the two looks */
    struct file_entry *entries = arena_alloc(arena, room * sizeof *entries);
    if (!entries)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left to list %s", folder);
    if (code == FAULT_NONE) {
        rewinddir(dir);
        code = read_entries(dir, arena, entries, room, &count, fault);
    }
    closedir(dir);
    if (code != FAULT_NONE || !entries)
        return code;
    count = count < room ? count : room;
    qsort(entries, count, sizeof *entries, compare_names);
    *out = entries;
    *out_count = count;
    return FAULT_NONE;
}
