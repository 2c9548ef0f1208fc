/* Connections: many requests on one, slow ones, too many, and whose answers wait for whose. */
#include "service/web/tests/web_fixture.h"

#include <stdatomic.h>

static void server__serves_many_requests_on_one_connection(void **state)
{
    (void)state;
    int fd = client_connect(port);
    for (int i = 0; i < 50; i++) {
        struct buf got;
        buf_init(&got, 65536 * 2);
        assert_true(client_send(fd, STR("GET /echo?q=1 HTTP/1.1\r\nHost: a\r\n\r\n")));
        while (!str_ends(buf_str(&got), STR("q=1 body=")))
            assert_false(client_receive(fd, 20, &got));
        assert_true(str_starts(buf_str(&got), STR("HTTP/1.1 200")));
        buf_done(&got);
    }
    close(fd);
}

static int64_t drip(struct str bytes, int each_ms)
{
    int fd = client_connect(port);
    int64_t began_us = os_monotonic_us();
    struct buf got;
    buf_init(&got, 1 << 20);
    bool cut = false;
    for (size_t i = 0; i < bytes.len && !cut; i++) {
        client_send(fd, (struct str){bytes.ptr + i, 1});
        cut = client_receive(fd, each_ms, &got);
    }
    assert_true(cut);
    assert_int_equal(got.len, 0);
    buf_done(&got);
    close(fd);
    return os_monotonic_us() - began_us;
}

static void server__cuts_who_drips_header_or_body(void **state)
{
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.header_timeout_s = 1;
    start(&settings);
    /* Each takes far longer than a second, a byte at a time, never idle. */
    assert_in_range(drip(STR("GET /echo HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n"), 100), 900000,
                    2500000);
    assert_in_range(drip(STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n"), 100),
                    900000, 2500000);
    int fd = client_connect(port);
    struct buf got;
    buf_init(&got, 1 << 20);
    client_send(fd, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n"));
    bool cut = false;
    int64_t began_us = os_monotonic_us();
    for (int i = 0; i < 40 && !cut; i++) {
        client_send(fd, STR("x"));
        cut = client_receive(fd, 100, &got);
    }
    assert_true(cut);
    assert_in_range(os_monotonic_us() - began_us, 900000, 2500000);
    close(fd);
    buf_done(&got);
    assert_int_equal(web_server_stats(server).cut_connections, 3);
    /* Our own slowness is not held against a client. */
    struct client_reply reply = client_get(port, "/slow");
    assert_text(reply.body, "\"late\"");
    client_reply_done(&reply);
    (void)state;
}

static void server__limits_connections_of_one_address(void **state)
{
    (void)state;
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.connections_per_ip = 3;
    start(&settings);
    int held[3];
    struct buf got;
    buf_init(&got, 1 << 20);
    for (int i = 0; i < 3; i++) {
        held[i] = client_connect(port);
        client_send(held[i], STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_false(client_receive(held[i], 200, &got));
    }
    assert_true(got.len > 0);
    struct client_reply refused = client_get(port, "/echo");
    assert_int_equal(refused.status, 0);
    client_reply_done(&refused);
    assert_int_equal(web_server_stats(server).refused_connections, 1);
    for (int i = 0; i < 3; i++)
        close(held[i]);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    struct client_reply served = client_get(port, "/echo");
    assert_int_equal(served.status, 200);
    client_reply_done(&served);
    buf_done(&got);
}

static void server__stop_lets_a_request_under_way_end(void **state)
{
    (void)state;
    int fd = client_connect(port);
    client_send(fd, STR("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    web_server_stop(server, 2000);
    struct client_reply reply = {0};
    buf_init(&reply.bytes, 1 << 20);
    assert_true(client_receive(fd, 1000, &reply.bytes));
    client_reply_read(&reply);
    assert_int_equal(reply.status, 200);
    assert_text(reply.body, "\"late\"");
    assert_text(client_header(&reply, "Connection"), "close");
    client_reply_done(&reply);
    close(fd);
    struct web_settings settings = client_settings();
    start(&settings);
}

static void server__names_an_address_it_cannot_listen_on(void **state)
{
    (void)state;
    struct fault fault;
    struct web_server *other = NULL;
    struct web_settings settings = client_settings();
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    settings.listen = str_of(taken);
    assert_int_equal(web_server_start(&settings, tables, 1, NULL, &other, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, taken));
    assert_non_null(strstr(fault.text, "another program listens there"));
    static const char *const wrong[] = {
        "",           "8460",           "127.0.0.1",       "127.0.0.1:",   "::1:8460",
        "[::1]",      "host.example:1", "127.0.0.1:65536", "127.0.0.1:-1", "[::1:8460",
        "300.0.0.1:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        settings.listen = str_of(wrong[i]);
        assert_int_equal(web_server_start(&settings, tables, 1, NULL, &other, &fault), FAULT_INPUT);
        assert_string_equal(fault.field, "listen");
    }
    settings.listen = STR("192.0.2.1:8460");
    assert_int_equal(web_server_start(&settings, tables, 1, NULL, &other, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, "this machine has no such address"));
    assert_null(other);
}

/* Refuses the allocation that the countdown ends at; below zero: none. */
static atomic_long until_refusal;

static void *refusing_resize(void *ptr, size_t size)
{
    if (size > 0 && atomic_load(&until_refusal) >= 0 && atomic_fetch_sub(&until_refusal, 1) == 0)
        return NULL;
    return os_posix.resize(ptr, size);
}

static void server__outlives_each_refused_allocation(void **state)
{
    (void)state;
    web_server_stop(server, 100);
    struct os_platform refusing = os_posix;
    refusing.resize = refusing_resize;
    atomic_store(&until_refusal, -1);
    os_platform_set(&refusing);
    struct web_settings settings = client_settings();
    start(&settings);
    struct buf body = gzip_of(STR("hello"));
    int refused = 0;
    bool exhausted = false;
    for (int n = 0; n < 200 && !exhausted; n++) {
        int fd = client_connect(port);
        char head[256];
        snprintf(head, sizeof head,
                 "POST /echo?q=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: "
                 "gzip\r\nAccept-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 body.len);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        struct client_reply reply = {0};
        buf_init(&reply.bytes, CLIENT_REPLY_MAX);
        reply.bytes.ptr = os_posix.resize(NULL, 1 << 18);
        reply.bytes.room = 1 << 18;
        atomic_store(&until_refusal, n);
        client_send(fd, str_of(head));
        client_send(fd, buf_str(&body));
        client_receive(fd, 5000, &reply.bytes);
        exhausted = atomic_exchange(&until_refusal, -1) >= 0;
        client_reply_read(&reply);
        assert_true(reply.status == 200 || reply.status == 503 || reply.status == 500 ||
                    reply.status == 0);
        refused += reply.status != 200;
        client_reply_done(&reply);
        close(fd);
    }
    assert_true(exhausted);
    assert_true(refused >= 3);
    struct client_reply reply = client_get(port, "/echo");
    assert_int_equal(reply.status, 200);
    client_reply_done(&reply);
    web_server_stop(server, 100);
    os_platform_set(&os_posix);
    start(&settings);
    buf_done(&body);
}

static void server__counts_what_it_did(void **state)
{
    (void)state;
    struct web_stats before = web_server_stats(server);
    struct client_reply reply = client_ask(port, "POST", "/echo", "", STR("hello"));
    client_reply_done(&reply);
    reply = client_get(port, "/nothing");
    client_reply_done(&reply);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* counted after it is sent */
    struct web_stats after = web_server_stats(server);
    assert_int_equal(after.requests - before.requests, 2);
    assert_int_equal(after.by_class[2] - before.by_class[2], 1);
    assert_int_equal(after.by_class[4] - before.by_class[4], 1);
    assert_int_equal(after.bytes_in - before.bytes_in, 5);
    assert_true(after.bytes_out > before.bytes_out);
}

/* --- who waits, and who does not ------------------------------------------------------------ */

enum { SLOW_ONES = 6 };

static void ask_slowly(int fds[SLOW_ONES])
{
    for (int i = 0; i < SLOW_ONES; i++) {
        fds[i] = client_connect(port);
        client_send(fds[i], STR("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static void get_answers(const int fds[SLOW_ONES])
{
    for (int i = 0; i < SLOW_ONES; i++) {
        struct buf got;
        buf_init(&got, 1 << 20);
        while (!str_ends(buf_str(&got), STR("\"late\"")))
            assert_false(client_receive(fds[i], 20, &got));
        buf_done(&got);
        close(fds[i]);
    }
}

static void server__holds_up_no_connection_for_a_slow_answer_to_another(void **state)
{
    (void)state;
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.threads = SLOW_ONES + 2;
    start(&settings);
    int fds[SLOW_ONES];
    ask_slowly(fds);
    for (int i = 0; i < 8; i++) {
        struct client_reply reply = client_get(port, "/echo");
        assert_int_equal(reply.status, 200);
        client_reply_done(&reply);
    }
    struct pollfd late[SLOW_ONES];
    for (int i = 0; i < SLOW_ONES; i++)
        late[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    assert_int_equal(poll(late, SLOW_ONES, 0), 0);
    get_answers(fds);
}

static void server__answers_what_is_quick_while_every_thread_waits(void **state)
{
    (void)state;
    int fds[SLOW_ONES];
    ask_slowly(fds); /* of two threads */
    for (int i = 0; i < 8; i++) {
        struct client_reply reply = client_ask(port, "POST", "/unsure", "", STR("now"));
        assert_text(reply.body, "first");
        client_reply_done(&reply);
    }
    struct pollfd last = {.fd = fds[SLOW_ONES - 1], .events = POLLIN};
    assert_int_equal(poll(&last, 1, 0), 0);
    get_answers(fds);
}

static void server__runs_once_more_from_the_start_what_had_to_wait(void **state)
{
    (void)state;
    int tries = atomic_load(&unsure_tries);
    struct client_reply reply = client_ask(port, "POST", "/unsure", "", STR("later"));
    assert_int_equal(reply.status, 200);
    assert_text(reply.body, "second");
    assert_int_equal(client_header(&reply, "X-Try").len, 1);
    assert_text(client_header(&reply, "X-Try"), "2");
    assert_text(client_header(&reply, "Content-Type"), "application/json");
    assert_int_equal(atomic_load(&unsure_tries), tries + 2);
    client_reply_done(&reply);
}

static void server__tries_no_long_request_quickly(void **state)
{
    (void)state;
    static char body[WEB_QUICK_BODY_MAX + 1];
    memset(body, 'x', sizeof body);
    int tries = atomic_load(&unsure_tries);
    struct client_reply reply =
        client_ask(port, "POST", "/unsure", "", (struct str){body, sizeof body});
    assert_text(reply.body, "second");
    assert_int_equal(atomic_load(&unsure_tries), tries + 1);
    client_reply_done(&reply);
}

static atomic_int quick_askings;
static atomic_int askings;

/* Knows who calls itself known at once, and who calls itself a friend after a look. */
static enum fault_code admit(void *service, struct web_request *request, struct fault *fault)
{
    (void)service;
    struct str who = web_header(request, "X-Who");
    atomic_fetch_add(request->quick ? &quick_askings : &askings, 1);
    if (str_equal(who, STR("known")))
        return FAULT_NONE;
    if (request->quick)
        return web_wait(request, fault);
    if (str_equal(who, STR("friend")))
        return FAULT_NONE;
    return fault_set(fault, FAULT_UNSIGNED, "who are you?");
}

static void server__asks_who_sends_much_before_it_reads(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int status;
        int askings; /* that had to wait */
    } cases[] = {{"X-Who: known\r\n", 200, 0},
                 {"X-Who: friend\r\n", 200, 1},
                 {"X-Who: stranger\r\n", 401, 1},
                 {"", 401, 1}};
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.admit = admit;
    start(&settings);
    static char body[300000];
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        atomic_store(&quick_askings, 0);
        atomic_store(&askings, 0);
        struct client_reply reply =
            client_ask(port, "POST", "/count", cases[i].headers, (struct str){body, sizeof body});
        assert_int_equal(reply.status, cases[i].status);
        if (reply.status == 200)
            assert_text(reply.body, "{\"limit\":50,\"bytes\":300000}");
        assert_int_equal(atomic_load(&quick_askings), 1);
        assert_int_equal(atomic_load(&askings), cases[i].askings);
        client_reply_done(&reply);
    }
    struct client_reply small = client_ask(port, "POST", "/echo", "", STR("hi"));
    assert_int_equal(small.status, 200); /* nobody asks about little */
    client_reply_done(&small);
}

/* The end of what is sent is not the end of who waits for the answer (RFC 9112, section 9.6). */
static void answers_after_half_close(const char *method, const char *target, const char *headers,
                                     struct str body)
{
    struct buf request;
    struct client_reply reply = {0};
    buf_init(&request, CLIENT_REPLY_MAX);
    buf_init(&reply.bytes, CLIENT_REPLY_MAX);
    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n", method, target,
             headers, body.len);
    buf_add(&request, body);
    int fd = client_connect(port);
    assert_true(client_send(fd, buf_str(&request)));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    client_receive(fd, 2000, &reply.bytes);
    client_reply_read(&reply);
    if (reply.status != 200)
        fail_msg("%s %s %s: %d", method, target, headers, reply.status);
    close(fd);
    client_reply_done(&reply);
    buf_done(&request);
}

static void server__answers_who_has_closed_its_half_of_the_connection(void **state)
{
    (void)state;
    static char much[300000];
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.admit = admit;
    start(&settings);
    memset(much, 'x', sizeof much);
    struct buf packed = gzip_of(STR("hello"));
    for (int i = 0; i < 5; i++) {
        answers_after_half_close("GET", "/slow", "", STR(""));
        answers_after_half_close("GET", "/echo", "", STR(""));
        answers_after_half_close("POST", "/unsure", "", STR("now"));
        answers_after_half_close("POST", "/unsure", "", STR("later"));
        answers_after_half_close("POST", "/count", "Content-Encoding: gzip\r\nX-Who: friend\r\n",
                                 buf_str(&packed));
        answers_after_half_close("POST", "/count", "X-Who: friend\r\n",
                                 (struct str){much, sizeof much});
    }
    buf_done(&packed);
}

static void server__inflates_a_short_body_for_those_it_knows_only(void **state)
{
    (void)state;
    web_server_stop(server, 100);
    struct web_settings settings = client_settings();
    settings.admit = admit;
    start(&settings);
    static char much[90000];
    struct buf packed = gzip_of((struct str){much, sizeof much});
    struct client_reply reply = client_ask(
        port, "POST", "/count", "Content-Encoding: gzip\r\nX-Who: friend\r\n", buf_str(&packed));
    assert_text(reply.body, "{\"limit\":50,\"bytes\":90000}");
    client_reply_done(&reply);
    reply = client_ask(port, "POST", "/count", "Content-Encoding: gzip\r\nX-Who: stranger\r\n",
                       buf_str(&packed));
    assert_int_equal(reply.status, 401);
    client_reply_done(&reply);
    buf_done(&packed);
}

/* The client left while its answer was made: nobody else notices. */
static void server__outlives_who_leaves_before_the_answer(void **state)
{
    (void)state;
    int fds[SLOW_ONES];
    ask_slowly(fds);
    for (int i = 0; i < SLOW_ONES; i++)
        close(fds[i]);
    struct client_reply reply = client_get(port, "/slow");
    assert_text(reply.body, "\"late\"");
    client_reply_done(&reply);
}

int main(void)
{
    log_level_set(LOG_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(server__serves_many_requests_on_one_connection),
        TEST(server__cuts_who_drips_header_or_body),
        TEST(server__limits_connections_of_one_address),
        TEST(server__stop_lets_a_request_under_way_end),
        TEST(server__names_an_address_it_cannot_listen_on),
        TEST(server__outlives_each_refused_allocation),
        TEST(server__counts_what_it_did),
        TEST(server__holds_up_no_connection_for_a_slow_answer_to_another),
        TEST(server__answers_what_is_quick_while_every_thread_waits),
        TEST(server__runs_once_more_from_the_start_what_had_to_wait),
        TEST(server__tries_no_long_request_quickly),
        TEST(server__asks_who_sends_much_before_it_reads),
        TEST(server__answers_who_has_closed_its_half_of_the_connection),
        TEST(server__inflates_a_short_body_for_those_it_knows_only),
        TEST(server__outlives_who_leaves_before_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
