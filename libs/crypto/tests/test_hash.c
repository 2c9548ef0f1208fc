#include "libs/crypto/hash.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_hash(struct sha256 hash, const char *hex)
{
    char text[SHA256_HEX + 1];
    hex_of(hash.bytes, SHA256_SIZE, text);
    assert_string_equal(text, hex);
}

/* FIPS 180-4 examples. */
static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc_hash[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void sha256_of__gives_the_published_hashes(void **state)
{
    (void)state;
    assert_hash(sha256_of(STR("")), empty_hash);
    assert_hash(sha256_of((struct str){NULL, 0}), empty_hash);
    assert_hash(sha256_of(STR("abc")), abc_hash);
    assert_hash(sha256_of(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_add__in_pieces_gives_the_hash_of_the_whole(void **state)
{
    (void)state;
    struct sha256_state *hash = sha256_new();
    assert_non_null(hash);
    for (int i = 0; i < 10000; i++)
        sha256_add(hash, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_hash(sha256_end(hash),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_free(sha256_new());
    sha256_free(NULL);
}

static void sha256_add_sized__keeps_neighbouring_texts_apart(void **state)
{
    (void)state;
    struct sha256_state *one = sha256_new();
    sha256_add_sized(one, STR("ab"));
    sha256_add_sized(one, STR("c"));
    struct sha256 left = sha256_end(one);
    struct sha256_state *two = sha256_new();
    sha256_add_sized(two, STR("a"));
    sha256_add_sized(two, STR("bc"));
    struct sha256 right = sha256_end(two);
    assert_memory_not_equal(left.bytes, right.bytes, SHA256_SIZE);
    assert_memory_equal(left.bytes, sha256_of(STR("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c")).bytes,
                        SHA256_SIZE);
}

static void *hash_many(void *wrong)
{
    char text[SHA256_HEX + 1];
    for (int i = 0; i < 1000; i++) {
        hex_of(sha256_of(STR("abc")).bytes, SHA256_SIZE, text);
        if (strcmp(text, abc_hash) != 0)
            *(int *)wrong += 1;
    }
    return NULL;
}

static void sha256_of__is_safe_from_several_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    int wrong[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_many, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

static void hex_to__takes_either_case_and_only_the_exact_length(void **state)
{
    (void)state;
    uint8_t bytes[3] = {9, 9, 9};
    assert_true(hex_to(STR("00fFA0"), bytes, 3));
    assert_memory_equal(bytes, "\x00\xff\xa0", 3);
    assert_false(hex_to(STR("00ff"), bytes, 3));
    assert_false(hex_to(STR("00ff0g"), bytes, 3));
    assert_false(hex_to(STR("00ff0 "), bytes, 3));
    assert_memory_equal(bytes, "\x00\xff\xa0", 3);
}

/* RFC 4648 section 10. */
static const struct {
    const char *plain;
    const char *coded;
} base64_vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void base64__gives_and_takes_the_published_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof base64_vectors / sizeof base64_vectors[0]; i++) {
        struct buf buf;
        buf_init(&buf, 100);
        buf_add(&buf, STR(">"));
        base64_add(&buf, str_of(base64_vectors[i].plain));
        assert_true(str_equal(str_skip(buf_str(&buf), 1), str_of(base64_vectors[i].coded)));
        buf_clear(&buf);
        assert_true(base64_decode_add(&buf, str_of(base64_vectors[i].coded)));
        assert_true(str_equal(buf_str(&buf), str_of(base64_vectors[i].plain)));
        buf_done(&buf);
    }
}

static void base64__brings_back_every_byte(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct buf coded;
    struct buf plain;
    buf_init(&coded, 1000);
    buf_init(&plain, 1000);
    base64_add(&coded, (struct str){all, sizeof all});
    assert_int_equal(coded.len, 344);
    assert_true(base64_decode_add(&plain, buf_str(&coded)));
    assert_true(str_equal(buf_str(&plain), (struct str){all, sizeof all}));
    buf_done(&coded);
    buf_done(&plain);
}

static void base64_decode_add__refuses_what_is_not_canonical(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Zg",   "Zg=",    "Zh==", "Zm9=", "Zg==Zg==", "====",      "=m9v",
        "Zm9 ", "Zm9v\n", "Z===", "Zm-v", "Zm_v",     "Zm9vYg==A", "Z=9v",
    };
    struct buf buf;
    buf_init(&buf, 100);
    buf_add(&buf, STR("kept"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (base64_decode_add(&buf, str_of(wrong[i])))
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_true(str_equal(buf_str(&buf), STR("kept")));
    }
    buf_done(&buf);
}

static void base64__over_the_limit_of_the_buf_is_refused(void **state)
{
    (void)state;
    struct buf buf;
    struct fault fault;
    buf_init(&buf, 2);
    base64_add(&buf, STR("f"));
    assert_int_equal(buf_check(&buf, "the text", &fault), FAULT_LIMIT);
    buf_clear(&buf);
    assert_false(base64_decode_add(&buf, STR("Zm9v")));
    assert_int_equal(buf_check(&buf, "the text", &fault), FAULT_LIMIT);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void crypto_equal__tells_one_bit(void **state)
{
    (void)state;
    assert_true(crypto_equal("secret", "secret", 6));
    assert_false(crypto_equal("secret", "secreu", 6));
    assert_true(crypto_equal("a", "b", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of__gives_the_published_hashes),
        cmocka_unit_test(sha256_add__in_pieces_gives_the_hash_of_the_whole),
        cmocka_unit_test(sha256_add_sized__keeps_neighbouring_texts_apart),
        cmocka_unit_test(sha256_of__is_safe_from_several_threads),
        cmocka_unit_test(hex_to__takes_either_case_and_only_the_exact_length),
        cmocka_unit_test(base64__gives_and_takes_the_published_texts),
        cmocka_unit_test(base64__brings_back_every_byte),
        cmocka_unit_test(base64_decode_add__refuses_what_is_not_canonical),
        cmocka_unit_test(base64__over_the_limit_of_the_buf_is_refused),
        cmocka_unit_test(crypto_equal__tells_one_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
