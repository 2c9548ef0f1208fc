#include "libs/graph/masked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void graph_masked_prefix__keeps_what_many_share(void **state)
{
    (void)state;
    static const struct {
        enum graph_kind kind;
        const char *value;
        const char *kept; /* NULL: nothing */
    } cases[] = {
        {GRAPH_IP, "192.0.2.77", "ip:192.0.2.0/24"},
        {GRAPH_IP, "2001:db8:1:2:3:4:5:6", "ip:2001:db8:1::/48"},
        {GRAPH_IP, "::1", "ip:::/48"},
        {GRAPH_MAC, "00:11:22:aa:bb:cc", "mac:00:11:22:*"},
        {GRAPH_EMAIL, "mara@example.org", "email:*@example.org"},
        {GRAPH_USER, "mara@corp", "user:*@corp"},
        {GRAPH_USER, "mara", NULL},
        {GRAPH_USER, "mara@", NULL},
        {GRAPH_DOMAIN, "mail.example.org", "domain:*.example.org"},
        {GRAPH_DOMAIN, "example.org", "domain:*.org"},
        {GRAPH_HOST, "web01.lan", "host:*.lan"},
        {GRAPH_HOST, "web01", NULL},
        {GRAPH_URL, "https://ig.example/a/b?c=d", "url:https://ig.example/*"},
        {GRAPH_URL, "https://ig.example:8443/a", "url:https://ig.example:8443/*"},
        {GRAPH_URL, "http://[2001:db8::1]:81/a:9", "url:http://[2001:db8::1]:81/*"},
        {GRAPH_URL, "http://[2001:db8::1]/a", "url:http://[2001:db8::1]/*"},
        {GRAPH_SHA256, "00", NULL},
        {GRAPH_FILE, "c:\\users\\mara\\x.exe", NULL},
        {GRAPH_PROCESS, "cmd.exe", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct graph_value out;
        bool kept = graph_masked_prefix(cases[i].kind, str_of(cases[i].value), &out);
        if (kept != (cases[i].kept != NULL) || (kept && strcmp(out.text, cases[i].kept) != 0))
            fail_msg("%s: %s", cases[i].value, kept ? out.text : "nothing");
        if (kept && !graph_is_normal(GRAPH_MASKED, (struct str){out.text, out.len}))
            fail_msg("%s is not read", out.text);
    }
}

static void graph_masked_tag__is_read_for_every_kind_but_its_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < GRAPH_KIND_COUNT; kind++) {
        struct graph_value out;
        graph_masked_tag((enum graph_kind)kind, "0123456789abcdef0123", &out);
        assert_true(str_ends((struct str){out.text, out.len}, STR(":#0123456789abcdef")));
        assert_int_equal(graph_is_normal(GRAPH_MASKED, (struct str){out.text, out.len}),
                         kind != GRAPH_MASKED);
    }
}

static void masked__is_no_way_to_pass_real_values(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "user",
        "user:",
        "user:mara",
        "user:#0123456789abcde",
        "user:#0123456789abcdef0",
        "user:#0123456789ABCDEF",
        "user:#0123456789abcdeg",
        "person:#0123456789abcdef",
        "User:#0123456789abcdef",
        "masked:user:#0123456789abcdef",
        "ip:192.0.2.7",
        "ip:/24",
        "ip:192.0.2.0/25",
        "mac:00:11:22:33:44:55",
        "email:mara@example.org",
        "email:*@",
        "domain:example.org",
        "domain:*.",
        "host:web01",
        "url:https://ig.example/a",
        "url:*",
        "sha256:*",
        "file:*",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (graph_is_normal(GRAPH_MASKED, str_of(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_masked_prefix__keeps_what_many_share),
        cmocka_unit_test(graph_masked_tag__is_read_for_every_kind_but_its_own),
        cmocka_unit_test(masked__is_no_way_to_pass_real_values),
    };
    return cmocka_run_group_tests_name("masked", tests, NULL, NULL);
}
