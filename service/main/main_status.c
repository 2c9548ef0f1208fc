/* What machines ask: is it alive, is it ready, what did it do, what can it do. */
#include "service/main/main_routes.h"

#include <inttypes.h>

#include "libs/core/os.h"
#include "libs/store/store_pool.h"
#include "service/identity/identity.h"
#include "service/main/main_data.h"

enum { FREE_LEAST = 64 << 20 }; /* bytes: below that, hand-offs will soon be refused */

extern const char main_openapi_text[]; /* main_openapi.S */
extern const uint64_t main_openapi_len;

struct str main_openapi(void)
{
    return (struct str){main_openapi_text, main_openapi_len};
}

static enum fault_code open_to_all(struct service *service, struct web_request *request,
                                   struct fault *fault)
{
    struct identity_caller nobody;
    return identity_gate(service->identity, request, PERMIT_PUBLIC, &nobody, fault);
}

static enum fault_code get_health(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    enum fault_code code = open_to_all(context, request, fault);
    if (code == FAULT_NONE)
        buf_add(&reply->body, STR("{\"status\":\"alive\"}"));
    return code;
}

/* One number by SQL; also the proof that the store answers. */
static enum fault_code ask_store(struct service *service, const char *sql, int64_t *out,
                                 struct fault *fault)
{
    struct store *store;
    struct statement *statement;
    bool row = false;
    enum fault_code code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, sql, &statement, fault);
    if (code == FAULT_NONE)
        code = store_step(statement, &row, fault);
    if (code == FAULT_NONE && row) {
        *out = store_whole(statement, 0);
        store_reset(statement);
    }
    store_pool_give(service->pool, store);
    return code;
}

/* The sizes of all logs together, from their heads. */
static enum fault_code count_audit(struct service *service, int64_t *out, struct fault *fault)
{
    static const char sql[] = "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM audit_heads";
    return ask_store(service, sql, out, fault);
}

static enum fault_code get_ready(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    int64_t ignored;
    enum fault_code code = open_to_all(service, request, fault);
    if (code == FAULT_NONE)
        code = count_audit(service, &ignored, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t free_bytes = main_data_free(service);
    if (free_bytes >= 0 && free_bytes < FREE_LEAST)
        return fault_field(fault, FAULT_UNAVAILABLE, "disk",
                           "the disk of the data folder has %" PRId64 " bytes free; it needs %d",
                           free_bytes, FREE_LEAST);
    buf_add(&reply->body, STR("{\"status\":\"ready\"}"));
    return FAULT_NONE;
}

static void add_metric(struct buf *out, const char *name, const char *type, const char *help,
                       int64_t number)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", name, help, name, type, name,
             number);
}

static void add_web(struct buf *out, const struct web_stats *stats)
{
    buf_add(out, STR("# HELP intelgraphd_requests_total Requests answered, by class of status.\n"
                     "# TYPE intelgraphd_requests_total counter\n"));
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

static void add_handoffs(struct buf *out, const struct service_counters *counters)
{
    const struct {
        const char *result;
        uint64_t number;
    } rows[] = {
        {"committed", atomic_load(&counters->handoffs_committed)},
        {"duplicate", atomic_load(&counters->handoffs_duplicate)},
        {"refused", atomic_load(&counters->handoffs_refused)},
    };
    buf_add(out, STR("# HELP intelgraphd_handoffs_total Hand-offs since the start, by result.\n"
                     "# TYPE intelgraphd_handoffs_total counter\n"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        buf_addf(out, "intelgraphd_handoffs_total{result=\"%s\"} %" PRIu64 "\n", rows[i].result,
                 rows[i].number);
    add_metric(out, "intelgraphd_handoffs_opened_total", "counter",
               "Clicks on the links of hand-offs.",
               (int64_t)atomic_load(&counters->handoffs_opened));
}

static enum fault_code get_metrics(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct buf *out = &reply->body;
    int64_t records = 0;
    enum fault_code code = open_to_all(service, request, fault);
    if (code == FAULT_NONE)
        code = count_audit(service, &records, fault);
    if (code != FAULT_NONE)
        return code;
    reply->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    buf_add(out, STR("# HELP intelgraphd_build_info Which build answers.\n"
                     "# TYPE intelgraphd_build_info gauge\n"
                     "intelgraphd_build_info{version=\"" IG_VERSION "\"} 1\n"));
    add_metric(out, "intelgraphd_uptime_seconds", "gauge", "Since the start.",
               (os_now_us() - service->started_us) / 1000000);
    const struct web_server *server = atomic_load(&service->server);
    struct web_stats stats = server ? web_server_stats(server) : (struct web_stats){0};
    add_web(out, &stats);
    add_handoffs(out, &service->counters);
    add_metric(out, "intelgraphd_audit_records", "gauge", "Records in all audit logs.", records);
    add_metric(out, "intelgraphd_store_bytes", "gauge", "Size of the store's files.",
               main_data_size(service));
    add_metric(out, "intelgraphd_disk_free_bytes", "gauge", "Free where the data folder is.",
               main_data_free(service));
    return FAULT_NONE;
}

static enum fault_code get_openapi(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    enum fault_code code = open_to_all(context, request, fault);
    if (code != FAULT_NONE)
        return code;
    reply->content_type = STR("application/yaml");
    reply->static_body = main_openapi();
    return FAULT_NONE;
}

const struct web_route main_status_routes[] = {
    {"GET", "/healthz", get_health, 0},
    {"GET", "/readyz", get_ready, 0},
    {"GET", "/metrics", get_metrics, 0},
    {"GET", "/openapi.yaml", get_openapi, 0},
    WEB_ROUTES_END,
};
