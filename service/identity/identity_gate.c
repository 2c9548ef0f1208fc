/* The gate: who calls, and may they. */
#include "service/identity/identity_internal.h"

#include <string.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/identity/identity_grant.h"
#include "service/identity/identity_rules.h"

enum { CLIENT_MAX = 160, AGENT_MAX = 100 };

/* The peer's address and what its program calls itself. */
static void add_client(struct buf *out, const struct web_request *request)
{
    if (!request) {
        buf_add(out, STR("command line"));
        return;
    }
    buf_add(out, request->client);
    struct str agent = str_take(web_header(request, "User-Agent"), AGENT_MAX);
    if (agent.len > 0)
        buf_add_byte(out, ' ');
    buf_add(out, agent);
}

enum fault_code identity_record(struct identity *identity, struct store *store,
                                const struct web_request *request,
                                const struct identity_event *event, struct fault *fault)
{
    struct buf client;
    buf_init(&client, CLIENT_MAX);
    add_client(&client, request);
    struct audit_count suppressed = {"suppressed", event->suppressed};
    struct audit_record record = {
        .action = event->action,
        .result = event->reason ? "failure" : "success",
        .tenant = event->tenant,
        .subject = event->subject,
        .client = buf_str(&client),
        .reason = str_of(event->reason ? event->reason : event->detail),
        .counts = &suppressed,
        .count_count = event->suppressed > 0,
    };
    if (event->token) {
        record.token = event->token->id;
        record.via = event->token->parent;
        record.role = event->token->role;
        if (record.subject.len == 0)
            record.subject = event->token->name;
    }
    int64_t index;
    struct buf checkpoint;
    buf_init(&checkpoint, 4096);
    enum fault_code code =
        audit_append(identity->audit, store, &record, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    buf_done(&client);
    return code;
}

struct recording {
    struct identity *identity;
    const struct web_request *request;
    const struct identity_event *event;
    int64_t used_us; /* 0: the token was not used */
};

static enum fault_code record_in(struct store *store, void *context, struct fault *fault)
{
    const struct recording *recording = context;
    enum fault_code code =
        identity_record(recording->identity, store, recording->request, recording->event, fault);
    if (code == FAULT_NONE && recording->used_us != 0)
        code = identity_store_used(store, recording->event->token->id, recording->used_us, fault);
    return code;
}

static enum fault_code record_alone(struct identity *identity, const struct web_request *request,
                                    const struct identity_event *event, int64_t used_us,
                                    struct fault *fault)
{
    struct recording recording = {identity, request, event, used_us};
    return store_pool_write(identity->pool, record_in, &recording, fault);
}

void identity_record_denial(struct identity *identity, const struct web_request *request,
                            const struct identity_token *token, const char *reason)
{
    identity_record_refusal(identity, request, "access.denied", token, reason);
}

void identity_record_refusal(struct identity *identity, const struct web_request *request,
                             const char *action, const struct identity_token *token,
                             const char *reason)
{
    struct identity_event event = {
        .action = action,
        .tenant = token ? token->tenant : STR(AUDIT_SERVICE_TENANT),
        .token = token,
        .reason = reason,
    };
    pthread_mutex_lock(&identity->lock);
    bool passes = identity_flood_passes(&identity->denied, request->client, str_of(reason),
                                        os_monotonic_us(), &event.suppressed);
    pthread_mutex_unlock(&identity->lock);
    struct fault fault;
    if (passes && record_alone(identity, request, &event, 0, &fault) != FAULT_NONE) {
        log_event(LOG_ERROR, "audit.denial_not_recorded", LOG_TEXT("reason", str_of(reason)),
                  LOG_TEXT("fault", str_of(fault.text)));
        pthread_mutex_lock(&identity->lock);
        identity_flood_forget(&identity->denied, request->client, str_of(reason));
        pthread_mutex_unlock(&identity->lock);
    }
}

/* The first use by this client in a while is recorded, or the request is refused. */
static enum fault_code record_use(struct identity *identity, const struct web_request *request,
                                  const struct identity_token *token, struct fault *fault)
{
    /* One that was issued for minutes is on record with its issue. */
    if (token->parent.len > 0)
        return FAULT_NONE;
    struct identity_event event = {.action = "token.used", .tenant = token->tenant, .token = token};
    int64_t ignored;
    pthread_mutex_lock(&identity->lock);
    bool due = identity_flood_passes(&identity->used, request->client, token->id, os_monotonic_us(),
                                     &ignored);
    pthread_mutex_unlock(&identity->lock);
    if (!due)
        return FAULT_NONE;
    enum fault_code code = record_alone(identity, request, &event, os_now_us(), fault);
    if (code != FAULT_NONE) {
        pthread_mutex_lock(&identity->lock);
        identity_flood_forget(&identity->used, request->client, token->id);
        pthread_mutex_unlock(&identity->lock);
    }
    return code;
}

static enum fault_code deny(struct identity *identity, const struct web_request *request,
                            const struct identity_token *token, const char *reason,
                            enum fault_code code, const char *sentence, struct fault *fault)
{
    identity_record_denial(identity, request, token, reason);
    return fault_set(fault, code, "%s", sentence);
}

/* What is said depends on what the sender has shown to hold: only who has the right secret learns
 * that there is such a token. */
static enum fault_code judge(struct identity *identity, const struct web_request *request,
                             const struct identity_token *token, struct fault *fault)
{
    bool issued = token->parent.len > 0;
    switch (identity_token_state(token->expires_us, token->revoked_us, os_now_us())) {
    case TOKEN_REVOKED:
        if (issued)
            return deny(identity, request, token, "issuing token revoked", FAULT_UNSIGNED,
                        "the API token that issued this one was revoked", fault);
        return deny(identity, request, token, "token revoked", FAULT_UNSIGNED,
                    "this token was revoked; ask an administrator for another", fault);
    case TOKEN_EXPIRED:
        if (issued)
            return deny(identity, request, token, "token expired", FAULT_UNSIGNED,
                        "this token was for a few minutes and has expired; ask for another", fault);
        return deny(identity, request, token, "token expired", FAULT_UNSIGNED,
                    "this token has expired; ask an administrator for another", fault);
    case TOKEN_GOOD:
        break;
    }
    return FAULT_NONE;
}

enum fault_code identity_verify(struct identity *identity, struct web_request *request,
                                struct str text, struct identity_row *out, struct fault *fault)
{
    struct str id;
    struct str secret;
    struct identity_row row = {0};
    bool known = false;
    bool issued = identity_grant_split(text, &id, &secret);
    if (issued || identity_token_split(text, &id, &secret)) {
        struct store *store;
        enum fault_code code = store_pool_take(identity->pool, &store, fault);
        if (code != FAULT_NONE)
            return code;
        code = issued ? identity_grant_store_find(store, request->arena, id, &row, fault)
                      : identity_store_find(store, request->arena, id, &row, fault);
        store_pool_give(identity->pool, store);
        if (code != FAULT_NONE && code != FAULT_NOT_FOUND)
            return code;
        /* An unknown id is compared as well, with a hash that nothing has: the same work. */
        struct sha256 given = sha256_of(secret);
        bool equal = crypto_equal(given.bytes, row.secret.bytes, sizeof given.bytes);
        known = code == FAULT_NONE && equal;
    }
    if (!known)
        return deny(identity, request, NULL, "unknown token", FAULT_UNSIGNED,
                    "this token is not known here; check that it is whole and for this service",
                    fault);
    enum fault_code code = judge(identity, request, &row.token, fault);
    if (code == FAULT_NONE)
        *out = row;
    return code;
}

static enum fault_code verify_session(struct identity *identity, struct web_request *request,
                                      struct str cookie, struct identity_row *out,
                                      struct fault *fault)
{
    struct sha256 session = sha256_of(cookie);
    struct store *store;
    enum fault_code code = store_pool_take(identity->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = identity_store_find_session(store, request->arena, &session, os_now_us(), out, fault);
    store_pool_give(identity->pool, store);
    if (code == FAULT_NOT_FOUND)
        return deny(identity, request, NULL, "unknown session", FAULT_UNSIGNED,
                    "this session has ended; sign in again", fault);
    return code;
}

enum fault_code identity_check_origin(const struct identity *identity,
                                      const struct web_request *request, struct fault *fault)
{
    struct str origin = web_header(request, "Origin");
    if (origin.len > 0 &&
        !identity_origin_is_ours(origin, web_header(request, "Host"), identity->public_url))
        return fault_field(fault, FAULT_DENIED, "Origin",
                           "this request was made by a page of another site");
    return FAULT_NONE;
}

static enum fault_code check_cross_site(const struct identity *identity,
                                        const struct web_request *request, struct fault *fault)
{
    if (str_equal(request->method, STR("GET")) || str_equal(request->method, STR("HEAD")))
        return FAULT_NONE;
    if (!str_equal(web_header(request, "X-IntelGraph-CSRF"), STR("1")))
        return fault_field(fault, FAULT_DENIED, "X-IntelGraph-CSRF",
                           "a change asked for by cookie needs the header X-IntelGraph-CSRF: 1");
    return identity_check_origin(identity, request, fault);
}

static enum fault_code verify_bearer(struct identity *identity, struct web_request *request,
                                     struct str text, struct identity_row *out, struct fault *fault)
{
    int64_t begun = identity_recent_begin(&identity->recent);
    int64_t asked_us = os_monotonic_us();
    enum fault_code code = identity_verify(identity, request, text, out, fault);
    if (code == FAULT_NONE)
        identity_recent_keep(&identity->recent, begun, text, &out->token, asked_us);
    return code;
}

/* What an Authorization header bears; false when it is of another scheme. */
static bool read_bearer(struct str authorization, struct str *out)
{
    struct str scheme;
    struct str token;
    if (!str_cut(authorization, ' ', &scheme, &token) || !str_equal_nocase(scheme, STR("Bearer")))
        return false;
    *out = str_trim(token);
    return true;
}

/* Bearer before cookie: who sends a header means it. */
static enum fault_code find_credential(struct identity *identity, struct web_request *request,
                                       struct identity_row *out, bool *out_by_cookie,
                                       struct fault *fault)
{
    struct str authorization = web_header(request, "Authorization");
    struct str cookie = web_cookie(request, IDENTITY_COOKIE);
    *out_by_cookie = authorization.len == 0;
    if (authorization.len > 0) {
        struct str text;
        if (!read_bearer(authorization, &text))
            return deny(identity, request, NULL, "unknown scheme", FAULT_UNSIGNED,
                        "Authorization must be \"Bearer igt_...\"", fault);
        return verify_bearer(identity, request, text, out, fault);
    }
    if (cookie.len > 0)
        return verify_session(identity, request, cookie, out, fault);
    return deny(identity, request, NULL, "no credential", FAULT_UNSIGNED,
                "a credential is needed: send Authorization: Bearer igt_..., or sign in", fault);
}

/* Without the store: false when it must be asked. */
static bool find_recent(struct identity *identity, const struct web_request *request,
                        struct identity_token *out)
{
    struct str text;
    return read_bearer(web_header(request, "Authorization"), &text) &&
           identity_recent_find(&identity->recent, text, os_monotonic_us(), request->arena, out) &&
           identity_token_state(out->expires_us, out->revoked_us, os_now_us()) == TOKEN_GOOD;
}

enum fault_code identity_admit(struct identity *identity, struct web_request *request,
                               struct fault *fault)
{
    struct identity_row row;
    bool by_cookie;
    if (find_recent(identity, request, &row.token))
        return FAULT_NONE;
    if (request->quick)
        return web_wait(request, fault);
    return find_credential(identity, request, &row, &by_cookie, fault);
}

static enum fault_code permit(struct identity *identity, const struct web_request *request,
                              enum identity_permission permission,
                              const struct identity_caller *caller,
                              const struct identity_token *token, struct fault *fault)
{
    if (caller->by_cookie && check_cross_site(identity, request, fault) != FAULT_NONE) {
        identity_record_denial(identity, request, token, "cross-site request");
        return FAULT_DENIED;
    }
    if (!identity_may(caller->role, permission)) {
        identity_record_denial(identity, request, token, identity_permission_name(permission));
        return fault_set(fault, FAULT_DENIED, "the role %s may not %s; ask an administrator",
                         identity_role_name(caller->role), identity_permission_name(permission));
    }
    return FAULT_NONE;
}

static bool read_caller(const struct identity_token *token, struct identity_caller *out)
{
    if (!identity_role_of_name(token->role, &out->role))
        return false;
    out->tenant = token->tenant;
    out->name = token->name;
    out->token = token->id;
    out->via = token->parent;
    out->search_head = token->search_head;
    out->expires_us = token->expires_us;
    return true;
}

/* A quick yes, with nothing to put on record; for all else the request waits. */
static enum fault_code pass_quickly(struct identity *identity, struct web_request *request,
                                    enum identity_permission permission,
                                    struct identity_caller *out_caller, struct fault *fault)
{
    struct identity_token token;
    struct identity_caller caller = {0};
    if (!find_recent(identity, request, &token) || !read_caller(&token, &caller) ||
        !identity_may(caller.role, permission))
        return web_wait(request, fault);
    pthread_mutex_lock(&identity->lock);
    bool due = identity_flood_is_due(&identity->used, request->client, token.id, os_monotonic_us());
    pthread_mutex_unlock(&identity->lock);
    if (due)
        return web_wait(request, fault);
    *out_caller = caller;
    return FAULT_NONE;
}

enum fault_code identity_gate(struct identity *identity, struct web_request *request,
                              enum identity_permission permission,
                              struct identity_caller *out_caller, struct fault *fault)
{
    request->gated = true;
    if (permission == PERMIT_PUBLIC) {
        *out_caller = (struct identity_caller){0};
        return FAULT_NONE;
    }
    if (request->quick)
        return pass_quickly(identity, request, permission, out_caller, fault);
    struct identity_row row = {0};
    struct identity_caller caller = {0};
    enum fault_code code = find_credential(identity, request, &row, &caller.by_cookie, fault);
    if (code != FAULT_NONE)
        return code;
    if (!read_caller(&row.token, &caller))
        return fault_set(fault, FAULT_CORRUPT, "token %.*s has an unknown role",
                         STR_ARG(row.token.id));
    code = permit(identity, request, permission, &caller, &row.token, fault);
    if (code == FAULT_NONE)
        code = record_use(identity, request, &row.token, fault);
    if (code == FAULT_NONE)
        *out_caller = caller;
    return code;
}
