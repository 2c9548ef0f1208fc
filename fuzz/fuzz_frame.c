/* The frame reader: no crash, the same requests however the bytes are cut, and what was read writes
 * back to the bytes that were there. The first byte of the input chooses the cuts. */
#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/scp/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str source;
static size_t step;

/* Gives at most `step` bytes a read, as a slow pipe does. */
static ssize_t read_some(int fd, void *out, size_t len)
{
    (void)fd;
    if (len > step)
        len = step;
    if (len > source.len)
        len = source.len;
    if (len)
        memcpy(out, source.ptr, len);
    source = str_skip(source, len);
    return (ssize_t)len;
}

/* Reads all requests and writes them again into `out`; the code of what ended it. */
static enum fault_code copy_requests(struct str input, size_t cut, struct buf *out)
{
    struct scp_reader reader;
    enum fault_code code;
    source = input;
    step = cut;
    scp_reader_init(&reader, 0);
    for (;;) {
        struct scp_request request;
        struct fault fault;
        bool end = false;
        code = scp_read(&reader, &request, &end, &fault);
        if (code != FAULT_NONE || end)
            break;
        scp_header_add(out, request.metadata.len, request.body.len);
        buf_add(out, request.metadata);
        buf_add(out, request.body);
    }
    scp_reader_done(&reader);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct os_platform platform = os_posix;
    struct buf whole;
    struct buf cut;
    if (size == 0)
        return 0;
    platform.read = read_some;
    os_platform_set(&platform);
    struct str input = {(const char *)data + 1, size - 1};
    buf_init(&whole, size + 64);
    buf_init(&cut, size + 64);
    enum fault_code code = copy_requests(input, SIZE_MAX, &whole);
    assert(copy_requests(input, 1 + data[0] % 16, &cut) == code);
    assert(str_equal(buf_str(&whole), buf_str(&cut)));
    /* Lengths with leading zeros are legal and come back without them. */
    if (code == FAULT_NONE && whole.len == input.len)
        assert(str_equal(buf_str(&whole), input));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
