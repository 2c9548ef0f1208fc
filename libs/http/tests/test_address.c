#include "libs/http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void http_check_proxy__takes_a_scheme_a_host_and_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {
        "http://proxy.example:3128",  "https://proxy.example:443/", "http://10.0.0.1:8080",
        "http://[2001:db8::1]:3128/", "http://localhost:1",
    };
    static const struct {
        const char *proxy;
        const char *told;
    } bad[] = {
        {"", "no other scheme"},
        {"proxy.example:3128", "no other scheme"},
        {"socks5://proxy.example:1080", "no other scheme"},
        {"http://mara:igt_secret@proxy.example:3128", "the file that proxy_credential names"},
        {"http://proxy.example", "the port is missing"},
        {"http://proxy.example:0", "the port is missing"},
        {"http://proxy.example:65536", "the port is missing"},
        {"http://proxy.example:80a", "the port is missing"},
        {"http://:3128", "the host is missing"},
        {"http://[]:3128", "the host is missing"},
        {"http://proxy.example:3128/path", "a character that no host has"},
        {"http://proxy example:3128", "a character that no host has"},
        {"http://proxy.example:3128\r\nX: y", "a character that no host has"},
        {"http://proxy.example:3128?x", "a character that no host has"},
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (http_check_proxy(str_of(good[i]), &fault) != FAULT_NONE)
            fail_msg("refused %s: %s", good[i], fault.text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(http_check_proxy(str_of(bad[i].proxy), &fault), FAULT_INPUT);
        if (!strstr(fault.text, bad[i].told))
            fail_msg("%s: %s", bad[i].proxy, fault.text);
        assert_string_equal(fault.field, "proxy");
        assert_null(strstr(fault.text, "igt_secret"));
    }
}

static void http_without_proxy__compares_names_suffixes_addresses_and_networks(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *host;
        bool meets;
    } cases[] = {
        {"", "ig.example", false},
        {"*", "ig.example", true},
        {"*", "10.0.0.1", true},
        {"ig.example", "ig.example", true},
        {"IG.Example.", "ig.eXample", true},
        {"ig.example", "ig.example.", true},
        {"ig.example", "x.ig.example", false},
        {"ig.example", "notig.example", false},
        {".example", "ig.example", true},
        {".example", "a.b.example", true},
        {".example", "example", false},
        {".example", "notexample", false},
        {" a , .b ,, c ", "x.b", true},
        {" a , .b ,, c ", "c", true},
        {" a , .b ,, c ", "b", false},
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/9", "10.127.255.255", true},
        {"10.0.0.0/9", "10.128.0.0", false},
        {"0.0.0.0/0", "192.0.2.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"192.0.2.7/32", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.70", false},
        {"10.0.0.0/8", "10.example", false},
        {"fd00::/8", "[fd12::1]", true},
        {"fd00::/8", "fe80::1", false},
        {"2001:db8:0:0::1", "[2001:db8::1]", true},
        {"[2001:db8::1]", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (http_without_proxy(str_of(cases[i].list), str_of(cases[i].host)) != cases[i].meets)
            fail_msg("\"%s\" and %s", cases[i].list, cases[i].host);
        if (http_check_no_proxy(str_of(cases[i].list), &fault) != FAULT_NONE)
            fail_msg("refused \"%s\": %s", cases[i].list, fault.text);
    }
}

static void http_check_no_proxy__names_the_entry_that_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *told;
    } cases[] = {
        {"a, *.example", "\"*.example\": write the suffix without its asterisk"},
        {"a b", "\"a b\": entries are separated by commas"},
        {"https://ig.example", "\"https://ig.example\": write the host without scheme and port"},
        {"ig.example:443", "without scheme and port"},
        {"10.0.0.0/33", "\"10.0.0.0/33\": a name"},
        {"10.0.0.0/", "\"10.0.0.0/\": a name"},
        {"fd00::/129", "write the host without scheme and port"},
        {"ig*", "\"ig*\": a name"},
        {".", "\".\": a name"},
        {"a/b", "\"a/b\": a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault fault;
        assert_int_equal(http_check_no_proxy(str_of(cases[i].list), &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%s: %s", cases[i].list, fault.text);
    }
}

/* --- what a client is not made of ----------------------------------------------------------- */

#define CERT "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define KEY                                                                                        \
    "-----BEGIN "                                                                                  \
    "PRIVATE KEY-----\nAAAA\n-----END "                                                            \
    "PRIVATE KEY-----\n"

static void http_client_new__names_the_setting_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        struct http_settings settings;
        const char *field;
        const char *told;
    } cases[] = {
        {{.ca_pem = STR("hello")}, "ca_pem", "ca_pem holds no certificate"},
        {{.ca_pem = STR("-----BEGIN CERTIFICATE-----\nAAAA\n")}, "ca_pem", "holds no certificate"},
        {{.ca_pem = STR(KEY)}, "ca_pem", "holds no certificate"},
        {{.ca_file = STR("/etc/passwd")}, "ca_file", "ca_file holds no certificate"},
        {{.ca_file = STR("/etc")}, "ca_file", "ca_file cannot be read: cannot read /etc"},
        {{.ca_file = STR("/no/ca")}, "ca_file", "there is no file /no/ca"},
        {{.ca_file = STR("/etc/passwd"), .ca_pem = STR(CERT)}, "ca_pem", "only one of them"},
        {{.client_cert_pem = STR(CERT)}, "client_key_file", "must be set both"},
        {{.client_key_pem = STR(KEY)}, "client_cert_file", "must be set both"},
        {{.client_cert_pem = STR("x"), .client_key_pem = STR(KEY)}, "client_cert_file", "holds no"},
        {{.client_cert_pem = STR(CERT), .client_key_pem = STR("x")}, "client_key_file", "holds no"},
        {{.client_cert_pem = STR(CERT),
          .client_key_pem = STR("-----BEGIN ENCRYPTED "
                                "PRIVATE KEY-----\n")},
         "client_key_file",
         "is encrypted"},
        {{.proxy = STR("socks5://x:1")}, "proxy", "no other scheme"},
        {{.proxy = STR("http://x:1"), .no_proxy = STR("a b")}, "no_proxy", "commas"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_settings settings = cases[i].settings;
        struct http_client *client;
        struct fault fault;
        settings.base_url = STR("https://127.0.0.1:1/");
        settings.user_agent = STR("test");
        enum fault_code code = http_client_new(&settings, &client, &fault);
        if (code != FAULT_INPUT || strcmp(fault.field, cases[i].field) != 0 ||
            !strstr(fault.text, cases[i].told))
            fail_msg("%zu: %s: %s", i, fault.field, fault.text);
    }
}

static void http_secret_set_pair__is_user_and_password(void **state)
{
    (void)state;
    struct http_secret secret;
    struct fault fault;
    assert_int_equal(http_secret_set_pair(&secret, STR("mara:a b:%41\r\n"), &fault), FAULT_NONE);
    assert_string_equal(secret.text, "mara:a b:%41");
    http_secret_done(&secret);
    static const char *const bad[] = {"", "mara", ":secret1", "ma\nra:secret1", "a:secret1\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(http_secret_set_pair(&secret, str_of(bad[i]), &fault), FAULT_INPUT);
        assert_null(strstr(fault.text, "secret1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_check_proxy__takes_a_scheme_a_host_and_a_port),
        cmocka_unit_test(http_without_proxy__compares_names_suffixes_addresses_and_networks),
        cmocka_unit_test(http_check_no_proxy__names_the_entry_that_cannot_be_read),
        cmocka_unit_test(http_client_new__names_the_setting_that_cannot_be_used),
        cmocka_unit_test(http_secret_set_pair__is_user_and_password),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
