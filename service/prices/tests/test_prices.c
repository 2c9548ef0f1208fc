/* Money, prices and versions of them; costs against a second reckoning. */
#include "service/prices/tests/prices_house.h"

#include "service/prices/prices_read.h"

/* --- money ---------------------------------------------------------------------------------- */

static void prices_money__reads_decimals_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t micros; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1", 1000000},
        {"2.50", 2500000},
        {"0.000001", 1},
        {"12.000000", 12000000},
        {"1000000000000", 1000000000000000000},
        {"", -1},
        {".5", -1},
        {"5.", -1},
        {"00", -1},
        {"01", -1},
        {"-1", -1},
        {"+1", -1},
        {"1e3", -1},
        {"1,5", -1},
        {" 1", -1},
        {"1 ", -1},
        {"0.0000001", -1},
        {"1.2.3", -1},
        {"0x10", -1},
        {"1000000000000.000001", -1},
        {"99999999999999999999999999999999999999", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t micros = -7;
        bool is_read =
            prices_money_read(str_of(cases[i].text), INT64_C(1000000000000000000), &micros);
        if (is_read != (cases[i].micros >= 0) || micros != (is_read ? cases[i].micros : -7))
            fail_msg("\"%s\": %d, %lld", cases[i].text, is_read, (long long)micros);
    }
}

static void prices_money__is_written_as_it_is_read(void **state)
{
    (void)state;
    static const struct {
        int64_t micros;
        const char *text;
    } cases[] = {{0, "0.00"},         {1, "0.000001"},       {10000, "0.01"},  {2500000, "2.50"},
                 {-3500000, "-3.50"}, {1234567, "1.234567"}, {-1, "-0.000001"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        int64_t micros = 0;
        buf_init(&text, 64);
        prices_money_add(&text, cases[i].micros);
        assert_true(str_equal(buf_str(&text), str_of(cases[i].text)));
        if (cases[i].micros >= 0) {
            assert_true(prices_money_read(buf_str(&text), INT64_MAX, &micros));
            assert_int_equal(micros, cases[i].micros);
        }
        buf_done(&text);
    }
}

/* --- costs ---------------------------------------------------------------------------------- */

static void prices_cost__rounds_halves_to_even_once(void **state)
{
    (void)state;
    struct prices_price price = price_of("tokens", 2, 1); /* half a micro-unit each */
    static const int64_t expected[] = {0, 0, 1, 2, 2, 2, 3, 4, 4};
    static const int64_t expected_up[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(prices_cost(&price, i), expected[i]);
        assert_int_equal(prices_cost(&price, -i), -expected[i]);
        assert_int_equal(prices_cost_up(&price, i), expected_up[i]);
    }
}

/* Where 128 bits are enough for the plain way, both ways agree. */
static void prices_cost__agrees_with_the_plain_way(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t per = 1 + (int64_t)draw(1000000);
        int64_t unit_price = (int64_t)draw(INT64_C(1000000000));
        int64_t quantity = (int64_t)draw(INT64_C(1000000000000000));
        struct prices_price price = price_of("tokens", per, unit_price);
        __int128 product = (__int128)quantity * unit_price;
        __int128 quotient = product / per;
        __int128 rest = product % per;
        __int128 even = quotient + (rest * 2 > per || (rest * 2 == per && quotient % 2 == 1));
        if (even > INT64_MAX)
            even = INT64_MAX;
        assert_true(prices_cost(&price, quantity) == (int64_t)even);
    }
}

/* A petabyte for a year: byte-microseconds times the price pass 128 bits. */
static void prices_cost__holds_for_what_passes_128_bits(void **state)
{
    (void)state;
    const __int128 petabyte_year = (__int128)1000000000000000 * 365 * DAY;
    struct prices_price month = price_of("GB-months", 1, 20000); /* 0.02 */
    struct prices_price hour = price_of("GB-hours", 730, 20000);
    assert_int_equal(prices_cost(&month, petabyte_year), INT64_C(240000000000)); /* 240,000 */
    assert_int_equal(prices_cost(&hour, petabyte_year), INT64_C(240000000000));
    struct prices_price dear = price_of("GB-hours", 1, PRICES_PRICE_MAX);
    assert_true(prices_cost(&dear, petabyte_year) == INT64_MAX);
    struct prices_price tiny = price_of("GB-months", PRICES_PER_MAX, 1);
    assert_int_equal(prices_cost(&tiny, petabyte_year), 0);
    assert_int_equal(prices_cost_up(&tiny, petabyte_year), 1);
    struct prices_price free = price_of("GB-hours", 1, 0);
    assert_int_equal(prices_cost(&free, petabyte_year), 0);
}

static void prices_at__is_the_last_version_that_has_begun(void **state)
{
    (void)state;
    struct prices_version versions[3] = {
        {.version = 1, .valid_from_us = 100, .count = 1, .prices = {price_of("tokens", 1, 1)}},
        {.version = 2, .valid_from_us = 200, .count = 1, .prices = {price_of("tokens", 1, 2)}},
        {.version = 3, .valid_from_us = 200, .count = 1, .prices = {price_of("GB-hours", 1, 3)}},
    };
    const struct prices_table table = {STR("EUR"), versions, 3};
    int64_t until_us;
    assert_null(prices_at(&table, tokens(), 99, &until_us));
    assert_int_equal(until_us, 100);
    assert_int_equal(prices_at(&table, tokens(), 100, &until_us)->price, 1);
    assert_int_equal(until_us, 200);
    assert_int_equal(prices_at(&table, tokens(), 199, &until_us)->price, 1);
    /* The later of two, which has no price for tokens. */
    assert_null(prices_at(&table, tokens(), 200, &until_us));
    assert_int_equal(prices_at(&table, bytes(), 200, &until_us)->price, 3);
    assert_true(until_us == INT64_MAX);
}

/* --- reading a version ---------------------------------------------------------------------- */

static void prices_read__names_what_is_wrong(void **state)
{
    (void)state;
#define ONE "{\"meter\":\"inference.tokens\",\"price\":\"1\"}"
    static const struct {
        const char *text;
        const char *field; /* "": it is taken */
    } cases[] = {
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "]}", ""},
        {"{\"currency\":\"EUR\",\"valid_from\":null,\"prices\":[" ONE "]}", ""},
        {"[]", "body"},
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "],\"price\":1}", "body"},
        {"{\"prices\":[" ONE "]}", "currency"},
        {"{\"currency\":\"euro\",\"prices\":[" ONE "]}", "currency"},
        {"{\"currency\":\"EUR\"}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[]}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "," ONE "]}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[7]}", "prices"},
        {"{\"currency\":\"EUR\",\"valid_from\":\"tomorrow\",\"prices\":[" ONE "]}", "valid_from"},
        {"{\"currency\":\"EUR\",\"valid_from\":1795435200,\"prices\":[" ONE "]}", "valid_from"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"tokens\",\"price\":\"1\"}]}", "meter"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\"}]}", "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":1}]}",
         "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"-1\"}]}",
         "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"1\","
         "\"per\":\"0\"}]}",
         "per"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"1\","
         "\"unit\":\"GB-months\"}]}",
         "unit"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"storage.bytes\",\"price\":\"1\","
         "\"unit\":\"bytes\"}]}",
         "unit"},
    };
#undef ONE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena;
        struct prices_given given = {.count = 99};
        const struct json *value;
        struct fault fault = {0};
        arena_init(&arena, 1 << 20);
        assert_int_equal(json_read(&arena, str_of(cases[i].text), &value, &fault), FAULT_NONE);
        enum fault_code code = prices_read(&arena, value, &given, &fault);
        if (strcmp(code == FAULT_NONE ? "" : fault.field, cases[i].field) != 0)
            fail_msg("%s: %d %s: %s", cases[i].text, code, fault.field, fault.text);
        if (code != FAULT_NONE)
            assert_int_equal(given.count, 99);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_money__reads_decimals_and_nothing_else),
        cmocka_unit_test(prices_money__is_written_as_it_is_read),
        cmocka_unit_test(prices_cost__rounds_halves_to_even_once),
        cmocka_unit_test(prices_cost__agrees_with_the_plain_way),
        cmocka_unit_test(prices_cost__holds_for_what_passes_128_bits),
        cmocka_unit_test(prices_at__is_the_last_version_that_has_begun),
        cmocka_unit_test(prices_read__names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
