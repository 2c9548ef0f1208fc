/* JSON from outside (RFC 8259), checked before it is believed; the one place that names cJSON.
 *
 * Read: strict. Depth, size and duplicate names are limited; text must be UTF-8; numbers that must
 * be whole are checked to be so. A value lives as long as the arena it was read into. Write:
 * json_write.h. */
#ifndef IG_TEXT_JSON_H
#define IG_TEXT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    JSON_DEPTH_MAX = 32,
    JSON_MEMBERS_MAX = 256, /* of one object: duplicate names are looked for in pairs */
};

struct json; /* one value, borrowed from the arena */

/* The whole of `text` as one value. FAULT_INPUT with the byte offset, FAULT_LIMIT or
 * FAULT_NO_MEMORY. */
enum fault_code json_read(struct arena *arena, struct str text, const struct json **out,
                          struct fault *fault) MUST_USE;

/* All take NULL as "not there". */
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_null(const struct json *value);                                 /* an explicit null */
const struct json *json_member(const struct json *object, const char *name); /* NULL: none */
const struct json *json_first(const struct json *object_or_array);
const struct json *json_next(const struct json *value);
struct str json_name(const struct json *member); /* its name in the object; empty in an array */

bool json_text(const struct json *value, struct str *out); /* a string (no NUL inside) */
bool json_whole(const struct json *value, int64_t *out);   /* an integer, |n| <= 2^53 */
bool json_boolean(const struct json *value, bool *out);

/* The scanner behind json_read, for those who need only a verdict: no memory, one pass. */
enum fault_code json_check(struct str text, struct fault *fault) MUST_USE;

#endif
