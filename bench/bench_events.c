/* Usage events in batches at a fixed rate: client.h.
 *
 * Ids are drawn at random, as most clients draw them; times are about now, in the order of sending
 * but for some jitter. Meters and dimensions are those of a mid-sized platform. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/client.h"
#include "libs/http/gzip.h"

enum { REQUEST_MAX = 8 << 20, MODELS = 12, ROUTES = 40 };

static uint64_t state = 0x9e3779b97f4a7c15u;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void add_event(struct buf *out, int64_t at_us)
{
    char time[32];
    time_t second = (time_t)(at_us / 1000000);
    struct tm parts;
    gmtime_r(&second, &parts);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts);
    buf_addf(out,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw/%d\","
             "\"id\":\"%016llx%016llx\",\"time\":\"%s.%06dZ\",\"subject\":\"svc-%d\",",
             (int)(draw() % 8), (unsigned long long)draw(), (unsigned long long)draw(), time,
             (int)(at_us % 1000000), (int)(draw() % 50));
    if (draw() % 2)
        buf_addf(out,
                 "\"data\":{\"meter\":\"inference.tokens\",\"quantity\":\"%d\",\"dimensions\":{"
                 "\"model\":\"m-%d\",\"direction\":\"%s\"}}}\n",
                 (int)(draw() % 4000), (int)(draw() % MODELS), draw() % 2 ? "in" : "out");
    else
        buf_addf(out,
                 "\"data\":{\"meter\":\"api.calls\",\"quantity\":1,\"dimensions\":{"
                 "\"route\":\"/v1/r%d\"}}}\n",
                 (int)(draw() % ROUTES));
}

static void prepare(struct client *client, long size)
{
    struct buf body;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000;
    buf_init(&body, REQUEST_MAX);
    for (long i = 0; i < client->count; i++) {
        buf_clear(&body);
        for (long k = 0; k < size; k++)
            add_event(&body, now_us + i * 1000000 / client->rate - (int64_t)(draw() % 2000000));
        client_put(client, i, "/v1/events", "application/x-ndjson", "", buf_str(&body));
    }
    buf_done(&body);
}

int main(int argc, char **argv)
{
    static struct client client;
    long size;
    client_init(&client, argc, argv, "HTTP/1.1 200", 1500, &size);
    prepare(&client, size);
    client_report(&client, "events", "usage events", size, client_run(&client));
    return 0;
}
