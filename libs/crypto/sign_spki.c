/* Public keys as other tools take them: no library is needed for that. */
#include "libs/crypto/sign.h"

#include <string.h>

void sign_public_spki(const struct sign_public *key, uint8_t out[SIGN_SPKI_SIZE])
{
    /* SEQUENCE of the algorithm 1.3.101.112, without parameters, and a BIT STRING of 256 bits. */
    static const uint8_t start[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    memcpy(out, start, sizeof start);
    memcpy(out + sizeof start, key->bytes, SIGN_PUBLIC_SIZE);
}
