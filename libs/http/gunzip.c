#include "libs/http/gunzip.h"

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

#include "libs/core/os.h"

enum { GZIP_WINDOW = 15 + 16 };

struct gunzip {
    z_stream stream;
    uint64_t bytes_in;
    uint64_t bytes_out;
    bool at_border; /* a member has ended and no other has begun */
};

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

enum fault_code gunzip_new(struct gunzip **out, struct fault *fault)
{
    struct gunzip *gunzip = os_alloc(sizeof *gunzip);
    if (gunzip) {
        gunzip->stream = (z_stream){.zalloc = take, .zfree = give_back};
        if (inflateInit2(&gunzip->stream, GZIP_WINDOW) == Z_OK) {
            *out = gunzip;
            return FAULT_NONE;
        }
        os_free(gunzip);
    }
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left to decompress");
}

void gunzip_free(struct gunzip *taken)
{
    if (!taken)
        return;
    inflateEnd(&taken->stream);
    os_free(taken);
}

/* A bomb is known by what has come out for what went in. Small texts may be as dense as they like.
 */
static bool is_bomb(const struct gunzip *gunzip)
{
    return gunzip->bytes_out > GUNZIP_RATIO_SLACK &&
           gunzip->bytes_out / GUNZIP_RATIO_MAX > gunzip->bytes_in;
}

/* One call of inflate. *out_moved is false when it did nothing. */
static enum fault_code inflate_once(struct gunzip *gunzip, struct str *in, char *out, size_t room,
                                    size_t *out_len, bool *out_moved, struct fault *fault)
{
    z_stream *stream = &gunzip->stream;
    unsigned in_len = in->len < UINT_MAX ? (unsigned)in->len : UINT_MAX;
    unsigned out_room = room < UINT_MAX ? (unsigned)room : UINT_MAX;
    if (gunzip->at_border && inflateReset(stream) != Z_OK)
        return fault_set(fault, FAULT_INPUT, "not a sound gzip text");
    stream->next_in = (Bytef *)(uintptr_t)in->ptr;
    stream->avail_in = in_len;
    stream->next_out = (Bytef *)out;
    stream->avail_out = out_room;
    int rc = inflate(stream, Z_NO_FLUSH);
    if (rc == Z_MEM_ERROR)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to decompress");
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
        /* Two bytes say what it is; what is wrong behind them is damage. */
        bool is_gzip = gunzip->bytes_in + in_len - stream->avail_in > 2;
        return fault_set(fault, FAULT_INPUT, "%s",
                         is_gzip ? "the gzip text is damaged" : "not gzip");
    }
    gunzip->at_border = rc == Z_STREAM_END;
    *out_len = out_room - stream->avail_out;
    *out_moved = in_len > stream->avail_in || *out_len > 0 || rc == Z_STREAM_END;
    *in = str_skip(*in, in_len - stream->avail_in);
    gunzip->bytes_in += in_len - stream->avail_in;
    gunzip->bytes_out += *out_len;
    return FAULT_NONE;
}

enum fault_code gunzip_step(struct gunzip *gunzip, struct str *in, char *out, size_t room,
                            size_t *out_len, struct fault *fault)
{
    size_t filled = 0;
    bool moved = true;
    /* A border is passed only with more input: the end of a member is the end of the text unless
     * another one follows. */
    while (filled < room && moved && !(gunzip->at_border && in->len == 0)) {
        size_t len = 0;
        enum fault_code code =
            inflate_once(gunzip, in, out + filled, room - filled, &len, &moved, fault);
        if (code != FAULT_NONE)
            return code;
        filled += len;
        if (is_bomb(gunzip))
            return fault_set(fault, FAULT_LIMIT,
                             "the gzip text grows over %d times its size: it is refused as a bomb",
                             GUNZIP_RATIO_MAX);
    }
    *out_len = filled;
    return FAULT_NONE;
}

bool gunzip_is_whole(const struct gunzip *gunzip)
{
    return gunzip->at_border;
}
