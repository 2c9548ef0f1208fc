/* POST /v1/tokens: a broker's token issues one for an analyst, for minutes. */
#include "service/identity/identity_grant.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/identity/identity_rules.h"
#include "service/service.h"

enum { DETAIL_MAX = 64 + IDENTITY_SEARCH_HEAD_MAX };

/* The token's text while it is made; wiped at the end. */
struct made {
    uint8_t random[IDENTITY_ID_BYTES + IDENTITY_SECRET_BYTES];
    char id[2 * IDENTITY_ID_BYTES + 1];
    char secret[2 * IDENTITY_SECRET_BYTES + 1];
};

static enum fault_code make(struct made *made, struct fault *fault)
{
    if (os_random(made->random, sizeof made->random) != 0)
        return fault_set(fault, FAULT_IO, "the system gives no random numbers for a token");
    hex_of(made->random, IDENTITY_ID_BYTES, made->id);
    hex_of(made->random + IDENTITY_ID_BYTES, IDENTITY_SECRET_BYTES, made->secret);
    return FAULT_NONE;
}

/* The token and its record, or neither. */
struct keeping {
    struct identity *identity;
    const struct web_request *request;
    const struct identity_grant *grant;
};

static enum fault_code keep_in(struct store *store, void *context, struct fault *fault)
{
    const struct keeping *keeping = context;
    const struct identity_grant *grant = keeping->grant;
    char detail[DETAIL_MAX];
    snprintf(detail, sizeof detail, "scope %s, search head %.*s",
             identity_scope_name(grant->ask.scope), STR_ARG(grant->ask.search_head));
    const struct identity_token token = {
        .id = grant->id,
        .name = grant->ask.subject,
        .parent = grant->parent,
        .role = str_of(identity_role_name(identity_scope_role(grant->ask.scope))),
    };
    const struct identity_event event = {
        .action = "token.issued", .tenant = grant->tenant, .token = &token, .detail = detail};
    enum fault_code code = identity_grant_store_add(store, grant, fault);
    if (code == FAULT_NONE)
        code = identity_record(keeping->identity, store, keeping->request, &event, fault);
    return code;
}

static bool has_room(struct identity *identity, const struct identity_grant *grant)
{
    struct buf who;
    buf_init(&who, 1024);
    buf_add(&who, grant->parent);
    buf_add_byte(&who, ' ');
    buf_add(&who, grant->ask.subject);
    pthread_mutex_lock(&identity->lock);
    bool takes = identity_pace_takes(&identity->pace, buf_str(&who), IDENTITY_PACE_SUBJECT,
                                     os_monotonic_us()) &&
                 identity_pace_takes(&identity->pace, grant->parent, IDENTITY_PACE_PARENT,
                                     os_monotonic_us());
    pthread_mutex_unlock(&identity->lock);
    buf_done(&who);
    return takes;
}

static enum fault_code reply_grant(const struct identity_grant *grant, const struct made *made,
                                   struct web_reply *reply, struct fault *fault)
{
    char token[sizeof made->id + sizeof made->secret + 8];
    struct buf time;
    struct json_out out = json_out_to(&reply->body);
    buf_init(&time, 64);
    time_add_rfc3339(&time, grant->expires_us / 1000000 * 1000000);
    snprintf(token, sizeof token, IDENTITY_GRANT_PREFIX "%s_%s", made->id, made->secret);
    json_open(&out, '{');
    json_put_text(&out, "token", str_of(token));
    json_put_text(&out, "id", grant->id);
    json_put_text(&out, "tenant", grant->tenant);
    json_put_text(&out, "subject", grant->ask.subject);
    json_put_text(&out, "scope", str_of(identity_scope_name(grant->ask.scope)));
    json_put_text(&out, "expires_at", buf_str(&time));
    json_put_whole(&out, "expires_in_s", (grant->expires_us - grant->created_us) / 1000000);
    json_close(&out, '}');
    explicit_bzero(token, sizeof token);
    buf_done(&time);
    reply->status = 201;
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code issue(struct identity *identity, const struct web_request *request,
                             const struct identity_caller *caller,
                             const struct identity_grant_ask *ask, struct web_reply *reply,
                             struct fault *fault)
{
    struct made made;
    enum fault_code code = make(&made, fault);
    if (code != FAULT_NONE)
        return code;
    struct identity_grant grant = {
        .id = str_of(made.id),
        .tenant = caller->tenant,
        .parent = caller->token,
        .ask = *ask,
        .secret = sha256_of(str_of(made.secret)),
        .created_us = os_now_us(),
    };
    grant.expires_us = grant.created_us + ask->ttl_s * 1000000;
    if (caller->expires_us != 0 && caller->expires_us < grant.expires_us)
        grant.expires_us = caller->expires_us;
    if (!has_room(identity, &grant))
        code = fault_field(fault, FAULT_UNAVAILABLE, "subject",
                           "too many tokens were asked for: at most %d a minute for one subject "
                           "and %d for all; try again in a minute",
                           IDENTITY_PACE_SUBJECT, IDENTITY_PACE_PARENT);
    if (code == FAULT_NONE)
        code = store_pool_write(identity->pool, keep_in,
                                &(struct keeping){identity, request, &grant}, fault);
    if (code == FAULT_NONE)
        code = reply_grant(&grant, &made, reply, fault);
    explicit_bzero(&made, sizeof made);
    return code;
}

enum fault_code identity_grant_post(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity *identity = service->identity;
    struct identity_caller caller;
    struct identity_grant_ask ask;
    enum fault_code code = identity_gate(identity, request, PERMIT_TOKEN_ISSUE, &caller, fault);
    if (code != FAULT_NONE)
        return code;
    code = identity_grant_ask_read(request->arena, request->body, &ask, fault);
    if (code == FAULT_NONE)
        code = issue(identity, request, &caller, &ask, reply, fault);
    if (code == FAULT_INPUT || code == FAULT_UNAVAILABLE) {
        const struct identity_token token = {.id = caller.token,
                                             .tenant = caller.tenant,
                                             .name = caller.name,
                                             .role = str_of(identity_role_name(caller.role))};
        identity_record_refusal(identity, request, "token.refused", &token,
                                code == FAULT_INPUT ? "malformed request" : "too many, or busy");
    }
    return code;
}
