/* /v1/recipients. A secret is told once, when it is made. */
#include "service/notify/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/text/json_expect.h"
#include "service/notify/notify_rules.h"
#include "service/notify/notify_secret.h"
#include "service/notify/notify_sign.h"
#include "service/notify/notify_web.h"

enum { BODY_MAX = 8 * 1024, CREATED = 201, SEALED_MAX = 512 };

/* --- GET ------------------------------------------------------------------------------------ */

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
    notify_put_time(out, "created_at", recipient->created_us);
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
    struct store_list list;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = notify_recipient_list(store, caller.tenant, request->arena, &list, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    const struct notify_recipient *all = list.rows;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    /* Without a way out nothing is delivered: whoever sets up recipients must see it. */
    json_put_boolean(&out, "webhooks", service->sends_webhooks);
    json_put_boolean(&out, "mail", service->sends_mail);
    json_open_at(&out, "recipients", '[');
    for (size_t i = 0; i < list.count; i++)
        put_recipient(&out, &all[i], "");
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- POST: a new one ------------------------------------------------------------------------ */

static enum fault_code read_recipient(const struct web_request *request,
                                      struct notify_recipient *recipient, struct fault *fault)
{
    static const char *const known[] = {"kind", "to", "name"};
    const struct json *body;
    enum fault_code code = json_read(request->arena, request->body, &body, fault);
    if (code == FAULT_NONE)
        code = json_expect_members(body, "body", "the body", known, 3, fault);
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

static enum fault_code draw_id(struct arena *arena, const char *prefix, struct str *out,
                               struct fault *fault)
{
    unsigned char bytes[16];
    char id[NOTIFY_ID_MAX];
    if (os_random(bytes, sizeof bytes) != 0)
        return fault_errno(fault, errno, "no random numbers for an id");
    notify_id_of(prefix, bytes, id);
    *out = arena_copy(arena, str_of(id));
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
}

/* A recipient that gets a secret. */
struct secret_change {
    struct notify_change change;
    struct notify_recipient recipient; /* of a new one */
    char secret[NOTIFY_SECRET_MAX];    /* as it is told; wiped after */
    struct str sealed;                 /* as it is kept */
};

static enum fault_code make_secret(struct secret_change *making, struct str recipient,
                                   struct fault *fault)
{
    const struct notify_change *change = &making->change;
    struct notify_vault vault;
    struct buf sealed;
    enum fault_code code = notify_secret_make(making->secret, fault);
    if (code == FAULT_NONE)
        code = notify_vault_open(change->service->audit, &vault, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&sealed, SEALED_MAX);
    code = notify_secret_seal(&vault, change->caller.tenant, recipient, str_of(making->secret),
                              &sealed, fault);
    if (code == FAULT_NONE) {
        making->sealed = arena_copy(change->request->arena, buf_str(&sealed));
        if (!making->sealed.ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for a secret");
    }
    buf_done(&sealed);
    notify_vault_close(&vault);
    return code;
}

static enum fault_code create_in(struct store *store, void *context, struct fault *fault)
{
    const struct secret_change *making = context;
    const struct notify_recipient *recipient = &making->recipient;
    char what[NOTIFY_ID_MAX + 16];
    enum fault_code code =
        notify_recipient_put(store, making->change.caller.tenant, recipient, making->sealed, fault);
    /* Not its address: that of a webhook may hold a secret. */
    snprintf(what, sizeof what, "%.*s %.*s", STR_ARG(recipient->kind), STR_ARG(recipient->id));
    return code == FAULT_NONE ? notify_change_record(&making->change, store, "recipient.created",
                                                     str_of(what), fault)
                              : code;
}

static enum fault_code create(struct secret_change *making, struct web_reply *reply,
                              struct fault *fault)
{
    struct notify_recipient *recipient = &making->recipient;
    struct web_request *request = making->change.request;
    enum fault_code code = draw_id(request->arena, "rcp_", &recipient->id, fault);
    if (code == FAULT_NONE && str_equal(recipient->kind, STR("webhook")))
        code = make_secret(making, recipient->id, fault);
    if (code != FAULT_NONE)
        return code;
    recipient->state = STR("active");
    recipient->created_us = request->started_us;
    recipient->created_by = making->change.caller.name;
    code = store_pool_write(making->change.service->pool, create_in, making, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    put_recipient(&out, recipient, making->secret);
    reply->status = CREATED;
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code post_recipient(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct secret_change making = {.secret = ""};
    enum fault_code code = notify_change_begin(&making.change, context, request, fault);
    if (code == FAULT_NONE)
        code = read_recipient(request, &making.recipient, fault);
    if (code == FAULT_NONE)
        code = create(&making, reply, fault);
    explicit_bzero(making.secret, sizeof making.secret);
    return code;
}

/* --- POST: a new secret --------------------------------------------------------------------- */

static enum fault_code rotate_in(struct store *store, void *context, struct fault *fault)
{
    const struct secret_change *making = context;
    const struct notify_change *change = &making->change;
    enum fault_code code =
        notify_recipient_rotate(store, change->caller.tenant, change->id, making->sealed,
                                change->request->started_us, fault);
    return code == FAULT_NONE
               ? notify_change_record(change, store, "recipient.secret_changed", change->id, fault)
               : code;
}

static enum fault_code post_secret(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct secret_change making = {.secret = ""};
    enum fault_code code = notify_change_begin(&making.change, context, request, fault);
    if (code == FAULT_NONE)
        code = make_secret(&making, making.change.id, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(making.change.service->pool, rotate_in, &making, fault);
    if (code == FAULT_NONE)
        code = notify_change_answer(&making.change, "active", making.secret, reply, fault);
    explicit_bzero(making.secret, sizeof making.secret);
    return code;
}

/* --- its state ------------------------------------------------------------------------------ */

static enum fault_code delete_in(struct store *store, void *context, struct fault *fault)
{
    const struct notify_change *change = context;
    enum fault_code code = notify_recipient_remove(store, change->caller.tenant, change->id,
                                                   change->request->started_us, fault);
    return code == FAULT_NONE
               ? notify_change_record(change, store, "recipient.deleted", change->id, fault)
               : code;
}

static enum fault_code delete_recipient(void *context, struct web_request *request,
                                        struct web_reply *reply, struct fault *fault)
{
    struct notify_change change;
    enum fault_code code = notify_change_begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, delete_in, &change, fault);
    return code == FAULT_NONE ? notify_change_answer(&change, "deleted", "", reply, fault) : code;
}

static enum fault_code enable_in(struct store *store, void *context, struct fault *fault)
{
    const struct notify_change *change = context;
    enum fault_code code = notify_recipient_enable(store, change->caller.tenant, change->id, fault);
    return code == FAULT_NONE
               ? notify_change_record(change, store, "recipient.enabled", change->id, fault)
               : code;
}

static enum fault_code post_enable(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct notify_change change;
    enum fault_code code = notify_change_begin(&change, context, request, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, enable_in, &change, fault);
    return code == FAULT_NONE ? notify_change_answer(&change, "active", "", reply, fault) : code;
}

/* --- POST: a test --------------------------------------------------------------------------- */

struct trial {
    struct notify_change change;
    struct str key;
};

static enum fault_code enqueue_test(const struct trial *trial, struct store *store,
                                    struct fault *fault)
{
    const struct notify_message message = {
        .tenant = trial->change.caller.tenant,
        .kind = STR("notify.test"),
        .key = trial->key,
        .recipients = &trial->change.id,
        .recipient_count = 1,
        .subject = STR("IntelGraph: a test notice"),
        .text = STR("Somebody asked whether notices reach you. This one did.\n"),
        .json = STR("{\"test\":true}"),
        .now_us = trial->change.request->started_us,
    };
    return notify_enqueue(store, &message, fault);
}

static enum fault_code test_in(struct store *store, void *context, struct fault *fault)
{
    const struct trial *trial = context;
    const struct notify_change *change = &trial->change;
    struct notify_recipient found;
    enum fault_code code = notify_recipient_find(store, change->caller.tenant, change->id,
                                                 change->request->arena, &found, fault);
    if (code == FAULT_NONE && !str_equal(found.state, STR("active")))
        code = fault_field(fault, FAULT_CONFLICT, "id",
                           "the recipient is disabled (%.*s); enable it first",
                           STR_ARG(found.disabled_why));
    if (code == FAULT_NONE)
        code = enqueue_test(trial, store, fault);
    return code == FAULT_NONE
               ? notify_change_record(change, store, "recipient.tested", change->id, fault)
               : code;
}

static enum fault_code post_test(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct trial trial;
    char id[NOTIFY_MESSAGE_ID_MAX];
    enum fault_code code = notify_change_begin(&trial.change, context, request, fault);
    if (code == FAULT_NONE)
        code = draw_id(request->arena, "test_", &trial.key, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(trial.change.service->pool, test_in, &trial, fault);
    if (code != FAULT_NONE)
        return code;
    notify_message_id(trial.change.caller.tenant, trial.key, id);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "message", str_of(id));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

const struct web_route notify_recipient_routes[] = {
    {"GET", "/v1/recipients", get_recipients, 0},
    {"POST", "/v1/recipients", post_recipient, BODY_MAX},
    {"DELETE", "/v1/recipients/{}", delete_recipient, 0},
    {"POST", "/v1/recipients/{}/test", post_test, 0},
    {"POST", "/v1/recipients/{}/secret", post_secret, 0},
    {"POST", "/v1/recipients/{}/enable", post_enable, 0},
    WEB_ROUTES_END,
};
