#include "service/ui/ui.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "service/ui/ui_table.h"

enum { INFLATED_MAX = 8 << 20 };

/* The asset's text with a NUL, on the heap. */
static char *inflated(const struct ui_asset *asset)
{
    char *text = test_malloc(INFLATED_MAX + 1);
    z_stream stream = {.next_in = (unsigned char *)asset->data,
                       .avail_in = (uInt)asset->len,
                       .next_out = (unsigned char *)text,
                       .avail_out = INFLATED_MAX};
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    text[stream.total_out] = '\0';
    inflateEnd(&stream);
    return text;
}

static void ui__finds_each_asset_by_its_name(void **state)
{
    (void)state;
    assert_true(ui_table_count > 5);
    for (size_t i = 0; i < ui_table_count; i++) {
        if (&ui_table[i] != ui_page()) {
            assert_ptr_equal(ui_asset_find(str_of(ui_table[i].name)), &ui_table[i]);
        }
    }
}

static void ui__finds_nothing_under_another_name(void **state)
{
    (void)state;
    char longer[256];
    const char *known = ui_table[0].name;
    assert_null(ui_asset_find(STR("")));
    assert_null(ui_asset_find(STR("index.html")));
    assert_null(ui_asset_find(STR("../index.html")));
    assert_null(ui_asset_find(STR("app.js")));
    assert_null(ui_asset_find((struct str){known, strlen(known) - 1}));
    assert_null(ui_asset_find((struct str){known, strlen(known) + 1})); /* with its NUL */
    snprintf(longer, sizeof longer, "%s.gz", known);
    assert_null(ui_asset_find(str_of(longer)));
}

static void ui__gives_a_shell_that_may_change(void **state)
{
    (void)state;
    const struct ui_asset *page = ui_page();
    assert_string_equal(page->content_type, "text/html; charset=utf-8");
    assert_false(page->immutable);
    char *text = inflated(page);
    assert_memory_equal(text, "<!doctype html>", 15);
    test_free(text);
}

static void ui__says_true_things_about_each_asset(void **state)
{
    (void)state;
    for (size_t i = 0; i < ui_table_count; i++) {
        const struct ui_asset *asset = &ui_table[i];
        size_t etag_len = strlen(asset->etag);
        assert_true(asset->gzipped);
        assert_true(etag_len > 10 && asset->etag[0] == '"' && asset->etag[etag_len - 1] == '"');
        assert_non_null(strchr(asset->content_type, '/'));
        char *text = inflated(asset);
        assert_true(text[0] != '\0');
        test_free(text);
    }
}

/* The name that begins at `name` and ends at its quote. */
static struct str quoted(const char *name)
{
    return (struct str){name, strcspn(name, "\"")};
}

static void ui__has_every_asset_that_the_shell_names(void **state)
{
    (void)state;
    static const char folder[] = "=\"/assets/";
    char *text = inflated(ui_page());
    int named = 0;
    for (const char *at = strstr(text, folder); at; at = strstr(at + 1, folder)) {
        struct str name = quoted(at + sizeof folder - 1);
        const struct ui_asset *asset = ui_asset_find(name);
        assert_non_null(asset);
        assert_true(asset->immutable);
        named++;
    }
    assert_true(named > 5);
    test_free(text);
}

static void ui__has_every_module_that_a_module_imports(void **state)
{
    (void)state;
    int named = 0;
    for (size_t i = 0; i < ui_table_count; i++) {
        if (!str_ends(str_of(ui_table[i].name), STR(".js"))) {
            continue;
        }
        char *text = inflated(&ui_table[i]);
        for (const char *at = strstr(text, "\"./"); at; at = strstr(at + 1, "\"./")) {
            struct str name = quoted(at + 3);
            bool drawing =
                str_starts(name, STR("graph-view.")) || str_starts(name, STR("chart-view."));
            assert_true(ui_asset_find(name) != NULL || (drawing && !ui_has_drawing()));
            named++;
        }
        test_free(text);
    }
    assert_true(named > 5);
}

static void ui__tells_the_shell_whether_there_is_a_drawing(void **state)
{
    (void)state;
    char *text = inflated(ui_page());
    const char *meta = strstr(text, "name=\"intelgraph-drawing\" content=\"");
    assert_non_null(meta);
    assert_int_equal(strstr(meta, "content=\"yes\"") != NULL, ui_has_drawing());
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ui__finds_each_asset_by_its_name),
        cmocka_unit_test(ui__finds_nothing_under_another_name),
        cmocka_unit_test(ui__gives_a_shell_that_may_change),
        cmocka_unit_test(ui__says_true_things_about_each_asset),
        cmocka_unit_test(ui__has_every_asset_that_the_shell_names),
        cmocka_unit_test(ui__has_every_module_that_a_module_imports),
        cmocka_unit_test(ui__tells_the_shell_whether_there_is_a_drawing),
    };
    return cmocka_run_group_tests_name("ui", tests, NULL, NULL);
}
