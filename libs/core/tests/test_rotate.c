#include "libs/core/rotate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"

static char folder[64];
static char path[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-rotate-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    os_platform_set(&os_posix);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void append(const struct rotate *rotate, const char *line)
{
    struct fault fault;
    if (rotate_append(path, rotate, str_of(line), 0600, true, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
}

/* The content of path.<number>, of path itself for 0; empty where there is none. */
static const char *content(unsigned number)
{
    static char text[256];
    char name[160];
    struct buf buf;
    struct fault fault;
    snprintf(name, sizeof name, number ? "%s.%u" : "%s", path, number);
    buf_init(&buf, sizeof text - 1);
    bool there = file_read(name, &buf, &fault) == FAULT_NONE;
    snprintf(text, sizeof text, "%.*s", STR_ARG(there ? buf_str(&buf) : STR("")));
    buf_done(&buf);
    return text;
}

static void rotate_append__turns_over_at_the_limit_and_keeps_so_many(void **state)
{
    (void)state;
    static const struct rotate rotate = {.most_bytes = 6, .keep = 2};
    struct stat info;
    append(&rotate, "a1\n");
    append(&rotate, "a2\n");
    assert_string_equal(content(0), "a1\na2\n");
    append(&rotate, "b1\n");
    assert_string_equal(content(0), "b1\n");
    assert_string_equal(content(1), "a1\na2\n");
    append(&rotate, "a line that is longer than the limit\n");
    append(&rotate, "c1\n");
    assert_string_equal(content(0), "c1\n");
    assert_string_equal(content(1), "a line that is longer than the limit\n");
    assert_string_equal(content(2), "b1\n");
    assert_string_equal(content(3), "");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static int refuse_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = EACCES;
    return -1;
}

static void rotate_append__appends_where_it_cannot_turn(void **state)
{
    (void)state;
    static const struct rotate rotate = {.most_bytes = 3, .keep = 2};
    struct os_platform platform = os_posix;
    append(&rotate, "a1\n");
    platform.rename = refuse_rename;
    os_platform_set(&platform);
    append(&rotate, "a2\n");
    append(&rotate, "a3\n");
    os_platform_set(&os_posix);
    assert_string_equal(content(0), "a1\na2\na3\n");
    append(&rotate, "b1\n");
    assert_string_equal(content(0), "b1\n");
    assert_string_equal(content(1), "a1\na2\na3\n");
}

static ssize_t cut_write(int fd, const void *data, size_t len)
{
    return write(fd, data, len / 2);
}

static void rotate_append__tells_a_line_that_was_not_taken_whole(void **state)
{
    (void)state;
    static const struct rotate rotate = {.most_bytes = 100, .keep = 2};
    struct os_platform platform = os_posix;
    struct fault fault;
    platform.write = cut_write;
    os_platform_set(&platform);
    assert_int_equal(rotate_append(path, &rotate, STR("1234\n"), 0600, true, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, "only 2 of 5 bytes"));
}

enum { WRITERS = 4, LINES = 1500 };

static void write_lines(int writer)
{
    static const struct rotate rotate = {.most_bytes = 2000, .keep = 100};
    for (int i = 0; i < LINES; i++) {
        char line[32];
        struct fault fault;
        snprintf(line, sizeof line, "%d %d\n", writer, i);
        if (rotate_append(path, &rotate, str_of(line), 0600, false, &fault) != FAULT_NONE)
            _exit(1);
    }
    _exit(0);
}

/* Marks each line of a file; false when one is cut or comes twice. */
static bool mark_lines(const char *name, bool seen[WRITERS][LINES])
{
    int writer;
    int number;
    char line[64];
    FILE *file = fopen(name, "r");
    bool good = true;
    while (file && fgets(line, sizeof line, file)) {
        good = good && sscanf(line, "%d %d\n", &writer, &number) == 2 && writer >= 0 &&
               writer < WRITERS && number >= 0 && number < LINES && !seen[writer][number];
        if (good)
            seen[writer][number] = true;
    }
    if (file)
        fclose(file);
    return good;
}

static void rotate_append__loses_no_line_of_several_writers(void **state)
{
    (void)state;
    static bool seen[WRITERS][LINES];
    int status;
    size_t files = 0;
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            write_lines(i);
    for (int i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i <= 100; i++) {
        char name[160];
        struct stat info;
        snprintf(name, sizeof name, i ? "%s.%d" : "%s", path, i);
        files += stat(name, &info) == 0;
        assert_true(mark_lines(name, seen));
    }
    for (int i = 0; i < WRITERS; i++)
        for (int j = 0; j < LINES; j++)
            if (!seen[i][j])
                fail_msg("line %d of writer %d is lost", j, i);
    assert_true(files > 10);
}

/* --- folders ------------------------------------------------------------------------------- */

static int fsyncs;

static int count_fsync(int fd)
{
    fsyncs++;
    return fsync(fd);
}

static int refuse_fsync(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void file_make_folder__flushes_each_name_that_it_makes(void **state)
{
    (void)state;
    char deep[128];
    struct fault fault;
    struct os_platform platform = os_posix;
    platform.fsync = count_fsync;
    os_platform_set(&platform);
    snprintf(deep, sizeof deep, "%s/a/b/c", folder);
    assert_int_equal(file_make_folder(deep, 0700, &fault), FAULT_NONE);
    assert_int_equal(fsyncs, 3);
    assert_int_equal(file_make_folder(deep, 0700, &fault), FAULT_NONE);
    assert_int_equal(fsyncs, 3);
    platform.fsync = refuse_fsync;
    snprintf(deep, sizeof deep, "%s/d", folder);
    assert_int_equal(file_make_folder(deep, 0700, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, "cannot flush the folder"));
}

static void file_read_private__refuses_what_others_may_read(void **state)
{
    (void)state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 100);
    assert_int_equal(file_replace(path, STR("key"), 0600, &fault), FAULT_NONE);
    assert_int_equal(file_read_private(path, &out, &fault), FAULT_NONE);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(file_read_private(path, &out, &fault), FAULT_DENIED);
        assert_non_null(strstr(fault.text, "give it mode 0600"));
    }
    assert_int_equal(file_read_private(folder, &out, &fault), FAULT_DENIED);
    assert_non_null(strstr(fault.text, "is no plain file"));
    assert_int_equal(out.len, 3);
    buf_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rotate_append__turns_over_at_the_limit_and_keeps_so_many),
        TEST(rotate_append__appends_where_it_cannot_turn),
        TEST(rotate_append__tells_a_line_that_was_not_taken_whole),
        TEST(rotate_append__loses_no_line_of_several_writers),
        TEST(file_make_folder__flushes_each_name_that_it_makes),
        TEST(file_read_private__refuses_what_others_may_read),
    };
    return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
