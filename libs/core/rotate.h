/* A log of lines that many processes append to, and that does not grow for ever: at its limit it
 * becomes path.1, what was path.1 becomes path.2, and the oldest goes. */
#ifndef IG_CORE_ROTATE_H
#define IG_CORE_ROTATE_H

#include "libs/core/file.h"

struct rotate {
    size_t most_bytes; /* of one file, but for a longer line */
    unsigned keep;     /* older files: path.1 .. path.<keep>; at least 1 */
};

/* Appends `line` (its newline included) with one write, creating the file with `mode` at need, and
 * turns the files over before that when the line would take it over the limit. Every line is in
 * exactly one file, whoever appends and turns meanwhile. When the files cannot be turned the line
 * is appended all the same. With `durable`, fsyncs, a new file's name too. */
enum fault_code rotate_append(const char *path, const struct rotate *rotate, struct str line,
                              unsigned mode, bool durable, struct fault *fault) MUST_USE;

#endif
