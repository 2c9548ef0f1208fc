#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/file.h"
#include "libs/core/map.h"
#include "libs/core/os.h"
#include "libs/core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void str_cut__splits_at_the_first_separator_only(void **state)
{
    (void)state;
    struct str head;
    struct str tail;
    assert_true(str_cut(STR("a=b=c"), '=', &head, &tail));
    assert_true(str_equal(head, STR("a")));
    assert_true(str_equal(tail, STR("b=c")));
    assert_false(str_cut(STR("abc"), '=', &head, &tail));
    assert_true(str_equal(head, STR("abc")));
    assert_int_equal(tail.len, 0);
}

static void str_to_u64__refuses_what_is_over_the_limit_or_not_digits(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &value));
    assert_false(str_to_u64(STR("101"), 100, &value));
    assert_true(str_to_u64(STR("100"), 100, &value));
    assert_false(str_to_u64(STR("9"), 5, &value));
    assert_false(str_to_u64(STR(""), 5, &value));
    assert_false(str_to_u64(STR("-1"), 5, &value));
    assert_int_equal(value, 100);
}

static void str_is_utf8__refuses_overlong_surrogate_and_cut_sequences(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR("gr\xc3\xbc\xc3\x9f \xe6\xa4\x9c \xf0\x9f\x94\x8d")));
    assert_false(str_is_utf8(STR("\xc0\xaf")));
    assert_false(str_is_utf8(STR("\xe0\x80\xaf")));
    assert_false(str_is_utf8(STR("\xed\xa0\x80")));
    assert_false(str_is_utf8(STR("\xf4\x90\x80\x80")));
    assert_false(str_is_utf8(STR("\xe6\xa4")));
    assert_false(str_is_utf8(STR("\xff")));
    assert_int_equal(str_utf8_len(STR("gr\xc3\xbc\xff")), 4);
    assert_int_equal(str_utf8_len(STR("\xe6\xa4")), 0);
    assert_int_equal(str_utf8_len(STR("")), 0);
}

static void str_distance__counts_edits_without_case(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR("titel"), STR("Title")), 2);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    assert_int_equal(str_distance(STR("dryrun"), STR("dryrun")), 0);
}

static void buf__remembers_the_first_refusal_and_tells_it_once(void **state)
{
    (void)state;
    struct buf buf;
    struct fault fault;
    buf_init(&buf, 4);
    buf_add(&buf, STR("abcd"));
    assert_int_equal(buf_check(&buf, "the text", &fault), FAULT_NONE);
    buf_add(&buf, STR("e"));
    buf_add(&buf, STR(""));
    assert_int_equal(buf.len, 4);
    assert_int_equal(buf_check(&buf, "the text", &fault), FAULT_LIMIT);
    assert_string_equal(fault.text, "the text is over the limit of 4 bytes");
    buf_done(&buf);
}

static void buf__writes_numbers_at_their_extremes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_add_i64(&buf, INT64_MIN);
    buf_add_byte(&buf, ' ');
    buf_add_u64(&buf, UINT64_MAX);
    assert_true(str_equal(buf_str(&buf), STR("-9223372036854775808 18446744073709551615")));
    buf_done(&buf);
}

static void arena__refuses_beyond_its_limit_and_serves_again_after_reset(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_non_null(arena_alloc(&arena, 600000));
    assert_null(arena_alloc(&arena, 600000));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    arena_reset(&arena);
    char *again = arena_alloc(&arena, 600000);
    assert_non_null(again);
    for (int i = 0; i < 600000; i++)
        assert_int_equal(again[i], 0);
    arena_done(&arena);
}

static const char *watched;
static bool freed_in_the_clear;

static void *look_and_resize(void *ptr, size_t size)
{
    if (size == 0 && watched && memcmp(watched, "\0\0\0\0\0\0", 6) != 0)
        freed_in_the_clear = true;
    return os_posix.resize(ptr, size);
}

static void arena_wipe__gives_back_no_memory_that_can_be_read(void **state)
{
    (void)state;
    struct os_platform platform = os_posix;
    struct arena arena;
    platform.resize = look_and_resize;
    const struct os_platform *before = os_platform_set(&platform);
    arena_init(&arena, 1 << 20);
    watched = arena_copy(&arena, STR("secret")).ptr;
    assert_non_null(watched);
    assert_non_null(arena_alloc(&arena, 100000)); /* a second block */
    arena_wipe(&arena);
    watched = NULL;
    os_platform_set(before);
    assert_false(freed_in_the_clear);
    assert_null(arena.blocks);
}

static void map__finds_each_of_many_keys_and_no_other(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static char keys[COUNT][8];
    struct map map;
    uint32_t value;
    map_init(&map);
    assert_false(map_get(&map, STR("k1"), &value));
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        assert_int_equal(map_put(&map, str_of(keys[i]), i), FAULT_NONE);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(map_get(&map, str_of(keys[i]), &value));
        assert_int_equal(value, i);
    }
    assert_false(map_get(&map, STR("k5000"), &value));
    assert_int_equal(map.count, COUNT);
    map_clear(&map);
    assert_false(map_get(&map, STR("k1"), &value));
    map_done(&map);
}

static int refuse_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return -1;
}

static void file_replace__leaves_the_old_file_when_a_step_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/ig-core-XXXXXX";
    char path[64];
    struct fault fault;
    struct buf got;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    buf_init(&got, 100);
    assert_int_equal(file_read(path, &got, &fault), FAULT_NOT_FOUND);
    assert_int_equal(file_replace(path, STR("old"), 0600, &fault), FAULT_NONE);

    struct os_platform broken = os_posix;
    broken.rename = refuse_rename;
    os_platform_set(&broken);
    assert_int_equal(file_replace(path, STR("new"), 0600, &fault), FAULT_IO);
    os_platform_set(&os_posix);

    assert_int_equal(file_read(path, &got, &fault), FAULT_NONE);
    assert_true(str_equal(buf_str(&got), STR("old")));
    buf_done(&got);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* no temporary file was left behind */
}

static void file_read__reads_a_file_of_just_the_limit_and_refuses_one_byte_more(void **state)
{
    (void)state;
    char path[] = "/tmp/ig-core-file-XXXXXX";
    struct fault fault;
    struct buf got;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "12345", 5), 5);
    close(fd);
    buf_init(&got, 5);
    assert_int_equal(file_read(path, &got, &fault), FAULT_NONE);
    assert_int_equal(got.len, 5);
    buf_done(&got);
    buf_init(&got, 4);
    assert_int_equal(file_read(path, &got, &fault), FAULT_LIMIT);
    assert_int_equal(got.len, 0);
    buf_done(&got);
    unlink(path);
}

static void *refuse_memory(void *ptr, size_t size)
{
    return size > 0 ? NULL : os_posix.resize(ptr, size);
}

static void arena__knows_whether_its_limit_or_the_system_refused(void **state)
{
    (void)state;
    struct os_platform poor = os_posix;
    struct arena arena;
    poor.resize = refuse_memory;
    arena_init(&arena, 1 << 20);
    assert_null(arena_alloc(&arena, 2 << 20));
    assert_false(arena.starved);
    const struct os_platform *before = os_platform_set(&poor);
    assert_null(arena_alloc(&arena, 1000));
    os_platform_set(before);
    assert_true(arena.starved);
    arena_reset(&arena);
    assert_false(arena.starved);
    assert_non_null(arena_alloc(&arena, 1000));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_cut__splits_at_the_first_separator_only),
        cmocka_unit_test(str_to_u64__refuses_what_is_over_the_limit_or_not_digits),
        cmocka_unit_test(str_is_utf8__refuses_overlong_surrogate_and_cut_sequences),
        cmocka_unit_test(str_distance__counts_edits_without_case),
        cmocka_unit_test(buf__remembers_the_first_refusal_and_tells_it_once),
        cmocka_unit_test(buf__writes_numbers_at_their_extremes),
        cmocka_unit_test(arena__refuses_beyond_its_limit_and_serves_again_after_reset),
        cmocka_unit_test(arena__knows_whether_its_limit_or_the_system_refused),
        cmocka_unit_test(arena_wipe__gives_back_no_memory_that_can_be_read),
        cmocka_unit_test(map__finds_each_of_many_keys_and_no_other),
        cmocka_unit_test(file_replace__leaves_the_old_file_when_a_step_is_refused),
        cmocka_unit_test(file_read__reads_a_file_of_just_the_limit_and_refuses_one_byte_more),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
