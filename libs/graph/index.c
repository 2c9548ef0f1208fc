#include "libs/graph/index.h"

#include "libs/core/os.h"

enum { SLOTS_LEAST = 256 };

void graph_index_done(struct graph_index *index)
{
    os_free(index->slots);
    *index = (struct graph_index){0};
}

static void put(struct graph_index *index, uint64_t hash, uint32_t place)
{
    uint32_t at = (uint32_t)hash;
    while (index->slots[at & index->mask] != 0)
        at++;
    index->slots[at & index->mask] = hash >> 32 << 32 | (place + 1);
}

bool graph_index_reserve(struct graph_index *index, uint64_t (*hash_at)(const void *, uint32_t),
                         const void *owner)
{
    uint32_t room = index->slots ? index->mask + 1 : 0;
    if (index->count + 1 <= room / 2)
        return true;
    struct graph_index larger = {.mask = (room ? room * 2 : SLOTS_LEAST) - 1};
    larger.slots = os_alloc(((size_t)larger.mask + 1) * sizeof *larger.slots);
    if (!larger.slots)
        return false;
    larger.count = index->count;
    for (uint32_t place = 0; place < index->count; place++)
        put(&larger, hash_at(owner, place), place);
    os_free(index->slots);
    *index = larger;
    return true;
}

void graph_index_add(struct graph_index *index, uint64_t hash, uint32_t place)
{
    put(index, hash, place);
    index->count++;
}
