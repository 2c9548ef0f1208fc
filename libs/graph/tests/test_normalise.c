/* Long because each type of value has its table of spellings, good and bad, beside its rule. */
#include "libs/graph/normalise.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define HEX32  "0123456789abcdef0123456789abcdef"
#define HEX40  HEX32 "01234567"
#define HEX64  HEX32 HEX32
#define HEX128 HEX64 HEX64

struct example {
    int type;
    const char *raw;
    enum graph_kind kind;
    const char *normal;
};

static void check_good(const struct example *examples, size_t count)
{
    struct graph_value value;
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];
        if (graph_normalise(e->type, str_of(e->raw), &value) != GRAPH_VALUE_GOOD)
            fail_msg("%s is no %s", e->raw, graph_type_name(e->type));
        if (strcmp(value.text, e->normal) != 0)
            fail_msg("%s gives %s instead of %s", e->raw, value.text, e->normal);
        assert_int_equal(value.len, strlen(e->normal));
        assert_string_equal(graph_kind_info(value.kind)->name, graph_kind_info(e->kind)->name);
        assert_true(graph_is_normal(e->kind, str_of(e->normal)));
        if (strcmp(e->raw, e->normal) != 0 && e->type < GRAPH_KIND_COUNT)
            assert_false(graph_is_normal(e->kind, str_of(e->raw)));
    }
}

static void check_all_are(enum graph_verdict verdict, int type, const char *const *raws,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct graph_value value = {.kind = GRAPH_MAC, .len = 7, .text = "as it was"};
        if (graph_normalise(type, str_of(raws[i]), &value) != verdict)
            fail_msg("\"%s\" as %s is not of verdict %d", raws[i], graph_type_name(type),
                     (int)verdict);
        assert_int_equal(value.kind, GRAPH_MAC);
        assert_int_equal(value.len, 7);
        assert_string_equal(value.text, "as it was");
    }
}

#define ALL_ARE(verdict, type, ...)                                                                \
    check_all_are((verdict), (type), (const char *const[]){__VA_ARGS__},                           \
                  COUNT(((const char *const[]){__VA_ARGS__})))

static void ip__has_one_spelling_without_port_zone_and_brackets(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_IP, "10.0.0.1", GRAPH_IP, "10.0.0.1"},
        {GRAPH_IP, "  10.0.0.1\t", GRAPH_IP, "10.0.0.1"},
        {GRAPH_IP, "10.0.0.1:443", GRAPH_IP, "10.0.0.1"},
        {GRAPH_IP, "10.0.0.1/32", GRAPH_IP, "10.0.0.1"},
        {GRAPH_IP, "10[.]0(.)0[dot]1", GRAPH_IP, "10.0.0.1"},
        {GRAPH_IP, "::ffff:1.2.3.4", GRAPH_IP, "1.2.3.4"},
        {GRAPH_IP, "::FFFF:0102:0304", GRAPH_IP, "1.2.3.4"},
        {GRAPH_IP, "127.0.0.1", GRAPH_IP, "127.0.0.1"},
        {GRAPH_IP, "::1", GRAPH_IP, "::1"},
        {GRAPH_IP, "2001:0DB8:0000:0000:0000:0000:0000:0001", GRAPH_IP, "2001:db8::1"},
        {GRAPH_IP, "2001:db8:0:1:1:1:1:1", GRAPH_IP, "2001:db8:0:1:1:1:1:1"},
        {GRAPH_IP, "2001:0:0:1:0:0:0:1", GRAPH_IP, "2001:0:0:1::1"},
        {GRAPH_IP, "2001:db8:0:0:1:0:0:1", GRAPH_IP, "2001:db8::1:0:0:1"},
        {GRAPH_IP, "1:0:0:0:0:0:0:0", GRAPH_IP, "1::"},
        {GRAPH_IP, "fe80::1%eth0", GRAPH_IP, "fe80::1"},
        {GRAPH_IP, "[2001:db8::1]", GRAPH_IP, "2001:db8::1"},
        {GRAPH_IP, "[2001:db8::1]:8443", GRAPH_IP, "2001:db8::1"},
        {GRAPH_IP, "2001:db8::1/128", GRAPH_IP, "2001:db8::1"},
        {GRAPH_IP, "64:ff9b::1.2.3.4", GRAPH_IP, "64:ff9b::102:304"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_IP, "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
            "1.2.3.04", "1.2.3.4.", ".1.2.3.4", "1..3.4", "0x7f.0.0.1", "2130706433",
            "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x", "10.0.0.0/8", "[1.2.3.4", "[::1]x", "::1%",
            ":::1", "1::2::3", "12345::1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "gggg::1",
            "www.example.org", "1.2.3.4 5", "2001:db8::/32", "1.2.3.4\n5");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_IP, "0.0.0.0", "255.255.255.255",
            "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0", "0.0.0.0:0", "-", "");
}

/* A fixed sequence, so that a failure comes again. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void ip__agrees_with_the_system_on_random_ipv4_texts(void **state)
{
    (void)state;
    uint32_t seed = 1;
    int taken = 0;
    for (int i = 0; i < 200000; i++) {
        static const char alphabet[] = "0123456789012345.....2";
        char text[16];
        struct in_addr address;
        struct graph_value value;
        size_t len = 0;
        for (int part = 0; part < 4; part++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", part ? "." : "",
                                    next_random(&seed) % 256);
        while (next_random(&seed) % 2)
            text[next_random(&seed) % len] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        bool known = inet_pton(AF_INET, text, &address) == 1;
        bool placeholder = known && (address.s_addr == 0 || address.s_addr == UINT32_MAX);
        enum graph_verdict verdict = graph_normalise(GRAPH_IP, str_of(text), &value);
        if ((verdict == GRAPH_VALUE_GOOD) != (known && !placeholder))
            fail_msg("%s: the system says %d, here it is %d", text, known, (int)verdict);
        if (verdict == GRAPH_VALUE_GOOD)
            assert_string_equal(value.text, text);
        taken += known;
    }
    assert_in_range(taken, 20000, 180000); /* both sides were tried */
}

static void ip__writes_random_ipv6_addresses_as_the_system_does(void **state)
{
    (void)state;
    uint32_t seed = 2;
    for (int i = 0; i < 100000; i++) {
        unsigned char bytes[16] = {0x20, 0x01};
        char want[INET6_ADDRSTRLEN];
        char full[48];
        struct graph_value value;
        size_t len = 0;
        for (int j = 2; j < 16; j += 2) {
            uint32_t zeros = next_random(&seed) % 3;
            bytes[j] = (unsigned char)(zeros == 2 ? next_random(&seed) : 0);
            bytes[j + 1] = (unsigned char)(zeros >= 1 ? next_random(&seed) : 0);
        }
        for (int j = 0; j < 16; j += 2)
            len += (size_t)snprintf(full + len, sizeof full - len, "%s%02X%02x", j ? ":" : "",
                                    bytes[j], bytes[j + 1]);
        inet_ntop(AF_INET6, bytes, want, sizeof want);
        assert_int_equal(graph_normalise(GRAPH_IP, str_of(full), &value), GRAPH_VALUE_GOOD);
        assert_string_equal(value.text, want);
        assert_true(graph_is_normal(GRAPH_IP, str_of(want)));
    }
}

static void domain__is_lower_case_ascii_without_the_last_dot(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_DOMAIN, "WWW.Example.ORG", GRAPH_DOMAIN, "www.example.org"},
        {GRAPH_DOMAIN, "example.org.", GRAPH_DOMAIN, "example.org"},
        {GRAPH_DOMAIN, "evil[.]example(dot)org", GRAPH_DOMAIN, "evil.example.org"},
        {GRAPH_DOMAIN, "example.org:8443", GRAPH_DOMAIN, "example.org"},
        {GRAPH_DOMAIN, "_ldap._tcp.dc._msdcs.corp.local", GRAPH_DOMAIN,
         "_ldap._tcp.dc._msdcs.corp.local"},
        {GRAPH_DOMAIN, "M\xc3\xbcnchen.example", GRAPH_DOMAIN, "xn--mnchen-3ya.example"},
        {GRAPH_DOMAIN,
         "stra\xc3\x9f"
         "e.example",
         GRAPH_DOMAIN, "xn--strae-oqa.example"},
        {GRAPH_DOMAIN, "\xe6\xa4\x9c\xe7\xb4\xa2\xe3\x80\x82jp", GRAPH_DOMAIN, "xn--f4v204b.jp"},
        {GRAPH_DOMAIN, "XN--MNCHEN-3YA.example", GRAPH_DOMAIN, "xn--mnchen-3ya.example"},
        {GRAPH_DOMAIN, "4.3.2.1.in-addr.arpa", GRAPH_DOMAIN, "4.3.2.1.in-addr.arpa"},
        {GRAPH_DOMAIN, "r3---sn-a5mekn7k.example.com", GRAPH_DOMAIN,
         "r3---sn-a5mekn7k.example.com"},
    };
    char label64[80];
    char long_name[300];
    check_good(examples, COUNT(examples));
    memset(label64, 'a', 64);
    memcpy(label64 + 64, ".org", sizeof ".org");
    memset(long_name, 'a', sizeof long_name);
    for (size_t i = 50; i < 254; i += 50)
        long_name[i] = '.';
    long_name[254] = '\0';
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_DOMAIN, "nashua", "a..b", ".example.org", "example..",
            "-a.org", "a-.org", "a b.org", "a/b.org", "1.2.3.4", "1.2.3.999", "example.123",
            "*.example.org", "user@example.org", "[[.]]example.org", "ex\x80mple.org",
            "example.org:http", label64, long_name, "\xc3\xbc..example");
    label64[63] = '.';
    long_name[253] = '\0';
    struct graph_value value;
    assert_int_equal(graph_normalise(GRAPH_DOMAIN, str_of(label64 + 1), &value),
                     GRAPH_VALUE_INVALID);
    assert_int_equal(graph_normalise(GRAPH_DOMAIN, str_of(long_name), &value), GRAPH_VALUE_GOOD);
    assert_int_equal(value.len, 253);
}

static void machine__is_ip_host_or_domain_as_its_type_and_text_say(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_HOST, "NASHUA", GRAPH_HOST, "nashua"},
        {GRAPH_HOST, "NASHUA.dmevals.local", GRAPH_HOST, "nashua.dmevals.local"},
        {GRAPH_HOST, "\\\\NASHUA", GRAPH_HOST, "nashua"},
        {GRAPH_TYPE_ADDRESS, "10.0.0.4", GRAPH_IP, "10.0.0.4"},
        {GRAPH_TYPE_ADDRESS, "[2001:DB8::1]:80", GRAPH_IP, "2001:db8::1"},
        {GRAPH_TYPE_ADDRESS, "NASHUA", GRAPH_HOST, "nashua"},
        {GRAPH_TYPE_ADDRESS, "nashua.dmevals.local", GRAPH_HOST, "nashua.dmevals.local"},
        {GRAPH_TYPE_ADDRESS, "db1.internal", GRAPH_HOST, "db1.internal"},
        {GRAPH_TYPE_ADDRESS, "WWW.example.org:443", GRAPH_DOMAIN, "www.example.org"},
        {GRAPH_TYPE_NAME, "192.168.0.4", GRAPH_IP, "192.168.0.4"},
        {GRAPH_TYPE_NAME, "WPAD", GRAPH_HOST, "wpad"},
        {GRAPH_TYPE_NAME, "wpad.dmevals.local", GRAPH_DOMAIN, "wpad.dmevals.local"},
        {GRAPH_TYPE_DEVICE, "10.0.0.4", GRAPH_IP, "10.0.0.4"},
        {GRAPH_TYPE_DEVICE, "Web01.example.org", GRAPH_HOST, "web01.example.org"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_HOST, "10.0.0.4", "12345", "a b", "nashua$", "\\\\a\\b");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_TYPE_ADDRESS, "443", "1.2.3.4.5", "a b", "http://a.b/");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_TYPE_ADDRESS, "localhost", "LOCALHOST.localdomain",
            "0.0.0.0", "unknown", "unknown.");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_HOST, "localhost", "N/A");
}

static void url__has_a_lower_case_front_and_keeps_path_and_query(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_URL, "HTTP://WWW.Example.ORG:80/A/b?Q=1#F", GRAPH_URL,
         "http://www.example.org/A/b?Q=1#F"},
        {GRAPH_URL, "https://example.org:443", GRAPH_URL, "https://example.org/"},
        {GRAPH_URL, "https://example.org:80", GRAPH_URL, "https://example.org:80/"},
        {GRAPH_URL, "http://example.org?a", GRAPH_URL, "http://example.org/?a"},
        {GRAPH_URL, "http://example.org:/", GRAPH_URL, "http://example.org/"},
        {GRAPH_URL, "http://example.org:08080/", GRAPH_URL, "http://example.org:8080/"},
        {GRAPH_URL, "http://example.org./a", GRAPH_URL, "http://example.org/a"},
        {GRAPH_URL, "http://m\xc3\xbcnchen.example/\xc3\xbc", GRAPH_URL,
         "http://xn--mnchen-3ya.example/\xc3\xbc"},
        {GRAPH_URL, "http://[2001:DB8:0::1]:8080/", GRAPH_URL, "http://[2001:db8::1]:8080/"},
        {GRAPH_URL, "http://[::ffff:1.2.3.4]/", GRAPH_URL, "http://1.2.3.4/"},
        {GRAPH_URL, "http://bob:secret@example.org/", GRAPH_URL, "http://bob@example.org/"},
        {GRAPH_URL, "http://bank.example@evil.example/", GRAPH_URL,
         "http://bank.example@evil.example/"},
        {GRAPH_URL, "http://localhost:8080/a", GRAPH_URL, "http://localhost:8080/a"},
        {GRAPH_URL, "http://intranet/a b", GRAPH_URL, "http://intranet/a%20b"},
        {GRAPH_URL, "hxxp://evil.example/a[.]b", GRAPH_URL, "http://evil.example/a.b"},
        {GRAPH_URL, "hXXps[:]//evil[.]example/", GRAPH_URL, "https://evil.example/"},
        {GRAPH_URL, "hxxp[://]evil(dot)example", GRAPH_URL, "http://evil.example/"},
        {GRAPH_URL, "http://1[.]2[.]3[.]4/x", GRAPH_URL, "http://1.2.3.4/x"},
        {GRAPH_URL, "http://example.org/re?[.]=1", GRAPH_URL, "http://example.org/re?[.]=1"},
        {GRAPH_URL, "Example.org/a", GRAPH_URL, "example.org/a"},
        {GRAPH_URL, "Example.org:443", GRAPH_URL, "example.org:443/"},
        {GRAPH_URL, "//Example.org/a?u=http://b.example", GRAPH_URL,
         "example.org/a?u=http://b.example"},
        {GRAPH_URL, "file:///C:/a", GRAPH_URL, "file:///C:/a"},
        {GRAPH_URL, "ldap://DC01:389/o=x", GRAPH_URL, "ldap://dc01:389/o=x"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_URL, "/index.html", "index.html", "images/a.png",
            "example.org", "intranet:8080", "http://", "http:///a", "http://a b/",
            "http://example.org:99999/", "http://example.org:x/", "http://[::1/", "http://[z]/",
            "http://1.2.3.999/", "http://0.0.0.0/", "mailto:a@b.example", "javascript:alert(1)",
            "data:text/html,x", "http://u[@example.org/", "http://example.org/\x01",
            "http://example.org/\xff");
}

static void url__over_the_limit_is_too_long_and_just_at_it_is_good(void **state)
{
    (void)state;
    struct graph_value value;
    char url[GRAPH_VALUE_MAX + 2];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://example.org/", 19);
    assert_int_equal(graph_normalise(GRAPH_URL, (struct str){url, GRAPH_VALUE_MAX}, &value),
                     GRAPH_VALUE_GOOD);
    assert_int_equal(value.len, GRAPH_VALUE_MAX);
    assert_int_equal(graph_normalise(GRAPH_URL, (struct str){url, GRAPH_VALUE_MAX + 1}, &value),
                     GRAPH_VALUE_TOO_LONG);
    url[100] = ' '; /* grows by two */
    assert_int_equal(graph_normalise(GRAPH_URL, (struct str){url, GRAPH_VALUE_MAX}, &value),
                     GRAPH_VALUE_TOO_LONG);
    assert_int_equal(graph_normalise(GRAPH_URL, (struct str){url, GRAPH_VALUE_MAX - 2}, &value),
                     GRAPH_VALUE_GOOD);
}

static void email__is_lower_case_and_without_the_name_around_it(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_EMAIL, "Mara.Voss@Example.ORG", GRAPH_EMAIL, "mara.voss@example.org"},
        {GRAPH_EMAIL, "\"Voss, Mara\" <Mara@Example.org>", GRAPH_EMAIL, "mara@example.org"},
        {GRAPH_EMAIL, "<mara@example.org>", GRAPH_EMAIL, "mara@example.org"},
        {GRAPH_EMAIL, "mailto:mara@example.org", GRAPH_EMAIL, "mara@example.org"},
        {GRAPH_EMAIL, "mara[at]example[.]org", GRAPH_EMAIL, "mara@example.org"},
        {GRAPH_EMAIL, "mara[@]example.org", GRAPH_EMAIL, "mara@example.org"},
        {GRAPH_EMAIL, "mara+news@m\xc3\xbcnchen.example", GRAPH_EMAIL,
         "mara+news@xn--mnchen-3ya.example"},
        {GRAPH_EMAIL, "J\xc3\x96RG@example.org", GRAPH_EMAIL, "j\xc3\xb6rg@example.org"},
        {GRAPH_EMAIL, "root@localhost", GRAPH_EMAIL, "root@localhost"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_EMAIL, "mara", "@example.org", "mara@", "a@b@example.org",
            "ma ra@example.org", "mara@exa mple.org", "mara@1.2.3.4", "mara <mara@example.org",
            "/o=Org/ou=Site/cn=Recipients/cn=mara", "mara@example.org:25");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_EMAIL, "<>", "(null)", "none");
}

static void user__is_one_however_its_domain_is_written(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_USER, "alice", GRAPH_USER, "alice"},
        {GRAPH_USER, "CORP\\Alice", GRAPH_USER, "alice@corp"},
        {GRAPH_USER, "corp\\\\alice", GRAPH_USER, "alice@corp"},
        {GRAPH_USER, "Alice@CORP", GRAPH_USER, "alice@corp"},
        {GRAPH_USER, "alice@corp.example.", GRAPH_USER, "alice@corp.example"},
        {GRAPH_USER, "CORP\\alice@corp.example", GRAPH_USER, "alice@corp.example"},
        {GRAPH_USER, ".\\Alice", GRAPH_USER, "alice"},
        {GRAPH_USER, "-\\Alice", GRAPH_USER, "alice"},
        {GRAPH_USER, "John Smith", GRAPH_USER, "john smith"},
        {GRAPH_USER, "CORP\\NASHUA$", GRAPH_USER, "nashua$@corp"},
        {GRAPH_USER, "NASHUA$", GRAPH_USER, "nashua$"},
        {GRAPH_USER, "NT AUTHORITY\\SYSTEM", GRAPH_USER, "system@nt authority"},
        {GRAPH_USER, "SYSTEM", GRAPH_USER, "system@nt authority"},
        {GRAPH_USER, "S-1-5-18", GRAPH_USER, "system@nt authority"},
        {GRAPH_USER, "LOCAL SERVICE", GRAPH_USER, "local service@nt authority"},
        {GRAPH_USER, "S-1-5-21-1-2-3-1104", GRAPH_USER, "s-1-5-21-1-2-3-1104"},
        {GRAPH_USER, "M\xc3\x9cLLER", GRAPH_USER, "m\xc3\xbcller"},
        {GRAPH_USER, "\xd0\x98\xd0\x92\xd0\x90\xd0\x9d", GRAPH_USER,
         "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd"},
        {GRAPH_TYPE_PRINCIPAL, "pbeesly/DMEVALS.LOCAL", GRAPH_USER, "pbeesly@dmevals.local"},
        {GRAPH_TYPE_PRINCIPAL, "NASHUA$@DMEVALS.LOCAL", GRAPH_USER, "nashua$@dmevals.local"},
        {GRAPH_TYPE_PRINCIPAL, "10.0.0.9", GRAPH_IP, "10.0.0.9"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_USER, "CORP\\", "\\alice", "a\\b\\c", "@corp", "alice@",
            "a@b@c", "a@b\\c", "alice\x07", "al\xff");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_TYPE_PRINCIPAL, "web01", "a/b/c", "/REALM", "a/");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_USER, "-", "-\\-", "S-1-0-0", "CORP\\-", "unknown",
            "N/A@corp");
}

static void path__of_windows_is_lower_case_and_of_others_is_kept(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_PROCESS, "C:\\Windows\\System32\\CMD.EXE", GRAPH_PROCESS,
         "c:\\windows\\system32\\cmd.exe"},
        {GRAPH_PROCESS, "C:\\\\Windows\\\\cmd.exe", GRAPH_PROCESS, "c:\\windows\\cmd.exe"},
        {GRAPH_PROCESS, "C:/Windows/cmd.exe", GRAPH_PROCESS, "c:\\windows\\cmd.exe"},
        {GRAPH_PROCESS, "\"C:\\Program Files\\A b.exe\"", GRAPH_PROCESS,
         "c:\\program files\\a b.exe"},
        {GRAPH_PROCESS, "\\??\\C:\\Windows\\x.exe", GRAPH_PROCESS, "c:\\windows\\x.exe"},
        {GRAPH_PROCESS, "CMD.EXE", GRAPH_PROCESS, "cmd.exe"},
        {GRAPH_PROCESS, "NetworkManager", GRAPH_PROCESS, "NetworkManager"},
        {GRAPH_PROCESS, "/usr/bin/Python3", GRAPH_PROCESS, "/usr/bin/Python3"},
        {GRAPH_FILE, "\\\\?\\UNC\\Server\\Share\\A.txt", GRAPH_FILE, "\\\\server\\share\\a.txt"},
        {GRAPH_FILE, "\\\\Server\\Share", GRAPH_FILE, "\\\\server\\share"},
        {GRAPH_FILE, "/tmp/My\\File", GRAPH_FILE, "/tmp/My\\File"},
        {GRAPH_FILE, "Report.DOCX", GRAPH_FILE, "Report.DOCX"},
        {GRAPH_FILE,
         "C:\\B\xc3\x9c"
         "CHER\\a",
         GRAPH_FILE,
         "c:\\b\xc3\xbc"
         "cher\\a"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_PROCESS, "\"\"", "\"-\"", "' '", "\\??\\-");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_FILE, "a\nb", "\xc0\xaf");
}

static void command__keeps_the_program_and_not_its_arguments(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_TYPE_COMMAND, "C:\\Windows\\cmd.exe /c net use \\\\x\\y hunter2", GRAPH_PROCESS,
         "c:\\windows\\cmd.exe"},
        {GRAPH_TYPE_COMMAND, "\"C:\\Program Files\\App\\a.exe\" -p hunter2", GRAPH_PROCESS,
         "c:\\program files\\app\\a.exe"},
        {GRAPH_TYPE_COMMAND, "C:\\Program Files\\App\\a.exe -p hunter2", GRAPH_PROCESS,
         "c:\\program files\\app\\a.exe"},
        {GRAPH_TYPE_COMMAND, "/usr/bin/mysql -phunter2", GRAPH_PROCESS, "/usr/bin/mysql"},
        {GRAPH_TYPE_COMMAND, "powershell.exe -c \"a\nb\"", GRAPH_PROCESS, "powershell.exe"},
        {GRAPH_TYPE_COMMAND, "curl https://example.org/a.exe", GRAPH_PROCESS, "curl"},
    };
    check_good(examples, 5);
    char text[5000];
    struct graph_value value;
    memset(text, 'x', sizeof text);
    memcpy(text, "/bin/sh -c ", 11);
    assert_int_equal(graph_normalise(GRAPH_TYPE_COMMAND, (struct str){text, sizeof text}, &value),
                     GRAPH_VALUE_GOOD);
    assert_string_equal(value.text, "/bin/sh");
}

static void hash__is_told_by_its_length_and_may_carry_its_name(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_TYPE_HASH, HEX32, GRAPH_MD5, HEX32},
        {GRAPH_TYPE_HASH, HEX40, GRAPH_SHA1, HEX40},
        {GRAPH_TYPE_HASH, HEX64, GRAPH_SHA256, HEX64},
        {GRAPH_TYPE_HASH, HEX128, GRAPH_SHA512, HEX128},
        {GRAPH_TYPE_HASH, "MD5=0123456789ABCDEF0123456789ABCDEF", GRAPH_MD5, HEX32},
        {GRAPH_TYPE_HASH, "sha256:" HEX64, GRAPH_SHA256, HEX64},
        {GRAPH_SHA256, "SHA-256=" HEX64, GRAPH_SHA256, HEX64},
        {GRAPH_MD5, "0123456789ABCDEF0123456789ABCDEF", GRAPH_MD5, HEX32},
        {GRAPH_JA3, "0123456789ABCDEF0123456789ABCDEF", GRAPH_JA3, HEX32},
        {GRAPH_JA3S, HEX32, GRAPH_JA3S, HEX32},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_TYPE_HASH, "IMPHASH=" HEX32, "SHA1=" HEX32, "0123",
            HEX32 "0", "g123456789abcdef0123456789abcdef", HEX128 "00", "md5=");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_SHA1, HEX32, HEX64, "MD5=" HEX40);
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_JA3, HEX40, "771,4865-4866,0-23,29,0");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_TYPE_HASH, "00000000000000000000000000000000",
            "SHA1=0000000000000000000000000000000000000000");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_JA3, "00000000000000000000000000000000");
}

static void cve_certificate_mac_and_registry_key__have_one_spelling(void **state)
{
    (void)state;
    const struct example examples[] = {
        {GRAPH_CVE, "cve-2021-44228", GRAPH_CVE, "CVE-2021-44228"},
        {GRAPH_CVE, "CVE-2014-0160", GRAPH_CVE, "CVE-2014-0160"},
        {GRAPH_CERTIFICATE, "SHA1:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67",
         GRAPH_CERTIFICATE, HEX40},
        {GRAPH_CERTIFICATE, "0123456789ABCDEF 0123456789ABCDEF 0123456789ABCDEF 0123456789ABCDEF",
         GRAPH_CERTIFICATE, HEX64},
        {GRAPH_CERTIFICATE, "06743FC495E54B7B", GRAPH_CERTIFICATE, "06743fc495e54b7b"},
        {GRAPH_CERTIFICATE, "6743FC495E54B7B", GRAPH_CERTIFICATE, "06743fc495e54b7b"},
        {GRAPH_CERTIFICATE, "0x0006743FC495E54B7B", GRAPH_CERTIFICATE, "06743fc495e54b7b"},
        {GRAPH_CERTIFICATE,
         "00:"
         "81:23:45:67",
         GRAPH_CERTIFICATE, "81234567"},
        {GRAPH_MAC, "00-0D-3A-13-E3-69", GRAPH_MAC, "00:0d:3a:13:e3:69"},
        {GRAPH_MAC, "000d.3a13.e369", GRAPH_MAC, "00:0d:3a:13:e3:69"},
        {GRAPH_MAC, "000D3A13E369", GRAPH_MAC, "00:0d:3a:13:e3:69"},
        {GRAPH_REGISTRY_KEY, "HKEY_LOCAL_MACHINE\\Software\\Run", GRAPH_REGISTRY_KEY,
         "HKLM\\software\\run"},
        {GRAPH_REGISTRY_KEY, "hklm\\SOFTWARE\\Run\\", GRAPH_REGISTRY_KEY, "HKLM\\software\\run"},
        {GRAPH_REGISTRY_KEY, "HKLM:\\Software\\\\Run", GRAPH_REGISTRY_KEY, "HKLM\\software\\run"},
        {GRAPH_REGISTRY_KEY, "\\REGISTRY\\MACHINE\\Software\\Run", GRAPH_REGISTRY_KEY,
         "HKLM\\software\\run"},
        {GRAPH_REGISTRY_KEY, "Computer\\HKEY_USERS\\S-1-5-21\\a", GRAPH_REGISTRY_KEY,
         "HKU\\s-1-5-21\\a"},
        {GRAPH_REGISTRY_KEY, "HKEY_CLASSES_ROOT", GRAPH_REGISTRY_KEY, "HKCR"},
    };
    check_good(examples, COUNT(examples));
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_CVE, "CVE-2021-123", "CVE-21-44228", "CVE 2021 44228",
            "CVE-2021-4422a", "CVE-2021-12345678901234567890", "log4j");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_CERTIFICATE, "01", "123456", "xyz", HEX32 "0123456789",
            HEX64 "00", "CN=example.org");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_MAC, "00:0d:3a:13:e3", "00:0d:3a:13:e3:6g",
            "000:d3a:13e:369", "00:0d:3a:13:e3:69:00", "000d3a:13e369", "0:0d:3a:13:e3:690");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_MAC, "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
            "000000000000");
    ALL_ARE(GRAPH_VALUE_PLACEHOLDER, GRAPH_CERTIFICATE, "00:00", "0");
    ALL_ARE(GRAPH_VALUE_INVALID, GRAPH_REGISTRY_KEY, "Software\\Run", "HKXX\\a", "HKLMX\\a",
            "C:\\Windows");
}

static void placeholder__says_nothing_whatever_the_type(void **state)
{
    (void)state;
    for (int type = 0; type < GRAPH_TYPE_COUNT; type++)
        ALL_ARE(GRAPH_VALUE_PLACEHOLDER, type, "", " ", "-", "--", "N/A", "na", "None", "NULL",
                "(null)", "(empty)", " unknown ", "Undefined", "?", "not available");
}

static void value__over_the_limit_is_told_as_too_long(void **state)
{
    (void)state;
    static char text[1 << 20];
    struct graph_value value;
    memset(text, 'a', sizeof text);
    for (int type = 0; type < GRAPH_TYPE_COUNT; type++)
        assert_int_equal(graph_normalise(type, (struct str){text, sizeof text}, &value),
                         type == GRAPH_TYPE_COMMAND ? GRAPH_VALUE_GOOD : GRAPH_VALUE_TOO_LONG);
}

static void kinds_types_and_relations__are_found_by_their_names(void **state)
{
    (void)state;
    int type;
    enum graph_kind kind;
    enum graph_relation_type relation;
    for (int i = 0; i < GRAPH_TYPE_COUNT; i++) {
        assert_true(graph_type_of_name(str_of(graph_type_name(i)), &type));
        assert_int_equal(type, i);
    }
    for (int i = 0; i < GRAPH_KIND_COUNT; i++) {
        const struct graph_kind_info *info = graph_kind_info((enum graph_kind)i);
        assert_true(graph_kind_of_name(str_of(info->name), &kind));
        assert_int_equal(kind, i);
        assert_true(strlen(info->label) > 0 && strlen(info->stix) > 0);
    }
    for (int i = 0; i < GRAPH_RELATION_TYPE_COUNT; i++) {
        const char *name = graph_relation_name((enum graph_relation_type)i);
        assert_true(graph_relation_of_name(str_of(name), &relation));
        assert_int_equal(relation, i);
    }
    assert_false(graph_type_of_name(STR("IP"), &type));
    assert_false(graph_kind_of_name(STR("address"), &kind));
    assert_false(graph_relation_of_name(STR(""), &relation));
    assert_string_equal(graph_kind_stix(GRAPH_IP, STR("10.0.0.1")), "ipv4-addr");
    assert_string_equal(graph_kind_stix(GRAPH_IP, STR("::1")), "ipv6-addr");
    assert_string_equal(graph_kind_stix(GRAPH_DOMAIN, STR("a.b")), "domain-name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ip__has_one_spelling_without_port_zone_and_brackets),
        cmocka_unit_test(ip__agrees_with_the_system_on_random_ipv4_texts),
        cmocka_unit_test(ip__writes_random_ipv6_addresses_as_the_system_does),
        cmocka_unit_test(domain__is_lower_case_ascii_without_the_last_dot),
        cmocka_unit_test(machine__is_ip_host_or_domain_as_its_type_and_text_say),
        cmocka_unit_test(url__has_a_lower_case_front_and_keeps_path_and_query),
        cmocka_unit_test(url__over_the_limit_is_too_long_and_just_at_it_is_good),
        cmocka_unit_test(email__is_lower_case_and_without_the_name_around_it),
        cmocka_unit_test(user__is_one_however_its_domain_is_written),
        cmocka_unit_test(path__of_windows_is_lower_case_and_of_others_is_kept),
        cmocka_unit_test(command__keeps_the_program_and_not_its_arguments),
        cmocka_unit_test(hash__is_told_by_its_length_and_may_carry_its_name),
        cmocka_unit_test(cve_certificate_mac_and_registry_key__have_one_spelling),
        cmocka_unit_test(placeholder__says_nothing_whatever_the_type),
        cmocka_unit_test(value__over_the_limit_is_told_as_too_long),
        cmocka_unit_test(kinds_types_and_relations__are_found_by_their_names),
    };
    return cmocka_run_group_tests_name("normalise", tests, NULL, NULL);
}
