/* How reservations end.
 *
 * A settlement is the usage: an event of the service's own, at the time of the reservation, so that
 * it falls into the period it was reserved in. A row in budgets_settled makes it one, in whichever
 * process it is settled; events that clients send name no reservation. The hold goes in the same
 * transaction when this process has it; another process' hold is its own to end, and it is told so
 * by a row that it reads. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/service.h"
#include "service/usage/usage_ingest.h"

enum { SCRATCH_MAX = 64 << 20, EVENT_BYTES = 2048, BATCH_MAX = 1000 };

static const char source[] = USAGE_OWN_SOURCES "decisions";

/* --- the event ------------------------------------------------------------------------------ */

static void write_event(struct buf *out, const struct budgets_reservation *reservation,
                        int64_t quantity, int64_t now_us)
{
    char id[64];
    struct buf time;
    buf_init(&time, 64);
    /* Clocks jump: what was reserved "later" than now was used by now. */
    time_add_rfc3339(&time, reservation->made_us < now_us ? reservation->made_us : now_us);
    snprintf(id, sizeof id, "%" PRId64 "-%" PRId64, reservation->node, reservation->number);
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "specversion", STR("1.0"));
    json_put_text(&json, "type", STR("io.intelgraph.usage.use"));
    json_put_text(&json, "source", str_of(source));
    json_put_text(&json, "id", str_of(id));
    json_put_text(&json, "time", buf_str(&time));
    json_open_at(&json, "data", '{');
    json_put_text(&json, "meter", str_of(reservation->meter->name));
    json_put_whole(&json, "quantity", quantity);
    if (reservation->dimensions[0])
        json_put_raw(&json, "dimensions", str_of(reservation->dimensions));
    json_close(&json, '}');
    json_close(&json, '}');
    buf_done(&time);
}

/* --- the transaction ------------------------------------------------------------------------ */

struct settling {
    struct budgets *budgets;
    struct str tenant;
    struct budgets_settlement *items;
    size_t count;
    bool *is_new;
};

static enum fault_code conflict(const struct budgets_settlement *item, int64_t before,
                                struct fault *fault)
{
    return fault_field(fault, FAULT_CONFLICT, "quantity",
                       "the reservation was settled with %" PRId64 " before, not with %" PRId64
                       "; that stands: report what is missing as an event",
                       before, item->quantity);
}

/* Takes what the reservation holds away from what the process holds. *out_lost: it holds nothing
 * any more, as others have taken the process for dead and may have lent it on. */
static enum fault_code end_hold_in(struct budgets *budgets, struct str tenant, struct store *store,
                                   const struct budgets_reservation *reservation, bool *out_lost,
                                   struct fault *fault)
{
    struct {
        char id[BUDGETS_ID_MAX + 1];
        int64_t period_from_us;
        int64_t amount;
    } parts[BUDGETS_APPLY_MAX];
    int count = 0;
    struct tenant *known = budgets_tenant_known(budgets, tenant);
    *out_lost = false;
    if (!known)
        return FAULT_NONE;
    pthread_mutex_lock(&known->lock);
    const struct hold *hold = budgets_hold_find(known, reservation->node, reservation->number);
    for (int i = 0; hold && i < hold->count; i++) {
        if (!hold->parts[i].is_held)
            continue;
        memcpy(parts[count].id, hold->parts[i].state->id, sizeof parts[count].id);
        parts[count].period_from_us = hold->parts[i].state->period.from_us;
        parts[count++].amount = hold->parts[i].amount;
    }
    *out_lost = hold && hold->is_lost;
    pthread_mutex_unlock(&known->lock);
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i < count && code == FAULT_NONE; i++) {
        bool there = true;
        struct budgets_slice_key key = {tenant, str_of(parts[i].id), parts[i].period_from_us};
        code = budgets_slice_add(store, &key, reservation->node, -parts[i].amount, &there, fault);
        *out_lost = *out_lost || !there;
    }
    return code;
}

static enum fault_code settle_one(struct settling *settling, size_t i, struct store *store,
                                  int64_t now_us, struct fault *fault)
{
    struct budgets_settlement *item = &settling->items[i];
    const struct budgets_reservation *reservation = &item->reservation;
    const struct budgets_settled_row row = {
        .node = reservation->node, .number = reservation->number, .quantity = item->quantity};
    int64_t before = 0;
    enum fault_code code = budgets_settled_put(store, settling->tenant, &row, now_us,
                                               &settling->is_new[i], &before, fault);
    if (code != FAULT_NONE)
        return code;
    item->code = FAULT_NONE;
    if (!settling->is_new[i]) {
        item->end = BUDGETS_ENDED_AGAIN;
        if (before != item->quantity)
            item->code = conflict(item, before, &item->fault);
        return FAULT_NONE;
    }
    bool lost; /* what was used was used */
    if (reservation->node == atomic_load(&settling->budgets->node))
        return end_hold_in(settling->budgets, settling->tenant, store, reservation, &lost, fault);
    return budgets_ended_put(store, settling->tenant, reservation->node, reservation->number, true,
                             fault);
}

static enum fault_code add_event(struct settling *settling, size_t i, struct usage_batch *batch,
                                 struct fault *fault)
{
    struct buf text;
    buf_init(&text, EVENT_BYTES);
    write_event(&text, &settling->items[i].reservation, settling->items[i].quantity,
                batch->received_us);
    struct str kept = arena_copy(batch->arena, buf_str(&text));
    enum fault_code code = buf_check(&text, "a settlement's event", fault);
    buf_done(&text);
    if (code == FAULT_NONE && !kept.ptr)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for a settlement");
    return code == FAULT_NONE ? usage_batch_add(batch, kept, fault) : code;
}

static enum fault_code settle_all(struct settling *settling, struct store *store,
                                  struct usage_batch *batch, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < settling->count && code == FAULT_NONE; i++) {
        code = settle_one(settling, i, store, batch->received_us, fault);
        if (code == FAULT_NONE && settling->is_new[i])
            code = add_event(settling, i, batch, fault);
    }
    if (code == FAULT_NONE && batch->count > 0)
        code = usage_batch_store_in(batch, store, fault);
    if (code == FAULT_NONE && batch->accepted != (int64_t)batch->count)
        code = fault_set(fault, FAULT_CORRUPT,
                         "%zu settlements made %" PRId64 " events; nothing was settled",
                         batch->count, batch->accepted);
    return code;
}

static enum fault_code settle_in(struct store *store, void *context, struct fault *fault)
{
    struct settling *settling = context;
    struct arena arena;
    struct arena scratch;
    struct usage_batch batch = {
        .arena = &arena,
        .scratch = &scratch,
        .tenant = settling->tenant,
        .is_own = true,
        .backfill = true,
        .received_us = os_now_us(),
    };
    arena_init(&arena, SCRATCH_MAX);
    arena_init(&scratch, SCRATCH_MAX);
    enum fault_code code = settle_all(settling, store, &batch, fault);
    arena_done(&scratch);
    arena_done(&arena);
    return code;
}

/* --- memory --------------------------------------------------------------------------------- */

/* Marks what is open here, so that nothing else ends it meanwhile. */
static void begin_one(struct tenant *tenant, struct budgets_settlement *item, bool is_own,
                      int64_t now_us)
{
    struct hold *hold = budgets_hold_find(tenant, item->reservation.node, item->reservation.number);
    bool over = item->reservation.quantity >= 0 && item->quantity > item->reservation.quantity;
    bool in_time = hold ? os_monotonic_us() < hold->expires_us
                        : !is_own && now_us < item->reservation.expires_us;
    if (hold)
        hold->settling++;
    item->end = over ? BUDGETS_ENDED_OVER : in_time ? BUDGETS_ENDED : BUDGETS_ENDED_LATE;
}

static void count_used(struct tenant *tenant, const struct usage_meter *meter, int64_t at_us,
                       int64_t quantity)
{
    const struct config *config = tenant->config;
    int index = budgets_meter_index(meter);
    for (int i = 0; config && i < config->meters[index].count; i++) {
        struct state *state = config->meters[index].budgets[i]->state;
        const struct prices_price *price = config->meters[index].prices[i];
        if (meter->kind == USAGE_LEVEL || at_us < state->period.from_us ||
            at_us >= state->period.to_us)
            continue;
        state->counted += price ? prices_cost_up(price, quantity) : quantity;
    }
}

static void doubt(struct hold *hold)
{
    hold->doubtful = true;
    for (int i = 0; i < hold->count; i++)
        hold->parts[i].state->doubtful = true;
}

static void end_one(struct tenant *tenant, struct budgets_settlement *item, bool is_new,
                    enum fault_code code)
{
    struct hold *hold = budgets_hold_find(tenant, item->reservation.node, item->reservation.number);
    if (code == FAULT_NONE && is_new)
        count_used(tenant, item->reservation.meter, item->reservation.made_us, item->quantity);
    if (!hold)
        return;
    hold->settling--;
    /* What another process has settled is still held here: the word of it is on its way. */
    if (code == FAULT_NONE && is_new)
        budgets_hold_end(tenant, hold, false);
    else if (code != FAULT_NONE)
        doubt(hold);
}

static enum fault_code settle_batch(struct settling *settling, struct tenant *tenant,
                                    struct fault *fault)
{
    int64_t now_us = os_now_us();
    int64_t node = atomic_load(&settling->budgets->node);
    pthread_mutex_lock(&tenant->lock);
    budgets_settling_begin(tenant);
    for (size_t i = 0; i < settling->count; i++)
        begin_one(tenant, &settling->items[i], settling->items[i].reservation.node == node, now_us);
    pthread_mutex_unlock(&tenant->lock);
    enum fault_code code = store_pool_write(settling->budgets->pool, settle_in, settling, fault);
    pthread_mutex_lock(&tenant->lock);
    for (size_t i = 0; i < settling->count; i++)
        end_one(tenant, &settling->items[i], settling->is_new[i], code);
    budgets_trim(tenant); /* more than was reserved, or late: there is less to lend */
    budgets_settling_end(tenant);
    pthread_mutex_unlock(&tenant->lock);
    return code;
}

enum fault_code budgets_settle_many(struct budgets *budgets, struct str tenant,
                                    struct budgets_settlement *settlements, size_t count,
                                    struct fault *fault)
{
    bool is_new[BATCH_MAX] = {false};
    struct settling settling = {
        .budgets = budgets,
        .tenant = tenant,
        .items = settlements,
        .count = count,
        .is_new = is_new,
    };
    assert(count <= BATCH_MAX);
    struct tenant *known = budgets_tenant(budgets, tenant);
    if (!known)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for another tenant's budgets");
    return settle_batch(&settling, known, fault);
}

enum fault_code budgets_settle(struct budgets *budgets, struct str tenant,
                               const struct budgets_reservation *reservation, int64_t quantity,
                               enum budgets_end *out, struct fault *fault)
{
    struct budgets_settlement item = {.reservation = *reservation, .quantity = quantity};
    enum fault_code code = budgets_settle_many(budgets, tenant, &item, 1, fault);
    if (code != FAULT_NONE)
        return code;
    if (item.code != FAULT_NONE) {
        *fault = item.fault;
        return item.code;
    }
    *out = item.end;
    return FAULT_NONE;
}

/* --- releasing ------------------------------------------------------------------------------ */

struct releasing {
    struct budgets *budgets;
    struct str tenant;
    const struct budgets_reservation *reservation;
    bool settled;
    int64_t quantity;
};

static enum fault_code find_settled(struct releasing *releasing, struct store *store,
                                    struct fault *fault)
{
    const struct budgets_reservation *reservation = releasing->reservation;
    return budgets_settled_find(store, releasing->tenant, reservation->node, reservation->number,
                                &releasing->settled, &releasing->quantity, fault);
}

static enum fault_code release_in(struct store *store, void *context, struct fault *fault)
{
    struct releasing *releasing = context;
    const struct budgets_reservation *reservation = releasing->reservation;
    enum fault_code code = find_settled(releasing, store, fault);
    if (code == FAULT_NONE && !releasing->settled)
        code = budgets_ended_put(store, releasing->tenant, reservation->node, reservation->number,
                                 false, fault);
    return code;
}

/* What another process gave is its own to end; what this one gave is looked for among what was
 * settled elsewhere, before it is lent again. */
static enum fault_code release_asked(struct releasing *releasing, bool is_own, struct fault *fault)
{
    struct store *store;
    if (!is_own)
        return store_pool_write(releasing->budgets->pool, release_in, releasing, fault);
    enum fault_code code = store_pool_take(releasing->budgets->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = find_settled(releasing, store, fault);
    store_pool_give(releasing->budgets->pool, store);
    return code;
}

static bool release_here(struct budgets *budgets, struct str tenant,
                         const struct budgets_reservation *reservation)
{
    bool done = false;
    struct tenant *known = budgets_tenant_known(budgets, tenant);
    if (!known)
        return false;
    pthread_mutex_lock(&known->lock);
    struct hold *hold = budgets_hold_find(known, reservation->node, reservation->number);
    done = hold && hold->settling == 0 && !hold->doubtful;
    if (done)
        budgets_hold_end(known, hold, true);
    pthread_mutex_unlock(&known->lock);
    return done;
}

enum fault_code budgets_release(struct budgets *budgets, struct str tenant,
                                const struct budgets_reservation *reservation,
                                enum budgets_end *out, struct fault *fault)
{
    struct releasing releasing = {.budgets = budgets, .tenant = tenant, .reservation = reservation};
    bool is_own = reservation->node == atomic_load(&budgets->node);
    enum fault_code code = release_asked(&releasing, is_own, fault);
    if (code == FAULT_NONE && releasing.settled)
        return fault_field(fault, FAULT_CONFLICT, "reservation",
                           "the reservation was settled with %" PRId64
                           ": what was used is counted, and cannot be released",
                           releasing.quantity);
    if (code != FAULT_NONE)
        return code;
    if (release_here(budgets, tenant, reservation))
        *out = BUDGETS_ENDED;
    else if (os_now_us() >= reservation->expires_us)
        *out = BUDGETS_ENDED_LATE;
    else
        *out = is_own ? BUDGETS_ENDED_AGAIN : BUDGETS_ENDED;
    return FAULT_NONE;
}

/* --- for what counts itself ----------------------------------------------------------------- */

void budgets_settle_begin(struct budgets *budgets, struct str tenant,
                          const struct budgets_reservation *reservation)
{
    struct tenant *known = budgets_tenant_known(budgets, tenant);
    assert(known);
    pthread_mutex_lock(&known->lock);
    budgets_settling_begin(known);
    struct hold *hold = budgets_hold_find(known, reservation->node, reservation->number);
    if (hold) {
        hold->settling++;
        hold->is_ours = true;
    }
    pthread_mutex_unlock(&known->lock);
}

enum fault_code budgets_settle_in(struct budgets *budgets, struct str tenant,
                                  const struct budgets_reservation *reservation,
                                  struct store *store, struct fault *fault)
{
    const struct budgets_settled_row row = {.node = reservation->node,
                                            .number = reservation->number,
                                            .quantity = reservation->quantity};
    int64_t before;
    bool is_new = false;
    bool lost = false;
    enum fault_code code =
        budgets_settled_put(store, tenant, &row, os_now_us(), &is_new, &before, fault);
    if (code == FAULT_NONE && is_new)
        code = end_hold_in(budgets, tenant, store, reservation, &lost, fault);
    if (code == FAULT_NONE && lost)
        code = fault_set(fault, FAULT_UNAVAILABLE,
                         "the service stood still for so long that what was reserved for this was "
                         "given to others; nothing was done; send the same again");
    return code;
}

void budgets_settle_done(struct budgets *budgets, struct str tenant,
                         const struct budgets_reservation *reservation, enum budgets_kept kept)
{
    struct tenant *known = budgets_tenant_known(budgets, tenant);
    assert(known);
    pthread_mutex_lock(&known->lock);
    struct hold *hold = budgets_hold_find(known, reservation->node, reservation->number);
    if (kept == BUDGETS_KEPT)
        count_used(known, reservation->meter, reservation->made_us, reservation->quantity);
    if (hold) {
        hold->settling--;
        if (kept == BUDGETS_UNKNOWN)
            doubt(hold);
        else
            budgets_hold_end(known, hold, kept == BUDGETS_NOT_KEPT);
    }
    budgets_trim(known);
    budgets_settling_end(known);
    pthread_mutex_unlock(&known->lock);
}

/* --- events --------------------------------------------------------------------------------- */

void budgets_count(struct budgets *budgets, struct str tenant, const struct usage_meter *meter,
                   int64_t at_us, int64_t quantity)
{
    struct tenant *known = budgets ? budgets_tenant_known(budgets, tenant) : NULL;
    if (!known)
        return;
    pthread_mutex_lock(&known->lock);
    count_used(known, meter, at_us, quantity);
    budgets_trim(known);
    pthread_mutex_unlock(&known->lock);
}

void budgets_events_kept(struct service *service, const struct usage_batch *batch)
{
    struct tenant *known =
        service->budgets ? budgets_tenant_known(service->budgets, batch->tenant) : NULL;
    if (!known || batch->accepted == 0)
        return;
    pthread_mutex_lock(&known->lock);
    for (size_t i = 0; i < batch->count; i++) {
        const struct usage_item *item = &batch->items[i];
        if (item->outcome == USAGE_ACCEPTED && item->event.kind == USAGE_USE)
            count_used(known, item->event.meter, item->event.time_us, item->event.quantity);
        else if (item->outcome == USAGE_ACCEPTED)
            known->refreshed_us = 0; /* what a correction changes is read with the next round */
    }
    budgets_trim(known);
    pthread_mutex_unlock(&known->lock);
}
