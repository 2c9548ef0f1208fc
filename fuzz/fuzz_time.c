/* Times: what is read lies within the limits, has one text, and that text reads back as the same
 * time. Digits behind the microseconds change nothing. */
#include "libs/text/time.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_epoch(struct str text, int64_t us)
{
    char longer[80];
    int64_t again;
    if (text.len + 3 > sizeof longer || text.len == 0 || str_find_byte(text, '-') < text.len)
        return;
    memcpy(longer, text.ptr, text.len);
    bool fraction = str_find_byte(text, '.') < text.len || str_find_byte(text, ',') < text.len;
    size_t len = text.len;
    longer[len++] = fraction ? '0' : '.';
    longer[len++] = '0';
    if (time_read_us((struct str){longer, len}, &again)) /* not when it is too long already */
        assert(again == us);
}

/* Those with names of months lie within the same limits, or leave what was there. */
static void check_named(struct str text)
{
    int64_t us = -7;
    assert(time_read_http(text, &us) ? us >= 0 && us <= TIME_MAX_US : us == -7);
    us = -7;
    assert(time_read_certificate(text, &us) ? us >= 0 && us <= TIME_MAX_US : us == -7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    int64_t us = -7;
    int64_t again = 0;
    struct buf written;
    check_named(text);
    if (!time_read_us(text, &us)) {
        assert(us == -7);
        return 0;
    }
    assert(us >= 0 && us <= TIME_MAX_US);
    buf_init(&written, 64);
    time_add_rfc3339(&written, us);
    assert(time_read_us(buf_str(&written), &again) && again == us);
    buf_clear(&written);
    buf_addf(&written, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
    assert(time_read_us(buf_str(&written), &again) && again == us);
    check_epoch(text, us);
    buf_done(&written);
    return 0;
}
