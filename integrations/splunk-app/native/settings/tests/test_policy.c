#include "integrations/splunk-app/native/settings/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct graph_mapping *mapping;
static struct arena arena;
static struct policy policy;

static int set_up(void **state)
{
    struct fault fault;
    (void)state;
    arena_init(&arena, 1 << 20);
    policy = (struct policy){0};
    return graph_mapping_read(graph_mapping_default(), &mapping, &fault) == FAULT_NONE ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    policy_done(&policy);
    graph_mapping_free(mapping);
    arena_done(&arena);
    return 0;
}

static enum fault_code open_policy(const char *allow, const char *deny, const char *mask,
                                   struct fault *fault)
{
    struct settings settings = {
        .tenant = STR("acme"),
        .fields_allow = str_of(allow),
        .fields_deny = str_of(deny),
        .mask = str_of(mask),
    };
    policy_done(&policy);
    return policy_open(&policy, &settings, mapping, &arena, fault);
}

static size_t field_of(const char *name)
{
    const struct graph_field *field = graph_mapping_find(mapping, str_of(name));
    assert_non_null(field);
    return (size_t)(field - graph_mapping_at(mapping, 0));
}

static bool allows(const char *name)
{
    return policy_allows(&policy, field_of(name));
}

static void policy__lets_everything_go_where_the_admin_says_nothing(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(open_policy("", "", "", &fault), FAULT_NONE);
    assert_true(allows("user") && allows("src_ip"));
    assert_null(policy_mask(&policy));
    assert_int_equal(policy.left_out, 0);
}

static void policy__denies_what_is_not_allowed_and_what_is_denied(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(open_policy("src*, *_ip ,user", "src_host,*6", "", &fault), FAULT_NONE);
    assert_true(allows("src_ip") && allows("dest_ip") && allows("user") && allows("src"));
    assert_false(allows("src_host"));
    assert_false(allows("src_ipv6"));
    assert_false(allows("url"));
    assert_int_equal(open_policy("", "*", "", &fault), FAULT_INPUT);
    assert_non_null(strstr(fault.text, "leave none of the fields"));
    assert_int_equal(open_policy("usr", "", "", &fault), FAULT_INPUT);
    assert_int_equal(open_policy("", "s*r*_*p,d*t", "", &fault), FAULT_NONE);
    assert_false(allows("src_ip"));
    assert_false(allows("src_translated_ip"));
    assert_false(allows("dest"));
    assert_true(allows("dest_ip"));
}

static void policy__notes_names_that_no_field_has(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(open_policy("src_ip,scr_ip,xyz*", "usr", "user=hash,uesr=drop", &fault),
                     FAULT_NONE);
    assert_true(str_equal(policy.unknown, STR("scr_ip, usr, uesr")));
}

static struct str masked(const char *field, enum graph_kind kind, const char *text)
{
    struct graph_value value = {.kind = kind, .len = strlen(text)};
    struct str out;
    struct fault fault;
    const struct graph_mask *mask = policy_mask(&policy);
    memcpy(value.text, text, value.len);
    assert_true(mask->fields[field_of(field)]);
    assert_int_equal(mask->apply(mask->context, field_of(field), &value, &out, &fault), FAULT_NONE);
    return out;
}

static void policy__masks_by_the_first_entry_that_names_the_field(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(open_policy("", "", "src_user = drop, *user* = hash, src_* = prefix", &fault),
                     FAULT_NONE);
    assert_int_equal(masked("src_user", GRAPH_USER, "mara").len, 0);
    assert_true(str_equal(masked("src_ip", GRAPH_IP, "192.0.2.7"), STR("ip:192.0.2.0/24")));
    assert_false(policy_mask(&policy)->fields[field_of("dest_ip")]);
    struct str tag = masked("user", GRAPH_USER, "mara");
    /* printf 'intelgraph-mask-1\0acme\0user\0mara' | sha256sum */
    assert_true(str_equal(tag, STR("user:#c9a0121005e77c7e")));
    assert_true(str_equal(tag, masked("dest_user", GRAPH_USER, "mara")));
    assert_false(str_equal(tag, masked("user", GRAPH_EMAIL, "mara")));
    assert_true(graph_is_normal(GRAPH_MASKED, tag));
    /* A host has no prefix: it is hashed rather than let go. */
    assert_true(str_starts(masked("src_host", GRAPH_HOST, "web01"), STR("host:#")));
}

static void policy_check__names_the_entry_that_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *allow;
        const char *deny;
        const char *mask;
        const char *told;
    } cases[] = {
        {"src_ip=x", "", "", "fields_allow cannot have \"src_ip=x\""},
        {"", "a, \"b\"", "", "fields_deny cannot have \"\"b\"\""},
        {"", "", "user", "mask cannot have \"user\": it must be field=hash"},
        {"", "", "user=md5", "mask cannot have \"user=md5\""},
        {"", "", "user=hash, =drop", "mask cannot have \"=drop\""},
        {"", "", "user=hash;src=drop", "mask cannot have \"user=hash;src=drop\""},
        {"", "", "user=HASH", "mask cannot have \"user=HASH\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault fault;
        struct settings settings = {.fields_allow = str_of(cases[i].allow),
                                    .fields_deny = str_of(cases[i].deny),
                                    .mask = str_of(cases[i].mask)};
        assert_int_equal(policy_check(&settings, &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%zu: %s", i, fault.text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(policy__lets_everything_go_where_the_admin_says_nothing),
        TEST(policy__denies_what_is_not_allowed_and_what_is_denied),
        TEST(policy__notes_names_that_no_field_has),
        TEST(policy__masks_by_the_first_entry_that_names_the_field),
        TEST(policy_check__names_the_entry_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
