/* A service in a temporary folder, with the real store, log and identities, driven through its
 * routes by requests made in memory. For the tests of this room. */
#ifndef IG_HANDOFFS_TESTS_HOUSE_H
#define IG_HANDOFFS_TESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/store_pool.h"
#include "libs/store/tests/place.h"
#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "libs/wire/handoff.h"
#include "service/audit/audit.h"
#include "service/budgets/budgets.h"
#include "service/handoffs/handoffs.h"
#include "service/identity/identity.h"
#include "service/migrations/migrations.h"
#include "service/service.h"

#define UNUSED        __attribute__((unused))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { HOUSE_BODY_MAX = 64 << 20 };

struct house {
    char folder[64];
    struct store_pool *pool;
    struct audit *audit;
    struct identity *identity;
    struct budgets *budgets;
    struct service service;
};

/* The house of the test that runs, and the last fault of a helper. */
static struct house house;
static struct fault house_fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", house_fault.text);                                                      \
    } while (0)

static UNUSED int house_open(void **state)
{
    char path[128];
    char place[PLACE_MAX];
    struct store *store;
    (void)state;
    house = (struct house){.folder = "/tmp/handoffs-XXXXXX"};
    if (!mkdtemp(house.folder))
        return -1;
    snprintf(path, sizeof path, "%s/graph.db", house.folder);
    place_make(path, place);
    MUST(store_pool_new(place, 8, service_migrations, service_migration_count, &house.pool,
                        &house_fault));
    MUST(store_pool_take(house.pool, &store, &house_fault));
    MUST(audit_open(house.folder, store, &house.audit, &house_fault));
    store_pool_give(house.pool, store);
    MUST(identity_new(house.pool, house.audit, &house.identity, &house_fault));
    MUST(budgets_new(house.pool, house.audit, &house.budgets, &house_fault));
    house.service = (struct service){.pool = house.pool,
                                     .audit = house.audit,
                                     .identity = house.identity,
                                     .budgets = house.budgets,
                                     .public_url = STR("https://ig.example/")};
    return 0;
}

static UNUSED int house_close(void **state)
{
    static const char *const files[] = {"graph.db", "graph.db-wal", "graph.db-shm", "audit.key",
                                        "audit.vkey"};
    char path[128];
    (void)state;
    budgets_free(house.budgets);
    identity_free(house.identity);
    audit_close(house.audit);
    store_pool_free(house.pool);
    for (size_t i = 0; i < LENGTH(files); i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, files[i]);
        unlink(path);
    }
    return rmdir(house.folder);
}

/* --- the store behind it -------------------------------------------------------------------- */

static UNUSED void house_sql(const char *sql)
{
    struct store *store;
    struct statement *statement;
    bool row = true;
    MUST(store_pool_take(house.pool, &store, &house_fault));
    MUST(store_prepare(store, sql, &statement, &house_fault));
    while (row)
        MUST(store_step(statement, &row, &house_fault));
    store_pool_give(house.pool, store);
}

/* From now on every record of the log is refused by the store; and no longer. */
static UNUSED const char *house_break_log(void)
{
    return place_is_server()
               ? "ALTER TABLE audit_entries ADD CONSTRAINT refuse CHECK (idx < 0) NOT VALID"
               : "CREATE TRIGGER refuse BEFORE INSERT ON audit_entries BEGIN"
                 " SELECT raise(ABORT, 'no more records'); END";
}

static UNUSED const char *house_mend_log(void)
{
    return place_is_server() ? "ALTER TABLE audit_entries DROP CONSTRAINT refuse"
                             : "DROP TRIGGER refuse";
}

/* The whole number that a query gives. */
static UNUSED int64_t house_whole(const char *sql)
{
    struct store *store;
    struct statement *statement;
    bool row;
    MUST(store_pool_take(house.pool, &store, &house_fault));
    MUST(store_prepare(store, sql, &statement, &house_fault));
    MUST(store_step(statement, &row, &house_fault));
    assert_true(row);
    int64_t number = store_whole(statement, 0);
    store_reset(statement);
    store_pool_give(house.pool, store);
    return number;
}

/* How often a text stands in the newest records of a tenant's log. */
static UNUSED int house_recorded(const char *tenant, const char *part)
{
    struct store *store;
    struct buf records;
    int count = 0;
    buf_init(&records, 16 << 20);
    MUST(store_pool_take(house.pool, &store, &house_fault));
    MUST(audit_list(store, str_of(tenant), -1, 500, &records, &house_fault));
    store_pool_give(house.pool, store);
    struct str rest = buf_str(&records);
    for (size_t at; (at = str_find(rest, str_of(part))) < rest.len; count++)
        rest = str_skip(rest, at + 1);
    buf_done(&records);
    return count;
}

static UNUSED void house_token(const char *tenant, enum identity_role role, struct buf *out)
{
    buf_clear(out);
    buf_add_c(out, "Bearer ");
    MUST(identity_token_create(house.identity, str_of(tenant), role, STR("mara"), 0, out,
                               &house_fault));
}

/* --- requests ------------------------------------------------------------------------------- */

struct ask {
    const char *method;
    const char *path;
    const char *query;
    struct str token;   /* the Authorization header; empty: none */
    const char *accept; /* NULL: none */
    const char *host;   /* NULL: none */
    struct str body;
};

struct answer {
    enum fault_code code;
    struct fault fault;
    int status;
    struct arena arena;
    struct web_reply reply;
    const struct json *json; /* of a JSON body, else NULL */
};

static UNUSED bool house_match(const char *pattern, struct str path, struct str *out_parts)
{
    struct str rest = str_of(pattern);
    size_t part = 0;
    for (;;) {
        struct str want;
        struct str got;
        bool more = str_cut(rest, '/', &want, &rest);
        if (more != str_cut(path, '/', &got, &path))
            return false;
        if (str_equal(want, STR("{}")))
            out_parts[part++] = got;
        else if (!str_equal(want, got))
            return false;
        if (!more)
            return true;
    }
}

static UNUSED const struct web_route *house_route(struct web_request *request)
{
    const struct web_route *const tables[] = {handoffs_routes, handoffs_read_routes,
                                              handoffs_record_routes, handoffs_open_routes};
    for (size_t i = 0; i < LENGTH(tables); i++)
        for (const struct web_route *route = tables[i]; route->method; route++)
            if ((str_equal(request->method, str_of(route->method)) ||
                 (str_equal(request->method, STR("HEAD")) && route->method[0] == 'G')) &&
                house_match(route->pattern, request->path, request->parts))
                return route;
    fail_msg("no route for %.*s", STR_ARG(request->path));
    return NULL;
}

static UNUSED void add_header(struct web_request *request, const char *name, struct str value)
{
    if (value.len > 0)
        request->headers[request->header_count++] = (struct web_header){str_of(name), value};
}

/* Sends it as the server would; end with answer_done. */
static UNUSED void ask(const struct ask *ask, struct answer *out)
{
    *out = (struct answer){0};
    arena_init(&out->arena, 64 << 20);
    buf_init(&out->reply.body, HOUSE_BODY_MAX);
    struct web_request request = {
        .method = str_of(ask->method),
        .path = str_of(ask->path),
        .query = str_of(ask->query),
        .client = STR("192.0.2.7"),
        .body = ask->body,
        .arena = &out->arena,
    };
    add_header(&request, "Authorization", ask->token);
    add_header(&request, "Accept", str_of(ask->accept));
    add_header(&request, "Host", str_of(ask->host));
    const struct web_route *route = house_route(&request);
    out->code = route->handler(&house.service, &request, &out->reply, &out->fault);
    assert_true(request.gated);
    if (out->code != FAULT_NONE)
        web_reply_fault(&request, &out->reply, &out->fault);
    out->status = out->reply.status ? out->reply.status : 200;
    struct fault ignored;
    if (out->reply.body.len > 0 &&
        json_read(&out->arena, buf_str(&out->reply.body), &out->json, &ignored) != FAULT_NONE)
        fail_msg("not JSON: %s", ignored.text);
}

static UNUSED void answer_done(struct answer *answer)
{
    buf_done(&answer->reply.body);
    arena_done(&answer->arena);
}

static UNUSED int64_t whole_of(const struct json *object, const char *name)
{
    int64_t number = 0;
    if (!json_whole(json_member(object, name), &number))
        fail_msg("no whole number \"%s\"", name);
    return number;
}

static UNUSED struct str text_of(const struct json *object, const char *name)
{
    struct str text = {0};
    if (!json_text(json_member(object, name), &text))
        fail_msg("no text \"%s\"", name);
    return text;
}

static UNUSED bool boolean_of(const struct json *object, const char *name)
{
    bool yes = false;
    if (!json_boolean(json_member(object, name), &yes))
        fail_msg("no boolean \"%s\"", name);
    return yes;
}

static UNUSED size_t length_of(const struct json *array)
{
    size_t count = 0;
    for (const struct json *item = json_first(array); item; item = json_next(item))
        count++;
    return count;
}

static UNUSED struct str location_of(const struct answer *answer)
{
    for (size_t i = 0; i < answer->reply.header_count; i++)
        if (str_equal(answer->reply.headers[i].name, STR("Location")))
            return answer->reply.headers[i].value;
    return (struct str){0};
}

/* --- hand-offs ------------------------------------------------------------------------------ */

/* What is sent, and what it says of itself: tests change it to lie. */
struct parcel {
    struct wire_handoff manifest;
    struct wire_commit commit;
    struct buf content;
    struct buf body;
    char id[WIRE_ID_HEX + 1];
    char digest[SHA256_HEX + 1];
};

static UNUSED void parcel_open(struct parcel *parcel, const char *tenant, const char *sid)
{
    *parcel = (struct parcel){
        .manifest = {.tenant = str_of(tenant),
                     .sid = str_of(sid),
                     .command = STR("ighandoff title=Beaconing"),
                     .target = STR("https://ig.example/"),
                     .title = STR("Beaconing"),
                     .user = STR("mara"),
                     .app = STR("search"),
                     .client = STR("intelgraph/0.1.0"),
                     .parts = 1},
        .commit = {.rows = 120, .values = 300, .entities_left_out = 7, .relations_left_out = 8},
    };
    buf_init(&parcel->content, HOUSE_BODY_MAX);
    buf_init(&parcel->body, HOUSE_BODY_MAX);
    MUST(wire_handoff_id(parcel->manifest.tenant, parcel->manifest.sid, parcel->manifest.command,
                         parcel->manifest.target, parcel->id, &house_fault));
    parcel->manifest.id = str_of(parcel->id);
}

static UNUSED void parcel_done(struct parcel *parcel)
{
    buf_done(&parcel->content);
    buf_done(&parcel->body);
}

static UNUSED void parcel_entity(struct parcel *parcel, const char *kind, const char *value)
{
    struct json_out out = json_out_to(&parcel->content);
    json_open(&out, '{');
    json_open_at(&out, "entity", '{');
    json_put_text(&out, "kind", str_of(kind));
    json_put_text(&out, "value", str_of(value));
    json_put_whole(&out, "count", 5);
    json_put_whole(&out, "first_us", 100);
    json_put_whole(&out, "last_us", 200);
    json_put_raw(&out, "fields", STR("[\"src_ip\"]"));
    json_put_raw(&out, "samples", STR("[{\"row\":3,\"time_us\":100,\"ref\":\"5:1\"},{\"row\":4}]"));
    json_close(&out, '}');
    json_close(&out, '}');
    buf_add_byte(&parcel->content, '\n');
    parcel->commit.entities++;
}

static UNUSED void parcel_relation(struct parcel *parcel, const char *type, int from, int to)
{
    buf_addf(&parcel->content,
             "{\"relation\":{\"type\":\"%s\",\"from\":%d,\"to\":%d,\"count\":2}}\n", type, from,
             to);
    parcel->commit.relations++;
}

/* Three entities and two relations. */
static UNUSED void parcel_fill(struct parcel *parcel)
{
    parcel_entity(parcel, "ip", "10.0.0.1");
    parcel_entity(parcel, "domain", "evil.example");
    parcel_entity(parcel, "ip", "192.0.2.9");
    parcel_relation(parcel, "queries", 0, 1);
    parcel_relation(parcel, "connects-to", 0, 2);
}

/* Sets the digest to that of the content. */
static UNUSED void parcel_seal(struct parcel *parcel)
{
    struct sha256 digest = sha256_of(buf_str(&parcel->content));
    hex_of(digest.bytes, sizeof digest.bytes, parcel->digest);
    parcel->commit.content_sha256 = str_of(parcel->digest);
}

static UNUSED void parcel_pack(struct parcel *parcel)
{
    buf_clear(&parcel->body);
    wire_add_handoff(&parcel->body, &parcel->manifest);
    buf_add(&parcel->body, buf_str(&parcel->content));
    wire_add_commit(&parcel->body, &parcel->commit);
}

/* POST /v1/handoffs with whatever parcel->body holds. */
static UNUSED void parcel_post(struct parcel *parcel, struct str token, struct answer *out)
{
    ask(&(struct ask){.method = "POST",
                      .path = "/v1/handoffs",
                      .token = token,
                      .body = buf_str(&parcel->body)},
        out);
}

/* Seals, packs and posts. */
static UNUSED void parcel_send(struct parcel *parcel, struct str token, struct answer *out)
{
    parcel_seal(parcel);
    parcel_pack(parcel);
    parcel_post(parcel, token, out);
}

/* The same, which must be committed; gives nothing back. */
static UNUSED void parcel_deliver(struct parcel *parcel, struct str token)
{
    struct answer answer;
    parcel_send(parcel, token, &answer);
    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.fault.text);
    answer_done(&answer);
}

/* A hand-off of parcel_fill's things. */
static UNUSED void deliver(const char *tenant, const char *sid, struct str token,
                           char out_id[WIRE_ID_HEX + 1])
{
    struct parcel parcel;
    parcel_open(&parcel, tenant, sid);
    parcel_fill(&parcel);
    parcel_deliver(&parcel, token);
    memcpy(out_id, parcel.id, sizeof parcel.id);
    parcel_done(&parcel);
}

#endif
