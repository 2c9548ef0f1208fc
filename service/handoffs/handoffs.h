/* Hand-offs: taking them in, once each; showing them; recording the click on their link.
 *
 * A commit is one transaction: the merge into the graph, the row, the audit record. What is
 * answered with a receipt survives a power cut; what is refused has left nothing but the record of
 * the refusal. The bytes are those of libs/wire/handoff.h, the replies those of
 * docs/api/openapi.yaml.
 *
 * What else is in this room: _rules (pure: what is refused and why), _content (lines into the
 * graph), _store (SQL), _audit (records), _commit (the transaction), _json (replies), _write,
 * _read, _records, _open (routes). */
#ifndef IG_HANDOFFS_HANDOFFS_H
#define IG_HANDOFFS_HANDOFFS_H

#include "service/web/web.h"

/* The handlers' `service` is a struct service. */
extern const struct web_route handoffs_routes[];        /* what sends */
extern const struct web_route handoffs_read_routes[];   /* what shows, and /open/handoffs/{} */
extern const struct web_route handoffs_record_routes[]; /* /v1/audit/handoffs */
extern const struct web_route handoffs_open_routes[];   /* /open/entities */

#endif
