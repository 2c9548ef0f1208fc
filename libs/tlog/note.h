/* C2SP tlog-checkpoint and signed-note, with one Ed25519 signature: the texts, no store.
 *
 *     intelgraphd/acme                       origin, and the name of the key
 *     300                                    records
 *     nDGVzU...=                             root hash, base64
 *                                            (an empty line)
 *     <em dash> intelgraphd/acme qvB1...==   base64 of key hash (4 bytes) and signature
 */
#ifndef IG_TLOG_NOTE_H
#define IG_TLOG_NOTE_H

#include "libs/core/buf.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/sign.h"

enum {
    NOTE_MAX = 512,     /* bytes of a signed note */
    NOTE_LOG_MAX = 80,  /* bytes of a log's name and its NUL */
    NOTE_VKEY_MAX = 192 /* bytes of a verifier key */
};

struct note_head {
    struct str log; /* its name: "acme", "acme/receipts" */
    int64_t size;
    struct sha256 root;
};

/* "intelgraphd/acme+9a2f01bc+AbCd...": name, key hash, base64 of algorithm byte and public key. */
void note_add_vkey(const struct sign_public *key, struct str log, struct buf *out);

/* Takes a verifier key apart; false when it is not of that form, or its hash is not that of its
 * key. The log's name is borrowed from `vkey`. */
bool note_read_vkey(struct str vkey, struct str *out_log, struct sign_public *out);

enum fault_code note_sign(const struct sign_key *key, const struct note_head *head, struct buf *out,
                          struct fault *fault) MUST_USE;

/* Whether `note` is, to the byte, what note_sign gives for this head and the key's owner. */
bool note_holds(const struct sign_public *key, const struct note_head *head, struct str note);

/* Takes a note apart by its form; whether it is signed note_holds says. Texts are borrowed
 * from `note`. */
bool note_read(struct str note, struct note_head *out);

/* The log's whole key id, of which a signature's key hash is the beginning: what Sigstore calls the
 * log's id. */
struct sha256 note_key_id(const struct sign_public *key, struct str log);

#endif
