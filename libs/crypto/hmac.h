/* HMAC-SHA256 (RFC 2104). */
#ifndef IG_CRYPTO_HMAC_H
#define IG_CRYPTO_HMAC_H

#include "libs/crypto/hash.h"

/* Over the parts one after the other. FAULT_NO_MEMORY. */
enum fault_code hmac_sha256(struct str key, const struct str *parts, size_t count,
                            struct sha256 *out, struct fault *fault) MUST_USE;

#endif
