#include "libs/text/json_write.h"

#include <assert.h>
#include <string.h>

struct json_out json_out_to(struct buf *buf)
{
    return (struct json_out){.buf = buf};
}

/* Copies runs that need no escape in one piece. */
static void add_escaped(struct buf *buf, struct str text)
{
    size_t from = 0;
    bool utf8 = str_is_utf8(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && (c < 0x80 || utf8))
            continue;
        buf_add(buf, (struct str){text.ptr + from, i - from});
        from = i + 1;
        size_t left = text.len - i;
        size_t sequence = 0;
        if (c >= 0x80) {
            /* Only in text that is not UTF-8 as a whole: keep the sequences that are. */
            for (size_t len = 2; len <= 4 && len <= left && sequence == 0; len++)
                if (str_is_utf8((struct str){text.ptr + i, len}))
                    sequence = len;
            buf_add(buf, sequence ? (struct str){text.ptr + i, sequence} : STR("\xef\xbf\xbd"));
            if (sequence) {
                i += sequence - 1;
                from = i + 1;
            }
        } else if (c == '"' || c == '\\') {
            buf_add(buf, (struct str){(char[]){'\\', (char)c}, 2});
        } else if (c == '\n') {
            buf_add(buf, STR("\\n"));
        } else if (c == '\t') {
            buf_add(buf, STR("\\t"));
        } else {
            buf_addf(buf, "\\u%04x", c);
        }
    }
    buf_add(buf, str_skip(text, from)); /* from 0 of a NULL text too */
}

static void start_value(struct json_out *out, const char *name)
{
    if (out->comma)
        buf_add_byte(out->buf, ',');
    out->comma = true;
    if (!name)
        return;
    buf_add_byte(out->buf, '"');
    add_escaped(out->buf, str_of(name));
    buf_add(out->buf, STR("\":"));
}

void json_open_at(struct json_out *out, const char *name, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    start_value(out, name);
    buf_add_byte(out->buf, bracket);
    out->comma = false;
}

void json_open(struct json_out *out, char bracket)
{
    json_open_at(out, NULL, bracket);
}

void json_close(struct json_out *out, char bracket)
{
    assert(bracket == '}' || bracket == ']');
    buf_add_byte(out->buf, bracket);
    out->comma = true;
}

void json_put_text(struct json_out *out, const char *name, struct str text)
{
    start_value(out, name);
    buf_add_byte(out->buf, '"');
    add_escaped(out->buf, text);
    buf_add_byte(out->buf, '"');
}

void json_put_whole(struct json_out *out, const char *name, int64_t number)
{
    start_value(out, name);
    buf_add_i64(out->buf, number);
}

void json_put_boolean(struct json_out *out, const char *name, bool yes)
{
    start_value(out, name);
    buf_add(out->buf, yes ? STR("true") : STR("false"));
}

void json_put_null(struct json_out *out, const char *name)
{
    start_value(out, name);
    buf_add(out->buf, STR("null"));
}

void json_put_raw(struct json_out *out, const char *name, struct str json)
{
    start_value(out, name);
    buf_add(out->buf, json);
}

void json_put_hex(struct json_out *out, const char *name, const void *data, size_t len)
{
    start_value(out, name);
    buf_add_byte(out->buf, '"');
    buf_add_hex(out->buf, data, len);
    buf_add_byte(out->buf, '"');
}
