#include "service/web/web_sli.h"

#include <string.h>

static const int64_t minute_us = INT64_C(60) * 1000000;

/* 10 ms and 300 ms are what is promised; the rest is spread around them. */
const int64_t web_sli_bounds_us[WEB_SLI_BUCKETS - 1] = {
    100,   250,   500,    1000,   2500,    5000,    10000,
    25000, 50000, 100000, 300000, 1000000, 3000000, 10000000,
};

void web_sli_init(struct web_sli *sli)
{
    memset(sli, 0, sizeof *sli);
    pthread_mutex_init(&sli->lock, NULL);
    atomic_store(&sli->minute, -1);
}

void web_sli_done(struct web_sli *sli)
{
    pthread_mutex_destroy(&sli->lock);
}

static void read_grown(struct web_sli *sli, enum web_sli_kind kind, struct web_sli_counts *out)
{
    out->answers = 0;
    for (size_t i = 0; i < WEB_SLI_BUCKETS; i++) {
        out->buckets[i] = atomic_load_explicit(&sli->grown[kind].buckets[i], memory_order_relaxed);
        out->answers += out->buckets[i];
    }
    out->sum_us = atomic_load_explicit(&sli->grown[kind].sum_us, memory_order_relaxed);
    out->failed = atomic_load_explicit(&sli->grown[kind].failed, memory_order_relaxed);
}

/* One thread copies; the others count on, and may come into the copy by a hair. */
static void copy_once_a_minute(struct web_sli *sli, int64_t now_us)
{
    int_fast64_t minute = now_us / minute_us;
    int_fast64_t known = atomic_load_explicit(&sli->minute, memory_order_relaxed);
    if (known >= minute || !atomic_compare_exchange_strong(&sli->minute, &known, minute))
        return;
    pthread_mutex_lock(&sli->lock);
    struct web_sli_copy *copy = &sli->copies[sli->next];
    sli->next = (sli->next + 1) % WEB_SLI_COPIES;
    copy->taken_us = now_us;
    for (size_t kind = 0; kind < WEB_SLI_KINDS; kind++)
        read_grown(sli, kind, &copy->counts[kind]);
    pthread_mutex_unlock(&sli->lock);
}

void web_sli_add(struct web_sli *sli, enum web_sli_kind kind, int64_t duration_us, bool failed,
                 int64_t now_us)
{
    size_t bucket = 0;
    copy_once_a_minute(sli, now_us);
    while (bucket < WEB_SLI_BUCKETS - 1 && duration_us > web_sli_bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&sli->grown[kind].buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sli->grown[kind].sum_us, (uint64_t)duration_us,
                              memory_order_relaxed);
    if (failed)
        atomic_fetch_add_explicit(&sli->grown[kind].failed, 1, memory_order_relaxed);
}

/* The first copy that was taken at that moment or later; NULL: nothing was answered since. */
static const struct web_sli_copy *copy_since(const struct web_sli *sli, int64_t since_us)
{
    for (size_t i = 0; i < WEB_SLI_COPIES; i++) {
        const struct web_sli_copy *copy = &sli->copies[(sli->next + i) % WEB_SLI_COPIES];
        if (copy->taken_us > 0 && copy->taken_us >= since_us)
            return copy;
    }
    return NULL;
}

static void subtract(struct web_sli_counts *from, const struct web_sli_counts *what)
{
    for (size_t i = 0; i < WEB_SLI_BUCKETS; i++)
        from->buckets[i] -= what->buckets[i];
    from->answers -= what->answers;
    from->sum_us -= what->sum_us;
    from->failed -= what->failed;
}

void web_sli_read(struct web_sli *sli, enum web_sli_kind kind, int64_t window_us, int64_t now_us,
                  struct web_sli_counts *out)
{
    if (window_us <= 0) {
        read_grown(sli, kind, out);
        return;
    }
    pthread_mutex_lock(&sli->lock);
    const struct web_sli_copy *copy = copy_since(sli, now_us - window_us);
    memset(out, 0, sizeof *out);
    if (copy) {
        read_grown(sli, kind, out);
        subtract(out, &copy->counts[kind]);
    }
    pthread_mutex_unlock(&sli->lock);
}

double web_sli_quantile_s(const struct web_sli_counts *counts, double share)
{
    double wanted = share * (double)counts->answers;
    double below = 0;
    for (size_t i = 0; i < WEB_SLI_BUCKETS - 1; i++) {
        double here = (double)counts->buckets[i];
        if (here > 0 && below + here >= wanted) {
            double from = i > 0 ? (double)web_sli_bounds_us[i - 1] : 0;
            double width = (double)web_sli_bounds_us[i] - from;
            return (from + width * (wanted - below) / here) / 1e6;
        }
        below += here;
    }
    return (double)web_sli_bounds_us[WEB_SLI_BUCKETS - 2] / 1e6;
}
