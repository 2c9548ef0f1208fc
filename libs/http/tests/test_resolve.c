#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <netdb.h>
#include <unistd.h>

#include "libs/core/os.h"
#include "libs/http/resolve.h"

static int lookup_two(const char *host, struct http_addresses *out)
{
    assert_string_equal(host, "ig.example");
    out->count = 2;
    snprintf(out->list[0], sizeof out->list[0], "192.0.2.7");
    snprintf(out->list[1], sizeof out->list[1], "2001:db8::7");
    return 0;
}

static int lookup_none(const char *host, struct http_addresses *out)
{
    (void)host;
    (void)out;
    return EAI_NONAME;
}

static int lookup_failing(const char *host, struct http_addresses *out)
{
    (void)host;
    (void)out;
    return EAI_AGAIN;
}

/* As a resolver whose name servers are silent. */
static int lookup_slow(const char *host, struct http_addresses *out)
{
    usleep(400 * 1000);
    return lookup_two(host, out);
}

static void resolve__gives_the_addresses(void **state)
{
    (void)state;
    struct http_addresses addresses;
    struct fault fault;
    assert_int_equal(resolve_with(lookup_two, STR("ig.example"), 1000, &addresses, &fault),
                     FAULT_NONE);
    assert_int_equal(addresses.count, 2);
    assert_string_equal(addresses.list[1], "2001:db8::7");
}

static void resolve__tells_no_such_name_from_no_answer(void **state)
{
    (void)state;
    struct http_addresses addresses;
    struct fault fault;
    assert_int_equal(resolve_with(lookup_none, STR("ig.example"), 1000, &addresses, &fault),
                     FAULT_NOT_FOUND);
    assert_string_equal(fault.text, "there is no host of the name ig.example");
    assert_int_equal(resolve_with(lookup_failing, STR("ig.example"), 1000, &addresses, &fault),
                     FAULT_UNAVAILABLE);
    assert_true(str_starts(str_of(fault.text), STR("the resolver failed for ig.example: ")));
}

static void resolve__comes_back_in_time_when_the_resolver_does_not(void **state)
{
    (void)state;
    struct http_addresses addresses;
    struct fault fault;
    int64_t begun = os_monotonic_us();
    assert_int_equal(resolve_with(lookup_slow, STR("ig.example"), 50, &addresses, &fault),
                     FAULT_UNAVAILABLE);
    assert_true(os_monotonic_us() - begun < 300 * 1000);
    assert_string_equal(fault.text, "the resolver gave no answer about ig.example within 50 ms");
    usleep(500 * 1000); /* the thread gives the memory back: the leak checker looks */
}

static void resolve__refuses_names_that_cannot_be(void **state)
{
    (void)state;
    char longest[300];
    struct http_addresses addresses;
    struct fault fault;
    memset(longest, 'a', sizeof longest);
    struct str name = {longest, sizeof longest};
    assert_int_equal(resolve_with(lookup_two, name, 1000, &addresses, &fault), FAULT_NOT_FOUND);
    assert_int_equal(resolve_with(lookup_two, STR(""), 1000, &addresses, &fault), FAULT_NOT_FOUND);
}

static void resolve__by_the_system_knows_this_machine(void **state)
{
    (void)state;
    struct http_addresses addresses;
    struct fault fault;
    assert_int_equal(http_resolve(STR("127.0.0.1"), 5000, &addresses, &fault), FAULT_NONE);
    assert_int_equal(addresses.count, 1);
    assert_string_equal(addresses.list[0], "127.0.0.1");
    assert_int_equal(http_resolve(STR("localhost"), 5000, &addresses, &fault), FAULT_NONE);
    assert_true(addresses.count >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolve__gives_the_addresses),
        cmocka_unit_test(resolve__tells_no_such_name_from_no_answer),
        cmocka_unit_test(resolve__comes_back_in_time_when_the_resolver_does_not),
        cmocka_unit_test(resolve__refuses_names_that_cannot_be),
        cmocka_unit_test(resolve__by_the_system_knows_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
