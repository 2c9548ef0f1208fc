/* OpenSSL's memory comes from libs/core/os.h in every program that signs. */
#ifndef IG_CRYPTO_CRYPTO_MEMORY_H
#define IG_CRYPTO_CRYPTO_MEMORY_H

#include <stdbool.h>

/* Whether OpenSSL took our functions: it does, unless it was used before this program's own code.
 */
bool crypto_memory_is_ours(void);

/* Whether OpenSSL was refused memory by this thread since the last question. OpenSSL itself often
 * tells such a refusal as if what it was given were wrong. */
bool crypto_memory_was_refused(void);

#endif
