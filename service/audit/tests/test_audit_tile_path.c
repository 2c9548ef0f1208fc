#include "service/audit/audit_tile_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    struct audit_tile_path path;
} right[] = {
    {"0/000", {false, 0, 0, 256}},
    {"0/001", {false, 0, 1, 256}},
    {"0/999", {false, 0, 999, 256}},
    {"0/x001/000", {false, 0, 1000, 256}},
    {"1/x001/x234/067", {false, 1, 1234067, 256}},
    {"1/x001/x234/067.p/12", {false, 1, 1234067, 12}},
    {"63/000.p/255", {false, 63, 0, 255}},
    {"10/005.p/1", {false, 10, 5, 1}},
    {"entries/000.p/5", {true, 0, 0, 5}},
    {"entries/x010/x000/000", {true, 0, 10000000, 256}},
    {"0/x999/x999/x999/x999/x999/999", {false, 0, AUDIT_TILE_INDEX_MAX, 256}},
};

static void audit_tile_path__has_one_spelling_that_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct audit_tile_path path;
        const struct audit_tile_path *expected = &right[i].path;
        if (!audit_tile_path_read(str_of(right[i].text), &path))
            fail_msg("%s was refused", right[i].text);
        assert_int_equal(path.entries, expected->entries);
        assert_int_equal(path.level, expected->level);
        assert_int_equal(path.index, expected->index);
        assert_int_equal(path.width, expected->width);
        struct buf out;
        buf_init(&out, 100);
        audit_tile_path_add(&path, &out);
        assert_true(str_equal(buf_str(&out), str_of(right[i].text)));
        buf_done(&out);
    }
}

static void audit_tile_path_read__refuses_every_other_spelling(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "0",
        "0/",
        "/000",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "01/000",
        "64/000",
        "-1/000",
        "0/x000/001",
        "0/001/002",
        "0/x001",
        "0/x001/",
        "0/x01/002",
        "0/X001/002",
        "0/x1000/002",
        "0/abc",
        "0/ 01",
        "0/+01",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/-1",
        "0/000.p/1/",
        "0/000/",
        "0/000.q/1",
        "0/000.p/1 ",
        " 0/000",
        "0//000",
        "entry/000",
        "entries",
        "entries/",
        "entries/0/000",
        "Entries/000",
        "../000",
        "0/../000",
        "0/x999/x999/x999/x999/x999/x999/999",
        "0/x001/x999/x999/x999/x999/x999/999",
        "0/%30%30",
        "0/000.p/1.p/1",
    };
    struct audit_tile_path path = {.width = -7};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (audit_tile_path_read(str_of(wrong[i]), &path))
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_false(audit_tile_path_read((struct str){"0/000\0", 6}, &path));
    assert_int_equal(path.width, -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_tile_path__has_one_spelling_that_is_read_and_written),
        cmocka_unit_test(audit_tile_path_read__refuses_every_other_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
