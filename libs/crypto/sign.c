#include "libs/crypto/sign.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "libs/core/buf.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/crypto/crypto_memory.h"

enum { PEM_MAX = 4096 };

struct sign_key {
    EVP_PKEY *pair;
    struct sign_public public_key;
};

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a signing key");
}

/* Takes the pair in any case. */
static enum fault_code key_of_pair(EVP_PKEY *taken, struct sign_key **out, struct fault *fault)
{
    assert(crypto_memory_is_ours());
    struct sign_key *key = taken ? os_alloc(sizeof *key) : NULL;
    size_t len = SIGN_PUBLIC_SIZE;
    if (!key || EVP_PKEY_get_raw_public_key(taken, key->public_key.bytes, &len) != 1) {
        os_free(key);
        EVP_PKEY_free(taken);
        return no_memory(fault);
    }
    assert(len == SIGN_PUBLIC_SIZE);
    key->pair = taken;
    *out = key;
    return FAULT_NONE;
}

enum fault_code sign_key_of_seed(const uint8_t seed[SIGN_SEED_SIZE], struct sign_key **out,
                                 struct fault *fault)
{
    return key_of_pair(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_SIZE),
                       out, fault);
}

enum fault_code sign_key_new(struct sign_key **out, struct fault *fault)
{
    uint8_t seed[SIGN_SEED_SIZE];
    if (os_random(seed, sizeof seed) < 0)
        return fault_errno(fault, errno, "no random numbers for a signing key");
    enum fault_code code = sign_key_of_seed(seed, out, fault);
    OPENSSL_cleanse(seed, sizeof seed);
    return code;
}

static int no_passphrase(char *out, int size, int writing, void *unused)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)unused;
    return -1; /* never asks on the terminal */
}

static enum fault_code key_of_pem(struct str pem, const char *path, struct sign_key **out,
                                  struct fault *fault)
{
    (void)crypto_memory_was_refused();
    BIO *bio = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
    if (!bio)
        return no_memory(fault);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (!pair || EVP_PKEY_get_base_id(pair) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pair);
        if (crypto_memory_was_refused())
            return no_memory(fault);
        return fault_set(fault, FAULT_CORRUPT,
                         "%s does not hold an Ed25519 private key in PEM; restore it from a backup",
                         path);
    }
    return key_of_pair(pair, out, fault);
}

/* The secret bytes are gone before the memory is given back. */
static void wipe(struct buf *buf)
{
    if (buf->ptr)
        OPENSSL_cleanse(buf->ptr, buf->room);
    buf_done(buf);
}

enum fault_code sign_key_load(const char *path, struct sign_key **out, struct fault *fault)
{
    struct buf pem;
    buf_init(&pem, PEM_MAX);
    char *all = buf_reserve(&pem, PEM_MAX); /* at once: growing would leave copies behind */
    enum fault_code code = all ? file_read(path, &pem, fault) : no_memory(fault);
    if (code == FAULT_NONE)
        code = key_of_pem(buf_str(&pem), path, out, fault);
    wipe(&pem);
    return code;
}

enum fault_code sign_key_save(const struct sign_key *key, const char *path, struct fault *fault)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return no_memory(fault);
    }
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    assert(len > 0);
    enum fault_code code = file_replace(path, (struct str){text, (size_t)len}, 0600, fault);
    BIO_free(bio);
    return code;
}

void sign_key_free(struct sign_key *taken)
{
    if (!taken)
        return;
    EVP_PKEY_free(taken->pair);
    os_free(taken);
}

struct sign_public sign_key_public(const struct sign_key *key)
{
    return key->public_key;
}

enum fault_code sign_message(const struct sign_key *key, struct str message, struct signature *out,
                             struct fault *fault)
{
    struct signature signature;
    size_t len = SIGN_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
              EVP_DigestSign(context, signature.bytes, &len, (const uint8_t *)message.ptr,
                             message.len) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a signature");
    assert(len == SIGN_SIZE);
    *out = signature;
    return FAULT_NONE;
}
