#include "service/handoffs/handoffs_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fault fault;

static void assert_text(struct str got, struct str want)
{
    if (!str_equal(got, want))
        fail_msg("got \"%.*s\", want \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

static void split__takes_first_line_content_and_last_line(void **state)
{
    (void)state;
    static const struct {
        struct str body, manifest, content, commit;
    } cases[] = {
        {STR("h\ne\nr\nc\n"), STR("h"), STR("e\nr\n"), STR("c")},
        {STR("h\ne\nr\nc"), STR("h"), STR("e\nr\n"), STR("c")},
        {STR("h\nc\n"), STR("h"), STR(""), STR("c")},
        {STR("h\n"), STR("h"), STR(""), STR("")},
        {STR("h"), STR("h"), STR(""), STR("")},
        {STR(""), STR(""), STR(""), STR("")},
        {STR("h\n\n"), STR("h"), STR(""), STR("")},
        {STR("h\ne\n\n"), STR("h"), STR("e\n"), STR("")},
        {STR("\n"), STR(""), STR(""), STR("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct handoffs_body split = handoffs_split(cases[i].body);
        assert_text(split.manifest, cases[i].manifest);
        assert_text(split.content, cases[i].content);
        assert_text(split.commit, cases[i].commit);
    }
}

static const struct wire_handoff good = {
    .id = STR("5456e6d6ae8ff4d0055cdd61d2c3d35c"),
    .tenant = STR("acme"),
    .sid = STR("1763863200.42"),
    .command = STR("ighandoff title=Beaconing"),
    .target = STR("https://ig.example/"),
};

static void manifest__must_be_of_the_callers_tenant_and_is_not_told_of_others(void **state)
{
    (void)state;
    assert_int_equal(handoffs_check_manifest(&good, STR("acme"), &fault), FAULT_NONE);
    assert_int_equal(handoffs_check_manifest(&good, STR("globex"), &fault), FAULT_DENIED);
    assert_string_equal(fault.field, "handoff.tenant");
    assert_non_null(strstr(fault.text, "globex"));
    assert_null(strstr(fault.text, "acme"));
    assert_int_equal(handoffs_check_manifest(&good, STR("acm"), &fault), FAULT_DENIED);
    assert_int_equal(handoffs_check_manifest(&good, STR("ACME"), &fault), FAULT_DENIED);
}

static void manifest__must_carry_the_hash_of_its_parts(void **state)
{
    (void)state;
    struct wire_handoff other = good;
    other.sid = STR("1763863200.43");
    assert_int_equal(handoffs_check_manifest(&other, STR("acme"), &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "handoff.id");
}

static void part__is_one_of_those_announced(void **state)
{
    (void)state;
    static const char *const bad[] = {"0",   "4",   "-1", "",
                                      "1.0", "1e0", " 1", "99999999999999999999"};
    int64_t part = 0;
    assert_int_equal(handoffs_check_part(STR("3"), 3, &part, &fault), FAULT_NONE);
    assert_int_equal(part, 3);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(handoffs_check_part(str_of(bad[i]), 3, &part, &fault), FAULT_INPUT);
        assert_non_null(strstr(fault.text, "from 1 to 3"));
        assert_int_equal(part, 3);
    }
}

static void ends__stand_before_their_relation(void **state)
{
    (void)state;
    assert_int_equal(handoffs_check_ends(&(struct wire_relation){.from = 1, .to = 0}, 2, &fault),
                     FAULT_NONE);
    assert_int_equal(handoffs_check_ends(&(struct wire_relation){.from = 2, .to = 0}, 2, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.field, "relation.from");
    assert_int_equal(handoffs_check_ends(&(struct wire_relation){.from = 0, .to = 9}, 2, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.text,
                        "relation.to is 9, but only 2 entities stand before the relation");
}

static void commit__must_say_what_came(void **state)
{
    (void)state;
    const struct wire_commit commit = {.entities = 2, .relations = 1, .content_sha256 = STR("ab")};
    assert_int_equal(handoffs_check_commit(&commit, 2, 1, STR("ab"), &fault), FAULT_NONE);
    assert_int_equal(handoffs_check_commit(&commit, 3, 1, STR("ab"), &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "commit.entities");
    assert_int_equal(handoffs_check_commit(&commit, 2, 0, STR("ab"), &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "commit.relations");
    assert_int_equal(handoffs_check_commit(&commit, 2, 1, STR("cd"), &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "commit.content_sha256");
}

static void parts__that_are_missing_are_named(void **state)
{
    (void)state;
    assert_int_equal(handoffs_check_parts((int64_t[]){1, 2, 3}, 3, 3, &fault), FAULT_NONE);
    assert_int_equal(handoffs_check_parts((int64_t[]){1, 3}, 2, 3, &fault), FAULT_CONFLICT);
    assert_non_null(strstr(fault.text, "2 of 3 parts have come; the first that is missing is 2"));
    assert_int_equal(handoffs_check_parts((int64_t[]){1, 2}, 2, 3, &fault), FAULT_CONFLICT);
    assert_non_null(strstr(fault.text, "missing is 3"));
    assert_int_equal(handoffs_check_parts(NULL, 0, 3, &fault), FAULT_CONFLICT);
    assert_non_null(strstr(fault.text, "missing is 1"));
}

static void open_handoffs_and_their_bytes_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(handoffs_check_open(HANDOFFS_OPEN_MAX - 1, &fault), FAULT_NONE);
    assert_int_equal(handoffs_check_open(HANDOFFS_OPEN_MAX, &fault), FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "removed after 24 hours"));
    assert_int_equal(handoffs_check_staged(HANDOFFS_STAGED_MAX - 5, 5, &fault), FAULT_NONE);
    assert_int_equal(handoffs_check_staged(HANDOFFS_STAGED_MAX - 5, 6, &fault), FAULT_UNAVAILABLE);
}

static void link__is_of_the_public_url_else_of_a_host_that_looks_like_one(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "a/b", "a b", "user@a", "a\r\nX: 1",
                                      "a?b", "<a>", "a#b", "\"",     "a\\b"};
    struct buf link;
    buf_init(&link, HANDOFFS_LINK_MAX);
    assert_int_equal(
        handoffs_add_link(&link, STR("https://ig.example/x/"), STR("evil"), STR("7"), &fault),
        FAULT_NONE);
    assert_text(buf_str(&link), STR("https://ig.example/x/open/handoffs/7"));
    buf_clear(&link);
    assert_int_equal(handoffs_add_link(&link, STR(""), STR("[::1]:8460"), STR("7"), &fault),
                     FAULT_NONE);
    assert_text(buf_str(&link), STR("http://[::1]:8460/open/handoffs/7"));
    buf_clear(&link);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(handoffs_add_link(&link, STR(""), str_of(bad[i]), STR("7"), &fault),
                         FAULT_INPUT);
        assert_int_equal(link.len, 0);
    }
    assert_int_equal(handoffs_add_link(&link, STR(""), STR("a\0b"), STR("7"), &fault), FAULT_INPUT);
    buf_done(&link);
}

static void reason__holds_the_field_and_no_value(void **state)
{
    (void)state;
    struct buf reason;
    buf_init(&reason, 256);
    fault_field(&fault, FAULT_INPUT, "entity.value", "secret 10.0.0.1");
    handoffs_add_reason(&reason, &fault);
    assert_text(buf_str(&reason), STR("input: entity.value"));
    buf_done(&reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split__takes_first_line_content_and_last_line),
        cmocka_unit_test(manifest__must_be_of_the_callers_tenant_and_is_not_told_of_others),
        cmocka_unit_test(manifest__must_carry_the_hash_of_its_parts),
        cmocka_unit_test(part__is_one_of_those_announced),
        cmocka_unit_test(ends__stand_before_their_relation),
        cmocka_unit_test(commit__must_say_what_came),
        cmocka_unit_test(parts__that_are_missing_are_named),
        cmocka_unit_test(open_handoffs_and_their_bytes_are_bounded),
        cmocka_unit_test(link__is_of_the_public_url_else_of_a_host_that_looks_like_one),
        cmocka_unit_test(reason__holds_the_field_and_no_value),
    };
    return cmocka_run_group_tests_name("handoffs_rules", tests, NULL, NULL);
}
