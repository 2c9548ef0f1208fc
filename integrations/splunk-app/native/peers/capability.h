/* What splunkd says that the analyst of a session may, so that nothing is asked for in vain: the
 * broker puts each refusal on record. */
#ifndef IG_NATIVE_CAPABILITY_H
#define IG_NATIVE_CAPABILITY_H

#include "integrations/splunk-app/native/peers/token.h"

/* Whether the session's user has the capability that tokens of the scope need. Asks splunkd;
 * session->timeout_ms holds. FAULT_UNAVAILABLE and others as splunkd_ask. */
enum fault_code capability_has(const struct places *places, const struct settings *settings,
                               const struct token_session *session, enum token_scope scope,
                               bool *out_has, struct fault *fault) MUST_USE;

#endif
