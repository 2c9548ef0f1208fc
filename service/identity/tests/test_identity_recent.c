/* Tokens that held a moment ago: for how long that is believed, and when not at all. */
#include "service/identity/identity_recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct identity_recent recent;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    memset(&recent, 0, sizeof recent);
    identity_recent_init(&recent);
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    identity_recent_done(&recent);
    arena_done(&arena);
    return 0;
}

static struct identity_token token_of(const char *id)
{
    return (struct identity_token){.id = str_of(id),
                                   .tenant = STR("acme"),
                                   .name = STR("gateway"),
                                   .role = STR("meter"),
                                   .expires_us = 99};
}

static void keep(const char *text, const char *id, int64_t asked_us)
{
    struct identity_token token = token_of(id);
    identity_recent_keep(&recent, identity_recent_begin(&recent), str_of(text), &token, asked_us);
}

static bool finds(const char *text, int64_t now_us)
{
    struct identity_token found;
    return identity_recent_find(&recent, str_of(text), now_us, &arena, &found);
}

static void recent__knows_who_the_token_is_for_for_a_second(void **state)
{
    (void)state;
    struct identity_token found;
    char id[] = "aa";
    struct identity_token token = token_of(id);
    identity_recent_keep(&recent, 0, STR("igt_aa_secret"), &token, 5000000);
    id[0] = 'x'; /* the caller's texts are gone by then */
    assert_true(identity_recent_find(&recent, STR("igt_aa_secret"), 5999999, &arena, &found));
    assert_true(str_equal(found.id, STR("aa")));
    assert_true(str_equal(found.tenant, STR("acme")));
    assert_true(str_equal(found.name, STR("gateway")));
    assert_true(str_equal(found.role, STR("meter")));
    assert_int_equal(found.expires_us, 99);
    assert_false(finds("igt_aa_secret", 6000000));
}

static void recent__knows_the_whole_token_only(void **state)
{
    (void)state;
    keep("igt_aa_secret", "aa", 0);
    assert_true(finds("igt_aa_secret", 1));
    assert_false(finds("igt_aa_secreT", 1));
    assert_false(finds("igt_aa", 1));
    assert_false(finds("", 1));
}

static void recent__forgets_all_when_one_is_revoked(void **state)
{
    (void)state;
    keep("igt_aa_secret", "aa", 0);
    keep("igt_bb_secret", "bb", 0);
    identity_recent_forget(&recent);
    assert_false(finds("igt_aa_secret", 1));
    assert_false(finds("igt_bb_secret", 1));
    keep("igt_bb_secret", "bb", 0);
    assert_true(finds("igt_bb_secret", 1));
}

/* The store was asked before the revocation, and its answer comes after it. */
static void recent__believes_no_answer_from_before_a_revocation(void **state)
{
    (void)state;
    struct identity_token token = token_of("aa");
    int64_t begun = identity_recent_begin(&recent);
    identity_recent_forget(&recent);
    identity_recent_keep(&recent, begun, STR("igt_aa_secret"), &token, 0);
    assert_false(finds("igt_aa_secret", 1));
}

static void recent__keeps_none_that_was_issued_for_minutes(void **state)
{
    (void)state;
    struct identity_token token = token_of("aa");
    token.parent = STR("bb");
    identity_recent_keep(&recent, 0, STR("igg_aa_secret"), &token, 0);
    assert_false(finds("igg_aa_secret", 1));
}

static void recent__stays_right_when_there_are_more_than_it_holds(void **state)
{
    (void)state;
    char text[32];
    char id[16];
    int known = 0;
    for (int i = 0; i < 4 * IDENTITY_RECENT_ROOM; i++) {
        snprintf(text, sizeof text, "igt_%d_secret", i);
        snprintf(id, sizeof id, "%d", i);
        keep(text, id, 0);
    }
    for (int i = 0; i < 4 * IDENTITY_RECENT_ROOM; i++) {
        struct identity_token found;
        snprintf(text, sizeof text, "igt_%d_secret", i);
        snprintf(id, sizeof id, "%d", i);
        if (!identity_recent_find(&recent, str_of(text), 1, &arena, &found))
            continue;
        known++;
        assert_true(str_equal(found.id, str_of(id)));
    }
    assert_in_range(known, IDENTITY_RECENT_ROOM / 2, IDENTITY_RECENT_ROOM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(recent__knows_who_the_token_is_for_for_a_second),
        TEST(recent__knows_the_whole_token_only),
        TEST(recent__forgets_all_when_one_is_revoked),
        TEST(recent__believes_no_answer_from_before_a_revocation),
        TEST(recent__keeps_none_that_was_issued_for_minutes),
        TEST(recent__stays_right_when_there_are_more_than_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
