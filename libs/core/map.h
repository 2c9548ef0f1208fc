/* A table from text to a number, in memory. Keys are borrowed and must outlive the table. */
#ifndef IG_CORE_MAP_H
#define IG_CORE_MAP_H

#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    uint32_t count;
    uint32_t room; /* a power of two, or 0 */
};

enum { MAP_MAX = 1 << 28 }; /* entries */

void map_init(struct map *map); /* allocates nothing */
void map_done(struct map *map);
void map_clear(struct map *map); /* keeps the memory */

bool map_get(const struct map *map, struct str key, uint32_t *out_value);

/* Sets or replaces; FAULT_NO_MEMORY or FAULT_LIMIT leave the table as it was. */
enum fault_code map_put(struct map *map, struct str key, uint32_t value) MUST_USE;

#endif
