/* JSON to outside, written straight into a buf: commas and escapes are kept right here.
 *
 *     struct json_out out = json_out_to(&buf);
 *     json_open(&out, '{');
 *     json_put_text(&out, "kind", STR("ip"));
 *     json_put_whole(&out, "count", 3);
 *     json_close(&out, '}');
 *
 * `name` is the member's name, or NULL in an array and at the top. Bytes that are not UTF-8 become
 * U+FFFD, one for each. Refusals are the buf's (buf_check). */
#ifndef IG_TEXT_JSON_WRITE_H
#define IG_TEXT_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/buf.h"

struct json_out {
    struct buf *buf;
    bool comma; /* a value stands before the next one in the same object or array */
};

struct json_out json_out_to(struct buf *buf);
void json_open(struct json_out *out, char bracket); /* '{' or '[' */
void json_open_at(struct json_out *out, const char *name, char bracket);
void json_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_put_text(struct json_out *out, const char *name, struct str text);
void json_put_whole(struct json_out *out, const char *name, int64_t number);
void json_put_boolean(struct json_out *out, const char *name, bool yes);
void json_put_null(struct json_out *out, const char *name);
void json_put_raw(struct json_out *out, const char *name, struct str json); /* already JSON */
void json_put_hex(struct json_out *out, const char *name, const void *data, size_t len);

#endif
