#include "service/web/web_page.h"

#include <stdio.h>
#include <string.h>

#include "libs/text/json_expect.h"

enum { ID_MAX = 40, WORDS_MAX = 200 };

bool web_page_id(struct str text, const char *prefix, int64_t *out)
{
    uint64_t id;
    if (!str_starts(text, str_of(prefix)) ||
        !str_to_u64(str_skip(text, strlen(prefix)), INT64_MAX, &id) || id == 0)
        return false;
    *out = (int64_t)id;
    return true;
}

enum fault_code web_page_read(const struct web_request *request, int64_t usual, int64_t most,
                              struct web_page *page, struct fault *fault)
{
    bool is_whole = !page->prefix || page->prefix[0] == '\0';
    struct str before = is_whole ? (struct str){0} : web_query(request, "before");
    enum fault_code code = FAULT_NONE;
    if (is_whole)
        code = web_query_whole(request, "before", 1, INT64_MAX, 0, &page->before, fault);
    else if (before.len > 0 && !web_page_id(before, page->prefix, &page->before))
        code = fault_field(fault, FAULT_INPUT, "before",
                           "before holds \"%.*s\"; it must be an id that begins with %s, as next "
                           "gives it",
                           STR_ARG(str_take(before, ID_MAX)), page->prefix);
    return code == FAULT_NONE
               ? web_query_whole(request, "limit", 1, most, usual, &page->limit, fault)
               : code;
}

size_t web_page_shown(const struct web_page *page, size_t count)
{
    return count < (size_t)page->limit ? count : (size_t)page->limit;
}

void web_page_put_next(struct json_out *out, const struct web_page *page, size_t count,
                       int64_t last)
{
    char next[ID_MAX];
    if (count <= (size_t)page->limit) {
        json_put_null(out, "next");
    } else if (!page->prefix) {
        json_put_whole(out, "next", last);
    } else {
        snprintf(next, sizeof next, "%s%lld", page->prefix, (long long)last);
        json_put_text(out, "next", str_of(next));
    }
}

enum fault_code web_query_word(const struct web_request *request, const char *name,
                               const char *const *words, size_t count, struct str *out,
                               struct fault *fault)
{
    struct str word = web_query(request, name);
    bool is_one = word.len == 0;
    for (size_t i = 0; i < count; i++)
        is_one = is_one || str_equal(word, str_of(words[i]));
    if (is_one) {
        *out = word;
        return FAULT_NONE;
    }
    struct buf all;
    buf_init(&all, WORDS_MAX);
    words_add(&all, words, count, " or ");
    enum fault_code code =
        fault_field(fault, FAULT_INPUT, name, "%s holds \"%.*s\"; it must be %.*s", name,
                    STR_ARG(str_take(word, ID_MAX)), STR_ARG(buf_str(&all)));
    buf_done(&all);
    return code;
}
