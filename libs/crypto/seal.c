#include "libs/crypto/seal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/crypto/hash.h"

enum { NONCE = 12, TAG = 16, SEALED_MAX = NONCE + SEAL_TEXT_MAX + TAG };

static bool encrypt(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *nonce,
                    struct str about, struct str text, uint8_t *out, uint8_t tag[TAG])
{
    int len = 0;
    return EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_EncryptUpdate(cipher, NULL, &len, (const uint8_t *)about.ptr, (int)about.len) == 1 &&
           EVP_EncryptUpdate(cipher, out, &len, (const uint8_t *)text.ptr, (int)text.len) == 1 &&
           EVP_EncryptFinal_ex(cipher, out + len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG, tag) == 1;
}

static bool decrypt(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *nonce,
                    struct str about, struct str text, uint8_t *out, uint8_t tag[TAG])
{
    int len = 0;
    return EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &len, (const uint8_t *)about.ptr, (int)about.len) == 1 &&
           EVP_DecryptUpdate(cipher, out, &len, (const uint8_t *)text.ptr, (int)text.len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + len, &len) == 1;
}

enum fault_code seal_add(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str about,
                         struct str text, struct fault *fault)
{
    uint8_t sealed[SEALED_MAX];
    if (text.len > SEAL_TEXT_MAX || about.len > SEAL_TEXT_MAX)
        return fault_set(fault, FAULT_LIMIT, "a text to be sealed has more than %d bytes",
                         SEAL_TEXT_MAX);
    if (os_random(sealed, NONCE) != 0)
        return fault_errno(fault, errno, "no random numbers to seal a text with");
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool done = cipher && encrypt(cipher, key, sealed, about, text, sealed + NONCE,
                                  sealed + NONCE + text.len);
    EVP_CIPHER_CTX_free(cipher);
    if (!done)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to seal a text");
    base64_add(out, (struct str){(const char *)sealed, NONCE + text.len + TAG});
    return buf_check(out, "a sealed text", fault);
}

enum fault_code seal_open_add(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str about,
                              struct str sealed, struct fault *fault)
{
    uint8_t text[SEAL_TEXT_MAX];
    uint8_t tag[TAG];
    struct buf bytes;
    buf_init(&bytes, SEALED_MAX);
    bool done = base64_decode_add(&bytes, sealed) && bytes.len >= NONCE + TAG;
    size_t len = done ? bytes.len - NONCE - TAG : 0;
    if (done) {
        memcpy(tag, bytes.ptr + bytes.len - TAG, TAG);
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        done = cipher && decrypt(cipher, key, (const uint8_t *)bytes.ptr, about,
                                 (struct str){bytes.ptr + NONCE, len}, text, tag);
        EVP_CIPHER_CTX_free(cipher);
    }
    buf_done(&bytes);
    if (done)
        buf_add(out, (struct str){(const char *)text, len});
    explicit_bzero(text, sizeof text);
    if (!done)
        return fault_set(fault, FAULT_CORRUPT, "a sealed text does not open with this key");
    return buf_check(out, "a sealed text", fault);
}
