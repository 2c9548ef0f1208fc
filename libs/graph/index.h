/* Where in an array a thing stands, by its hash: open addressing, at most half full, so that a miss
 * ends after a slot or two. The array's owner compares. For this room only. */
#ifndef IG_GRAPH_INDEX_H
#define IG_GRAPH_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct graph_index {
    uint64_t *slots; /* the hash's upper half, then the place + 1; 0 is free */
    uint32_t mask;   /* slots - 1, or 0 when there are none */
    uint32_t count;
};

#define GRAPH_INDEX_NONE UINT32_MAX

void graph_index_done(struct graph_index *index);

/* Makes room for one more; false when memory is refused, the index being as before. */
bool graph_index_reserve(struct graph_index *index, uint64_t (*hash_at)(const void *, uint32_t),
                         const void *owner);

/* After graph_index_reserve; `place` is not in the index yet. */
void graph_index_add(struct graph_index *index, uint64_t hash, uint32_t place);

/* Walks the places that may have `hash`: start with *at = (uint32_t)hash, call until NONE. */
static inline uint32_t graph_index_next(const struct graph_index *index, uint64_t hash,
                                        uint32_t *at)
{
    if (!index->slots)
        return GRAPH_INDEX_NONE;
    for (;;) {
        uint64_t slot = index->slots[(*at)++ & index->mask];
        if (slot == 0)
            return GRAPH_INDEX_NONE;
        if (slot >> 32 == hash >> 32)
            return (uint32_t)slot - 1;
    }
}

#endif
