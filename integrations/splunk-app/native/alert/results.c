#include "integrations/splunk-app/native/alert/results.h"

#include <string.h>

#include "libs/http/gunzip.h"

enum { STEP = 256 << 10 };

enum fault_code results_init(struct results *results, results_source *source, void *context,
                             struct fault *fault)
{
    struct gunzip *gunzip;
    enum fault_code code = gunzip_new(&gunzip, fault);
    if (code != FAULT_NONE)
        return code;
    memset(results, 0, sizeof *results);
    results->source = source;
    results->context = context;
    results->gunzip = gunzip;
    buf_init(&results->text, RESULTS_ROW_MAX);
    return FAULT_NONE;
}

void results_done(struct results *results)
{
    gunzip_free(results->gunzip);
    results->gunzip = NULL;
    buf_done(&results->text);
}

/* --- bytes --------------------------------------------------------------------------------- */

static enum fault_code fill_packed(struct results *results, struct fault *fault)
{
    size_t len = 0;
    enum fault_code code = results->source(results->context, results->packed_room,
                                           sizeof results->packed_room, &len, fault);
    if (code != FAULT_NONE)
        return code;
    results->packed = (struct str){results->packed_room, len};
    results->source_ended = len == 0;
    if (results->source_ended && !results->started)
        return fault_set(fault, FAULT_INPUT, "it is empty: it may still have to be written");
    results->started = true;
    if (results->source_ended && !gunzip_is_whole(results->gunzip))
        return fault_set(fault, FAULT_INPUT,
                         "it ends in the middle of its gzip text: it was cut, or is still being "
                         "written");
    return FAULT_NONE;
}

/* Results in a form of Splunk's own begin otherwise than gzip does. */
static bool is_foreign(const struct results *results)
{
    const char *head = results->packed_room;
    return results->started && results->bytes_read == 0 && (head[0] != '\x1f' || head[1] != '\x8b');
}

/* Adds more text, or learns that there is none. */
static enum fault_code read_more(struct results *results, struct fault *fault)
{
    size_t left = results->text.limit - results->text.len;
    size_t room = left < STEP ? left : STEP;
    size_t len = 0;
    char *end = room > 0 ? buf_reserve(&results->text, room) : NULL;
    if (!end && results->text.code == FAULT_NO_MEMORY)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a row");
    if (!end)
        return fault_set(fault, FAULT_LIMIT, "a row is longer than the limit of %d bytes",
                         RESULTS_ROW_MAX);
    while (len == 0 && !results->source_ended) {
        enum fault_code code = FAULT_NONE;
        if (results->packed.len == 0)
            code = fill_packed(results, fault);
        if (code == FAULT_NONE)
            code = gunzip_step(results->gunzip, &results->packed, end, room, &len, fault);
        if (code == FAULT_INPUT && is_foreign(results))
            return fault_set(fault, FAULT_INPUT,
                             "it is not gzip: is forceCsvResults = true overridden for this action "
                             "in alert_actions.conf?");
        if (code != FAULT_NONE)
            return code;
    }
    buf_extend(&results->text, len);
    results->bytes_read += (int64_t)len;
    if (results->bytes_read > RESULTS_BYTES_MAX)
        return fault_set(fault, FAULT_LIMIT, "it holds more than the limit of %lld bytes",
                         RESULTS_BYTES_MAX);
    return FAULT_NONE;
}

/* --- lines --------------------------------------------------------------------------------- */

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 && c != '\t';
}

/* Whether a line can be the header of a CSV text: cells that are bare or quoted from end to end.
 * What is no CSV at all (JSON, HTML, a program) fails here, in its first line. */
static bool is_header(struct str line)
{
    bool quoted = false;
    bool at_start = true; /* of a cell */
    bool closed = false;  /* a quoted cell has ended */
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (quoted) {
            bool doubled = c == '"' && i + 1 < line.len && line.ptr[i + 1] == '"';
            i += doubled;
            quoted = c != '"' || doubled;
            closed = !quoted;
            if (c == '\0')
                return false;
            continue;
        }
        if (is_control(c) || (closed && c != ',') || (c == '"' && !at_start))
            return false;
        quoted = c == '"';
        closed = false;
        at_start = c == ',';
    }
    return !quoted && str_is_utf8(line);
}

/* Results without columns are a line end, or nothing. */
static bool is_blank(struct str text)
{
    return str_trim(text).len == 0;
}

static enum fault_code take_header(struct results *results, size_t end, struct fault *fault)
{
    struct str line = {results->text.ptr, end};
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (line.len > RESULTS_HEADER_MAX)
        return fault_set(fault, FAULT_LIMIT, "its first line is longer than the limit of %d bytes",
                         RESULTS_HEADER_MAX);
    if (line.len == 0 || !is_header(line))
        return fault_set(fault, FAULT_INPUT,
                         "it does not begin with a line of column names: it is no CSV");
    results->header = end;
    return FAULT_NONE;
}

/* Looks at the bytes that are new for line ends outside quotes. */
static enum fault_code scan(struct results *results, struct fault *fault)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *text = results->text.ptr;
    if (results->header == 0 && results->text.len < 3 && !results->source_ended)
        return FAULT_NONE; /* a byte order mark may still become whole */
    if (results->scanned == 0 && results->text.len >= 3 && memcmp(text, mark, 3) == 0) {
        results->text.len -= 3;
        memmove(results->text.ptr, text + 3, results->text.len);
    }
    for (size_t i = results->scanned; i < results->text.len; i++) {
        if (text[i] == '"')
            results->quoted = !results->quoted;
        if (text[i] != '\n' || results->quoted)
            continue;
        results->rows_end = i + 1;
        if (results->header > 0 || is_blank((struct str){text, i}))
            continue;
        enum fault_code code = take_header(results, i + 1, fault);
        if (code != FAULT_NONE)
            return code;
    }
    results->scanned = results->text.len;
    return FAULT_NONE;
}

/* Makes room for what follows the block that was given. */
static void drop_given(struct results *results)
{
    if (results->given == 0)
        return;
    size_t rest = results->text.len - results->given;
    memmove(results->text.ptr + results->header, results->text.ptr + results->given, rest);
    results->text.len = results->header + rest;
    results->scanned = results->text.len;
    results->rows_end = results->header;
    results->given = 0;
}

enum fault_code results_next(struct results *results, struct str *out_block, bool *out_more,
                             struct fault *fault)
{
    drop_given(results);
    bool enough = false;
    while (!enough && !results->source_ended) {
        enum fault_code code = read_more(results, fault);
        if (code == FAULT_NONE)
            code = scan(results, fault);
        if (code != FAULT_NONE)
            return code;
        enough = results->header > 0 && results->rows_end > results->header &&
                 results->text.len - results->header >= RESULTS_BLOCK_BYTES;
        if (results->header == 0 && results->text.len > RESULTS_HEADER_MAX)
            return take_header(results, results->text.len, fault);
    }
    size_t end = enough ? results->rows_end : results->text.len;
    if (results->header == 0 && is_blank((struct str){results->text.ptr, end})) {
        *out_more = false;
        return FAULT_NONE;
    }
    if (results->header == 0) { /* one line without its end */
        enum fault_code code = take_header(results, end, fault);
        if (code != FAULT_NONE)
            return code;
    }
    *out_more = end > results->header || (end > 0 && !results->given_any);
    results->given_any = true;
    results->given = end;
    *out_block = (struct str){results->text.ptr, end};
    return FAULT_NONE;
}
