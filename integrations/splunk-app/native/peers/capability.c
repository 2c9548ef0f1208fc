#include "integrations/splunk-app/native/peers/capability.h"

#include "integrations/splunk-app/native/peers/splunkd.h"

enum { ARENA_BYTES = 4 << 20 };

enum fault_code capability_has(const struct places *places, const struct settings *settings,
                               const struct token_session *session, enum token_scope scope,
                               bool *out_has, struct fault *fault)
{
    struct splunkd *splunkd;
    struct splunkd_context context;
    struct arena arena;
    if (session->session_key.len == 0)
        return fault_set(fault, FAULT_UNSIGNED, "splunkd gave this search no session");
    enum fault_code code =
        splunkd_new(places, settings, session->splunkd_uri, session->session_key, &splunkd, fault);
    if (code != FAULT_NONE)
        return code;
    if (session->timeout_ms > 0)
        splunkd_limit(splunkd, session->timeout_ms);
    arena_init(&arena, ARENA_BYTES);
    code = splunkd_context_read(splunkd, &arena, &context, fault);
    if (code == FAULT_NONE)
        *out_has = splunkd_context_has(&context, str_of(token_scope_capability(scope)));
    arena_wipe(&arena);
    splunkd_free(splunkd);
    return code;
}
