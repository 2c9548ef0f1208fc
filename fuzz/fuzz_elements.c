/* The elements of a batch of events: those that JSON's own reader finds, however they are spaced;
 * an array that is cut is never taken for a whole one. */
#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/text/json.h"
#include "service/usage/usage_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ELEMENTS_MAX = 512, TEXT_MAX = 1 << 20 };

/* Whether it ends as an array does; *out_count are at most ELEMENTS_MAX. */
static bool split(struct str text, struct str *elements, size_t *out_count)
{
    struct str rest = str_trim(text);
    bool good = false;
    *out_count = 0;
    if (!str_starts(rest, STR("[")))
        return false;
    rest = str_skip(rest, 1);
    while (*out_count < ELEMENTS_MAX && usage_body_next(&rest, &elements[*out_count], &good)) {
        struct str now = elements[(*out_count)++];
        assert(now.ptr >= text.ptr && now.ptr + now.len <= text.ptr + text.len);
    }
    return good && *out_count < ELEMENTS_MAX;
}

static void check_same(const struct json *a, const struct json *b)
{
    struct str text_a;
    struct str text_b;
    int64_t whole_a;
    int64_t whole_b;
    assert(json_is_object(a) == json_is_object(b) && json_is_array(a) == json_is_array(b));
    assert(json_is_null(a) == json_is_null(b));
    bool is_text = json_text(a, &text_a);
    assert(is_text == json_text(b, &text_b) && (!is_text || str_equal(text_a, text_b)));
    bool is_whole = json_whole(a, &whole_a);
    assert(is_whole == json_whole(b, &whole_b) && (!is_whole || whole_a == whole_b));
    if (!json_is_object(a) && !json_is_array(a))
        return;
    const struct json *left = json_first(a);
    const struct json *right = json_first(b);
    for (; left && right; left = json_next(left), right = json_next(right)) {
        assert(str_equal(json_name(left), json_name(right)));
        check_same(left, right);
    }
    assert(!left && !right);
}

/* JSON's reader agrees: what it takes is taken as the same elements, and the other way round. */
static void check_json(struct arena *arena, struct str text, const struct str *elements,
                       size_t count, bool good)
{
    const struct json *whole = NULL;
    const struct json *each = NULL;
    struct fault fault;
    enum fault_code code = json_read(arena, text, &whole, &fault);
    bool all_read = good;
    if (code == FAULT_NONE && json_is_array(whole))
        assert(good);
    const struct json *wanted = json_is_array(whole) ? json_first(whole) : NULL;
    for (size_t i = 0; i < count && all_read; i++) {
        all_read = json_read(arena, elements[i], &each, &fault) == FAULT_NONE;
        assert(all_read || code != FAULT_NONE || !good);
        if (!wanted || !all_read)
            continue;
        check_same(each, wanted);
        wanted = json_next(wanted);
    }
    assert(!wanted || !all_read);
    if (all_read)
        assert(code != FAULT_INPUT);
}

static void check_spaced(const struct str *elements, size_t count)
{
    static struct str again[ELEMENTS_MAX];
    static const char *const blanks[] = {"", " ", "\n", "\t\r\n  "};
    struct buf text;
    size_t found;
    buf_init(&text, TEXT_MAX);
    buf_add_c(&text, "\n[");
    for (size_t i = 0; i < count; i++) {
        buf_add_c(&text, i > 0 ? "," : "");
        buf_add_c(&text, blanks[i % 4]);
        buf_add(&text, elements[i]);
        buf_add_c(&text, blanks[i / 4 % 4]);
    }
    buf_add_c(&text, "] ");
    assert(split(buf_str(&text), again, &found) && found == count);
    for (size_t i = 0; i < count; i++)
        assert(str_equal(again[i], elements[i]));
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct str elements[ELEMENTS_MAX];
    static struct str less[ELEMENTS_MAX];
    struct str text = {(const char *)data, size};
    struct arena arena;
    size_t count;
    size_t ignored;
    if (size > TEXT_MAX / 16)
        return 0;
    arena_init(&arena, 64 << 20);
    bool good = split(text, elements, &count);
    /* Blanks that JSON does not know, and elements over the table's room, have no counterpart. */
    if (count < ELEMENTS_MAX && !memchr(data, '\v', size) && !memchr(data, '\f', size))
        check_json(&arena, text, elements, count, good);
    if (good) {
        struct str whole = str_trim(text);
        check_spaced(elements, count);
        assert(!split(str_take(whole, whole.len - 1), less, &ignored));
        assert(!split(str_take(whole, whole.len * 2 / 3), less, &ignored));
    }
    arena_done(&arena);
    return 0;
}
