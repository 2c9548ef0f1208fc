#include "libs/http/gunzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/buf.h"
#include "libs/http/gzip.h"

/* Feeds `packed` in pieces of `cut` bytes and takes pieces of at most `room`. */
static enum fault_code unpack(struct str packed, size_t cut, size_t room, struct buf *out,
                              bool *out_whole, struct fault *fault)
{
    struct gunzip *gunzip;
    enum fault_code code = gunzip_new(&gunzip, fault);
    assert_int_equal(code, FAULT_NONE);
    while (packed.len > 0 && code == FAULT_NONE) {
        struct str piece = str_take(packed, cut);
        packed = str_skip(packed, piece.len);
        size_t len = room;
        while (code == FAULT_NONE && (piece.len > 0 || len == room)) {
            char *end = buf_reserve(out, room);
            assert_non_null(end);
            code = gunzip_step(gunzip, &piece, end, room, &len, fault);
            if (code == FAULT_NONE)
                buf_extend(out, len);
        }
    }
    *out_whole = gunzip_is_whole(gunzip);
    gunzip_free(gunzip);
    return code;
}

static void pack(struct buf *out, struct str text)
{
    struct fault fault;
    assert_int_equal(gzip_add(out, text, &fault), FAULT_NONE);
}

static void gunzip_step__gives_the_same_text_however_it_is_cut(void **state)
{
    (void)state;
    static char text[100000];
    struct buf packed;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    buf_init(&packed, 1 << 20);
    pack(&packed, (struct str){text, 60000});
    pack(&packed, STR("")); /* an empty member says nothing and ends nothing */
    pack(&packed, (struct str){text + 60000, sizeof text - 60000});
    static const size_t cuts[] = {1, 7, 1000, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 1; j < 4; j++) {
            struct buf out;
            bool whole;
            struct fault fault;
            buf_init(&out, 1 << 21);
            assert_int_equal(unpack(buf_str(&packed), cuts[i], cuts[j], &out, &whole, &fault),
                             FAULT_NONE);
            assert_true(whole);
            assert_true(str_equal(buf_str(&out), (struct str){text, sizeof text}));
            buf_done(&out);
        }
    }
    buf_done(&packed);
}

static void gunzip_is_whole__is_false_for_every_cut_text(void **state)
{
    (void)state;
    struct buf packed;
    buf_init(&packed, 1000);
    pack(&packed, STR("src,dest\n10.0.0.1,10.0.0.2\n"));
    for (size_t len = 0; len < packed.len; len++) {
        struct buf out;
        bool whole;
        struct fault fault;
        buf_init(&out, 1000);
        assert_int_equal(unpack(str_take(buf_str(&packed), len), 5, 64, &out, &whole, &fault),
                         FAULT_NONE);
        assert_false(whole);
        buf_done(&out);
    }
    buf_done(&packed);
}

static void gunzip_step__refuses_what_is_not_gzip_or_damaged(void **state)
{
    (void)state;
    struct buf packed;
    struct buf out;
    bool whole;
    struct fault fault;
    buf_init(&packed, 1000);
    buf_init(&out, 1000);
    assert_int_equal(unpack(STR("src,dest\n1,2\n"), 100, 64, &out, &whole, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "not gzip");
    pack(&packed, STR("src,dest\n10.0.0.1,10.0.0.2\n"));
    packed.ptr[packed.len - 6] ^= 1; /* its checksum */
    buf_clear(&out);
    assert_int_equal(unpack(buf_str(&packed), 100, 64, &out, &whole, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "the gzip text is damaged");
    buf_clear(&packed);
    pack(&packed, STR("a\n"));
    buf_add_c(&packed, "junk behind it");
    buf_clear(&out);
    assert_int_equal(unpack(buf_str(&packed), 100, 64, &out, &whole, &fault), FAULT_INPUT);
    buf_done(&packed);
    buf_done(&out);
}

static void gunzip_step__refuses_a_bomb_and_lets_dense_text_pass(void **state)
{
    (void)state;
    struct buf packed;
    struct fault fault;
    buf_init(&packed, 1 << 20);
    struct str zeros = {calloc(1, GUNZIP_RATIO_SLACK), GUNZIP_RATIO_SLACK};
    assert_non_null(zeros.ptr);
    pack(&packed, zeros);
    struct gunzip *gunzip;
    struct str in = buf_str(&packed);
    size_t len;
    size_t all = 0;
    static char room[1 << 20];
    assert_int_equal(gunzip_new(&gunzip, &fault), FAULT_NONE);
    do {
        assert_int_equal(gunzip_step(gunzip, &in, room, sizeof room, &len, &fault), FAULT_NONE);
        all += len;
    } while (len == sizeof room);
    assert_int_equal(all, zeros.len);
    in = buf_str(&packed); /* the same again as a second member: now it is over the slack */
    enum fault_code code = FAULT_NONE;
    do
        code = gunzip_step(gunzip, &in, room, sizeof room, &len, &fault);
    while (code == FAULT_NONE && len == sizeof room);
    assert_int_equal(code, FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "bomb"));
    gunzip_free(gunzip);
    buf_done(&packed);
    free((void *)(uintptr_t)zeros.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gunzip_step__gives_the_same_text_however_it_is_cut),
        cmocka_unit_test(gunzip_is_whole__is_false_for_every_cut_text),
        cmocka_unit_test(gunzip_step__refuses_what_is_not_gzip_or_damaged),
        cmocka_unit_test(gunzip_step__refuses_a_bomb_and_lets_dense_text_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
