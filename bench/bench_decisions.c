/* Decisions over HTTP at a fixed rate: client.h. A request holds `size` checks; 1 is sent as a
 * single one. The token is an admin's: the budget that decides is made first. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/client.h"

enum { REQUEST_MAX = 1 << 20 };

static const char budget[] =
    "{\"name\":\"Bench\",\"basis\":\"quantity\",\"meters\":[\"inference.tokens\"],"
    "\"limit\":\"1000000000000\",\"period\":\"month\",\"mode\":\"block\","
    "\"default_estimate\":\"5\",\"contact\":\"bench\"}";

static const char one[] =
    "{\"action\":\"check\",\"meter\":\"inference.tokens\",\"quantity\":\"5\"}";

/* A second run finds it there, which is as good. */
static void make_budget(const struct client *client)
{
    char request[2048];
    char reply[256];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)client->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int len =
        snprintf(request, sizeof request,
                 "POST /v1/budgets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                 "Connection: close\r\n\r\n%s",
                 client->token, sizeof budget - 1, budget);
    ssize_t got = -1;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, request, (size_t)len) == len)
        got = read(fd, reply, sizeof reply - 1);
    reply[got > 0 ? got : 0] = '\0';
    if (!strstr(reply, " 201 ") && !strstr(reply, " 409 ")) {
        fprintf(stderr, "bench_decisions: no budget: %.80s\n", reply);
        exit(1);
    }
    close(fd);
}

static void prepare(struct client *client, long size)
{
    struct buf body;
    buf_init(&body, REQUEST_MAX);
    buf_add_c(&body, size > 1 ? "{\"decisions\":[" : one);
    for (long k = 0; size > 1 && k < size; k++)
        buf_addf(&body, "%s%s", k ? "," : "", one);
    if (size > 1)
        buf_add_c(&body, "]}");
    for (long i = 0; i < client->count; i++)
        client_put(client, i, "/v1/decisions", "application/json", "", buf_str(&body));
    buf_done(&body);
}

int main(int argc, char **argv)
{
    static struct client client;
    long size;
    client_init(&client, argc, argv, "HTTP/1.1 200", 1000, &size);
    make_budget(&client);
    prepare(&client, size);
    client_report(&client, size > 1 ? "decisions" : "decision", "decisions", size,
                  client_run(&client));
    return 0;
}
