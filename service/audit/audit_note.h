/* C2SP tlog-checkpoint and signed-note, with one Ed25519 signature: the texts, no store.
 *
 *     intelgraphd/acme                       origin, and the name of the key
 *     300                                    records
 *     nDGVzU...=                             root hash, base64
 *                                            (an empty line)
 *     <em dash> intelgraphd/acme qvB1...==   base64 of key hash (4 bytes) and signature
 */
#ifndef IG_AUDIT_NOTE_H
#define IG_AUDIT_NOTE_H

#include "libs/core/buf.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/sign.h"

struct audit_head_text {
    struct str tenant; /* the log's name: "acme", "acme/receipts" */
    int64_t size;
    struct sha256 root;
};

/* "intelgraphd/acme+9a2f01bc+AbCd...": name, key hash, base64 of algorithm byte and public key. */
void audit_note_add_vkey(const struct sign_public *key, struct str tenant, struct buf *out);

enum fault_code audit_note_sign(const struct sign_key *key, const struct audit_head_text *head,
                                struct buf *out, struct fault *fault) MUST_USE;

/* Whether `note` is, to the byte, what audit_note_sign gives for this head and the key's owner. */
bool audit_note_holds(const struct sign_public *key, const struct audit_head_text *head,
                      struct str note);

/* Takes a note apart by its form; whether it is signed audit_note_holds says. Texts are borrowed
 * from `note`. */
bool audit_note_read(struct str note, struct audit_head_text *out);

/* The log's whole key id, of which a signature's key hash is the beginning: what Sigstore calls the
 * log's id. */
struct sha256 audit_note_key_id(const struct sign_public *key, struct str log);

#endif
