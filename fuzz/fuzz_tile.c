/* The names of audit tiles, which anybody may ask for: no crash, and what is taken has one
 * spelling. */
#include <assert.h>

#include "libs/core/buf.h"
#include "service/audit/audit_tile_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct audit_tile_path path;
    if (!audit_tile_path_read(text, &path))
        return 0;
    assert(path.level >= 0 && path.level <= AUDIT_TILE_LEVEL_MAX);
    assert(path.index >= 0 && path.index <= AUDIT_TILE_INDEX_MAX);
    assert(path.width >= 1 && path.width <= AUDIT_TILE_FULL);
    struct buf written;
    buf_init(&written, 100);
    audit_tile_path_add(&path, &written);
    assert(str_equal(buf_str(&written), text));
    buf_done(&written);
    return 0;
}
