/* Open reservations of a tenant in this process: places in a table, and for each second a list of
 * those that end in it, so that making one and ending one cost the same however many there are. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

enum { ROOM_FIRST = 64, PLACE_BITS = 18 };

_Static_assert(HOLDS_MAX == 1 << PLACE_BITS, "a number's low bits are its place");

static bool grow(struct tenant *tenant, int64_t monotonic_us)
{
    if (tenant->hold_room == HOLDS_MAX)
        return false;
    if (!tenant->wheel) {
        tenant->wheel = os_alloc(WHEEL_SECONDS * sizeof *tenant->wheel);
        if (!tenant->wheel)
            return false;
        for (int i = 0; i < WHEEL_SECONDS; i++)
            tenant->wheel[i] = -1;
        tenant->wheel_s = monotonic_us / SECOND_US;
    }
    int32_t room = tenant->hold_room ? tenant->hold_room * 2 : ROOM_FIRST;
    struct hold *holds = os_resize(tenant->holds, (size_t)room * sizeof *holds);
    if (!holds)
        return false;
    memset(holds + tenant->hold_room, 0, (size_t)(room - tenant->hold_room) * sizeof *holds);
    for (int32_t i = tenant->hold_room; i < room; i++)
        holds[i].next = i + 1 < room ? i + 1 : -1;
    tenant->hold_empty = tenant->hold_room;
    tenant->holds = holds;
    tenant->hold_room = room;
    return true;
}

/* The second after the one it ends in: by then it has. */
static int32_t *list_of(struct tenant *tenant, int64_t expires_us)
{
    return &tenant->wheel[(expires_us / SECOND_US + 1) & (WHEEL_SECONDS - 1)];
}

struct hold *budgets_hold_new(struct tenant *tenant, int64_t ttl_s, int64_t monotonic_us)
{
    if (tenant->hold_empty < 0 && !grow(tenant, monotonic_us))
        return NULL;
    int32_t place = tenant->hold_empty;
    struct hold *hold = &tenant->holds[place];
    tenant->hold_empty = hold->next;
    tenant->hold_count++;
    hold->number = ++tenant->reservations << PLACE_BITS | place;
    hold->expires_us = monotonic_us + ttl_s * SECOND_US + TICK_MS * INT64_C(1000);
    hold->settling = 0;
    hold->doubtful = false;
    hold->is_ours = false;
    hold->is_lost = false;
    hold->count = 0;
    int32_t *list = list_of(tenant, hold->expires_us);
    hold->before = -1;
    hold->next = *list;
    if (*list >= 0)
        tenant->holds[*list].before = place;
    *list = place;
    return hold;
}

struct hold *budgets_hold_find(struct tenant *tenant, int64_t node, int64_t number)
{
    int64_t place = number & (HOLDS_MAX - 1);
    if (number <= 0 || place >= tenant->hold_room)
        return NULL;
    struct hold *hold = &tenant->holds[place];
    return hold->number == number && hold->node == node ? hold : NULL;
}

static void end_part(struct hold_part *part, bool freed)
{
    struct state *state = part->state;
    if (!part->is_held) {
        state->soft -= part->amount;
    } else {
        state->open -= part->amount;
        state->free += freed ? part->amount : 0;
    }
    assert(state->soft >= 0 && state->open >= 0 && state->holds > 0);
    state->holds--;
    state->exhausted_until_us = 0; /* there may be something again */
}

void budgets_hold_end(struct tenant *tenant, struct hold *hold, bool freed)
{
    int32_t place = (int32_t)(hold - tenant->holds);
    assert(hold->number != 0);
    for (int i = 0; i < hold->count; i++)
        end_part(&hold->parts[i], freed);
    if (hold->before >= 0)
        tenant->holds[hold->before].next = hold->next;
    else
        *list_of(tenant, hold->expires_us) = hold->next;
    if (hold->next >= 0)
        tenant->holds[hold->next].before = hold->before;
    hold->number = 0;
    hold->next = tenant->hold_empty;
    tenant->hold_empty = place;
    tenant->hold_count--;
}

bool budgets_hold_is_due(const struct tenant *tenant, int64_t monotonic_us)
{
    return tenant->hold_count > 0 && monotonic_us / SECOND_US > tenant->wheel_s;
}

void budgets_hold_expire(struct tenant *tenant, int64_t monotonic_us)
{
    if (!tenant->wheel)
        return;
    int64_t now_s = monotonic_us / SECOND_US;
    if (tenant->hold_count == 0 || now_s - tenant->wheel_s > WHEEL_SECONDS)
        tenant->wheel_s = now_s - (tenant->hold_count == 0 ? 0 : WHEEL_SECONDS);
    while (tenant->wheel_s < now_s) {
        tenant->wheel_s++;
        int32_t place = tenant->wheel[tenant->wheel_s & (WHEEL_SECONDS - 1)];
        while (place >= 0) {
            struct hold *hold = &tenant->holds[place];
            int32_t next = hold->next;
            /* Of one whose settlement is not known the outcome decides, not the clock. */
            if (hold->expires_us <= monotonic_us && hold->settling == 0 && !hold->doubtful)
                budgets_hold_end(tenant, hold, true);
            place = next;
        }
    }
}

void budgets_hold_soften(struct tenant *tenant)
{
    for (int32_t i = 0; i < tenant->hold_room; i++) {
        struct hold *hold = &tenant->holds[i];
        for (int part = 0; hold->number != 0 && part < hold->count; part++) {
            struct hold_part *held = &hold->parts[part];
            if (!held->is_held)
                continue;
            held->is_held = false;
            hold->is_lost = true;
            held->state->open -= held->amount;
            held->state->soft += held->amount;
        }
    }
    for (struct state *state = tenant->states; state; state = state->next) {
        state->free = 0;
        state->surplus = 0;
        state->told = 0;
        state->doubtful = false;
        state->exhausted_until_us = 0;
    }
}
