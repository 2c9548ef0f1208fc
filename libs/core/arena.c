#include "libs/core/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "libs/core/os.h"

enum { BLOCK_LEAST = 16 * 1024, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *older;
    size_t room;
    size_t used;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        os_free(block);
        block = older;
    }
}

void arena_done(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used = 0;
    arena->starved = false;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block; block = block->older)
        explicit_bzero(block->data, block->room);
    arena_done(arena);
}

void arena_reset(struct arena *arena)
{
    if (arena->blocks) {
        free_blocks(arena->blocks->older);
        arena->blocks->older = NULL;
        arena->blocks->used = 0;
    }
    arena->used = 0;
    arena->starved = false;
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    /* Doubling keeps the number of blocks logarithmic; a reset then keeps the largest. */
    size_t room = arena->blocks ? arena->blocks->room * 2 : BLOCK_LEAST;
    if (room > arena->limit)
        room = arena->limit;
    if (room < size)
        room = size;
    struct arena_block *block = os_resize(NULL, sizeof *block + room);
    arena->starved = arena->starved || !block;
    if (!block)
        return NULL;
    block->older = arena->blocks;
    block->room = room;
    block->used = 0;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (size > arena->limit - arena->used)
        return NULL;
    struct arena_block *block = arena->blocks;
    if (!block || block->room - block->used < size)
        block = add_block(arena, size);
    if (!block)
        return NULL;
    void *ptr = block->data + block->used;
    block->used += size;
    arena->used += size;
    memset(ptr, 0, size);
    return ptr;
}

struct str arena_copy(struct arena *arena, struct str s)
{
    if (s.len == SIZE_MAX)
        return (struct str){NULL, 0};
    char *copy = arena_alloc(arena, s.len + 1);
    if (!copy)
        return (struct str){NULL, 0};
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}
