/* DSSE envelopes and Rekor's entries of them: the bytes, no store. */
#ifndef IG_AUDIT_DSSE_H
#define IG_AUDIT_DSSE_H

#include "libs/core/buf.h"
#include "libs/crypto/sign.h"

enum { AUDIT_STATEMENT_MAX = 16 * 1024 };

#define AUDIT_PAYLOAD_TYPE "application/vnd.in-toto+json"

/* Signs `payload` as DSSE says (its pre-authentication encoding) and adds the entry that Rekor
 * would log of it, kind "dsse" 0.0.1, as canonical JSON (RFC 8785). */
enum fault_code audit_dsse_entry(const struct sign_key *key, struct str payload, struct buf *out,
                                 struct signature *out_signature, struct fault *fault) MUST_USE;

/* The envelope, as a member "dsseEnvelope" of a bundle. */
void audit_dsse_add_envelope(struct str payload, const struct signature *signature,
                             struct buf *out);

#endif
