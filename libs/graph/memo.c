#include "libs/graph/memo.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

enum { SLOTS = 4096 }; /* 512 KiB, touched as far as used */

struct slot {
    struct graph_memo_entry entry;
    uint8_t is_set;
    uint8_t type;
    uint8_t len;
    char raw[GRAPH_MEMO_TEXT_MAX];
};

struct graph_memo {
    struct slot slots[SLOTS];
};

_Static_assert(sizeof(struct slot) == 128, "a slot is two cache lines");

struct graph_memo *graph_memo_new(void)
{
    return os_alloc(sizeof(struct graph_memo));
}

void graph_memo_free(struct graph_memo *taken)
{
    os_free(taken);
}

bool graph_memo_get(const struct graph_memo *memo, int type, struct str raw, uint64_t key,
                    struct graph_memo_entry *out)
{
    const struct slot *slot = &memo->slots[key % SLOTS];
    if (!slot->is_set || slot->len != raw.len || slot->type != type ||
        (raw.len > 0 && memcmp(slot->raw, raw.ptr, raw.len) != 0))
        return false;
    *out = slot->entry;
    return true;
}

void graph_memo_put(struct graph_memo *memo, int type, struct str raw, uint64_t key,
                    const struct graph_memo_entry *entry)
{
    struct slot *slot = &memo->slots[key % SLOTS];
    assert(raw.len <= GRAPH_MEMO_TEXT_MAX);
    slot->entry = *entry;
    slot->is_set = 1;
    slot->type = (uint8_t)type;
    slot->len = (uint8_t)raw.len;
    if (raw.len > 0)
        memcpy(slot->raw, raw.ptr, raw.len);
}
