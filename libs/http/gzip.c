#include "libs/http/gzip.h"

#include <zlib.h>

#include "libs/core/os.h"

enum { STEP = 256 * 1024, GZIP_WINDOW = 15 + 16 };

static void *take(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return os_alloc((size_t)count * size);
}

static void give_back(void *unused, void *ptr)
{
    (void)unused;
    os_free(ptr);
}

/* Runs deflate or inflate until it says the end, growing `out` by steps. */
static int run(z_stream *stream, int (*turn)(z_stream *, int), int flush, struct buf *out)
{
    for (;;) {
        size_t left = out->limit - out->len;
        size_t step = left < STEP ? left : STEP;
        char *end = step ? buf_reserve(out, step) : NULL;
        if (!end)
            return Z_BUF_ERROR;
        stream->next_out = (Bytef *)end;
        stream->avail_out = (uInt)step;
        int rc = turn(stream, flush);
        buf_extend(out, step - stream->avail_out);
        /* Room is left but nothing moves: the input is cut. */
        if (rc != Z_OK || (stream->avail_in == 0 && stream->avail_out > 0 && flush != Z_FINISH))
            return rc;
    }
}

enum fault_code gzip_add(struct buf *out, struct str data, struct fault *fault)
{
    z_stream stream = {.zalloc = take, .zfree = give_back};
    size_t len_before = out->len;
    if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to compress");
    stream.next_in = (Bytef *)(uintptr_t)data.ptr;
    stream.avail_in = (uInt)data.len;
    int rc = run(&stream, deflate, Z_FINISH, out);
    deflateEnd(&stream);
    if (rc == Z_STREAM_END)
        return FAULT_NONE;
    out->len = len_before;
    if (rc == Z_MEM_ERROR || out->code == FAULT_NO_MEMORY)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to compress");
    return fault_set(fault, FAULT_LIMIT, "the compressed text is over the limit of %zu bytes",
                     out->limit);
}

enum fault_code gunzip_add(struct buf *out, struct str data, struct fault *fault)
{
    z_stream stream = {.zalloc = take, .zfree = give_back};
    size_t len_before = out->len;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to decompress");
    stream.next_in = (Bytef *)(uintptr_t)data.ptr;
    stream.avail_in = (uInt)data.len;
    int rc = run(&stream, inflate, Z_NO_FLUSH, out);
    while (rc == Z_STREAM_END && stream.avail_in > 0) {
        inflateReset(&stream);
        rc = run(&stream, inflate, Z_NO_FLUSH, out);
    }
    bool is_full = out->len == out->limit;
    inflateEnd(&stream);
    if (rc == Z_STREAM_END)
        return FAULT_NONE;
    out->len = len_before;
    if (rc == Z_MEM_ERROR)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to decompress");
    if (out->code != FAULT_NONE)
        return buf_check(out, "the decompressed text", fault);
    if (is_full)
        return fault_set(fault, FAULT_LIMIT, "the decompressed text is over the limit of %zu bytes",
                         out->limit);
    return fault_set(fault, FAULT_INPUT, "not a whole and sound gzip text");
}
