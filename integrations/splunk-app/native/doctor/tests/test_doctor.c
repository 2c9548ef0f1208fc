/* The runbook and the code say the same; the checks run in an order that lets each find what it
 * needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/doctor/doctor.h"
#include "libs/core/file.h"
#include "libs/core/os.h"

static struct buf runbook;

static int read_runbook(void **state)
{
    struct fault fault;
    (void)state;
    buf_init(&runbook, 1 << 20);
    return file_read(SOURCE_DIR "/docs/runbooks/doctor.md", &runbook, &fault) == FAULT_NONE ? 0
                                                                                            : -1;
}

static int free_runbook(void **state)
{
    (void)state;
    buf_done(&runbook);
    return 0;
}

/* The next row of a table whose first cell is a name in backquotes, with this many cells. */
static bool next_row(struct str *rest, size_t cells, struct str *out)
{
    struct str line;
    while (rest->len > 0) {
        struct str tail;
        struct str parts = {0};
        str_cut(*rest, '\n', &line, &tail);
        *rest = tail;
        size_t count = 0;
        if (!str_starts(line, STR("| `")))
            continue;
        for (parts = str_skip(line, 1); parts.len > 0; count++) {
            struct str cell;
            struct str after;
            if (!str_cut(parts, '|', &cell, &after))
                break;
            if (count < cells)
                out[count] = str_trim(cell);
            parts = after;
        }
        if (count == cells)
            return true;
    }
    return false;
}

static void assert_name(struct str cell, enum doctor_check check)
{
    char name[32];
    snprintf(name, sizeof name, "`%s`", doctor_check_name(check));
    if (!str_equal(cell, str_of(name)))
        fail_msg("the runbook has %.*s where the code has %s", STR_ARG(cell), name);
}

static void runbook__lists_each_check_in_its_order_with_what_it_needs_and_its_limit(void **state)
{
    (void)state;
    struct str rest = buf_str(&runbook);
    for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
        struct str cells[4];
        char seconds[16];
        enum doctor_check check = (enum doctor_check)i;
        enum doctor_check needs = doctor_check_needs(check);
        assert_true(next_row(&rest, 4, cells));
        assert_name(cells[0], check);
        if (needs == check)
            assert_int_equal(cells[2].len, 0);
        else
            assert_name(cells[2], needs);
        snprintf(seconds, sizeof seconds, "%d", doctor_check_limit_ms(check) / 1000);
        assert_true(str_equal(cells[3], str_of(seconds)));
    }
    struct str cells[4];
    assert_false(next_row(&rest, 4, cells));
}

static void runbook__lists_every_cure_under_its_check_and_no_other(void **state)
{
    (void)state;
    bool seen[CURE_COUNT] = {true}; /* CURE_NONE is none */
    struct str rest = buf_str(&runbook);
    struct str cells[3];
    while (next_row(&rest, 3, cells)) {
        int cure = 1;
        while (cure < CURE_COUNT && !str_equal(cells[2], str_of(doctor_cures[cure].text)))
            cure++;
        if (cure == CURE_COUNT)
            fail_msg("the code has no cure \"%.*s\"", STR_ARG(cells[2]));
        if (seen[cure])
            fail_msg("the runbook has \"%.*s\" twice", STR_ARG(cells[2]));
        assert_name(cells[0], doctor_cures[cure].check);
        assert_true(cells[1].len > 0);
        seen[cure] = true;
    }
    for (int cure = 0; cure < CURE_COUNT; cure++)
        if (!seen[cure])
            fail_msg("the runbook lacks \"%s\"", doctor_cures[cure].text);
}

static void runbook__states_the_limits_of_all_checks_together(void **state)
{
    (void)state;
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "all of an instance end within %d seconds, all instances within %d.",
             DOCTOR_WHOLE_MS / 1000, DOCTOR_ALL_MS / 1000);
    assert_true(str_find(buf_str(&runbook), str_of(sentence)) < runbook.len);
}

static void doctor_cures__are_sentences(void **state)
{
    (void)state;
    for (int cure = 1; cure < CURE_COUNT; cure++) {
        struct str text = str_of(doctor_cures[cure].text);
        if (!str_ends(text, STR(".")) || text.ptr[0] < 'A' || text.ptr[0] > 'Z')
            fail_msg("\"%s\" is no sentence", text.ptr);
    }
}

/* An app in a folder of its own that is not configured. */
static void doctor_run__without_any_time_left_skips_and_says_so(void **state)
{
    (void)state;
    static struct doctor doctor;
    struct places places = {.app = SOURCE_DIR "/integrations/splunk-app", .log = "/nonexistent"};
    struct scp_getinfo info = {.preview = false};
    doctor_run(&doctor, &places, &info, STR("default"), true, os_monotonic_us() - 1);
    doctor_done(&doctor);
    for (int i = 0; i < DOCTOR_CHECK_COUNT; i++)
        if (i == DOCTOR_SETTINGS)
            assert_int_equal(doctor.rows[i].status, DOCTOR_FAILED);
        else
            assert_int_equal(doctor.rows[i].status, DOCTOR_SKIPPED);
    assert_string_equal(doctor.rows[DOCTOR_OUTBOX].value,
                        "not tried: the checks before it took all of the 30 seconds there are for "
                        "one instance");
    assert_string_equal(doctor.rows[DOCTOR_AUDIT].value, "not tried: the check settings failed");
}

static void doctor_tell__cuts_between_characters(void **state)
{
    (void)state;
    static struct doctor doctor;
    char text[DOCTOR_VALUE_BYTES + 16];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[sizeof text - 3 - (sizeof text - shift) % 3] = '\0';
        text[sizeof text - 1] = '\0';
        doctor_tell(&doctor, DOCTOR_DNS, DOCTOR_OK, CURE_NONE, "%s", text);
        struct str value = str_of(doctor.rows[DOCTOR_DNS].value);
        assert_true(str_is_utf8(value));
        assert_true(value.len >= DOCTOR_VALUE_BYTES - 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runbook__lists_each_check_in_its_order_with_what_it_needs_and_its_limit),
        cmocka_unit_test(runbook__lists_every_cure_under_its_check_and_no_other),
        cmocka_unit_test(runbook__states_the_limits_of_all_checks_together),
        cmocka_unit_test(doctor_cures__are_sentences),
        cmocka_unit_test(doctor_run__without_any_time_left_skips_and_says_so),
        cmocka_unit_test(doctor_tell__cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, read_runbook, free_runbook);
}
