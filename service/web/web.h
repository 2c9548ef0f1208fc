/* HTTP for the slices: routes in, replies out. service/web alone names libmicrohttpd.
 *
 * A slice gives a table of routes. A handler gets the whole request (body read, inflated and
 * limited) and fills the reply; or it returns a fault, which becomes application/problem+json (RFC
 * 9457). Every handler's first lines ask the gate of service/identity; a handler that answers
 * without having asked is a broken invariant and stops the program. */
#ifndef IG_WEB_WEB_H
#define IG_WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { WEB_PARTS_MAX = 3, WEB_HEADERS_MAX = 64, WEB_REPLY_HEADERS_MAX = 8 };

struct web_header {
    struct str name;
    struct str value;
};

struct web_request {
    struct str method;
    struct str path;   /* percent-decoded once; never holds a NUL or a control character */
    struct str query;  /* raw, without the question mark */
    struct str client; /* the peer's address as text */
    struct str parts[WEB_PARTS_MAX]; /* what the route's {} matched, in order */
    struct str body;                 /* inflated */
    size_t header_count;
    struct web_header headers[WEB_HEADERS_MAX];
    struct arena *arena; /* memory until the reply is sent */
    int64_t started_us;  /* wall clock */
    bool gated;          /* set by the gate: permission was asked */
    bool quick;          /* run where nothing may wait: who would calls web_wait() and returns */
    bool waits;          /* set by web_wait() */
};

struct web_reply {
    int status;              /* 200 unless set */
    struct str content_type; /* application/json unless set */
    struct buf body;
    size_t header_count;
    struct web_header headers[WEB_REPLY_HEADERS_MAX];
    struct str static_body; /* instead of `body`: bytes that live as long as the program */
    bool static_gzipped; /* static_body is gzip: sent so to who accepts it, inflated for others */
};

typedef enum fault_code web_handler(void *service, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault);

/* Which promise an answer counts for. */
enum web_sli_kind { WEB_SLI_READ, WEB_SLI_WRITE, WEB_SLI_DECISION, WEB_SLI_KINDS };

/* What a route is measured as; by default GET is a read and all else a write. */
enum web_measure { WEB_MEASURE_BY_METHOD, WEB_MEASURE_DECISION, WEB_MEASURE_NONE };

struct web_route {
    const char *method;
    const char *pattern; /* "/v1/handoffs/{}/graph"; a final "{*}" matches the rest, slashes too */
    web_handler *handler;
    size_t body_limit; /* bytes after inflating; 0: no body is allowed */
    enum web_measure measure;
    /* Mostly answered out of memory: a request with at most WEB_QUICK_BODY_MAX bytes is first tried
     * on the connection's own thread, with request->quick set. */
    bool quick;
};

/* Says that the answer must wait for something, as a quick request may not. It is run once more
 * from its start, where it may; nothing it did so far may show. */
enum fault_code web_wait(struct web_request *request, struct fault *fault) MUST_USE;

/* Header by name without case, query member percent-decoded, cookie by name; empty when absent.
 * Texts from the arena live until the reply is sent. */
struct str web_header(const struct web_request *request, const char *name);
struct str web_query(const struct web_request *request, const char *name);
struct str web_cookie(const struct web_request *request, const char *name);

/* A query member as a whole number in [least, most]; `otherwise` when absent; FAULT_INPUT when
 * wrong. */
enum fault_code web_query_whole(const struct web_request *request, const char *name, int64_t least,
                                int64_t most, int64_t otherwise, int64_t *out,
                                struct fault *fault) MUST_USE;

/* The value is copied into the request's arena; a control character in it is an assert: encode
 * first. */
void web_reply_header(struct web_request *request, struct web_reply *reply, const char *name,
                      struct str value);
/* Adds text so that it is one value of a query: all but what RFC 3986 calls unreserved, and
 * slashes, is percent-encoded. */
void web_add_encoded(struct buf *out, struct str text);
void web_redirect(struct web_request *request, struct web_reply *reply,
                  struct str location); /* 303 */

/* What the server counts about itself, for /metrics. */
struct web_stats {
    uint64_t requests;
    uint64_t by_class[6]; /* by status / 100 */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t refused_connections; /* over connections_per_ip */
    uint64_t cut_connections; /* too slow: sent or read less than they had to by their deadline */
};

/* Answers by how long they took, from the whole request to the reply: the service's own time.
 * Failed are those with a status of 500 and more; a slow or wrong client does not count against us.
 */
enum { WEB_SLI_BUCKETS = 15 };
struct web_sli_counts {
    uint64_t buckets[WEB_SLI_BUCKETS]; /* not added up; bounds: web_sli_bounds_us */
    uint64_t answers;
    uint64_t sum_us;
    uint64_t failed;
};

/* In seconds, evenly spread within a bucket as Prometheus' histogram_quantile has it. */
double web_sli_quantile_s(const struct web_sli_counts *counts, double share);

struct web_server;

/* Who is let send a large body. As a handler, but before the body is read; first quick, too. */
typedef enum fault_code web_admission(void *service, struct web_request *request,
                                      struct fault *fault);

enum { WEB_BODY_FREE_MAX = 64 * 1024, WEB_QUICK_BODY_MAX = 4096 };

struct web_settings {
    struct str listen; /* "127.0.0.1:8460", "[::1]:8460"; port 0 picks one */
    int threads;       /* that run handlers, 1..64 */
    int connections;   /* most at once */
    int connections_per_ip;
    int header_timeout_s; /* the whole request must be in by then; a body has another second for
                             each 16 KiB that came, so that a slow line passes and a drip does not
                           */
    /* Asked for routes that take more than WEB_BODY_FREE_MAX bytes, so that memory is spent on
     * known callers only; the handler asks the gate all the same. NULL: everybody. */
    web_admission *admit;
    /* Called once the socket listens and before any thread starts: where rights are given up that
     * serving needs no more. NULL: nothing is. */
    enum fault_code (*listening)(void *service, struct fault *fault);
};

/* Tables are borrowed and must outlive the server. FAULT_IO names the address when it is taken. */
enum fault_code web_server_start(const struct web_settings *settings,
                                 const struct web_route *const *tables, size_t table_count,
                                 void *service, struct web_server **out,
                                 struct fault *fault) MUST_USE;
int web_server_port(const struct web_server *server);
struct web_stats web_server_stats(const struct web_server *server);
/* Of the last `window_us` (a minute to an hour), or with 0 since the start. */
struct web_sli_counts web_server_sli(struct web_server *server, enum web_sli_kind kind,
                                     int64_t window_us);
/* Takes no new connection, lets requests under way end (at most `wait_ms`), then closes. */
void web_server_stop(struct web_server *taken, int wait_ms);

/* Ends a table of routes. */
#define WEB_ROUTES_END                                                                             \
    {                                                                                              \
        .method = NULL                                                                             \
    }

/* The reply for a fault: status by code, problem+json body with type, title, status, detail, field.
 * INPUT 400, LIMIT 413, UNSIGNED 401, DENIED 403, NOT_FOUND 404, CONFLICT 409, UNAVAILABLE and
 * NO_MEMORY 503, IO 507 (the store refuses), CORRUPT 500. The sentences of the last two stay in our
 * log. */
void web_reply_fault(struct web_request *request, struct web_reply *reply,
                     const struct fault *fault);

/* The members of that problem, for one of several answers in a reply. */
struct json_out;
void web_put_problem(struct json_out *out, const struct fault *fault);

#endif
