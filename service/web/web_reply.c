#include "service/web/web_reply.h"

#include <assert.h>

#include "libs/text/json_write.h"

enum { PROBLEM_MAX = 8 * 1024 };

const struct web_problem web_problem_method = {405, "method-not-allowed", "Method not allowed"};
const struct web_problem web_problem_length = {411, "length-required",
                                               "The length of the body is needed"};
const struct web_problem web_problem_target = {414, "address-too-long", "The address is too long"};
const struct web_problem web_problem_encoding = {415, "encoding-unknown", "Unknown body encoding"};
const struct web_problem web_problem_headers = {431, "headers-too-large",
                                                "The headers are too large"};
const struct web_problem web_problem_version = {505, "version-unknown", "Unknown HTTP version"};

const struct web_problem *web_problem_of(enum fault_code code)
{
    static const struct web_problem problems[] = {
        [FAULT_NONE] = {500, "internal", "Internal error"},
        [FAULT_INPUT] = {400, "invalid-input", "The request is not valid"},
        [FAULT_LIMIT] = {413, "over-limit", "More than a limit allows"},
        [FAULT_UNSIGNED] = {401, "not-signed-in", "A valid credential is needed"},
        [FAULT_DENIED] = {403, "not-permitted", "Not permitted"},
        [FAULT_NOT_FOUND] = {404, "not-found", "Not found"},
        [FAULT_CONFLICT] = {409, "conflict", "In conflict with what is there"},
        [FAULT_UNAVAILABLE] = {503, "unavailable", "Not available now"},
        [FAULT_NO_MEMORY] = {503, "no-memory", "Not available now"},
        [FAULT_IO] = {507, "storage-refused", "The service cannot store"},
        [FAULT_CORRUPT] = {500, "stored-data-corrupt", "Stored data is damaged"},
    };
    assert(code >= FAULT_NONE && (size_t)code < sizeof problems / sizeof problems[0]);
    return &problems[code];
}

/* What is said outside: paths and the system's words stay in our log. */
static struct str detail_of(const struct web_problem *problem, const struct fault *fault)
{
    if (problem->status == 507)
        return STR("The disk of the service is full or refuses writing; nothing was stored. "
                   "Its administrator finds the reason in the service's log. Try again later.");
    if (problem->status == 500)
        return STR("The service met an error of its own; its administrator finds the reason in the "
                   "service's log.");
    return str_of(fault->text);
}

static void put_problem(struct json_out *out, const struct web_problem *problem,
                        const struct fault *fault)
{
    struct buf type;
    buf_init(&type, 128);
    buf_addf(&type, "urn:intelgraph:problem:%s", problem->slug);
    json_put_text(out, "type", buf_str(&type));
    buf_done(&type);
    json_put_text(out, "title", str_of(problem->title));
    json_put_whole(out, "status", problem->status);
    json_put_text(out, "detail", detail_of(problem, fault));
    if (fault->field[0])
        json_put_text(out, "field", str_of(fault->field));
}

void web_put_problem(struct json_out *out, const struct fault *fault)
{
    put_problem(out, web_problem_of(fault->code), fault);
}

void web_reply_problem(struct web_request *request, struct web_reply *reply,
                       const struct web_problem *problem, const struct fault *fault)
{
    reply->status = problem->status;
    reply->content_type = STR("application/problem+json");
    reply->static_body = (struct str){0};
    buf_done(&reply->body);
    buf_init(&reply->body, PROBLEM_MAX);

    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    put_problem(&out, problem, fault);
    json_close(&out, '}');

    if (problem->status == 401)
        web_reply_header(request, reply, "WWW-Authenticate", STR("Bearer realm=\"intelgraph\""));
    if (problem->status == 503)
        web_reply_header(request, reply, "Retry-After", STR("5"));
}

void web_reply_fault(struct web_request *request, struct web_reply *reply,
                     const struct fault *fault)
{
    web_reply_problem(request, reply, web_problem_of(fault->code), fault);
}

bool web_reply_has(const struct web_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (str_equal_nocase(reply->headers[i].name, str_of(name)))
            return true;
    return false;
}

void web_reply_header(struct web_request *request, struct web_reply *reply, const char *name,
                      struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        assert((unsigned char)value.ptr[i] >= ' ' && value.ptr[i] != 0x7f);
    struct str kept = arena_copy(request->arena, value);
    if (!kept.ptr)
        return; /* the arena is spent: a reply without this header beats none */
    assert(reply->header_count < WEB_REPLY_HEADERS_MAX);
    reply->headers[reply->header_count++] = (struct web_header){str_of(name), kept};
}

void web_add_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
        if (plain)
            buf_add_byte(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

void web_redirect(struct web_request *request, struct web_reply *reply, struct str location)
{
    reply->status = 303;
    web_reply_header(request, reply, "Location", location);
}
