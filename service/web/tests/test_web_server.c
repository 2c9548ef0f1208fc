/* What a request may be, and what the reply is. Of connections: test_web_connections.c. */
#include "service/web/tests/web_fixture.h"

#include <malloc.h>
#include <stdatomic.h>

static void server__routes_decode_captures_and_queries(void **state)
{
    (void)state;
    struct client_reply reply = client_get(port, "/echo/a%2Fb%20c?x=1&q=k%C3%BChl+1");
    assert_int_equal(reply.status, 200);
    assert_text(reply.body, "path=/echo/a/b c part=a/b c q=k\xc3\xbchl 1 body=");
    client_reply_done(&reply);
    reply = client_get(port, "/rest/0/x001/067.p/12");
    assert_text(reply.body, "path=/rest/0/x001/067.p/12 part=0/x001/067.p/12 q= body=");
    client_reply_done(&reply);
    reply = client_ask(port, "POST", "/echo", "", STR("hello"));
    assert_text(reply.body, "path=/echo part= q= body=hello");
    client_reply_done(&reply);
}

static void server__says_404_and_405_with_what_is_allowed(void **state)
{
    (void)state;
    static const char *const nowhere[] = {"/",         "/nothing", "/echo/",
                                          "/echo/a/b", "/rest/",   "/Echo"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        struct client_reply reply = client_get(port, nowhere[i]);
        assert_int_equal(reply.status, 404);
        assert_true(client_says(&reply, "urn:intelgraph:problem:not-found"));
        client_reply_done(&reply);
    }
    struct client_reply reply = client_ask(port, "DELETE", "/echo", "", STR(""));
    assert_int_equal(reply.status, 405);
    assert_text(client_header(&reply, "Allow"), "GET, HEAD, POST");
    client_reply_done(&reply);
    reply = client_ask(port, "BREW", "/count", "", STR(""));
    assert_int_equal(reply.status, 405);
    client_reply_done(&reply);
}

static void server__answers_HEAD_as_GET_without_a_body(void **state)
{
    (void)state;
    struct client_reply reply = client_ask(port, "HEAD", "/echo", "", STR(""));
    assert_int_equal(reply.status, 200);
    assert_text(client_header(&reply, "Content-Length"), "25");
    assert_int_equal(reply.body.len, 0);
    client_reply_done(&reply);
}

static void server__puts_the_security_headers_on_every_reply(void **state)
{
    (void)state;
    static const char *const targets[] = {"/echo", "/nothing", "/fail/3", "/%zz"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct client_reply reply = client_get(port, targets[i]);
        struct str policy = client_header(&reply, "Content-Security-Policy");
        assert_true(str_starts(policy, STR("default-src 'none'; script-src 'self';")));
        assert_true(str_ends(policy, STR("require-trusted-types-for 'script'")));
        assert_text(client_header(&reply, "X-Content-Type-Options"), "nosniff");
        assert_text(client_header(&reply, "Referrer-Policy"), "no-referrer");
        assert_text(client_header(&reply, "Cache-Control"), "no-store");
        client_reply_done(&reply);
    }
}

static void server__tells_each_fault_as_a_problem(void **state)
{
    (void)state;
    static const struct {
        enum fault_code code;
        int status;
        const char *type;
    } cases[] = {
        {FAULT_INPUT, 400, "urn:intelgraph:problem:invalid-input"},
        {FAULT_LIMIT, 413, "urn:intelgraph:problem:over-limit"},
        {FAULT_UNSIGNED, 401, "urn:intelgraph:problem:not-signed-in"},
        {FAULT_DENIED, 403, "urn:intelgraph:problem:not-permitted"},
        {FAULT_NOT_FOUND, 404, "urn:intelgraph:problem:not-found"},
        {FAULT_CONFLICT, 409, "urn:intelgraph:problem:conflict"},
        {FAULT_UNAVAILABLE, 503, "urn:intelgraph:problem:unavailable"},
        {FAULT_NO_MEMORY, 503, "urn:intelgraph:problem:no-memory"},
        {FAULT_IO, 507, "urn:intelgraph:problem:storage-refused"},
        {FAULT_CORRUPT, 500, "urn:intelgraph:problem:stored-data-corrupt"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[32];
        snprintf(target, sizeof target, "/fail/%d", cases[i].code);
        struct client_reply reply = client_get(port, target);
        assert_int_equal(reply.status, cases[i].status);
        assert_text(client_header(&reply, "Content-Type"), "application/problem+json");
        assert_true(client_says(&reply, cases[i].type));
        assert_true(client_says(&reply, "\"field\":\"colour\""));
        assert_int_equal(client_header(&reply, "Set-Cookie").len, 0);
        assert_int_equal(client_header(&reply, "Retry-After").len > 0, cases[i].status == 503);
        assert_int_equal(client_header(&reply, "WWW-Authenticate").len > 0, cases[i].status == 401);
        assert_int_equal(client_says(&reply, "/secret/path"),
                         cases[i].status < 500 || cases[i].status == 503);
        client_reply_done(&reply);
    }
}

static void web_query_whole__names_the_member_and_its_range(void **state)
{
    (void)state;
    struct client_reply reply = client_get(port, "/count");
    assert_text(reply.body, "{\"limit\":50,\"bytes\":0}");
    client_reply_done(&reply);
    static const char *const wrong[] = {"/count?limit=0",  "/count?limit=201",
                                        "/count?limit=",   "/count?limit=1x",
                                        "/count?limit=-5", "/count?limit=99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        reply = client_get(port, wrong[i]);
        assert_int_equal(reply.status, 400);
        assert_true(client_says(&reply, "\"field\":\"limit\""));
        client_reply_done(&reply);
    }
}

#define RAW(text, expected)                                                                        \
    {                                                                                              \
        {"" text, sizeof(text) - 1}, expected                                                      \
    }
#define END "\r\nConnection: close\r\n\r\n"

static void server__refuses_malformed_requests(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        int status;
    } cases[] = {
        RAW("GET /echo HTTP/1.1\r\nHost: a" END, 200),
        RAW("GET /echo HTTP/1.0" END, 200),
        RAW("GET /echo HTTP/1.1" END, 400), /* no Host */
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nHost: b" END, 400),
        RAW("GET /%00 HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo/%zz HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo/%4 HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo/% HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo/%0d%0aSet-Cookie: HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo/%ff HTTP/1.1\r\nHost: a" END, 400),      /* not UTF-8 */
        RAW("GET /echo/\xc3\xbc HTTP/1.1\r\nHost: a" END, 400), /* not encoded */
        RAW("GET /rest/../echo HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /rest/%2e%2e/echo HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET http://a/echo HTTP/1.1\r\nHost: a" END, 400),
        RAW("OPTIONS * HTTP/1.1\r\nHost: a" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX: a\x01z" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX y: z" END, 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 2" END "hi", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2" END "hi",
            400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 20" END "hi",
            400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +2" END "hi", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -2" END "hi", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2" END "hi", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2" END "hi", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked" END
            "2\r\nhi\r\n0\r\n\r\n",
            400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            "Transfer-Encoding: chunked" END "0\r\n\r\n",
            400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked" END "0\r\n\r\n",
            400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked" END "0\r\n\r\n", 400),
        RAW("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked" END "0\r\n\r\n", 400),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked" END
            "2\r\nhi\r\n0\r\n\r\n",
            411),
        RAW("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 2" END "hi",
            415),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2" END "hi", 400),
        RAW("GET /echo HTTP/2.0\r\nHost: a" END, 505),
        RAW("GARBAGE\r\n\r\n", 0), /* not HTTP at all: closed without a word */
        RAW("GET /echo\r\nHost: a" END, 400),
        RAW("GET /echo HTTP/1.1 \r\nHost: a" END, 400),
        RAW("GET /echo HTTP/1.1\r\n : b\r\nHost: a" END, 400),
        RAW("GET /echo HTTP/1.1\r\nnocolon\r\nHost: a" END, 400),
        /* Only CR LF ends a line, and none is folded (RFC 9112 sections 2.2 and 5.2). */
        RAW("GET /echo HTTP/1.1\nHost: a\nConnection: close\n\n", 400),
        RAW("GET /echo HTTP/1.1\nHost: a" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\nX: y" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\n\r\n", 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX: y\r\n folded" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX:\r\n folded" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX: y\0z" END, 400),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX:" END, 200),
        RAW("GET /echo HTTP/1.1\r\nHost: a\r\nX: \t y \t " END, 200),
        RAW("GET /echo HTTP/1.1\r\nHost:a\r\nX:y" END, 200),
    };
    int mismatches = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply reply = client_raw(port, cases[i].bytes);
        mismatches += reply.status != cases[i].status;
        if (reply.status != cases[i].status)
            print_error("%.*s\n-> %d, want %d", STR_ARG(cases[i].bytes), reply.status,
                        cases[i].status);
        client_reply_done(&reply);
    }
    assert_int_equal(mismatches, 0);
}

static void server__limits_address_and_headers(void **state)
{
    (void)state;
    struct buf request;
    buf_init(&request, 1 << 20);
    buf_add(&request, STR("GET /echo/"));
    for (int i = 0; i < 9000; i++)
        buf_add_byte(&request, 'a');
    buf_add(&request, STR(" HTTP/1.1\r\nHost: a" END));
    struct client_reply reply = client_raw(port, buf_str(&request));
    assert_int_equal(reply.status, 414);
    client_reply_done(&reply);

    buf_clear(&request);
    buf_add(&request, STR("GET /echo HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 64; i++)
        buf_addf(&request, "X-%d: y\r\n", i);
    buf_add(&request, STR("Connection: close\r\n\r\n"));
    reply = client_raw(port, buf_str(&request));
    assert_int_equal(reply.status, 431);
    client_reply_done(&reply);

    buf_clear(&request);
    buf_add(&request, STR("GET /echo HTTP/1.1\r\nHost: a\r\nX: "));
    for (int i = 0; i < 33 * 1024; i++)
        buf_add_byte(&request, 'a');
    buf_add(&request, STR(END));
    reply = client_raw(port, buf_str(&request));
    assert_int_equal(reply.status, 431);
    client_reply_done(&reply);
    buf_done(&request);
}

static void server__inflates_gzip_of_one_or_more_members(void **state)
{
    (void)state;
    struct buf both = gzip_of(STR("hello "));
    struct buf second = gzip_of(STR("world"));
    buf_add(&both, buf_str(&second));
    struct client_reply reply =
        client_ask(port, "POST", "/echo", "Content-Encoding: gzip\r\n", buf_str(&both));
    assert_text(reply.body, "path=/echo part= q= body=hello world");
    client_reply_done(&reply);
    buf_done(&both);
    buf_done(&second);
}

static void server__refuses_gzip_cut_at_every_byte_or_followed_by_other(void **state)
{
    (void)state;
    struct buf whole = gzip_of(STR("hello"));
    for (size_t len = 1; len < whole.len; len++) {
        struct client_reply reply = client_ask(port, "POST", "/echo", "Content-Encoding: gzip\r\n",
                                               str_take(buf_str(&whole), len));
        assert_int_equal(reply.status, 400);
        assert_true(client_says(&reply, "\"field\":\"body\""));
        client_reply_done(&reply);
    }
    buf_add(&whole, STR("more"));
    struct client_reply reply =
        client_ask(port, "POST", "/echo", "Content-Encoding: gzip\r\n", buf_str(&whole));
    assert_int_equal(reply.status, 400);
    client_reply_done(&reply);
    reply = client_ask(port, "POST", "/echo", "Content-Encoding: gzip\r\n", STR("plain text"));
    assert_int_equal(reply.status, 400);
    client_reply_done(&reply);
    buf_done(&whole);
}

static void server__refuses_a_body_over_the_limit_sent_or_inflated(void **state)
{
    (void)state;
    char text[102] = {0};
    memset(text, 'a', sizeof text);
    struct client_reply plain = client_ask(port, "POST", "/echo", "", (struct str){text, 101});
    assert_int_equal(plain.status, 413);
    client_reply_done(&plain);
    static const struct {
        size_t len;
        int status;
    } cases[] = {{99, 200}, {100, 200}, {101, 413}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = gzip_of((struct str){text, cases[i].len});
        struct client_reply reply =
            client_ask(port, "POST", "/echo", "Content-Encoding: gzip\r\n", buf_str(&body));
        assert_int_equal(reply.status, cases[i].status);
        client_reply_done(&reply);
        buf_done(&body);
    }
}

/* Memory through the seam to the system: what is held, and the most that was. */
static atomic_long held_bytes;
static atomic_long most_bytes;

static void *counting_resize(void *ptr, size_t size)
{
    long before = ptr ? (long)malloc_usable_size(ptr) : 0;
    void *now = os_posix.resize(ptr, size);
    long change = (now ? (long)malloc_usable_size(now) : 0) - before;
    long held = atomic_fetch_add(&held_bytes, change) + change;
    if (held > atomic_load(&most_bytes))
        atomic_store(&most_bytes, held);
    return now;
}

static void server__refuses_a_bomb_in_bounded_memory(void **state)
{
    (void)state;
    /* 200 MB of zeros in 200 kB: within the limit as sent, far over it when inflated. */
    struct buf bomb;
    buf_init(&bomb, 1 << 20);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    static unsigned char zeros[1 << 20];
    for (int i = 0; i <= 200; i++) {
        stream.next_in = zeros;
        stream.avail_in = sizeof zeros;
        stream.next_out = (unsigned char *)buf_reserve(&bomb, 8192);
        stream.avail_out = 8192;
        assert_true(deflate(&stream, i < 200 ? Z_NO_FLUSH : Z_FINISH) >= Z_OK);
        buf_extend(&bomb, 8192 - stream.avail_out);
    }
    deflateEnd(&stream);

    web_server_stop(server, 100);
    struct os_platform counting = os_posix;
    counting.resize = counting_resize;
    os_platform_set(&counting);
    struct web_settings settings = client_settings();
    start(&settings);
    long before = atomic_load(&held_bytes);
    for (int i = 0; i < 8; i++) {
        struct client_reply reply =
            client_ask(port, "POST", "/count", "Content-Encoding: gzip\r\n", buf_str(&bomb));
        assert_int_equal(reply.status, 413);
        client_reply_done(&reply);
    }
    web_server_stop(server, 100);
    os_platform_set(&os_posix);
    start(&settings);
    assert_true(atomic_load(&most_bytes) - before < 4 << 20); /* of them 1 MiB is the limit */
    buf_done(&bomb);
}

static void server__refuses_at_once_what_waits_for_100_continue(void **state)
{
    (void)state;
    struct client_reply reply =
        client_raw(port, STR("POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                             "Content-Length: 99999999\r\n\r\n"));
    assert_int_equal(reply.status, 413);
    client_reply_done(&reply);
}

static void server__reads_a_refused_body_so_that_the_refusal_arrives(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 8 << 20);
    memset(buf_reserve(&body, 4 << 20), 'x', 4 << 20);
    buf_extend(&body, 4 << 20);
    struct client_reply reply = client_ask(port, "POST", "/count", "", buf_str(&body));
    assert_int_equal(reply.status, 413);
    assert_true(client_says(&reply, "1048576 bytes"));
    client_reply_done(&reply);
    reply = client_ask(port, "POST", "/nowhere", "", buf_str(&body));
    assert_int_equal(reply.status, 404);
    client_reply_done(&reply);
    buf_done(&body);
}

static void server__compresses_for_those_who_accept(void **state)
{
    (void)state;
    struct client_reply plain = client_get(port, "/large");
    assert_int_equal(client_header(&plain, "Content-Encoding").len, 0);
    struct client_reply refused =
        client_ask(port, "GET", "/large", "Accept-Encoding: gzip;q=0, br\r\n", STR(""));
    assert_int_equal(client_header(&refused, "Content-Encoding").len, 0);
    struct client_reply gzip =
        client_ask(port, "GET", "/large", "Accept-Encoding: br, gzip;q=0.5\r\n", STR(""));
    assert_text(client_header(&gzip, "Content-Encoding"), "gzip");
    assert_text(client_header(&gzip, "Vary"), "Accept-Encoding");
    assert_true(gzip.body.len > 18 && gzip.body.len < plain.body.len / 10);

    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)gzip.body.ptr,
                       .avail_in = (unsigned)gzip.body.len};
    struct buf out;
    buf_init(&out, 1 << 20);
    stream.next_out = (unsigned char *)buf_reserve(&out, 1 << 20);
    stream.avail_out = 1 << 20;
    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    buf_extend(&out, stream.total_out);
    assert_true(str_equal(buf_str(&out), plain.body));
    buf_done(&out);
    client_reply_done(&plain);
    client_reply_done(&refused);
    client_reply_done(&gzip);
}

static void server__inflates_an_asset_for_those_who_do_not_accept(void **state)
{
    (void)state;
    struct client_reply plain = client_get(port, "/packed");
    assert_text(plain.body, "<p>packed</p>");
    assert_int_equal(client_header(&plain, "Content-Encoding").len, 0);
    struct client_reply gzip =
        client_ask(port, "GET", "/packed", "Accept-Encoding: gzip\r\n", STR(""));
    assert_true(str_equal(gzip.body, (struct str){gzipped, sizeof gzipped - 1}));
    assert_text(client_header(&gzip, "Content-Encoding"), "gzip");
    client_reply_done(&plain);
    client_reply_done(&gzip);
}

int main(void)
{
    log_level_set(LOG_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(server__routes_decode_captures_and_queries),
        TEST(server__says_404_and_405_with_what_is_allowed),
        TEST(server__answers_HEAD_as_GET_without_a_body),
        TEST(server__puts_the_security_headers_on_every_reply),
        TEST(server__tells_each_fault_as_a_problem),
        TEST(web_query_whole__names_the_member_and_its_range),
        TEST(server__refuses_malformed_requests),
        TEST(server__limits_address_and_headers),
        TEST(server__inflates_gzip_of_one_or_more_members),
        TEST(server__refuses_gzip_cut_at_every_byte_or_followed_by_other),
        TEST(server__refuses_a_body_over_the_limit_sent_or_inflated),
        TEST(server__refuses_a_bomb_in_bounded_memory),
        TEST(server__refuses_at_once_what_waits_for_100_continue),
        TEST(server__reads_a_refused_body_so_that_the_refusal_arrives),
        TEST(server__compresses_for_those_who_accept),
        TEST(server__inflates_an_asset_for_those_who_do_not_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
