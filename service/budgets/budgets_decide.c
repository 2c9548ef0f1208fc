/* A decision, from memory where slices cover it. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

enum { TRIES_MAX = 16, SHARE_ALL = 100 * BUDGETS_PERCENT, RETRY_SHORT_S = 1 };

const char *budgets_verdict_name(enum budgets_verdict verdict)
{
    static const char *const names[] = {"allow", "throttle", "block"};
    return names[verdict];
}

/* One decision under way: the tenant's lock is held. */
struct judging {
    struct budgets *budgets;
    struct tenant *tenant;
    const struct budgets_ask *ask;
    int64_t now_us; /* wall */
    int64_t monotonic_us;
    bool trusts;
    bool waits; /* it may not, and would have to */
    int count;
    struct {
        struct applies *applies;
        int64_t amount;
        enum budgets_verdict would;
        int64_t retry_after_s;
        bool is_short;   /* the store must be asked */
        bool is_metered; /* the throttle is on: tokens are spent */
    } each[BUDGETS_APPLY_MAX];
};

/* --- what each budget says ------------------------------------------------------------------ */

static int64_t amount_of(const struct budgets_ask *ask, const struct applies *applies,
                         const struct prices_price *price)
{
    if (ask->meter->kind == USAGE_LEVEL)
        return 1; /* whether there is room at all: how long it will lie there nobody knows */
    if (ask->quantity < 0)
        return applies->row->definition.default_estimate;
    return price ? prices_cost_up(price, ask->quantity) : ask->quantity;
}

/* The rate is for all processes together. */
static int64_t share_of(const struct budgets *budgets, int64_t amount)
{
    int64_t processes = 1 + atomic_load_explicit(&budgets->others, memory_order_relaxed);
    return amount / processes > 0 ? amount / processes : 1;
}

static void fill_bucket(struct state *state, int64_t rate, int64_t burst, int64_t monotonic_us)
{
    if (!state->has_tokens) {
        state->has_tokens = true;
        state->tokens = burst;
        state->tokens_us = monotonic_us;
    }
    __int128 more = (__int128)(monotonic_us - state->tokens_us) * rate / SECOND_US;
    if (more <= 0)
        return;
    if (state->tokens + more >= burst) {
        state->tokens = burst;
        state->tokens_us = monotonic_us;
        return;
    }
    state->tokens += (int64_t)more;
    state->tokens_us += (int64_t)(more * SECOND_US / rate); /* what is left over counts next time */
}

/* What is larger than the burst passes when the bucket is full, and is paid off afterwards. */
static void judge_throttle(struct judging *judging, int i)
{
    const struct applies *applies = judging->each[i].applies;
    const struct budgets_throttle *throttle = &applies->row->definition.throttle;
    struct state *state = applies->state;
    __int128 claimed = (__int128)budgets_state_used(state) + budgets_state_reserved(state);
    if (claimed * SHARE_ALL < (__int128)throttle->from_percent * applies->limit)
        return;
    int64_t rate = share_of(judging->budgets, throttle->rate);
    int64_t burst = share_of(judging->budgets, throttle->burst);
    int64_t amount = judging->each[i].amount;
    int64_t needed = amount < burst ? amount : burst;
    fill_bucket(state, rate, burst, judging->monotonic_us);
    judging->each[i].is_metered = true;
    if (state->tokens >= needed)
        return;
    __int128 missing = (__int128)needed - state->tokens;
    judging->each[i].would = BUDGETS_THROTTLED;
    judging->each[i].retry_after_s = budgets_cap((missing + rate - 1) / rate);
}

static void judge_block(struct judging *judging, int i)
{
    const struct applies *applies = judging->each[i].applies;
    struct state *state = applies->state;
    int64_t amount = judging->each[i].amount;
    if (amount <= (judging->trusts ? state->free : 0))
        return;
    if (judging->trusts && judging->monotonic_us < state->exhausted_until_us) {
        int64_t left_us = state->period.to_us - judging->now_us;
        judging->each[i].would = BUDGETS_BLOCKED;
        judging->each[i].retry_after_s =
            left_us > SECOND_US ? (left_us + SECOND_US - 1) / SECOND_US : RETRY_SHORT_S;
        return;
    }
    judging->each[i].is_short = true;
}

static void judge(struct judging *judging)
{
    int meter = budgets_meter_index(judging->ask->meter);
    const struct config *config = judging->tenant->config;
    judging->count = config->meters[meter].count;
    for (int i = 0; i < judging->count; i++) {
        struct applies *applies = config->meters[meter].budgets[i];
        judging->each[i].applies = applies;
        judging->each[i].amount = amount_of(judging->ask, applies, config->meters[meter].prices[i]);
        judging->each[i].would = BUDGETS_ALLOWED;
        judging->each[i].retry_after_s = 0;
        judging->each[i].is_short = false;
        judging->each[i].is_metered = false;
        applies->state->asked_us = judging->monotonic_us;
        if (!applies->refuses || judging->each[i].amount == 0)
            continue;
        if (applies->row->definition.mode == BUDGETS_THROTTLE)
            judge_throttle(judging, i);
        else
            judge_block(judging, i);
    }
}

/* --- asking the store ----------------------------------------------------------------------- */

/* Who may not wait is told so, and asks again where it may. */
static enum fault_code wait_instead(struct judging *judging, struct fault *fault)
{
    judging->waits = true;
    return fault_set(fault, FAULT_UNAVAILABLE, "this is not decided out of memory alone");
}

/* Whether memory is enough; else it was made to be, or the fault says why not. */
static enum fault_code read_config(struct judging *judging, bool *out_again, struct fault *fault)
{
    struct tenant *tenant = judging->tenant;
    const struct config *config = tenant->config;
    *out_again = true;
    if (config && !tenant->stale && judging->now_us >= config->from_us &&
        judging->now_us < config->to_us) {
        *out_again = false;
        return FAULT_NONE;
    }
    if (judging->ask->at_once)
        return wait_instead(judging, fault);
    if (!budgets_slow_begin(tenant))
        return FAULT_NONE;
    enum fault_code code = budgets_config_read(judging->budgets, tenant, judging->now_us, fault);
    budgets_slow_end(tenant);
    return code;
}

/* A reservation needs a number to be known by, and a process that is known to give it for that
 * long. */
static enum fault_code ready_node(struct judging *judging, bool *out_again, struct fault *fault)
{
    struct budgets *budgets = judging->budgets;
    int64_t node;
    *out_again = false;
    if (!judging->ask->reserve)
        return FAULT_NONE;
    bool is_long =
        judging->ask->ttl_s > atomic_load_explicit(&budgets->grace_s, memory_order_relaxed);
    if (!is_long && atomic_load_explicit(&budgets->node, memory_order_relaxed) != 0)
        return FAULT_NONE;
    if (judging->ask->at_once)
        return wait_instead(judging, fault);
    *out_again = true;
    pthread_mutex_unlock(&judging->tenant->lock);
    int64_t grace_s = budgets_grace_at(budgets_grace_index(judging->ask->ttl_s));
    enum fault_code code = is_long ? budgets_node_renew(budgets, grace_s, fault)
                                   : budgets_node_ready(budgets, &node, fault);
    pthread_mutex_lock(&judging->tenant->lock);
    return code;
}

static bool all_say_yes(const struct judging *judging)
{
    for (int i = 0; i < judging->count; i++)
        if (judging->each[i].is_short || judging->each[i].would != BUDGETS_ALLOWED)
            return false;
    return true;
}

/* A shadow budget refuses nothing, so it fails nothing either. */
static bool only_watched(struct judging *judging)
{
    for (int i = 0; i < judging->count; i++)
        if (judging->each[i].is_short && !judging->each[i].applies->row->definition.shadow)
            return false;
    return true;
}

static enum fault_code ask_store(struct judging *judging, bool *out_again, struct fault *fault)
{
    struct applies *wanted[BUDGETS_APPLY_MAX];
    int count = 0;
    *out_again = false;
    for (int i = 0; i < judging->count; i++)
        if (judging->each[i].is_short) {
            wanted[count++] = judging->each[i].applies;
            __int128 want = (__int128)wanted[count - 1]->state->want + judging->each[i].amount;
            wanted[count - 1]->state->want = want > INT64_MAX ? INT64_MAX : (int64_t)want;
        }
    if (count == 0)
        return FAULT_NONE;
    *out_again = true;
    if (!budgets_slow_begin(judging->tenant))
        return FAULT_NONE;
    enum fault_code code = budgets_lease(judging->budgets, judging->tenant, wanted, count, fault);
    budgets_slow_end(judging->tenant);
    if (code != FAULT_NONE && only_watched(judging)) {
        *out_again = false;
        return FAULT_NONE;
    }
    return code;
}

/* The system's last tick is near enough, and reading exact clocks is most of what a decision would
 * cost. */
static void look_at_clocks(struct judging *judging)
{
    judging->now_us = os_now_tick_us();
    judging->monotonic_us = os_monotonic_tick_us();
    judging->tenant->asked_us = judging->monotonic_us;
    judging->trusts = budgets_node_trusts(judging->budgets, judging->monotonic_us);
}

/* Until every budget has said yes or no: usually at once. */
static enum fault_code judge_all(struct judging *judging, struct fault *fault)
{
    int meter = budgets_meter_index(judging->ask->meter);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        bool again;
        look_at_clocks(judging);
        enum fault_code code = read_config(judging, &again, fault);
        if (code == FAULT_NONE && !again)
            code = ready_node(judging, &again, fault);
        if (code != FAULT_NONE)
            return code;
        if (again)
            continue;
        if (judging->tenant->config->meters[meter].too_many)
            return fault_field(fault, FAULT_LIMIT, "meter",
                               "more than %d budgets apply to %s; delete some", BUDGETS_APPLY_MAX,
                               judging->ask->meter->name);
        judge(judging);
        /* A refusal is kept, and that may take its time. */
        if (judging->ask->at_once && !all_say_yes(judging))
            return wait_instead(judging, fault);
        code = ask_store(judging, &again, fault);
        if (code != FAULT_NONE || !again)
            return code;
    }
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "too many ask for the last of a budget at the same time; ask again");
}

/* --- telling -------------------------------------------------------------------------------- */

/* The strictest: a block before a throttle, and of several the one that lasts longest. -1: all say
 * yes, or only watch. */
static int strictest(const struct judging *judging, enum budgets_verdict *out)
{
    int found = -1;
    *out = BUDGETS_ALLOWED;
    for (int i = 0; i < judging->count; i++) {
        enum budgets_verdict would = judging->each[i].would;
        if (would == BUDGETS_ALLOWED || judging->each[i].applies->row->definition.shadow)
            continue;
        if (found < 0 || would > *out ||
            (would == *out &&
             judging->each[i].retry_after_s > judging->each[found].retry_after_s)) {
            found = i;
            *out = would;
        }
    }
    return found;
}

static void fill_view(const struct judging *judging, int i, struct budgets_view *view)
{
    const struct applies *applies = judging->each[i].applies;
    const struct budgets_definition *definition = &applies->row->definition;
    const struct state *state = applies->state;
    bool throttles = definition->mode == BUDGETS_THROTTLE;
    memcpy(view->id, state->id, sizeof view->id);
    bool fits = str_to_c(definition->name, view->name, sizeof view->name);
    assert(fits);
    view->basis = definition->basis;
    view->mode = definition->mode;
    view->shadow = definition->shadow;
    view->would = judging->each[i].would;
    view->amount = judging->each[i].amount;
    view->used = budgets_state_used(state);
    view->reserved = budgets_state_reserved(state);
    view->limit = applies->limit;
    view->starts_us = state->period.from_us;
    view->resets_us = state->period.to_us;
    view->rate = throttles ? definition->throttle.rate : 0;
    view->burst = throttles ? definition->throttle.burst : 0;
    view->retry_after_s = judging->each[i].retry_after_s;
}

static void tell(const struct judging *judging, int refuser, struct budgets_decision *decision)
{
    decision->at_us = judging->now_us;
    int64_t node = atomic_load_explicit(&judging->budgets->node, memory_order_relaxed);
    decision->node = node != 0 ? node : judging->budgets->origin;
    decision->number = ++judging->tenant->decisions;
    decision->reservation.number = 0;
    decision->view_count = 0;
    for (int i = 0; decision->views && i < judging->count; i++)
        fill_view(judging, i, &decision->views[decision->view_count++]);
    if (refuser < 0)
        return;
    fill_view(judging, refuser, &decision->refused_by);
    bool fits = str_to_c(judging->each[refuser].applies->row->definition.contact, decision->contact,
                         sizeof decision->contact);
    assert(fits);
}

/* --- taking --------------------------------------------------------------------------------- */

static void spend_tokens(struct judging *judging)
{
    for (int i = 0; i < judging->count; i++) {
        struct state *state = judging->each[i].applies->state;
        if (!judging->each[i].is_metered)
            continue;
        __int128 left = (__int128)state->tokens - judging->each[i].amount;
        state->tokens = left < INT64_MIN ? INT64_MIN : (int64_t)left;
    }
}

static void hold_part(struct judging *judging, int i, struct hold *hold)
{
    const struct applies *applies = judging->each[i].applies;
    struct state *state = applies->state;
    int64_t amount = judging->each[i].amount;
    /* Of a shadow budget that is spent there is nothing to hold. */
    bool is_held = applies->refuses && applies->row->definition.mode == BUDGETS_BLOCK &&
                   amount > 0 && judging->each[i].would == BUDGETS_ALLOWED &&
                   !judging->each[i].is_short;
    if (is_held) {
        state->free -= amount;
        state->open += amount;
    } else {
        state->soft += amount;
    }
    state->holds++;
    hold->parts[hold->count++] = (struct hold_part){state, amount, is_held};
}

static enum fault_code reserve(struct judging *judging, struct budgets_decision *decision,
                               struct fault *fault)
{
    const struct budgets_ask *ask = judging->ask;
    struct budgets_reservation *made = &decision->reservation;
    struct hold *hold = budgets_hold_new(judging->tenant, ask->ttl_s, judging->monotonic_us);
    if (!hold)
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "%d reservations are open, as many as there may be; settle or release "
                         "some first, and give them shorter times",
                         HOLDS_MAX);
    hold->node = atomic_load_explicit(&judging->budgets->node, memory_order_relaxed);
    for (int i = 0; i < judging->count; i++)
        hold_part(judging, i, hold);
    int64_t *until_us = &judging->tenant->until_us[budgets_grace_index(ask->ttl_s)];
    if (hold->expires_us > *until_us)
        *until_us = hold->expires_us;
    made->node = hold->node;
    made->number = hold->number;
    made->made_us = judging->now_us;
    made->expires_us = judging->now_us + ask->ttl_s * SECOND_US;
    made->meter = ask->meter;
    made->quantity = ask->quantity;
    if (ask->dimensions.len > 0)
        memcpy(made->dimensions, ask->dimensions.ptr, ask->dimensions.len);
    made->dimensions[ask->dimensions.len] = '\0';
    return FAULT_NONE;
}

static enum fault_code decide_locked(struct judging *judging, struct budgets_decision *decision,
                                     struct fault *fault)
{
    enum fault_code code = judge_all(judging, fault);
    if (code != FAULT_NONE)
        return code;
    int refuser = strictest(judging, &decision->verdict);
    tell(judging, refuser, decision);
    if (refuser >= 0)
        return FAULT_NONE;
    if (judging->ask->reserve)
        code = reserve(judging, decision, fault);
    if (code != FAULT_NONE)
        return code;
    if (!judging->ask->look)
        spend_tokens(judging);
    judging->tenant->allowed++;
    return FAULT_NONE;
}

/* What somebody said no to is kept, whoever decided. */
static enum fault_code keep_refusals(struct judging *judging, struct budgets_decision *decision,
                                     struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i < decision->view_count && code == FAULT_NONE; i++)
        if (decision->views[i].would != BUDGETS_ALLOWED)
            code = budgets_refusals_add(judging->budgets->refusals, judging->ask, decision,
                                        &decision->views[i], fault);
    return code;
}

static bool somebody_refuses(const struct judging *judging)
{
    for (int i = 0; i < judging->count; i++)
        if (judging->each[i].would != BUDGETS_ALLOWED)
            return true;
    return false;
}

static enum fault_code check_ask(const struct budgets_ask *ask, struct fault *fault)
{
    assert(ask->dimensions.len <= BUDGETS_DIMENSIONS_TEXT);
    assert(!ask->reserve || (ask->ttl_s >= 1 && ask->ttl_s <= BUDGETS_TTL_MAX_S));
    if (ask->reserve && ask->meter->kind == USAGE_LEVEL)
        return fault_field(fault, FAULT_INPUT, "meter",
                           "%s is a level: it is there or not, and cannot be reserved; check it "
                           "instead",
                           ask->meter->name);
    return FAULT_NONE;
}

enum fault_code budgets_decide(struct budgets *budgets, const struct budgets_ask *ask,
                               struct budgets_decision *decision, struct fault *fault)
{
    struct budgets_view own[BUDGETS_APPLY_MAX];
    struct judging judging; /* what each budget says is set as it is asked */
    judging.budgets = budgets;
    judging.ask = ask;
    judging.waits = false;
    judging.count = 0;
    decision->waits = false;
    assert(!decision->views || decision->view_room >= BUDGETS_APPLY_MAX);
    enum fault_code code = check_ask(ask, fault);
    if (code != FAULT_NONE)
        return code;
    judging.tenant = budgets_tenant(budgets, ask->tenant);
    if (!judging.tenant)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for another tenant's budgets");
    pthread_mutex_lock(&judging.tenant->lock);
    code = decide_locked(&judging, decision, fault);
    bool refused = code == FAULT_NONE && somebody_refuses(&judging);
    struct budgets_view *views = decision->views;
    if (refused && !views) {
        /* Nobody wanted to know; the record does. */
        for (int i = 0; i < judging.count; i++)
            fill_view(&judging, i, &own[i]);
        decision->views = own;
        decision->view_count = judging.count;
    }
    pthread_mutex_unlock(&judging.tenant->lock);
    if (refused)
        code = keep_refusals(&judging, decision, fault);
    if (!views) {
        decision->views = NULL;
        decision->view_count = 0;
    }
    decision->waits = judging.waits;
    return code;
}
