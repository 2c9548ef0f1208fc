/* For tests: a server with routes that show what a request came as, or that fail, wait, or answer
 * with much. */
#ifndef IG_WEB_TESTS_WEB_FIXTURE_H
#define IG_WEB_TESTS_WEB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <zlib.h>

#include <cmocka.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/web/tests/web_client.h"
#include "service/web/web.h"

static enum fault_code echo(void *service, struct web_request *request, struct web_reply *reply,
                            struct fault *fault)
{
    (void)service;
    (void)fault;
    request->gated = true;
    reply->content_type = STR("text/plain");
    buf_addf(&reply->body, "path=%.*s part=%.*s q=%.*s body=%.*s", STR_ARG(request->path),
             STR_ARG(request->parts[0]), STR_ARG(web_query(request, "q")), STR_ARG(request->body));
    return FAULT_NONE;
}

static enum fault_code count(void *service, struct web_request *request, struct web_reply *reply,
                             struct fault *fault)
{
    (void)service;
    request->gated = true;
    int64_t limit;
    enum fault_code code = web_query_whole(request, "limit", 1, 200, 50, &limit, fault);
    if (code != FAULT_NONE)
        return code;
    buf_addf(&reply->body, "{\"limit\":%lld,\"bytes\":%zu}", (long long)limit, request->body.len);
    return FAULT_NONE;
}

static enum fault_code fail_as(void *service, struct web_request *request, struct web_reply *reply,
                               struct fault *fault)
{
    (void)service;
    request->gated = true;
    web_reply_header(request, reply, "Set-Cookie", STR("never=sent"));
    uint64_t code = FAULT_INPUT;
    str_to_u64(request->parts[0], FAULT_CORRUPT, &code);
    return fault_field(fault, (enum fault_code)code, "colour", "the colour /secret/path is wrong");
}

static enum fault_code large(void *service, struct web_request *request, struct web_reply *reply,
                             struct fault *fault)
{
    (void)service;
    (void)fault;
    request->gated = true;
    for (int i = 0; i < 4000; i++)
        buf_addf(&reply->body, "[\"line %d\"]", i % 10);
    return FAULT_NONE;
}

/* gzip of "<p>packed</p>" */
static const char gzipped[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\x29\xb0\x2b\x48\x4c\xce\x4e\x4d\xb1"
    "\xd1\x2f\xb0\x03\x00\x7d\x31\x5c\xf5\x0d\x00\x00\x00";

static enum fault_code packed(void *service, struct web_request *request, struct web_reply *reply,
                              struct fault *fault)
{
    (void)service;
    (void)fault;
    request->gated = true;
    reply->content_type = STR("text/html");
    reply->static_body = (struct str){gzipped, sizeof gzipped - 1};
    reply->static_gzipped = true;
    return FAULT_NONE;
}

static enum fault_code slow(void *service, struct web_request *request, struct web_reply *reply,
                            struct fault *fault)
{
    (void)service;
    (void)fault;
    request->gated = true;
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    buf_add(&reply->body, STR("\"late\""));
    return FAULT_NONE;
}

static atomic_int unsure_tries;

/* Quick for "now"; else it finds out half-way that it must wait. */
static enum fault_code unsure(void *service, struct web_request *request, struct web_reply *reply,
                              struct fault *fault)
{
    (void)service;
    request->gated = true;
    atomic_fetch_add(&unsure_tries, 1);
    buf_add(&reply->body, request->quick ? STR("first") : STR("second"));
    web_reply_header(request, reply, "X-Try", request->quick ? STR("1") : STR("2"));
    if (request->quick && !str_equal(request->body, STR("now"))) {
        reply->content_type = STR("text/never");
        return web_wait(request, fault);
    }
    return FAULT_NONE;
}

static const struct web_route routes[] = {
    {"POST", "/unsure", unsure, 1 << 20, WEB_MEASURE_BY_METHOD, true},
    {"GET", "/echo", echo, 0},
    {"GET", "/echo/{}", echo, 0},
    {"GET", "/rest/{*}", echo, 0},
    {"POST", "/echo", echo, 100},
    {"POST", "/count", count, 1 << 20},
    {"GET", "/count", count, 0},
    {"GET", "/fail/{}", fail_as, 0},
    {"GET", "/large", large, 0},
    {"GET", "/slow", slow, 0},
    {"GET", "/packed", packed, 0},
    WEB_ROUTES_END,
};
static const struct web_route *const tables[] = {routes};

static struct web_server *server;
static int port;

static void start(const struct web_settings *settings)
{
    struct fault fault;
    assert_int_equal(web_server_start(settings, tables, 1, NULL, &server, &fault), FAULT_NONE);
    port = web_server_port(server);
}

static int set_up(void **state)
{
    (void)state;
    struct web_settings settings = client_settings();
    start(&settings);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    web_server_stop(server, 1000);
    server = NULL;
    return 0;
}

#define assert_text(s, literal)                                                                    \
    do {                                                                                           \
        if (!str_equal((s), STR(literal)))                                                         \
            fail_msg("got \"%.*s\", want \"%s\"", STR_ARG(s), literal);                            \
    } while (0)

static struct buf gzip_of(struct str text)
{
    struct buf out;
    buf_init(&out, CLIENT_REPLY_MAX);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&stream, text.len);
    stream.next_in = (unsigned char *)(uintptr_t)text.ptr;
    stream.avail_in = (unsigned)text.len;
    stream.next_out = (unsigned char *)buf_reserve(&out, bound);
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buf_extend(&out, bound - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

#endif
