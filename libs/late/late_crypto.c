/* The functions of OpenSSL's libcrypto that libs/crypto/hash.c calls.
 *
 * Where the library is missing, SHA256_Init says so (0), which sha256_ready tells as a fault before
 * anything else is called. */
#define OPENSSL_SUPPRESS_DEPRECATED /* as in libs/crypto/hash.c */

#include "libs/late/late.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stddef.h>

static struct late_library libcrypto = {.file = "libcrypto.so.3"};

int SHA256_Init(SHA256_CTX *context)
{
    LATE_REAL(libcrypto, SHA256_Init);
    return real ? real(context) : 0;
}

int SHA256_Update(SHA256_CTX *context, const void *data, size_t len)
{
    LATE_REAL(libcrypto, SHA256_Update);
    assert(real);
    return real(context, data, len);
}

int SHA256_Final(unsigned char *out, SHA256_CTX *context)
{
    LATE_REAL(libcrypto, SHA256_Final);
    assert(real);
    return real(out, context);
}

int CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
    LATE_REAL(libcrypto, CRYPTO_memcmp);
    assert(real);
    return real(a, b, len);
}
