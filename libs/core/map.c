#include "libs/core/map.h"

#include <string.h>

#include "libs/core/os.h"

struct map_slot {
    struct str key;
    uint64_t hash;
    uint32_t value;
    bool taken;
};

enum { ROOM_LEAST = 64 };

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_done(struct map *map)
{
    os_free(map->slots);
    map_init(map);
}

void map_clear(struct map *map)
{
    if (map->slots)
        memset(map->slots, 0, map->room * sizeof *map->slots);
    map->count = 0;
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_slot *find(struct map_slot *slots, uint32_t room, uint64_t hash, struct str key)
{
    uint64_t mask = room - 1;
    for (uint64_t at = (hash ^ hash >> 32) & mask;; at = (at + 1) & mask) {
        struct map_slot *slot = &slots[at];
        if (!slot->taken || (slot->hash == hash && str_equal(slot->key, key)))
            return slot;
    }
}

bool map_get(const struct map *map, struct str key, uint32_t *out_value)
{
    if (map->count == 0)
        return false;
    const struct map_slot *slot = find(map->slots, map->room, str_hash(key), key);
    if (!slot->taken)
        return false;
    *out_value = slot->value;
    return true;
}

static enum fault_code grow(struct map *map)
{
    uint32_t room = map->room ? map->room * 2 : ROOM_LEAST;
    if (room > MAP_MAX)
        return FAULT_LIMIT;
    struct map_slot *slots = os_alloc(room * sizeof *slots);
    if (!slots)
        return FAULT_NO_MEMORY;
    for (uint32_t i = 0; i < map->room; i++)
        if (map->slots[i].taken)
            *find(slots, room, map->slots[i].hash, map->slots[i].key) = map->slots[i];
    os_free(map->slots);
    map->slots = slots;
    map->room = room;
    return FAULT_NONE;
}

enum fault_code map_put(struct map *map, struct str key, uint32_t value)
{
    /* At most three quarters full, so that a search ends soon and always finds a free slot. */
    if (map->count + 1 > map->room / 4 * 3) {
        enum fault_code code = grow(map);
        if (code != FAULT_NONE)
            return code;
    }
    uint64_t hash = str_hash(key);
    struct map_slot *slot = find(map->slots, map->room, hash, key);
    if (!slot->taken)
        map->count++;
    *slot = (struct map_slot){.key = key, .hash = hash, .value = value, .taken = true};
    return FAULT_NONE;
}
