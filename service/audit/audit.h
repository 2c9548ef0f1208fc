/* The append-only record of who did what: one Merkle log a tenant, in the public C2SP formats.
 *
 * Entries are JSON texts; leaf hash, tree and proofs are RFC 6962's; heads are signed as C2SP
 * checkpoints (signed note, Ed25519); tiles are C2SP tlog-tiles. The log lives in the store, in the
 * same transaction as what it records: a hand-off whose record cannot be appended is not committed.
 * Denials of callers without a known tenant go to the log of the tenant "_service". */
#ifndef IG_AUDIT_AUDIT_H
#define IG_AUDIT_AUDIT_H

#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store.h"

struct audit; /* the signing key and the log's origin; safe to share between threads */

#define AUDIT_SERVICE_TENANT "_service"

/* Reads the signing key `DIR/audit.key` (PKCS #8 PEM, 0600), or makes one when the folder is new;
 * keeps the verifier key (C2SP vkey line) in `DIR/audit.vkey`. A key that is missing while the
 * store already holds records is FAULT_CORRUPT: a log is never continued under another key. */
enum fault_code audit_open(const char *folder, struct store *store, struct audit **out,
                           struct fault *fault) MUST_USE;
void audit_close(struct audit *taken);

/* One line: "name+hash+base64", for a tenant's log (its origin is "intelgraphd/<tenant>"). */
void audit_add_verifier_key(const struct audit *audit, struct str tenant, struct buf *out);

struct audit_count {
    const char *name; /* "rows", "entities_new" ... */
    int64_t number;
};

/* What happened. Texts are borrowed; empty ones are left out of the record. Never holds a secret, a
 * search text or a value from an event: only digests of them. */
struct audit_record {
    const char *action;  /* "handoff.committed", "handoff.opened", "token.used", "access.denied" ... */
    const char *result;  /* "success" or "failure" */
    struct str tenant;
    struct str subject;  /* who: the analyst or the token's name */
    struct str token;    /* the token's public id */
    struct str role;
    struct str client;   /* the peer's address, and the program's name and version */
    struct str handoff;  /* its id */
    struct str sid;
    struct str search_sha256;
    struct str content_sha256;
    struct str reason;   /* of a failure, or what more there is to say */
    const struct audit_count *counts;
    size_t count_count;
};

/* Appends one record within the transaction that `store` has open, signs the new head, and adds the
 * checkpoint (the whole signed note) to `out_checkpoint`. */
enum fault_code audit_append(struct audit *audit, struct store *store,
                             const struct audit_record *record, int64_t *out_index,
                             struct buf *out_checkpoint, struct fault *fault) MUST_USE;

/* The newest checkpoint; FAULT_NOT_FOUND for an empty log. */
enum fault_code audit_checkpoint(const struct audit *audit, struct store *store, struct str tenant,
                                 struct buf *out, struct fault *fault) MUST_USE;

/* A tile as tlog-tiles names it: `path` is what follows ".../tile/", e.g. "0/000", "0/x001/067.p/12",
 * "entries/000.p/5". FAULT_INPUT for a malformed path, FAULT_NOT_FOUND beyond the log. */
enum fault_code audit_tile(struct store *store, struct str tenant, struct str path,
                           struct buf *out, struct fault *fault) MUST_USE;

/* Newest records first, as a JSON array of {"index":N,"record":{...}} added to `out`.
 * before < 0 starts at the newest; most 1..500. */
enum fault_code audit_list(struct store *store, struct str tenant, int64_t before, int most,
                           struct buf *out, struct fault *fault) MUST_USE;

/* `intelgraphd audit verify`: recomputes every log from its entries, compares with the stored tiles
 * and each kept checkpoint, and checks the signatures. Writes one line a tenant to `out`. FAULT_CORRUPT
 * names tenant and index of the first bad record. */
enum fault_code audit_verify(const struct audit *audit, struct store *store, struct buf *out,
                             struct fault *fault) MUST_USE;

#endif
