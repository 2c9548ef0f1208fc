#include "bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/child.h"

static const int64_t grace_ns = 5000000000; /* to wait for the last replies */

/* --- connections --------------------------------------------------------------------------- */

static void open_line(struct client *load, struct client_line *line)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)load->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = line};
    int yes = 1;
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line->fd < 0 ||
        connect(line->fd, (struct sockaddr *)(void *)&address, sizeof address) != 0 ||
        setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
        fcntl(line->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, line->fd, &event) != 0)
        bench_fail("connect to the service");
    line->request = NULL;
}

static void finish(struct client *load, struct client_line *line, bool good)
{
    if (!good && load->errors++ == 0)
        fprintf(stderr, "bench_load: the first error: %.*s\n",
                (int)(line->have < 600 ? line->have : 600), line->reply);
    if (good)
        load->ms[load->answered++] = (double)(bench_now_ns() - line->request->due_ns) / 1e6;
    line->request = NULL;
}

static void push(struct client_line *line)
{
    while (line->request && line->sent < line->request->len) {
        ssize_t put =
            write(line->fd, line->request->bytes + line->sent, line->request->len - line->sent);
        if (put < 0)
            return; /* full: epoll tells when it goes on; an error: read tells */
        line->sent += (size_t)put;
    }
}

/* The length of the whole reply, or 0 when its head is not there yet. */
static size_t reply_size(const struct client_line *line)
{
    const char *end = memmem(line->reply, line->have, "\r\n\r\n", 4);
    const char *length = end ? strcasestr(line->reply, "\r\nContent-Length:") : NULL;
    if (!end || !length || length > end)
        return 0;
    return (size_t)(end + 4 - line->reply) + strtoul(length + 17, NULL, 10);
}

static void pull(struct client *load, struct client_line *line)
{
    for (;;) {
        ssize_t got = read(line->fd, line->reply + line->have, CLIENT_REPLY_MAX - 1 - line->have);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            if (line->request)
                finish(load, line, false);
            close(line->fd);
            open_line(load, line);
            return;
        }
        line->have += (size_t)got;
        line->reply[line->have] = '\0';
        size_t size = reply_size(line);
        if (line->request && size > 0 && line->have >= size) {
            finish(load, line, strncmp(line->reply, load->good, strlen(load->good)) == 0);
            line->have = 0;
        }
    }
}

static void start(struct client_line *line, const struct client_request *request)
{
    line->request = request;
    line->sent = 0;
    line->have = 0;
    push(line);
}

/* --- the run ------------------------------------------------------------------------------- */

static void wait_for_events(struct client *load, int64_t until_ns)
{
    struct epoll_event events[CLIENT_CONNECTIONS_MAX];
    int64_t left_ns = until_ns - bench_now_ns();
    struct timespec wait = {.tv_sec = 0, .tv_nsec = left_ns > 0 ? left_ns % 1000000000 : 0};
    int count = epoll_pwait2(load->epoll, events, CLIENT_CONNECTIONS_MAX, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct client_line *line = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            push(line);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            pull(load, line);
    }
}

static struct client_line *free_line(struct client *load)
{
    for (long i = 0; i < load->connections; i++)
        if (!load->lines[i].request)
            return &load->lines[i];
    return NULL;
}

double client_run(struct client *load)
{
    int64_t from_ns = bench_now_ns() + 10000000;
    int64_t end_ns = from_ns + load->seconds * 1000000000LL + grace_ns;
    long next = 0;
    for (long i = 0; i < load->count; i++)
        load->requests[i].due_ns = from_ns + i * 1000000000LL / load->rate;
    while (load->answered + load->errors < load->count && bench_now_ns() < end_ns) {
        struct client_line *line;
        while (next < load->count && load->requests[next].due_ns <= bench_now_ns() &&
               (line = free_line(load)))
            start(line, &load->requests[next++]);
        bool due = next < load->count && free_line(load);
        wait_for_events(load, due ? load->requests[next].due_ns : bench_now_ns() + 100000000);
    }
    return (double)(bench_now_ns() - from_ns) / 1e9;
}

void client_report(struct client *load, const char *name, const char *what, long size,
                   double took_s)
{
    long none = load->count - load->answered - load->errors;
    double most = 0;
    for (long i = 0; i < load->answered; i++)
        most = load->ms[i] > most ? load->ms[i] : most;
    if (load->answered == 0) {
        fprintf(stderr, "%s: no request was taken\n", name);
        exit(1);
    }
    bench_median(load->ms, (size_t)load->answered); /* sorts */
    double rate = (double)load->answered * (double)size / took_s;
    double p99 = load->ms[load->answered * 99 / 100];
    printf("%s: %.0f %s a second (%ld of %ld requests in %.1f s, %ld errors, %ld unanswered), p50 "
           "%.1f ms, p95 %.1f ms, p99 %.1f ms, most %.1f ms\n",
           name, rate, what, load->answered, load->count, took_s, load->errors, none,
           load->ms[load->answered / 2], load->ms[load->answered * 95 / 100], p99, most);
    printf("figures: %s_rate=%.1f %s_p99_ms=%.2f %s_errors=%ld\n", name, rate, name, p99, name,
           load->errors + none);
}

static long option(int argc, char **argv, int at, long otherwise, long most)
{
    long number = argc > at ? atol(argv[at]) : otherwise;
    if (number < 1 || number > most) {
        fprintf(stderr, "usage: %s PORT TOKEN_FILE [RATE [SECONDS [SIZE [CONNECTIONS]]]]\n",
                argv[0]);
        exit(2);
    }
    return number;
}

static void read_token(const char *path, char out[256])
{
    FILE *file = fopen(path, "r");
    if (!file || !fgets(out, 256, file))
        bench_fail(path);
    out[strcspn(out, "\r\n")] = '\0';
    fclose(file);
}

void client_put(struct client *client, long number, const char *path, const char *type,
                const char *encoding, struct str body)
{
    struct client_request *request = &client->requests[number];
    char head[1024];
    int len =
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: %s\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                 path, client->port, client->token, type, *encoding ? "Content-Encoding: " : "",
                 encoding, *encoding ? "\r\n" : "", body.len);
    request->len = (size_t)len + body.len;
    request->bytes = malloc(request->len);
    if (!request->bytes)
        bench_fail("malloc");
    memcpy(request->bytes, head, (size_t)len);
    memcpy(request->bytes + len, body.ptr, body.len);
}

void client_init(struct client *client, int argc, char **argv, const char *good, long rate,
                 long *size)
{
    if (argc < 3)
        option(0, argv, 0, 0, 0);
    client->good = good;
    client->port = (int)option(argc, argv, 1, 0, 65535);
    client->rate = option(argc, argv, 3, rate, 100000);
    client->seconds = option(argc, argv, 4, 15, 3600);
    *size = option(argc, argv, 5, 100, 10000);
    client->connections = option(argc, argv, 6, 64, CLIENT_CONNECTIONS_MAX);
    read_token(argv[2], client->token);
    client->count = client->rate * client->seconds;
    client->requests = calloc((size_t)client->count, sizeof *client->requests);
    client->ms = calloc((size_t)client->count, sizeof *client->ms);
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!client->requests || !client->ms || client->epoll < 0)
        bench_fail("prepare");
    for (long i = 0; i < client->connections; i++)
        open_line(client, &client->lines[i]);
}
