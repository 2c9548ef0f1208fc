#include "libs/scp/frame.h"

#include <errno.h>
#include <string.h>

#include "libs/core/os.h"

static const struct str magic = {"chunked 1.0,", 12};

static enum fault_code read_length(struct str digits, const char *what, uint64_t max, size_t *out,
                                   struct fault *fault)
{
    uint64_t value;
    if (str_to_u64(digits, max, &value)) {
        *out = (size_t)value;
        return FAULT_NONE;
    }
    if (str_to_u64(digits, UINT64_MAX, &value))
        return fault_set(fault, FAULT_LIMIT,
                         "the chunk's %s of %llu bytes is over the limit of "
                         "%llu bytes",
                         what, (unsigned long long)value, (unsigned long long)max);
    return fault_set(fault, FAULT_INPUT, "the chunk header's %s length is not a number: \"%.*s\"",
                     what, STR_ARG(digits));
}

enum fault_code scp_header_read(struct str line, struct scp_header *out, struct fault *fault)
{
    struct scp_header header = {0};
    struct str metadata;
    struct str body;
    if (!str_ends(line, STR("\n")) || !str_starts(line, magic))
        return fault_set(fault, FAULT_INPUT,
                         "not a chunk header (\"chunked 1.0,<metadata>,<body>\"): \"%.*s\"; only "
                         "commands.conf with chunked = true is supported",
                         STR_ARG(str_take(str_trim(line), 40)));
    line.len--;
    if (!str_cut(str_skip(line, magic.len), ',', &metadata, &body))
        return fault_set(fault, FAULT_INPUT, "the chunk header has no body length");
    enum fault_code code =
        read_length(metadata, "metadata", SCP_METADATA_MAX, &header.metadata_len, fault);
    if (code == FAULT_NONE)
        code = read_length(body, "body", SCP_BODY_MAX, &header.body_len, fault);
    if (code == FAULT_NONE)
        *out = header;
    return code;
}

void scp_header_add(struct buf *out, size_t metadata_len, size_t body_len)
{
    buf_add(out, magic);
    buf_add_u64(out, metadata_len);
    buf_add_byte(out, ',');
    buf_add_u64(out, body_len);
    buf_add_byte(out, '\n');
}

void scp_reader_init(struct scp_reader *reader, int fd)
{
    reader->fd = fd;
    buf_init(&reader->chunk, (size_t)SCP_HEADER_MAX + SCP_METADATA_MAX + SCP_BODY_MAX);
}

void scp_reader_done(struct scp_reader *reader)
{
    buf_done(&reader->chunk);
}

/* Appends exactly `len` bytes. *out_got tells how many came before the stream ended. */
static enum fault_code read_exactly(struct scp_reader *reader, size_t len, size_t *out_got,
                                    struct fault *fault)
{
    size_t got = 0;
    while (got < len) {
        /* Memory grows with what has come, not with what the header claims: a lying length costs
         * no more than the bytes that are really there. */
        size_t step = len - got < SCP_READ_STEP ? len - got : SCP_READ_STEP;
        char *end = buf_reserve(&reader->chunk, step);
        if (!end)
            return buf_check(&reader->chunk, "a chunk", fault);
        ssize_t count = os_read(reader->fd, end, step);
        if (count < 0)
            return fault_errno(fault, errno, "cannot read from splunkd");
        if (count == 0)
            break;
        buf_extend(&reader->chunk, (size_t)count);
        got += (size_t)count;
    }
    *out_got = got;
    return FAULT_NONE;
}

/* Reads up to and including the LF of the header line, a byte at a time after the fixed part: the
 * bytes after the header belong to the chunk and are read in large pieces. */
static enum fault_code read_header_line(struct scp_reader *reader, bool *out_end,
                                        struct fault *fault)
{
    size_t got = 0;
    size_t want = magic.len + 4; /* the shortest header: "chunked 1.0,0,0\n" */
    *out_end = false;
    for (;;) {
        enum fault_code code = read_exactly(reader, want, &got, fault);
        if (code != FAULT_NONE)
            return code;
        if (got == 0 && reader->chunk.len == 0) {
            *out_end = true;
            return FAULT_NONE;
        }
        struct str line = buf_str(&reader->chunk);
        if (str_find_byte(line, '\n') < line.len)
            return FAULT_NONE;
        if (got < want)
            return fault_set(fault, FAULT_INPUT, "the input ends within a chunk header");
        if (line.len >= SCP_HEADER_MAX || !str_starts(line, magic))
            return FAULT_NONE; /* no header: scp_header_read says so */
        want = 1;
    }
}

enum fault_code scp_read(struct scp_reader *reader, struct scp_request *out, bool *out_end,
                         struct fault *fault)
{
    struct scp_header header = {0};
    size_t got = 0;
    bool end;
    buf_clear(&reader->chunk);
    enum fault_code code = read_header_line(reader, &end, fault);
    if (code != FAULT_NONE)
        return code;
    if (end) {
        *out_end = true;
        return FAULT_NONE;
    }
    size_t header_len = reader->chunk.len;
    code = scp_header_read(buf_str(&reader->chunk), &header, fault);
    if (code != FAULT_NONE)
        return code;
    size_t want = header.metadata_len + header.body_len;
    code = read_exactly(reader, want, &got, fault);
    if (code != FAULT_NONE)
        return code;
    if (got < want)
        return fault_set(fault, FAULT_INPUT, "the input ends within a chunk: %zu of %zu bytes came",
                         got, want);
    struct str rest = str_skip(buf_str(&reader->chunk), header_len);
    out->metadata = str_take(rest, header.metadata_len);
    out->body = str_skip(rest, header.metadata_len);
    *out_end = false;
    return FAULT_NONE;
}
