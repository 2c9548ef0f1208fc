/* Checking a signature, apart from sign.c's private keys: the search command links this alone. */
#include "libs/crypto/sign.h"

#include <openssl/evp.h>

#include "libs/crypto/crypto_memory.h"

static _Thread_local bool lacked_memory;

bool sign_lacked_memory(void)
{
    bool lacked = lacked_memory;
    lacked_memory = false;
    return lacked;
}

bool sign_verify(const struct sign_public *public_key, struct str message,
                 const struct signature *signature)
{
    (void)crypto_memory_was_refused();
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key->bytes, SIGN_PUBLIC_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ready = key && context; /* any 32 bytes make a key: only memory can be wanting */
    bool good = ready && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature->bytes, SIGN_SIZE, (const uint8_t *)message.ptr,
                                 message.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    lacked_memory = !good && (crypto_memory_was_refused() || !ready);
    return good;
}
