#include "integrations/splunk-app/native/delivery/courier.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/peers/instance.h"
#include "libs/core/os.h"
#include "libs/http/gzip.h"
#include "libs/text/json.h"

/* Between two tries of a throttled request, when the answer does not say how long. */
#define PAUSE_LEAST_US INT64_C(1000000)

struct courier {
    const struct places *places;
    const struct settings *settings;
    const struct token_session *session;
    struct http_client *client;
    struct http_secret token;
    bool renewed;
    struct refusal refusal; /* the last one of the delivery at hand */
    bool is_refused;        /* that was the last answer */
    int64_t patience_us;    /* what is left of it */
    int64_t waited_us;
};

static enum fault_code sign_in(struct courier *courier, bool renew, struct fault *fault)
{
    enum fault_code code = token_obtain(courier->places, courier->settings, courier->session,
                                        TOKEN_HANDOFF, renew, &courier->token, fault);
    if (code == FAULT_NONE)
        code = instance_client_new(courier->places, courier->settings, &courier->token,
                                   &courier->client, fault);
    return code;
}

enum fault_code courier_new(const struct places *places, const struct settings *settings,
                            const struct token_session *session, struct courier **out,
                            struct fault *fault)
{
    struct courier *courier = os_alloc(sizeof *courier);
    if (!courier)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to send the hand-off");
    courier->places = places;
    courier->settings = settings;
    courier->session = session;
    enum fault_code code = sign_in(courier, false, fault);
    if (code != FAULT_NONE) {
        courier_free(courier);
        return code;
    }
    *out = courier;
    return FAULT_NONE;
}

void courier_free(struct courier *taken)
{
    if (!taken)
        return;
    http_client_free(taken->client);
    http_secret_done(&taken->token);
    os_free(taken);
}

/* --- replies ------------------------------------------------------------------------------- */

/* What the service says of a problem (RFC 9457), else its status. */
static void read_problem(const struct http_reply *reply, struct arena *arena, struct str *out)
{
    const struct json *top;
    struct fault ignored;
    *out = STR("");
    if (json_read(arena, buf_str(&reply->body), &top, &ignored) != FAULT_NONE)
        return;
    if (!json_text(json_member(top, "detail"), out) && !json_text(json_member(top, "title"), out))
        *out = STR("");
}

static enum fault_code fault_of_status(int status)
{
    switch (status) {
    case 401:
        return FAULT_UNSIGNED;
    case 403:
        return FAULT_DENIED;
    case 400:
    case 409:
    case 415:
    case 422:
        return FAULT_INPUT;
    case 413:
        return FAULT_LIMIT;
    default: /* 404 too: another service answers at this address, the next one may be right */
        return FAULT_UNAVAILABLE;
    }
}

static enum fault_code tell_refusal(const struct courier *courier, const struct http_reply *reply,
                                    struct arena *arena, struct fault *fault)
{
    struct str detail;
    if (courier->is_refused)
        return refusal_tell(&courier->refusal, fault);
    read_problem(reply, arena, &detail);
    return fault_set(fault, fault_of_status(reply->status), "IntelGraph answered %d%s%.*s",
                     reply->status, detail.len ? ": " : "", STR_ARG(str_take(detail, 300)));
}

/* --- requests ------------------------------------------------------------------------------ */

/* Whether to ask again: what throttles says when, and the wait must be within the patience. */
static bool wait_for_turn(struct courier *courier)
{
    int64_t pause_us = courier->refusal.retry_after_s * INT64_C(1000000);
    if (courier->refusal.verdict != REFUSAL_THROTTLED)
        return false;
    if (pause_us < PAUSE_LEAST_US)
        pause_us = PAUSE_LEAST_US;
    if (pause_us > courier->patience_us)
        return false;
    os_pause_us(pause_us);
    courier->patience_us -= pause_us;
    courier->waited_us += pause_us;
    return true;
}

/* Each request by itself: what went before it in a large hand-off stands. */
static enum fault_code send(struct courier *courier, const struct http_request *request,
                            struct http_reply *out, struct fault *fault)
{
    for (;;) {
        struct refusal refusal;
        courier->is_refused = false;
        enum fault_code code = http_send(courier->client, request, out, fault);
        if (code != FAULT_NONE)
            return code;
        refusal_read(out, &refusal);
        if (refusal.verdict == REFUSAL_NONE)
            return FAULT_NONE;
        courier->refusal = refusal;
        courier->is_refused = !wait_for_turn(courier);
        if (courier->is_refused)
            return FAULT_NONE;
        buf_done(&out->body);
    }
}

/* Sends `text` as gzipped NDJSON. *out is to be freed when FAULT_NONE is returned. */
static enum fault_code send_lines(struct courier *courier, const char *method, struct str path,
                                  struct str packed, struct http_reply *out, struct fault *fault)
{
    struct http_request request = {
        .method = method,
        .path = path,
        .body = packed,
        .content_type = "application/x-ndjson",
        .gzipped = true,
    };
    return send(courier, &request, out, fault);
}

static enum fault_code send_text(struct courier *courier, const char *method, struct str path,
                                 struct str text, struct http_reply *out, struct fault *fault)
{
    struct buf packed;
    buf_init(&packed, WIRE_PART_MAX + (64 << 10));
    enum fault_code code = gzip_add(&packed, text, fault);
    if (code == FAULT_NONE)
        code = send_lines(courier, method, path, buf_str(&packed), out, fault);
    buf_done(&packed);
    return code;
}

/* 200 and 201 carry a receipt. */
static enum fault_code read_receipt(const struct courier *courier, const struct http_reply *reply,
                                    struct arena *arena, struct wire_receipt *out,
                                    struct fault *fault)
{
    struct fault reading;
    if (reply->status != 200 && reply->status != 201)
        return tell_refusal(courier, reply, arena, fault);
    if (wire_read_receipt(arena, buf_str(&reply->body), out, &reading) != FAULT_NONE)
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "what answers at the address is not IntelGraph: %s", reading.text);
    return FAULT_NONE;
}

static enum fault_code deliver_whole(struct courier *courier, const struct parcel *parcel,
                                     struct arena *arena, struct wire_receipt *out,
                                     struct fault *fault)
{
    struct buf packed;
    struct http_reply reply;
    buf_init(&packed, WIRE_PART_MAX + (64 << 10));
    enum fault_code code = parcel_add(parcel, &packed, fault);
    if (code == FAULT_NONE)
        code = send_lines(courier, "POST", STR("v1/handoffs"), buf_str(&packed), &reply, fault);
    buf_done(&packed);
    if (code != FAULT_NONE)
        return code;
    code = read_receipt(courier, &reply, arena, out, fault);
    buf_done(&reply.body);
    return code;
}

static enum fault_code deliver_part(struct courier *courier, struct str id, size_t number,
                                    struct str lines, struct arena *arena, struct fault *fault)
{
    char path[128];
    struct http_reply reply;
    snprintf(path, sizeof path, "v1/handoffs/%.*s/parts/%zu", STR_ARG(id), number);
    enum fault_code code = send_text(courier, "PUT", str_of(path), lines, &reply, fault);
    if (code != FAULT_NONE)
        return code;
    if (reply.status != 204)
        code = tell_refusal(courier, &reply, arena, fault);
    buf_done(&reply.body);
    return code;
}

/* Opens the hand-off. *out_done when it turns out to be committed already. */
static enum fault_code open_parted(struct courier *courier, const struct parcel *parcel,
                                   struct arena *arena, struct wire_receipt *out, bool *out_done,
                                   struct fault *fault)
{
    struct http_reply reply;
    enum fault_code code =
        send_text(courier, "POST", STR("v1/handoffs"), buf_str(&parcel->head), &reply, fault);
    if (code != FAULT_NONE)
        return code;
    *out_done = reply.status != 202;
    if (*out_done)
        code = read_receipt(courier, &reply, arena, out, fault);
    buf_done(&reply.body);
    return code;
}

static enum fault_code deliver_parted(struct courier *courier, const struct parcel *parcel,
                                      struct arena *arena, struct wire_receipt *out,
                                      struct fault *fault)
{
    struct wire_line head;
    struct http_reply reply;
    char path[128];
    bool done = false;
    struct str line = str_trim(buf_str(&parcel->head));
    enum fault_code code = wire_read_line(arena, line, &head, fault);
    if (code == FAULT_NONE)
        code = open_parted(courier, parcel, arena, out, &done, fault);
    if (code != FAULT_NONE || done)
        return code;
    size_t count = parcel_part_count(parcel);
    for (size_t i = 1; i <= count && code == FAULT_NONE; i++)
        code = deliver_part(courier, head.handoff.id, i, parcel_part(parcel, i), arena, fault);
    if (code != FAULT_NONE)
        return code;
    snprintf(path, sizeof path, "v1/handoffs/%.*s/commit", STR_ARG(head.handoff.id));
    code = send_text(courier, "POST", str_of(path), buf_str(&parcel->commit), &reply, fault);
    if (code != FAULT_NONE)
        return code;
    code = read_receipt(courier, &reply, arena, out, fault);
    buf_done(&reply.body);
    return code;
}

/* The opening of a large hand-off carries no content, so whether it is the same is told from the
 * receipt's digest and ours. */
static enum fault_code compare_content(const struct parcel *parcel, struct arena *arena,
                                       struct wire_receipt *receipt, struct fault *fault)
{
    struct wire_line commit;
    enum fault_code code =
        wire_read_line(arena, str_trim(buf_str(&parcel->commit)), &commit, fault);
    if (code == FAULT_NONE)
        receipt->same_content = str_equal(receipt->content_sha256, commit.commit.content_sha256);
    return code;
}

static enum fault_code deliver(struct courier *courier, const struct parcel *parcel,
                               struct arena *arena, struct wire_receipt *out, struct fault *fault)
{
    return parcel_part_count(parcel) == 1 ? deliver_whole(courier, parcel, arena, out, fault)
                                          : deliver_parted(courier, parcel, arena, out, fault);
}

/* A token for minutes may end on the way, or with the stored one that issued it: another is asked
 * for, once. What went out before stands, nothing is sent twice in effect. */
static enum fault_code deliver_again(struct courier *courier, const struct parcel *parcel,
                                     struct arena *arena, struct wire_receipt *out,
                                     struct fault *fault)
{
    courier->renewed = true;
    http_client_free(courier->client);
    courier->client = NULL;
    http_secret_done(&courier->token);
    enum fault_code code = sign_in(courier, true, fault);
    return code == FAULT_NONE ? deliver(courier, parcel, arena, out, fault) : code;
}

enum fault_code courier_deliver(struct courier *courier, const struct parcel *parcel,
                                int64_t patience_ms, struct arena *arena, struct wire_receipt *out,
                                struct fault *fault)
{
    courier->refusal = (struct refusal){.verdict = REFUSAL_NONE};
    courier->is_refused = false;
    courier->patience_us = patience_ms * 1000;
    courier->waited_us = 0;
    if (!courier->client) /* it could not sign in again; what comes after waits too */
        return fault_set(fault, FAULT_UNSIGNED, "there is no token for IntelGraph");
    enum fault_code code = deliver(courier, parcel, arena, out, fault);
    if (code == FAULT_UNSIGNED && !courier->renewed && !instance_has_own_token(courier->settings))
        code = deliver_again(courier, parcel, arena, out, fault);
    return code == FAULT_NONE ? compare_content(parcel, arena, out, fault) : code;
}

const struct refusal *courier_refusal(const struct courier *courier)
{
    return &courier->refusal;
}

bool courier_is_refused(const struct courier *courier)
{
    return courier->is_refused;
}

int64_t courier_waited_ms(const struct courier *courier)
{
    return courier->waited_us / 1000;
}
