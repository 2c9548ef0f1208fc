#include "libs/crypto/sign.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/crypto/hash.h"

static void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

/* RFC 8032 section 7.1, tests 1 to 3 and SHA(abc). */
static const struct {
    const char *seed;
    const char *public_key;
    const char *message;
    const char *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

static void sign_message__gives_the_published_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t seed[SIGN_SEED_SIZE];
        struct sign_public expected_public;
        struct signature expected;
        char message[64];
        size_t len = strlen(vectors[i].message) / 2;
        assert_true(hex_to(str_of(vectors[i].seed), seed, sizeof seed));
        assert_true(hex_to(str_of(vectors[i].public_key), expected_public.bytes, SIGN_PUBLIC_SIZE));
        assert_true(hex_to(str_of(vectors[i].signature), expected.bytes, SIGN_SIZE));
        assert_true(hex_to(str_of(vectors[i].message), message, len));

        struct sign_key *key = NULL;
        struct fault fault;
        good(sign_key_of_seed(seed, &key, &fault), &fault);
        struct sign_public public_key = sign_key_public(key);
        assert_memory_equal(public_key.bytes, expected_public.bytes, SIGN_PUBLIC_SIZE);
        struct signature signature;
        struct str text = {message, len};
        good(sign_message(key, text, &signature, &fault), &fault);
        assert_memory_equal(signature.bytes, expected.bytes, SIGN_SIZE);
        assert_true(sign_verify(&public_key, text, &signature));
        sign_key_free(key);
    }
    sign_key_free(NULL);
}

static void sign_verify__refuses_each_changed_bit(void **state)
{
    (void)state;
    struct sign_key *key = NULL;
    struct fault fault;
    good(sign_key_new(&key, &fault), &fault);
    struct sign_public public_key = sign_key_public(key);
    char message[] = "what was signed";
    struct str text = {message, sizeof message - 1};
    struct signature signature;
    good(sign_message(key, text, &signature, &fault), &fault);
    for (size_t bit = 0; bit < 8 * SIGN_SIZE; bit++) {
        signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sign_verify(&public_key, text, &signature));
        signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        message[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(sign_verify(&public_key, text, &signature));
        message[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(sign_verify(&public_key, text, &signature));
    public_key.bytes[0] ^= 1;
    assert_false(sign_verify(&public_key, text, &signature));
    sign_key_free(key);
}

struct folder {
    char path[64];
    char file[128];
};

static int make_folder(void **state)
{
    static struct folder folder;
    snprintf(folder.path, sizeof folder.path, "%s", "/tmp/test_sign.XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    snprintf(folder.file, sizeof folder.file, "%s/test.key", folder.path);
    *state = &folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    unlink(folder->file);
    return rmdir(folder->path);
}

static void sign_key__is_the_same_after_saving_and_loading(void **state)
{
    const struct folder *folder = *state;
    struct sign_key *key = NULL;
    struct sign_key *again = NULL;
    struct fault fault;
    good(sign_key_new(&key, &fault), &fault);
    good(sign_key_save(key, folder->file, &fault), &fault);
    struct stat info;
    assert_int_equal(stat(folder->file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    good(sign_key_load(folder->file, &again, &fault), &fault);
    struct sign_public one = sign_key_public(key);
    struct sign_public two = sign_key_public(again);
    assert_memory_equal(one.bytes, two.bytes, SIGN_PUBLIC_SIZE);
    struct signature signature;
    good(sign_message(again, STR("text"), &signature, &fault), &fault);
    assert_true(sign_verify(&one, STR("text"), &signature));
    sign_key_free(key);
    sign_key_free(again);
}

/* Of an elliptic curve, made for this test by `openssl genpkey`. */
static const char other_kind[] =
    "-----BEGIN "
    "PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguZ4QH7zWpGr9H9gl\n"
    "2AvY31mzSet1CTEcCpqNtSxFuq2hRANCAARSOQ0GT7sn2W/xq1HJtuy1Hw11aCte\n"
    "NOqZAmE+TJ4AvsWbt+GieazlaatSeisUS9GUpZCxpRtBVDTD0Yfsk3eT\n"
    "-----END PRIVATE KEY-----\n";

static void sign_key_load__names_a_file_that_holds_no_key(void **state)
{
    const struct folder *folder = *state;
    struct sign_key *key = NULL;
    struct fault fault;
    assert_int_equal(sign_key_load(folder->file, &key, &fault), FAULT_NOT_FOUND);
    const struct str contents[] = {
        STR(""),
        STR("not a key"),
        STR("-----BEGIN "
            "PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n"),
        {other_kind, sizeof other_kind - 1},
    };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        good(file_replace(folder->file, contents[i], 0600, &fault), &fault);
        assert_int_equal(sign_key_load(folder->file, &key, &fault), FAULT_CORRUPT);
        assert_non_null(strstr(fault.text, folder->file));
        assert_null(key);
    }
    char big[5000];
    memset(big, 'x', sizeof big);
    good(file_replace(folder->file, (struct str){big, sizeof big}, 0600, &fault), &fault);
    assert_int_equal(sign_key_load(folder->file, &key, &fault), FAULT_LIMIT);
    assert_null(key);
}

static int no_random(void *out, size_t len)
{
    (void)out;
    (void)len;
    errno = ENOSYS;
    return -1;
}

static void sign_key_new__without_random_numbers_is_a_fault(void **state)
{
    (void)state;
    struct os_platform poor = os_posix;
    poor.random = no_random;
    struct sign_key *key = NULL;
    struct fault fault;
    os_platform_set(&poor);
    enum fault_code code = sign_key_new(&key, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_IO);
    assert_null(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_message__gives_the_published_signatures),
        cmocka_unit_test(sign_verify__refuses_each_changed_bit),
        cmocka_unit_test_setup_teardown(sign_key__is_the_same_after_saving_and_loading, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(sign_key_load__names_a_file_that_holds_no_key, make_folder,
                                        remove_folder),
        cmocka_unit_test(sign_key_new__without_random_numbers_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
