/* /v1/recipients and /v1/deliveries. Changes go on record; a secret is told once, when it is made.
 */
#include "service/notify/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/identity/identity.h"
#include "service/notify/notify_rules.h"
#include "service/notify/notify_secret.h"
#include "service/notify/notify_sign.h"
#include "service/notify/notify_store.h"
#include "service/service.h"

enum { BODY_MAX = 8 * 1024, LIST_USUAL = 50, REASON_MAX = 120, CREATED = 201, SEALED_MAX = 512 };

/* A change on its way: who asks, what of. */
struct change {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    struct str id; /* of the recipient */
    int64_t delivery;
    struct notify_recipient recipient;
    char secret[NOTIFY_SECRET_MAX];
    struct str sealed; /* the secret, as it is kept */
    struct notify_message message;
};

static void put_time(struct json_out *out, const char *name, int64_t at_us)
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, at_us);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}

static enum fault_code begin(struct change *change, struct service *service,
                             struct web_request *request, struct fault *fault)
{
    *change = (struct change){.service = service, .request = request, .id = request->parts[0]};
    return identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &change->caller, fault);
}

static enum fault_code record(const struct change *change, struct store *store, const char *action,
                              const char *what, struct fault *fault)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason, "%s", what);
    const struct identity_change entry = {.action = action, .reason = str_of(reason)};
    return identity_change_record(change->service->audit, store, change->request, &change->caller,
                                  &entry, fault);
}

/* --- recipients: GET ------------------------------------------------------------------------ */

static void put_recipient(struct json_out *out, const struct notify_recipient *recipient,
                          const char *secret)
{
    json_open(out, '{');
    json_put_text(out, "id", recipient->id);
    json_put_text(out, "kind", recipient->kind);
    json_put_text(out, "to", recipient->to);
    json_put_text(out, "name", recipient->name);
    json_put_text(out, "state", recipient->state);
    if (recipient->disabled_why.len > 0)
        json_put_text(out, "disabled_why", recipient->disabled_why);
    json_put_whole(out, "failures", recipient->failures);
    put_time(out, "created_at", recipient->created_us);
    json_put_text(out, "created_by", recipient->created_by);
    if (secret[0])
        json_put_text(out, "secret", str_of(secret));
    json_close(out, '}');
}

static enum fault_code get_recipients(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct store *store;
    size_t count = 0;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &caller, fault);
    struct notify_recipient *all =
        arena_alloc(request->arena, NOTIFY_TENANT_RECIPIENTS_MAX * sizeof *all);
    if (code == FAULT_NONE && !all)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for the recipients");
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = notify_recipient_list(store, caller.tenant, request->arena, all, &count, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    /* Without a way out nothing is delivered: whoever sets up recipients must see it. */
    json_put_boolean(&out, "webhooks", service->sends_webhooks);
    json_put_boolean(&out, "mail", service->sends_mail);
    json_open_at(&out, "recipients", '[');
    for (size_t i = 0; i < count; i++)
        put_recipient(&out, &all[i], "");
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- recipients: POST ----------------------------------------------------------------------- */

static enum fault_code check_members(const struct json *body, struct fault *fault)
{
    if (!json_is_object(body))
        return fault_field(fault, FAULT_INPUT, "body", "the body must be an object");
    for (const struct json *each = json_first(body); each; each = json_next(each)) {
        struct str name = json_name(each);
        if (!str_equal(name, STR("kind")) && !str_equal(name, STR("to")) &&
            !str_equal(name, STR("name")))
            return fault_field(fault, FAULT_INPUT, "body",
                               "the body holds \"%.*s\", which is no member of it; it has kind, to "
                               "and name",
                               STR_ARG(str_take(name, 40)));
    }
    return FAULT_NONE;
}

static enum fault_code read_recipient(struct change *change, struct fault *fault)
{
    struct notify_recipient *recipient = &change->recipient;
    const struct json *body;
    enum fault_code code = json_read(change->request->arena, change->request->body, &body, fault);
    if (code == FAULT_NONE)
        code = check_members(body, fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(body, "kind"), &recipient->kind) ||
        (!str_equal(recipient->kind, STR("webhook")) && !str_equal(recipient->kind, STR("email"))))
        return fault_field(fault, FAULT_INPUT, "kind", "kind must be webhook or email");
    if (!json_text(json_member(body, "to"), &recipient->to))
        return fault_field(fault, FAULT_INPUT, "to", "to must be a URL or an address, as a text");
    if (!json_text(json_member(body, "name"), &recipient->name))
        return fault_field(fault, FAULT_INPUT, "name", "name must be a text");
    code = notify_line_check("name", recipient->name, NOTIFY_NAME_MAX, fault);
    if (code != FAULT_NONE)
        return code;
    return str_equal(recipient->kind, STR("email")) ? notify_address_check(recipient->to, fault)
                                                    : notify_url_check(recipient->to, fault);
}

static enum fault_code draw_id(struct change *change, const char *prefix, struct str *out,
                               struct fault *fault)
{
    unsigned char bytes[16];
    char id[NOTIFY_ID_MAX];
    if (os_random(bytes, sizeof bytes) != 0)
        return fault_errno(fault, errno, "no random numbers for an id");
    notify_id_of(prefix, bytes, id);
    *out = arena_copy(change->request->arena, str_of(id));
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
}

/* A new secret for the recipient, told once and kept sealed. */
static enum fault_code make_secret(struct change *change, struct str recipient, struct fault *fault)
{
    struct notify_vault vault;
    struct buf sealed;
    enum fault_code code = notify_secret_make(change->secret, fault);
    if (code == FAULT_NONE)
        code = notify_vault_open(change->service->audit, &vault, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&sealed, SEALED_MAX);
    code = notify_secret_seal(&vault, change->caller.tenant, recipient, str_of(change->secret),
                              &sealed, fault);
    if (code == FAULT_NONE) {
        change->sealed = arena_copy(change->request->arena, buf_str(&sealed));
        if (!change->sealed.ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for a secret");
    }
    buf_done(&sealed);
    notify_vault_close(&vault);
    return code;
}

static enum fault_code create_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    char what[REASON_MAX];
    enum fault_code code = notify_recipient_put(store, change->caller.tenant, &change->recipient,
                                                change->sealed, fault);
    /* Not its address: that of a webhook may hold a secret. */
    snprintf(what, sizeof what, "%.*s %.*s", STR_ARG(change->recipient.kind),
             STR_ARG(change->recipient.id));
    return code == FAULT_NONE ? record(change, store, "recipient.created", what, fault) : code;
}

static enum fault_code post_recipient(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct change change;
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = read_recipient(&change, fault);
    if (code == FAULT_NONE)
        code = draw_id(&change, "rcp_", &change.recipient.id, fault);
    if (code == FAULT_NONE && str_equal(change.recipient.kind, STR("webhook")))
        code = make_secret(&change, change.recipient.id, fault);
    if (code != FAULT_NONE)
        return code;
    change.recipient.state = STR("active");
    change.recipient.created_us = request->started_us;
    change.recipient.created_by = change.caller.name;
    code = store_pool_write(change.service->pool, create_in, &change, fault);
    if (code == FAULT_NONE) {
        struct json_out out = json_out_to(&reply->body);
        put_recipient(&out, &change.recipient, change.secret);
        reply->status = CREATED;
        code = buf_check(&reply->body, "the answer", fault);
    }
    explicit_bzero(change.secret, sizeof change.secret);
    return code;
}

/* --- one recipient -------------------------------------------------------------------------- */

static enum fault_code say_state(struct web_reply *reply, const struct change *change,
                                 const char *state, struct fault *fault)
{
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "id", change->id);
    json_put_text(&out, "state", str_of(state));
    if (change->secret[0])
        json_put_text(&out, "secret", str_of(change->secret));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code record_id(const struct change *change, struct store *store,
                                 const char *action, struct fault *fault)
{
    char what[REASON_MAX];
    snprintf(what, sizeof what, "%.*s", STR_ARG(str_take(change->id, NOTIFY_ID_MAX)));
    return record(change, store, action, what, fault);
}

static enum fault_code delete_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    enum fault_code code = notify_recipient_remove(store, change->caller.tenant, change->id,
                                                   change->request->started_us, fault);
    return code == FAULT_NONE ? record_id(change, store, "recipient.deleted", fault) : code;
}

static enum fault_code delete_recipient(void *context, struct web_request *request,
                                        struct web_reply *reply, struct fault *fault)
{
    struct change change;
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, delete_in, &change, fault);
    return code == FAULT_NONE ? say_state(reply, &change, "deleted", fault) : code;
}

static enum fault_code enable_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    enum fault_code code = notify_recipient_enable(store, change->caller.tenant, change->id, fault);
    return code == FAULT_NONE ? record_id(change, store, "recipient.enabled", fault) : code;
}

static enum fault_code post_enable(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct change change;
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, enable_in, &change, fault);
    return code == FAULT_NONE ? say_state(reply, &change, "active", fault) : code;
}

static enum fault_code rotate_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    enum fault_code code =
        notify_recipient_rotate(store, change->caller.tenant, change->id, change->sealed,
                                change->request->started_us, fault);
    return code == FAULT_NONE ? record_id(change, store, "recipient.secret_changed", fault) : code;
}

static enum fault_code post_secret(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct change change;
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = make_secret(&change, change.id, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, rotate_in, &change, fault);
    if (code == FAULT_NONE)
        code = say_state(reply, &change, "active", fault);
    explicit_bzero(change.secret, sizeof change.secret);
    return code;
}

static enum fault_code test_in(struct store *store, void *context, struct fault *fault)
{
    struct change *change = context;
    struct notify_recipient found;
    enum fault_code code = notify_recipient_find(store, change->caller.tenant, change->id,
                                                 change->request->arena, &found, fault);
    if (code == FAULT_NONE && !str_equal(found.state, STR("active")))
        code = fault_field(fault, FAULT_CONFLICT, "id",
                           "the recipient is disabled (%.*s); enable it first",
                           STR_ARG(found.disabled_why));
    if (code == FAULT_NONE)
        code = notify_enqueue(store, &change->message, fault);
    return code == FAULT_NONE ? record_id(change, store, "recipient.tested", fault) : code;
}

static enum fault_code post_test(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct change change;
    struct str key;
    char id[NOTIFY_MESSAGE_ID_MAX];
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = draw_id(&change, "test_", &key, fault);
    if (code != FAULT_NONE)
        return code;
    change.message = (struct notify_message){
        .tenant = change.caller.tenant,
        .kind = STR("notify.test"),
        .key = key,
        .recipients = &change.id,
        .recipient_count = 1,
        .subject = STR("IntelGraph: a test notice"),
        .text = STR("Somebody asked whether notices reach you. This one did.\n"),
        .json = STR("{\"test\":true}"),
        .now_us = request->started_us,
    };
    code = store_pool_write(change.service->pool, test_in, &change, fault);
    if (code != FAULT_NONE)
        return code;
    notify_message_id(change.caller.tenant, key, id);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "message", str_of(id));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- deliveries ----------------------------------------------------------------------------- */

#define DELIVERY_PREFIX "dlv_"

static void put_delivery(struct json_out *out, const struct notify_delivery *delivery)
{
    char id[32];
    snprintf(id, sizeof id, DELIVERY_PREFIX "%lld", (long long)delivery->id);
    json_open(out, '{');
    json_put_text(out, "id", str_of(id));
    json_put_text(out, "message", delivery->message);
    json_put_text(out, "kind", delivery->kind);
    json_put_text(out, "subject", delivery->subject);
    json_put_text(out, "recipient", delivery->recipient);
    json_put_text(out, "state", delivery->state);
    json_put_whole(out, "attempts", delivery->attempts);
    json_put_whole(out, "status", delivery->status);
    json_put_text(out, "error", delivery->error);
    put_time(out, "created_at", delivery->created_us);
    if (delivery->ended_us != 0)
        put_time(out, "ended_at", delivery->ended_us);
    else
        put_time(out, "next_at", delivery->next_us);
    json_close(out, '}');
}

static enum fault_code read_delivery_id(struct str text, int64_t *out, struct fault *fault)
{
    uint64_t id;
    if (!str_starts(text, STR(DELIVERY_PREFIX)) ||
        !str_to_u64(str_skip(text, strlen(DELIVERY_PREFIX)), INT64_MAX, &id) || id == 0)
        return fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such delivery");
    *out = (int64_t)id;
    return FAULT_NONE;
}

static enum fault_code read_filter(const struct web_request *request, struct notify_filter *out,
                                   struct fault *fault)
{
    struct notify_filter filter = {.state = web_query(request, "state")};
    struct str before = web_query(request, "before");
    if (filter.state.len > 0 && !str_equal(filter.state, STR("waiting")) &&
        !str_equal(filter.state, STR("delivered")) && !str_equal(filter.state, STR("dead")))
        return fault_field(fault, FAULT_INPUT, "state",
                           "state holds \"%.*s\"; it must be waiting, delivered or dead",
                           STR_ARG(str_take(filter.state, 40)));
    if (before.len > 0 && read_delivery_id(before, &filter.before, fault) != FAULT_NONE)
        return fault_field(fault, FAULT_INPUT, "before",
                           "before holds \"%.*s\"; it must be the id of a delivery, as next gives "
                           "it",
                           STR_ARG(str_take(before, 40)));
    *out = filter;
    return web_query_whole(request, "limit", 1, NOTIFY_PAGE_MAX, LIST_USUAL, &out->limit, fault);
}

static enum fault_code get_deliveries(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct notify_filter filter;
    struct store *store;
    size_t count = 0;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = read_filter(request, &filter, fault);
    struct notify_delivery *all = arena_alloc(request->arena, NOTIFY_PAGE_MAX * sizeof *all);
    if (code == FAULT_NONE && !all)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for the deliveries");
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = notify_delivery_list(store, caller.tenant, &filter, request->arena, all, &count, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    char next[32];
    json_open(&out, '{');
    json_open_at(&out, "deliveries", '[');
    for (size_t i = 0; i < count; i++)
        put_delivery(&out, &all[i]);
    json_close(&out, ']');
    if ((int64_t)count == filter.limit) {
        snprintf(next, sizeof next, DELIVERY_PREFIX "%lld", (long long)all[count - 1].id);
        json_put_text(&out, "next", str_of(next));
    } else {
        json_put_null(&out, "next");
    }
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code replay_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    enum fault_code code = notify_delivery_replay(store, change->caller.tenant, change->delivery,
                                                  change->request->started_us, fault);
    return code == FAULT_NONE ? record_id(change, store, "delivery.replayed", fault) : code;
}

static enum fault_code post_retry(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct change change;
    enum fault_code code = begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = read_delivery_id(change.id, &change.delivery, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, replay_in, &change, fault);
    return code == FAULT_NONE ? say_state(reply, &change, "waiting", fault) : code;
}

const struct web_route notify_routes[] = {
    {"GET", "/v1/recipients", get_recipients, 0},
    {"POST", "/v1/recipients", post_recipient, BODY_MAX},
    {"DELETE", "/v1/recipients/{}", delete_recipient, 0},
    {"POST", "/v1/recipients/{}/test", post_test, 0},
    {"POST", "/v1/recipients/{}/secret", post_secret, 0},
    {"POST", "/v1/recipients/{}/enable", post_enable, 0},
    {"GET", "/v1/deliveries", get_deliveries, 0},
    {"POST", "/v1/deliveries/{}/retry", post_retry, 0},
    WEB_ROUTES_END,
};
