/* Hand-offs at a fixed rate against a running service, and how long each waits for its receipt.
 *
 * usage: bench_load PORT TOKEN_FILE [RATE [SECONDS [ENTITIES [CONNECTIONS]]]]
 *
 * Arrivals are open-loop: hand-off n is due at n / RATE whether or not earlier ones are answered,
 * and its time counts from then, so that a service that stalls is charged for everybody who waited.
 * Each hand-off has an id and content of its own; half its entities are new, half come from a set
 * that many name, and each entity but the first has a relation. Bodies are gzipped beforehand. */
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
#include "libs/crypto/hash.h"
#include "libs/http/gzip.h"
#include "libs/wire/handoff.h"

enum {
    CONNECTIONS_MAX = 100,
    KNOWN = 20000, /* entities that many hand-offs name */
    REPLY_MAX = 64 * 1024,
    REQUEST_MAX = 8 << 20,
    GRACE_NS = 10 * 1000 * 1000 * 1000LL / 2, /* to wait for the last replies */
};

struct request {
    char *bytes; /* head and body */
    size_t len;
    int64_t due_ns;
};

struct line {
    int fd;
    const struct request *request; /* NULL: free */
    size_t sent;
    size_t have;
    char reply[REPLY_MAX];
};

struct load {
    int port;
    char token[256];
    long rate;
    long seconds;
    long entities;
    long connections;
    long count; /* of requests */
    struct request *requests;
    double *ms;
    long answered;
    long errors;
    int epoll;
    struct line lines[CONNECTIONS_MAX];
};

/* --- what is sent -------------------------------------------------------------------------- */

static void must(enum fault_code code, const struct fault *fault)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "bench_load: %s\n", fault->text);
    exit(1);
}

static void add_entity(struct buf *out, long handoff, long i)
{
    bool known = i % 2 == 0;
    unsigned long number = known ? (unsigned long)(handoff * 7919 + i * 104729) % KNOWN
                                 : (unsigned long)(handoff * 1000 + i);
    const char *of = known ? "known" : "new";
    if (i % 4 < 2)
        buf_addf(out, "{\"entity\":{\"kind\":\"ip\",\"value\":\"%u.%lu.%lu.%lu\"", known ? 10 : 11,
                 number >> 16 & 255, number >> 8 & 255, number & 255);
    else
        buf_addf(out, "{\"entity\":{\"kind\":\"domain\",\"value\":\"host-%lu.%s.example\"", number,
                 of);
    buf_addf(out,
             ",\"count\":%ld,\"first_us\":1763863200000000,\"last_us\":1763863260000000,"
             "\"fields\":[\"dest\"],\"samples\":[{\"row\":%ld,\"time_us\":1763863200000000,"
             "\"ref\":\"proxy~12~A5B7|12:%ld\"}]}}\n",
             i % 9 + 1, i, i * 31);
}

static void add_relation(struct buf *out, long i)
{
    buf_addf(out,
             "{\"relation\":{\"type\":\"connects-to\",\"from\":%ld,\"to\":%ld,\"count\":1,"
             "\"first_us\":1763863200000000,\"last_us\":1763863260000000}}\n",
             i - 1, i);
}

static void add_body(struct buf *out, const struct load *load, long number, struct buf *content)
{
    struct fault fault;
    char id[WIRE_ID_HEX + 1];
    char sid[64];
    char digest[SHA256_HEX + 1];
    snprintf(sid, sizeof sid, "1763863200.%ld", number);
    struct wire_handoff handoff = {
        .tenant = STR("bench"),
        .sid = str_of(sid),
        .command = STR("ighandoff"),
        .target = STR("http://127.0.0.1:8460/"),
        .title = STR("Load"),
        .user = STR("mara"),
        .app = STR("search"),
        .client = STR("bench"),
        .earliest_us = 1763863200000000,
        .latest_us = 1763866800000000,
        .parts = 1,
    };
    must(wire_handoff_id(handoff.tenant, handoff.sid, handoff.command, handoff.target, id, &fault),
         &fault);
    handoff.id = str_of(id);
    buf_clear(content);
    for (long i = 0; i < load->entities; i++)
        add_entity(content, number, i);
    for (long i = 1; i < load->entities; i++)
        add_relation(content, i);
    struct sha256 sha256 = sha256_of(buf_str(content));
    hex_of(sha256.bytes, sizeof sha256.bytes, digest);
    wire_add_handoff(out, &handoff);
    buf_add(out, buf_str(content));
    wire_add_commit(out, &(struct wire_commit){
                             .rows = load->entities,
                             .entities = load->entities,
                             .relations = load->entities - 1,
                             .values = load->entities,
                             .content_sha256 = str_of(digest),
                         });
}

static void prepare(struct load *load)
{
    struct fault fault;
    struct buf content;
    struct buf body;
    struct buf packed;
    buf_init(&content, REQUEST_MAX);
    buf_init(&body, REQUEST_MAX);
    buf_init(&packed, REQUEST_MAX);
    for (long i = 0; i < load->count; i++) {
        char head[1024];
        buf_clear(&body);
        buf_clear(&packed);
        add_body(&body, load, i, &content);
        must(buf_check(&body, "a body", &fault), &fault);
        must(gzip_add(&packed, buf_str(&body), &fault), &fault);
        int len = snprintf(head, sizeof head,
                           "POST /v1/handoffs HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                           "Authorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\n"
                           "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                           load->port, load->token, packed.len);
        struct request *request = &load->requests[i];
        request->len = (size_t)len + packed.len;
        request->bytes = malloc(request->len);
        if (!request->bytes)
            bench_fail("malloc");
        memcpy(request->bytes, head, (size_t)len);
        memcpy(request->bytes + len, packed.ptr, packed.len);
    }
    buf_done(&content);
    buf_done(&body);
    buf_done(&packed);
}

/* --- connections --------------------------------------------------------------------------- */

static void open_line(struct load *load, struct line *line)
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

static void finish(struct load *load, struct line *line, bool good)
{
    if (!good && load->errors++ == 0)
        fprintf(stderr, "bench_load: the first error: %.*s\n",
                (int)(line->have < 600 ? line->have : 600), line->reply);
    if (good)
        load->ms[load->answered++] = (double)(bench_now_ns() - line->request->due_ns) / 1e6;
    line->request = NULL;
}

static void push(struct line *line)
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
static size_t reply_size(const struct line *line)
{
    const char *end = memmem(line->reply, line->have, "\r\n\r\n", 4);
    const char *length = end ? strcasestr(line->reply, "\r\nContent-Length:") : NULL;
    if (!end || !length || length > end)
        return 0;
    return (size_t)(end + 4 - line->reply) + strtoul(length + 17, NULL, 10);
}

static void pull(struct load *load, struct line *line)
{
    for (;;) {
        ssize_t got = read(line->fd, line->reply + line->have, REPLY_MAX - 1 - line->have);
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
            finish(load, line, strncmp(line->reply, "HTTP/1.1 201", 12) == 0);
            line->have = 0;
        }
    }
}

static void start(struct line *line, const struct request *request)
{
    line->request = request;
    line->sent = 0;
    line->have = 0;
    push(line);
}

/* --- the run ------------------------------------------------------------------------------- */

static void wait_for_events(struct load *load, int64_t until_ns)
{
    struct epoll_event events[CONNECTIONS_MAX];
    int64_t left_ns = until_ns - bench_now_ns();
    struct timespec wait = {.tv_sec = 0, .tv_nsec = left_ns > 0 ? left_ns % 1000000000 : 0};
    int count = epoll_pwait2(load->epoll, events, CONNECTIONS_MAX, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct line *line = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            push(line);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            pull(load, line);
    }
}

static struct line *free_line(struct load *load)
{
    for (long i = 0; i < load->connections; i++)
        if (!load->lines[i].request)
            return &load->lines[i];
    return NULL;
}

static double run(struct load *load)
{
    int64_t from_ns = bench_now_ns() + 10000000;
    int64_t end_ns = from_ns + load->seconds * 1000000000LL + GRACE_NS;
    long next = 0;
    for (long i = 0; i < load->count; i++)
        load->requests[i].due_ns = from_ns + i * 1000000000LL / load->rate;
    while (load->answered + load->errors < load->count && bench_now_ns() < end_ns) {
        struct line *line;
        while (next < load->count && load->requests[next].due_ns <= bench_now_ns() &&
               (line = free_line(load)))
            start(line, &load->requests[next++]);
        bool due = next < load->count && free_line(load);
        wait_for_events(load, due ? load->requests[next].due_ns : bench_now_ns() + 100000000);
    }
    return (double)(bench_now_ns() - from_ns) / 1e9;
}

static void report(struct load *load, double took_s)
{
    long none = load->count - load->answered - load->errors;
    double most = 0;
    for (long i = 0; i < load->answered; i++)
        most = load->ms[i] > most ? load->ms[i] : most;
    if (load->answered == 0) {
        fprintf(stderr, "bench_load: no hand-off was taken\n");
        exit(1);
    }
    bench_median(load->ms, (size_t)load->answered); /* sorts */
    double p50 = load->ms[load->answered / 2];
    double p95 = load->ms[load->answered * 95 / 100];
    double p99 = load->ms[load->answered * 99 / 100];
    printf("load: %.0f hand-offs of %ld entities a second (%ld of %ld in %.1f s, %ld errors, %ld "
           "unanswered), p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, most %.1f ms\n",
           (double)load->answered / took_s, load->entities, load->answered, load->count, took_s,
           load->errors, none, p50, p95, p99, most);
    printf("figures: load_rate=%.1f load_p99_ms=%.2f load_errors=%ld\n",
           (double)load->answered / took_s, p99, load->errors + none);
}

static long option(int argc, char **argv, int at, long otherwise, long most)
{
    long number = argc > at ? atol(argv[at]) : otherwise;
    if (number < 1 || number > most) {
        fprintf(stderr, "usage: bench_load PORT TOKEN_FILE [RATE [SECONDS [ENTITIES "
                        "[CONNECTIONS]]]]\n");
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

int main(int argc, char **argv)
{
    static struct load load;
    load.port = (int)option(argc, argv, 1, 0, 65535);
    load.rate = option(argc, argv, 3, 500, 100000);
    load.seconds = option(argc, argv, 4, 15, 3600);
    load.entities = option(argc, argv, 5, 100, 10000);
    load.connections = option(argc, argv, 6, 64, CONNECTIONS_MAX);
    if (argc < 3)
        option(0, argv, 0, 0, 0);
    read_token(argv[2], load.token);
    load.count = load.rate * load.seconds;
    load.requests = calloc((size_t)load.count, sizeof *load.requests);
    load.ms = calloc((size_t)load.count, sizeof *load.ms);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.requests || !load.ms || load.epoll < 0)
        bench_fail("prepare");
    prepare(&load);
    for (long i = 0; i < load.connections; i++)
        open_line(&load, &load.lines[i]);
    report(&load, run(&load));
    return 0;
}
