/* SHA-256 (FIPS 180-4), hexadecimal and base64 (RFC 4648). libs/crypto alone names OpenSSL. */
#ifndef IG_CRYPTO_HASH_H
#define IG_CRYPTO_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SHA256_SIZE = 32, SHA256_HEX = 64 };

struct sha256 {
    uint8_t bytes[SHA256_SIZE];
};

struct sha256_state; /* a digest under way */

/* Once, before the first digest, in a program that maps OpenSSL late (libs/late): FAULT_UNAVAILABLE
 * where it is not there. */
enum fault_code sha256_ready(struct fault *fault) MUST_USE;

struct sha256 sha256_of(struct str data);

/* NULL when there is no memory. */
struct sha256_state *sha256_new(void);
void sha256_add(struct sha256_state *state, struct str data);
struct sha256 sha256_end(struct sha256_state *taken);
void sha256_free(struct sha256_state *taken); /* for a digest that is given up; takes NULL */

/* For hashing several texts without ambiguity: each is preceded by its length as 8 bytes,
 * big-endian. */
void sha256_add_sized(struct sha256_state *state, struct str data);

void hex_of(const void *data, size_t len, char *out); /* writes 2*len digits and a NUL */
bool hex_to(struct str hex, void *out, size_t len);   /* exactly 2*len digits, either case */

void base64_add(struct buf *out, struct str data); /* standard alphabet, padded */
/* Strict: padded, no blanks, no stray bits. false leaves what was there; a refusal of the buf is
 * false too, and told by buf_check. */
bool base64_decode_add(struct buf *out, struct str text);

/* Compares without a time that depends on the content. */
bool crypto_equal(const void *a, const void *b, size_t len);

#endif
