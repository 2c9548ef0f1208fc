/* Names, each with a number: 0, 1, 2 ... in the order in which they are first asked for. */
#ifndef IG_USAGE_NAMES_H
#define IG_USAGE_NAMES_H

#include "libs/core/arena.h"
#include "libs/core/map.h"

struct usage_names {
    struct map numbers;
    struct arena texts;
    struct str **names; /* by number; where they lie they stay */
    uint32_t count;
    uint32_t room;
};

void usage_names_init(struct usage_names *names);
void usage_names_done(struct usage_names *names);

enum fault_code usage_names_number(struct usage_names *names, struct str name, uint32_t *out,
                                   struct fault *fault) MUST_USE;
const struct str *usage_names_of(const struct usage_names *names, uint32_t number);

#endif
