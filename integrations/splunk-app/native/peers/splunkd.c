#include "integrations/splunk-app/native/peers/splunkd.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/peers/instance.h"
#include "libs/core/os.h"

enum {
    CONNECT_TIMEOUT_MS = 3000,
    TIMEOUT_MS = 60000, /* a handler of ours asks the service in its turn */
    PATH_BYTES = 1024,
    ANSWER_ARENA_BYTES = 16 << 20,
};

struct splunkd {
    struct http_client *client;
    struct http_secret authtoken;
    char base_url[256];
};

static enum fault_code set_address(struct splunkd *splunkd, struct str rest_uri,
                                   struct fault *fault)
{
    bool slashed = str_ends(rest_uri, STR("/"));
    int len = snprintf(splunkd->base_url, sizeof splunkd->base_url, "%.*s%s", STR_ARG(rest_uri),
                       slashed ? "" : "/");
    if (rest_uri.len == 0)
        return fault_set(fault, FAULT_UNAVAILABLE, "splunkd did not say where it listens");
    if (len < 0 || (size_t)len >= sizeof splunkd->base_url)
        return fault_set(fault, FAULT_UNAVAILABLE, "splunkd's address is longer than %zu bytes",
                         sizeof splunkd->base_url - 1);
    return FAULT_NONE;
}

enum fault_code splunkd_new(const struct places *places, const struct settings *settings,
                            struct str rest_uri, struct str authtoken, struct splunkd **out,
                            struct fault *fault)
{
    char ca_file[PATH_MAX];
    struct splunkd *splunkd = os_alloc(sizeof *splunkd);
    if (!splunkd)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to ask splunkd");
    enum fault_code code = set_address(splunkd, rest_uri, fault);
    if (code == FAULT_NONE)
        code = instance_path(places, settings->splunkd_ca_file, ca_file, fault);
    if (code == FAULT_NONE)
        code = http_secret_set(&splunkd->authtoken, authtoken, fault);
    if (code == FAULT_NONE) {
        struct str address = str_of(splunkd->base_url);
        struct http_settings http = {
            .base_url = address,
            .ca_file = str_of(ca_file),
            .user_agent = STR("intelgraph/" IG_VERSION),
            .bearer = &splunkd->authtoken,
            .scheme = "Splunk",
            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
            .timeout_ms = TIMEOUT_MS,
        };
        if (http_is_this_machine(address))
            http.peer_name = settings->splunkd_certificate_name;
        code = http_client_new(&http, &splunkd->client, fault);
    }
    if (code != FAULT_NONE) {
        splunkd_free(splunkd);
        /* Nothing of this is the fault of what is to be sent. */
        if (code != FAULT_NO_MEMORY)
            fault->code = FAULT_UNAVAILABLE;
        return fault_prefix(fault, "splunkd cannot be asked: %s",
                            strcmp(fault->field, "ca_file") == 0 ? "[splunkd] " : "");
    }
    *out = splunkd;
    return FAULT_NONE;
}

void splunkd_free(struct splunkd *taken)
{
    if (!taken)
        return;
    http_client_free(taken->client);
    http_secret_done(&taken->authtoken);
    os_free(taken);
}

void splunkd_limit(struct splunkd *splunkd, int timeout_ms)
{
    int connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS;
    http_client_limit(splunkd->client, connect_ms, timeout_ms);
}

/* --- encoding ------------------------------------------------------------------------------ */

void splunkd_add_part(struct buf *out, struct str part)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-_.~", c));
        if (plain) {
            buf_add_byte(out, (char)c);
        } else {
            buf_add_byte(out, '%');
            buf_add_byte(out, digits[c >> 4]);
            buf_add_byte(out, digits[c & 15]);
        }
    }
}

void splunkd_add_field(struct buf *out, const char *name, struct str value)
{
    if (out->len > 0)
        buf_add_byte(out, '&');
    buf_add_c(out, name);
    buf_add_byte(out, '=');
    splunkd_add_part(out, value);
}

/* --- one request --------------------------------------------------------------------------- */

/* {"messages":[{"type":"ERROR","text":"..."}]} of splunkd, {"error":"..."} of a handler of ours. */
static struct str read_sentence(const struct json *top)
{
    struct str text = STR("");
    const struct json *first = json_first(json_member(top, "messages"));
    if (!json_text(json_member(top, "error"), &text) &&
        !json_text(json_member(first, "text"), &text))
        text = STR("");
    return str_take(text, 400);
}

static enum fault_code fault_of_status(int status)
{
    switch (status) {
    case 401:
        return FAULT_UNSIGNED;
    case 403:
        return FAULT_DENIED;
    case 404:
        return FAULT_NOT_FOUND;
    case 409:
        return FAULT_CONFLICT;
    default:
        return FAULT_UNAVAILABLE;
    }
}

static enum fault_code judge(const struct splunkd *splunkd, int status, const struct json *top,
                             struct fault *fault)
{
    struct str said = read_sentence(top);
    enum fault_code code = fault_of_status(status);
    if (status >= 200 && status < 300)
        return FAULT_NONE;
    if (said.len > 0 && json_member(top, "error"))
        return fault_field(fault, code, SPLUNKD_HANDLER, "%.*s", STR_ARG(said));
    switch (code) {
    case FAULT_UNSIGNED:
        return fault_set(fault, code, "splunkd does not know this session; it has expired");
    case FAULT_DENIED:
        return fault_set(fault, code, "splunkd refused: %.*s", STR_ARG(said));
    case FAULT_NOT_FOUND:
        return fault_set(fault, code, "splunkd does not know it: %.*s", STR_ARG(said));
    default:
        return fault_set(fault, code, "splunkd at %s answered %d%s%.*s", splunkd->base_url, status,
                         said.len ? ": " : "", STR_ARG(said));
    }
}

/* The sentence of libs/http speaks of the service's ca_file. */
static enum fault_code tell_untrusted(const struct splunkd *splunkd, struct fault *fault)
{
    return fault_set(fault, FAULT_DENIED,
                     "the certificate of splunkd at %s cannot be trusted; set ca_file and "
                     "certificate_name in [splunkd] of intelgraph.conf to its authority and its "
                     "name",
                     splunkd->base_url);
}

enum fault_code splunkd_ask(struct splunkd *splunkd, struct str path, const struct buf *form,
                            struct arena *arena, const struct json **out_top, int *out_status,
                            struct fault *fault)
{
    char target[PATH_BYTES];
    struct http_reply reply;
    struct fault reading;
    const struct json *top = NULL;
    if (snprintf(target, sizeof target, "%.*s?output_mode=json", STR_ARG(path)) >= PATH_BYTES)
        return fault_set(fault, FAULT_UNAVAILABLE, "what splunkd is asked for has too long a name");
    struct http_request request = {.method = form ? "POST" : "GET", .path = str_of(target)};
    if (form) {
        enum fault_code code = buf_check(form, "a request to splunkd", fault);
        if (code != FAULT_NONE)
            return code;
        request.body = buf_str(form);
        request.content_type = "application/x-www-form-urlencoded";
    }
    enum fault_code code = http_send(splunkd->client, &request, &reply, fault);
    if (code == FAULT_DENIED)
        return tell_untrusted(splunkd, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "splunkd: ");
    bool readable = json_read(arena, buf_str(&reply.body), &top, &reading) == FAULT_NONE;
    int status = reply.status;
    if (reply.body.ptr)
        explicit_bzero(reply.body.ptr, reply.body.len);
    buf_done(&reply.body);
    if (out_status)
        *out_status = status;
    code = judge(splunkd, status, readable ? top : NULL, fault);
    if (code == FAULT_NONE && !readable)
        code = fault_set(fault, FAULT_UNAVAILABLE, "what splunkd at %s answered cannot be read: %s",
                         splunkd->base_url, reading.text);
    if (code == FAULT_NONE)
        *out_top = top;
    return code;
}

const struct json *splunkd_content(const struct json *top)
{
    return json_member(json_first(json_member(top, "entry")), "content");
}

/* --- what is asked ------------------------------------------------------------------------- */

enum fault_code splunkd_context_read(struct splunkd *splunkd, struct arena *arena,
                                     struct splunkd_context *out, struct fault *fault)
{
    const struct json *top = NULL;
    struct splunkd_context context;
    enum fault_code code = splunkd_ask(splunkd, STR("services/authentication/current-context"),
                                       NULL, arena, &top, NULL, fault);
    if (code != FAULT_NONE)
        return code;
    const struct json *content = splunkd_content(top);
    context.capabilities = json_member(content, "capabilities");
    if (!json_text(json_member(content, "username"), &context.user) || context.user.len == 0 ||
        !json_is_array(context.capabilities))
        return fault_set(fault, FAULT_UNAVAILABLE, "splunkd did not say whose session this is");
    *out = context;
    return FAULT_NONE;
}

bool splunkd_context_has(const struct splunkd_context *context, struct str capability)
{
    struct str each;
    for (const struct json *at = json_first(context->capabilities); at; at = json_next(at))
        if (json_text(at, &each) && str_equal(each, capability))
            return true;
    return false;
}

/* Entries are named realm:user: with a backslash before a colon or backslash within. */
static void add_entry_name(struct buf *out, struct str realm, struct str user)
{
    const struct str parts[] = {realm, user};
    for (size_t i = 0; i < 2; i++) {
        for (size_t at = 0; at < parts[i].len; at++) {
            if (parts[i].ptr[at] == ':' || parts[i].ptr[at] == '\\')
                splunkd_add_part(out, STR("\\"));
            splunkd_add_part(out, str_take(str_skip(parts[i], at), 1));
        }
        splunkd_add_part(out, STR(":"));
    }
}

enum fault_code splunkd_password(struct splunkd *splunkd, struct str realm, struct str user,
                                 struct http_secret *out, struct fault *fault)
{
    struct arena arena;
    struct buf path;
    struct str clear;
    const struct json *top = NULL;
    arena_init(&arena, ANSWER_ARENA_BYTES);
    buf_init(&path, PATH_BYTES / 2);
    buf_add(&path, STR("servicesNS/nobody/intelgraph/storage/passwords/"));
    add_entry_name(&path, realm, user);
    enum fault_code code = buf_check(&path, "the name of a stored secret", fault);
    if (code == FAULT_NONE)
        code = splunkd_ask(splunkd, buf_str(&path), NULL, &arena, &top, NULL, fault);
    if (code == FAULT_NONE &&
        !json_text(json_member(splunkd_content(top), "clear_password"), &clear))
        code = fault_set(fault, FAULT_DENIED, "splunkd does not give the stored secret");
    if (code == FAULT_NONE)
        code = http_secret_set(out, clear, fault);
    buf_done(&path);
    arena_wipe(&arena);
    return code;
}
