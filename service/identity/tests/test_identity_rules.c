#include "service/identity/identity_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "service/identity/identity_flood.h"

static void identity_may__gives_each_role_what_the_contract_says(void **state)
{
    (void)state;
    /* v: viewer, n: analyst, u: auditor, d: admin, b: broker, m: meter */
    static const char *const may[PERMIT_COUNT] = {
        [PERMIT_PUBLIC] = "vnudbm",     [PERMIT_SESSION] = "vnudbm", [PERMIT_HANDOFF_WRITE] = "nd",
        [PERMIT_HANDOFF_READ] = "vnud", [PERMIT_AUDIT_OWN] = "vnud", [PERMIT_AUDIT_READ] = "ud",
        [PERMIT_TOKEN_ADMIN] = "d",     [PERMIT_TOKEN_ISSUE] = "b",  [PERMIT_USAGE_WRITE] = "dm",
        [PERMIT_USAGE_READ] = "vnud",   [PERMIT_USAGE_ADMIN] = "d",  [PERMIT_BUDGET_READ] = "vnud",
        [PERMIT_BUDGET_ADMIN] = "d",    [PERMIT_DECIDE] = "ndm",     [PERMIT_NOTICE_ADMIN] = "d",
    };
    static const char letters[] = "vnudbm";
    for (int role = 0; role < ROLE_COUNT; role++)
        for (int permission = 0; permission < PERMIT_COUNT; permission++) {
            struct str all = str_of(may[permission]);
            bool expected = str_find_byte(all, letters[role]) < all.len;
            assert_int_equal(
                identity_may((enum identity_role)role, (enum identity_permission)permission),
                expected);
        }
}

static void identity_role_of_name__knows_its_own_names_only(void **state)
{
    (void)state;
    enum identity_role role = ROLE_COUNT;
    for (int i = 0; i < ROLE_COUNT; i++) {
        assert_true(
            identity_role_of_name(str_of(identity_role_name((enum identity_role)i)), &role));
        assert_int_equal(role, i);
    }
    assert_false(identity_role_of_name(STR("Admin"), &role));
    assert_false(identity_role_of_name(STR(""), &role));
    assert_false(identity_role_of_name(STR("administrator"), &role));
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void identity_token_split__takes_the_one_form_only(void **state)
{
    (void)state;
    struct str id;
    struct str secret;
    assert_true(identity_token_split(STR("igt_0123456789abcdef_" HEX64), &id, &secret));
    assert_true(str_equal(id, STR("0123456789abcdef")));
    assert_true(str_equal(secret, STR(HEX64)));
    static const char *const wrong[] = {
        "",
        "igt_",
        "igt__",
        HEX64,
        "igt_0123456789abcdef",
        "igt_0123456789abcdef_",
        "igt_0123456789abcde_" HEX64,
        "igt_0123456789abcdef0_" HEX64,
        "igt_0123456789abcdeF_" HEX64,
        "IGT_0123456789abcdef_" HEX64,
        "igt_0123456789abcdef_" HEX64 "0",
        "igt_0123456789abcdef_" HEX64 " ",
        "igt_0123456789abcdef-" HEX64,
        "igt_' OR 1=1 --abcde_" HEX64,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(identity_token_split(str_of(wrong[i]), &id, &secret));
}

static void identity_names__hold_no_surprise(void **state)
{
    (void)state;
    assert_true(identity_tenant_is_good(STR("acme-2.eu_x")));
    static const char *const bad_tenants[] = {"",    "_service", ".",        "..",  "a b",
                                              "a/b", "a\n",      "\xc3\xbc", "a@b", "a:b"};
    for (size_t i = 0; i < sizeof bad_tenants / sizeof bad_tenants[0]; i++)
        assert_false(identity_tenant_is_good(str_of(bad_tenants[i])));
    assert_true(identity_tenant_is_good(str_take(STR(HEX64 "0"), 64)));
    assert_false(identity_tenant_is_good(STR(HEX64 "0")));

    assert_true(identity_name_is_good(STR("mara k@acme.example")));
    assert_true(identity_name_is_good(STR("_robot")));
    static const char *const bad_names[] = {"", " a", "a ", "a\tb", "a\"b", "<b>", HEX64 "0"};
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++)
        assert_false(identity_name_is_good(str_of(bad_names[i])));
}

static void identity_token_state__says_revoked_before_expired(void **state)
{
    (void)state;
    assert_int_equal(identity_token_state(0, 0, 1000), TOKEN_GOOD);
    assert_int_equal(identity_token_state(1001, 0, 1000), TOKEN_GOOD);
    assert_int_equal(identity_token_state(1000, 0, 1000), TOKEN_EXPIRED);
    assert_int_equal(identity_token_state(1000, 5, 1000), TOKEN_REVOKED);
    assert_int_equal(identity_token_state(0, 5, 1000), TOKEN_REVOKED);
}

static void identity_origin_is_ours__compares_host_and_port(void **state)
{
    (void)state;
    struct str host = STR("localhost:8460");
    struct str url = STR("https://ig.example/graph/");
    assert_true(identity_origin_is_ours(STR("http://localhost:8460"), host, STR("")));
    assert_true(identity_origin_is_ours(STR("http://LOCALHOST:8460"), host, STR("")));
    assert_true(identity_origin_is_ours(STR("https://ig.example"), host, url));
    static const char *const foreign[] = {"null",
                                          "",
                                          "http://localhost:8461",
                                          "http://localhost",
                                          "http://localhost:8460.evil.example",
                                          "https://evil.example",
                                          "https://ig.example.evil.example",
                                          "https://evil.example/localhost:8460",
                                          "localhost:8460"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_false(identity_origin_is_ours(str_of(foreign[i]), host, url));
    assert_false(identity_origin_is_ours(STR("http://"), STR(""), STR("")));
}

static void identity_flood__lets_one_of_a_kind_pass_and_counts_the_rest(void **state)
{
    (void)state;
    static struct identity_flood flood;
    flood = (struct identity_flood){.every_us = 1000000};
    int64_t suppressed = -1;
    assert_true(identity_flood_passes(&flood, STR("a"), STR("x"), 5000000, &suppressed));
    assert_int_equal(suppressed, 0);
    for (int i = 0; i < 7; i++)
        assert_false(identity_flood_passes(&flood, STR("a"), STR("x"), 5100000 + i, &suppressed));
    assert_true(identity_flood_passes(&flood, STR("b"), STR("x"), 5100000, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_true(identity_flood_passes(&flood, STR("a"), STR("y"), 5100000, &suppressed));
    assert_true(identity_flood_passes(&flood, STR("a"), STR("x"), 6000000, &suppressed));
    assert_int_equal(suppressed, 7);
    identity_flood_forget(&flood, STR("a"), STR("x"));
    assert_true(identity_flood_passes(&flood, STR("a"), STR("x"), 6000001, &suppressed));
}

static void identity_flood__holds_over_all_kinds_and_loses_no_count(void **state)
{
    (void)state;
    static struct identity_flood flood;
    flood = (struct identity_flood){.every_us = 1000000, .most_in_second = 50};
    int64_t passed = 0;
    int64_t counted = 0;
    const int each_second = 3000; /* of them more kinds than there is room for */
    for (int second = 1; second <= 3; second++)
        for (int i = 0; i < each_second; i++) {
            char who[16];
            int len = snprintf(who, sizeof who, "%d", i);
            int64_t suppressed = 0;
            if (identity_flood_passes(&flood, (struct str){who, (size_t)len}, STR("x"),
                                      second * INT64_C(1000000) + i, &suppressed)) {
                passed++;
                counted += suppressed;
            }
        }
    assert_int_equal(passed, 150);
    for (size_t i = 0; i < IDENTITY_FLOOD_ROOM; i++)
        counted += flood.slots[i].suppressed;
    assert_int_equal(passed + counted + flood.suppressed_of_others, 3 * each_second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_may__gives_each_role_what_the_contract_says),
        cmocka_unit_test(identity_role_of_name__knows_its_own_names_only),
        cmocka_unit_test(identity_token_split__takes_the_one_form_only),
        cmocka_unit_test(identity_names__hold_no_surprise),
        cmocka_unit_test(identity_token_state__says_revoked_before_expired),
        cmocka_unit_test(identity_origin_is_ours__compares_host_and_port),
        cmocka_unit_test(identity_flood__lets_one_of_a_kind_pass_and_counts_the_rest),
        cmocka_unit_test(identity_flood__holds_over_all_kinds_and_loses_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
