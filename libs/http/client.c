#include "libs/http/client.h"

#include <string.h>

#include "libs/core/os.h"
#include "libs/http/probe.h"

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

enum fault_code http_secret_set_pair(struct http_secret *secret, struct str text,
                                     struct fault *fault)
{
    while (str_ends(text, STR("\n")) || str_ends(text, STR("\r")))
        text.len--;
    if (text.len >= HTTP_SECRET_MAX)
        return fault_set(fault, FAULT_LIMIT, "the credential is longer than %d bytes",
                         HTTP_SECRET_MAX - 1);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return fault_set(fault, FAULT_INPUT,
                             "the credential holds a line end or a control character; it must be "
                             "user:password on one line");
    if (str_find_byte(text, ':') == 0 || str_find_byte(text, ':') == text.len)
        return fault_set(fault, FAULT_INPUT, "the credential is not of the form user:password");
    memcpy(secret->text, text.ptr, text.len);
    secret->text[text.len] = '\0';
    secret->len = text.len;
    return FAULT_NONE;
}

void http_secret_done(struct http_secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
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

void http_client_limit(struct http_client *client, int connect_timeout_ms, int timeout_ms)
{
    if (client->transport->limit)
        client->transport->limit(client->carrier, connect_timeout_ms, timeout_ms);
}

enum fault_code http_probe(struct http_client *client, struct http_probe *out, struct fault *fault)
{
    if (!client->transport->probe)
        return fault_set(fault, FAULT_UNAVAILABLE, "there is no connection to look at");
    client->transport->probe(client->carrier, out);
    return FAULT_NONE;
}
