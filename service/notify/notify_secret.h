/* A webhook's secret in the store: sealed under a key that is made of the service's signing key, so
 * that a copy of the store alone tells none. */
#ifndef IG_NOTIFY_NOTIFY_SECRET_H
#define IG_NOTIFY_NOTIFY_SECRET_H

#include "libs/core/buf.h"
#include "libs/crypto/seal.h"
#include "service/audit/audit.h"

struct notify_vault { /* wipe it when it is done with */
    uint8_t key[SEAL_KEY_SIZE];
};

enum fault_code notify_vault_open(const struct audit *audit, struct notify_vault *out,
                                  struct fault *fault) MUST_USE;
void notify_vault_close(struct notify_vault *vault);

/* Adds what is kept. It opens for the same tenant and recipient only. */
enum fault_code notify_secret_seal(const struct notify_vault *vault, struct str tenant,
                                   struct str recipient, struct str secret, struct buf *out,
                                   struct fault *fault) MUST_USE;

/* Adds the secret; nothing for "". */
enum fault_code notify_secret_open(const struct notify_vault *vault, struct str tenant,
                                   struct str recipient, struct str sealed, struct buf *out,
                                   struct fault *fault) MUST_USE;

#endif
