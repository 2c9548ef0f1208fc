/* What is sealed opens with its key and its name only, and not when a bit of it was changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/crypto/seal.h"

static const uint8_t key[SEAL_KEY_SIZE] = {1, 2, 3};

static void seal(struct buf *out, struct str about, struct str text)
{
    struct fault fault;
    buf_init(out, 8192);
    assert_int_equal(seal_add(out, key, about, text, &fault), FAULT_NONE);
}

static enum fault_code open_with(const uint8_t *with, struct str about, struct str sealed,
                                 struct str expected)
{
    struct buf text;
    struct fault fault;
    buf_init(&text, 8192);
    enum fault_code code = seal_open_add(&text, with, about, sealed, &fault);
    if (code == FAULT_NONE)
        assert_true(str_equal(buf_str(&text), expected));
    else
        assert_int_equal(text.len, 0);
    buf_done(&text);
    return code;
}

static void seal__opens_with_the_same_key_and_name_only(void **state)
{
    static const uint8_t other[SEAL_KEY_SIZE] = {1, 2, 4};
    struct buf one;
    struct buf two;
    (void)state;
    seal(&one, STR("acme rcp_1"), STR("whsec_secret"));
    seal(&two, STR("acme rcp_1"), STR("whsec_secret"));
    assert_false(str_equal(buf_str(&one), buf_str(&two))); /* a new nonce each time */
    assert_int_equal(open_with(key, STR("acme rcp_1"), buf_str(&one), STR("whsec_secret")),
                     FAULT_NONE);
    assert_int_equal(open_with(other, STR("acme rcp_1"), buf_str(&one), STR("")), FAULT_CORRUPT);
    assert_int_equal(open_with(key, STR("acme rcp_2"), buf_str(&one), STR("")), FAULT_CORRUPT);
    buf_done(&one);
    seal(&one, STR(""), STR(""));
    assert_int_equal(open_with(key, STR(""), buf_str(&one), STR("")), FAULT_NONE);
    buf_done(&one);
    buf_done(&two);
}

static void seal__does_not_open_what_was_changed(void **state)
{
    static const char *const none[] = {"", "AAAA", "!", "whsec_secret"};
    struct buf sealed;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(open_with(key, STR("x"), str_of(none[i]), STR("")), FAULT_CORRUPT);
    seal(&sealed, STR("x"), STR("0123456789abcdefghi"));
    for (size_t i = 0; i < sealed.len; i++) {
        char before = sealed.ptr[i];
        sealed.ptr[i] = before == 'A' ? 'B' : 'A';
        assert_int_equal(open_with(key, STR("x"), buf_str(&sealed), STR("")), FAULT_CORRUPT);
        sealed.ptr[i] = before;
        assert_int_equal(open_with(key, STR("x"), str_take(buf_str(&sealed), i), STR("")),
                         FAULT_CORRUPT);
    }
    buf_done(&sealed);
}

static void seal__refuses_what_is_too_long(void **state)
{
    static char text[SEAL_TEXT_MAX + 1];
    struct buf sealed;
    struct fault fault;
    (void)state;
    buf_init(&sealed, 8192);
    assert_int_equal(seal_add(&sealed, key, STR("x"), (struct str){text, sizeof text}, &fault),
                     FAULT_LIMIT);
    assert_int_equal(seal_add(&sealed, key, STR("x"), (struct str){text, SEAL_TEXT_MAX}, &fault),
                     FAULT_NONE);
    assert_int_equal(open_with(key, STR("x"), buf_str(&sealed), (struct str){text, SEAL_TEXT_MAX}),
                     FAULT_NONE);
    buf_done(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal__opens_with_the_same_key_and_name_only),
        cmocka_unit_test(seal__does_not_open_what_was_changed),
        cmocka_unit_test(seal__refuses_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
