/* Whether what the service says of its log is true: by the log's signed head, by the proofs, and by
 * what this search head kept. No I/O; nothing that fails is a fault, each has a sentence. */
#ifndef IG_NATIVE_PROOF_H
#define IG_NATIVE_PROOF_H

#include "integrations/splunk-app/native/record/kept.h"
#include "libs/tlog/note.h"
#include "libs/wire/audit.h"

enum { PROOF_REASON_BYTES = 256 };

/* The log as its head says it is. */
struct proof_log {
    struct sign_public key;
    struct note_head head; /* borrows the checkpoint's text */
    bool holds;            /* the head is signed, and no kept one contradicts it */
    char reason[PROOF_REASON_BYTES];
};

/* The head of the first page. `pinned` is the admin's audit_key; "" trusts the key that the service
 * tells. False, and a reason in `out`, when it is not to be believed. */
bool proof_open(struct str tenant, struct str pinned, const struct wire_audit_page *page,
                struct proof_log *out);

/* Whether the head can be later than the newest kept one, which must be signed and no longer.
 * *out_from is the size to ask a proof of consistency for; 0 when none is needed. */
bool proof_needs_consistency(struct proof_log *log, const struct kept_list *kept,
                             int64_t *out_from);

/* That proof. */
bool proof_is_consistent(struct proof_log *log, const struct kept_list *kept,
                         const struct merkle_proof *proof);

/* A record as it stands in the leaf. Members that are not there are empty, or -1. */
struct proof_record {
    int64_t time_us;
    struct str analyst;
    struct str action;
    struct str outcome;
    struct str sid;
    struct str search_head;
    struct str handoff;
    struct str title;
    int64_t entities;
    int64_t relations;
    bool verified;
    char reason[PROOF_REASON_BYTES]; /* "" when verified */
};

/* Checks one record and reads it; its texts live in the arena. FAULT_NO_MEMORY only. */
enum fault_code proof_check(const struct proof_log *log, const struct kept_list *kept,
                            const struct wire_audit_record *record, struct arena *arena,
                            struct proof_record *out, struct fault *fault) MUST_USE;

#endif
