#include "service/budgets/budgets_threshold_watch.h"

#include <string.h>

#include "libs/core/log.h"
#include "libs/core/map.h"
#include "libs/core/os.h"
#include "service/budgets/budgets.h"
#include "service/budgets/budgets_override.h"
#include "service/budgets/budgets_threshold.h"
#include "service/service.h"
#include "service/usage/usage_query.h"

enum {
    TENANT_ARENA_MAX = 64 << 20,
    ROUND_ARENA_MAX = 32 << 20,
    RENEW_EVERY_S = JOBS_LEASE_S / 5,
    SEEN_MAX = 256, /* told at once for a tenant; what is over comes with the next round */
};

#define SECOND_US INT64_C(1000000)

/* What a tenant looked like when it was looked at. */
struct looked {
    int64_t seq;
    int64_t generation;
    int64_t at_us; /* monotonic */
};

struct budgets_watch {
    struct service *service;
    struct arena names;
    struct map tenants; /* name to a place in `looked` */
    struct looked *looked;
    size_t count;
    size_t room;
};

enum fault_code budgets_watch_new(struct service *service, struct budgets_watch **out,
                                  struct fault *fault)
{
    struct budgets_watch *watch = os_alloc(sizeof *watch);
    if (!watch)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to watch budgets");
    watch->service = service;
    arena_init(&watch->names, ROUND_ARENA_MAX);
    map_init(&watch->tenants);
    *out = watch;
    return FAULT_NONE;
}

void budgets_watch_free(struct budgets_watch *taken)
{
    if (!taken)
        return;
    map_done(&taken->tenants);
    arena_done(&taken->names);
    os_free(taken->looked);
    os_free(taken);
}

/* --- one tenant ----------------------------------------------------------------------------- */

struct telling {
    struct service *service;
    struct str tenant;
    int64_t now_us;
    struct arena *arena;
    struct budgets_seen *seen;
    size_t seen_count;
    bool is_due; /* an override is */
    size_t told;
    size_t expired;
};

static enum fault_code tell_in(struct store *store, void *context, struct fault *fault)
{
    struct telling *telling = context;
    enum fault_code code = FAULT_NONE;
    telling->told = 0;
    if (telling->is_due)
        code = budgets_override_expire(store, telling->service->audit, telling->tenant,
                                       telling->now_us, telling->arena, &telling->expired, fault);
    for (size_t i = 0; i < telling->seen_count && code == FAULT_NONE; i++) {
        bool told = false;
        code = budgets_threshold_tell(store, telling->tenant, &telling->seen[i], telling->now_us,
                                      telling->arena, &told, fault);
        telling->told += told;
    }
    return code;
}

/* The period under way, and for an hour the one before: events of its last minutes still come. */
static enum fault_code look_at(const struct budgets_ground *ground, const struct budgets_row *row,
                               struct telling *telling, struct fault *fault)
{
    struct zone_period period =
        zone_period_at(ground->zone, row->definition.period, ground->now_us);
    enum fault_code code = budgets_threshold_look(ground, row, ground->now_us, telling->seen,
                                                  SEEN_MAX, &telling->seen_count, fault);
    bool is_young = ground->now_us < period.from_us + USAGE_COMPLETE_AFTER_S * SECOND_US;
    /* What was made or changed in this period says nothing of the one before. */
    bool was_so = row->updated_us < period.from_us &&
                  (!row->override || row->override->asked_us < period.from_us);
    if (code == FAULT_NONE && is_young && was_so)
        code = budgets_threshold_look(ground, row, period.from_us - 1, telling->seen, SEEN_MAX,
                                      &telling->seen_count, fault);
    return code;
}

static enum fault_code look(struct telling *telling, struct store *store, struct fault *fault)
{
    struct budgets_loaded loaded = {.count = 0};
    struct budgets_ground ground;
    struct store_list due = {0};
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = budgets_store_override_due(store, telling->tenant, telling->now_us, telling->arena,
                                          &due, fault);
    if (code == FAULT_NONE)
        code =
            budgets_load(store, telling->tenant, telling->now_us, telling->arena, &loaded, fault);
    telling->is_due = due.count > 0;
    if (code != FAULT_NONE || loaded.count == 0)
        return code;
    code = budgets_ground_open(store, telling->tenant, telling->now_us, telling->arena, &ground,
                               fault);
    if (code != FAULT_NONE)
        return code;
    for (size_t i = 0; i < loaded.count && code == FAULT_NONE; i++)
        code = look_at(&ground, &loaded.rows[i], telling, fault);
    budgets_ground_done(&ground);
    return code;
}

static enum fault_code look_and_tell(struct telling *telling, struct jobs_turn *turn,
                                     struct fault *fault)
{
    struct store *store;
    telling->seen = arena_alloc(telling->arena, SEEN_MAX * sizeof *telling->seen);
    if (!telling->seen)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to watch budgets");
    enum fault_code code = store_pool_take(telling->service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = look(telling, store, fault);
    store_pool_give(telling->service->pool, store);
    if (code != FAULT_NONE || (telling->seen_count == 0 && !telling->is_due))
        return code;
    code = turn ? jobs_write(turn, tell_in, telling, fault)
                : store_pool_write(telling->service->pool, tell_in, telling, fault);
    if (code == FAULT_NONE && telling->expired > 0)
        budgets_reload(telling->service->budgets, telling->tenant);
    return code;
}

enum fault_code budgets_watch_tenant(struct service *service, struct jobs_turn *turn,
                                     struct str tenant, int64_t now_us, size_t *out_told,
                                     struct fault *fault)
{
    struct arena arena;
    struct telling telling = {
        .service = service, .tenant = tenant, .now_us = now_us, .arena = &arena};
    arena_init(&arena, TENANT_ARENA_MAX);
    enum fault_code code = look_and_tell(&telling, turn, fault);
    arena_done(&arena);
    if (code == FAULT_NONE)
        *out_told = telling.told;
    return code;
}

/* --- a round -------------------------------------------------------------------------------- */

static enum fault_code find_looked(struct budgets_watch *watch, struct str tenant,
                                   struct looked **out, struct fault *fault)
{
    uint32_t at = 0;
    if (!map_get(&watch->tenants, tenant, &at)) {
        if (watch->count == watch->room) {
            size_t room = watch->room ? watch->room * 2 : 16;
            struct looked *more = os_resize(watch->looked, room * sizeof *more);
            if (!more)
                return fault_set(fault, FAULT_NO_MEMORY, "no memory left to watch budgets");
            watch->looked = more;
            watch->room = room;
        }
        struct str kept = arena_copy(&watch->names, tenant);
        at = (uint32_t)watch->count;
        if (!kept.ptr || map_put(&watch->tenants, kept, at) != FAULT_NONE)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left to watch budgets");
        watch->looked[watch->count++] = (struct looked){.seq = -1};
    }
    *out = &watch->looked[at];
    return FAULT_NONE;
}

static enum fault_code read_seq(struct store *store, struct str tenant, int64_t *out,
                                struct fault *fault)
{
    static const char sql[] =
        "SELECT coalesce(max(last_seq), 0) FROM usage_batches WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

/* What the tenant looks like from outside, before it is looked at: what comes in between is seen
 * the next time. */
static enum fault_code glance(struct budgets_watch *watch, struct str tenant, struct looked *out,
                              struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(watch->service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    out->at_us = os_monotonic_us();
    code = read_seq(store, tenant, &out->seq, fault);
    if (code == FAULT_NONE)
        code = prices_generation(store, tenant, &out->generation, fault);
    store_pool_give(watch->service->pool, store);
    return code;
}

static enum fault_code round_of(struct budgets_watch *watch, struct jobs_turn *turn,
                                struct str tenant, struct fault *fault)
{
    struct looked *before = NULL;
    struct looked now = {0};
    size_t told = 0;
    enum fault_code code = find_looked(watch, tenant, &before, fault);
    if (code == FAULT_NONE)
        code = glance(watch, tenant, &now, fault);
    if (code != FAULT_NONE)
        return code;
    if (before->seq == now.seq && before->generation == now.generation &&
        now.at_us < before->at_us + BUDGETS_WATCH_ALWAYS_S * SECOND_US)
        return FAULT_NONE;
    code = budgets_watch_tenant(watch->service, turn, tenant, os_now_us(), &told, fault);
    if (code == FAULT_NONE && told < SEEN_MAX) /* else there is more of it */
        *before = now;
    if (told > 0)
        log_event(LOG_INFO, "budgets.crossed", LOG_TEXT("tenant", tenant),
                  LOG_NUMBER("crossings", (int64_t)told));
    return code;
}

enum fault_code budgets_watch_run(struct jobs_turn *turn, void *context, struct fault *fault)
{
    struct budgets_watch *watch = context;
    struct arena arena;
    struct store *store;
    struct store_list list = {0};
    arena_init(&arena, ROUND_ARENA_MAX);
    enum fault_code code = store_pool_take(watch->service->pool, &store, fault);
    if (code == FAULT_NONE) {
        code = budgets_load_tenants(store, &arena, &list, fault);
        store_pool_give(watch->service->pool, store);
    }
    const struct str *tenants = list.rows;
    int64_t renewed_us = os_monotonic_us();
    for (size_t i = 0; i < list.count && code == FAULT_NONE && !atomic_load(turn->ending); i++) {
        code = round_of(watch, turn, tenants[i], fault);
        if (code == FAULT_NONE && os_monotonic_us() - renewed_us > RENEW_EVERY_S * SECOND_US) {
            renewed_us = os_monotonic_us();
            code = jobs_renew(turn, fault);
        }
    }
    arena_done(&arena);
    return code;
}
