/* Whole files: read with a limit, replace so that a power cut leaves the old or the new, append. */
#ifndef IG_CORE_FILE_H
#define IG_CORE_FILE_H

#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

/* Appends the file's bytes to `out` (its limit holds). FAULT_NOT_FOUND when there is no such file.
 */
enum fault_code file_read(const char *path, struct buf *out, struct fault *fault) MUST_USE;

/* As file_read, of a secret: a file that its group or others may do anything with, and what is no
 * plain file, is FAULT_DENIED. */
enum fault_code file_read_private(const char *path, struct buf *out, struct fault *fault) MUST_USE;

/* Puts `content` at `path`: a temporary file beside it, fsync, rename, fsync of the folder.
 * `mode` as for open, e.g. 0600. On failure the old file stands and the temporary one is gone. */
enum fault_code file_replace(const char *path, struct str content, unsigned mode,
                             struct fault *fault) MUST_USE;

/* Appends `line` (its newline included) with one write, creating the file with `mode` at need.
 * A cut write (disk full) is an error. With `durable`, fsyncs. */
enum fault_code file_append(const char *path, struct str line, unsigned mode, bool durable,
                            struct fault *fault) MUST_USE;

/* Makes the folder and those above it that are missing, with `mode`; what it has made survives a
 * power cut. */
enum fault_code file_make_folder(const char *path, unsigned mode, struct fault *fault) MUST_USE;

/* Flushes a folder's entries (a created or renamed file) to disk. */
enum fault_code file_sync_folder(const char *path, struct fault *fault) MUST_USE;

struct file_entry {
    struct str name;
    int64_t size;       /* bytes */
    int64_t changed_us; /* when its content last changed, UTC */
};

/* The plain files of a folder, by name. The list lives in the arena. FAULT_NOT_FOUND when there is
 * no such folder. */
enum fault_code file_list(const char *folder, struct arena *arena, struct file_entry **out,
                          size_t *out_count, struct fault *fault) MUST_USE;

/* Writes everything or fails. */
enum fault_code file_write_all(int fd, struct str data, const char *name,
                               struct fault *fault) MUST_USE;

#endif
