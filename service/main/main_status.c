/* What machines ask: is it alive, is it ready, what can it do. */
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

static enum fault_code ask_store(struct service *service, struct fault *fault)
{
    struct store *store;
    struct statement *query;
    int64_t ignored;
    enum fault_code code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, "SELECT count(*) FROM audit_heads", &query, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &ignored, fault);
    store_pool_give(service->pool, store);
    return code;
}

static enum fault_code get_ready(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    enum fault_code code = open_to_all(service, request, fault);
    if (code == FAULT_NONE)
        code = ask_store(service, fault);
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
    {"GET", "/healthz", get_health, 0, WEB_MEASURE_NONE},
    {"GET", "/readyz", get_ready, 0, WEB_MEASURE_NONE},
    {"GET", "/openapi.yaml", get_openapi, 0, WEB_MEASURE_NONE},
    WEB_ROUTES_END,
};
