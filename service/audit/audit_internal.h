/* What the files of this room share. Nobody outside includes this. */
#ifndef IG_AUDIT_INTERNAL_H
#define IG_AUDIT_INTERNAL_H

#include <pthread.h>

#include "libs/crypto/merkle.h"
#include "libs/crypto/sign.h"
#include "service/audit/audit.h"
#include "service/audit/audit_note.h"

enum { AUDIT_SIGNED_SLOTS = 1024, AUDIT_TILE_HEIGHT = 8, AUDIT_TILE_WIDTH = 256 };

/* Levels that a tree of MERKLE_SIZE_MAX leaves can have. */
enum { AUDIT_LEVELS = MERKLE_HEIGHTS / AUDIT_TILE_HEIGHT + 1 };

struct audit {
    struct sign_key *key;
    struct sign_public public_key;
    /* Digests of notes that this program signed or checked, by tenant: spares the next append the
     * check of a signature that is known to be good. Says nothing about what was committed. */
    pthread_mutex_t lock;
    struct sha256 known[AUDIT_SIGNED_SLOTS];
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

/* The record as JSON, added to `out`. */
enum fault_code audit_entry_write(const struct audit_record *record, int64_t time_us,
                                  struct buf *out, struct fault *fault) MUST_USE;

/* A stored hash; *out_found = false when there is none. */
enum fault_code audit_hash_read(struct store *store, struct str tenant, int level, uint64_t index,
                                bool *out_found, struct sha256 *out, struct fault *fault) MUST_USE;

#endif
