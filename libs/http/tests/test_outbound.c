/* Which addresses are called, and what becomes of calls. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/http/outbound.h"

static enum http_outbound_verdict judge(const char *text, const char *allow)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return http_outbound_judge((struct sockaddr *)&four, str_of(allow));
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return http_outbound_judge((struct sockaddr *)&six, str_of(allow));
}

static void expect(enum http_outbound_verdict verdict, const char *allow, const char *const *texts)
{
    for (; *texts; texts++)
        if (judge(*texts, allow) != verdict)
            fail_msg("%s with \"%s\" is judged %d, not %d", *texts, allow, judge(*texts, allow),
                     verdict);
}

static void outbound__opens_the_internet_and_closes_private_networks(void **state)
{
    (void)state;
    expect(HTTP_OUTBOUND_OPEN, "",
           (const char *const[]){"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                                 "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", NULL});
    expect(HTTP_OUTBOUND_CLOSED, "",
           (const char *const[]){"127.0.0.1",        "127.255.255.255", "10.0.0.1",
                                 "172.16.0.1",       "172.31.255.255",  "192.168.1.1",
                                 "100.64.0.1",       "198.18.0.1",      "::1",
                                 "fc00::1",          "fdff::1",         "fec0::1",
                                 "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
                                 "2002:7f00:1::1",   "::127.0.0.1",     "::0.0.1.2",
                                 "2001:db8::1",      "2001:0:1::1",     NULL});
}

static void outbound__never_calls_metadata_whatever_is_allowed(void **state)
{
    (void)state;
    const char *const never[] = {"169.254.169.254",
                                 "169.254.0.1",
                                 "0.0.0.0",
                                 "0.1.2.3",
                                 "100.100.100.200",
                                 "168.63.129.16",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "fe80::1",
                                 "febf::1",
                                 "ff02::1",
                                 "fd00:ec2::254",
                                 "fd20:ce::254",
                                 "::ffff:169.254.169.254",
                                 "64:ff9b::a9fe:a9fe",
                                 "64:ff9b:1::a9fe:a9fe",
                                 "2002:a9fe:a9fe::1",
                                 "::169.254.169.254",
                                 NULL};
    expect(HTTP_OUTBOUND_NEVER, "", never);
    expect(HTTP_OUTBOUND_NEVER, "0.0.0.0/0,::/0", never);
}

static void outbound__calls_private_networks_that_are_named(void **state)
{
    (void)state;
    expect(HTTP_OUTBOUND_ALLOWED, "10.1.0.0/16, fd00::/8,127.0.0.1",
           (const char *const[]){"10.1.2.3", "fd12::1", "127.0.0.1", "::ffff:10.1.0.1", NULL});
    expect(HTTP_OUTBOUND_CLOSED, "10.1.0.0/16, fd00::/8,127.0.0.1",
           (const char *const[]){"10.2.0.1", "127.0.0.2", "::1", NULL});
}

static void outbound__reads_its_options_strictly(void **state)
{
    struct http_outbound_settings settings = {.port_count = 0};
    struct fault fault;
    (void)state;
    assert_int_equal(http_outbound_read_ports(STR("443,465, 587"), &settings, &fault), FAULT_NONE);
    assert_int_equal(settings.port_count, 3);
    assert_int_equal(settings.ports[2], 587);
    static const char *const bad_ports[] = {
        ",",     "443,", "0",    "65536",
        "https", "-1",   "4 43", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    for (size_t i = 0; i < sizeof bad_ports / sizeof bad_ports[0]; i++)
        assert_int_equal(http_outbound_read_ports(str_of(bad_ports[i]), &settings, &fault),
                         FAULT_INPUT);
    assert_int_equal(settings.port_count, 3);
    assert_int_equal(http_outbound_check_allow(STR(""), &fault), FAULT_NONE);
    assert_int_equal(http_outbound_check_allow(STR("10.0.0.0/8,::1"), &fault), FAULT_NONE);
    static const char *const bad_lists[] = {"10.0.0.0/33", "*", "corp.example", "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof bad_lists / sizeof bad_lists[0]; i++)
        assert_int_equal(http_outbound_check_allow(str_of(bad_lists[i]), &fault), FAULT_INPUT);
    static const char *const bad_servers[] = {
        "mail.example", "smtp://mail.example", "http://mail.example:25",
        "smtp://u:p@mail.example:25", "smtps://mail.example:465/x"};
    for (size_t i = 0; i < sizeof bad_servers / sizeof bad_servers[0]; i++) {
        settings.smtp = str_of(bad_servers[i]);
        settings.smtp_from = STR("a@b.c");
        if (http_outbound_check(&settings, &fault) != FAULT_INPUT)
            fail_msg("%s passed", bad_servers[i]);
    }
    settings.smtp = STR("smtps://mail.example:465");
    assert_int_equal(http_outbound_check(&settings, &fault), FAULT_NONE);
    settings.smtp_from = STR("");
    assert_int_equal(http_outbound_check(&settings, &fault), FAULT_INPUT);
}

/* --- calls ---------------------------------------------------------------------------------- */

static int listen_somewhere(int *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

static struct http_outbound *new_outbound(const char *allow, int port)
{
    const struct http_outbound_settings settings = {
        .allow = str_of(allow),
        .ports = {port},
        .port_count = 1,
        .user_agent = STR("test"),
        .timeout_ms = 1500,
    };
    struct http_outbound *outbound;
    struct fault fault;
    if (http_outbound_new(&settings, &outbound, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
    return outbound;
}

static void begin(struct http_outbound *outbound, uint64_t ticket, const char *url)
{
    const struct http_outbound_request request = {
        .ticket = ticket,
        .kind = HTTP_OUTBOUND_WEBHOOK,
        .to = str_of(url),
        .headers = STR("content-type: application/json\nwebhook-id: msg_1\n"),
        .body = STR("{\"a\":1}"),
    };
    struct fault fault;
    if (http_outbound_add(outbound, &request, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
}

static void begin_local(struct http_outbound *outbound, uint64_t ticket, int port)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hook", port);
    begin(outbound, ticket, url);
}

static struct http_outbound_answer await(struct http_outbound *outbound)
{
    struct http_outbound_answer answer;
    for (int i = 0; i < 400; i++) {
        http_outbound_wait(outbound, -1, 10);
        if (http_outbound_take(outbound, &answer))
            return answer;
    }
    fail_msg("no answer came");
    return answer;
}

/* What came in, and an answer to it. */
static void serve_one(int fd, const char *reply, char *out, size_t size)
{
    int peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    size_t len = 0;
    while (len < size - 1) {
        ssize_t got = recv(peer, out + len, size - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        out[len] = '\0';
        if (strstr(out, "{\"a\":1}"))
            break;
    }
    out[len] = '\0';
    assert_true(send(peer, reply, strlen(reply), MSG_NOSIGNAL) > 0);
    close(peer);
}

static void outbound__calls_an_allowed_address_with_the_headers_given(void **state)
{
    char said[4096];
    int port;
    int fd = listen_somewhere(&port);
    struct http_outbound *outbound = new_outbound("127.0.0.0/8", port);
    (void)state;
    begin_local(outbound, 7, port);
    for (int i = 0; i < 20; i++)
        http_outbound_wait(outbound, -1, 5);
    serve_one(fd, "HTTP/1.1 204 No Content\r\n\r\n", said, sizeof said);
    struct http_outbound_answer answer = await(outbound);
    assert_int_equal(answer.ticket, 7);
    assert_int_equal(answer.status, 204);
    assert_true(answer.is_good);
    assert_string_equal(answer.error, "");
    assert_non_null(strstr(said, "POST /hook HTTP/1.1\r\n"));
    assert_non_null(strstr(said, "webhook-id: msg_1\r\n"));
    assert_non_null(strstr(said, "\r\n\r\n{\"a\":1}"));
    http_outbound_free(outbound);
    close(fd);
}

static void outbound__follows_no_redirect(void **state)
{
    char said[4096];
    int port;
    int fd = listen_somewhere(&port);
    struct http_outbound *outbound = new_outbound("127.0.0.0/8", port);
    (void)state;
    begin_local(outbound, 1, port);
    for (int i = 0; i < 20; i++)
        http_outbound_wait(outbound, -1, 5);
    serve_one(fd,
              "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nRetry-After: 30\r\n"
              "Content-Length: 0\r\n\r\n",
              said, sizeof said);
    struct http_outbound_answer answer = await(outbound);
    assert_int_equal(answer.status, 302);
    assert_int_equal(answer.retry_after_s, 30);
    assert_false(answer.is_good);
    assert_non_null(strstr(answer.error, "redirects are not followed"));
    http_outbound_free(outbound);
    close(fd);
}

static void outbound__makes_no_connection_to_a_closed_address(void **state)
{
    static const char *const names[] = {"localhost",          "127.0.0.1",  "[::1]",
                                        "[::ffff:127.0.0.1]", "2130706433", "0x7f.1",
                                        "169.254.169.254",    "0"};
    int port;
    int fd = listen_somewhere(&port);
    struct http_outbound *outbound = new_outbound("", port);
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char url[128];
        snprintf(url, sizeof url, "https://%s:%d/", names[i], port);
        begin(outbound, i, url);
        struct http_outbound_answer answer = await(outbound);
        if (!strstr(answer.error, "not called") && !strstr(answer.error, "resolve"))
            fail_msg("%s: %s", names[i], answer.error);
    }
    struct timeval none = {0, 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    assert_int_equal(accept(fd, NULL, NULL), -1);
    http_outbound_free(outbound);
    close(fd);
}

static void outbound__keeps_to_its_ports(void **state)
{
    int port;
    int fd = listen_somewhere(&port);
    struct http_outbound *outbound = new_outbound("127.0.0.0/8", port == 443 ? 444 : 443);
    (void)state;
    begin_local(outbound, 1, port);
    assert_non_null(strstr(await(outbound).error, "--outbound-ports"));
    http_outbound_free(outbound);
    close(fd);
}

static void outbound__is_not_held_up_by_a_slow_one(void **state)
{
    char said[4096];
    int slow_port;
    int slow = listen_somewhere(&slow_port);
    struct http_outbound *outbound = new_outbound("127.0.0.0/8", slow_port);
    (void)state;
    int64_t began_us = os_monotonic_us();
    begin_local(outbound, 1, slow_port); /* is connected, and never answered */
    for (int i = 0; i < 20; i++)
        http_outbound_wait(outbound, -1, 5);
    int first = accept(slow, NULL, NULL);
    begin_local(outbound, 2, slow_port);
    for (int i = 0; i < 20; i++)
        http_outbound_wait(outbound, -1, 5);
    serve_one(slow, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", said, sizeof said);
    assert_int_equal(await(outbound).ticket, 2);
    assert_true(os_monotonic_us() - began_us < 1200000);
    struct http_outbound_answer answer = await(outbound);
    assert_int_equal(answer.ticket, 1);
    assert_non_null(strstr(answer.error, "did not answer within"));
    close(first);
    close(slow);
    http_outbound_free(outbound);
}

static void outbound__refuses_mail_without_a_server(void **state)
{
    struct http_outbound *outbound = new_outbound("", 25);
    const struct http_outbound_request request = {
        .kind = HTTP_OUTBOUND_MAIL, .to = STR("a@b.c"), .body = STR("x")};
    struct fault fault;
    (void)state;
    assert_int_equal(http_outbound_add(outbound, &request, &fault), FAULT_UNAVAILABLE);
    http_outbound_free(outbound);
}

/* --- no memory ------------------------------------------------------------------------------ */

static long left; /* allocations until one is refused; < 0: none is */

static void *refusing_resize(void *ptr, size_t size)
{
    if (size > 0 && left >= 0 && left-- == 0)
        return NULL;
    return os_posix.resize(ptr, size);
}

static bool try_all(int port)
{
    const struct http_outbound_settings settings = {
        .allow = STR("127.0.0.1"),
        .ports = {port},
        .port_count = 1,
        .user_agent = STR("test"),
        .timeout_ms = 300,
    };
    const struct http_outbound_request request = {.kind = HTTP_OUTBOUND_WEBHOOK,
                                                  .to = STR("http://127.0.0.1:9/"),
                                                  .headers = STR("webhook-id: 1\n"),
                                                  .body = STR("{}")};
    struct http_outbound *outbound = NULL;
    struct http_outbound_answer answer;
    struct fault fault;
    bool done = http_outbound_new(&settings, &outbound, &fault) == FAULT_NONE;
    assert_true(done || !outbound);
    if (done)
        done = http_outbound_add(outbound, &request, &fault) == FAULT_NONE;
    if (!done)
        assert_int_equal(fault.code, FAULT_NO_MEMORY);
    for (int i = 0; i < 100 && done; i++) {
        http_outbound_wait(outbound, -1, 10);
        if (http_outbound_take(outbound, &answer))
            break;
        done = i < 99;
    }
    http_outbound_free(outbound);
    return done;
}

static void outbound__bears_the_refusal_of_any_allocation(void **state)
{
    struct os_platform refusing = os_posix;
    const struct os_platform *before = os_platform_set(&refusing);
    bool done = false;
    int refused = 0;
    (void)state;
    refusing.resize = refusing_resize;
    left = -1;
    assert_true(try_all(9)); /* what is made once a process is made now */
    for (long n = 0; !done && n < 5000; n++) {
        left = n;
        (void)try_all(9);
        done = left >= 0; /* fewer than that were asked for */
        refused += !done;
    }
    os_platform_set(before);
    assert_true(done && refused > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outbound__opens_the_internet_and_closes_private_networks),
        cmocka_unit_test(outbound__never_calls_metadata_whatever_is_allowed),
        cmocka_unit_test(outbound__calls_private_networks_that_are_named),
        cmocka_unit_test(outbound__reads_its_options_strictly),
        cmocka_unit_test(outbound__calls_an_allowed_address_with_the_headers_given),
        cmocka_unit_test(outbound__follows_no_redirect),
        cmocka_unit_test(outbound__makes_no_connection_to_a_closed_address),
        cmocka_unit_test(outbound__keeps_to_its_ports),
        cmocka_unit_test(outbound__is_not_held_up_by_a_slow_one),
        cmocka_unit_test(outbound__refuses_mail_without_a_server),
        cmocka_unit_test(outbound__bears_the_refusal_of_any_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
