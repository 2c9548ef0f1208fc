/* The way to the service, gone with libcurl's CONNECT_ONLY: connection, proxy and TLS as for any
 * request, and then nothing is sent. */
#include "libs/http/transport_curl.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "Subject:CN = ig.example" */
static void take_line(struct http_certificate *out, const char *line)
{
    static const struct {
        const char *name;
        size_t offset;
        size_t room;
    } lines[] = {
        {"Subject:", offsetof(struct http_certificate, subject), sizeof out->subject},
        {"Issuer:", offsetof(struct http_certificate, issuer), sizeof out->issuer},
        {"Expire date:", offsetof(struct http_certificate, expires), sizeof out->expires},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strncmp(line, lines[i].name, strlen(lines[i].name)) == 0)
            snprintf((char *)out + lines[i].offset, lines[i].room, "%s",
                     line + strlen(lines[i].name));
}

static void take_chain(CURL *curl, struct http_probe *out)
{
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain)
        return;
    out->certificate_count = 0;
    for (int i = 0; i < chain->num_of_certs && out->certificate_count < HTTP_CERTIFICATES_MAX;
         i++) {
        struct http_certificate *certificate = &out->certificates[out->certificate_count++];
        *certificate = (struct http_certificate){.subject = ""};
        for (const struct curl_slist *at = chain->certinfo[i]; at; at = at->next)
            take_line(certificate, at->data);
    }
}

/* libcurl does not say whom it was connected to when the handshake failed after that; the socket
 * knows, until it is closed. */
static int on_close(void *context, curl_socket_t socket)
{
    struct transport_carrier *carrier = context;
    struct http_probe *probe = carrier->probe;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    char port[16];
    if (probe && getpeername(socket, (struct sockaddr *)&peer, &len) == 0 &&
        getnameinfo((struct sockaddr *)&peer, len, probe->peer, sizeof probe->peer, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        probe->port = atoi(port);
    return close(socket);
}

/* Of a connection that is still there. */
static void take_peer(CURL *curl, struct http_probe *out)
{
    char *address = NULL;
    long port = 0;
    long os_error = 0;
    curl_off_t connect_us = 0;
    curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(curl, CURLINFO_PRIMARY_PORT, &port);
    curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    out->os_error = (int)os_error;
    if (connect_us == 0 || !address)
        return;
    snprintf(out->peer, sizeof out->peer, "%s", address);
    out->port = (int)port;
    out->connect_us = connect_us;
}

static enum http_step step_of(const struct transport_carrier *carrier, CURLcode rc,
                              const struct http_probe *probe)
{
    long connect_status = 0;
    curl_easy_getinfo(carrier->curl, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (rc == CURLE_OK)
        return HTTP_STEP_DONE;
    if (probe->peer[0] == '\0')
        return HTTP_STEP_CONNECT;
    if (carrier->has_proxy && probe->is_tls && connect_status / 100 != 2)
        return HTTP_STEP_PROXY;
    return HTTP_STEP_TLS;
}

/* The chain of a service that is not trusted: who signed it, until when it holds. Nothing is sent
 * over this connection, and it is closed; the next request verifies as ever. */
static void look_at_chain(struct transport_carrier *carrier, struct http_probe *out)
{
    char error[CURL_ERROR_SIZE];
    memcpy(error, carrier->error, sizeof error);
    curl_easy_setopt(carrier->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(carrier->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    if (curl_easy_perform(carrier->curl) == CURLE_OK) {
        take_chain(carrier->curl, out);
        out->is_looked_at = true;
    }
    curl_easy_setopt(carrier->curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(carrier->curl, CURLOPT_SSL_VERIFYHOST, 2L);
    memcpy(carrier->error, error, sizeof error);
}

void transport_probe(void *opened, struct http_probe *out)
{
    struct transport_carrier *carrier = opened;
    CURL *curl = carrier->curl;
    struct http_reply none = {.status = 0};
    *out = (struct http_probe){.is_tls = strncmp(carrier->base_url, "https:", 6) == 0};
    snprintf(out->proxy, sizeof out->proxy, "%s", carrier->has_proxy ? carrier->proxy : "");
    carrier->error[0] = '\0';
    carrier->probe = out;
    curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, carrier);
    curl_easy_setopt(curl, CURLOPT_URL, carrier->asked_url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    CURLcode rc = curl_easy_perform(curl);
    carrier->probe = NULL; /* the connection may be closed when `out` is gone */
    take_peer(curl, out);
    take_chain(curl, out);
    out->step = step_of(carrier, rc, out);
    if (rc != CURLE_OK)
        transport_fault_set(carrier, rc, &none, &out->fault);
    if (out->step == HTTP_STEP_TLS && rc == CURLE_PEER_FAILED_VERIFICATION)
        look_at_chain(carrier, out);
    curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, NULL);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 0L);
}
