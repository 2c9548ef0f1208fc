/* Every route of the real tables: who may call it, and that the OpenAPI document tells of it. */
#include "service/main/main_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "service/main/tests/main_fixture.h"

/* Who may: v viewer, n analyst, u auditor, d admin, b broker, m meter, * everybody without a
 * credential. Written down here a second time on purpose: a route that asks for another permission
 * than meant shows. */
static const struct {
    const char *method;
    const char *pattern;
    const char *may;
} expected[] = {
    {"GET", "/v1/handoffs", "vnud"},
    {"POST", "/v1/handoffs", "nd"},
    {"GET", "/v1/handoffs/{}", "vnud"},
    {"GET", "/v1/handoffs/{}/receipt", "vnud"},
    {"GET", "/v1/handoffs/{}/receipt.sigstore.json", "vnud"},
    {"GET", "/v1/handoffs/{}/graph", "vnud"},
    {"GET", "/v1/handoffs/{}/entities", "vnud"},
    {"PUT", "/v1/handoffs/{}/parts/{}", "nd"},
    {"POST", "/v1/handoffs/{}/commit", "nd"},
    {"GET", "/open/handoffs/{}", "vnud"},
    {"GET", "/open/entities", "vnud"},
    {"GET", "/v1/session", "vnudbm"},
    {"GET", "/v1/whoami", "vnudbm"},
    {"POST", "/v1/session", "*"},
    {"DELETE", "/v1/session", "vnudbm"},
    {"GET", "/v1/tokens", "d"},
    {"POST", "/v1/tokens", "b"},
    {"DELETE", "/v1/tokens/{}", "d"},
    {"GET", "/v1/audit/records", "ud"},
    {"GET", "/v1/audit/records/{}/proof", "ud"},
    {"GET", "/v1/audit/consistency", "vnud"},
    {"GET", "/v1/audit/handoffs", "vnud"},
    {"GET", "/v1/audit/log/checkpoint", "ud"},
    {"GET", "/v1/audit/log/tile/{*}", "ud"},
    {"GET", "/v1/audit/log/key", "ud"},
    {"GET", "/v1/audit/receipts/checkpoint", "ud"},
    {"GET", "/v1/audit/receipts/tile/{*}", "ud"},
    {"GET", "/v1/audit/receipts/key", "ud"},
    {"GET", "/v1/meters", "vnudbm"},
    {"POST", "/v1/events", "dm"},
    {"GET", "/v1/usage", "vnud"},
    {"GET", "/v1/usage/provenance", "vnud"},
    {"GET", "/v1/usage/dlq", "d"},
    {"GET", "/v1/usage/dlq/{}", "d"},
    {"POST", "/v1/usage/dlq/{}/replay", "d"},
    {"POST", "/v1/usage/dlq/{}/discard", "d"},
    {"GET", "/v1/budgets", "vnud"},
    {"POST", "/v1/budgets", "d"},
    {"GET", "/v1/budgets/{}", "vnud"},
    {"PUT", "/v1/budgets/{}", "d"},
    {"DELETE", "/v1/budgets/{}", "d"},
    {"GET", "/v1/budgets/{}/history", "vnud"},
    {"GET", "/v1/budgets/{}/overrides", "vnud"},
    {"POST", "/v1/budgets/{}/overrides", "d"},
    {"POST", "/v1/budgets/{}/overrides/{}/approve", "d"},
    {"POST", "/v1/budgets/{}/overrides/{}/revoke", "d"},
    {"GET", "/v1/decisions", "vnud"},
    {"POST", "/v1/decisions", "ndm"},
    {"GET", "/v1/prices", "vnud"},
    {"POST", "/v1/prices", "d"},
    {"GET", "/v1/costs", "vnud"},
    {"GET", "/v1/usage/anomalies", "vnud"},
    {"POST", "/v1/usage/anomalies/{}/acknowledge", "d"},
    {"GET", "/v1/usage/anomaly-settings", "vnud"},
    {"PUT", "/v1/usage/anomaly-settings", "d"},
    {"GET", "/v1/recipients", "d"},
    {"POST", "/v1/recipients", "d"},
    {"DELETE", "/v1/recipients/{}", "d"},
    {"POST", "/v1/recipients/{}/test", "d"},
    {"POST", "/v1/recipients/{}/secret", "d"},
    {"POST", "/v1/recipients/{}/enable", "d"},
    {"GET", "/v1/deliveries", "d"},
    {"POST", "/v1/deliveries/{}/retry", "d"},
    {"GET", "/healthz", "*"},
    {"GET", "/readyz", "*"},
    {"GET", "/metrics", "*"},
    {"GET", "/openapi.yaml", "*"},
    {"GET", "/", "*"},
    {"GET", "/signin", "*"},
    {"GET", "/handoffs", "vnudbm"},
    {"GET", "/handoffs/{}", "vnudbm"},
    {"GET", "/admin", "vnudbm"},
    {"GET", "/admin/{}", "vnudbm"},
    {"GET", "/admin/{}/{}", "vnudbm"},
    {"GET", "/admin/{}/{}/{}", "vnudbm"},
    {"GET", "/assets/{}", "*"},
};

enum { EXPECTED_COUNT = sizeof expected / sizeof expected[0] };

static struct fixture fixture;
static char tokens[ROLE_COUNT][FIXTURE_TOKEN_MAX];

static int set_up(void **state)
{
    (void)state;
    fixture_start(&fixture);
    for (int role = 0; role < ROLE_COUNT; role++)
        fixture_token(&fixture, "acme", (enum identity_role)role, 0, tokens[role]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    return 0;
}

/* The pattern with something well-formed that does not exist in place of its captures. */
static void target_of(const char *pattern, char *out, size_t size)
{
    struct buf target;
    buf_init(&target, size);
    for (const char *at = pattern; *at; at++)
        if (str_starts(str_of(at), STR("parts/{}"))) {
            buf_add(&target, STR("parts/1"));
            break;
        } else if (str_starts(str_of(at), STR("{*}"))) {
            buf_add(&target, STR("0/000"));
            break;
        } else if (str_starts(str_of(at), STR("{}"))) {
            buf_add(&target, STR("0123456789abcdef0123456789abcdef"));
            at++;
        } else {
            buf_add_byte(&target, *at);
        }
    assert_true(str_to_c(buf_str(&target), out, size));
    buf_done(&target);
}

static bool goes_to_sign_in(const struct client_reply *reply)
{
    return reply->status == 303 &&
           str_starts(client_header(reply, "Location"), STR("/signin?next="));
}

static void routes__let_each_role_do_what_the_table_says(void **state)
{
    (void)state;
    static const char letters[] = "vnudbm";
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        char target[256];
        target_of(expected[i].pattern, target, sizeof target);
        struct str may = str_of(expected[i].may);
        bool open = str_equal(may, STR("*"));
        struct client_reply reply = fixture_ask(&fixture, expected[i].method, target, NULL, "");
        bool refused = (reply.status == 401 && !open) || goes_to_sign_in(&reply);
        /* POST /v1/session alone may say 400: it wants a body. */
        if (refused == open || (!open && !refused))
            fail_msg("%s %s without a credential: %d", expected[i].method, target, reply.status);
        client_reply_done(&reply);
        for (int role = 0; role < ROLE_COUNT; role++) {
            bool allowed = open || str_find_byte(may, letters[role]) < may.len;
            reply = fixture_ask(&fixture, expected[i].method, target, tokens[role], "");
            bool denied = reply.status == 403;
            if (denied == allowed || reply.status == 401 || reply.status == 0 ||
                reply.status >= 500 || goes_to_sign_in(&reply))
                fail_msg("%s %s as %s: %d", expected[i].method, target,
                         identity_role_name((enum identity_role)role), reply.status);
            client_reply_done(&reply);
        }
    }
}

static void routes__are_all_in_the_table_above(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t t = 0; t < main_table_count; t++)
        for (const struct web_route *route = main_tables[t]; route->method; route++, count++) {
            bool found = false;
            for (size_t i = 0; i < EXPECTED_COUNT; i++)
                found = found || (str_equal(str_of(route->method), str_of(expected[i].method)) &&
                                  str_equal(str_of(route->pattern), str_of(expected[i].pattern)));
            if (!found)
                fail_msg("%s %s is in no list of who may", route->method, route->pattern);
        }
    assert_int_equal(count, EXPECTED_COUNT);
}

/* Adds "METHOD /path\n" with each capture as {}. */
static void add_canonical(struct buf *out, struct str method, struct str path)
{
    for (size_t i = 0; i < method.len; i++)
        buf_add_byte(out, (char)(method.ptr[i] & ~0x20));
    buf_add_byte(out, ' ');
    for (size_t i = 0; i < path.len; i++) {
        buf_add_byte(out, path.ptr[i]);
        if (path.ptr[i] == '{') {
            while (i < path.len && path.ptr[i] != '}')
                i++;
            buf_add_byte(out, '}');
        }
    }
    buf_add_byte(out, '\n');
}

/* The document is ours and plainly written: a path stands two blanks in, its methods four. */
static void scan_document(struct buf *out)
{
    static const char *const methods[] = {"get", "post", "put", "delete"};
    struct str rest = main_openapi();
    struct str path = {0};
    while (rest.len > 0) {
        struct str line;
        struct str tail = {0};
        str_cut(rest, '\n', &line, &tail);
        rest = tail;
        if (str_starts(line, STR("components:")))
            break;
        if (str_starts(line, STR("  /")))
            path = str_take(str_skip(line, 2), line.len - 3);
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
            struct str method = str_of(methods[i]);
            if (str_starts(line, STR("    ")) && str_starts(str_skip(line, 4), method) &&
                str_equal(str_skip(line, 4 + method.len), STR(":")))
                add_canonical(out, method, path);
        }
    }
}

static void openapi__and_the_tables_tell_of_the_same_routes(void **state)
{
    (void)state;
    struct buf document;
    struct buf tables;
    buf_init(&document, 1 << 16);
    buf_init(&tables, 1 << 16);
    buf_add_byte(&document, '\n');
    buf_add_byte(&tables, '\n');
    scan_document(&document);
    for (size_t t = 0; t < main_table_count; t++)
        for (const struct web_route *route = main_tables[t]; route->method; route++)
            add_canonical(&tables, str_of(route->method), str_of(route->pattern));
    const struct {
        struct str from;
        struct str in;
        const char *missing;
    } ways[] = {{buf_str(&document), buf_str(&tables), "no route"},
                {buf_str(&tables), buf_str(&document), "not in openapi.yaml"}};
    for (size_t way = 0; way < 2; way++) {
        struct str rest = str_skip(ways[way].from, 1);
        assert_true(rest.len > 100);
        while (rest.len > 0) {
            size_t end = str_find_byte(rest, '\n');
            /* With the line feeds around it. */
            struct str line = {rest.ptr - 1, end + 2};
            if (str_find(ways[way].in, line) == ways[way].in.len)
                fail_msg("%.*s: %s", (int)end, rest.ptr, ways[way].missing);
            rest = str_skip(rest, end + 1);
        }
    }
    buf_done(&document);
    buf_done(&tables);
}

static void openapi__is_served_as_it_was_built(void **state)
{
    (void)state;
    struct client_reply reply = fixture_ask(&fixture, "GET", "/openapi.yaml", NULL, "");
    assert_int_equal(reply.status, 200);
    assert_true(str_equal(reply.body, main_openapi()));
    assert_true(str_starts(reply.body, STR("openapi: 3.1.0\n")));
    client_reply_done(&reply);
}

static void metrics__count_requests_and_records(void **state)
{
    (void)state;
    struct client_reply reply = fixture_ask(&fixture, "GET", "/nowhere", NULL, "");
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/metrics", NULL, "");
    assert_int_equal(reply.status, 200);
    assert_true(client_says(&reply, "intelgraphd_build_info{version=\"" IG_VERSION "\"} 1\n"));
    assert_true(client_says(&reply, "intelgraphd_audit_records "));
    assert_true(client_says(&reply, "\nintelgraphd_handoffs_total{result=\"committed\"} 0\n"));
    assert_false(client_says(&reply, "intelgraphd_requests_total{class=\"4xx\"} 0\n"));
    assert_false(client_says(&reply, "intelgraphd_store_bytes 0\n"));
    client_reply_done(&reply);
}

/* The probes of a balancer would make any service look fast and available. */
static void metrics__tell_service_levels_without_the_probes(void **state)
{
    (void)state;
    const char *const asked[] = {"/whoami", "/v1/whoami", "/healthz", "/readyz", "/metrics"};
    struct client_reply reply = fixture_ask(&fixture, "GET", "/metrics", NULL, "");
    char was[128];
    struct str marker = STR("intelgraphd_request_duration_seconds_count{kind=\"read\"} ");
    size_t at = str_find(reply.body, marker);
    assert_true(at < reply.body.len);
    long reads = strtol(reply.body.ptr + at + marker.len, NULL, 10);
    client_reply_done(&reply);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        reply = fixture_ask(&fixture, "GET", asked[i], NULL, "");
        client_reply_done(&reply);
    }
    reply = fixture_ask(&fixture, "GET", "/metrics", NULL, "");
    snprintf(was, sizeof was, "%.*s%ld\n", STR_ARG(marker), reads + 2);
    assert_true(client_says(&reply, was));
    assert_true(client_says(&reply, "\nintelgraphd_slo_availability_ratio{window=\"5m\"} 1.0"));
    assert_true(
        client_says(&reply, "\nintelgraphd_slo_error_budget_burn_ratio{window=\"1h\"} 0.0"));
    assert_true(client_says(&reply, "\nintelgraphd_slo_read_p95_seconds{window=\"5m\"} 0."));
    assert_true(client_says(&reply, "\nintelgraphd_slo_objective{slo=\"availability\"} 0.995\n"));
    assert_true(client_says(&reply, "\nintelgraphd_active_analysts{window=\"30d\"} 0\n"));
    client_reply_done(&reply);
}

static void pages__send_who_is_not_signed_in_to_sign_in_and_back(void **state)
{
    (void)state;
    struct client_reply reply = client_get(fixture.port, "/handoffs/a%20b%26c%22");
    assert_int_equal(reply.status, 303);
    assert_true(
        str_equal(client_header(&reply, "Location"), STR("/signin?next=/handoffs/a%20b%26c%22")));
    client_reply_done(&reply);
    reply = client_get(fixture.port, "/admin/usage?range=30d&by=a%26b");
    assert_true(str_equal(client_header(&reply, "Location"),
                          STR("/signin?next=/admin/usage%3Frange%3D30d%26by%3Da%2526b")));
    client_reply_done(&reply);
    reply = client_get(fixture.port, "/");
    assert_true(str_equal(client_header(&reply, "Location"), STR("/handoffs")));
    client_reply_done(&reply);
    reply = client_get(fixture.port, "/signin?next=https://evil.example/");
    assert_int_equal(reply.status, 200);
    assert_int_equal(client_header(&reply, "Location").len, 0);
    client_reply_done(&reply);
}

static void audit_log__is_read_by_who_may(void **state)
{
    (void)state;
    const char *auditor = tokens[ROLE_AUDITOR];
    struct client_reply reply =
        fixture_ask(&fixture, "GET", "/v1/audit/log/checkpoint", auditor, "");
    assert_int_equal(reply.status, 200);
    assert_true(str_starts(reply.body, STR("intelgraphd/acme\n")));
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/log/key", auditor, "");
    assert_true(str_starts(reply.body, STR("intelgraphd/acme+")));
    assert_true(str_ends(reply.body, STR("\n")));
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/log/tile/0/000.p/1", auditor, "");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.len, 32);
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/log/tile/0/../x", auditor, "");
    assert_int_equal(reply.status, 400);
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/records?limit=1&before=2", auditor, "");
    assert_int_equal(reply.status, 200);
    assert_true(client_says(&reply, "{\"records\":[{\"index\":1,\"record\":{"));
    assert_true(client_says(&reply, "\"checkpoint\":\"intelgraphd/acme\\n"));
    assert_false(client_says(&reply, "\"index\":0"));
    client_reply_done(&reply);
    reply = fixture_ask(&fixture, "GET", "/v1/audit/records?limit=501", auditor, "");
    assert_int_equal(reply.status, 400);
    client_reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes__let_each_role_do_what_the_table_says),
        cmocka_unit_test(routes__are_all_in_the_table_above),
        cmocka_unit_test(openapi__and_the_tables_tell_of_the_same_routes),
        cmocka_unit_test(openapi__is_served_as_it_was_built),
        cmocka_unit_test(metrics__count_requests_and_records),
        cmocka_unit_test(metrics__tell_service_levels_without_the_probes),
        cmocka_unit_test(pages__send_who_is_not_signed_in_to_sign_in_and_back),
        cmocka_unit_test(audit_log__is_read_by_who_may),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
