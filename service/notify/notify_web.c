#include "service/notify/notify_web.h"

#include "libs/text/time.h"

enum { WHAT_MAX = 120 };

enum fault_code notify_change_begin(struct notify_change *change, struct service *service,
                                    struct web_request *request, struct fault *fault)
{
    *change =
        (struct notify_change){.service = service, .request = request, .id = request->parts[0]};
    return identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &change->caller, fault);
}

enum fault_code notify_change_record(const struct notify_change *change, struct store *store,
                                     const char *action, struct str what, struct fault *fault)
{
    const struct identity_change entry = {.action = action, .reason = str_take(what, WHAT_MAX)};
    return identity_change_record(change->service->audit, store, change->request, &change->caller,
                                  &entry, fault);
}

enum fault_code notify_change_answer(const struct notify_change *change, const char *state,
                                     const char *secret, struct web_reply *reply,
                                     struct fault *fault)
{
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "id", change->id);
    json_put_text(&out, "state", str_of(state));
    if (secret[0])
        json_put_text(&out, "secret", str_of(secret));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

void notify_put_time(struct json_out *out, const char *name, int64_t at_us)
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, at_us);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}
