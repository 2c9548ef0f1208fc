/* The vectors of RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libs/crypto/hmac.h"

static void expect(struct str key, struct str data, const char *hex)
{
    struct sha256 digest;
    struct fault fault;
    char found[SHA256_HEX + 1];
    const struct str parts[] = {str_take(data, 3), str_skip(data, 3)};
    assert_int_equal(hmac_sha256(key, parts, 2, &digest, &fault), FAULT_NONE);
    hex_of(digest.bytes, sizeof digest.bytes, found);
    assert_string_equal(found, hex);
}

static void hmac__gives_what_rfc_4231_says(void **state)
{
    char key[131];
    char data[50];
    (void)state;
    memset(key, 0x0b, 20);
    expect((struct str){key, 20}, STR("Hi There"),
           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect(STR("Jefe"), STR("what do ya want for nothing?"),
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    expect((struct str){key, 20}, (struct str){data, 50},
           "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    expect((struct str){key, sizeof key},
           STR("Test Using Larger Than Block-Size Key - Hash Key First"),
           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac__gives_what_rfc_4231_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
