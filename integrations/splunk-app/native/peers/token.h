/* The token that a search shows the service: its analyst's own, for five minutes, from the app's
 * broker; or the one of a file, where credential = file:<path>. Whatever asks the service in an
 * analyst's name gets it here. */
#ifndef IG_NATIVE_TOKEN_H
#define IG_NATIVE_TOKEN_H

#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/http/client.h"

/* What a token may do. Each needs a capability of Splunk's. */
enum token_scope {
    TOKEN_HANDOFF, /* hand off, and see hand-offs: intelgraph_handoff */
    TOKEN_READ,    /* see hand-offs, and one's own audit records: intelgraph_read */
    TOKEN_AUDIT,   /* and the audit records of everybody: intelgraph_admin */
    TOKEN_SCOPE_COUNT
};

const char *token_scope_name(enum token_scope scope);       /* "handoff", "read", "audit" */
const char *token_scope_capability(enum token_scope scope); /* "intelgraph_handoff" ... */
bool token_scope_of_name(struct str name, enum token_scope *out_scope);

/* The session that a command runs in, as getinfo or an alert's payload say it. */
struct token_session {
    struct str splunkd_uri; /* "https://127.0.0.1:8089" */
    struct str session_key;
    struct str user; /* for the record, when splunkd itself refuses */
    int timeout_ms;  /* most that asking may take; 0: as long as it needs */
};

/* Gets the token for the instance of `settings`. With `renew` the broker does not give the one that
 * it gave before: the service has just refused it.
 *   FAULT_UNSIGNED     the session has ended, or an admin must mend what is stored
 *   FAULT_DENIED       the analyst may not
 *   FAULT_UNAVAILABLE  splunkd, the broker or the service is not to be had now
 * Never FAULT_INPUT or FAULT_LIMIT: what is to be sent is not at fault. */
enum fault_code token_obtain(const struct places *places, const struct settings *settings,
                             const struct token_session *session, enum token_scope scope,
                             bool renew, struct http_secret *out, struct fault *fault) MUST_USE;

#endif
