/* Brings a parcel to the service. */
#ifndef IG_NATIVE_COURIER_H
#define IG_NATIVE_COURIER_H

#include "integrations/splunk-app/native/parcel.h"
#include "integrations/splunk-app/native/settings.h"

struct courier;

/* Reads the credential file and makes a connection ready; opens none yet. */
enum fault_code courier_new(const struct places *places, const struct settings *settings,
                            struct courier **out, struct fault *fault) MUST_USE;
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
