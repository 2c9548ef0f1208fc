/* HTTP requests to one service: TLS always verified, no redirects, every size and time limited. The
 * one door of the commands to a network; libs/http alone names libcurl and zlib. */
#ifndef IG_HTTP_CLIENT_H
#define IG_HTTP_CLIENT_H

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { HTTP_REPLY_MAX = 4 << 20, HTTP_URL_MAX = 2048, HTTP_SECRET_MAX = 512 };

/* A secret: there is no formatter for it, and http_secret_done wipes it. */
struct http_secret {
    size_t len;
    char text[HTTP_SECRET_MAX];
};

/* Trims blanks at both ends. FAULT_INPUT when empty, too long, or with a control character. */
enum fault_code http_secret_set(struct http_secret *secret, struct str text,
                                struct fault *fault) MUST_USE;

/* "user:password" for a proxy: blanks within are the password's own, line ends around are not. */
enum fault_code http_secret_set_pair(struct http_secret *secret, struct str text,
                                     struct fault *fault) MUST_USE;
void http_secret_done(struct http_secret *secret);

struct http_client;
struct http_probe; /* probe.h */

struct http_settings {
    struct str base_url; /* "https://host/": see http_check_url */
    /* The authorities that may sign the service's certificate, and an https proxy's: a PEM file, or
     * PEM text; with neither, the first of the places where systems keep theirs. */
    struct str ca_file;
    struct str ca_pem;
    struct str client_cert_pem; /* own certificate and its chain, when the service asks for one */
    struct str client_key_pem;  /* its private key, not encrypted; both are borrowed only until
                                   http_client_new returns */
    struct str proxy;           /* "http://host:port" or "https://host:port"; "": none, whatever the
                                   environment says */
    const struct http_secret *proxy_credential; /* "user:password", borrowed; NULL: none */
    struct str no_proxy;                        /* see http_without_proxy */
    struct str user_agent;
    const struct http_secret *bearer; /* borrowed; NULL sends none */
    const char *scheme;               /* before it in Authorization; NULL is "Bearer" */
    /* The name in the peer's certificate where it is not the host of the address: splunkd's own has
     * "SplunkServerDefaultCert". It is verified in the host's place; "" verifies the host. Without
     * proxy only. */
    struct str peer_name;
    int connect_timeout_ms;
    int timeout_ms; /* of a whole request */
};

/* Whether a base URL may be used: https, or http to this machine only (127.0.0.0/8, ::1,
 * localhost), so that a token never crosses a network in the clear; no user, no query, a final
 * slash. */
enum fault_code http_check_url(struct str url, struct fault *fault) MUST_USE;

/* Whether an address can be a proxy's: a scheme, a host, a port and nothing else. */
enum fault_code http_check_proxy(struct str proxy, struct fault *fault) MUST_USE;

/* Whether the list (see http_without_proxy) can be read; the sentence names the wrong entry. */
enum fault_code http_check_no_proxy(struct str list, struct fault *fault) MUST_USE;

/* Whether `host`, a name or an address (an IPv6 one with or without brackets), is reached without
 * the proxy: it meets an entry of the comma-separated list. An entry is a name (that host alone),
 * a .suffix (every name below it), an address, a network (10.0.0.0/8, fd00::/8), or * for all.
 * Names are compared without regard to case and a final dot; nothing is looked up. */
bool http_without_proxy(struct str list, struct str host);

/* The host of an address that http_check_url or http_check_proxy took, without brackets. */
struct str http_host(struct str url);

/* Whether the host of a base URL that may be used is this machine (as above). */
bool http_is_this_machine(struct str url);

/* Opens no connection yet. FAULT_INPUT for a setting that may not be used; the sentence and the
 * fault's field name it as intelgraph.conf does. */
enum fault_code http_client_new(const struct http_settings *settings, struct http_client **out,
                                struct fault *fault) MUST_USE;
void http_client_free(struct http_client *taken); /* takes NULL */

/* Other limits of time for the requests from now on, for who has less left than the settings say.
 */
void http_client_limit(struct http_client *client, int connect_timeout_ms, int timeout_ms);

struct http_request {
    const char *method;
    struct str path; /* added to the base URL, without a leading slash */
    struct str body;
    const char *content_type; /* NULL: no body */
    bool gzipped;             /* the body is: Content-Encoding: gzip */
};

struct http_reply {
    int status;
    int retry_after_s; /* 0: not said */
    char date[40];     /* the header Date as it stands; "": not said, or none that can be one */
    struct buf body;   /* to be freed by the caller with buf_done */
};

/* FAULT_NONE for any complete reply, whatever its status. FAULT_UNAVAILABLE when no connection or
 * no reply was to be had in time, or it is over HTTP_REPLY_MAX (the fault's field is then
 * HTTP_REPLY); FAULT_DENIED when the peer's certificate is not to be trusted. The sentence names
 * host and reason, never the token. */
#define HTTP_REPLY "reply"
enum fault_code http_send(struct http_client *client, const struct http_request *request,
                          struct http_reply *out, struct fault *fault) MUST_USE;

/* What carries the requests: libcurl, or what a test installs. `settings` is borrowed until
 * `close`, its address checked. `send` keeps what http_send promises. */
struct http_transport {
    enum fault_code (*open)(const struct http_settings *settings, void **out_carrier,
                            struct fault *fault);
    enum fault_code (*send)(void *carrier, const struct http_request *request,
                            struct http_reply *out, struct fault *fault);
    void (*close)(void *taken_carrier);
    void (*probe)(void *carrier, struct http_probe *out); /* NULL where there is no way to go */
    void (*limit)(void *carrier, int connect_timeout_ms, int timeout_ms); /* NULL: keeps its own */
};

extern const struct http_transport http_transport_curl;

/* For the clients made from now on; returns the one before. Not while other threads run. */
const struct http_transport *http_transport_set(const struct http_transport *transport);

#endif
