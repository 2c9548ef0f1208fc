#include "tests/faults/taker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/http/gzip.h"
#include "libs/wire/handoff.h"

enum { HELD_MAX = 8 };

/* The ids that the service has acknowledged in this case. */
static char held[HELD_MAX][WIRE_ID_HEX + 1];
static size_t held_count;
static const char *watched;
static bool saw;

bool taker_holds(const char *id)
{
    for (size_t i = 0; i < held_count; i++)
        if (strcmp(held[i], id) == 0)
            return true;
    return false;
}

static enum fault_code taker_open(const struct http_settings *settings, void **out,
                                  struct fault *fault)
{
    (void)settings;
    (void)fault;
    *out = held;
    return FAULT_NONE;
}

static void taker_close(void *taken)
{
    (void)taken;
}

static struct str last_line(struct str text)
{
    struct str line;
    struct str last = STR("");
    while (wire_next_line(&text, &line))
        last = line;
    return last;
}

static void add_receipt(struct buf *out, const struct wire_handoff *handoff,
                        const struct wire_commit *commit)
{
    wire_add_receipt(out, &(struct wire_receipt){
                              .id = handoff->id,
                              .link = STR("https://ig.example/open"),
                              .duplicate = taker_holds(handoff->id.ptr),
                              .same_content = true,
                              .rows = commit->rows,
                              .entities_new = commit->entities,
                              .relations_new = commit->relations,
                              .committed_us = 1,
                              .audit_origin = STR("intelgraphd/acme"),
                              .checkpoint = STR("checkpoint\n"),
                              .content_sha256 = commit->content_sha256,
                          });
}

/* Takes the whole hand-off that the body is, and answers with its receipt. */
static void take(struct str body, struct http_reply *out)
{
    struct fault fault;
    struct arena arena;
    struct buf text;
    struct str first;
    struct wire_line head;
    struct wire_line commit;
    arena_init(&arena, 16 << 20);
    buf_init(&text, 64 << 20);
    assert_int_equal(gunzip_add(&text, body, &fault), FAULT_NONE);
    struct str rest = buf_str(&text);
    saw = saw || (watched && str_find(rest, str_of(watched)) < rest.len);
    assert_true(wire_next_line(&rest, &first));
    assert_int_equal(wire_read_line(&arena, first, &head, &fault), FAULT_NONE);
    assert_int_equal(wire_read_line(&arena, last_line(rest), &commit, &fault), FAULT_NONE);
    assert_int_equal(head.kind, WIRE_HANDOFF);
    assert_int_equal(commit.kind, WIRE_COMMIT);
    *out = (struct http_reply){.status = 201};
    buf_init(&out->body, HTTP_REPLY_MAX);
    add_receipt(&out->body, &head.handoff, &commit.commit);
    assert_true(held_count < HELD_MAX);
    assert_true(str_to_c(head.handoff.id, held[held_count++], sizeof held[0]));
    buf_done(&text);
    arena_done(&arena);
}

/* Another process: what is refused here is not refused there. */
static enum fault_code taker_send(void *carrier, const struct http_request *request,
                                  struct http_reply *out, struct fault *fault)
{
    (void)carrier;
    (void)fault;
    assert_true(str_equal(request->path, STR("v1/handoffs")));
    const struct os_platform *ours = os_platform_set(&os_posix);
    take(request->body, out);
    os_platform_set(ours);
    return FAULT_NONE;
}

static void block(struct http_reply *out)
{
    *out = (struct http_reply){.status = 402};
    buf_init(&out->body, HTTP_REPLY_MAX);
    buf_add_c(&out->body,
              "{\"budget\":\"bdg_1\",\"budget_name\":\"B\",\"used\":\"9\",\"limit\":\"9\","
              "\"decision\":\"dec_1\",\"contact\":\"c\",\"retry_after_s\":60}");
}

static enum fault_code blocked_send(void *carrier, const struct http_request *request,
                                    struct http_reply *out, struct fault *fault)
{
    (void)carrier;
    (void)request;
    (void)fault;
    const struct os_platform *ours = os_platform_set(&os_posix);
    block(out);
    os_platform_set(ours);
    return FAULT_NONE;
}

static enum fault_code nearly_blocked_send(void *carrier, const struct http_request *request,
                                           struct http_reply *out, struct fault *fault)
{
    return held_count == 0 ? taker_send(carrier, request, out, fault)
                           : blocked_send(carrier, request, out, fault);
}

const struct http_transport taker_transport = {
    .open = taker_open, .send = taker_send, .close = taker_close};

const struct http_transport taker_blocked_transport = {
    .open = taker_open, .send = blocked_send, .close = taker_close};

const struct http_transport taker_nearly_blocked_transport = {
    .open = taker_open, .send = nearly_blocked_send, .close = taker_close};

void taker_watch(const char *text)
{
    watched = text;
    saw = false;
}

bool taker_saw(void)
{
    return saw;
}

void taker_forget(void)
{
    held_count = 0;
}
