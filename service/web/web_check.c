#include "service/web/web_check.h"

#include <string.h>

#include "libs/core/log.h"

/* Headers as they are met; what may stand once is counted. */
struct walk {
    struct web_request *request;
    size_t bytes;
    int hosts;
    int lengths;
    int transfers;
    struct str length;
    struct str transfer;
    struct str encoding;
    struct str expect;
    const char *wrong; /* the first thing wrong */
    bool unclear;      /* it is about the framing */
    bool too_many;
    bool chunked;
    const char *line_end; /* of the line before, without its CR LF */
};

static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.len > 0;
}

static bool has_control(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static void note(struct walk *walk, const char *wrong, bool unclear)
{
    walk->unclear |= unclear;
    if (!walk->wrong)
        walk->wrong = wrong;
}

/* libmicrohttpd 0.9 takes a line that ends in LF alone, joins folded lines and cuts a value at a
 * NUL, and tells nobody. But it reads in place: each CR, LF and colon became a NUL, so what stood
 * between two lines can still be seen, and a line that was joined lies elsewhere. Later versions
 * refuse all of this themselves (web_server.c asks them to). */
static bool lines_are_seen(void)
{
    return str_starts(str_of(MHD_get_version()), STR("0.9."));
}

/* Whether [end, next) held nothing but blanks and one CR LF. */
static bool is_line_break(const char *end, const char *next)
{
    size_t gap = (uintptr_t)next - (uintptr_t)end; /* huge when next lies before */
    if (gap < 2 || gap > WEB_HEADER_BYTES_MAX)
        return false;
    size_t blanks = 0;
    while (blanks < gap - 2 && (end[blanks] == ' ' || end[blanks] == '\t'))
        blanks++;
    return blanks == gap - 2 && end[blanks] == '\0' && end[blanks + 1] == '\0';
}

/* Whether the head ends in an empty line, of CR LF too. */
static bool is_head_end(struct MHD_Connection *connection, const char *method, const char *line_end)
{
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!head || head->header_size < 4)
        return false;
    const char *blank = method + head->header_size - 2;
    return blank[0] == '\0' && blank[1] == '\0' && is_line_break(line_end, blank);
}

static void check_line(struct walk *walk, struct str name, struct str value)
{
    if (!is_line_break(walk->line_end, name.ptr))
        note(walk,
             "a header's line ends in something else than CR LF, is folded, or holds a NUL "
             "(RFC 9112, sections 2.2 and 5.2)",
             true);
    walk->line_end = value.ptr + value.len;
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_len, const char *value, size_t value_len)
{
    (void)kind;
    struct walk *walk = context;
    struct web_header header = {{key, key_len}, {value, value ? value_len : 0}};
    walk->bytes += key_len + value_len + 4;
    if (walk->line_end && value)
        check_line(walk, header.name, header.value);
    if (!is_token(header.name))
        note(walk, "a header's name holds a byte that is not allowed there", true);
    else if (has_control(header.value))
        note(walk, "a header's value holds a control character", true);
    if (str_equal_nocase(header.name, STR("Host")))
        walk->hosts++;
    if (str_equal_nocase(header.name, STR("Content-Length"))) {
        walk->lengths++;
        walk->length = header.value;
    }
    if (str_equal_nocase(header.name, STR("Transfer-Encoding"))) {
        walk->transfers++;
        walk->transfer = header.value;
    }
    if (str_equal_nocase(header.name, STR("Content-Encoding")))
        walk->encoding = header.value;
    if (str_equal_nocase(header.name, STR("Expect")))
        walk->expect = header.value;

    struct web_request *request = walk->request;
    walk->too_many = walk->bytes > WEB_HEADER_BYTES_MAX || request->header_count == WEB_HEADERS_MAX;
    if (walk->too_many)
        return MHD_NO;
    request->headers[request->header_count++] = header;
    return MHD_YES;
}

/* Where the body ends must have one reading only. */
static void check_framing(struct walk *walk, bool version_1_0, struct web_head *head)
{
    if (walk->lengths + walk->transfers > 1)
        note(walk, "the request says more than once how long its body is", true);
    else if (walk->transfers && !str_equal_nocase(walk->transfer, STR("chunked")))
        note(walk, "the only Transfer-Encoding that is understood is chunked", true);
    else if (walk->transfers && version_1_0)
        note(walk, "HTTP/1.0 has no Transfer-Encoding", true);
    else if (walk->transfers)
        walk->chunked = true;
    else if (walk->lengths && !str_to_u64(walk->length, INT64_MAX, &head->length))
        note(walk, "Content-Length is not a whole number", true);
    if (walk->hosts > 1 || (walk->hosts == 0 && !version_1_0))
        note(walk, "the request must have one Host header", false);
    head->has_body = head->length > 0;
}

static bool read_coding(struct str name, enum web_coding *out)
{
    static const struct {
        struct str name;
        enum web_coding coding;
    } codings[] = {{{"", 0}, WEB_IDENTITY},
                   {{"identity", 8}, WEB_IDENTITY},
                   {{"gzip", 4}, WEB_GZIP},
                   {{"zstd", 4}, WEB_ZSTD}};
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++)
        if (str_equal_nocase(name, codings[i].name)) {
            *out = codings[i].coding;
            return true;
        }
    return false;
}

enum fault_code web_check_head(struct MHD_Connection *connection, const char *method,
                               const char *version, struct web_request *request,
                               struct web_head *out_head, const struct web_problem **out_problem,
                               struct fault *fault)
{
    struct walk walk = {.request = request};
    if (version[0] != '\0' && lines_are_seen())
        walk.line_end = version + strlen(version);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, &walk);
    bool version_1_0 = strcmp(version, "HTTP/1.0") == 0;
    if (walk.line_end && !walk.too_many && request->header_count > 0 &&
        !is_head_end(connection, method, walk.line_end))
        note(&walk, "the headers end in something else than an empty line of CR LF", true);
    if (!walk.too_many)
        check_framing(&walk, version_1_0, out_head);
    out_head->unclear = walk.unclear || walk.too_many;
    out_head->expects = walk.expect.len > 0;

    if (strncmp(version, "HTTP/1.", 7) != 0) {
        out_head->unclear = true;
        *out_problem = &web_problem_version;
        return fault_set(fault, FAULT_INPUT, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    if (walk.too_many) {
        *out_problem = &web_problem_headers;
        return fault_set(fault, FAULT_LIMIT, "more than %d headers, or more than %d bytes of them",
                         WEB_HEADERS_MAX, WEB_HEADER_BYTES_MAX);
    }
    if (walk.wrong)
        return fault_set(fault, FAULT_INPUT, "%s", walk.wrong);
    if (walk.chunked) {
        out_head->unclear = true;
        *out_problem = &web_problem_length;
        return fault_field(fault, FAULT_INPUT, "Transfer-Encoding",
                           "a body in chunks is not taken; send it whole, with a Content-Length");
    }
    if (!read_coding(walk.encoding, &out_head->coding)) {
        *out_problem = &web_problem_encoding;
        return fault_field(fault, FAULT_INPUT, "Content-Encoding",
                           "the body's encoding is not understood; send gzip, zstd, or none");
    }
    return FAULT_NONE;
}
