/* Pages of lists, and words of queries. */
#include "service/web/web_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fault fault;
static struct arena arena;

static struct web_request asked(const char *query)
{
    return (struct web_request){.query = str_of(query), .arena = &arena};
}

static enum fault_code read_page(const char *query, const char *prefix, struct web_page *page)
{
    struct web_request request = asked(query);
    *page = (struct web_page){.prefix = prefix};
    return web_page_read(&request, 50, 200, page, &fault);
}

static void web_page__is_the_newest_of_the_usual_size_when_nothing_is_asked(void **state)
{
    (void)state;
    struct web_page page;
    assert_int_equal(read_page("", "dlv_", &page), FAULT_NONE);
    assert_true(page.before == 0 && page.limit == 50);
    assert_int_equal(read_page("before=dlv_17&limit=200", "dlv_", &page), FAULT_NONE);
    assert_true(page.before == 17 && page.limit == 200);
    assert_int_equal(read_page("before=17", NULL, &page), FAULT_NONE);
    assert_int_equal(page.before, 17);
    assert_int_equal(read_page("before=17", "", &page), FAULT_NONE);
    assert_int_equal(page.before, 17);
}

static void web_page__refuses_what_no_next_ever_said(void **state)
{
    (void)state;
    static const char *const bad[] = {"before=17",
                                      "before=dlv_",
                                      "before=dlv_0",
                                      "before=dlv_-1",
                                      "before=dlv_1x",
                                      "before=dlv_%201",
                                      "before=ano_17",
                                      "before=DLV_1",
                                      "before=dlv_dlv_1",
                                      "limit=0",
                                      "limit=201",
                                      "limit=",
                                      "before=dlv_9223372036854775808"};
    struct web_page page;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_page(bad[i], "dlv_", &page), FAULT_INPUT);
    assert_int_equal(read_page("before=0", NULL, &page), FAULT_INPUT);
    assert_int_equal(read_page("before=dlv_1", NULL, &page), FAULT_INPUT);
}

static void check_next(const char *prefix, size_t count, const char *want)
{
    const struct web_page page = {.prefix = prefix, .limit = 2};
    struct buf text;
    buf_init(&text, 100);
    struct json_out out = json_out_to(&text);
    json_open(&out, '{');
    web_page_put_next(&out, &page, count, 8);
    json_close(&out, '}');
    assert_true(str_equal(buf_str(&text), str_of(want)));
    buf_done(&text);
}

static void web_page__has_a_next_one_only_where_the_store_had_more(void **state)
{
    (void)state;
    const struct web_page page = {.limit = 2};
    assert_int_equal(web_page_shown(&page, 0), 0);
    assert_int_equal(web_page_shown(&page, 2), 2);
    assert_int_equal(web_page_shown(&page, 3), 2);
    check_next("dlv_", 0, "{\"next\":null}");
    check_next("dlv_", 2, "{\"next\":null}"); /* full, and the last one all the same */
    check_next("dlv_", 3, "{\"next\":\"dlv_8\"}");
    check_next("", 3, "{\"next\":\"8\"}");
    check_next(NULL, 3, "{\"next\":8}");
}

static void web_query_word__names_the_words_that_there_are(void **state)
{
    (void)state;
    static const char *const words[] = {"open", "replayed", "discarded"};
    struct str word = STR("before");
    struct web_request request = asked("state=replayed");
    assert_int_equal(web_query_word(&request, "state", words, 3, &word, &fault), FAULT_NONE);
    assert_true(str_equal(word, STR("replayed")));
    request = asked("other=1");
    assert_int_equal(web_query_word(&request, "state", words, 3, &word, &fault), FAULT_NONE);
    assert_int_equal(word.len, 0);
    request = asked("state=Open");
    assert_int_equal(web_query_word(&request, "state", words, 3, &word, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "state holds \"Open\"; it must be open, replayed or discarded");
    assert_string_equal(fault.field, "state");
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 16);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(web_page__is_the_newest_of_the_usual_size_when_nothing_is_asked),
        cmocka_unit_test(web_page__refuses_what_no_next_ever_said),
        cmocka_unit_test(web_page__has_a_next_one_only_where_the_store_had_more),
        cmocka_unit_test(web_query_word__names_the_words_that_there_are),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
