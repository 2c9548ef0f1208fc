/* For tests: a server on a free port of loopback, and a client that sends exactly the bytes it is
 * given, so that malformed requests can be told apart from what a polite client would send. */
#ifndef IG_WEB_TESTS_WEB_CLIENT_H
#define IG_WEB_TESTS_WEB_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/core/buf.h"
#include "service/web/web.h"

enum { CLIENT_REPLY_MAX = 16 << 20, CLIENT_WAIT_MS = 15000 };

static inline struct web_settings client_settings(void)
{
    return (struct web_settings){.listen = STR("127.0.0.1:0"),
                                 .threads = 2,
                                 .connections = 64,
                                 .connections_per_ip = 32,
                                 .header_timeout_s = 5};
}

static inline int client_connect(int port)
{
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    return fd;
}

/* false when the server has closed. */
static inline bool client_send(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = str_skip(bytes, (size_t)sent);
    }
    return true;
}

/* Adds what comes until the server closes, or nothing more comes for `wait_ms`. */
static inline bool client_receive(int fd, int wait_ms, struct buf *out)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (poll(&ready, 1, wait_ms) > 0) {
        char *room = buf_reserve(out, 65536);
        ssize_t got = room ? recv(fd, room, 65536, 0) : -1;
        if (got <= 0)
            return true;
        buf_extend(out, (size_t)got);
    }
    return false;
}

/* A reply, borrowed from what came. */
struct client_reply {
    int status; /* 0: no reply */
    struct str head;
    struct str body;
    struct buf bytes;
};

static inline void client_reply_read(struct client_reply *reply)
{
    struct str all = buf_str(&reply->bytes);
    while (str_starts(all, STR("HTTP/1.1 100 ")))
        all = str_skip(all, str_find(all, STR("\r\n\r\n")) + 4);
    uint64_t status;
    size_t end = str_find(all, STR("\r\n\r\n"));
    if (end == all.len || !str_to_u64(str_take(str_skip(all, 9), 3), 999, &status))
        return;
    reply->status = (int)status;
    reply->head = str_take(all, end + 2);
    reply->body = str_skip(all, end + 4);
}

/* Sends the bytes of a request that ends its connection, reads the whole reply. */
static inline struct client_reply client_raw(int port, struct str request)
{
    struct client_reply reply = {0};
    buf_init(&reply.bytes, CLIENT_REPLY_MAX);
    int fd = client_connect(port);
    client_send(fd, request);
    client_receive(fd, CLIENT_WAIT_MS, &reply.bytes);
    close(fd);
    client_reply_read(&reply);
    return reply;
}

/* `headers`: lines that end in CRLF, or "". A body is sent with its length. */
static inline struct client_reply client_ask(int port, const char *method, const char *target,
                                             const char *headers, struct str body)
{
    struct buf request;
    buf_init(&request, CLIENT_REPLY_MAX);
    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
             target, headers);
    if (body.len > 0)
        buf_addf(&request, "Content-Length: %zu\r\n", body.len);
    buf_add(&request, STR("\r\n"));
    buf_add(&request, body);
    struct client_reply reply = client_raw(port, buf_str(&request));
    buf_done(&request);
    return reply;
}

static inline struct client_reply client_get(int port, const char *target)
{
    return client_ask(port, "GET", target, "", STR(""));
}

static inline void client_reply_done(struct client_reply *reply)
{
    buf_done(&reply->bytes);
    *reply = (struct client_reply){0};
}

/* A header's value; empty when absent. */
static inline struct str client_header(const struct client_reply *reply, const char *name)
{
    struct str rest = reply->head;
    while (rest.len > 0) {
        size_t end = str_find(rest, STR("\r\n"));
        struct str key;
        struct str value;
        if (str_cut(str_take(rest, end), ':', &key, &value) && str_equal_nocase(key, str_of(name)))
            return str_trim(value);
        rest = str_skip(rest, end + 2);
    }
    return (struct str){0};
}

static inline bool client_says(const struct client_reply *reply, const char *text)
{
    return str_find(reply->body, str_of(text)) < reply->body.len;
}

#endif
