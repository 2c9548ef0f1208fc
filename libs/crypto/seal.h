/* AES-256-GCM (NIST SP 800-38D): texts that are kept where others may read. */
#ifndef IG_CRYPTO_SEAL_H
#define IG_CRYPTO_SEAL_H

#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SEAL_KEY_SIZE = 32, SEAL_TEXT_MAX = 4096 };

/* Adds `text` sealed, as base64 of a nonce from the system's random numbers, what was encrypted,
 * and a tag. `about` is not in it, but it opens with the same one only: say whose text it is. */
enum fault_code seal_add(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str about,
                         struct str text, struct fault *fault) MUST_USE;

/* Adds what was sealed. FAULT_CORRUPT: another key, another `about`, or changed. */
enum fault_code seal_open_add(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str about,
                              struct str sealed, struct fault *fault) MUST_USE;

#endif
