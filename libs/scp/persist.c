#include "libs/scp/persist.h"

#include <errno.h>
#include <string.h>

#include "libs/core/os.h"

enum { DIGITS_MAX = 10, ROOM_AT_ONCE = 64 << 10 };

void persist_reader_init(struct persist_reader *reader, int fd)
{
    reader->fd = fd;
    buf_init(&reader->block, PERSIST_BLOCK_MAX);
}

void persist_reader_done(struct persist_reader *reader)
{
    if (reader->block.ptr)
        explicit_bzero(reader->block.ptr, reader->block.room);
    buf_done(&reader->block);
}

static enum fault_code read_some(struct persist_reader *reader, char *out, size_t len,
                                 size_t *out_got, struct fault *fault)
{
    ssize_t count = os_read(reader->fd, out, len);
    if (count < 0)
        return fault_errno(fault, errno, "cannot read from splunkd");
    *out_got = (size_t)count;
    return FAULT_NONE;
}

static enum fault_code ends_within(const char *what, struct fault *fault)
{
    return fault_set(fault, FAULT_INPUT, "the input ends within %s of a request", what);
}

/* "<digits>\n", a byte at a time: what follows is not ours to read yet. */
static enum fault_code read_number(struct persist_reader *reader, const char *what, uint64_t most,
                                   size_t *out, struct fault *fault)
{
    char digits[DIGITS_MAX + 1];
    size_t len = 0;
    uint64_t number;
    for (;;) {
        size_t got = 0;
        enum fault_code code = read_some(reader, &digits[len], 1, &got, fault);
        if (code != FAULT_NONE)
            return code;
        if (got == 0)
            return ends_within(what, fault);
        if (digits[len] == '\n')
            break;
        if (digits[len] < '0' || digits[len] > '9' || len == DIGITS_MAX)
            return fault_set(fault, FAULT_INPUT, "%s of a request is no number on a line", what);
        len++;
    }
    if (len == 0)
        return fault_set(fault, FAULT_INPUT, "%s of a request is no number on a line", what);
    if (!str_to_u64((struct str){digits, len}, most, &number))
        return fault_set(fault, FAULT_LIMIT, "%s of a request is %.*s, at most %llu is allowed",
                         what, (int)len, digits, (unsigned long long)most);
    *out = (size_t)number;
    return FAULT_NONE;
}

/* Reads `len` bytes; memory grows with what comes, not with what was claimed. With `keep` they stay
 * in the block. */
static enum fault_code read_bytes(struct persist_reader *reader, size_t len, bool keep,
                                  const char *what, struct fault *fault)
{
    char passed[512] = {0};
    while (len > 0) {
        size_t most = keep ? ROOM_AT_ONCE : sizeof passed;
        size_t step = len < most ? len : most;
        char *to = keep ? buf_reserve(&reader->block, step) : passed;
        size_t got = 0;
        if (!to)
            return buf_check(&reader->block, "a request", fault);
        enum fault_code code = read_some(reader, to, step, &got, fault);
        if (code != FAULT_NONE)
            return code;
        if (got == 0)
            return ends_within(what, fault);
        if (keep)
            buf_extend(&reader->block, got);
        len -= got;
    }
    return FAULT_NONE;
}

static enum fault_code pass_sized(struct persist_reader *reader, const char *what,
                                  struct fault *fault)
{
    size_t len = 0;
    enum fault_code code = read_number(reader, what, PERSIST_WORD_MAX, &len, fault);
    return code == FAULT_NONE ? read_bytes(reader, len, false, what, fault) : code;
}

/* Which handler is meant is known from our own command line: the words are of no use to us. */
static enum fault_code pass_command(struct persist_reader *reader, struct fault *fault)
{
    size_t count = 0;
    enum fault_code code =
        read_number(reader, "the number of words", PERSIST_WORDS_MAX, &count, fault);
    for (size_t i = 0; i < count && code == FAULT_NONE; i++)
        code = pass_sized(reader, "a word", fault);
    return code == FAULT_NONE ? pass_sized(reader, "the argument", fault) : code;
}

static enum fault_code read_opcode(struct persist_reader *reader, int *out, bool *out_end,
                                   struct fault *fault)
{
    unsigned char byte = '\n';
    size_t got = 1;
    while (byte == '\n') {
        enum fault_code code = read_some(reader, (char *)&byte, 1, &got, fault);
        if (code != FAULT_NONE)
            return code;
        if (got == 0) {
            *out_end = true;
            return FAULT_NONE;
        }
    }
    if (byte > (PERSIST_INIT | PERSIST_BLOCK | PERSIST_END | PERSIST_ALLOW_STREAM))
        return fault_set(fault, FAULT_INPUT, "a request begins with the unknown opcode 0x%02x",
                         byte);
    if (!(byte & PERSIST_END))
        return fault_set(fault, FAULT_INPUT,
                         "a request comes in pieces (opcode 0x%02x); restmap.conf must not set "
                         "stream = true",
                         byte);
    *out_end = false;
    *out = byte;
    return FAULT_NONE;
}

enum fault_code persist_read(struct persist_reader *reader, struct persist_packet *out,
                             bool *out_end, struct fault *fault)
{
    int opcode = 0;
    bool end = false;
    size_t len = 0;
    if (reader->block.ptr)
        explicit_bzero(reader->block.ptr, reader->block.room);
    buf_clear(&reader->block);
    enum fault_code code = read_opcode(reader, &opcode, &end, fault);
    if (code == FAULT_NONE && !end && opcode & PERSIST_INIT)
        code = pass_command(reader, fault);
    if (code == FAULT_NONE && !end && opcode & PERSIST_BLOCK) {
        code = read_number(reader, "the size of the block", PERSIST_BLOCK_MAX, &len, fault);
        if (code == FAULT_NONE)
            code = read_bytes(reader, len, true, "the block", fault);
    }
    if (code != FAULT_NONE)
        return code;
    *out_end = end;
    if (!end)
        *out = (struct persist_packet){opcode, buf_str(&reader->block)};
    return FAULT_NONE;
}

void persist_reply_add(struct buf *out, int status, struct str payload)
{
    char head[40] = "{\"status\":";
    size_t len = strlen(head);
    for (int unit = 100; unit > 0; unit /= 10)
        head[len++] = (char)('0' + status / unit % 10);
    static const struct str between = {",\"payload\":", 11};
    buf_add_u64(out, len + between.len + payload.len + 1);
    buf_add_byte(out, '\n');
    buf_add(out, (struct str){head, len});
    buf_add(out, between);
    buf_add(out, payload);
    buf_add_byte(out, '}');
}
