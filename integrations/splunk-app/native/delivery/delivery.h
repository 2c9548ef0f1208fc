/* What becomes of a finished hand-off: sent, kept in the outbox, or refused; each with its record.
 */
#ifndef IG_NATIVE_DELIVERY_H
#define IG_NATIVE_DELIVERY_H

#include "integrations/splunk-app/native/delivery/parcel.h"
#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/peers/token.h"
#include "integrations/splunk-app/native/settings/places.h"
#include "integrations/splunk-app/native/settings/settings.h"

enum delivery_result {
    DELIVERY_SENT,
    DELIVERY_DUPLICATE, /* the service had it already */
    DELIVERY_QUEUED,    /* waits in the outbox */
    DELIVERY_THROTTLED, /* the same, because a budget lets hand-offs through slowly */
    DELIVERY_BLOCKED,   /* the same, because a budget lets nothing more through */
    DELIVERY_REFUSED,   /* the service will not have it; kept among the refused ones */
    DELIVERY_LOST,      /* neither sent nor kept: the one case in which the analyst must act */
};

struct delivery {
    enum delivery_result result;
    struct wire_receipt receipt; /* when sent or duplicate */
    enum fault_code why;         /* it was neither */
};

/* Packs and delivers the graph, then what waits in the outbox; says everything to the analyst.
 * Fails only for want of memory. Texts of *out live in the arena. */
enum fault_code delivery_run(const struct places *places, const struct settings *settings,
                             const struct token_session *session, struct wire_handoff *handoff,
                             const struct graph *graph, const struct graph_mapping *mapping,
                             struct arena *arena, struct command_messages *messages,
                             struct delivery *out, struct fault *fault) MUST_USE;

#endif
