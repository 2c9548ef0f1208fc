/* The wire of persistent REST handlers and the JSON in it: no crash, the same requests however the
 * bytes are cut, and a reply is read back as it was meant. The first byte chooses the cuts. */
#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/scp/persist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str source;
static size_t step;

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

/* What a block says, said back as a reply. */
static void answer(struct str block, struct buf *out)
{
    struct arena arena;
    struct persist_call call;
    struct fault fault;
    struct str value = STR("");
    bool twice;
    arena_init(&arena, 8 << 20);
    if (persist_call_read(&arena, block, &call, &fault) == FAULT_NONE) {
        if (persist_form(&call, "scope", &value, &twice))
            assert(value.ptr);
        buf_add(out, call.user);
        buf_add(out, value);
    } else {
        assert(fault.text[0]);
    }
    arena_done(&arena);
}

static enum fault_code serve(struct str input, size_t cut, struct buf *out)
{
    struct persist_reader reader;
    enum fault_code code;
    source = input;
    step = cut;
    persist_reader_init(&reader, 0);
    for (;;) {
        struct persist_packet packet;
        struct fault fault;
        bool end = false;
        code = persist_read(&reader, &packet, &end, &fault);
        if (code != FAULT_NONE || end)
            break;
        buf_addf(out, "%x ", (unsigned)packet.opcode);
        persist_reply_add(out, 200, packet.block);
        answer(packet.block, out);
    }
    persist_reader_done(&reader);
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
    buf_init(&whole, 64 << 20);
    buf_init(&cut, 64 << 20);
    enum fault_code code = serve(input, SIZE_MAX, &whole);
    assert(serve(input, 1 + data[0] % 16, &cut) == code);
    assert(str_equal(buf_str(&whole), buf_str(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
