#include "integrations/splunk-app/native/broker/broker_rules.h"

#include <stdio.h>
#include <string.h>

#include "libs/text/json_write.h"

/* --- what is asked ------------------------------------------------------------------------- */

static enum fault_code check_names(const struct persist_call *call, struct fault *fault)
{
    static const struct str known[] = {
        {"instance", 8}, {"scope", 5}, {"renew", 5}, {"output_mode", 11}};
    for (const struct json *pair = json_first(call->form); pair; pair = json_next(pair)) {
        struct str name = STR("");
        bool is_known = json_text(json_first(pair), &name);
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && !str_equal(name, known[i]))
            i++;
        if (!is_known || i == sizeof known / sizeof known[0])
            return fault_field(fault, FAULT_INPUT, "form",
                               "the field %.*s is not known; send instance, scope and renew",
                               STR_ARG(str_take(name, 40)));
    }
    return FAULT_NONE;
}

static enum fault_code read_field(const struct persist_call *call, const char *name,
                                  struct str *out, struct fault *fault)
{
    bool twice;
    struct str value = STR("");
    persist_form(call, name, &value, &twice);
    if (twice)
        return fault_field(fault, FAULT_INPUT, name, "the field %s stands twice", name);
    *out = value;
    return FAULT_NONE;
}

enum fault_code broker_ask_read(const struct persist_call *call, struct broker_ask *out,
                                struct fault *fault)
{
    struct broker_ask ask = {0};
    struct str scope = STR("");
    struct str renew = STR("");
    if (!str_equal(call->method, STR("POST")))
        return fault_field(fault, FAULT_INPUT, "method", "send POST with instance and scope");
    enum fault_code code = check_names(call, fault);
    if (code == FAULT_NONE)
        code = read_field(call, "instance", &ask.instance, fault);
    if (code == FAULT_NONE)
        code = read_field(call, "scope", &scope, fault);
    if (code == FAULT_NONE)
        code = read_field(call, "renew", &renew, fault);
    if (code != FAULT_NONE)
        return code;
    if (!settings_is_name(ask.instance))
        return fault_field(fault, FAULT_INPUT, "instance",
                           "instance must be the name of an instance of intelgraph.conf");
    if (!token_scope_of_name(scope, &ask.scope))
        return fault_field(fault, FAULT_INPUT, "scope", "scope must be handoff, read or audit");
    if (renew.len > 0 && !str_to_bool(renew, &ask.renew))
        return fault_field(fault, FAULT_INPUT, "renew", "renew must be true or false");
    *out = ask;
    return FAULT_NONE;
}

enum fault_code broker_check_caller(const struct persist_call *call,
                                    const struct splunkd_context *context, enum token_scope scope,
                                    struct fault *fault)
{
    const char *capability = token_scope_capability(scope);
    if (call->user.len == 0 || !str_equal(call->user, context->user))
        return fault_set(fault, FAULT_DENIED,
                         "the session is not that of the user whom splunkd names");
    if (!splunkd_context_has(context, str_of(capability)))
        return fault_set(fault, FAULT_DENIED,
                         "%.*s may not: the capability %s is needed; an admin gives it with a role "
                         "such as %s",
                         STR_ARG(str_take(context->user, 80)), capability,
                         scope == TOKEN_AUDIT ? "intelgraph_admin" : "intelgraph_analyst");
    return FAULT_NONE;
}

/* --- the service --------------------------------------------------------------------------- */

void broker_request_add(struct buf *out, struct str subject, enum token_scope scope,
                        struct str search_head)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "subject", subject);
    json_put_text(&json, "scope", str_of(token_scope_name(scope)));
    json_put_text(&json, "search_head", search_head);
    json_put_whole(&json, "ttl_s", BROKER_TTL_S);
    json_close(&json, '}');
}

static enum fault_code tell_refusal(const struct settings *settings, int status,
                                    const struct json *body, struct fault *fault)
{
    struct str detail = STR("");
    if (!json_text(json_member(body, "detail"), &detail))
        detail = STR("");
    detail = str_take(detail, 300);
    switch (status) {
    case 401:
        return fault_set(fault, FAULT_UNSIGNED,
                         "the service does not take the API token that is stored for the instance "
                         "%.*s (%.*s); store another on the app's settings page",
                         STR_ARG(settings->instance), STR_ARG(detail));
    case 403:
        return fault_set(fault, FAULT_UNSIGNED,
                         "the API token that is stored for the instance %.*s may not issue tokens "
                         "(%.*s); store one that was made with --role broker",
                         STR_ARG(settings->instance), STR_ARG(detail));
    case 404:
    case 405:
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "what answers at the address of the instance %.*s does not issue tokens: "
                         "it is no IntelGraph service, or an older one",
                         STR_ARG(settings->instance));
    default:
        return fault_set(fault, FAULT_UNAVAILABLE, "IntelGraph answered %d%s%.*s", status,
                         detail.len ? ": " : "", STR_ARG(detail));
    }
}

enum fault_code broker_grant_read(const struct settings *settings, int status,
                                  const struct json *body, int64_t asked_us,
                                  struct broker_grant *out, struct fault *fault)
{
    struct broker_grant grant = {0};
    struct str token;
    struct str tenant;
    struct str expires_at;
    int64_t seconds;
    if (status != 201)
        return tell_refusal(settings, status, body, fault);
    if (!json_text(json_member(body, "token"), &token) ||
        !json_text(json_member(body, "tenant"), &tenant) ||
        !json_text(json_member(body, "expires_at"), &expires_at) ||
        !json_whole(json_member(body, "expires_in_s"), &seconds) || seconds < 1 ||
        seconds > BROKER_TTL_S ||
        !str_to_c(expires_at, grant.expires_at, sizeof grant.expires_at) ||
        http_secret_set(&grant.token, token, fault) != FAULT_NONE)
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "what answers at the address is not IntelGraph: its answer holds no "
                         "token");
    grant.until_us = asked_us + seconds * 1000000;
    enum fault_code code = FAULT_NONE;
    if (str_equal(tenant, settings->tenant))
        *out = grant;
    else
        code = fault_set(fault, FAULT_UNSIGNED,
                         "the API token that is stored for the instance %.*s is of the tenant "
                         "%.*s, intelgraph.conf says %.*s",
                         STR_ARG(settings->instance), STR_ARG(str_take(tenant, 64)),
                         STR_ARG(settings->tenant));
    explicit_bzero(&grant, sizeof grant);
    return code;
}

/* --- the answer ---------------------------------------------------------------------------- */

int broker_status_of(enum fault_code code)
{
    switch (code) {
    case FAULT_NONE:
        return 200;
    case FAULT_INPUT:
    case FAULT_LIMIT:
        return 400;
    case FAULT_DENIED:
        return 403;
    case FAULT_NOT_FOUND:
        return 404;
    case FAULT_UNSIGNED: /* of what is stored; 401 would speak of the caller's session */
        return 409;
    default:
        return 503;
    }
}
