/* Hand-offs at a fixed rate: client.h.
 *
 * Each has an id and content of its own; half its entities are new, half come from a set that many
 * name, and each entity but the first has a relation. Bodies are gzipped beforehand. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/client.h"
#include "libs/crypto/hash.h"
#include "libs/http/gzip.h"
#include "libs/wire/handoff.h"

enum {
    KNOWN = 20000, /* entities that many hand-offs name */
    REQUEST_MAX = 8 << 20,
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

static void add_body(struct buf *out, long entities, long number, struct buf *content)
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
    for (long i = 0; i < entities; i++)
        add_entity(content, number, i);
    for (long i = 1; i < entities; i++)
        add_relation(content, i);
    struct sha256 sha256 = sha256_of(buf_str(content));
    hex_of(sha256.bytes, sizeof sha256.bytes, digest);
    wire_add_handoff(out, &handoff);
    buf_add(out, buf_str(content));
    wire_add_commit(out, &(struct wire_commit){
                             .rows = entities,
                             .entities = entities,
                             .relations = entities - 1,
                             .values = entities,
                             .content_sha256 = str_of(digest),
                         });
}

static void prepare(struct client *client, long entities)
{
    struct fault fault;
    struct buf content;
    struct buf body;
    struct buf packed;
    buf_init(&content, REQUEST_MAX);
    buf_init(&body, REQUEST_MAX);
    buf_init(&packed, REQUEST_MAX);
    for (long i = 0; i < client->count; i++) {
        buf_clear(&body);
        buf_clear(&packed);
        add_body(&body, entities, i, &content);
        must(buf_check(&body, "a body", &fault), &fault);
        must(gzip_add(&packed, buf_str(&body), &fault), &fault);
        client_put(client, i, "/v1/handoffs", "application/x-ndjson", "gzip", buf_str(&packed));
    }
    buf_done(&content);
    buf_done(&body);
    buf_done(&packed);
}

int main(int argc, char **argv)
{
    static struct client client;
    long entities;
    char what[64];
    client_init(&client, argc, argv, "HTTP/1.1 201", 500, &entities);
    prepare(&client, entities);
    snprintf(what, sizeof what, "hand-offs of %ld entities", entities);
    client_report(&client, "load", what, 1, client_run(&client));
    return 0;
}
