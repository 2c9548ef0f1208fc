/* Prices and costs over HTTP. */
#include "service/main/tests/budgets_fixture.h"

/* --- prices, costs -------------------------------------------------------------------------- */

static void prices__are_added_and_never_changed_backwards(void **state)
{
    (void)state;
#define PRICE(value) "{\"meter\":\"inference.tokens\",\"per\":\"1000\",\"price\":\"" value "\"}"
    ask(mara, "POST", "/v1/prices",
        "{\"currency\":\"EUR\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"prices\":[" PRICE(
            "0.5") "]}",
        201);
    const char *same = "{\"currency\":\"EUR\",\"prices\":[" PRICE("0.7") "]}";
    const struct json *made = ask(mara, "POST", "/v1/prices", same, 201);
    assert_int_equal(version_of(made), 2);
    made = ask(mara, "POST", "/v1/prices", same, 200); /* a double click */
    assert_int_equal(version_of(made), 2);
    assert_says(
        ask(mara, "POST", "/v1/prices",
            textf("{\"currency\":\"EUR\",\"valid_from\":\"%s\",\"prices\":[" PRICE("1") "]}",
                  moment(-DAY)),
            400),
        "valid_from", "before today");
    assert_says(
        ask(mara, "POST", "/v1/prices", "{\"currency\":\"CHF\",\"prices\":[" PRICE("1") "]}", 409),
        "currency", "EUR");
    const struct json *table = ask(mara, "GET", "/v1/prices", NULL, 200);
    assert_string_equal(text_at(table, "currency", NULL), "EUR");
    int versions = 0;
    for (const struct json *each = json_first(json_member(table, "versions")); each;
         each = json_next(each))
        versions++;
    assert_int_equal(versions, 2);
    assert_int_equal(fixture_count(&fixture, "acme", "\"prices.changed\""), 2);
}

/* Costs as text to micro-units. */
static int64_t micros(const char *text)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    int places = -1;
    for (; *text; text++) {
        if (*text == '.')
            places = 0;
        else if (places < 0)
            whole = whole * 10 + (*text - '0');
        else if (places++ < 6)
            fraction = fraction * 10 + (*text - '0');
    }
    for (; places < 6; places++)
        fraction *= 10;
    return whole * S + fraction;
}

static void costs__add_up_to_their_total(void **state)
{
    (void)state;
    char headers[FIXTURE_TOKEN_MAX + 128];
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nContent-Type: application/cloudevents+json\r\n", meter);
    for (int i = 0; i < 20; i++) {
        const char *event =
            textf("{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":"
                  "\"/gw\",\"id\":\"c%d\",\"time\":\"%s\",\"data\":{\"meter\":"
                  "\"inference.tokens\",\"quantity\":\"%d\",\"dimensions\":{\"model\":\"m%d\"}}}",
                  i, moment(-i * DAY - S), 1237 + i * 13, i % 3);
        struct client_reply reply =
            client_ask(fixture.port, "POST", "/v1/events", headers, str_of(event));
        assert_int_equal(reply.status, 200);
        client_reply_done(&reply);
    }
    static const char *const queries[] = {"window=day", "window=month", "window=billing&by=model",
                                          "window=day&by=meter,model&meter=inference.tokens"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        const struct json *costs = ask(
            mara, "GET", textf("/v1/costs?%s&from=%s", queries[i], moment(-19 * DAY)), NULL, 200);
        int64_t sum = 0;
        int rows = 0;
        for (const struct json *each = json_first(json_member(costs, "rows")); each;
             each = json_next(each)) {
            struct str cost;
            if (json_text(json_member(each, "cost"), &cost))
                sum += micros(text_at(each, "cost", NULL));
            rows++;
        }
        assert_true(rows > 0 && sum > 0);
        assert_int_equal(micros(text_at(costs, "total", NULL)), sum);
        assert_string_equal(text_at(costs, "currency", NULL), "EUR");
        assert_string_not_equal(text_at(costs, "forecast", "expected", NULL), "(no text)");
    }
    static const struct {
        const char *query;
        const char *field;
    } wrong[] = {{"window=hour", "window"},
                 {"by=colour", "by"},
                 {"by=model,model", "by"},
                 {"meter=gold", "meter"},
                 {"format=xml", "format"},
                 {"from=yesterday", "from"},
                 {"to=2026-11-01T00:00:00Z&from=2026-11-02T00:00:00Z", "from"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_string_equal(
            text_at(ask(mara, "GET", textf("/v1/costs?%s", wrong[i].query), NULL, 400), "field",
                    NULL),
            wrong[i].field);
    /* Another tenant's are none of ours. */
    const struct json *theirs = ask(eve, "GET", "/v1/costs?meter=inference.tokens", NULL, 200);
    assert_null(json_first(json_member(theirs, "rows")));
}

static void costs__come_as_csv(void **state)
{
    (void)state;
    char headers[FIXTURE_TOKEN_MAX + 64];
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", mara);
    struct client_reply reply = client_ask(
        fixture.port, "GET", "/v1/costs?format=csv&by=model&window=month", headers, STR(""));
    assert_int_equal(reply.status, 200);
    assert_true(str_starts(client_header(&reply, "Content-Type"), STR("text/csv")));
    assert_true(str_starts(reply.body,
                           STR("from,to,meter,model,quantity,shown,shown_unit,cost,currency\n")));
    assert_true(client_says(&reply, ",inference.tokens,\"m1\","));
    assert_true(client_says(&reply, ",EUR\n"));
    client_reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices__are_added_and_never_changed_backwards),
        cmocka_unit_test(costs__add_up_to_their_total),
        cmocka_unit_test(costs__come_as_csv),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
