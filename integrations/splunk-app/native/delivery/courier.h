/* Brings a parcel to the service. */
#ifndef IG_NATIVE_COURIER_H
#define IG_NATIVE_COURIER_H

#include "integrations/splunk-app/native/delivery/parcel.h"
#include "integrations/splunk-app/native/peers/token.h"
#include "integrations/splunk-app/native/record/refusal.h"
#include "integrations/splunk-app/native/settings/settings.h"

struct courier;

/* Gets the token, from the app's broker by the analyst's session or from its file, and makes a
 * connection to the service ready. All is borrowed until courier_free. */
enum fault_code courier_new(const struct places *places, const struct settings *settings,
                            const struct token_session *session, struct courier **out,
                            struct fault *fault) MUST_USE;
void courier_free(struct courier *taken); /* takes NULL */

/* Delivers: at most once in effect, whatever is repeated. The receipt's texts live in the arena.
 * What a budget throttles (429) is asked again after the time that it says, as long as all waiting
 * together is within `patience_ms`; with 0 it is told at once.
 *   FAULT_NONE         committed now or before (receipt->duplicate)
 *   FAULT_INPUT/LIMIT  refused for what it holds: repeating is of no use
 *   FAULT_UNSIGNED/DENIED  refused for who asks: an admin must mend the token or the certificate
 *   FAULT_UNAVAILABLE  may go through later; courier_refusal says whether a budget is in the way */
enum fault_code courier_deliver(struct courier *courier, const struct parcel *parcel,
                                int64_t patience_ms, struct arena *arena, struct wire_receipt *out,
                                struct fault *fault) MUST_USE;

/* The last refusal of a budget's that the last delivery met, also one that it waited for and that
 * then let it through; its verdict is REFUSAL_NONE when there was none. */
const struct refusal *courier_refusal(const struct courier *courier);
bool courier_is_refused(const struct courier *courier);   /* it failed for that */
int64_t courier_waited_ms(const struct courier *courier); /* for a budget, in the last delivery */

#endif
