/* What is set about the way to a service, `proxy LF no_proxy LF host`: a refusal names a setting; a
 * list without its case, its blanks and its order says the same. */
#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/http/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The list from its end, in capitals, with blanks around. */
static void turn_round(struct str list, struct buf *out)
{
    size_t end = list.len;
    for (;;) {
        size_t start = end;
        while (start > 0 && list.ptr[start - 1] != ',')
            start--;
        buf_add_byte(out, ' ');
        for (size_t i = start; i < end; i++) {
            char c = list.ptr[i];
            buf_add_byte(out, c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
        }
        if (start == 0)
            return;
        buf_add_c(out, " ,");
        end = start - 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str proxy;
    struct str list;
    struct str host;
    struct str rest;
    struct fault fault = {.code = FAULT_NONE};
    struct buf turned;
    str_cut((struct str){(const char *)data, size}, '\n', &proxy, &rest);
    str_cut(rest, '\n', &list, &host);
    if (http_check_proxy(proxy, &fault) != FAULT_NONE) {
        assert(strcmp(fault.field, "proxy") == 0 && fault.text[0]);
    } else {
        assert(str_find_byte(proxy, '@') == proxy.len && !memchr(proxy.ptr, '\r', proxy.len));
    }
    buf_init(&turned, size * 8 + 64);
    turn_round(list, &turned);
    bool good = http_check_no_proxy(list, &fault) == FAULT_NONE;
    assert(good == (http_check_no_proxy(buf_str(&turned), &fault) == FAULT_NONE));
    bool meets = http_without_proxy(list, host);
    assert(meets == http_without_proxy(buf_str(&turned), host));
    buf_done(&turned);
    return 0;
}
