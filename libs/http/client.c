#include "libs/http/client.h"

#include <string.h>

#include "libs/core/os.h"

struct http_client {
    const struct http_transport *transport;
    void *carrier;
};

static const struct http_transport *transport_now = &http_transport_curl;

const struct http_transport *http_transport_set(const struct http_transport *transport)
{
    const struct http_transport *before = transport_now;
    transport_now = transport;
    return before;
}

/* --- secrets ------------------------------------------------------------------------------- */

enum fault_code http_secret_set(struct http_secret *secret, struct str text, struct fault *fault)
{
    text = str_trim(text);
    if (text.len == 0)
        return fault_set(fault, FAULT_INPUT, "the credential is empty");
    if (text.len >= HTTP_SECRET_MAX)
        return fault_set(fault, FAULT_LIMIT, "the credential is longer than %d bytes",
                         HTTP_SECRET_MAX - 1);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return fault_set(fault, FAULT_INPUT,
                             "the credential holds a blank, a line end or a control character; it "
                             "must be one token on one line");
    memcpy(secret->text, text.ptr, text.len);
    secret->text[text.len] = '\0';
    secret->len = text.len;
    return FAULT_NONE;
}

void http_secret_done(struct http_secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
}

/* --- base URL ------------------------------------------------------------------------------ */

/* The host within "host[:port]", brackets of an IPv6 address taken off. */
static struct str host_of(struct str authority)
{
    struct str head;
    struct str tail;
    if (str_starts(authority, STR("["))) {
        str_cut(str_skip(authority, 1), ']', &head, &tail);
        return head;
    }
    str_cut(authority, ':', &head, &tail);
    return head;
}

static bool is_this_machine(struct str host)
{
    if (str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("::1")))
        return true;
    if (!str_starts(host, STR("127.")))
        return false;
    /* Only a dotted address: "127.example.net" is a name like any other. */
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    return true;
}

enum fault_code http_check_url(struct str url, struct fault *fault)
{
    struct str authority;
    struct str path;
    bool https = str_starts(url, STR("https://"));
    if (!https && !str_starts(url, STR("http://")))
        return fault_set(fault, FAULT_INPUT, "\"%.*s\" is not an https:// address",
                         STR_ARG(str_take(url, 100)));
    if (url.len >= HTTP_URL_MAX - 512)
        return fault_set(fault, FAULT_LIMIT, "the address is longer than %d bytes",
                         HTTP_URL_MAX - 512);
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", url.ptr[i]))
            return fault_set(fault, FAULT_INPUT,
                             "the address holds a character that must be percent-encoded");
    str_cut(str_skip(url, https ? 8 : 7), '/', &authority, &path);
    if (host_of(authority).len == 0 || str_find_byte(authority, '@') < authority.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must be https://host[:port]/ without a user name");
    if (!str_ends(url, STR("/")) || str_find_byte(path, '?') < path.len ||
        str_find_byte(path, '#') < path.len)
        return fault_set(fault, FAULT_INPUT,
                         "the address must end in a slash and have no query: %.*s/",
                         STR_ARG(str_take(url, 100)));
    if (!https && !is_this_machine(host_of(authority)))
        return fault_set(fault, FAULT_INPUT,
                         "http:// is allowed to this machine only (127.0.0.1, ::1, localhost), a "
                         "token would cross the network in the clear: use https://%.*s/",
                         STR_ARG(str_take(authority, 100)));
    return FAULT_NONE;
}

/* --- client -------------------------------------------------------------------------------- */

enum fault_code http_client_new(const struct http_settings *settings, struct http_client **out,
                                struct fault *fault)
{
    enum fault_code code = http_check_url(settings->base_url, fault);
    if (code != FAULT_NONE)
        return code;
    struct http_client *client = os_alloc(sizeof *client);
    if (!client)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
    client->transport = transport_now;
    code = client->transport->open(settings, &client->carrier, fault);
    if (code != FAULT_NONE) {
        os_free(client);
        return code;
    }
    *out = client;
    return FAULT_NONE;
}

void http_client_free(struct http_client *taken)
{
    if (!taken)
        return;
    taken->transport->close(taken->carrier);
    os_free(taken);
}

enum fault_code http_send(struct http_client *client, const struct http_request *request,
                          struct http_reply *out, struct fault *fault)
{
    return client->transport->send(client->carrier, request, out, fault);
}
