/* What Prometheus asks for: counters, and the service levels as figures of this process. Names and
 * units as the Prometheus documentation advises. No tenant is named: whoever may scrape may not
 * know who the customers are. */
#include <inttypes.h>

#include "libs/core/os.h"
#include "libs/store/store_pool.h"
#include "service/identity/identity.h"
#include "service/jobs/jobs.h"
#include "service/main/main_data.h"
#include "service/main/main_routes.h"
#include "service/usage/usage_dlq.h"
#include "service/web/web_sli.h"

static const int64_t day_us = INT64_C(24) * 3600 * 1000000;

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_metric(struct buf *out, const char *name, const char *type, const char *help,
                       int64_t number)
{
    add_head(out, name, type, help);
    buf_addf(out, "%s %" PRId64 "\n", name, number);
}

struct result {
    const char *name;
    uint64_t number;
};

/* One counter told apart by one label. */
static void add_results(struct buf *out, const char *name, const char *help, const char *label,
                        const struct result *results, size_t count)
{
    add_head(out, name, "counter", help);
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, results[i].name,
                 results[i].number);
}

/* --- the HTTP server ------------------------------------------------------------------------ */

static void add_web(struct buf *out, const struct web_stats *stats)
{
    add_head(out, "intelgraphd_requests_total", "counter",
             "Requests answered, by class of status.");
    for (size_t i = 1; i < sizeof stats->by_class / sizeof stats->by_class[0]; i++)
        buf_addf(out, "intelgraphd_requests_total{class=\"%zuxx\"} %" PRIu64 "\n", i,
                 stats->by_class[i]);
    add_metric(out, "intelgraphd_request_bytes_total", "counter",
               "Bytes of request bodies, as they came.", (int64_t)stats->bytes_in);
    add_metric(out, "intelgraphd_reply_bytes_total", "counter",
               "Bytes of reply bodies, as they went.", (int64_t)stats->bytes_out);
    add_metric(out, "intelgraphd_connections_refused_total", "counter",
               "Connections over the limit of one address.", (int64_t)stats->refused_connections);
    add_metric(out, "intelgraphd_connections_cut_total", "counter", "Connections cut as too slow.",
               (int64_t)stats->cut_connections);
}

/* --- service levels ------------------------------------------------------------------------- */

/* What is promised (docs/runbooks/service.md); the rules of ops/monitoring read it from here. */
static const struct {
    const char *name;
    double value;
} objectives[] = {
    {"availability", 0.995},
    {"read_p95_seconds", 0.3},
    {"decision_p95_seconds", 0.01},
};

static const struct {
    const char *name;
    int64_t us;
} windows[] = {{"5m", INT64_C(5) * 60 * 1000000}, {"1h", INT64_C(60) * 60 * 1000000}};

static const char *const kinds[WEB_SLI_KINDS] = {"read", "write", "decision"};

/* As a Prometheus histogram: each bucket holds those below it. */
static void add_histogram(struct buf *out, const char *kind, const struct web_sli_counts *counts)
{
    static const char name[] = "intelgraphd_request_duration_seconds";
    uint64_t below = 0;
    for (size_t i = 0; i < WEB_SLI_BUCKETS - 1; i++) {
        below += counts->buckets[i];
        buf_addf(out, "%s_bucket{kind=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, kind,
                 (double)web_sli_bounds_us[i] / 1e6, below);
    }
    buf_addf(out, "%s_bucket{kind=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, kind, counts->answers);
    buf_addf(out, "%s_sum{kind=\"%s\"} %.6f\n", name, kind, (double)counts->sum_us / 1e6);
    buf_addf(out, "%s_count{kind=\"%s\"} %" PRIu64 "\n", name, kind, counts->answers);
}

static void add_durations(struct buf *out, struct web_server *server)
{
    struct result failed[WEB_SLI_KINDS];
    add_head(out, "intelgraphd_request_duration_seconds", "histogram",
             "From the whole request to the reply, by kind of route.");
    for (int kind = 0; kind < WEB_SLI_KINDS; kind++) {
        struct web_sli_counts counts = web_server_sli(server, kind, 0);
        add_histogram(out, kinds[kind], &counts);
        failed[kind] = (struct result){kinds[kind], counts.failed};
    }
    add_results(out, "intelgraphd_request_failures_total",
                "Answers of the above with a status of 500 and more.", "kind", failed,
                WEB_SLI_KINDS);
}

/* Share of answers that were none of our failures, and how fast the allowed share of failures is
 * being used: 1 uses it up exactly, over any time. */
static void add_availability(struct buf *out, struct web_server *server)
{
    uint64_t answers[2] = {0};
    uint64_t failed[2] = {0};
    for (size_t i = 0; i < 2; i++)
        for (int kind = 0; kind < WEB_SLI_KINDS; kind++) {
            struct web_sli_counts counts = web_server_sli(server, kind, windows[i].us);
            answers[i] += counts.answers;
            failed[i] += counts.failed;
        }
    add_head(out, "intelgraphd_slo_availability_ratio", "gauge",
             "Answers that did not fail, of this process; none while there were no answers.");
    for (size_t i = 0; i < 2; i++)
        if (answers[i] > 0)
            buf_addf(out, "intelgraphd_slo_availability_ratio{window=\"%s\"} %.6f\n",
                     windows[i].name, 1 - (double)failed[i] / (double)answers[i]);
    add_head(out, "intelgraphd_slo_error_budget_burn_ratio", "gauge",
             "Failures as a multiple of those that the objective allows.");
    for (size_t i = 0; i < 2; i++)
        if (answers[i] > 0)
            buf_addf(out, "intelgraphd_slo_error_budget_burn_ratio{window=\"%s\"} %.3f\n",
                     windows[i].name,
                     (double)failed[i] / (double)answers[i] / (1 - objectives[0].value));
}

static void add_p95(struct buf *out, struct web_server *server, const char *name, const char *help,
                    enum web_sli_kind kind)
{
    add_head(out, name, "gauge", help);
    for (size_t i = 0; i < 2; i++) {
        struct web_sli_counts counts = web_server_sli(server, kind, windows[i].us);
        if (counts.answers > 0)
            buf_addf(out, "%s{window=\"%s\"} %.6f\n", name, windows[i].name,
                     web_sli_quantile_s(&counts, 0.95));
    }
}

static void add_levels(struct buf *out, struct web_server *server)
{
    add_head(out, "intelgraphd_slo_objective", "gauge", "What is promised.");
    for (size_t i = 0; i < sizeof objectives / sizeof objectives[0]; i++)
        buf_addf(out, "intelgraphd_slo_objective{slo=\"%s\"} %g\n", objectives[i].name,
                 objectives[i].value);
    add_durations(out, server);
    add_availability(out, server);
    add_p95(out, server, "intelgraphd_slo_read_p95_seconds",
            "Time in which 95 of 100 reads were answered.", WEB_SLI_READ);
    add_p95(out, server, "intelgraphd_slo_decision_p95_seconds",
            "Time in which 95 of 100 budget decisions were answered.", WEB_SLI_DECISION);
}

/* --- what the service is for ---------------------------------------------------------------- */

static void add_work(struct buf *out, const struct service_counters *counters)
{
    const struct result handoffs[] = {
        {"committed", atomic_load(&counters->handoffs_committed)},
        {"duplicate", atomic_load(&counters->handoffs_duplicate)},
        {"refused", atomic_load(&counters->handoffs_refused)},
    };
    const struct result decisions[] = {
        {"allow", atomic_load(&counters->decisions_allowed)},
        {"throttle", atomic_load(&counters->decisions_throttled)},
        {"block", atomic_load(&counters->decisions_blocked)},
        {"shadow", atomic_load(&counters->decisions_shadowed)},
    };
    add_results(out, "intelgraphd_handoffs_total", "Hand-offs since the start, by result.",
                "result", handoffs, sizeof handoffs / sizeof handoffs[0]);
    add_metric(out, "intelgraphd_handoffs_opened_total", "counter",
               "Clicks on the links of hand-offs.",
               (int64_t)atomic_load(&counters->handoffs_opened));
    add_results(out, "intelgraphd_budget_decisions_total",
                "Budget decisions since the start; shadow: allowed by a budget that only watches.",
                "verdict", decisions, sizeof decisions / sizeof decisions[0]);
}

static void add_jobs(struct buf *out, const struct jobs_runner *runner)
{
    add_head(out, "intelgraphd_job_runs_total", "counter",
             "Runs of this process's jobs; lost: another process took over in the middle.");
    for (size_t i = 0; i < jobs_count(runner); i++) {
        struct jobs_stats stats = jobs_stats(runner, i);
        const struct result results[] = {
            {"done", stats.done}, {"failed", stats.failed}, {"lost", stats.lost}};
        for (size_t r = 0; r < sizeof results / sizeof results[0]; r++)
            buf_addf(out, "intelgraphd_job_runs_total{name=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                     stats.name, results[r].name, results[r].number);
    }
}

static void add_notices(struct buf *out, const struct service_counters *counters)
{
    const struct result notices[] = {
        {"delivered", atomic_load(&counters->notices_delivered)},
        {"failed", atomic_load(&counters->notices_failed)},
        {"dead", atomic_load(&counters->notices_dead)},
    };
    add_results(out, "intelgraphd_notices_total",
                "Attempts to deliver a notice since the start; dead: given up, beside its failure.",
                "result", notices, sizeof notices / sizeof notices[0]);
    add_metric(out, "intelgraphd_anomalies_total", "counter",
               "Days of usage found out of the ordinary.",
               (int64_t)atomic_load(&counters->anomalies_found));
}

/* One number by SQL, with one moment or none in it. */
static enum fault_code ask_store(struct store *store, const char *sql, const int64_t *since_us,
                                 int64_t *out, struct fault *fault)
{
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    if (since_us)
        store_bind_whole(query, 1, *since_us);
    return store_read_whole(query, out, fault);
}

/* People with a hand-off. Each tenant has a log, so the heads name the tenants; the days' rollups
 * are few beside the hand-offs. */
static const char analysts_sql[] =
    "SELECT count(*) FROM (SELECT DISTINCT d.tenant, d.dimset FROM audit_heads h "
    "JOIN usage_days d ON d.tenant = h.tenant AND d.meter = 'handoffs' AND d.from_us > $1) people";

/* Of all tenants; the fullest one's share tells before anything is lost to it. */
static enum fault_code add_dlq(struct buf *out, struct store *store, struct fault *fault)
{
    static const char open_sql[] =
        "SELECT CAST(coalesce(sum(open_entries), 0) AS BIGINT) FROM usage_dlq_books";
    static const char fullest_sql[] = "SELECT coalesce(max(open_entries), 0) FROM usage_dlq_books";
    static const char unkept_sql[] =
        "SELECT CAST(coalesce(sum(unkept), 0) AS BIGINT) FROM usage_dlq_books";
    int64_t open;
    int64_t fullest;
    int64_t unkept;
    enum fault_code code = ask_store(store, open_sql, NULL, &open, fault);
    if (code == FAULT_NONE)
        code = ask_store(store, fullest_sql, NULL, &fullest, fault);
    if (code == FAULT_NONE)
        code = ask_store(store, unkept_sql, NULL, &unkept, fault);
    if (code != FAULT_NONE)
        return code;
    add_metric(out, "intelgraphd_usage_dlq_open", "gauge",
               "Usage events that could not be taken and wait for somebody.", open);
    add_head(out, "intelgraphd_usage_dlq_fullest_ratio", "gauge",
             "Open entries of the tenant that has most, as a share of what a tenant may have.");
    buf_addf(out, "intelgraphd_usage_dlq_fullest_ratio %.4f\n",
             (double)fullest / USAGE_DLQ_OPEN_MAX);
    add_metric(out, "intelgraphd_usage_dlq_unkept_total", "counter",
               "Rejected usage events that a full DLQ could not keep.", unkept);
    return FAULT_NONE;
}

static enum fault_code add_stored(struct buf *out, struct store *store, struct fault *fault)
{
    static const struct {
        const char *name;
        int days;
    } spans[] = {{"1d", 1}, {"7d", 7}, {"30d", 30}};
    static const char records_sql[] =
        "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM audit_heads";
    int64_t records;
    enum fault_code code = ask_store(store, records_sql, NULL, &records, fault);
    if (code != FAULT_NONE)
        return code;
    add_metric(out, "intelgraphd_audit_records", "gauge", "Records in all audit logs.", records);
    static const char waiting_sql[] =
        "SELECT count(*) FROM notify_deliveries WHERE state = 'waiting'";
    int64_t waiting;
    code = ask_store(store, waiting_sql, NULL, &waiting, fault);
    if (code != FAULT_NONE)
        return code;
    add_metric(out, "intelgraphd_notices_waiting", "gauge", "Notices on their way.", waiting);
    code = add_dlq(out, store, fault);
    if (code != FAULT_NONE)
        return code;
    add_head(out, "intelgraphd_active_analysts", "gauge",
             "People with a hand-off in the last calendar days, of all tenants.");
    for (size_t i = 0; i < sizeof spans / sizeof spans[0] && code == FAULT_NONE; i++) {
        int64_t people;
        int64_t since_us = os_now_us() - spans[i].days * day_us;
        code = ask_store(store, analysts_sql, &since_us, &people, fault);
        if (code == FAULT_NONE)
            buf_addf(out, "intelgraphd_active_analysts{window=\"%s\"} %" PRId64 "\n", spans[i].name,
                     people);
    }
    return code;
}

static enum fault_code get_metrics(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller nobody;
    struct store *store;
    struct buf *out = &reply->body;
    enum fault_code code = identity_gate(service->identity, request, PERMIT_PUBLIC, &nobody, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = add_stored(out, store, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    reply->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    add_head(out, "intelgraphd_build_info", "gauge", "Which build answers.");
    buf_add(out, STR("intelgraphd_build_info{version=\"" IG_VERSION "\"} 1\n"));
    add_metric(out, "intelgraphd_uptime_seconds", "gauge", "Since the start.",
               (os_now_us() - service->started_us) / 1000000);
    struct web_server *server = atomic_load(&service->server);
    if (server) { /* else it is still starting */
        struct web_stats stats = web_server_stats(server);
        add_web(out, &stats);
        add_levels(out, server);
    }
    add_work(out, &service->counters);
    add_notices(out, &service->counters);
    struct jobs_runner *jobs = atomic_load(&service->jobs);
    if (jobs)
        add_jobs(out, jobs);
    add_metric(out, "intelgraphd_store_bytes", "gauge", "Size of the store's files.",
               main_data_size(service));
    add_metric(out, "intelgraphd_disk_free_bytes", "gauge", "Free where the data folder is.",
               main_data_free(service));
    return FAULT_NONE;
}

const struct web_route main_metrics_routes[] = {
    {"GET", "/metrics", get_metrics, 0, WEB_MEASURE_NONE},
    WEB_ROUTES_END,
};
