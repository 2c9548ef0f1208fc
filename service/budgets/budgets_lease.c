/* Slices: what of a budget the store lends to this process, and what goes back.
 *
 * Everything here runs in one thread a tenant (`slow`), so that what is asked for is asked once for
 * all who wait. Write transactions follow each other over all processes, and what is used is read
 * within them: used + held <= limit is true whenever something is lent. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/budgets/budgets_used.h"
#include "service/usage/usage_ledger.h"

enum { SCRATCH_MAX = 16 << 20, DOUBTS_MAX = 64, ROUNDS_MAX = HOLDS_MAX / DOUBTS_MAX };

static struct budgets_slice_key key_of(const struct tenant *tenant, const struct state *state)
{
    return (struct budgets_slice_key){str_of(tenant->name), str_of(state->id),
                                      state->period.from_us};
}

/* --- taking --------------------------------------------------------------------------------- */

struct lease_item {
    struct applies *applies;
    int64_t want;
    __int128 soft;
    int64_t granted;
    int64_t used;
    int64_t others;
    bool is_short;
};

struct lease {
    struct budgets *budgets;
    struct tenant *tenant;
    int64_t node;
    bool is_alive;
    struct lease_item items[BUDGETS_APPLY_MAX];
    int count;
    struct arena scratch;
};

/* As much as is wanted, and while there is plenty a part of the rest, so that the next decisions
 * need no store; a process that is alone takes more. */
static int64_t grant_of(const struct lease *lease, const struct lease_item *item, __int128 left)
{
    int64_t others = atomic_load(&lease->budgets->others);
    __int128 spare = left - item->want;
    __int128 grant = item->want;
    if (spare > 0)
        grant += spare / (others == 0 ? 2 : SLICE_SHARE * (others + 1));
    return (int64_t)(grant < left ? grant : left);
}

static enum fault_code take(struct lease *lease, struct lease_item *item, struct store *store,
                            struct fault *fault)
{
    struct budgets_slice_key key = key_of(lease->tenant, item->applies->state);
    struct budgets_claims claims;
    bool there;
    enum fault_code code = budgets_used_read(
        store, key.tenant, item->applies->row, &lease->tenant->config->prices,
        item->applies->state->period, os_now_us(), &lease->scratch, &item->used, fault);
    if (code == FAULT_NONE)
        code = budgets_slice_claims(store, &key, lease->node, &claims, fault);
    arena_reset(&lease->scratch);
    if (code != FAULT_NONE)
        return code;
    /* This process' reservations without a hold are known here alone. */
    __int128 left = (__int128)item->applies->limit - item->used - claims.all - item->soft;
    item->others = budgets_cap(claims.reserved);
    item->granted = left > 0 ? grant_of(lease, item, left) : 0;
    item->is_short = item->granted < item->want;
    if (item->granted > 0)
        code = budgets_slice_add(store, &key, lease->node, item->granted, &there, fault);
    if (code == FAULT_NONE && item->is_short)
        code = budgets_slice_recall(store, &key, lease->node, fault);
    return code;
}

static enum fault_code take_all(struct store *store, void *context, struct fault *fault)
{
    struct lease *lease = context;
    /* Events that share this transaction are gathered; what is lent must know of them. */
    enum fault_code code = usage_ledger_settle(store, fault);
    /* The beat tells whether this process is still one of them: what is dead is lent nothing. */
    if (code == FAULT_NONE)
        code = budgets_node_beat(store, lease->node, &lease->is_alive, fault);
    for (int i = 0; i < lease->count && lease->is_alive && code == FAULT_NONE; i++)
        code = take(lease, &lease->items[i], store, fault);
    return code;
}

static void begin_items(struct lease *lease, struct applies *const *wanted)
{
    for (int i = 0; i < lease->count; i++) {
        struct state *state = wanted[i]->state;
        lease->items[i] =
            (struct lease_item){.applies = wanted[i], .want = state->want, .soft = state->soft};
        state->want = 0;
    }
}

static void end_items(struct lease *lease, enum fault_code code)
{
    int64_t now_us = os_monotonic_us();
    /* Fenced meanwhile: what was granted went with the old number. */
    bool is_ours = atomic_load(&lease->budgets->node) == lease->node;
    for (int i = 0; i < lease->count; i++) {
        struct lease_item *item = &lease->items[i];
        struct state *state = item->applies->state;
        if (code != FAULT_NONE) {
            state->doubtful = true; /* it may have been kept */
            continue;
        }
        state->used = item->used;
        state->counted = 0;
        state->others = item->others;
        state->free += is_ours ? item->granted : 0;
        if (item->is_short)
            state->exhausted_until_us = now_us + EXHAUSTED_MS * INT64_C(1000);
    }
}

static enum fault_code lease_once(struct lease *lease, struct fault *fault)
{
    enum fault_code code = budgets_node_ready(lease->budgets, &lease->node, fault);
    if (code != FAULT_NONE)
        return code;
    arena_init(&lease->scratch, SCRATCH_MAX);
    code = store_pool_write(lease->budgets->pool, take_all, lease, fault);
    arena_done(&lease->scratch);
    return code;
}

enum fault_code budgets_lease(struct budgets *budgets, struct tenant *tenant,
                              struct applies *const *wanted, int count, struct fault *fault)
{
    struct lease lease = {.budgets = budgets, .tenant = tenant, .count = count};
    assert(tenant->slow && count <= BUDGETS_APPLY_MAX);
    begin_items(&lease, wanted);
    pthread_mutex_unlock(&tenant->lock);
    enum fault_code code = lease_once(&lease, fault);
    if (code == FAULT_NONE && !lease.is_alive) {
        code = budgets_node_renew(budgets, GRACE_LEAST_S, fault);
        if (code == FAULT_NONE)
            code = lease_once(&lease, fault);
        if (code == FAULT_NONE && !lease.is_alive)
            code = fault_set(fault, FAULT_UNAVAILABLE,
                             "this process was taken for dead twice; ask again");
    }
    pthread_mutex_lock(&tenant->lock);
    end_items(&lease, code);
    return code;
}

/* --- giving back ---------------------------------------------------------------------------- */

struct giving_item {
    struct state *state;
    int64_t back;
    int64_t reserved;
    /* Of a doubtful one: what it is set to, however it was. */
    bool is_set;
    int64_t held;
};

struct doubt {
    int64_t number;
    int64_t node;
    bool settled;
};

enum { GIVING_MAX = 64 };

struct giving {
    struct budgets *budgets;
    struct tenant *tenant;
    int64_t node;
    struct giving_item items[GIVING_MAX];
    int count;
    struct doubt doubts[DOUBTS_MAX];
    int doubt_count;
    bool has_more; /* reservations in doubt than are looked at this time */
};

/* How much less than `open` is held, as settled reservations turned out to be gone. */
static int64_t settled_of(const struct giving *giving, const struct state *state)
{
    int64_t sum = 0;
    for (int i = 0; i < giving->doubt_count; i++) {
        const struct doubt *doubt = &giving->doubts[i];
        const struct hold *hold =
            doubt->settled ? budgets_hold_find(giving->tenant, doubt->node, doubt->number) : NULL;
        for (int part = 0; hold && part < hold->count; part++)
            if (hold->parts[part].state == state && hold->parts[part].is_held)
                sum += hold->parts[part].amount;
    }
    return sum;
}

static enum fault_code set_item(struct giving *giving, const struct giving_item *item,
                                struct store *store, struct fault *fault)
{
    struct budgets_slice_key key = key_of(giving->tenant, item->state);
    /* Nobody else changes what is held now (`syncing`), but decisions move between free and open.
     */
    pthread_mutex_lock(&giving->tenant->lock);
    const struct budgets_slice slice = {
        .node = giving->node,
        .held = item->state->free + item->state->open - settled_of(giving, item->state),
        .reserved = item->reserved,
    };
    pthread_mutex_unlock(&giving->tenant->lock);
    return budgets_slice_set(store, &key, &slice, fault);
}

static enum fault_code give_item(struct giving *giving, const struct giving_item *item,
                                 struct store *store, struct fault *fault)
{
    struct budgets_slice_key key = key_of(giving->tenant, item->state);
    return budgets_slice_give(store, &key, giving->node, item->back, item->reserved, fault);
}

static enum fault_code give_all(struct store *store, void *context, struct fault *fault)
{
    struct giving *giving = context;
    bool is_there = false;
    enum fault_code code = budgets_node_is_there(store, giving->node, &is_there, fault);
    if (code != FAULT_NONE || !is_there)
        return code;
    for (int i = 0; i < giving->doubt_count && code == FAULT_NONE; i++) {
        int64_t quantity;
        struct doubt *doubt = &giving->doubts[i];
        code = budgets_settled_find(store, str_of(giving->tenant->name), doubt->node, doubt->number,
                                    &doubt->settled, &quantity, fault);
    }
    for (int i = 0; i < giving->count && code == FAULT_NONE; i++)
        code = giving->items[i].is_set ? set_item(giving, &giving->items[i], store, fault)
                                       : give_item(giving, &giving->items[i], store, fault);
    return code;
}

void budgets_trim(struct tenant *tenant)
{
    const struct config *config = tenant->config;
    for (size_t i = 0; config && i < config->loaded.count; i++) {
        struct state *state = config->all[i].state;
        __int128 over = (__int128)budgets_state_used(state) + budgets_state_reserved(state) +
                        state->free - config->all[i].limit;
        if (over <= 0 || state->free == 0)
            continue;
        int64_t back = over < state->free ? (int64_t)over : state->free;
        state->free -= back;
        state->surplus += back;
    }
}

/* Whether nothing of what is free should be kept. */
static bool is_to_go(const struct tenant *tenant, const struct state *state, int64_t now_us)
{
    if (state->recalled || now_us - state->asked_us > IDLE_S * SECOND_US ||
        !budgets_state_is_current(tenant, state))
        return true;
    for (size_t i = 0; i < tenant->config->loaded.count; i++) {
        const struct applies *applies = &tenant->config->all[i];
        if (applies->state == state)
            return !applies->refuses || applies->row->definition.mode != BUDGETS_BLOCK;
    }
    return true;
}

static void collect(struct giving *giving, bool all)
{
    struct tenant *tenant = giving->tenant;
    int64_t now_us = os_monotonic_us();
    for (struct state *state = tenant->states; state && giving->count < GIVING_MAX;
         state = state->next) {
        int64_t idle = all || is_to_go(tenant, state, now_us) ? state->free : 0;
        int64_t back = state->surplus + idle;
        int64_t reserved = budgets_cap(state->soft + state->open);
        state->recalled = false;
        if (back == 0 && reserved == state->told && !state->doubtful)
            continue;
        state->free -= idle;
        state->surplus = 0;
        giving->items[giving->count++] = (struct giving_item){
            .state = state, .back = back, .reserved = reserved, .is_set = state->doubtful};
    }
}

static void collect_doubts(struct giving *giving)
{
    struct tenant *tenant = giving->tenant;
    for (int32_t i = 0; i < tenant->hold_room && !giving->has_more; i++) {
        if (tenant->holds[i].number == 0 || !tenant->holds[i].doubtful)
            continue;
        giving->has_more = giving->doubt_count == DOUBTS_MAX;
        if (!giving->has_more)
            giving->doubts[giving->doubt_count++] =
                (struct doubt){tenant->holds[i].number, tenant->holds[i].node, false};
    }
}

static bool has_doubtful(const struct tenant *tenant)
{
    for (const struct state *state = tenant->states; state; state = state->next)
        if (state->doubtful)
            return true;
    return false;
}

static void end_giving(struct giving *giving, enum fault_code code)
{
    struct tenant *tenant = giving->tenant;
    int64_t now_us = os_monotonic_us();
    for (int i = 0; i < giving->count; i++) {
        /* What is still in doubt counts as held, so that less is lent than could be. */
        giving->items[i].state->doubtful =
            code != FAULT_NONE || (giving->items[i].is_set && giving->has_more);
        if (code == FAULT_NONE)
            giving->items[i].state->told = giving->items[i].reserved;
    }
    for (int i = 0; i < giving->doubt_count && code == FAULT_NONE; i++) {
        struct hold *hold =
            budgets_hold_find(tenant, giving->doubts[i].node, giving->doubts[i].number);
        if (!hold)
            continue;
        hold->doubtful = false; /* it stands as it stood, but its second may be past */
        if (giving->doubts[i].settled || hold->is_ours || hold->expires_us <= now_us)
            budgets_hold_end(tenant, hold, !giving->doubts[i].settled);
    }
}

static enum fault_code give_once(struct giving *giving, bool all, struct fault *fault)
{
    struct tenant *tenant = giving->tenant;
    giving->count = 0;
    giving->doubt_count = 0;
    giving->has_more = false;
    if (has_doubtful(tenant)) {
        tenant->syncing = true;
        while (tenant->settling > 0)
            pthread_cond_wait(&tenant->changed, &tenant->lock);
        collect_doubts(giving);
    }
    collect(giving, all);
    if (giving->count == 0)
        return FAULT_NONE;
    pthread_mutex_unlock(&tenant->lock);
    enum fault_code code = store_pool_write(giving->budgets->pool, give_all, giving, fault);
    pthread_mutex_lock(&tenant->lock);
    end_giving(giving, code);
    return code;
}

enum fault_code budgets_give_back(struct budgets *budgets, struct tenant *tenant, bool all,
                                  struct fault *fault)
{
    struct giving giving = {
        .budgets = budgets, .tenant = tenant, .node = atomic_load(&budgets->node)};
    enum fault_code code = FAULT_NONE;
    assert(tenant->slow);
    if (giving.node == 0)
        return FAULT_NONE; /* nothing was ever held */
    for (int i = 0; i < ROUNDS_MAX && code == FAULT_NONE; i++) {
        code = give_once(&giving, all, fault);
        /* But for the last time, what is more than that goes with the next round of the keeper. */
        if (!giving.has_more && (!all || giving.count < GIVING_MAX))
            break;
    }
    return code;
}
