/* The way to a service, step by step, for who has to find out where it ends. Nothing is asked of
 * the service: no request is sent, and no token. */
#ifndef IG_HTTP_PROBE_H
#define IG_HTTP_PROBE_H

#include "libs/http/client.h"

enum {
    HTTP_ADDRESSES_MAX = 8,
    HTTP_ADDRESS_BYTES = 48, /* an IPv6 one with its scope */
    HTTP_CERTIFICATES_MAX = 8,
    HTTP_NAME_BYTES = 192,
};

/* --- names ----------------------------------------------------------------------------------- */

struct http_addresses {
    size_t count;
    char list[HTTP_ADDRESSES_MAX][HTTP_ADDRESS_BYTES];
};

/* Asks the system's resolver, at most `timeout_ms` long, whatever that itself would wait.
 *   FAULT_NOT_FOUND    there is no such name
 *   FAULT_UNAVAILABLE  no answer in time, or the resolver failed */
enum fault_code http_resolve(struct str host, int timeout_ms, struct http_addresses *out,
                             struct fault *fault) MUST_USE;

/* --- the connection -------------------------------------------------------------------------- */

/* As the peer showed it: texts as libcurl's TLS library writes them, cut where they are long. */
struct http_certificate {
    char subject[HTTP_NAME_BYTES];
    char issuer[HTTP_NAME_BYTES];
    char expires[32]; /* "Nov 23 12:29:43 2026 GMT" */
};

enum http_step {
    HTTP_STEP_CONNECT, /* to the service, or to the proxy */
    HTTP_STEP_PROXY,   /* the proxy lets us through */
    HTTP_STEP_TLS,     /* the service's certificate is trusted */
    HTTP_STEP_DONE,
};

struct http_probe {
    enum http_step step;           /* the one that failed, or HTTP_STEP_DONE */
    struct fault fault;            /* why; its field names the setting */
    char proxy[HTTP_URL_MAX];      /* "": none on this way */
    bool is_tls;                   /* the address is https */
    bool is_looked_at;             /* the chain below was not trusted, only looked at */
    char peer[HTTP_ADDRESS_BYTES]; /* what was connected: the service, or the proxy */
    int port;
    int64_t connect_us; /* 0: not told, as when the handshake failed */
    int os_error;       /* errno of a connection that was not made; 0: none was told */
    size_t certificate_count;
    struct http_certificate certificates[HTTP_CERTIFICATES_MAX]; /* the service's own first */
};

/* Goes the way that requests of this client go: connection, proxy, TLS; then closes. When the
 * service's certificate is not trusted, it is looked at once more over a connection that nothing is
 * sent on, so that the chain can be told. FAULT_UNAVAILABLE only when there is nothing to probe
 * with. */
enum fault_code http_probe(struct http_client *client, struct http_probe *out,
                           struct fault *fault) MUST_USE;

#endif
