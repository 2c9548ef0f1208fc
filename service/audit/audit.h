/* The append-only record of who did what: one Merkle log a tenant, in the public C2SP formats, and
 * a second one of what its receipts state (audit_receipt.h).
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
#include "libs/crypto/merkle.h"
#include "libs/store/store.h"
#include "libs/tlog/note.h"

struct audit; /* the signing key; safe to share between threads */

#define AUDIT_SERVICE_TENANT "_service"

enum {
    AUDIT_TENANT_MAX = 64,
    AUDIT_LOG_MAX = NOTE_LOG_MAX, /* bytes of a log's name and its NUL */
    AUDIT_ENTRY_MAX = 60 * 1024,  /* bytes of a record as JSON; a bundle's format ends at 65535 */
    AUDIT_CHECKPOINT_MAX = NOTE_MAX, /* bytes of a signed note */
    AUDIT_HEADS_MAX = 1000000,
};

/* Reads the signing key `folder/audit.key` (PKCS #8 PEM, 0600), or makes folder and key when the
 * store holds no record yet; keeps the verifier key (a C2SP vkey line, that of
 * AUDIT_SERVICE_TENANT) in `folder/audit.vkey`. A key that is missing, or that is not the one that
 * signed, while the store holds records is FAULT_CORRUPT: a log is never continued under another
 * key. */
enum fault_code audit_open(const char *folder, struct store *store, struct audit **out,
                           struct fault *fault) MUST_USE;
void audit_close(struct audit *taken); /* takes NULL */

/* A tenant has two logs: the records, named as the tenant, and the receipts of its hand-offs, named
 * "<tenant>/receipts". Whoever reads a log names it so. FAULT_INPUT for what is no tenant. */
enum fault_code audit_log_name(struct str tenant, bool receipts, char out[AUDIT_LOG_MAX],
                               struct fault *fault) MUST_USE;

/* "name+hash+base64" without a newline: a log's name in notes, and its origin, are
 * "intelgraphd/<log>". */
void audit_add_verifier_key(const struct audit *audit, struct str log, struct buf *out);

/* A key for secrets in the store, made of the signing key, which all services of a store share: the
 * digest of a signature over a text that no note begins with, and that is never shown. */
enum { AUDIT_DERIVED_SIZE = 32 };
enum fault_code audit_derive_key(const struct audit *audit, const char *purpose,
                                 uint8_t out[AUDIT_DERIVED_SIZE], struct fault *fault) MUST_USE;

struct audit_count {
    const char *name; /* "rows", "entities_new" ... */
    int64_t number;
};

/* What happened. Texts are borrowed; empty ones are left out of the record. Never holds a secret, a
 * search text or a value from an event: only digests of them. */
struct audit_record {
    const char
        *action; /* "handoff.committed", "handoff.opened", "token.used", "access.denied" ... */
    const char *result; /* "success" or "failure" */
    struct str tenant;
    struct str subject;     /* who: the analyst or the token's name */
    struct str token;       /* the token's public id */
    struct str via;         /* of the token that issued that one for the subject */
    struct str search_head; /* that it was issued for, as splunkd names itself */
    struct str role;
    struct str client;  /* the peer's address, and the program's name and version */
    struct str handoff; /* its id */
    struct str sid;
    struct str search_sha256;
    struct str content_sha256;
    struct str title_sha256; /* of a committed hand-off's title: it can be shown and checked */
    struct str reason;       /* of a failure, or what more there is to say */
    const struct audit_count *counts;
    size_t count_count;
};

/* Appends one record within the write transaction that `store` has open, signs the new head, and
 * adds the checkpoint (the whole signed note) to `out_checkpoint`. On failure the caller rolls
 * back.
 *
 * The state of the log is in the store only: a rollback takes the record back, and writers of
 * several programs follow each other. A head that this key has not signed is never continued
 * (FAULT_CORRUPT), so nobody who can write to the store gets a rewritten history signed. */
enum fault_code audit_append(struct audit *audit, struct store *store,
                             const struct audit_record *record, int64_t *out_index,
                             struct buf *out_checkpoint, struct fault *fault) MUST_USE;

/* Told of each record that audit_append appends, within its transaction: what is to be true
 * together with the record is written there, or the record is not. Set before there are threads. */
typedef enum fault_code audit_watch(void *context, struct store *store,
                                    const struct audit_record *record, int64_t time_us,
                                    int64_t index, struct fault *fault);
void audit_watch_set(struct audit *audit, audit_watch *watch, void *context);

/* The newest checkpoint; FAULT_NOT_FOUND for an empty log. Older ones are not kept: whoever holds
 * one (each receipt does) checks it with audit_consistency. */
enum fault_code audit_checkpoint(const struct audit *audit, struct store *store, struct str log,
                                 struct buf *out, struct fault *fault) MUST_USE;

/* A tile as tlog-tiles names it: `path` is what follows ".../tile/", e.g. "0/000",
 * "0/x001/067.p/12", "entries/000.p/5". FAULT_INPUT for a malformed path, FAULT_NOT_FOUND beyond
 * the log. */
enum fault_code audit_tile(struct store *store, struct str log, struct str path, struct buf *out,
                           struct fault *fault) MUST_USE;

/* Proofs to check a receipt with (merkle_verify_inclusion, merkle_verify_consistency): that record
 * `index` is in the log of `size` records; that the log of `older` records is the beginning of that
 * of `newer`. FAULT_INPUT for numbers that make no sense, FAULT_NOT_FOUND beyond the log. */
enum fault_code audit_inclusion(struct store *store, struct str log, int64_t index, int64_t size,
                                struct merkle_proof *out, struct fault *fault) MUST_USE;
enum fault_code audit_consistency(struct store *store, struct str log, int64_t older, int64_t newer,
                                  struct merkle_proof *out, struct fault *fault) MUST_USE;

/* Newest records first, as a JSON array of {"index":N,"record":{...}} added to `out`.
 * before < 0 starts at the newest; most 1..500. */
enum fault_code audit_list(struct store *store, struct str tenant, int64_t before, int most,
                           struct buf *out, struct fault *fault) MUST_USE;

/* Heads that somebody else kept: JSON lines with a member `checkpoint`, as the app writes them to
 * intelgraph_audit.log (lines without one are passed over), or checkpoints as they are. FAULT_INPUT
 * names the line that is neither; at most AUDIT_HEADS_MAX heads. */
struct audit_heads;
enum fault_code audit_heads_read(struct str text, struct audit_heads **out,
                                 struct fault *fault) MUST_USE;
void audit_heads_free(struct audit_heads *taken); /* takes NULL */

/* `intelgraphd audit verify`: recomputes every log from its records in constant memory, compares
 * with the stored hashes and the head, checks the head's signature, and that each receipt's
 * statement is the one in the log of receipts. Adds one line a log to `out`, also when the verdict
 * is bad. FAULT_CORRUPT names log and index of the first bad record.
 *
 * What it cannot see by itself: a log cut back to an older head that was once signed, and one that
 * the owner of the key wrote anew. `heads` tell: each must be signed by this key and be a head that
 * the log had on its way to the present one; else the line it came from is named. NULL for none. */
enum fault_code audit_verify(const struct audit *audit, struct store *store,
                             const struct audit_heads *heads, struct buf *out,
                             struct fault *fault) MUST_USE;

/* Writes a log as static files (C2SP tlog-tiles) into `folder`: checkpoint, tile/..., so that a
 * file server can offer it and foreign verifiers can read it. */
enum fault_code audit_export(struct store *store, struct str log, const char *folder,
                             struct fault *fault) MUST_USE;

#endif
