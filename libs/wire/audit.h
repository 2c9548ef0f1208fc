/* What the service tells of hand-offs on record, so that who asks can check it without trust:
 * GET /v1/audit/handoffs.
 *
 *     {"size":300,"checkpoint":"intelgraphd/acme\n300\n...","key":"intelgraphd/acme+9a2f01bc+...",
 *      "records":[{"index":212,"leaf":"eyJ2ZXJz...","title":"Beaconing",
 *                  "inclusion":["base64 of a hash",...],"consistency":[...]}],
 *      "next":"300.1763863200000000.212"}
 *
 * A record stands there once, as the bytes that the log's leaf is a hash of: what is shown and what
 * is verified cannot differ. `inclusion` (RFC 6962 2.1.1) says that it is in the log of `size`
 * records; `consistency` (2.1.2), that the log as it was right after this record is the beginning
 * of that one: with it, a head that was kept from the hand-off's receipt is checked. */
#ifndef IG_WIRE_AUDIT_H
#define IG_WIRE_AUDIT_H

#include "libs/core/arena.h"
#include "libs/crypto/merkle.h"
#include "libs/text/json_write.h"

enum {
    WIRE_AUDIT_RECORDS_MAX = 500, /* of one page */
    WIRE_AUDIT_LEAF_MAX = 65535,  /* bytes */
    WIRE_AUDIT_NEXT_MAX = 96,
};

struct wire_audit_record {
    int64_t index;
    struct str leaf;
    struct str title; /* of a committed hand-off; not in the leaf, but its digest is */
    struct merkle_proof inclusion;
    bool has_consistency;
    struct merkle_proof consistency;
};

struct wire_audit_page {
    int64_t size;          /* of the log that the proofs are for; 0: it is empty */
    struct str checkpoint; /* its signed note; "" on a page that follows: the first one's holds */
    struct str key;        /* the verifier key that the service claims */
    struct wire_audit_record *records; /* newest first */
    size_t count;
    struct str next; /* what to ask with for the next page; "" on the last */
};

/* The writer's side: opening, each record, closing. Refusals are the buf's. */
void wire_audit_open(struct json_out *out, int64_t size, struct str checkpoint, struct str key);
void wire_audit_put(struct json_out *out, const struct wire_audit_record *record);
void wire_audit_close(struct json_out *out, struct str next);

/* A proof as a list of base64 texts, as the routes for single proofs have it too. */
void wire_put_proof(struct json_out *out, const char *name, const struct merkle_proof *proof);

/* The reader's: strict about what it knows, passes over what it does not. Texts and records live in
 * the arena. That a proof has a form says nothing about what it proves. */
enum fault_code wire_read_audit_page(struct arena *arena, struct str json,
                                     struct wire_audit_page *out, struct fault *fault) MUST_USE;

/* {"from":1,"to":300,"hashes":[...]} of GET /v1/audit/consistency. */
enum fault_code wire_read_consistency(struct arena *arena, struct str json, int64_t from,
                                      int64_t to, struct merkle_proof *out,
                                      struct fault *fault) MUST_USE;

#endif
