#include "libs/text/json.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include <cjson/cJSON.h>

/* cJSON takes its memory through two global functions without a context: the arena of the read that
 * is under way on this thread is found here. */
static _Thread_local struct arena *arena_now;

static void *take(size_t size)
{
    return arena_alloc(arena_now, size);
}

static void give_back(void *ptr)
{
    (void)ptr; /* the arena's reset gives all back at once */
}

static void install_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = take, .free_fn = give_back};
    cJSON_InitHooks(&hooks);
}

/* --- the strict scanner: cJSON itself accepts control characters, invalid UTF-8, "01" and more ---
 */

struct scan {
    const char *at;
    const char *end;
    const char *start;
    bool escaped; /* the string scanned last holds an escape */
    struct fault *fault;
};

static enum fault_code wrong(const struct scan *scan, const char *what)
{
    return fault_set(scan->fault, FAULT_INPUT, "not valid JSON at byte %zu: %s",
                     (size_t)(scan->at - scan->start), what);
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool skip_digits(struct scan *scan)
{
    const char *before = scan->at;
    while (is_digit(scan))
        scan->at++;
    return scan->at > before;
}

static enum fault_code scan_number(struct scan *scan)
{
    if (*scan->at == '-')
        scan->at++;
    bool zero = scan->at < scan->end && *scan->at == '0';
    const char *digits = scan->at;
    if (!skip_digits(scan))
        return wrong(scan, "a digit is expected");
    if (zero && scan->at - digits > 1)
        return wrong(scan, "a number has a leading zero");
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!skip_digits(scan))
            return wrong(scan, "a digit is expected after the point");
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!skip_digits(scan))
            return wrong(scan, "a digit is expected in the exponent");
    }
    return FAULT_NONE;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The number in the four digits of a \uXXXX at the start of `text`; 0 when it does not begin so. */
static unsigned unit_of(struct str text)
{
    unsigned unit = 0;
    if (text.len < 6 || text.ptr[0] != '\\' || text.ptr[1] != 'u')
        return 0;
    for (size_t i = 2; i < 6; i++) {
        char c = text.ptr[i];
        unit = unit * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

/* After a \uXXXX: the first half of a surrogate pair needs the second one behind it. */
static enum fault_code scan_surrogate(struct scan *scan)
{
    unsigned unit = unit_of((struct str){scan->at - 6, 6});
    if (unit < 0xd800 || unit > 0xdfff)
        return FAULT_NONE;
    struct str rest = {scan->at, (size_t)(scan->end - scan->at)};
    bool whole = rest.len >= 6;
    for (size_t i = 2; i < 6 && whole; i++)
        whole = is_hex(rest.ptr[i]);
    unsigned low = whole ? unit_of(rest) : 0;
    if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
        return wrong(scan, "one half of a surrogate pair stands alone");
    scan->at += 6;
    return FAULT_NONE;
}

static enum fault_code scan_escape(struct scan *scan)
{
    scan->at++;
    if (scan->at >= scan->end)
        return wrong(scan, "the text ends within an escape");
    if (*scan->at != 'u') {
        if (!strchr("\"\\/bfnrt", *scan->at) || *scan->at == '\0')
            return wrong(scan, "an unknown escape");
        scan->at++;
        return FAULT_NONE;
    }
    scan->at++;
    for (int i = 0; i < 4; i++, scan->at++)
        if (scan->at >= scan->end || !is_hex(*scan->at))
            return wrong(scan, "\\u needs four hexadecimal digits");
    if (memcmp(scan->at - 4, "0000", 4) == 0)
        return wrong(scan, "\\u0000 is not allowed");
    return scan_surrogate(scan);
}

static enum fault_code scan_string(struct scan *scan, struct str *out_raw)
{
    const char *start = ++scan->at;
    scan->escaped = false;
    while (scan->at < scan->end && *scan->at != '"') {
        if ((unsigned char)*scan->at < 0x20)
            return wrong(scan, "a control character in a string must be escaped");
        if (*scan->at != '\\') {
            scan->at++;
            continue;
        }
        enum fault_code code = scan_escape(scan);
        if (code != FAULT_NONE)
            return code;
        scan->escaped = true;
    }
    if (scan->at >= scan->end)
        return wrong(scan, "a string is not closed");
    *out_raw = (struct str){start, (size_t)(scan->at - start)};
    scan->at++;
    return FAULT_NONE;
}

/* A name's text, escapes undone, one byte at a time: the two sides of a comparison. */
struct name_bytes {
    struct str rest; /* a raw string that was scanned */
    unsigned char held[4];
    size_t held_len;
    size_t held_at;
};

static void hold_utf8(struct name_bytes *name, unsigned point)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        name->held[i] = (unsigned char)(0x80 | (point & 0x3f));
    name->held[0] = (unsigned char)(len == 1 ? point : leads[len] | point);
    name->held_len = len;
    name->held_at = 0;
}

/* The next byte, or -1 at the end. */
static int next_byte(struct name_bytes *name)
{
    if (name->held_at < name->held_len)
        return name->held[name->held_at++];
    if (name->rest.len == 0)
        return -1;
    char c = name->rest.ptr[0];
    unsigned unit = unit_of(name->rest);
    if (unit == 0) {
        static const char letters[] = "bfnrt";
        static const char meant[] = "\b\f\n\r\t";
        bool escaped = c == '\\';
        c = name->rest.ptr[escaped];
        const char *letter = escaped ? strchr(letters, c) : NULL;
        name->rest = str_skip(name->rest, escaped ? 2 : 1);
        return (unsigned char)(letter ? meant[letter - letters] : c);
    }
    name->rest = str_skip(name->rest, 6);
    unsigned low = unit >= 0xd800 && unit < 0xdc00 ? unit_of(name->rest) : 0;
    if (low >= 0xdc00 && low < 0xe000) {
        name->rest = str_skip(name->rest, 6);
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    hold_utf8(name, unit);
    return next_byte(name);
}

/* Whether two raw names say the same: "a" and "\u0061" do. */
static bool same_name(struct str a, struct str b)
{
    struct name_bytes left = {.rest = a};
    struct name_bytes right = {.rest = b};
    int byte;
    do {
        byte = next_byte(&left);
        if (byte != next_byte(&right))
            return false;
    } while (byte >= 0);
    return true;
}

static enum fault_code scan_value(struct scan *scan, int depth);

static enum fault_code scan_members(struct scan *scan, int depth, char close)
{
    struct str names[JSON_MEMBERS_MAX];
    size_t count = 0;
    bool escaped = false; /* a name holds an escape: then bytes alone do not tell names apart */
    scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->end && *scan->at == close) {
        scan->at++;
        return FAULT_NONE;
    }
    for (;;) {
        enum fault_code code;
        skip_blanks(scan);
        if (close == '}') {
            if (scan->at >= scan->end || *scan->at != '"')
                return wrong(scan, "a name in quotes is expected");
            if (count == JSON_MEMBERS_MAX)
                return fault_set(scan->fault, FAULT_LIMIT, "a JSON object has more than %d members",
                                 JSON_MEMBERS_MAX);
            code = scan_string(scan, &names[count]);
            if (code != FAULT_NONE)
                return code;
            escaped |= scan->escaped;
            for (size_t i = 0; i < count; i++)
                /* Those below count are set: the analyser forgets it over the recursion.
                 * NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
                if (str_equal(names[i], names[count]) ||
                    (escaped && same_name(names[i], names[count])))
                    return wrong(scan, "a name stands twice in one object");
            count++;
            skip_blanks(scan);
            if (scan->at >= scan->end || *scan->at != ':')
                return wrong(scan, "a colon is expected");
            scan->at++;
        }
        code = scan_value(scan, depth + 1);
        if (code != FAULT_NONE)
            return code;
        skip_blanks(scan);
        if (scan->at >= scan->end)
            return wrong(scan, "the text ends within an object or array");
        char c = *scan->at++;
        if (c == close)
            return FAULT_NONE;
        if (c != ',') {
            scan->at--;
            return wrong(scan, "a comma or the closing bracket is expected");
        }
    }
}

static enum fault_code scan_word(struct scan *scan, struct str word)
{
    if (!str_starts((struct str){scan->at, (size_t)(scan->end - scan->at)}, word))
        return wrong(scan, "a value is expected");
    scan->at += word.len;
    return FAULT_NONE;
}

static enum fault_code scan_value(struct scan *scan, int depth)
{
    struct str ignored;
    skip_blanks(scan);
    if (scan->at >= scan->end)
        return wrong(scan, "a value is expected, the text ends");
    if (depth > JSON_DEPTH_MAX)
        return fault_set(scan->fault, FAULT_LIMIT, "JSON is nested deeper than %d levels",
                         JSON_DEPTH_MAX);
    switch (*scan->at) {
    case '{':
        return scan_members(scan, depth, '}');
    case '[':
        return scan_members(scan, depth, ']');
    case '"':
        return scan_string(scan, &ignored);
    case 't':
        return scan_word(scan, STR("true"));
    case 'f':
        return scan_word(scan, STR("false"));
    case 'n':
        return scan_word(scan, STR("null"));
    case '-':
        return scan_number(scan);
    default:
        return is_digit(scan) ? scan_number(scan) : wrong(scan, "a value is expected");
    }
}

enum fault_code json_check(struct str text, struct fault *fault)
{
    if (!text.ptr)
        text = STR("");
    struct scan scan = {text.ptr, text.ptr + text.len, text.ptr, false, fault};
    enum fault_code code = scan_value(&scan, 1);
    if (code != FAULT_NONE)
        return code;
    skip_blanks(&scan);
    if (scan.at < scan.end)
        return wrong(&scan, "more text after the value");
    if (!str_is_utf8(text))
        return fault_set(fault, FAULT_INPUT, "not valid JSON: the text is not UTF-8");
    return FAULT_NONE;
}

/* --- reading ------------------------------------------------------------------------------- */

static const cJSON *raw(const struct json *value)
{
    return (const cJSON *)value;
}

static const struct json *cooked(const cJSON *value)
{
    return (const struct json *)value;
}

enum fault_code json_read(struct arena *arena, struct str text, const struct json **out,
                          struct fault *fault)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_hooks);

    enum fault_code code = json_check(text, fault);
    if (code != FAULT_NONE)
        return code;
    arena_now = arena;
    cJSON *value = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, 0);
    arena_now = NULL;
    if (!value && arena->starved)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to read %zu bytes of JSON",
                         text.len);
    if (!value)
        return fault_set(fault, FAULT_LIMIT,
                         "JSON of %zu bytes needs more memory than the limit of %zu bytes",
                         text.len, arena->limit);
    *out = cooked(value);
    return FAULT_NONE;
}

bool json_is_object(const struct json *value)
{
    return cJSON_IsObject(raw(value));
}

bool json_is_array(const struct json *value)
{
    return cJSON_IsArray(raw(value));
}

bool json_is_null(const struct json *value)
{
    return cJSON_IsNull(raw(value));
}

const struct json *json_member(const struct json *object, const char *name)
{
    return json_is_object(object) ? cooked(cJSON_GetObjectItemCaseSensitive(raw(object), name))
                                  : NULL;
}

const struct json *json_first(const struct json *object_or_array)
{
    bool has_children = json_is_object(object_or_array) || json_is_array(object_or_array);
    return has_children ? cooked(raw(object_or_array)->child) : NULL;
}

const struct json *json_next(const struct json *value)
{
    return cooked(raw(value)->next);
}

struct str json_name(const struct json *member)
{
    return str_of(member ? raw(member)->string : NULL);
}

bool json_text(const struct json *value, struct str *out)
{
    if (!cJSON_IsString(raw(value)))
        return false;
    *out = str_of(raw(value)->valuestring);
    return true;
}

bool json_whole(const struct json *value, int64_t *out)
{
    const double most = 9007199254740992.0; /* 2^53: beyond it a double skips integers */
    if (!cJSON_IsNumber(raw(value)))
        return false;
    double number = raw(value)->valuedouble;
    if (!(number >= -most && number <= most) || number != floor(number))
        return false;
    *out = (int64_t)number;
    return true;
}

bool json_boolean(const struct json *value, bool *out)
{
    if (!cJSON_IsBool(raw(value)))
        return false;
    *out = cJSON_IsTrue(raw(value));
    return true;
}
