#include "service/identity/identity_flood.h"

static uint64_t key_of(struct str who, struct str what)
{
    return (str_hash(who) * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(what)) | 1;
}

/* NULL: there is no slot of that key. */
static const struct identity_flood_slot *look_up(const struct identity_flood *flood, uint64_t key)
{
    for (size_t i = 0; i < IDENTITY_FLOOD_ROOM; i++)
        if (flood->slots[i].key == key)
            return &flood->slots[i];
    return NULL;
}

static struct identity_flood_slot *find(struct identity_flood *flood, uint64_t key)
{
    const struct identity_flood_slot *slot = look_up(flood, key);
    return slot ? &flood->slots[slot - flood->slots] : NULL;
}

static bool was_lately(const struct identity_flood_slot *slot, int64_t every_us, int64_t now_us)
{
    int64_t age_us = now_us - slot->last_us;
    return age_us >= 0 && age_us < every_us;
}

/* A free slot, or the one whose record is the oldest. */
static struct identity_flood_slot *claim(struct identity_flood *flood)
{
    struct identity_flood_slot *oldest = &flood->slots[0];
    for (size_t i = 0; i < IDENTITY_FLOOD_ROOM && oldest->key != 0; i++)
        if (flood->slots[i].key == 0 || flood->slots[i].last_us < oldest->last_us)
            oldest = &flood->slots[i];
    return oldest;
}

static bool second_is_full(struct identity_flood *flood, int64_t now_us)
{
    if (flood->most_in_second == 0)
        return false;
    if (flood->second != now_us / 1000000) {
        flood->second = now_us / 1000000;
        flood->in_second = 0;
    }
    return flood->in_second >= flood->most_in_second;
}

bool identity_flood_passes(struct identity_flood *flood, struct str who, struct str what,
                           int64_t now_us, int64_t *out_suppressed)
{
    uint64_t key = key_of(who, what);
    struct identity_flood_slot *slot = find(flood, key);
    if ((slot && was_lately(slot, flood->every_us, now_us)) || second_is_full(flood, now_us)) {
        if (slot)
            slot->suppressed++;
        else
            flood->suppressed_of_others++;
        return false;
    }
    flood->in_second++;
    int64_t suppressed = flood->suppressed_of_others;
    if (!slot) {
        slot = claim(flood);
        suppressed += slot->suppressed;
        slot->suppressed = 0;
    }
    *out_suppressed = suppressed + slot->suppressed;
    flood->suppressed_of_others = 0;
    *slot = (struct identity_flood_slot){.key = key, .last_us = now_us};
    return true;
}

bool identity_flood_is_due(const struct identity_flood *flood, struct str who, struct str what,
                           int64_t now_us)
{
    const struct identity_flood_slot *slot = look_up(flood, key_of(who, what));
    return !slot || !was_lately(slot, flood->every_us, now_us);
}

void identity_flood_forget(struct identity_flood *flood, struct str who, struct str what)
{
    struct identity_flood_slot *slot = find(flood, key_of(who, what));
    if (slot)
        slot->last_us = INT64_MIN / 2;
}
