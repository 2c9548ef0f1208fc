#include "service/web/web_unzstd.h"

#include <stdint.h>
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_createDCtx_advanced: memory by way of os.h */
#include <zstd.h>
#include <zstd_errors.h>

#include "libs/core/os.h"

enum { MAGIC = 4, HEAD_MAX = 18 /* bytes of a frame's head, magic number included */ };

struct web_unzstd {
    ZSTD_DCtx *context;
    size_t head; /* bytes of the frame that were fed one by one */
    int frames;
    bool is_skippable;
    bool ended;
};

static void *zstd_alloc(void *opaque, size_t size)
{
    (void)opaque;
    return os_alloc(size);
}

static void zstd_free(void *opaque, void *taken)
{
    (void)opaque;
    os_free(taken);
}

enum fault_code web_unzstd_new(struct web_unzstd **out, struct fault *fault)
{
    struct web_unzstd *unzstd = os_alloc(sizeof *unzstd);
    if (unzstd) {
        const ZSTD_customMem memory = {zstd_alloc, zstd_free, NULL};
        *unzstd = (struct web_unzstd){.context = ZSTD_createDCtx_advanced(memory)};
        if (unzstd->context && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                   unzstd->context, ZSTD_d_windowLogMax, WEB_ZSTD_WINDOW_LOG))) {
            *out = unzstd;
            return FAULT_NONE;
        }
    }
    web_unzstd_free(unzstd);
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left to inflate the body");
}

void web_unzstd_free(struct web_unzstd *taken)
{
    if (taken)
        ZSTD_freeDCtx(taken->context);
    os_free(taken);
}

bool web_unzstd_ended(const struct web_unzstd *unzstd)
{
    return unzstd->ended;
}

size_t web_unzstd_held(const struct web_unzstd *unzstd)
{
    return ZSTD_sizeof_DCtx(unzstd->context);
}

/* The next byte of a frame's magic number. Debian's library also reads the formats from before 1.0,
 * which nobody sends and nobody tests: a frame begins as RFC 8878 has it, or is refused here. */
static bool takes_magic(struct web_unzstd *unzstd, uint8_t byte)
{
    static const uint8_t frame[MAGIC] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[MAGIC] = {0x50, 0x2a, 0x4d, 0x18};
    if (unzstd->head == 0) {
        unzstd->is_skippable = (byte & 0xf0) == skippable[0]; /* there are sixteen of them */
        return unzstd->is_skippable || byte == frame[0];
    }
    return byte == (unzstd->is_skippable ? skippable : frame)[unzstd->head];
}

static enum fault_code refuse(size_t result, struct fault *fault)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to inflate the body");
    case ZSTD_error_frameParameter_windowTooLarge:
        return fault_field(
            fault, FAULT_LIMIT, "body",
            "the body's zstd frame needs a window of more than %d bytes; compress it "
            "without --long or --ultra",
            WEB_ZSTD_WINDOW_MAX);
    default:
        return fault_field(fault, FAULT_INPUT, "body", "the body is not what it says: %s",
                           ZSTD_getErrorName(result));
    }
}

enum fault_code web_unzstd_step(struct web_unzstd *unzstd, struct str *data, char *out, size_t room,
                                size_t *out_made, struct fault *fault)
{
    size_t offered = data->len;
    if (offered > 0 && unzstd->head < HEAD_MAX) {
        /* Byte by byte: with a whole frame before it the library takes another way, in which what
         * is wrong is told in another word, and a head in two pieces is misread. */
        offered = 1;
        if (unzstd->head < MAGIC && !takes_magic(unzstd, (uint8_t)data->ptr[0]))
            return fault_field(fault, FAULT_INPUT, "body",
                               "the body is not what it says: not a zstd stream");
        if (unzstd->head == 0 && unzstd->frames++ == WEB_ZSTD_FRAMES_MAX)
            return fault_field(fault, FAULT_LIMIT, "body",
                               "the body has more than %d zstd frames; send fewer that hold more",
                               WEB_ZSTD_FRAMES_MAX);
        unzstd->head++;
        unzstd->ended = false;
    }
    ZSTD_inBuffer in = {data->ptr, offered, 0};
    ZSTD_outBuffer made = {out, room, 0};
    size_t result = ZSTD_decompressStream(unzstd->context, &made, &in);
    if (ZSTD_isError(result))
        return refuse(result, fault);
    *data = str_skip(*data, in.pos);
    *out_made = made.pos;
    if (result == 0) {
        unzstd->ended = true;
        unzstd->head = 0;
    }
    return FAULT_NONE;
}
