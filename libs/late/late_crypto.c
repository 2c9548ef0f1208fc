/* The functions of OpenSSL's libcrypto that libs/crypto/hash.c and verify.c call.
 *
 * Where the library is missing, SHA256_Init says so (0), which sha256_ready tells as a fault before
 * anything else is called. */
#define OPENSSL_SUPPRESS_DEPRECATED /* as in libs/crypto/hash.c */

#include "libs/late/late.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
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

/* --- signatures: libs/crypto/verify.c ------------------------------------------------------- */

/* Called before main; taking it would map the library at every start. libs/crypto can do without:
 * it then tells want of memory from what the functions below return. */
int CRYPTO_set_mem_functions(CRYPTO_malloc_fn take, CRYPTO_realloc_fn resize,
                             CRYPTO_free_fn give_back)
{
    (void)take;
    (void)resize;
    (void)give_back;
    return 0;
}

EVP_PKEY *EVP_PKEY_new_raw_public_key(int type, ENGINE *engine, const unsigned char *key,
                                      size_t len)
{
    LATE_REAL(libcrypto, EVP_PKEY_new_raw_public_key);
    return real ? real(type, engine, key, len) : NULL;
}

void EVP_PKEY_free(EVP_PKEY *key)
{
    LATE_REAL(libcrypto, EVP_PKEY_free);
    if (real)
        real(key);
}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
    LATE_REAL(libcrypto, EVP_MD_CTX_new);
    return real ? real() : NULL;
}

void EVP_MD_CTX_free(EVP_MD_CTX *context)
{
    LATE_REAL(libcrypto, EVP_MD_CTX_free);
    if (real)
        real(context);
}

int EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **out_context, const EVP_MD *digest,
                         ENGINE *engine, EVP_PKEY *key)
{
    LATE_REAL(libcrypto, EVP_DigestVerifyInit);
    return real ? real(context, out_context, digest, engine, key) : 0;
}

int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t signature_len,
                     const unsigned char *message, size_t message_len)
{
    LATE_REAL(libcrypto, EVP_DigestVerify);
    return real ? real(context, signature, signature_len, message, message_len) : 0;
}
