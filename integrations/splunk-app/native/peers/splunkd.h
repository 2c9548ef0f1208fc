/* splunkd's REST interface, asked as somebody: over TLS that is verified.
 *
 * splunkd's own certificate names no host: a fresh one says CN=SplunkServerDefaultCert and is
 * signed by an authority of Splunk's, $SPLUNK_HOME/etc/auth/cacert.pem. Both are verified, see
 * [splunkd] in intelgraph.conf; the name stands for 127.0.0.1 only, any other host must be in its
 * certificate. */
#ifndef IG_NATIVE_SPLUNKD_H
#define IG_NATIVE_SPLUNKD_H

#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/http/client.h"
#include "libs/text/json.h"

struct splunkd;

/* Asks as the owner of `authtoken` (a session key). `rest_uri` as splunkd names itself:
 * "https://127.0.0.1:8089". Of the settings only [splunkd] is used. Opens no connection yet. */
enum fault_code splunkd_new(const struct places *places, const struct settings *settings,
                            struct str rest_uri, struct str authtoken, struct splunkd **out,
                            struct fault *fault) MUST_USE;
void splunkd_free(struct splunkd *taken); /* takes NULL; wipes the authtoken */

/* A lower limit of time for the requests from now on. */
void splunkd_limit(struct splunkd *splunkd, int timeout_ms);

/* One request; `path` begins without a slash ("services/server/info") and is already encoded, see
 * splunkd_add_part; `form` as splunkd_add_field makes it, NULL for GET. *out_top lives in the
 * arena; it may hold secrets, so the arena is to be wiped. *out_status may be NULL.
 *   FAULT_NONE         2xx
 *   FAULT_UNSIGNED     401: the session has ended
 *   FAULT_DENIED       403, or a certificate that is not splunkd's
 *   FAULT_NOT_FOUND    404
 *   FAULT_CONFLICT     409
 *   FAULT_UNAVAILABLE  anything else, and no answer at all
 * The sentence is splunkd's own where it gave one, or a handler's `{"error":...}`: then the fault's
 * field is SPLUNKD_HANDLER. */
#define SPLUNKD_HANDLER "handler"
enum fault_code splunkd_ask(struct splunkd *splunkd, struct str path, const struct buf *form,
                            struct arena *arena, const struct json **out_top, int *out_status,
                            struct fault *fault) MUST_USE;

/* The content of the first entry of an answer; NULL when it has none. */
const struct json *splunkd_content(const struct json *top);

/* Percent-encodes one part of a path; name=value of a form, after "&" where one is there. */
void splunkd_add_part(struct buf *out, struct str part);
void splunkd_add_field(struct buf *out, const char *name, struct str value);

/* Whose session it is, and what that user may. Texts live in the arena. */
struct splunkd_context {
    struct str user;
    const struct json *capabilities;
};
enum fault_code splunkd_context_read(struct splunkd *splunkd, struct arena *arena,
                                     struct splunkd_context *out, struct fault *fault) MUST_USE;
bool splunkd_context_has(const struct splunkd_context *context, struct str capability);

/* The secret of storage/passwords in this app; FAULT_NOT_FOUND when there is none. */
enum fault_code splunkd_password(struct splunkd *splunkd, struct str realm, struct str user,
                                 struct http_secret *out, struct fault *fault) MUST_USE;

#endif
