#include "integrations/splunk-app/native/broker/broker.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/broker/broker_rules.h"
#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/record/trail.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/text/json_write.h"

enum { CALL_ARENA_BYTES = 16 << 20, BODY_BYTES = 4096, SERVER_NAME_MAX = 255 };

struct broker {
    int out_fd;
    struct places places;
    struct broker_cache cache;
};

/* One request under way. */
struct run {
    struct broker *broker;
    struct arena arena; /* wiped at the end: it holds authtokens */
    struct persist_call call;
    struct broker_ask ask;
    struct settings settings;
};

/* --- the steps ----------------------------------------------------------------------------- */

/* Asks splunkd, with the caller's own session, who that is. */
static enum fault_code check_caller(struct run *run, struct fault *fault)
{
    struct splunkd *splunkd;
    struct splunkd_context context;
    if (run->call.user.len == 0 || run->call.authtoken.len == 0)
        return fault_set(fault, FAULT_DENIED,
                         "splunkd did not say who calls; restmap.conf must say passSession = true");
    enum fault_code code = splunkd_new(&run->broker->places, &run->settings, run->call.rest_uri,
                                       run->call.authtoken, &splunkd, fault);
    if (code != FAULT_NONE)
        return code;
    code = splunkd_context_read(splunkd, &run->arena, &context, fault);
    if (code == FAULT_UNSIGNED)
        code = fault->code = FAULT_DENIED;
    if (code == FAULT_NONE)
        code = broker_check_caller(&run->call, &context, run->ask.scope, fault);
    splunkd_free(splunkd);
    return code;
}

/* What splunkd does not say with the request it says when it is asked. */
static enum fault_code name_search_head(struct run *run, struct splunkd *system,
                                        struct fault *fault)
{
    const struct json *top = NULL;
    struct str *name = &run->call.server_name;
    enum fault_code code = FAULT_NONE;
    if (name->len == 0)
        code =
            splunkd_ask(system, STR("services/server/info"), NULL, &run->arena, &top, NULL, fault);
    if (code == FAULT_NONE && name->len == 0 &&
        !json_text(json_member(splunkd_content(top), "serverName"), name))
        code = fault_set(fault, FAULT_UNAVAILABLE, "splunkd did not say its name");
    *name = str_take(*name, SERVER_NAME_MAX);
    return code;
}

static enum fault_code read_stored(struct run *run, struct http_secret *out, struct fault *fault)
{
    struct splunkd *system;
    if (run->call.system_authtoken.len == 0)
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "splunkd gave no system token; restmap.conf must say passSystemAuth = "
                         "true");
    enum fault_code code = splunkd_new(&run->broker->places, &run->settings, run->call.rest_uri,
                                       run->call.system_authtoken, &system, fault);
    if (code != FAULT_NONE)
        return code;
    code = name_search_head(run, system, fault);
    if (code == FAULT_NONE)
        code = splunkd_password(system, STR(BROKER_REALM), run->settings.instance, out, fault);
    splunkd_free(system);
    if (code == FAULT_NOT_FOUND)
        code = fault_set(fault, FAULT_UNSIGNED,
                         "no API token is stored for the instance %.*s; store one on the app's "
                         "settings page",
                         STR_ARG(run->settings.instance));
    return code;
}

static enum fault_code send_request(struct run *run, struct http_client *client,
                                    struct broker_grant *out, struct fault *fault)
{
    struct buf body;
    struct http_reply reply;
    struct fault reading;
    const struct json *top = NULL;
    buf_init(&body, BODY_BYTES);
    broker_request_add(&body, run->call.user, run->ask.scope, run->call.server_name);
    enum fault_code code = buf_check(&body, "the request for a token", fault);
    struct http_request request = {
        .method = "POST",
        .path = STR("v1/tokens"),
        .body = buf_str(&body),
        .content_type = "application/json",
    };
    int64_t asked_us = os_monotonic_us();
    if (code == FAULT_NONE)
        code = http_send(client, &request, &reply, fault);
    buf_done(&body);
    if (code != FAULT_NONE)
        return code == FAULT_DENIED ? fault->code = FAULT_UNAVAILABLE : code;
    if (json_read(&run->arena, buf_str(&reply.body), &top, &reading) != FAULT_NONE)
        top = NULL;
    code = broker_grant_read(&run->settings, reply.status, top, asked_us, out, fault);
    if (reply.body.ptr)
        explicit_bzero(reply.body.ptr, reply.body.len);
    buf_done(&reply.body);
    return code;
}

static enum fault_code issue(struct run *run, struct broker_grant *out, struct fault *fault)
{
    struct http_secret stored;
    struct http_client *client;
    enum fault_code code = read_stored(run, &stored, fault);
    if (code != FAULT_NONE)
        return code;
    code = instance_client_new(&run->broker->places, &run->settings, &stored, &client, fault);
    if (code == FAULT_NONE) {
        code = send_request(run, client, out, fault);
        http_client_free(client);
    }
    http_secret_done(&stored);
    return code;
}

static enum fault_code read_settings(struct run *run, struct fault *fault)
{
    enum fault_code code =
        settings_read(&run->broker->places, run->ask.instance, &run->arena, &run->settings, fault);
    if (code == FAULT_INPUT)
        code = fault->code =
            strcmp(fault->field, "instance") == 0 ? FAULT_NOT_FOUND : FAULT_UNSIGNED;
    if (code == FAULT_NONE && instance_has_own_token(&run->settings))
        code = fault_set(fault, FAULT_UNSIGNED,
                         "the instance %.*s takes its token from a file (credential = file:...); "
                         "there is none to issue",
                         STR_ARG(run->settings.instance));
    return code;
}

/* The capability is asked for each time: who loses it gets nothing more, not even from the cache;
 * and first, so that who has none learns nothing of the instances. */
static enum fault_code grant(struct run *run, struct broker_grant *out, struct fault *fault)
{
    struct broker_cache *cache = &run->broker->cache;
    enum fault_code code = broker_ask_read(&run->call, &run->ask, fault);
    if (code == FAULT_NONE)
        code = settings_read_splunkd(&run->broker->places, &run->arena, &run->settings, fault);
    if (code == FAULT_NONE)
        code = check_caller(run, fault);
    if (code == FAULT_NONE)
        code = read_settings(run, fault);
    if (code == FAULT_NONE)
        code = sha256_ready(fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 key = broker_cache_key(run->call.user, &run->settings, run->ask.scope);
    if (run->ask.renew)
        broker_cache_drop(cache, &key);
    const struct broker_grant *known = broker_cache_find(cache, &key, os_monotonic_us());
    if (known) {
        *out = *known;
        return FAULT_NONE;
    }
    code = issue(run, out, fault);
    if (code == FAULT_NONE)
        broker_cache_put(cache, &key, out);
    return code;
}

/* --- answers ------------------------------------------------------------------------------- */

static void add_grant(const struct run *run, const struct broker_grant *grant, struct buf *out)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "token", (struct str){grant->token.text, grant->token.len});
    json_put_text(&json, "expires_at", str_of(grant->expires_at));
    json_put_text(&json, "instance", run->settings.instance);
    json_put_text(&json, "tenant", run->settings.tenant);
    json_put_text(&json, "scope", str_of(token_scope_name(run->ask.scope)));
    json_close(&json, '}');
}

static void add_error(const struct fault *fault, struct buf *out)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "error", str_of(fault->text));
    json_close(&json, '}');
}

/* What cannot be recorded is refused all the same; then the sentence says that too. */
static void record_refusal(const struct run *run, int status, struct fault *refusal)
{
    struct fault fault;
    const struct trail_refusal entry = {
        .user = run->call.user,
        .instance = run->ask.instance,
        .tenant = run->settings.tenant,
        .scope = run->ask.instance.len > 0 ? str_of(token_scope_name(run->ask.scope)) : STR(""),
        .search_head = run->call.server_name,
        .status = status,
        .fault = refusal,
    };
    if (trail_append_refusal(&run->broker->places, &entry, &fault) != FAULT_NONE) {
        size_t len = strlen(refusal->text);
        snprintf(refusal->text + len, sizeof refusal->text - len,
                 "; and the refusal could not be recorded: %.200s", fault.text);
    }
}

static enum fault_code send_reply(struct broker *broker, int status, const struct buf *payload,
                                  struct fault *fault)
{
    struct buf reply;
    buf_init(&reply, PERSIST_REPLY_MAX);
    if (payload->code == FAULT_NONE)
        persist_reply_add(&reply, status, buf_str(payload));
    else
        persist_reply_add(&reply, 503, STR("{\"error\":\"no memory left for the answer\"}"));
    enum fault_code code = buf_check(&reply, "a reply", fault);
    if (code == FAULT_NONE)
        code = file_write_all(broker->out_fd, buf_str(&reply), "to splunkd", fault);
    if (reply.ptr)
        explicit_bzero(reply.ptr, reply.len);
    buf_done(&reply);
    return code;
}

static enum fault_code answer(struct broker *broker, struct str block, struct fault *fault)
{
    struct run run = {.broker = broker};
    struct broker_grant held = {0};
    struct fault refusal;
    struct buf payload;
    arena_init(&run.arena, CALL_ARENA_BYTES);
    buf_init(&payload, BODY_BYTES);
    enum fault_code code = persist_call_read(&run.arena, block, &run.call, &refusal);
    if (code == FAULT_NONE)
        code = grant(&run, &held, &refusal);
    int status = broker_status_of(code);
    if (code == FAULT_NONE) {
        add_grant(&run, &held, &payload);
    } else {
        record_refusal(&run, status, &refusal);
        add_error(&refusal, &payload);
    }
    code = send_reply(broker, status, &payload, fault);
    if (payload.ptr)
        explicit_bzero(payload.ptr, payload.room);
    buf_done(&payload);
    explicit_bzero(&held, sizeof held);
    arena_wipe(&run.arena);
    return code;
}

static enum fault_code tell_unreadable(struct broker *broker, const struct fault *why,
                                       struct fault *fault)
{
    struct buf payload;
    buf_init(&payload, BODY_BYTES);
    add_error(why, &payload);
    enum fault_code code = send_reply(broker, 400, &payload, fault);
    buf_done(&payload);
    return code;
}

static int serve(struct broker *broker, struct persist_reader *reader)
{
    for (;;) {
        struct persist_packet packet;
        struct fault fault;
        struct fault untold;
        bool end = false;
        if (persist_read(reader, &packet, &end, &fault) != FAULT_NONE) {
            /* Where the next request would begin is not known: this is the end either way. */
            if (tell_unreadable(broker, &fault, &untold) != FAULT_NONE)
                return 1;
            return 1;
        }
        if (end)
            return 0;
        if (answer(broker, packet.block, &fault) != FAULT_NONE)
            return 1;
    }
}

int broker_run(int in_fd, int out_fd)
{
    struct persist_reader reader;
    struct fault fault;
    struct broker *broker = os_alloc(sizeof *broker);
    if (!broker)
        return 1;
    broker->out_fd = out_fd;
    persist_reader_init(&reader, in_fd);
    int status = 1;
    if (places_find(&broker->places, &fault) == FAULT_NONE)
        status = serve(broker, &reader);
    else if (tell_unreadable(broker, &fault, &fault) != FAULT_NONE)
        status = 1;
    persist_reader_done(&reader);
    broker_cache_wipe(&broker->cache);
    os_free(broker);
    return status;
}
