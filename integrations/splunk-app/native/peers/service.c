#include "integrations/splunk-app/native/peers/service.h"

#include <string.h>

#include "integrations/splunk-app/native/peers/splunkd.h"
#include "libs/text/json.h"

enum { TOLD = 300 };

static enum fault_code code_of(int status)
{
    switch (status) {
    case 400:
        return FAULT_INPUT;
    case 401:
        return FAULT_UNSIGNED;
    case 403:
        return FAULT_DENIED;
    case 404:
        return FAULT_NOT_FOUND;
    case 413:
        return FAULT_LIMIT;
    default:
        return FAULT_UNAVAILABLE;
    }
}

/* What to think of an answer that is not intelgraphd's own. */
static struct str otherwise(int status)
{
    if (status == 404)
        return STR("it does not know what it was asked for; it is older than this app, or url is "
                   "not its address");
    if (status >= 300 && status < 400)
        return STR("it leads elsewhere; url must be the address where the service itself answers");
    return STR("without saying why; what stands before the service may have answered in its place");
}

/* The problem document (RFC 9457) says why. */
static enum fault_code tell(const struct http_reply *reply, struct arena *arena,
                            struct fault *fault)
{
    const struct json *top = NULL;
    struct str detail = STR("");
    struct fault ignored;
    if (json_read(arena, buf_str(&reply->body), &top, &ignored) != FAULT_NONE)
        top = NULL;
    if (!json_text(json_member(top, "detail"), &detail))
        detail = otherwise(reply->status);
    return fault_set(fault, code_of(reply->status), "IntelGraph answered %d%s%.*s", reply->status,
                     detail.len ? ": " : "", STR_ARG(str_take(detail, TOLD)));
}

enum fault_code service_get(struct http_client *client, const char *path, struct arena *arena,
                            struct str *out, struct fault *fault)
{
    struct http_request request = {.method = "GET", .path = str_of(path)};
    struct http_reply reply;
    struct str body = {0};
    enum fault_code code = http_send(client, &request, &reply, fault);
    if (code != FAULT_NONE && strcmp(fault->field, HTTP_REPLY) == 0)
        return fault->code = FAULT_LIMIT;
    if (code != FAULT_NONE)
        return code;
    if (reply.status != 200) {
        code = tell(&reply, arena, fault);
    } else {
        body = arena_copy(arena, buf_str(&reply.body));
        if (!body.ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for the service's answer");
    }
    buf_done(&reply.body);
    if (code == FAULT_NONE)
        *out = body;
    return code;
}

void service_add_query(struct buf *path, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    buf_add_byte(path, str_find_byte(buf_str(path), '?') < path->len ? '&' : '?');
    buf_add_c(path, name);
    buf_add_byte(path, '=');
    splunkd_add_part(path, value);
}

void service_add_part(struct buf *path, struct str value)
{
    splunkd_add_part(path, value);
}
