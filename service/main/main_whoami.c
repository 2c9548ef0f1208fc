/* GET /v1/whoami: what a client needs to see that it is the one it believes to be, and that the
 * service is the one it was made for. */
#include "service/main/main_routes.h"

#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "service/identity/identity.h"
#include "service/service.h"

/* What the app calls its scopes, by what they may. */
static const struct {
    const char *name;
    enum identity_permission permission;
} scopes[] = {
    {"handoff", PERMIT_HANDOFF_WRITE}, {"read", PERMIT_HANDOFF_READ},
    {"audit", PERMIT_AUDIT_READ},      {"admin", PERMIT_TOKEN_ADMIN},
    {"issue", PERMIT_TOKEN_ISSUE},     {"report", PERMIT_USAGE_WRITE},
};

static enum fault_code get_whoami(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_SESSION, &caller, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "tenant", caller.tenant);
    json_put_text(&out, "subject", caller.name);
    json_put_text(&out, "token", caller.token);
    json_put_text(&out, "role", str_of(identity_role_name(caller.role)));
    json_open_at(&out, "scopes", '[');
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if (identity_may(caller.role, scopes[i].permission))
            json_put_text(&out, NULL, str_of(scopes[i].name));
    json_close(&out, ']');
    if (caller.expires_us == 0)
        json_put_null(&out, "expires_us");
    else
        json_put_whole(&out, "expires_us", caller.expires_us);
    json_put_text(&out, "version", STR(IG_VERSION));
    json_put_whole(&out, "now_us", os_now_us());
    json_close(&out, '}');
    return buf_check(&reply->body, "the caller", fault);
}

const struct web_route main_whoami_routes[] = {
    {"GET", "/v1/whoami", get_whoami, 0},
    WEB_ROUTES_END,
};
