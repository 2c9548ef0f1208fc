#include "integrations/splunk-app/native/delivery/outbox.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-outbox-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

#define ID "0123456789abcdef0123456789abcdef"

static void fill(struct parcel *parcel, const char *lines)
{
    parcel_init(parcel);
    buf_add_c(&parcel->head, "{\"handoff\":{}}\n");
    buf_add_c(&parcel->lines, lines);
    buf_add_c(&parcel->commit, "{\"commit\":{}}\n");
}

static void outbox__gives_back_what_it_kept(void **state)
{
    (void)state;
    struct parcel parcel;
    struct parcel again;
    struct arena arena;
    struct fault fault;
    struct str *ids;
    size_t count;
    char outbox[128];
    snprintf(outbox, sizeof outbox, "%s/a/outbox", folder);
    arena_init(&arena, 1 << 20);
    fill(&parcel, "{\"entity\":{}}\n{\"entity\":{}}\n");
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(outbox_keep(outbox, STR(ID), &parcel, 1 << 20, &fault), FAULT_NONE);
    assert_int_equal(outbox_keep(outbox, STR(ID), &parcel, 1 << 20, &fault), FAULT_NONE);
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 1);
    assert_true(str_equal(ids[0], STR(ID)));
    parcel_init(&again);
    assert_int_equal(outbox_load(outbox, ids[0], &again, &fault), FAULT_NONE);
    assert_true(str_equal(buf_str(&again.head), buf_str(&parcel.head)));
    assert_true(str_equal(buf_str(&again.lines), buf_str(&parcel.lines)));
    assert_true(str_equal(buf_str(&again.commit), buf_str(&parcel.commit)));
    outbox_refuse(outbox, STR(ID));
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(outbox_load(outbox, STR(ID), &again, &fault), FAULT_NOT_FOUND);
    parcel_done(&parcel);
    parcel_done(&again);
    arena_done(&arena);
}

static void outbox_head__tells_whose_a_hand_off_is_without_the_rest(void **state)
{
    (void)state;
    struct parcel parcel;
    struct arena arena;
    struct fault fault;
    struct wire_handoff head;
    char id[WIRE_ID_HEX + 1];
    char path[PATH_MAX];
    arena_init(&arena, 8 << 20);
    assert_int_equal(wire_handoff_id(STR("acme"), STR("1.2"), STR("ighandoff"),
                                     STR("https://ig.example/"), id, &fault),
                     FAULT_NONE);
    struct wire_handoff sent = {.id = str_of(id),
                                .tenant = STR("acme"),
                                .sid = STR("1.2"),
                                .command = STR("ighandoff"),
                                .target = STR("https://ig.example/"),
                                .user = STR("mara"),
                                .parts = 1};
    parcel_init(&parcel);
    wire_add_handoff(&parcel.head, &sent);
    for (int i = 0; i < 100000; i++)
        buf_addf(&parcel.lines, "{\"entity\":{\"value\":\"%d\"}}\n", i * 7919);
    buf_add_c(&parcel.commit, "{\"commit\":{}}\n");
    assert_int_equal(outbox_keep(folder, str_of(id), &parcel, 1 << 24, &fault), FAULT_NONE);
    assert_int_equal(outbox_head(folder, str_of(id), &arena, &head, &fault), FAULT_NONE);
    assert_true(str_equal(head.user, STR("mara")));
    assert_true(str_equal(head.target, STR("https://ig.example/")));
    assert_int_equal(outbox_head(folder, STR(ID), &arena, &head, &fault), FAULT_NOT_FOUND);
    snprintf(path, sizeof path, "%s/" ID ".ndjson.gz", folder);
    assert_int_equal(file_replace(path, STR("no gzip"), 0600, &fault), FAULT_NONE);
    assert_int_equal(outbox_head(folder, STR(ID), &arena, &head, &fault), FAULT_INPUT);
    parcel_done(&parcel);
    arena_done(&arena);
}

static void outbox_sweep__removes_old_halves_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool old;
        bool stays;
    } files[] = {
        {ID ".ndjson.gz.0123456789abcdef.tmp", true, false},
        {"refused/" ID ".ndjson.gz.0123456789abcdef.tmp", true, false},
        {ID ".ndjson.gz.fedcba9876543210.tmp", false, true}, /* somebody writes it now */
        {ID ".ndjson.gz", true, true},
        {"notes.tmp", true, true},
        {ID ".tmp", true, true},
    };
    struct fault fault;
    char path[256];
    snprintf(path, sizeof path, "%s/refused", folder);
    assert_int_equal(file_make_folder(path, 0700, &fault), FAULT_NONE);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        static const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        assert_int_equal(file_replace(path, STR("x"), 0600, &fault), FAULT_NONE);
        assert_int_equal(files[i].old ? utimensat(AT_FDCWD, path, old, 0) : 0, 0);
    }
    outbox_sweep(folder);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        if ((access(path, F_OK) == 0) != files[i].stays)
            fail_msg("%s", files[i].name);
    }
    snprintf(path, sizeof path, "%s/none", folder);
    outbox_sweep(path);
}

static void outbox_depth__counts_what_waits_beside_one(void **state)
{
    (void)state;
    struct parcel parcel;
    struct fault fault;
    size_t count = 99;
    int64_t bytes = 99;
    assert_int_equal(outbox_depth(folder, STR(""), &count, &bytes, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    parcel_init(&parcel);
    buf_add(&parcel.head, STR("{}\n"));
    buf_add(&parcel.commit, STR("{}\n"));
    assert_int_equal(outbox_keep(folder, STR(ID), &parcel, 1 << 20, &fault), FAULT_NONE);
    assert_int_equal(outbox_depth(folder, STR(""), &count, &bytes, &fault), FAULT_NONE);
    assert_int_equal(count, 1);
    assert_true(bytes > 0);
    assert_int_equal(outbox_depth(folder, STR(ID), &count, &bytes, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(bytes, 0);
    parcel_done(&parcel);
}

static void outbox_keep__refuses_more_than_the_admin_allows(void **state)
{
    (void)state;
    struct parcel parcel;
    struct fault fault;
    fill(&parcel, "");
    assert_int_equal(outbox_keep(folder, STR(ID), &parcel, 10, &fault), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "outbox_max_mb"));
    parcel_done(&parcel);
}

static void parcel__is_cut_into_parts_at_line_ends(void **state)
{
    (void)state;
    struct parcel parcel;
    size_t total = 0;
    fill(&parcel, "");
    assert_int_equal(parcel_part_count(&parcel), 1);
    for (int i = 0; i < 300000; i++)
        buf_addf(&parcel.lines, "{\"entity\":{\"value\":\"%d\"}}\n", i);
    size_t count = parcel_part_count(&parcel);
    assert_true(count > 1);
    for (size_t i = 1; i <= count; i++) {
        struct str part = parcel_part(&parcel, i);
        assert_true(part.len <= PARCEL_PART_BYTES);
        assert_true(str_starts(part, STR("{\"entity\":")));
        assert_true(str_ends(part, STR("}\n")));
        total += part.len;
    }
    assert_int_equal(total, parcel.lines.len);
    parcel_done(&parcel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outbox__gives_back_what_it_kept, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(outbox_head__tells_whose_a_hand_off_is_without_the_rest,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(outbox_sweep__removes_old_halves_and_nothing_else,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(outbox_keep__refuses_more_than_the_admin_allows,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(outbox_depth__counts_what_waits_beside_one, make_folder,
                                        remove_folder),
        cmocka_unit_test(parcel__is_cut_into_parts_at_line_ends),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
