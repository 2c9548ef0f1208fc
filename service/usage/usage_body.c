#include "service/usage/usage_body.h"

#include <string.h>

#include "libs/core/buf.h"
#include "libs/text/json_write.h"

static const char *const forms =
    "application/cloudevents+json, application/cloudevents-batch+json, "
    "application/x-ndjson, or application/json with ce- headers";

/* --- arrays --------------------------------------------------------------------------------- */

/* Where the value at the front ends: at a comma or bracket that is not within it. */
static size_t value_len(struct str text)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && depth == 0 && (c == ',' || c == ']'))
            return i;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return text.len;
}

bool usage_body_next(struct str *rest, struct str *out, bool *out_good)
{
    size_t len = value_len(*rest);
    struct str value = str_trim(str_take(*rest, len));
    bool at_end = len >= rest->len;
    bool closes = !at_end && rest->ptr[len] == ']';
    if (at_end) {
        *out_good = !rest->ptr; /* behind the closing bracket */
        return false;
    }
    const char *rest_was = rest->ptr;
    struct str behind = str_skip(*rest, len + 1);
    if (closes && str_trim(behind).len > 0) {
        *out_good = false;
        return false;
    }
    *rest = closes ? (struct str){NULL, 0} : behind;
    if (closes && value.len == 0 && rest_was[-1] == '[') { /* [], but not [x,] */
        *out_good = true;
        return false;
    }
    *out = value;
    return true;
}

static enum fault_code read_array(struct str text, struct usage_batch *batch, struct fault *fault)
{
    struct str rest = str_trim(text);
    struct str element;
    bool good = true;
    enum fault_code code = FAULT_NONE;
    if (rest.len == 0 || rest.ptr[0] != '[')
        return fault_field(fault, FAULT_INPUT, "body", "a batch must be an array of events");
    rest = str_skip(rest, 1);
    while (code == FAULT_NONE && usage_body_next(&rest, &element, &good))
        code = usage_batch_add(batch, element, fault);
    if (code == FAULT_NONE && !good)
        code = fault_field(fault, FAULT_INPUT, "body",
                           "the body is not one array of events: it was cut, or there is more "
                           "behind it; nothing of it was taken, send it again whole");
    return code;
}

static enum fault_code read_lines(struct str text, struct usage_batch *batch, struct fault *fault)
{
    struct str line;
    enum fault_code code = FAULT_NONE;
    while (text.len > 0 && code == FAULT_NONE) {
        str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (line.len > 0)
            code = usage_batch_add(batch, line, fault);
    }
    return code;
}

/* --- binary mode ---------------------------------------------------------------------------- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Header values are percent-encoded where they are not plain ASCII. What is no encoding stays. */
static void add_decoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? digit_of(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? digit_of(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            buf_add_byte(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_add_byte(out, text.ptr[i]);
        }
    }
}

/* The same event in structured mode. */
static enum fault_code read_binary(struct web_request *request, struct usage_batch *batch,
                                   struct fault *fault)
{
    static const struct {
        const char *header;
        const char *member;
    } attributes[] = {{"ce-specversion", "specversion"},
                      {"ce-type", "type"},
                      {"ce-source", "source"},
                      {"ce-id", "id"},
                      {"ce-time", "time"},
                      {"ce-subject", "subject"},
                      {"ce-traceparent", "traceparent"}};
    struct buf text;
    struct buf value;
    buf_init(&text, USAGE_BODY_MAX + 16 * 1024);
    buf_init(&value, 8192);
    struct json_out json = json_out_to(&text);
    enum fault_code code = FAULT_NONE;
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        struct str header = web_header(request, attributes[i].header);
        if (header.len == 0)
            continue;
        buf_clear(&value);
        add_decoded(&value, header);
        if (!str_is_utf8(buf_str(&value))) /* its repair could be another event's source */
            code = fault_field(fault, FAULT_INPUT, attributes[i].header,
                               "%s is not UTF-8 when decoded", attributes[i].header);
        json_put_text(&json, attributes[i].member, buf_str(&value));
    }
    json_put_raw(&json, "data", request->body.len > 0 ? request->body : STR("null"));
    json_close(&json, '}');
    if (code == FAULT_NONE && request->body.len > 0)
        code = json_check(request->body, fault);
    if (code == FAULT_NONE)
        code = buf_check(&text, "the event", fault);
    if (code == FAULT_NONE) {
        struct str kept = arena_copy(batch->arena, buf_str(&text));
        code = kept.ptr ? usage_batch_add(batch, kept, fault)
                        : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an event");
    }
    buf_done(&value);
    buf_done(&text);
    return code;
}

/* --- the request ---------------------------------------------------------------------------- */

enum fault_code usage_body_read(struct web_request *request, struct usage_batch *batch,
                                struct fault *fault)
{
    struct str type;
    struct str parameters;
    enum fault_code code;
    str_cut(web_header(request, "Content-Type"), ';', &type, &parameters);
    type = str_trim(type);
    bool is_binary = web_header(request, "ce-specversion").len > 0;
    batch->is_single = is_binary || str_equal_nocase(type, STR("application/cloudevents+json"));
    if (is_binary)
        code = read_binary(request, batch, fault);
    else if (batch->is_single && request->body.len == 0)
        code = FAULT_NONE;
    else if (batch->is_single)
        code = usage_batch_add(batch, str_trim(request->body), fault);
    else if (str_equal_nocase(type, STR("application/cloudevents-batch+json")))
        code = read_array(request->body, batch, fault);
    else if (str_equal_nocase(type, STR("application/x-ndjson")))
        code = read_lines(request->body, batch, fault);
    else
        return fault_field(fault, FAULT_INPUT, "Content-Type",
                           "Content-Type is \"%.*s\"; events come as %s",
                           STR_ARG(str_take(type, 64)), forms);
    if (code == FAULT_NONE && batch->count == 0)
        code = fault_field(fault, FAULT_INPUT, "body", "the request holds no event");
    return code;
}
