/* A budget's JSON: what is read, what is refused and with which sentence. */
#include "service/budgets/budgets_definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

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

static enum fault_code read_text(const char *text, struct budgets_definition *out,
                                 int64_t *out_version, struct fault *fault)
{
    const struct json *value;
    enum fault_code code = json_read(&arena, str_of(text), &value, fault);
    return code == FAULT_NONE ? budgets_definition_read(&arena, value, out, out_version, fault)
                              : code;
}

#define WHOLE_BUDGET                                                                               \
    "{\"name\":\" Tokens of the month "                                                            \
    "\",\"basis\":\"quantity\",\"meters\":[\"inference.tokens\"],"                                 \
    "\"limit\":\"1000000000000000000\",\"currency\":null,\"period\":\"month\",\"mode\":"           \
    "\"throttle\",\"shadow\":true,\"thresholds\":[{\"kind\":\"percent\",\"value\":\"50\"},"        \
    "{\"kind\":\"forecast\",\"value\":\"100\"},{\"kind\":\"percent\",\"value\":\"99.5\"},"         \
    "{\"kind\":\"absolute\",\"value\":\"12\"}],\"throttle\":{\"from_percent\":\"90\",\"rate\":"    \
    "\"1000\",\"burst\":\"5000\"},\"default_estimate\":\"2000\",\"recipients\":[\"rcp_a\","        \
    "\"rcp_b\"],\"contact\":\"finance@corp.example\",\"two_person\":true,\"version\":7}"

static void budgets_definition_read__takes_all_members(void **state)
{
    (void)state;
    struct budgets_definition read;
    struct fault fault;
    int64_t version = 0;
    assert_int_equal(read_text(WHOLE_BUDGET, &read, &version, &fault), FAULT_NONE);
    assert_true(str_equal(read.name, STR("Tokens of the month")));
    assert_int_equal(read.basis, BUDGETS_QUANTITY);
    assert_int_equal(read.meter_count, 1);
    assert_string_equal(read.meters[0]->name, "inference.tokens");
    assert_int_equal(read.limit, BUDGETS_AMOUNT_MAX);
    assert_int_equal(read.period, ZONE_MONTH);
    assert_int_equal(read.mode, BUDGETS_THROTTLE);
    assert_true(read.shadow && read.two_person && read.has_throttle);
    assert_int_equal(read.threshold_count, 4);
    assert_int_equal(read.thresholds[2].value, 9950);
    assert_int_equal(read.thresholds[3].kind, BUDGETS_ABSOLUTE);
    assert_int_equal(read.throttle.from_percent, 9000);
    assert_int_equal(read.throttle.rate, 1000);
    assert_int_equal(read.throttle.burst, 5000);
    assert_int_equal(read.default_estimate, 2000);
    assert_int_equal(read.recipient_count, 2);
    assert_true(str_equal(read.contact, STR("finance@corp.example")));
    assert_int_equal(version, 7);
}

static void write_out(const struct budgets_definition *definition, struct buf *out)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    budgets_definition_put(&json, definition);
    json_close(&json, '}');
}

static void budgets_definition_put__is_read_again_as_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        WHOLE_BUDGET,
        "{\"name\":\"\\u00c4\",\"basis\":\"cost\",\"limit\":\"0.000001\",\"currency\":\"EUR\","
        "\"period\":\"day\",\"mode\":\"block\",\"contact\":\"x\"}",
        "{\"name\":\"s\",\"basis\":\"quantity\",\"meters\":[\"storage.bytes\"],\"limit\":\"1\","
        "\"period\":\"billing\",\"mode\":\"notify\",\"contact\":\"x\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct budgets_definition once;
        struct budgets_definition twice;
        struct fault fault;
        struct buf first;
        struct buf second;
        buf_init(&first, 8192);
        buf_init(&second, 8192);
        assert_int_equal(read_text(texts[i], &once, NULL, &fault), FAULT_NONE);
        write_out(&once, &first);
        buf_add_byte(&first, '\0');
        assert_int_equal(read_text(first.ptr, &twice, NULL, &fault), FAULT_NONE);
        write_out(&twice, &second);
        first.len--;
        assert_true(str_equal(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
    }
}

/* One good budget, of which a member is replaced; NULL leaves it out. */
static const struct {
    const char *name;
    const char *value;
} good_members[] = {
    {"name", "\"Tokens\""},     {"basis", "\"quantity\""}, {"meters", "[\"inference.tokens\"]"},
    {"limit", "\"1000\""},      {"period", "\"day\""},     {"mode", "\"block\""},
    {"contact", "\"finance\""},
};

static void make(const char *member, const char *value, struct buf *out)
{
    bool is_there = false;
    buf_add_byte(out, '{');
    for (size_t i = 0; i < sizeof good_members / sizeof good_members[0]; i++) {
        bool is_it = strcmp(good_members[i].name, member) == 0;
        is_there = is_there || is_it;
        const char *use = is_it ? value : good_members[i].value;
        if (use)
            buf_addf(out, "%s\"%s\":%s", out->len > 1 ? "," : "", good_members[i].name, use);
    }
    if (!is_there)
        buf_addf(out, ",\"%s\":%s", member, value);
    buf_add_c(out, "}");
    buf_add_byte(out, '\0');
}

static void budgets_definition_read__names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        const char *value;
        const char *field;
        const char *part; /* of the sentence */
    } cases[] = {
        {"name", NULL, "name", "1 to 80 characters"},
        {"name", "\"  \"", "name", "1 to 80 characters"},
        {"name", "\"a\\nb\"", "name", "one line"},
        {"name", "7", "name", "text"},
        {"name",
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
         "name", "80"},
        {"basis", NULL, "basis", "\"quantity\" or \"cost\""},
        {"basis", "\"money\"", "basis", "\"quantity\" or \"cost\""},
        {"meters", NULL, "meters", "empty"},
        {"meters", "[]", "meters", "empty"},
        {"meters", "\"inference.tokens\"", "meters", "array"},
        {"meters", "[7]", "meters", "names"},
        {"meters", "[\"tokens\"]", "meters", "there are inference.tokens"},
        {"meters", "[\"inference.tokens\",\"inference.tokens\"]", "meters", "twice"},
        {"meters", "[\"inference.tokens\",\"api.calls\"]", "meters", "do not add up"},
        {"limit", NULL, "limit", "whole number"},
        {"limit", "1000", "limit", "as text"},
        {"limit", "\"0\"", "limit", "from \"1\""},
        {"limit", "\"-1\"", "limit", "from \"1\""},
        {"limit", "\"1e3\"", "limit", "whole number"},
        {"limit", "\"01\"", "limit", "whole number"},
        {"limit", "\" 1\"", "limit", "whole number"},
        {"limit", "\"1.5\"", "limit", "whole number"},
        {"limit", "\"1000000000000000001\"", "limit", "1000000000000000000"},
        {"limit", "\"99999999999999999999999999\"", "limit", "1000000000000000000"},
        {"currency", "\"EUR\"", "currency", "budgets of cost"},
        {"currency", "\"eur\"", "currency", "ISO 4217"},
        {"period", "\"hour\"", "period", "\"day\", \"month\" or \"billing\""},
        {"mode", "\"stop\"", "mode", "\"notify\", \"throttle\" or \"block\""},
        {"mode", "\"throttle\"", "throttle", "needs throttle"},
        {"throttle", "{\"from_percent\":\"90\",\"rate\":\"1\",\"burst\":\"1\"}", "throttle",
         "belongs to the mode"},
        {"shadow", "\"yes\"", "shadow", "true or false"},
        {"two_person", "1", "two_person", "true or false"},
        {"thresholds", "{}", "thresholds", "array"},
        {"thresholds", "[80]", "thresholds", "objects"},
        {"thresholds", "[{\"kind\":\"percent\",\"value\":\"80\",\"at\":1}]", "thresholds",
         "\"at\""},
        {"thresholds", "[{\"kind\":\"part\",\"value\":\"80\"}]", "kind", "\"percent\""},
        {"thresholds", "[{\"kind\":\"percent\",\"value\":80}]", "value", "as text"},
        {"thresholds", "[{\"kind\":\"percent\",\"value\":\"0\"}]", "value", "0.01"},
        {"thresholds", "[{\"kind\":\"percent\",\"value\":\"1000.01\"}]", "value", "1000"},
        {"thresholds", "[{\"kind\":\"percent\",\"value\":\"50.001\"}]", "value", "two digits"},
        {"thresholds",
         "[{\"kind\":\"percent\",\"value\":\"80\"},{\"kind\":\"percent\",\"value\":\"50\"}]",
         "thresholds", "out of order"},
        {"thresholds",
         "[{\"kind\":\"percent\",\"value\":\"80\"},{\"kind\":\"percent\",\"value\":\"80.0\"}]",
         "thresholds", "twice"},
        {"thresholds",
         "[{\"kind\":\"absolute\",\"value\":\"9\"},{\"kind\":\"percent\",\"value\":\"1\"},"
         "{\"kind\":\"absolute\",\"value\":\"8\"}]",
         "thresholds", "out of order"},
        {"default_estimate", "\"0\"", "default_estimate", "from \"1\""},
        {"default_estimate", "\"1001\"", "default_estimate", "over the limit"},
        {"recipients", "\"rcp_a\"", "recipients", "array"},
        {"recipients", "[\"mara@corp.example\"]", "recipients", "GET /v1/recipients"},
        {"recipients", "[\"rcp_a\",\"rcp_a\"]", "recipients", "twice"},
        {"contact", NULL, "contact", "1 to 200 characters"},
        {"contact", "\"\\u0007\"", "contact", "one line"},
        {"limits", "\"7\"", "body", "\"limits\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct budgets_definition untouched = {.limit = 4711};
        struct fault fault;
        struct buf text;
        buf_init(&text, 8192);
        make(cases[i].member, cases[i].value, &text);
        enum fault_code code = read_text(text.ptr, &untouched, NULL, &fault);
        if (code != FAULT_INPUT || strcmp(fault.field, cases[i].field) != 0 ||
            !strstr(fault.text, cases[i].part))
            fail_msg("%s: %d, %s: %s", text.ptr, code, code ? fault.field : "",
                     code ? fault.text : "taken");
        assert_int_equal(untouched.limit, 4711);
        buf_done(&text);
        arena_reset(&arena);
    }
}

static void budgets_definition_read__stops_at_its_limits(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        const char *each; /* with one %d */
        int most;
    } cases[] = {
        {"thresholds", "{\"kind\":\"percent\",\"value\":\"%d\"}", BUDGETS_THRESHOLDS_MAX},
        {"recipients", "\"rcp_%d\"", BUDGETS_RECIPIENTS_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int over = 0; over <= 1; over++) {
            struct budgets_definition read;
            struct fault fault;
            struct buf list;
            struct buf text;
            buf_init(&list, 8192);
            buf_init(&text, 16384);
            buf_add_byte(&list, '[');
            for (int j = 1; j <= cases[i].most + over; j++) {
                char each[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(each, sizeof each, cases[i].each, j);
#pragma GCC diagnostic pop
                buf_addf(&list, "%s%s", j > 1 ? "," : "", each);
            }
            buf_add_byte(&list, ']');
            buf_add_byte(&list, '\0');
            make(cases[i].member, list.ptr, &text);
            assert_int_equal(read_text(text.ptr, &read, NULL, &fault),
                             over ? FAULT_INPUT : FAULT_NONE);
            buf_done(&list);
            buf_done(&text);
        }
}

static void budgets_percent__is_written_as_short_as_it_can_be(void **state)
{
    (void)state;
    static const struct {
        int64_t hundredths;
        const char *text;
    } cases[] = {{0, "0"}, {1, "0.01"}, {10, "0.1"}, {8000, "80"}, {8340, "83.4"}, {9999, "99.99"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        buf_init(&text, 64);
        budgets_percent_add(&text, cases[i].hundredths);
        buf_add_byte(&text, '\0');
        assert_string_equal(text.ptr, cases[i].text);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(budgets_definition_read__takes_all_members, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(budgets_definition_put__is_read_again_as_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(budgets_definition_read__names_what_is_wrong, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(budgets_definition_read__stops_at_its_limits, set_up,
                                        tear_down),
        cmocka_unit_test(budgets_percent__is_written_as_short_as_it_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
