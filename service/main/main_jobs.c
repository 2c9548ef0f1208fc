#include "service/main/main_jobs.h"

#include <assert.h>

#include "libs/core/os.h"
#include "service/anomalies/anomalies.h"
#include "service/budgets/budgets_forget.h"
#include "service/budgets/budgets_threshold_watch.h"
#include "service/notify/notify_deliver.h"
#include "service/notify/notify_forget.h"
#include "service/usage/usage_dlq_forget.h"

enum { DELIVER_EVERY_S = 5 };

struct main_jobs {
    struct service *service; /* NULL until they run */
    struct budgets_watch *watch;
    struct budgets_forgetting forgetting;
    struct usage_dlq_forgetting dlq_forgetting;
    struct notify_deliverer *deliverer;
    struct job jobs[JOBS_MAX];
    size_t count;
    struct jobs_runner *runner;
};

static void add(struct main_jobs *jobs, struct job job)
{
    assert(jobs->count < JOBS_MAX);
    jobs->jobs[jobs->count++] = job;
}

static enum fault_code add_all(struct main_jobs *jobs, struct service *service,
                               const struct main_courier *courier, struct fault *fault)
{
    enum fault_code code = budgets_watch_new(service, &jobs->watch, fault);
    if (code == FAULT_NONE)
        add(jobs,
            (struct job){"budgets.watch", BUDGETS_WATCH_EVERY_S, budgets_watch_run, jobs->watch});
    add(jobs,
        (struct job){"budgets.forget", BUDGETS_FORGET_EVERY_S, budgets_forget, &jobs->forgetting});
    add(jobs, (struct job){"usage.dlq_forget", USAGE_DLQ_FORGET_EVERY_S, usage_dlq_forget,
                           &jobs->dlq_forgetting});
    add(jobs, (struct job){"anomalies.look", ANOMALIES_EVERY_S, anomalies_look_at_all, service});
    add(jobs, (struct job){"notify.forget", NOTIFY_FORGET_EVERY_S, notify_forget, NULL});
    if (code != FAULT_NONE || courier->fd < 0)
        return code;
    code = notify_deliverer_new(courier->fd, str_of(courier->from), service->audit,
                                &service->counters, &jobs->deliverer, fault);
    if (code == FAULT_NONE)
        add(jobs, (struct job){"notify.deliver", DELIVER_EVERY_S, notify_deliver, jobs->deliverer});
    return code;
}

enum fault_code main_jobs_start(struct service *service, const struct main_options *options,
                                const struct main_courier *courier, struct main_jobs **out,
                                struct fault *fault)
{
    struct main_jobs *jobs = os_alloc(sizeof *jobs);
    if (!jobs)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the jobs");
    jobs->forgetting.refusals_expire_s = options->refusals_expire_s;
    jobs->dlq_forgetting = (struct usage_dlq_forgetting){service->audit, options->dlq_expire_s};
    enum fault_code code = add_all(jobs, service, courier, fault);
    if (code == FAULT_NONE)
        code = jobs_start(service->pool, jobs->jobs, jobs->count, JOBS_LEASE_S * 1000,
                          &jobs->runner, fault);
    if (code != FAULT_NONE) {
        main_jobs_stop(jobs);
        return code;
    }
    jobs->service = service;
    atomic_store(&service->jobs, jobs->runner);
    *out = jobs;
    return FAULT_NONE;
}

/* Nobody answers requests any more by then. */
void main_jobs_stop(struct main_jobs *taken)
{
    if (!taken)
        return;
    if (taken->service)
        atomic_store(&taken->service->jobs, NULL);
    jobs_stop(taken->runner);
    notify_deliverer_free(taken->deliverer);
    budgets_watch_free(taken->watch);
    os_free(taken);
}
