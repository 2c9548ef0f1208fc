#include "service/budgets/budgets_repeats.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/budgets/budgets_internal.h"

struct repeat {
    char tenant[68];
    char work[BUDGETS_REPEATS_WORK_MAX + 1];
    char budget[BUDGETS_ID_MAX + 1];
    enum budgets_verdict verdict;
    int64_t at_us; /* monotonic, of its last record */
    int64_t count; /* refused since */
};

struct budgets_repeats {
    pthread_mutex_t lock;
    struct repeat all[BUDGETS_REPEATS_MAX];
    int count;
};

enum fault_code budgets_repeats_new(struct budgets_repeats **out, struct fault *fault)
{
    struct budgets_repeats *repeats = os_alloc(sizeof *repeats);
    if (!repeats)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for refusals");
    int rc = pthread_mutex_init(&repeats->lock, NULL);
    assert(rc == 0);
    *out = repeats;
    return FAULT_NONE;
}

void budgets_repeats_free(struct budgets_repeats *taken)
{
    if (!taken)
        return;
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

static bool is_young(const struct repeat *repeat, int64_t now_us)
{
    return now_us - repeat->at_us < BUDGETS_REPEATS_S * INT64_C(1000000);
}

static struct repeat *find(struct budgets_repeats *repeats, const struct repeat *key)
{
    for (int i = 0; i < repeats->count; i++) {
        struct repeat *repeat = &repeats->all[i];
        if (repeat->verdict == key->verdict && strcmp(repeat->work, key->work) == 0 &&
            strcmp(repeat->budget, key->budget) == 0 && strcmp(repeat->tenant, key->tenant) == 0)
            return repeat;
    }
    return NULL;
}

/* NULL: so many are young that one more is not told by itself. */
static struct repeat *make_room(struct budgets_repeats *repeats, const char *tenant, int64_t now_us)
{
    struct repeat *oldest = NULL;
    int of_tenant = 0;
    for (int i = 0; i < repeats->count; i++) {
        struct repeat *repeat = &repeats->all[i];
        if (is_young(repeat, now_us))
            of_tenant += strcmp(repeat->tenant, tenant) == 0;
        else if (!oldest || repeat->at_us < oldest->at_us)
            oldest = repeat;
    }
    if (of_tenant >= BUDGETS_REPEATS_OF_TENANT)
        return NULL;
    if (repeats->count < BUDGETS_REPEATS_MAX)
        return &repeats->all[repeats->count++];
    return oldest;
}

static struct repeat key_of(struct str tenant, struct str work,
                            const struct budgets_decision *decision)
{
    struct repeat key = {.verdict = decision->verdict};
    bool fits = str_to_c(tenant, key.tenant, sizeof key.tenant) &&
                str_to_c(work, key.work, sizeof key.work);
    assert(fits);
    memcpy(key.budget, decision->refused_by.id, sizeof key.budget);
    return key;
}

bool budgets_refused_anew(struct budgets *budgets, struct str tenant, struct str work,
                          const struct budgets_decision *decision, int64_t *out_before)
{
    struct budgets_repeats *repeats = budgets->repeats;
    int64_t now_us = os_monotonic_us();
    struct repeat key = key_of(tenant, work, decision);
    pthread_mutex_lock(&repeats->lock);
    struct repeat *repeat = find(repeats, &key);
    bool is_news = !repeat || !is_young(repeat, now_us);
    *out_before = 0;
    if (repeat && is_news) {
        *out_before = repeat->count;
        repeat->count = 0;
        repeat->at_us = now_us;
    } else if (repeat) {
        repeat->count++;
    } else {
        repeat = make_room(repeats, key.tenant, now_us);
        is_news = repeat != NULL;
        key.at_us = now_us;
        if (repeat)
            *repeat = key;
    }
    pthread_mutex_unlock(&repeats->lock);
    return is_news;
}

void budgets_refused_untold(struct budgets *budgets, struct str tenant, struct str work,
                            const struct budgets_decision *decision, int64_t before)
{
    struct budgets_repeats *repeats = budgets->repeats;
    struct repeat key = key_of(tenant, work, decision);
    pthread_mutex_lock(&repeats->lock);
    struct repeat *repeat = find(repeats, &key);
    if (repeat) {
        repeat->count += before + 1;
        repeat->at_us -= BUDGETS_REPEATS_S * INT64_C(1000000);
    }
    pthread_mutex_unlock(&repeats->lock);
}
