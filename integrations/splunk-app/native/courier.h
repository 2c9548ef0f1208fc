/* Brings a parcel to the service. */
#ifndef IG_NATIVE_COURIER_H
#define IG_NATIVE_COURIER_H

#include "integrations/splunk-app/native/parcel.h"
#include "integrations/splunk-app/native/settings.h"
#include "integrations/splunk-app/native/token.h"

struct courier;

/* Gets the token, from the app's broker by the analyst's session or from its file, and makes a
 * connection to the service ready. All is borrowed until courier_free. */
enum fault_code courier_new(const struct places *places, const struct settings *settings,
                            const struct token_session *session, struct courier **out,
                            struct fault *fault) MUST_USE;
void courier_free(struct courier *taken); /* takes NULL */

/* Delivers: at most once in effect, whatever is repeated. The receipt's texts live in the arena.
 *   FAULT_NONE         committed now or before (receipt->duplicate)
 *   FAULT_INPUT/LIMIT  refused for what it holds: repeating is of no use
 *   FAULT_UNSIGNED/DENIED  refused for who asks: an admin must mend the token or the certificate
 *   FAULT_UNAVAILABLE  may go through later */
enum fault_code courier_deliver(struct courier *courier, const struct parcel *parcel,
                                struct arena *arena, struct wire_receipt *out,
                                struct fault *fault) MUST_USE;

#endif
