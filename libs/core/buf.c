#include "libs/core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_done(struct buf *buf)
{
    os_free(buf->ptr);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->code = FAULT_NONE;
}

static char *grow(struct buf *buf, size_t len)
{
    if (len > buf->limit - buf->len) {
        buf->code = FAULT_LIMIT;
        return NULL;
    }
    size_t want = buf->len + len;
    size_t room = buf->room < 256 ? 256 : buf->room * 2;
    if (room < want)
        room = want;
    if (room > buf->limit)
        room = buf->limit;
    char *ptr = os_resize(buf->ptr, room);
    if (!ptr) {
        buf->code = FAULT_NO_MEMORY;
        return NULL;
    }
    buf->ptr = ptr;
    buf->room = room;
    return ptr + buf->len;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->code != FAULT_NONE)
        return NULL;
    if (buf->room - buf->len >= len && buf->ptr)
        return buf->ptr + buf->len;
    return grow(buf, len);
}

void buf_extend(struct buf *buf, size_t len)
{
    assert(len <= buf->room - buf->len);
    buf->len += len;
}

void buf_add(struct buf *buf, struct str s)
{
    if (s.len == 0)
        return;
    char *end = buf_reserve(buf, s.len);
    if (!end)
        return;
    memcpy(end, s.ptr, s.len);
    buf->len += s.len;
}

void buf_add_byte(struct buf *buf, char byte)
{
    buf_add(buf, (struct str){&byte, 1});
}

void buf_add_c(struct buf *buf, const char *text)
{
    buf_add(buf, str_of(text));
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buf_add(buf, (struct str){digits + at, sizeof digits - at});
}

void buf_add_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_add_byte(buf, '-');
    buf_add_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_add_hex(struct buf *buf, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        buf_add(buf, (struct str){pair, 2});
    }
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    /* vsnprintf wants room for its NUL, which the buf does not keep. */
    char *end = buf_reserve(buf, (size_t)len + 1);
    if (end) {
        vsnprintf(end, (size_t)len + 1, format, again);
        buf_extend(buf, (size_t)len);
    }
    va_end(again);
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->ptr, buf->len};
}

enum fault_code buf_check(const struct buf *buf, const char *what, struct fault *fault)
{
    if (buf->code == FAULT_LIMIT)
        return fault_set(fault, FAULT_LIMIT, "%s is over the limit of %zu bytes", what, buf->limit);
    if (buf->code != FAULT_NONE)
        return fault_set(fault, buf->code, "no memory left for %s", what);
    return FAULT_NONE;
}
