/* JSON: the verdict of the scanner and that of the reader agree, and what was read, written again
 * and read again, is written the same. */
#include "libs/text/json.h"

#include <assert.h>

#include "libs/core/buf.h"
#include "libs/text/json_write.h"

enum { LIMIT = 64 << 20, NAME_MAX_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes what a caller can see of the value; fractions are not read by anybody and count as null.
 */
static void write_value(struct json_out *out, const char *name, const struct json *value)
{
    struct str text;
    int64_t whole;
    bool yes;
    if (json_is_object(value) || json_is_array(value)) {
        char bracket = json_is_object(value) ? '{' : '[';
        json_open_at(out, name, bracket);
        for (const struct json *each = json_first(value); each; each = json_next(each)) {
            char room[NAME_MAX_BYTES] = "";
            bool fits = str_to_c(json_name(each), room, sizeof room);
            if (bracket == '[' || fits)
                write_value(out, bracket == '{' ? room : NULL, each);
        }
        json_close(out, bracket == '{' ? '}' : ']');
    } else if (json_text(value, &text)) {
        assert(str_is_utf8(text));
        json_put_text(out, name, text);
    } else if (json_whole(value, &whole)) {
        assert(whole >= -(INT64_C(1) << 53) && whole <= INT64_C(1) << 53);
        json_put_whole(out, name, whole);
    } else if (json_boolean(value, &yes)) {
        json_put_boolean(out, name, yes);
    } else {
        json_put_null(out, name);
    }
}

static enum fault_code copy(struct arena *arena, struct str text, struct buf *out)
{
    const struct json *value = NULL;
    struct fault fault = {0};
    struct fault checked = {0};
    enum fault_code verdict = json_check(text, &checked);
    enum fault_code code = json_read(arena, text, &value, &fault);
    if (code != FAULT_NONE) {
        assert(value == NULL && fault.code == code && fault.text[0] != '\0');
        assert(verdict == code);
        return code;
    }
    assert(verdict == FAULT_NONE);
    struct json_out writer = json_out_to(out);
    write_value(&writer, NULL, value);
    return FAULT_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena arena;
    struct buf once;
    struct buf twice;
    arena_init(&arena, LIMIT);
    buf_init(&once, LIMIT);
    buf_init(&twice, LIMIT);
    if (copy(&arena, text, &once) == FAULT_NONE) {
        arena_reset(&arena);
        enum fault_code code = copy(&arena, buf_str(&once), &twice);
        assert(code == FAULT_NONE && str_equal(buf_str(&once), buf_str(&twice)));
    }
    arena_done(&arena);
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
