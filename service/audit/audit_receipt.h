/* Receipts that a verifier of Sigstore bundles can check.
 *
 * What a receipt states is an in-toto Statement v1 about the hand-off's content, in a DSSE envelope
 * signed with the log's key. Of each, an entry as Rekor writes them ("dsse" 0.0.1: digests and
 * signature) goes into the tenant's log of receipts, in the transaction of the commit. The bundle
 * (v0.3) is made when it is asked for, with a proof for the log as it is then. */
#ifndef IG_AUDIT_RECEIPT_H
#define IG_AUDIT_RECEIPT_H

#include "service/audit/audit.h"

#define AUDIT_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define AUDIT_PREDICATE_TYPE "urn:intelgraph:handoff-receipt:v1"
#define AUDIT_BUNDLE_TYPE    "application/vnd.dev.sigstore.bundle.v0.3+json"

/* Texts are borrowed. No search text and no value from an event, as with records. */
struct audit_receipt {
    struct str tenant;
    struct str handoff;
    struct str content_sha256;
    struct str search_sha256;
    struct str sid;
    struct str user;
    int64_t committed_us;
    int64_t earliest_us; /* of the search; 0: not given */
    int64_t latest_us;
    int64_t audit_index; /* of the record handoff.committed */
    const struct audit_count *counts;
    size_t count_count;
};

/* Within the write transaction that `store` has open, after the record. */
enum fault_code audit_receipt_append(struct audit *audit, struct store *store,
                                     const struct audit_receipt *receipt,
                                     struct fault *fault) MUST_USE;

/* Adds the bundle as JSON. FAULT_NOT_FOUND when the log of receipts has none of this hand-off;
 * FAULT_CORRUPT when the statement is not the one that was logged: it is not signed again then. */
enum fault_code audit_receipt_bundle(const struct audit *audit, struct store *store,
                                     struct str tenant, struct str handoff, struct buf *out,
                                     struct fault *fault) MUST_USE;

#endif
