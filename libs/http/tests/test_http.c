#include "libs/http/client.h"
#include "libs/http/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/os.h"

static void http_check_url__takes_https_and_this_machine_only(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://ig.example/",    "https://ig.example:8460/base/",
        "http://127.0.0.1:8460/", "http://localhost/",
        "http://[::1]:8460/",     "https://[2001:db8::1]/",
    };
    static const char *const bad[] = {
        "",
        "ig.example",
        "ftp://ig.example/",
        "http://ig.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "https://user:pw@ig.example/",
        "https://ig.example",
        "https://ig.example/?a=/",
        "https://ig.example/#/",
        "https:///",
        "https://ig example/",
        "https://ig.example/\r\nX: y/",
        "http://localhost.evil.example/",
        "http://[::2]/",
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (http_check_url(str_of(good[i]), &fault) != FAULT_NONE)
            fail_msg("refused %s: %s", good[i], fault.text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (http_check_url(str_of(bad[i]), &fault) == FAULT_NONE)
            fail_msg("accepted %s", bad[i]);
}

static void http_is_this_machine__looks_at_the_host_alone(void **state)
{
    (void)state;
    static const char *const here[] = {"https://127.0.0.1:8089/", "https://localhost/",
                                       "https://[::1]:8089/x", "https://127.9.9.9"};
    static const char *const elsewhere[] = {"https://10.0.0.5:8089/",
                                            "https://127.0.0.1.example/",
                                            "https://sh1.example/127.0.0.1",
                                            "https://[::2]/",
                                            "127.0.0.1",
                                            ""};
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        if (!http_is_this_machine(str_of(here[i])))
            fail_msg("%s", here[i]);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (http_is_this_machine(str_of(elsewhere[i])))
            fail_msg("%s", elsewhere[i]);
}

static void http_secret__is_one_token_and_is_wiped(void **state)
{
    (void)state;
    struct http_secret secret;
    struct fault fault;
    assert_int_equal(http_secret_set(&secret, STR("  igt_a_b\n"), &fault), FAULT_NONE);
    assert_string_equal(secret.text, "igt_a_b");
    http_secret_done(&secret);
    assert_int_equal(secret.text[0], 0);
    assert_int_equal(http_secret_set(&secret, STR("a\r\nX-Evil: 1"), &fault), FAULT_INPUT);
    assert_null(strstr(fault.text, "Evil"));
    assert_int_equal(http_secret_set(&secret, STR(" \n"), &fault), FAULT_INPUT);
}

static void http_send__says_that_nobody_listens(void **state)
{
    (void)state;
    struct http_client *client;
    struct http_reply reply;
    struct fault fault;
    struct http_settings settings = {
        .base_url = STR("http://127.0.0.1:1/"),
        .user_agent = STR("test"),
        .connect_timeout_ms = 1000,
        .timeout_ms = 2000,
    };
    assert_int_equal(http_client_new(&settings, &client, &fault), FAULT_NONE);
    struct http_request request = {.method = "GET", .path = STR("healthz")};
    assert_int_equal(http_send(client, &request, &reply, &fault), FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "http://127.0.0.1:1/ cannot be reached"));
    http_client_free(client);
}

static void http_client_new__refuses_a_ca_file_that_is_not_there(void **state)
{
    (void)state;
    struct http_client *client;
    struct fault fault;
    struct http_settings settings = {
        .base_url = STR("https://127.0.0.1:1/"), .user_agent = STR("t"), .ca_file = STR("/no/ca")};
    assert_int_equal(http_client_new(&settings, &client, &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "ca_file");
}

static void gzip__gives_back_what_it_took(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    char *data = malloc(SIZE);
    struct buf packed;
    struct buf again;
    struct fault fault;
    unsigned seed = 7;
    assert_non_null(data);
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)('a' + rand_r(&seed) % 16);
    buf_init(&packed, SIZE * 2);
    buf_init(&again, SIZE);
    assert_int_equal(gzip_add(&packed, (struct str){data, SIZE}, &fault), FAULT_NONE);
    assert_true(packed.len < SIZE);
    assert_int_equal(gunzip_add(&again, buf_str(&packed), &fault), FAULT_NONE);
    assert_int_equal(again.len, SIZE);
    assert_memory_equal(again.ptr, data, SIZE);
    buf_done(&packed);
    buf_done(&again);
    free(data);
}

static void gunzip__refuses_what_is_cut_garbled_or_too_large(void **state)
{
    (void)state;
    struct buf packed;
    struct buf again;
    struct fault fault;
    buf_init(&packed, 10000);
    buf_init(&again, 1000);
    assert_int_equal(gzip_add(&packed, STR("hello, hello, hello"), &fault), FAULT_NONE);
    for (size_t len = 0; len < packed.len; len++)
        assert_int_equal(gunzip_add(&again, str_take(buf_str(&packed), len), &fault), FAULT_INPUT);
    packed.ptr[packed.len - 6] ^= 1;
    assert_int_equal(gunzip_add(&again, buf_str(&packed), &fault), FAULT_INPUT);
    assert_int_equal(again.len, 0);

    char zeros[5000] = {0};
    buf_clear(&packed);
    assert_int_equal(gzip_add(&packed, (struct str){zeros, sizeof zeros}, &fault), FAULT_NONE);
    assert_int_equal(gunzip_add(&again, buf_str(&packed), &fault), FAULT_LIMIT);
    buf_done(&packed);
    buf_done(&again);
}

/* --- refusals ------------------------------------------------------------------------------ */

static long left_before_refusal;

static void *refusing_resize(void *ptr, size_t size)
{
    if (size > 0 && left_before_refusal-- == 0)
        return NULL;
    return os_posix.resize(ptr, size);
}

/* Text that gzip cannot make small, so that both directions take several steps. */
static void add_noise(struct buf *out, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        buf_add_byte(out, (char)(state >> 24));
    }
}

static void gzip__tells_want_of_memory_as_that(void **state)
{
    (void)state;
    struct os_platform refusing = os_posix;
    struct buf text;
    struct buf packed;
    struct buf back;
    struct fault fault;
    bool reached = true;
    refusing.resize = refusing_resize;
    buf_init(&text, 1 << 20);
    buf_init(&packed, 2 << 20);
    buf_init(&back, 2 << 20);
    add_noise(&text, 1 << 20);
    assert_int_equal(gzip_add(&packed, buf_str(&text), &fault), FAULT_NONE);
    for (long n = 0; reached; n++) {
        assert_true(n < 100);
        for (int way = 0; way < 2; way++) {
            buf_done(&back);
            buf_init(&back, 2 << 20);
            left_before_refusal = n;
            os_platform_set(&refusing);
            enum fault_code code = way ? gunzip_add(&back, buf_str(&packed), &fault)
                                       : gzip_add(&back, buf_str(&text), &fault);
            os_platform_set(&os_posix);
            reached = left_before_refusal < 0;
            assert_int_equal(code, reached ? FAULT_NO_MEMORY : FAULT_NONE);
            assert_true(code == FAULT_NONE || back.len == 0);
        }
    }
    buf_done(&back);
    buf_done(&packed);
    buf_done(&text);
}

static enum fault_code echo_open(const struct http_settings *settings, void **out,
                                 struct fault *fault)
{
    (void)fault;
    *out = (void *)(uintptr_t)settings->user_agent.ptr;
    return FAULT_NONE;
}

static enum fault_code echo_send(void *carrier, const struct http_request *request,
                                 struct http_reply *out, struct fault *fault)
{
    (void)fault;
    *out = (struct http_reply){.status = 299};
    buf_init(&out->body, HTTP_REPLY_MAX);
    buf_addf(&out->body, "%s %.*s", (const char *)carrier, STR_ARG(request->path));
    return FAULT_NONE;
}

static int closings;

static void echo_close(void *taken)
{
    (void)taken;
    closings++;
}

static void http_send__goes_through_the_transport_that_is_installed(void **state)
{
    (void)state;
    static const struct http_transport echo = {
        .open = echo_open, .send = echo_send, .close = echo_close};
    const struct http_settings settings = {.base_url = STR("https://ig.example/"),
                                           .user_agent = STR("agent")};
    const struct http_settings wrong = {.base_url = STR("http://ig.example/")};
    const struct http_request request = {.method = "GET", .path = STR("v1")};
    struct http_client *client;
    struct http_reply reply;
    struct fault fault;
    const struct http_transport *before = http_transport_set(&echo);
    assert_ptr_equal(before, &http_transport_curl);
    assert_int_equal(http_client_new(&wrong, &client, &fault), FAULT_INPUT);
    assert_int_equal(http_client_new(&settings, &client, &fault), FAULT_NONE);
    http_transport_set(before);
    assert_int_equal(http_send(client, &request, &reply, &fault), FAULT_NONE);
    assert_int_equal(reply.status, 299);
    assert_true(str_equal(buf_str(&reply.body), STR("agent v1")));
    buf_done(&reply.body);
    http_client_free(client);
    assert_int_equal(closings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_check_url__takes_https_and_this_machine_only),
        cmocka_unit_test(http_is_this_machine__looks_at_the_host_alone),
        cmocka_unit_test(http_secret__is_one_token_and_is_wiped),
        cmocka_unit_test(http_send__says_that_nobody_listens),
        cmocka_unit_test(http_client_new__refuses_a_ca_file_that_is_not_there),
        cmocka_unit_test(gzip__gives_back_what_it_took),
        cmocka_unit_test(gunzip__refuses_what_is_cut_garbled_or_too_large),
        cmocka_unit_test(gzip__tells_want_of_memory_as_that),
        cmocka_unit_test(http_send__goes_through_the_transport_that_is_installed),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
