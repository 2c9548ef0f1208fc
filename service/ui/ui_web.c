#include "service/ui/ui_web.h"

#include "service/identity/identity.h"
#include "service/service.h"
#include "service/ui/ui.h"

enum { LOCATION_MAX = 32 * 1024 };

static void fill(struct web_reply *reply, const struct ui_asset *asset)
{
    reply->content_type = str_of(asset->content_type);
    reply->static_body = (struct str){(const char *)asset->data, asset->len};
    reply->static_gzipped = asset->gzipped;
}

static enum fault_code to_sign_in(struct web_request *request, struct web_reply *reply,
                                  struct fault *fault)
{
    struct buf location;
    buf_init(&location, LOCATION_MAX);
    buf_add(&location, STR("/signin?next="));
    web_add_encoded(&location, request->path);
    if (request->query.len > 0) {
        /* Filters are part of a page's address: who comes back sees what was asked for. */
        buf_add(&location, STR("%3F"));
        web_add_encoded(&location, request->query);
    }
    enum fault_code code = buf_check(&location, "the address", fault);
    if (code == FAULT_NONE)
        web_redirect(request, reply, buf_str(&location));
    buf_done(&location);
    return code;
}

/* A page for who is signed in; others sign in first and come back. */
static enum fault_code get_page(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_SESSION, &caller, fault);
    if (code == FAULT_UNSIGNED)
        return to_sign_in(request, reply, fault);
    if (code == FAULT_NONE)
        fill(reply, ui_page());
    return code;
}

static enum fault_code get_sign_in(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller nobody;
    enum fault_code code = identity_gate(service->identity, request, PERMIT_PUBLIC, &nobody, fault);
    if (code == FAULT_NONE)
        fill(reply, ui_page());
    return code;
}

static enum fault_code get_root(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct service *service = context;
    struct identity_caller nobody;
    enum fault_code code = identity_gate(service->identity, request, PERMIT_PUBLIC, &nobody, fault);
    if (code == FAULT_NONE)
        web_redirect(request, reply, STR("/handoffs"));
    return code;
}

static enum fault_code get_asset(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller nobody;
    enum fault_code code = identity_gate(service->identity, request, PERMIT_PUBLIC, &nobody, fault);
    if (code != FAULT_NONE)
        return code;
    const struct ui_asset *asset = ui_asset_find(request->parts[0]);
    if (!asset)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no such asset in this version");
    struct str etag = str_of(asset->etag);
    web_reply_header(request, reply, "ETag", etag);
    web_reply_header(request, reply, "Cache-Control",
                     asset->immutable ? STR("public, max-age=31536000, immutable")
                                      : STR("no-cache"));
    if (str_find(web_header(request, "If-None-Match"), etag) <
        web_header(request, "If-None-Match").len)
        reply->status = 304;
    else
        fill(reply, asset);
    return FAULT_NONE;
}

const struct web_route ui_routes[] = {
    {"GET", "/", get_root, 0},
    {"GET", "/handoffs", get_page, 0},
    {"GET", "/handoffs/{}", get_page, 0},
    {"GET", "/admin", get_page, 0},
    {"GET", "/admin/{}", get_page, 0},
    {"GET", "/admin/{}/{}", get_page, 0},
    {"GET", "/admin/{}/{}/{}", get_page, 0},
    {"GET", "/signin", get_sign_in, 0},
    {"GET", "/assets/{}", get_asset, 0},
    WEB_ROUTES_END,
};
