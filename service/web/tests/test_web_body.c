#include "service/web/web_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "service/web/web_unzstd.h"

enum { LIMIT = 1 << 20, ROOM = 4 << 20 };

static struct fault fault;

/* Adds one frame that holds `text`. */
static void add_frame(struct buf *out, struct str text, int level)
{
    size_t bound = ZSTD_compressBound(text.len);
    size_t made = ZSTD_compress(buf_reserve(out, bound), bound, text.ptr, text.len, level);
    assert_false(ZSTD_isError(made));
    buf_extend(out, made);
}

/* What comes of `sent` in pieces of `step` bytes; in *out what was inflated. */
static enum fault_code feed(struct str sent, size_t step, size_t limit, struct buf *out)
{
    struct web_body body;
    enum fault_code code = web_body_init(&body, limit, WEB_ZSTD, &fault);
    if (code != FAULT_NONE)
        return code;
    while (code == FAULT_NONE && sent.len > 0) {
        code = web_body_add(&body, str_take(sent, step), &fault);
        sent = str_skip(sent, step);
    }
    if (code == FAULT_NONE)
        code = web_body_end(&body, &fault);
    if (code == FAULT_NONE && out)
        buf_add(out, buf_str(&body.bytes));
    assert_true(body.bytes.len <= limit);
    web_body_done(&body);
    return code;
}

static void zstd__of_one_or_more_frames_is_inflated_however_it_is_cut(void **state)
{
    (void)state;
    struct buf sent;
    struct buf got;
    static char noise[100000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)('a' + (seed >> 28));
    }
    const struct str text = {noise, sizeof noise};
    buf_init(&sent, ROOM);
    buf_init(&got, ROOM);
    add_frame(&sent, STR("hello "), 3);
    buf_add(&sent, STR("\x5a\x2a\x4d\x18\x03\0\0\0abc")); /* a skippable frame between */
    add_frame(&sent, STR(""), 3);
    add_frame(&sent, text, 19);
    static const size_t steps[] = {1, 2, 3, 7, 64, 1000, 70000, ROOM};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        buf_clear(&got);
        assert_int_equal(feed(buf_str(&sent), steps[i], LIMIT, &got), FAULT_NONE);
        assert_int_equal(got.len, 6 + sizeof noise);
        assert_memory_equal(got.ptr, "hello ", 6);
        assert_memory_equal(got.ptr + 6, noise, sizeof noise);
    }
    buf_done(&sent);
    buf_done(&got);
}

static void zstd__cut_at_every_byte_is_refused(void **state)
{
    (void)state;
    struct buf sent;
    buf_init(&sent, ROOM);
    add_frame(&sent, STR("a body that is long enough to be cut in many places"), 3);
    for (size_t len = 0; len < sent.len; len++) {
        assert_int_equal(feed(str_take(buf_str(&sent), len), ROOM, LIMIT, NULL), FAULT_INPUT);
        assert_string_equal(fault.field, "body");
        assert_non_null(strstr(fault.text, "zstd stream ends before its end"));
    }
    size_t first = sent.len;
    add_frame(&sent, STR("second"), 3);
    for (size_t len = first + 1; len < sent.len; len++)
        assert_int_equal(feed(str_take(buf_str(&sent), len), 5, LIMIT, NULL), FAULT_INPUT);
    assert_int_equal(feed(buf_str(&sent), 5, LIMIT, NULL), FAULT_NONE);
    buf_done(&sent);
}

static void zstd__that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct str sent;
        const char *says;
    } cases[] = {
        {STR("plain text"), "not a zstd stream"},
        {STR("\x1f\x8b\x08\0\0\0\0\0\0\3"), "not a zstd stream"},           /* gzip */
        {STR("\x27\xb5\x2f\xfd\x24\x00\x01\x00\x00"), "not a zstd stream"}, /* version 0.7 */
        {STR("\x28\xb5\x2f\xfd\x08\x68\x01\x00\x00"), "Unsupported"},
        {STR("\x28\xb5\x2f\xfd\x03\x00\x00\x01\x01\x01"), "Dictionary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step < 16; step += 7) {
            assert_int_equal(feed(cases[i].sent, step, LIMIT, NULL), FAULT_INPUT);
            if (!strstr(fault.text, cases[i].says))
                fail_msg("%zu: %s", i, fault.text);
        }
    struct buf sent;
    buf_init(&sent, ROOM);
    add_frame(&sent, STR("hello"), 3);
    buf_add(&sent, STR("more"));
    assert_int_equal(feed(buf_str(&sent), ROOM, LIMIT, NULL), FAULT_INPUT);
    buf_done(&sent);
}

static void zstd__with_a_byte_changed_never_gives_another_text(void **state)
{
    (void)state;
    const struct str text = STR("a text whose every byte counts, sealed by a sum: 0123456789");
    ZSTD_CCtx *context = ZSTD_createCCtx();
    char sent[256];
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t len = ZSTD_compress2(context, sent, sizeof sent, text.ptr, text.len);
    assert_false(ZSTD_isError(len));
    for (size_t i = 0; i < len * 8; i++) {
        struct buf got;
        buf_init(&got, ROOM);
        sent[i / 8] ^= (char)(1 << i % 8);
        if (feed((struct str){sent, len}, ROOM, LIMIT, &got) == FAULT_NONE)
            assert_true(str_equal(buf_str(&got), text) || got.len == 0); /* a skipped frame */
        sent[i / 8] ^= (char)(1 << i % 8);
        buf_done(&got);
    }
    ZSTD_freeCCtx(context);
}

static void zstd__over_the_limit_is_refused_whatever_its_head_declares(void **state)
{
    (void)state;
    static char text[LIMIT + 1];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)(seed >> 24 & 7); /* some eight times, not a hundred */
    }
    static const struct {
        size_t len;
        enum fault_code code;
    } cases[] = {
        {LIMIT - 1, FAULT_NONE},
        {LIMIT, FAULT_NONE},
        {LIMIT + 1, FAULT_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int declares = 0; declares < 2; declares++) {
            ZSTD_CCtx *context = ZSTD_createCCtx();
            struct buf sent;
            buf_init(&sent, ROOM);
            ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, declares);
            size_t made = ZSTD_compress2(context, buf_reserve(&sent, LIMIT * 2), LIMIT * 2, text,
                                         cases[i].len);
            assert_false(ZSTD_isError(made));
            buf_extend(&sent, made);
            assert_int_equal(feed(buf_str(&sent), 4096, LIMIT, NULL), cases[i].code);
            buf_done(&sent);
            ZSTD_freeCCtx(context);
        }
    assert_non_null(strstr(fault.text, "over the limit of 1048576 bytes when inflated"));
}

static void zstd__bombs_are_refused(void **state)
{
    (void)state;
    static char zeros[LIMIT];
    struct buf sent;
    buf_init(&sent, ROOM);
    add_frame(&sent, (struct str){zeros, sizeof zeros}, 3);
    assert_true(sent.len < 1000);
    /* Within the limit, and more than a hundred times what was sent. */
    for (size_t step = 1; step < sent.len; step += 13) {
        assert_int_equal(feed(buf_str(&sent), step, LIMIT, NULL), FAULT_LIMIT);
        assert_non_null(strstr(fault.text, "more than 100 times its size"));
    }
    /* In many frames: none of them is over it by itself. */
    buf_clear(&sent);
    for (int i = 0; i < 40; i++)
        add_frame(&sent, (struct str){zeros, 25000}, 3);
    assert_int_equal(feed(buf_str(&sent), ROOM, LIMIT, NULL), FAULT_LIMIT);
    /* What is small may be as dense as it likes. */
    buf_clear(&sent);
    add_frame(&sent, (struct str){zeros, 60000}, 3);
    assert_int_equal(feed(buf_str(&sent), ROOM, LIMIT, NULL), FAULT_NONE);
    buf_done(&sent);
}

static void zstd__of_too_many_frames_is_refused(void **state)
{
    (void)state;
    struct buf sent;
    buf_init(&sent, ROOM);
    for (int i = 0; i < WEB_ZSTD_FRAMES_MAX; i++)
        buf_add(&sent, STR("\x50\x2a\x4d\x18\0\0\0\0")); /* a skippable one, empty */
    assert_int_equal(feed(buf_str(&sent), 1000, LIMIT, NULL), FAULT_NONE);
    add_frame(&sent, STR("one more"), 3);
    assert_int_equal(feed(buf_str(&sent), 1000, LIMIT, NULL), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "more than 4096 zstd frames"));
    buf_done(&sent);
}

static void zstd__that_needs_a_large_window_is_refused_before_it_is_made(void **state)
{
    (void)state;
    struct web_body body;
    /* Heads without a content size: windows of 2^31 bytes, and of an eighth more than 2^23. */
    const struct str heads[] = {STR("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"),
                                STR("\x28\xb5\x2f\xfd\x00\x69\x01\x00\x00")};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        assert_int_equal(web_body_init(&body, LIMIT, WEB_ZSTD, &fault), FAULT_NONE);
        assert_int_equal(web_body_add(&body, heads[i], &fault), FAULT_LIMIT);
        assert_non_null(strstr(fault.text, "window of more than 8388608 bytes"));
        assert_true(web_body_held(&body) < 1 << 20);
        web_body_done(&body);
    }
    /* 8 MiB are taken, and told. */
    assert_int_equal(web_body_init(&body, LIMIT, WEB_ZSTD, &fault), FAULT_NONE);
    assert_int_equal(web_body_add(&body, STR("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00"), &fault),
                     FAULT_NONE);
    assert_true(web_body_held(&body) >= WEB_ZSTD_WINDOW_MAX);
    assert_true(web_body_held(&body) < WEB_ZSTD_WINDOW_MAX + (1 << 20));
    assert_int_equal(web_body_end(&body, &fault), FAULT_NONE);
    web_body_done(&body);
}

static int left;

static void *refusing_resize(void *ptr, size_t size)
{
    bool refuses = size > 0 && left >= 0 && left-- == 0;
    return refuses ? NULL : os_posix.resize(ptr, size);
}

static void zstd__outlives_each_refused_allocation(void **state)
{
    (void)state;
    struct buf sent;
    struct buf got;
    buf_init(&sent, ROOM);
    buf_init(&got, ROOM);
    add_frame(&sent, STR("hello hello hello hello"), 3);
    struct os_platform refusing = os_posix;
    refusing.resize = refusing_resize;
    os_platform_set(&refusing);
    int refused = 0;
    enum fault_code code = FAULT_NO_MEMORY;
    for (int n = 0; code != FAULT_NONE; n++) {
        assert_true(n < 50);
        left = n;
        code = feed(buf_str(&sent), 9, LIMIT, NULL);
        assert_true(code == FAULT_NONE || code == FAULT_NO_MEMORY);
        refused += code == FAULT_NO_MEMORY;
    }
    left = -1;
    os_platform_set(&os_posix);
    assert_true(refused >= 4); /* the stream, its context, its window, the text */
    buf_done(&sent);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zstd__of_one_or_more_frames_is_inflated_however_it_is_cut),
        cmocka_unit_test(zstd__cut_at_every_byte_is_refused),
        cmocka_unit_test(zstd__that_is_none_is_refused),
        cmocka_unit_test(zstd__with_a_byte_changed_never_gives_another_text),
        cmocka_unit_test(zstd__over_the_limit_is_refused_whatever_its_head_declares),
        cmocka_unit_test(zstd__bombs_are_refused),
        cmocka_unit_test(zstd__of_too_many_frames_is_refused),
        cmocka_unit_test(zstd__that_needs_a_large_window_is_refused_before_it_is_made),
        cmocka_unit_test(zstd__outlives_each_refused_allocation),
    };
    return cmocka_run_group_tests_name("web_body", tests, NULL, NULL);
}
