#include "service/usage/usage_names.h"

#include <assert.h>

#include "libs/core/os.h"

enum { TEXTS_MAX = 64 << 20, ROOM_LEAST = 16 };

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for names");
}

void usage_names_init(struct usage_names *names)
{
    *names = (struct usage_names){0};
    map_init(&names->numbers);
    arena_init(&names->texts, TEXTS_MAX);
}

void usage_names_done(struct usage_names *names)
{
    map_done(&names->numbers);
    arena_done(&names->texts);
    os_free(names->names);
    usage_names_init(names);
}

static enum fault_code grow(struct usage_names *names, struct fault *fault)
{
    if (names->count < names->room)
        return FAULT_NONE;
    uint32_t room = names->room ? names->room * 2 : ROOM_LEAST;
    struct str **grown = os_resize(names->names, room * sizeof(void *));
    if (!grown)
        return no_memory(fault);
    names->names = grown;
    names->room = room;
    return FAULT_NONE;
}

enum fault_code usage_names_number(struct usage_names *names, struct str name, uint32_t *out,
                                   struct fault *fault)
{
    if (map_get(&names->numbers, name, out))
        return FAULT_NONE;
    enum fault_code code = grow(names, fault);
    if (code != FAULT_NONE)
        return code;
    struct str *kept = arena_alloc(&names->texts, sizeof *kept);
    if (kept)
        *kept = arena_copy(&names->texts, name);
    if (!kept || !kept->ptr || map_put(&names->numbers, *kept, names->count) != FAULT_NONE)
        return no_memory(fault);
    names->names[names->count] = kept;
    *out = names->count++;
    return FAULT_NONE;
}

const struct str *usage_names_of(const struct usage_names *names, uint32_t number)
{
    assert(number < names->count);
    return names->names[number];
}
