/* Ed25519 (RFC 8032): keys as PKCS #8 PEM files, signatures, verification. */
#ifndef IG_CRYPTO_SIGN_H
#define IG_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SIGN_SEED_SIZE = 32, SIGN_PUBLIC_SIZE = 32, SIGN_SIZE = 64 };

struct sign_key; /* a private key; safe to share between threads; wiped when freed */

struct sign_public {
    uint8_t bytes[SIGN_PUBLIC_SIZE];
};

struct signature {
    uint8_t bytes[SIGN_SIZE];
};

/* A new key from the system's random numbers. */
enum fault_code sign_key_new(struct sign_key **out, struct fault *fault) MUST_USE;

/* The key of a seed: for tests with published vectors, and for keys that are derived. */
enum fault_code sign_key_of_seed(const uint8_t seed[SIGN_SEED_SIZE], struct sign_key **out,
                                 struct fault *fault) MUST_USE;

/* FAULT_NOT_FOUND when there is no such file; FAULT_CORRUPT when it holds no Ed25519 key. */
enum fault_code sign_key_load(const char *path, struct sign_key **out,
                              struct fault *fault) MUST_USE;

/* Replaces the file, mode 0600. */
enum fault_code sign_key_save(const struct sign_key *key, const char *path,
                              struct fault *fault) MUST_USE;

void sign_key_free(struct sign_key *taken); /* takes NULL */

struct sign_public sign_key_public(const struct sign_key *key);

/* The key as SubjectPublicKeyInfo in DER (RFC 8410), as TLS tools and Sigstore take it. */
enum { SIGN_SPKI_SIZE = 12 + SIGN_PUBLIC_SIZE };
void sign_public_spki(const struct sign_public *key, uint8_t out[SIGN_SPKI_SIZE]);

enum fault_code sign_message(const struct sign_key *key, struct str message, struct signature *out,
                             struct fault *fault) MUST_USE;

/* Whether the signature is of this message by this key. */
bool sign_verify(const struct sign_public *public_key, struct str message,
                 const struct signature *signature);

/* Asked once after a false of sign_verify, by the same thread: whether want of memory was the
 * reason. */
bool sign_lacked_memory(void);

#endif
