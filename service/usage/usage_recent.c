#include "service/usage/usage_recent.h"

#include <assert.h>

#include "libs/core/os.h"

enum { AGES = 2, BITS_LEAST = 10, BITS_MOST = 21 };

_Static_assert(1 << BITS_MOST == 2 * USAGE_RECENT, "a full age is half empty");

/* When one is full, the older one goes as a whole. */
struct age {
    uint64_t *slots; /* hash, then seq - first + 1; 0: free. Open addressing by the hash's top */
    int bits;        /* of the number of slots */
    uint32_t count;
    int64_t first_seq;
    int64_t latest_ms;
};

struct usage_recent {
    struct age ages[AGES]; /* newest first */
    int64_t gone_ms;
};

enum fault_code usage_recent_new(struct usage_recent **out, struct fault *fault)
{
    struct usage_recent *recent = os_alloc(sizeof *recent);
    if (!recent)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to know recent events");
    recent->gone_ms = -1;
    *out = recent;
    return FAULT_NONE;
}

void usage_recent_free(struct usage_recent *taken)
{
    if (!taken)
        return;
    for (int i = 0; i < AGES; i++)
        os_free(taken->ages[i].slots);
    os_free(taken);
}

void usage_recent_clear(struct usage_recent *recent)
{
    for (int i = 0; i < AGES; i++)
        os_free(recent->ages[i].slots);
    *recent = (struct usage_recent){.gone_ms = -1};
}

int64_t usage_recent_gone_ms(const struct usage_recent *recent)
{
    return recent->gone_ms;
}

void usage_recent_gone(struct usage_recent *recent, int64_t time_ms)
{
    if (time_ms > recent->gone_ms)
        recent->gone_ms = time_ms;
}

/* --- putting -------------------------------------------------------------------------------- */

static uint32_t mask_of(const struct age *age)
{
    return (UINT32_C(1) << age->bits) - 1;
}

static uint32_t first_slot(const struct age *age, uint32_t hash)
{
    return hash >> (32 - age->bits);
}

static void place(struct age *age, uint64_t slot)
{
    uint32_t at = first_slot(age, (uint32_t)(slot >> 32));
    while (age->slots[at])
        at = (at + 1) & mask_of(age);
    age->slots[at] = slot;
}

static enum fault_code grow(struct age *age, struct fault *fault)
{
    struct age grown = *age;
    grown.bits = age->slots ? age->bits + 1 : BITS_LEAST;
    grown.slots = os_alloc(sizeof *grown.slots << grown.bits);
    if (!grown.slots)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to know recent events");
    for (uint32_t i = 0; age->slots && i <= mask_of(age); i++)
        if (age->slots[i])
            place(&grown, age->slots[i]);
    os_free(age->slots);
    *age = grown;
    return FAULT_NONE;
}

static void begin_age(struct usage_recent *recent)
{
    struct age *oldest = &recent->ages[AGES - 1];
    if (oldest->count > 0)
        usage_recent_gone(recent, oldest->latest_ms);
    os_free(oldest->slots);
    for (int i = AGES - 1; i > 0; i--)
        recent->ages[i] = recent->ages[i - 1];
    recent->ages[0] = (struct age){0};
}

enum fault_code usage_recent_put(struct usage_recent *recent, uint32_t hash, int64_t seq,
                                 int64_t time_ms, struct fault *fault)
{
    struct age *age = &recent->ages[0];
    if (age->count == USAGE_RECENT || (age->count > 0 && seq - age->first_seq >= UINT32_MAX))
        begin_age(recent);
    if (!age->slots || age->count >= (UINT32_C(1) << age->bits) / 2) {
        enum fault_code code = grow(age, fault);
        if (code != FAULT_NONE)
            return code;
    }
    if (age->count == 0) {
        age->first_seq = seq;
        age->latest_ms = time_ms;
    }
    assert(seq >= age->first_seq && "in the order of seq");
    place(age, (uint64_t)hash << 32 | (uint64_t)(seq - age->first_seq + 1));
    age->count++;
    if (time_ms > age->latest_ms)
        age->latest_ms = time_ms;
    return FAULT_NONE;
}

/* --- looking -------------------------------------------------------------------------------- */

static void enter(struct usage_recent_look *look)
{
    const struct age *age = &look->recent->ages[look->age];
    if (age->slots)
        look->at = first_slot(age, look->hash);
}

struct usage_recent_look usage_recent_look(const struct usage_recent *recent, uint32_t hash)
{
    struct usage_recent_look look = {.recent = recent, .hash = hash};
    enter(&look);
    return look;
}

bool usage_recent_next(struct usage_recent_look *look, int64_t *out_seq)
{
    while (look->age < AGES) {
        const struct age *age = &look->recent->ages[look->age];
        uint64_t slot = age->slots ? age->slots[look->at] : 0;
        if (slot == 0) {
            if (++look->age < AGES)
                enter(look);
            continue;
        }
        look->at = (look->at + 1) & mask_of(age);
        if (slot >> 32 == look->hash) {
            *out_seq = age->first_seq + (int64_t)(slot & UINT32_MAX) - 1;
            return true;
        }
    }
    return false;
}
