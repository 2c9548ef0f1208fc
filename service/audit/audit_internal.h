/* What the files of this room share. Nobody outside includes this. */
#ifndef IG_AUDIT_INTERNAL_H
#define IG_AUDIT_INTERNAL_H

#include <pthread.h>

#include "libs/crypto/merkle.h"
#include "libs/crypto/sign.h"
#include "service/audit/audit.h"
#include "libs/tlog/note.h"

enum { AUDIT_SIGNED_SLOTS = 1024, AUDIT_TILE_HEIGHT = 8, AUDIT_TILE_WIDTH = 256 };

/* What a tenant's log of receipts has after the tenant's name; no tenant's name holds a slash. */
#define AUDIT_RECEIPTS "/receipts"

/* Levels that a tree of MERKLE_SIZE_MAX leaves can have. */
enum { AUDIT_LEVELS = MERKLE_HEIGHTS / AUDIT_TILE_HEIGHT + 1 };

struct audit {
    struct sign_key *key;
    struct sign_public public_key;
    /* Digests of notes that this program signed or checked, by tenant: spares the next append the
     * check of a signature that is known to be good. Says nothing about what was committed. */
    pthread_mutex_t lock;
    struct sha256 known[AUDIT_SIGNED_SLOTS];
    audit_watch *watch; /* NULL: nobody watches */
    void *watch_context;
};

/* The row of audit_heads. */
struct audit_head {
    struct merkle_range range; /* size 0: an empty log */
    struct sha256 root;
    size_t note_len;
    char note[AUDIT_CHECKPOINT_MAX];
};

bool audit_tenant_is_valid(struct str tenant); /* 1..64 of [A-Za-z0-9._-] */

/* FAULT_INPUT that names the field `tenant`. */
enum fault_code audit_check_tenant(struct str tenant, struct fault *fault) MUST_USE;

/* Reads the row as it is stored: its form is checked, its truth is not. No row is an empty log. */
enum fault_code audit_head_read(struct store *store, struct str tenant, struct audit_head *out,
                                struct fault *fault) MUST_USE;

/* FAULT_CORRUPT when edge, root, size and signed note do not belong together. */
enum fault_code audit_head_check(const struct sign_public *key, struct str tenant,
                                 const struct audit_head *head, struct fault *fault) MUST_USE;

/* Appends to any log, within the write transaction; audit_append and audit_receipt_append come
 * here. */
enum fault_code audit_log_append(struct audit *audit, struct store *store, struct str log,
                                 struct str entry, int64_t *out_index, struct buf *out_checkpoint,
                                 struct fault *fault) MUST_USE;

/* The record as JSON, added to `out`. */
enum fault_code audit_entry_write(const struct audit_record *record, int64_t time_us,
                                  struct buf *out, struct fault *fault) MUST_USE;

/* Notes where a hand-off's record is to be found, in the transaction that appends it. */
enum fault_code audit_find_note(struct store *store, const struct audit_record *record,
                                int64_t time_us, int64_t index, struct fault *fault) MUST_USE;

/* FAULT_CORRUPT when what finds records and the records do not agree. */
enum fault_code audit_find_check(struct store *store, struct str tenant,
                                 struct fault *fault) MUST_USE;

/* A stored hash; *out_found = false when there is none. */
enum fault_code audit_hash_read(struct store *store, struct str tenant, int level, uint64_t index,
                                bool *out_found, struct sha256 *out, struct fault *fault) MUST_USE;

/* The hash of a complete subtree, as stored or folded from those below. */
enum fault_code audit_subtree_read(struct store *store, struct str log, int height, uint64_t index,
                                   struct sha256 *out, struct fault *fault) MUST_USE;

/* How many records the log has; 0 when there is none. */
enum fault_code audit_size_read(struct store *store, struct str log, uint64_t *out,
                                struct fault *fault) MUST_USE;

/* The tenant of a log of receipts; false for a log of records. */
bool audit_log_is_receipts(struct str log, struct str *out_tenant);

/* FAULT_CORRUPT when a statement and the entry that was logged of it do not belong together, or
 * either is missing. `count`: how many entries the tenant's log of receipts has. */
enum fault_code audit_receipts_check(const struct audit *audit, struct store *store,
                                     struct str tenant, uint64_t count,
                                     struct fault *fault) MUST_USE;

/* --- heads that were kept elsewhere (audit_heads.c); NULL is none -------------------------------
 */

/* Before the log is read: that none is newer than the head that the log presents. */
enum fault_code audit_heads_check_newest(const struct audit_heads *heads, struct store *store,
                                         struct str log, uint64_t size,
                                         struct fault *fault) MUST_USE;

/* While it is read: that those of this size have this root. *next begins at audit_heads_first. */
size_t audit_heads_first(const struct audit_heads *heads, struct str log);
enum fault_code audit_heads_check(const struct audit_heads *heads, struct str log, size_t *next,
                                  const struct merkle_range *range, struct fault *fault) MUST_USE;

/* Before all logs: that each is signed by this key, and of a log that is here. */
enum fault_code audit_heads_check_signed(const struct audit_heads *heads, const struct audit *audit,
                                         struct store *store, struct fault *fault) MUST_USE;

#endif
