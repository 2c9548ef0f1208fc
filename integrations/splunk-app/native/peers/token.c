#include "integrations/splunk-app/native/peers/token.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/peers/splunkd.h"
#include "integrations/splunk-app/native/record/trail.h"

enum { FORM_BYTES = 1024, ANSWER_ARENA_BYTES = 1 << 20 };

static const struct {
    const char *name;
    const char *capability;
} scopes[TOKEN_SCOPE_COUNT] = {
    [TOKEN_HANDOFF] = {"handoff", "intelgraph_handoff"},
    [TOKEN_READ] = {"read", "intelgraph_read"},
    [TOKEN_AUDIT] = {"audit", "intelgraph_admin"},
};

const char *token_scope_name(enum token_scope scope)
{
    return scopes[scope].name;
}

const char *token_scope_capability(enum token_scope scope)
{
    return scopes[scope].capability;
}

bool token_scope_of_name(struct str name, enum token_scope *out_scope)
{
    for (int i = 0; i < TOKEN_SCOPE_COUNT; i++)
        if (str_equal(name, str_of(scopes[i].name))) {
            *out_scope = (enum token_scope)i;
            return true;
        }
    return false;
}

static enum fault_code ask_broker(struct splunkd *splunkd, const struct settings *settings,
                                  enum token_scope scope, bool renew, struct arena *arena,
                                  struct http_secret *out, struct fault *fault)
{
    struct buf form;
    struct str token;
    const struct json *top = NULL;
    buf_init(&form, FORM_BYTES);
    splunkd_add_field(&form, "instance", settings->instance);
    splunkd_add_field(&form, "scope", str_of(token_scope_name(scope)));
    if (renew)
        splunkd_add_field(&form, "renew", STR("true"));
    enum fault_code code =
        splunkd_ask(splunkd, STR("servicesNS/nobody/intelgraph/intelgraph/token"), &form, arena,
                    &top, NULL, fault);
    buf_done(&form);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(top, "token"), &token) ||
        http_secret_set(out, token, fault) != FAULT_NONE)
        return fault_set(fault, FAULT_UNAVAILABLE, "the app's broker gave no token");
    return FAULT_NONE;
}

/* The broker records its own refusals. One by splunkd, which has not even asked the broker, is
 * recorded here; that it could not be is said in the same sentence. */
static void record_refusal(const struct places *places, const struct settings *settings,
                           const struct token_session *session, enum token_scope scope,
                           struct fault *refusal)
{
    struct fault fault;
    const struct trail_refusal entry = {
        .user = session->user,
        .instance = settings->instance,
        .tenant = settings->tenant,
        .scope = str_of(token_scope_name(scope)),
        .status = 403,
        .fault = refusal,
    };
    if (trail_append_refusal(places, &entry, &fault) != FAULT_NONE) {
        size_t len = strlen(refusal->text);
        snprintf(refusal->text + len, sizeof refusal->text - len,
                 "; and the refusal could not be recorded: %.200s", fault.text);
    }
}

static enum fault_code obtain(const struct places *places, const struct settings *settings,
                              const struct token_session *session, enum token_scope scope,
                              bool renew, struct http_secret *out, struct fault *fault)
{
    struct splunkd *splunkd;
    struct arena arena;
    if (session->session_key.len == 0)
        return fault_set(fault, FAULT_UNSIGNED, "splunkd gave this search no session");
    enum fault_code code =
        splunkd_new(places, settings, session->splunkd_uri, session->session_key, &splunkd, fault);
    if (code != FAULT_NONE)
        return code;
    if (session->timeout_ms > 0)
        splunkd_limit(splunkd, session->timeout_ms);
    arena_init(&arena, ANSWER_ARENA_BYTES);
    code = ask_broker(splunkd, settings, scope, renew, &arena, out, fault);
    if (code == FAULT_DENIED && strcmp(fault->field, SPLUNKD_HANDLER) != 0)
        record_refusal(places, settings, session, scope, fault);
    arena_wipe(&arena);
    splunkd_free(splunkd);
    return code;
}

enum fault_code token_obtain(const struct places *places, const struct settings *settings,
                             const struct token_session *session, enum token_scope scope,
                             bool renew, struct http_secret *out, struct fault *fault)
{
    if (instance_has_own_token(settings))
        return instance_read_token(places, settings, out, fault);
    enum fault_code code = obtain(places, settings, session, scope, renew, out, fault);
    switch (code) {
    case FAULT_NONE:
        return FAULT_NONE;
    case FAULT_UNSIGNED:
    case FAULT_DENIED:
    case FAULT_NO_MEMORY:
        break;
    case FAULT_CONFLICT: /* what is stored must be mended */
    case FAULT_NOT_FOUND:
        fault->code = FAULT_UNSIGNED;
        break;
    default:
        fault->code = FAULT_UNAVAILABLE;
    }
    return fault_prefix(fault, "no token for IntelGraph: ");
}
