/* Requests at a fixed rate against a running service, and how long each waits for its answer.
 *
 * Arrivals are open-loop: request n is due at n / rate whether or not earlier ones are answered,
 * and its time counts from then, so that a service that stalls is charged for everybody who waited.
 */
#ifndef IG_BENCH_CLIENT_H
#define IG_BENCH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "libs/core/buf.h"

enum { CLIENT_CONNECTIONS_MAX = 100, CLIENT_REPLY_MAX = 64 * 1024 };

struct client_request {
    char *bytes; /* head and body */
    size_t len;
    int64_t due_ns;
};

struct client_line {
    int fd;
    const struct client_request *request; /* NULL: free */
    size_t sent;
    size_t have;
    char reply[CLIENT_REPLY_MAX];
};

struct client {
    int port;
    char token[256];
    long rate; /* requests a second */
    long seconds;
    long connections;
    const char *good; /* how a good answer begins: "HTTP/1.1 201" */
    long count;       /* of requests: rate * seconds */
    struct client_request *requests;
    double *ms;
    long answered;
    long errors;
    int epoll;
    struct client_line lines[CLIENT_CONNECTIONS_MAX];
};

/* argv: PORT TOKEN_FILE [RATE [SECONDS [SIZE [CONNECTIONS]]]]. The size is what a request holds. */
void client_init(struct client *client, int argc, char **argv, const char *good, long rate,
                 long *size);

/* The request's head with the token, and the body. */
void client_put(struct client *client, long number, const char *path, const char *type,
                const char *encoding, struct str body);

/* Sends all of them; the seconds it took. */
double client_run(struct client *client);

/* Prints "<name>: <what> a second ..." and the figures <name>_rate, <name>_p99_ms, <name>_errors.
 * Each request counts `size` times. */
void client_report(struct client *client, const char *name, const char *what, long size,
                   double took_s);

#endif
