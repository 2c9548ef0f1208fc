#include "service/usage/tests/usage_house.h"

static struct arena arena;
static struct fault fault;

static enum fault_code read_event(const char *text, struct usage_event *out)
{
    const struct json *value;
    enum fault_code code = json_read(&arena, str_of(text), &value, &fault);
    return code == FAULT_NONE ? usage_event_read(&arena, value, out, &fault) : code;
}

#define EVENT(members)                                                                             \
    "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/"                 \
    "gw\",\"id\":\"1\","                                                                           \
    "\"time\":\"2026-11-23T12:00:00Z\"," members "}"
#define DATA(members) EVENT("\"data\":{" members "}")

static void event__is_read_with_its_dimensions_in_order(void **state)
{
    (void)state;
    struct usage_event event;
    assert_int_equal(
        read_event(DATA("\"meter\":\"inference.tokens\",\"quantity\":\"12\",\"dimensions\":{"
                        "\"user\":\"mara\",\"direction\":\"in\",\"model\":\"m\"}"),
                   &event),
        FAULT_NONE);
    assert_int_equal(event.quantity, 12);
    assert_int_equal(event.time_us, NOON);
    assert_true(str_equal(event.dimensions,
                          STR("{\"direction\":\"in\",\"model\":\"m\",\"user\":\"mara\"}")));
    assert_int_equal(event.provenance, USAGE_HAS_SOURCE | USAGE_HAS_TIME);
}

static void quantity__over_what_a_double_holds_is_read_from_text_to_the_last_digit(void **state)
{
    (void)state;
    struct usage_event event;
    assert_int_equal(
        read_event(DATA("\"meter\":\"storage.bytes\",\"quantity\":\"1000000000000000\""), &event),
        FAULT_NONE);
    assert_int_equal(event.quantity, USAGE_QUANTITY_MAX);
    assert_int_equal(
        read_event(DATA("\"meter\":\"storage.bytes\",\"quantity\":999999999999999"), &event),
        FAULT_NONE);
    assert_int_equal(event.quantity, 999999999999999);
}

static void event__with_provenance_says_so(void **state)
{
    (void)state;
    struct usage_event event;
    assert_int_equal(
        read_event(EVENT("\"subject\":\"mara\",\"traceparent\":\"00-1-2-01\",\"data\":{"
                         "\"meter\":\"api.calls\",\"quantity\":1}"),
                   &event),
        FAULT_NONE);
    assert_int_equal(event.provenance, 15);
}

static void key__begins_with_the_time_and_differs_with_source_and_id(void **state)
{
    (void)state;
    uint8_t keys[4][USAGE_KEY_SIZE];
    usage_event_key(STR("/a"), STR("b"), NOON, keys[0]);
    usage_event_key(STR("/"), STR("ab"), NOON, keys[1]);
    usage_event_key(STR("/a"), STR("b"), NOON + 999, keys[2]); /* the same millisecond */
    usage_event_key(STR("/a"), STR("b"), NOON + 1000, keys[3]);
    assert_int_not_equal(memcmp(keys[0], keys[1], USAGE_KEY_SIZE), 0);
    assert_int_equal(memcmp(keys[0], keys[1], 6), 0);
    assert_int_equal(memcmp(keys[0], keys[2], USAGE_KEY_SIZE), 0);
    assert_true(memcmp(keys[0], keys[3], USAGE_KEY_SIZE) < 0);
}

static void what_is_no_event__is_refused_with_the_member_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *field;
        const char *detail;
    } cases[] = {
        {"[]", "", "must be an object"},
        {"{}", "specversion", "CloudEvent"},
        {"{\"specversion\":\"0.3\"}", "specversion", "1.0"},
        {"{\"specversion\":\"1.0\"}", "type", "missing"},
        {"{\"specversion\":\"1.0\",\"type\":\"x\"}", "type", "io.intelgraph.usage.void"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\"}", "source", "missing"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"\"}", "source",
         "not empty"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/a\",\"id\":"
         "\"a\\u0007\"}",
         "id", "control character"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/a\",\"id\":"
         "\"1\",\"time\":\"1795435200\"}",
         "time", "RFC 3339"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/a\",\"id\":"
         "\"1\",\"time\":\"2026-11-23T12:00:00\"}",
         "time", "offset"},
        {EVENT("\"x\":1"), "data", "an object"},
        {DATA("\"quantity\":1"), "meter", "data.meter is missing"},
        {DATA("\"metre\":\"api.calls\",\"quantity\":1"), "data", "data holds \"metre\""},
        {DATA("\"meter\":\"api.calls\",\"quantity\":1,\"refers_to\":{}"), "refers_to",
         "which a use does not have"},
        {DATA("\"meter\":\"tokens\",\"quantity\":1"), "meter",
         "which is none; there are inference.tokens"},
        {DATA("\"meter\":\"api.calls\""), "quantity", "missing"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":-1"), "quantity", "a void or an amendment"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":1.5"), "quantity", "whole number"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":\"1e3\""), "quantity", "whole number"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":\"1000000000000001\""), "quantity",
         "1000000000000000"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":9007199254740993"), "quantity", "as text"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":1,\"dimensions\":[]"), "dimensions",
         "an object"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":1,\"dimensions\":{\"model\":\"m\"}"),
         "dimensions", "\"model\", which is not a dimension of api.calls; it has route, client"},
        {DATA("\"meter\":\"api.calls\",\"quantity\":1,\"dimensions\":{\"route\":1}"), "route",
         "data.dimensions.route"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.void\",\"source\":\"/a\",\"id\":"
         "\"1\",\"time\":\"2026-11-23T12:00:00Z\",\"data\":{}}",
         "refers_to", "must name the event"},
        {"{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.void\",\"source\":\"/a\",\"id\":"
         "\"1\",\"time\":\"2026-11-23T12:00:00Z\",\"data\":{\"refers_to\":{\"source\":\"/"
         "a\",\"id\":"
         "\"0\"}}}",
         "time", "data.refers_to.time is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct usage_event event;
        if (read_event(cases[i].text, &event) != FAULT_INPUT)
            fail_msg("%zu was taken: %s", i, cases[i].text);
        if (strcmp(fault.field, cases[i].field) != 0 || !strstr(fault.text, cases[i].detail))
            fail_msg("%zu: field %s: %s", i, fault.field, fault.text);
    }
}

static void text__over_its_limit_is_refused(void **state)
{
    (void)state;
    char text[1024];
    char id[USAGE_TEXT_MAX + 2];
    struct usage_event event;
    memset(id, 'x', sizeof id);
    id[USAGE_TEXT_MAX + 1] = '\0';
    snprintf(text, sizeof text,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/a\","
             "\"id\":\"%s\",\"time\":\"2026-11-23T12:00:00Z\",\"data\":{\"meter\":\"api.calls\","
             "\"quantity\":1}}",
             id);
    assert_int_equal(read_event(text, &event), FAULT_LIMIT);
    assert_string_equal(fault.field, "id");
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event__is_read_with_its_dimensions_in_order),
        cmocka_unit_test(quantity__over_what_a_double_holds_is_read_from_text_to_the_last_digit),
        cmocka_unit_test(event__with_provenance_says_so),
        cmocka_unit_test(key__begins_with_the_time_and_differs_with_source_and_id),
        cmocka_unit_test(what_is_no_event__is_refused_with_the_member_that_is_wrong),
        cmocka_unit_test(text__over_its_limit_is_refused),
    };
    return cmocka_run_group_tests_name("usage_event", tests, set_up, tear_down);
}
