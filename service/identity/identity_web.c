/* Signing in and out, and the token table of the admin page. */
#include "service/identity/identity_internal.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "service/identity/identity_grant.h"
#include "service/identity/identity_rules.h"
#include "service/service.h"

enum { SIGN_IN_MAX = 4096 };

static void put_time(struct json_out *out, const char *name, int64_t us)
{
    if (us == 0)
        json_put_null(out, name);
    else
        json_put_whole(out, name, us);
}

static enum fault_code get_session(void *context, struct web_request *request,
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
    json_put_text(&out, "name", caller.name);
    json_put_text(&out, "role", str_of(identity_role_name(caller.role)));
    put_time(&out, "expires_us", caller.expires_us);
    json_close(&out, '}');
    return FAULT_NONE;
}

static enum fault_code read_sign_in(struct web_request *request, struct str *out_token,
                                    struct fault *fault)
{
    const struct json *body;
    enum fault_code code = json_read(request->arena, request->body, &body, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "body: ");
    if (!json_is_object(body) || !json_text(json_member(body, "token"), out_token))
        return fault_field(fault, FAULT_INPUT, "token", "send {\"token\":\"igt_...\"}");
    return FAULT_NONE;
}

/* One that begins, or one that ends. */
struct session {
    struct identity *identity;
    const struct web_request *request;
    const struct identity_token *token;
    struct sha256 key;
    int64_t expires_us;
};

static enum fault_code open_in(struct store *store, void *context, struct fault *fault)
{
    const struct session *session = context;
    const struct identity_event event = {
        .action = "session.opened", .tenant = session->token->tenant, .token = session->token};
    enum fault_code code =
        identity_store_open_session(store, &session->key, session->token->id,
                                    session->request->started_us, session->expires_us, fault);
    if (code == FAULT_NONE)
        code = identity_record(session->identity, store, session->request, &event, fault);
    return code;
}

static enum fault_code close_in(struct store *store, void *context, struct fault *fault)
{
    const struct session *session = context;
    const struct identity_event event = {
        .action = "session.closed", .tenant = session->token->tenant, .token = session->token};
    bool closed = false;
    enum fault_code code = identity_store_close_session(store, &session->key, &closed, fault);
    if (code == FAULT_NONE && closed)
        code = identity_record(session->identity, store, session->request, &event, fault);
    return code;
}

/* SameSite=Lax, not Strict: a link in Splunk is a navigation from another site and must find the
 * session. What changes state is guarded by check_cross_site. */
static void set_cookie(const struct identity *identity, struct web_request *request,
                       struct web_reply *reply, const char *value, int64_t age_s)
{
    char cookie[256];
    bool secure = str_starts(identity->public_url, STR("https://"));
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
             IDENTITY_COOKIE, value, (long long)age_s, secure ? "; Secure" : "");
    web_reply_header(request, reply, "Set-Cookie", str_of(cookie));
}

/* A session would outlive a token for minutes, and what a broker may is not for browsers. */
static bool may_sign_in(const struct identity_token *token)
{
    return token->parent.len == 0 &&
           !str_equal(token->role, str_of(identity_role_name(ROLE_BROKER))) &&
           !str_equal(token->role, str_of(identity_role_name(ROLE_METER)));
}

static enum fault_code post_session(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity *identity = service->identity;
    struct identity_caller nobody;
    struct str token;
    struct identity_row row;
    enum fault_code code = identity_gate(identity, request, PERMIT_PUBLIC, &nobody, fault);
    if (code == FAULT_NONE)
        code = identity_check_origin(identity, request, fault);
    if (code == FAULT_NONE)
        code = read_sign_in(request, &token, fault);
    if (code == FAULT_NONE)
        code = identity_verify(identity, request, token, &row, fault);
    if (code == FAULT_NONE && !may_sign_in(&row.token)) {
        identity_record_denial(identity, request, &row.token, "sign in");
        code = fault_set(fault, FAULT_DENIED,
                         "this token is for programs: a browser signs in with an API token of a "
                         "viewer, analyst, auditor or admin");
    }
    if (code != FAULT_NONE)
        return code;

    uint8_t random[IDENTITY_SECRET_BYTES];
    char value[2 * IDENTITY_SECRET_BYTES + 1];
    if (os_random(random, sizeof random) != 0)
        return fault_set(fault, FAULT_IO, "the system gives no random numbers for a session");
    hex_of(random, sizeof random, value);
    int64_t expires_us = request->started_us + IDENTITY_SESSION_US;
    if (row.token.expires_us != 0 && row.token.expires_us < expires_us)
        expires_us = row.token.expires_us;
    struct session session = {identity, request, &row.token, sha256_of(str_of(value)), expires_us};
    code = store_pool_write(identity->pool, open_in, &session, fault);
    if (code == FAULT_NONE) {
        reply->status = 204;
        set_cookie(identity, request, reply, value, (expires_us - request->started_us) / 1000000);
    }
    explicit_bzero(value, sizeof value);
    return code;
}

static enum fault_code close_session(struct identity *identity, const struct web_request *request,
                                     const struct identity_caller *caller, struct fault *fault)
{
    const struct identity_token token = {.id = caller->token,
                                         .tenant = caller->tenant,
                                         .name = caller->name,
                                         .role = str_of(identity_role_name(caller->role))};
    struct session session = {.identity = identity,
                              .request = request,
                              .token = &token,
                              .key = sha256_of(web_cookie(request, IDENTITY_COOKIE))};
    return store_pool_write(identity->pool, close_in, &session, fault);
}

static enum fault_code delete_session(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_SESSION, &caller, fault);
    if (code == FAULT_NONE && caller.by_cookie)
        code = close_session(service->identity, request, &caller, fault);
    if (code != FAULT_NONE)
        return code;
    reply->status = 204;
    set_cookie(service->identity, request, reply, "", 0);
    return FAULT_NONE;
}

static void put_token(void *context, const struct identity_token *token)
{
    struct json_out *out = context;
    json_open(out, '{');
    json_put_text(out, "id", token->id);
    json_put_text(out, "name", token->name);
    json_put_text(out, "role", token->role);
    json_put_whole(out, "created_us", token->created_us);
    put_time(out, "expires_us", token->expires_us);
    put_time(out, "revoked_us", token->revoked_us);
    put_time(out, "last_used_us", token->last_used_us);
    json_close(out, '}');
}

static enum fault_code get_tokens(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_TOKEN_ADMIN, &caller, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "tokens", '[');
    code = identity_token_each(service->identity, caller.tenant, put_token, &out, fault);
    json_close(&out, ']');
    json_close(&out, '}');
    return code;
}

static enum fault_code delete_token(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_TOKEN_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = identity_token_revoke(service->identity, caller.tenant, request->parts[0], request,
                                     &caller, fault);
    if (code == FAULT_NONE)
        reply->status = 204;
    return code;
}

const struct web_route identity_routes[] = {
    {"GET", "/v1/session", get_session, 0},
    {"POST", "/v1/session", post_session, SIGN_IN_MAX},
    {"DELETE", "/v1/session", delete_session, 0},
    {"GET", "/v1/tokens", get_tokens, 0},
    {"POST", "/v1/tokens", identity_grant_post, IDENTITY_GRANT_BODY_MAX},
    {"DELETE", "/v1/tokens/{}", delete_token, 0},
    WEB_ROUTES_END,
};
