#include "service/web/web_send.h"

#include "service/web/web_body.h"
#include "service/web/web_reply.h"

enum { DEFLATE_LEAST = 1024, INFLATED_MAX = 64 << 20 };

/* Scripts and styles from here alone, no inline code, no frames, no plug-ins; see threat 12. */
static const char content_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'";

/* Whether Accept-Encoding names gzip without refusing it by q=0 (RFC 9110 section 12.5.3). */
static bool accepts_gzip(const struct web_request *request)
{
    struct str rest = web_header(request, "Accept-Encoding");
    while (rest.len > 0) {
        struct str item;
        struct str tail = {0};
        str_cut(rest, ',', &item, &tail);
        rest = tail;
        struct str coding;
        struct str weight = {0};
        str_cut(item, ';', &coding, &weight);
        coding = str_trim(coding);
        if (!str_equal_nocase(coding, STR("gzip")) && !str_equal(coding, STR("*")))
            continue;
        weight = str_trim(weight);
        if (!str_starts(weight, STR("q=0")))
            return true;
        struct str decimals = str_skip(weight, 3); /* "", ".", ".000" refuse */
        for (size_t i = 0; i < decimals.len; i++)
            if (decimals.ptr[i] >= '1' && decimals.ptr[i] <= '9')
                return true;
        return false;
    }
    return false;
}

static bool worth_deflating(struct str content_type)
{
    return str_starts(content_type, STR("text/")) ||
           str_find(content_type, STR("json")) < content_type.len ||
           str_find(content_type, STR("xml")) < content_type.len ||
           str_find(content_type, STR("javascript")) < content_type.len;
}

/* Inflates a static body for a client that does not take gzip. */
static bool inflate_static(struct str gzipped, struct buf *out)
{
    struct web_body body;
    struct fault ignored; /* our own bytes: only memory can fail */
    if (web_body_init(&body, INFLATED_MAX, true, &ignored) != FAULT_NONE)
        return false;
    bool good = web_body_add(&body, gzipped, &ignored) == FAULT_NONE &&
                web_body_end(&body, &ignored) == FAULT_NONE;
    if (good)
        buf_add(out, buf_str(&body.bytes));
    web_body_done(&body);
    return good && out->code == FAULT_NONE;
}

/* The bytes to send; *out_gzip tells whether they are gzip. */
static struct str choose_body(const struct web_request *request, const struct web_reply *reply,
                              struct buf *spare, bool *out_gzip)
{
    struct str body = reply->static_body.ptr ? reply->static_body : buf_str(&reply->body);
    *out_gzip = false;
    if (reply->static_body.ptr && reply->static_gzipped) {
        *out_gzip = accepts_gzip(request) || !inflate_static(body, spare);
        return *out_gzip ? body : buf_str(spare);
    }
    if (body.len <= DEFLATE_LEAST || !worth_deflating(reply->content_type) ||
        web_reply_has(reply, "Content-Encoding") || !accepts_gzip(request))
        return body;
    *out_gzip = web_body_deflate(body, spare);
    return *out_gzip ? buf_str(spare) : body;
}

static void add_headers(struct MHD_Response *response, const struct web_reply *reply, bool gzip,
                        bool closing)
{
    MHD_add_response_header(response, "Content-Security-Policy", content_policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (!web_reply_has(reply, "Cache-Control"))
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (!web_reply_has(reply, "Vary"))
        MHD_add_response_header(response, "Vary", "Accept-Encoding");
    if (gzip)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (closing)
        MHD_add_response_header(response, "Connection", "close");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name.ptr, reply->headers[i].value.ptr);
}

void web_pack(const struct web_request *request, struct web_reply *reply, struct web_packed *out)
{
    if (reply->content_type.len == 0)
        reply->content_type = STR("application/json");
    buf_init(&out->spare, INFLATED_MAX);
    out->body = choose_body(request, reply, &out->spare, &out->gzip);
}

enum MHD_Result web_send(struct MHD_Connection *connection, const struct web_request *request,
                         const struct web_reply *reply, const struct web_packed *packed,
                         bool closing, size_t *out_sent)
{
    const struct str body = packed->body;
    /* PERSISTENT: the exchange keeps the bytes until the library is done with them. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    char content_type[128];
    if (body.len > 0 && str_to_c(reply->content_type, content_type, sizeof content_type))
        MHD_add_response_header(response, "Content-Type", content_type);
    add_headers(response, reply, packed->gzip, closing);
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response); /* the connection holds its own count */
    *out_sent = str_equal(request->method, STR("HEAD")) ? 0 : body.len;
    return queued;
}
