/* Requests to addresses that others have chosen: webhooks and mail. Many at once on one thread, so
 * that a slow one holds up nobody.
 *
 * A webhook goes to where its URL leads now, so the address is judged when the socket is made,
 * after the name was looked up: a name that leads elsewhere the second time gains nothing.
 * Link-local, metadata, multicast and unspecified addresses are refused always; private ones and
 * loopback unless `allow` names their network; clear text (http) likewise. No redirect is followed,
 * no proxy asked, TLS always verified. Mail goes to the one server that the operator has named. */
#ifndef IG_HTTP_OUTBOUND_H
#define IG_HTTP_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "libs/http/client.h"

enum {
    HTTP_OUTBOUND_MAX = 64, /* requests at once */
    HTTP_OUTBOUND_PORTS_MAX = 16,
    HTTP_OUTBOUND_ERROR_MAX = 256,
};

struct http_outbound_settings {
    struct str ca_file; /* "": the system's authorities */
    struct str allow;   /* "10.1.0.0/16, fd00::/8"; "": none */
    int ports[HTTP_OUTBOUND_PORTS_MAX];
    int port_count;
    struct str smtp; /* "smtp://host:587" (TLS by STARTTLS) or "smtps://host:465"; "": no mail */
    struct str smtp_from;
    const struct http_secret *smtp_credential; /* "user:password"; NULL: none; borrowed */
    struct str user_agent;
    int timeout_ms; /* of one request, from the look-up to the answer's end */
};

/* Whether the settings can be used; the sentence names the option as intelgraphd's. */
enum fault_code http_outbound_check(const struct http_outbound_settings *settings,
                                    struct fault *fault) MUST_USE;

/* "443,465": 1 to HTTP_OUTBOUND_PORTS_MAX port numbers between commas. */
enum fault_code http_outbound_read_ports(struct str text, struct http_outbound_settings *out,
                                         struct fault *fault) MUST_USE;

enum http_outbound_kind { HTTP_OUTBOUND_WEBHOOK, HTTP_OUTBOUND_MAIL };

struct http_outbound_request {
    uint64_t ticket; /* comes back with the answer */
    enum http_outbound_kind kind;
    struct str to;      /* URL, or a plain address that the caller has checked */
    struct str headers; /* of a webhook: "name: value" lines, each ended by a line feed */
    struct str body;    /* of a mail: the whole message with its header */
};

struct http_outbound_answer {
    uint64_t ticket;
    int status; /* HTTP's, or SMTP's of the last reply; 0: none came */
    int retry_after_s;
    bool is_good;                        /* 2xx */
    char error[HTTP_OUTBOUND_ERROR_MAX]; /* "" when good; else why, in a few words */
};

struct http_outbound;

/* Reads the authorities now: afterwards no file is opened but the resolver's. */
enum fault_code http_outbound_new(const struct http_outbound_settings *settings,
                                  struct http_outbound **out, struct fault *fault) MUST_USE;
void http_outbound_free(struct http_outbound *taken);

/* Begins; what it says is copied. FAULT_LIMIT when HTTP_OUTBOUND_MAX are under way. */
enum fault_code http_outbound_add(struct http_outbound *outbound,
                                  const struct http_outbound_request *request,
                                  struct fault *fault) MUST_USE;

/* Goes on with all of them until one has ended, `fd` can be read (-1: none), or the time is over.
 */
void http_outbound_wait(struct http_outbound *outbound, int fd, int timeout_ms);

/* The next answer; false: none yet. */
bool http_outbound_take(struct http_outbound *outbound, struct http_outbound_answer *out);

/* What an address may be used for. */
enum http_outbound_verdict {
    HTTP_OUTBOUND_OPEN,    /* of the internet */
    HTTP_OUTBOUND_ALLOWED, /* the operator has named its network */
    HTTP_OUTBOUND_CLOSED,  /* private or loopback, and not named */
    HTTP_OUTBOUND_NEVER,
};

/* An IPv4 address within an IPv6 one (mapped, translated, 6to4) is judged as what it is. */
enum http_outbound_verdict http_outbound_judge(const struct sockaddr *address, struct str allow);

/* Whether a list for `allow` can be read: addresses and networks between commas. */
enum fault_code http_outbound_check_allow(struct str list, struct fault *fault) MUST_USE;

#endif
