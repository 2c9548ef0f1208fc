/* The functions of libcurl that libs/http calls.
 *
 * Where the library is missing, curl_global_init_mem says CURLE_NOT_BUILT_IN and libs/http goes no
 * further; it frees only what is empty then. */
#include "libs/late/late.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct late_library libcurl = {.file = "libcurl.so.4"};

CURLcode curl_global_init(long flags)
{
    LATE_REAL(libcurl, curl_global_init);
    return real ? real(flags) : CURLE_NOT_BUILT_IN;
}

CURLcode curl_global_init_mem(long flags, curl_malloc_callback take, curl_free_callback give_back,
                              curl_realloc_callback resize, curl_strdup_callback copy,
                              curl_calloc_callback take_zeroed)
{
    LATE_REAL(libcurl, curl_global_init_mem);
    return real ? real(flags, take, give_back, resize, copy, take_zeroed) : CURLE_NOT_BUILT_IN;
}

CURL *curl_easy_init(void)
{
    LATE_REAL(libcurl, curl_easy_init);
    return real ? real() : NULL;
}

void curl_easy_cleanup(CURL *curl)
{
    LATE_REAL(libcurl, curl_easy_cleanup);
    assert(real);
    real(curl);
}

/* An option's number tells the type of its value (curl.h, CURLOPTTYPE_*). */
CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    enum { TYPE_STEP = CURLOPTTYPE_OBJECTPOINT };
    LATE_REAL(libcurl, curl_easy_setopt);
    CURLcode code;
    va_list args;
    assert(real);
    va_start(args, option);
    /* The branches read alike, each takes an argument of another type. NOLINTBEGIN(bugprone-*) */
    switch ((int)option / TYPE_STEP * TYPE_STEP) {
    case CURLOPTTYPE_LONG:
        code = real(curl, option, va_arg(args, long));
        break;
    case CURLOPTTYPE_OFF_T:
        code = real(curl, option, va_arg(args, curl_off_t));
        break;
    case CURLOPTTYPE_FUNCTIONPOINT:
        code = real(curl, option, va_arg(args, void (*)(void)));
        break;
    default:
        code = real(curl, option, va_arg(args, void *));
        break;
    }
    /* NOLINTEND(bugprone-*) */
    va_end(args);
    return code;
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    LATE_REAL(libcurl, curl_easy_getinfo);
    va_list args;
    assert(real);
    va_start(args, info);
    CURLcode code = real(curl, info, va_arg(args, void *)); /* where to, whatever its type */
    va_end(args);
    return code;
}

CURLcode curl_easy_perform(CURL *curl)
{
    LATE_REAL(libcurl, curl_easy_perform);
    assert(real);
    return real(curl);
}

const char *curl_easy_strerror(CURLcode code)
{
    LATE_REAL(libcurl, curl_easy_strerror);
    return real ? real(code) : "libcurl is not there";
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    LATE_REAL(libcurl, curl_slist_append);
    return real ? real(list, text) : NULL;
}

void curl_slist_free_all(struct curl_slist *list)
{
    LATE_REAL(libcurl, curl_slist_free_all);
    if (real)
        real(list);
}
