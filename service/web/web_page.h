/* Lists that are told a page at a time, newest first: ?before= and ?limit= of the request, and
 * "next" of the answer, which is the `before` of the next request. */
#ifndef IG_WEB_WEB_PAGE_H
#define IG_WEB_WEB_PAGE_H

#include "libs/text/json_write.h"
#include "service/web/web.h"

struct web_page {
    const char *prefix; /* of the entries' ids: "dlv_", "" for digits alone; NULL: JSON's numbers */
    int64_t before;     /* 0: from the newest */
    int64_t limit;      /* ask the store for one more: it tells that there is a next page */
};

/* "dlv_17": 17. */
bool web_page_id(struct str text, const char *prefix, int64_t *out);

/* page->prefix is set before. `limit` is 1 to `most`, `usual` when it is not given. */
enum fault_code web_page_read(const struct web_request *request, int64_t usual, int64_t most,
                              struct web_page *page, struct fault *fault) MUST_USE;

/* How many of those that the store gave belong to the page. */
size_t web_page_shown(const struct web_page *page, size_t count);

/* `last`: the id of the last one shown. */
void web_page_put_next(struct json_out *out, const struct web_page *page, size_t count,
                       int64_t last);

/* A query member that is one of some words, or absent. */
enum fault_code web_query_word(const struct web_request *request, const char *name,
                               const char *const *words, size_t count, struct str *out,
                               struct fault *fault) MUST_USE;

#endif
