/* The arguments of a command, by a table: each known, each once, each within its limits. */
#ifndef IG_NATIVE_OPTIONS_H
#define IG_NATIVE_OPTIONS_H

#include "libs/core/fault.h"
#include "libs/scp/getinfo.h"

enum option_type { OPTION_TEXT, OPTION_WHOLE };

struct option {
    const char *name;
    const char *form; /* "limit=<1 to 10000>": for messages */
    enum option_type type;
    size_t offset; /* of the struct str or int64_t in the struct that is filled */
    int64_t least; /* of a number; bytes of a text */
    int64_t most;
};

/* Fills the struct at `out`; arguments that are not given leave theirs as it was. FAULT_INPUT names
 * the nearest known one for one that is not known, and the usage. */
enum fault_code options_read(const struct scp_getinfo *info, const char *usage,
                             const struct option *table, size_t count, void *out,
                             struct fault *fault) MUST_USE;

#endif
