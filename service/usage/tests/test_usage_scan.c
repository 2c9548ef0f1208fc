/* The short way of reading an event takes the common form, nothing else, and reads the same. */
#include "service/usage/usage_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct fault fault;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define HEAD                                                                                       \
    "\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/a\",\"id\":\"1\"," \
    "\"time\":\"2026-11-23T12:00:00.25+01:00\""
#define DATA "\"data\":{\"meter\":\"api.calls\",\"quantity\":7}"

static void reads_the_same(const char *text)
{
    struct usage_event scanned;
    struct usage_event read;
    const struct json *value;
    if (!usage_scan_event(&arena, str_of(text), &scanned))
        fail_msg("not taken: %s", text);
    if (json_read(&arena, str_of(text), &value, &fault) != FAULT_NONE ||
        usage_event_read(&arena, value, &read, &fault) != FAULT_NONE)
        fail_msg("%s: %s", text, fault.text);
    assert_int_equal(scanned.kind, read.kind);
    assert_ptr_equal(scanned.meter, read.meter);
    assert_int_equal(scanned.time_us, read.time_us);
    assert_int_equal(scanned.quantity, read.quantity);
    assert_int_equal(scanned.provenance, read.provenance);
    assert_true(str_equal(scanned.source, read.source) && str_equal(scanned.id, read.id));
    assert_true(str_equal(scanned.dimensions, read.dimensions));
    assert_memory_equal(scanned.key, read.key, sizeof read.key);
    assert_memory_equal(scanned.content, read.content, sizeof read.content);
}

static void scan__takes_the_common_form(void **state)
{
    (void)state;
    reads_the_same("{" HEAD "," DATA "}");
    reads_the_same("{" DATA "," HEAD "}");
    reads_the_same(" {\t" HEAD " ,\r\n" DATA " }\n");
    reads_the_same("{" HEAD ",\"subject\":\"mara\",\"traceparent\":\"00-1-2-01\"," DATA "}");
    reads_the_same("{" HEAD ",\"data\":{\"quantity\":\"1000000000000000\",\"dimensions\":{},"
                   "\"meter\":\"storage.bytes\"}}");
    reads_the_same("{" HEAD ",\"data\":{\"meter\":\"inference.tokens\",\"quantity\":0,"
                   "\"dimensions\":{\"user\":\"u\",\"direction\":\"in\",\"model\":\"m / 1\"}}}");
}

static void scan__leaves_all_else_to_the_long_way(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        "{" HEAD "}",
        "{" DATA "}",
        "{" HEAD "," DATA,
        "{" HEAD "," DATA "}}",
        "{" HEAD "," DATA ",}",
        "{," HEAD "," DATA "}",
        "{" HEAD " " DATA "}",
        "{" HEAD "," DATA "} {}",
        "{" HEAD ",\"id\":\"2\"," DATA "}",
        "{" HEAD "," DATA "," DATA "}",
        "{" HEAD ",\"other\":1," DATA "}",
        "{" HEAD ",\"subject\":null," DATA "}",
        "{" HEAD ",\"subject\":\"\"," DATA "}",
        "{" HEAD ",\"subject\":\"\\u0061\"," DATA "}",
        "{" HEAD ",\"subject\":\"\xc3\xa4\"," DATA "}",
        "{" HEAD ",\"subject\":\"a\tb\"," DATA "}",
        "{" HEAD ",\"subject\":\"a\x7f\"," DATA "}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\"}}",
        "{" HEAD ",\"data\":{\"quantity\":7}}",
        "{" HEAD ",\"data\":{\"meter\":\"none\",\"quantity\":7}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":-7}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7.0}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7e1}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":07}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":\"\"}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":1000000000000001}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":18446744073709551616}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,\"refers_to\":{}}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,\"dimensions\":{\"x\":\"1\"}}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,\"dimensions\":{"
        "\"route\":\"1\",\"route\":\"1\"}}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,\"dimensions\":{"
        "\"route\":1}}}",
        "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,\"dimensions\":{"
        "\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\",\"f\":\"1\",\"g\":\"1\"}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct usage_event event = {.quantity = -7};
        if (usage_scan_event(&arena, str_of(texts[i]), &event) || event.quantity != -7)
            fail_msg("taken: %s", texts[i]);
    }
}

static void scan__takes_nothing_that_is_cut(void **state)
{
    static const char text[] = "{" HEAD ",\"data\":{\"meter\":\"api.calls\",\"quantity\":7,"
                               "\"dimensions\":{\"route\":\"/a\"}}}";
    struct usage_event event;
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *cut = malloc(len + 1); /* so that the sanitizer sees what is read beyond */
        assert_non_null(cut);
        memcpy(cut, text, len);
        assert_false(usage_scan_event(&arena, (struct str){cut, len}, &event));
        free(cut);
    }
    reads_the_same(text);
}

static void scan__keeps_to_the_limits_of_texts(void **state)
{
    char text[2048];
    char id[USAGE_TEXT_MAX + 2];
    struct usage_event event;
    (void)state;
    for (size_t len = USAGE_TEXT_MAX; len <= USAGE_TEXT_MAX + 1; len++) {
        memset(id, 'x', len);
        id[len] = '\0';
        snprintf(text, sizeof text, "{%s,\"subject\":\"%s\",%s}", HEAD, id, DATA);
        if (len == USAGE_TEXT_MAX)
            reads_the_same(text);
        else
            assert_false(usage_scan_event(&arena, str_of(text), &event));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
    const struct CMUnitTest tests[] = {
        TEST(scan__takes_the_common_form),
        TEST(scan__leaves_all_else_to_the_long_way),
        TEST(scan__takes_nothing_that_is_cut),
        TEST(scan__keeps_to_the_limits_of_texts),
    };
    return cmocka_run_group_tests_name("usage_scan", tests, NULL, NULL);
}
