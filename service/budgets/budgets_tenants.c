/* The tenants in memory: found without a lock, each with one of its own. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

static unsigned bucket_of(struct str name)
{
    uint64_t hash = UINT64_C(1469598103934665603); /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(1099511628211);
    return (unsigned)((hash ^ hash >> 32) & (TENANT_BUCKETS - 1));
}

static struct tenant *find(struct tenant *tenant, struct str name)
{
    while (tenant && (memcmp(tenant->name, name.ptr, name.len) != 0 || tenant->name[name.len]))
        tenant = tenant->next;
    return tenant;
}

struct tenant *budgets_tenant_known(struct budgets *budgets, struct str name)
{
    if (name.len >= sizeof((struct tenant *)0)->name)
        return NULL;
    return find(atomic_load_explicit(&budgets->tenants[bucket_of(name)], memory_order_acquire),
                name);
}

static struct tenant *new_tenant(struct str name)
{
    struct tenant *tenant = os_alloc(sizeof *tenant);
    if (!tenant)
        return NULL;
    memcpy(tenant->name, name.ptr, name.len);
    tenant->hold_empty = -1;
    int rc = pthread_mutex_init(&tenant->lock, NULL);
    assert(rc == 0);
    rc = pthread_cond_init(&tenant->changed, NULL);
    assert(rc == 0);
    return tenant;
}

struct tenant *budgets_tenant(struct budgets *budgets, struct str name)
{
    struct tenant *tenant = budgets_tenant_known(budgets, name);
    if (tenant)
        return tenant;
    assert(name.len < sizeof tenant->name && "identity allows 64 bytes");
    _Atomic(struct tenant *) *bucket = &budgets->tenants[bucket_of(name)];
    pthread_mutex_lock(&budgets->growing);
    tenant = find(atomic_load(bucket), name);
    if (!tenant && (tenant = new_tenant(name))) {
        tenant->next = atomic_load(bucket);
        atomic_store_explicit(bucket, tenant, memory_order_release);
    }
    pthread_mutex_unlock(&budgets->growing);
    return tenant;
}

static void free_tenant(struct tenant *taken)
{
    while (taken->states) {
        struct state *next = taken->states->next;
        os_free(taken->states);
        taken->states = next;
    }
    budgets_config_free(taken->config);
    os_free(taken->holds);
    os_free(taken->wheel);
    pthread_cond_destroy(&taken->changed);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

void budgets_tenants_free(struct budgets *budgets)
{
    for (int i = 0; i < TENANT_BUCKETS; i++) {
        struct tenant *tenant = atomic_load(&budgets->tenants[i]);
        while (tenant) {
            struct tenant *next = tenant->next;
            free_tenant(tenant);
            tenant = next;
        }
    }
}

/* --- who asks the store --------------------------------------------------------------------- */

bool budgets_slow_begin(struct tenant *tenant)
{
    if (tenant->slow) {
        while (tenant->slow)
            pthread_cond_wait(&tenant->changed, &tenant->lock);
        return false;
    }
    tenant->slow = true;
    return true;
}

void budgets_slow_end(struct tenant *tenant)
{
    tenant->slow = false;
    tenant->syncing = false;
    pthread_cond_broadcast(&tenant->changed);
}

void budgets_settling_begin(struct tenant *tenant)
{
    while (tenant->syncing)
        pthread_cond_wait(&tenant->changed, &tenant->lock);
    tenant->settling++;
}

void budgets_settling_end(struct tenant *tenant)
{
    assert(tenant->settling > 0);
    if (--tenant->settling == 0 && tenant->syncing)
        pthread_cond_broadcast(&tenant->changed);
}

/* --- states --------------------------------------------------------------------------------- */

struct state *budgets_state(struct tenant *tenant, const char *id, int64_t period_from_us)
{
    struct state *state = tenant->states;
    while (state && (state->period.from_us != period_from_us || strcmp(state->id, id) != 0))
        state = state->next;
    return state;
}

int64_t budgets_state_used(const struct state *state)
{
    return budgets_cap(state->used + state->counted);
}

int64_t budgets_state_reserved(const struct state *state)
{
    return budgets_cap(state->soft + state->open + state->others);
}
