#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "libs/tlog/note.h"

static struct sign_key *make_key(void)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    struct sign_key *key = NULL;
    struct fault fault;
    assert_int_equal(sign_key_of_seed(seed, &key, &fault), FAULT_NONE);
    return key;
}

static void add_vkey(struct str log, struct buf *out)
{
    struct sign_key *key = make_key();
    struct sign_public public_key = sign_key_public(key);
    buf_init(out, NOTE_VKEY_MAX);
    note_add_vkey(&public_key, log, out);
    sign_key_free(key);
}

static void note_read_vkey__gives_back_log_and_key(void **state)
{
    (void)state;
    struct sign_key *key = make_key();
    struct sign_public expected = sign_key_public(key);
    struct sign_public got;
    struct str log;
    struct buf vkey;
    add_vkey(STR("acme/receipts"), &vkey);
    assert_true(note_read_vkey(buf_str(&vkey), &log, &got));
    assert_true(str_equal(log, STR("acme/receipts")));
    assert_memory_equal(got.bytes, expected.bytes, SIGN_PUBLIC_SIZE);
    buf_done(&vkey);
    sign_key_free(key);
}

static void note_read_vkey__refuses_a_key_with_any_byte_changed_or_cut(void **state)
{
    (void)state;
    struct sign_public key;
    struct str log;
    struct buf vkey;
    add_vkey(STR("acme"), &vkey);
    for (size_t i = 0; i < vkey.len; i++) {
        assert_false(note_read_vkey(str_take(buf_str(&vkey), i), &log, &key));
        vkey.ptr[i] ^= 1;
        assert_false(note_read_vkey(buf_str(&vkey), &log, &key));
        vkey.ptr[i] ^= 1;
    }
    buf_add_byte(&vkey, '\n');
    assert_false(note_read_vkey(buf_str(&vkey), &log, &key));
    buf_done(&vkey);
}

static void note_read_vkey__refuses_the_key_of_another_program(void **state)
{
    (void)state;
    struct sign_public key;
    struct str log;
    assert_false(note_read_vkey(
        STR("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &log, &key));
}

static void note_holds__is_false_for_a_note_of_another_key_log_size_or_root(void **state)
{
    (void)state;
    struct sign_key *key = make_key();
    struct sign_public public_key = sign_key_public(key);
    struct note_head head = {.log = STR("acme"), .size = 300, .root = sha256_of(STR("root"))};
    struct note_head read;
    struct buf note;
    struct fault fault;
    buf_init(&note, NOTE_MAX);
    assert_int_equal(note_sign(key, &head, &note, &fault), FAULT_NONE);
    assert_true(note_read(buf_str(&note), &read));
    assert_int_equal(read.size, 300);
    assert_true(note_holds(&public_key, &read, buf_str(&note)));
    struct note_head other = head;
    other.log = STR("zeta");
    assert_false(note_holds(&public_key, &other, buf_str(&note)));
    other = head;
    other.size++;
    assert_false(note_holds(&public_key, &other, buf_str(&note)));
    other = head;
    other.root.bytes[31] ^= 1;
    assert_false(note_holds(&public_key, &other, buf_str(&note)));
    struct sign_public stranger = public_key;
    stranger.bytes[0] ^= 1;
    assert_false(note_holds(&stranger, &head, buf_str(&note)));
    buf_done(&note);
    sign_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_read_vkey__gives_back_log_and_key),
        cmocka_unit_test(note_read_vkey__refuses_a_key_with_any_byte_changed_or_cut),
        cmocka_unit_test(note_read_vkey__refuses_the_key_of_another_program),
        cmocka_unit_test(note_holds__is_false_for_a_note_of_another_key_log_size_or_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
