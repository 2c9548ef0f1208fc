/* ighandoff's arguments. */
#ifndef IG_NATIVE_ARGS_H
#define IG_NATIVE_ARGS_H

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/scp/getinfo.h"

enum { ARGS_FIELDS_MAX = 256, ARGS_TEXT_MAX = 256 };

struct args {
    struct str title;
    struct str investigation;
    struct str instance; /* empty: the one that the admin says */
    bool dryrun;
    int64_t max_entities; /* 0: not given */
    size_t field_count;   /* 0: all mapped fields */
    struct str fields[ARGS_FIELDS_MAX];
};

/* Reads what getinfo gave. An unknown argument is FAULT_INPUT and names the nearest known one. */
enum fault_code args_read(const struct scp_getinfo *info, struct args *out,
                          struct fault *fault) MUST_USE;

/* Sets one of them by its name. An unknown one is FAULT_INPUT and names the nearest known one. */
enum fault_code args_set(struct args *args, struct str name, struct str value,
                         struct fault *fault) MUST_USE;

/* Adds those that were given, each after a blank, in a fixed order, without title and dryrun. */
void args_add_given(const struct args *args, struct buf *out);

/* Adds the command in one canonical spelling: its name and the arguments that were given, in a
 * fixed order, without dryrun. Part of a hand-off's identity, so that two different ighandoff in
 * one search are two hand-offs. */
void args_add_canonical(const struct args *args, struct buf *out);

#endif
