#include "service/web/web_body.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

#include "libs/core/os.h"
#include "service/web/web_unzstd.h"

enum {
    GZIP_ONLY = 16 + MAX_WBITS, /* zlib: a gzip header, no other */
    DEFLATE_LEVEL = 5,
    DEFLATE_MEMORY = 8,
    PIECE = 32 * 1024,
};

struct web_inflater {
    z_stream stream;
};

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return os_alloc((size_t)count * size);
}

static void zlib_free(void *opaque, void *taken)
{
    (void)opaque;
    os_free(taken);
}

static enum fault_code inflater_new(struct web_inflater **out, struct fault *fault)
{
    struct web_inflater *inflater = os_alloc(sizeof *inflater);
    if (!inflater)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to inflate the body");
    inflater->stream.zalloc = zlib_alloc;
    inflater->stream.zfree = zlib_free;
    if (inflateInit2(&inflater->stream, GZIP_ONLY) != Z_OK) {
        os_free(inflater);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to inflate the body");
    }
    *out = inflater;
    return FAULT_NONE;
}

enum fault_code web_body_init(struct web_body *body, size_t limit, enum web_coding coding,
                              struct fault *fault)
{
    struct web_inflater *inflater = NULL;
    struct web_unzstd *unzstd = NULL;
    enum fault_code code = FAULT_NONE;
    if (coding == WEB_GZIP)
        code = inflater_new(&inflater, fault);
    else if (coding == WEB_ZSTD)
        code = web_unzstd_new(&unzstd, fault);
    if (code != FAULT_NONE)
        return code;
    *body = (struct web_body){.limit = limit, .inflater = inflater, .unzstd = unzstd};
    buf_init(&body->bytes, limit);
    return FAULT_NONE;
}

void web_body_done(struct web_body *body)
{
    if (body->inflater)
        inflateEnd(&body->inflater->stream);
    os_free(body->inflater);
    web_unzstd_free(body->unzstd);
    buf_done(&body->bytes);
    *body = (struct web_body){0};
}

static enum fault_code over_limit(const struct web_body *body, const char *what,
                                  struct fault *fault)
{
    return fault_field(fault, FAULT_LIMIT, "body",
                       "the body is over the limit of %llu bytes%s; send it in smaller parts",
                       (unsigned long long)body->limit, what);
}

size_t web_body_held(const struct web_body *body)
{
    return body->bytes.room + (body->unzstd ? web_unzstd_held(body->unzstd) : 0);
}

static enum fault_code over_ratio(struct fault *fault)
{
    return fault_field(fault, FAULT_LIMIT, "body",
                       "the body inflates to more than %d times its size; send it less compressed",
                       WEB_RATIO_MAX);
}

static bool is_over_ratio(const struct web_body *body)
{
    return body->bytes.len > body->consumed * WEB_RATIO_MAX + WEB_RATIO_SLACK;
}

/* --- gzip ----------------------------------------------------------------------------------- */

/* One call of inflate into what room there is. */
static enum fault_code inflate_piece(struct web_body *body, int *out_result, struct fault *fault)
{
    z_stream *stream = &body->inflater->stream;
    size_t left = body->bytes.limit - body->bytes.len;
    /* One byte more than the limit cannot be reserved: a scratch byte shows that more would come.
     */
    unsigned char scratch;
    /* Up to the next multiple of PIECE: so the ratio is judged at the same places however the bytes
     * came. */
    size_t piece = PIECE - body->bytes.len % PIECE;
    if (piece > left)
        piece = left;
    char *room = piece > 0 ? buf_reserve(&body->bytes, piece) : (char *)&scratch;
    if (!room)
        return buf_check(&body->bytes, "the inflated body", fault);
    size_t offered = piece > 0 ? piece : 1;
    size_t taken = stream->avail_in;
    stream->next_out = (unsigned char *)room;
    stream->avail_out = (unsigned)offered;
    *out_result = inflate(stream, Z_NO_FLUSH);
    size_t made = offered - stream->avail_out;
    if (piece == 0 && made > 0)
        return over_limit(body, " when inflated", fault);
    if (piece > 0)
        buf_extend(&body->bytes, made);
    if (*out_result == Z_MEM_ERROR)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to inflate the body");
    if (*out_result != Z_OK && *out_result != Z_STREAM_END && *out_result != Z_BUF_ERROR)
        return fault_field(fault, FAULT_INPUT, "body", "the body is not what it says: %s",
                           stream->msg ? stream->msg : "not a gzip stream");
    body->consumed += taken - stream->avail_in;
    if (body->bytes.len % PIECE == 0 && is_over_ratio(body))
        return over_ratio(fault);
    return FAULT_NONE;
}

static enum fault_code add_gzip(struct web_body *body, struct str data, struct fault *fault)
{
    z_stream *stream = &body->inflater->stream;
    stream->next_in = (unsigned char *)(uintptr_t)data.ptr; /* zlib only reads it */
    stream->avail_in = (unsigned)data.len;
    bool more = data.len > 0;
    while (more) {
        if (body->ended) {
            /* RFC 1952: members may follow one another. Anything else fails as a bad header. */
            inflateReset(stream);
            body->ended = false;
        }
        int result = Z_OK;
        enum fault_code code = inflate_piece(body, &result, fault);
        if (code != FAULT_NONE)
            return code;
        body->ended = result == Z_STREAM_END;
        more = stream->avail_in > 0 || (stream->avail_out == 0 && !body->ended);
    }
    return FAULT_NONE;
}

/* --- zstd ----------------------------------------------------------------------------------- */

static enum fault_code add_zstd(struct web_body *body, struct str data, struct fault *fault)
{
    body->consumed += data.len;
    bool more = data.len > 0;
    while (more) {
        size_t left = body->bytes.limit - body->bytes.len;
        size_t piece = left < PIECE ? left : PIECE;
        size_t made = 0;
        char scratch = '\0'; /* as with gzip: shows that more would come than the limit */
        char *room = piece > 0 ? buf_reserve(&body->bytes, piece) : &scratch;
        if (!room)
            return buf_check(&body->bytes, "the inflated body", fault);
        size_t offered = piece > 0 ? piece : 1;
        enum fault_code code = web_unzstd_step(body->unzstd, &data, room, offered, &made, fault);
        if (code != FAULT_NONE)
            return code;
        if (piece == 0 && made > 0)
            return over_limit(body, " when inflated", fault);
        if (piece > 0)
            buf_extend(&body->bytes, made);
        body->ended = web_unzstd_ended(body->unzstd);
        more = data.len > 0 || (made == offered && !body->ended);
    }
    return FAULT_NONE;
}

/* --- all ------------------------------------------------------------------------------------ */

enum fault_code web_body_add(struct web_body *body, struct str data, struct fault *fault)
{
    assert(data.len <= UINT_MAX);
    body->received += data.len;
    if (body->received > body->limit)
        return over_limit(body, "", fault);
    if (body->inflater)
        return add_gzip(body, data, fault);
    if (body->unzstd)
        return add_zstd(body, data, fault);
    buf_add(&body->bytes, data);
    return buf_check(&body->bytes, "the body", fault);
}

enum fault_code web_body_end(struct web_body *body, struct fault *fault)
{
    if ((body->inflater || body->unzstd) && !body->ended)
        return fault_field(fault, FAULT_INPUT, "body",
                           "the body's %s stream ends before its end; it was cut on the way",
                           body->inflater ? "gzip" : "zstd");
    return body->unzstd && is_over_ratio(body) ? over_ratio(fault) : FAULT_NONE;
}

bool web_body_deflate(struct str data, struct buf *out)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (data.len > UINT_MAX / 2 || deflateInit2(&stream, DEFLATE_LEVEL, Z_DEFLATED, GZIP_ONLY,
                                                DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&stream, data.len);
    char *room = buf_reserve(out, bound);
    bool good = false;
    if (room) {
        stream.next_in = (unsigned char *)(uintptr_t)data.ptr; /* zlib only reads it */
        stream.avail_in = (unsigned)data.len;
        stream.next_out = (unsigned char *)room;
        stream.avail_out = (unsigned)bound;
        good = deflate(&stream, Z_FINISH) == Z_STREAM_END && bound - stream.avail_out < data.len;
    }
    if (good)
        buf_extend(out, bound - stream.avail_out);
    deflateEnd(&stream);
    return good;
}
