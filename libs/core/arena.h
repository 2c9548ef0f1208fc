/* Memory of one unit of work: taken piece by piece, given back all at once. */
#ifndef IG_CORE_ARENA_H
#define IG_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "libs/core/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since the last reset, padding included */
    size_t limit;               /* never exceeded */
    bool starved;               /* the system, not the limit, has refused since the last reset */
};

void arena_init(struct arena *arena, size_t limit); /* allocates nothing */
void arena_done(struct arena *arena);
void arena_reset(struct arena *arena); /* forgets all, keeps the newest block for reuse */
void arena_wipe(struct arena *arena);  /* as arena_done, over memory that held secrets */

/* Zeroed memory aligned for any object, valid until reset; NULL when the limit or the system
 * refuses. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of s that ends in NUL (not counted); ptr is NULL when refused. */
struct str arena_copy(struct arena *arena, struct str s);

#endif
