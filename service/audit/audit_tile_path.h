/* The names of tiles (C2SP tlog-tiles): pure. */
#ifndef IG_AUDIT_TILE_PATH_H
#define IG_AUDIT_TILE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/str.h"

enum { AUDIT_TILE_FULL = 256, AUDIT_TILE_LEVEL_MAX = 63 };

#define AUDIT_TILE_INDEX_MAX INT64_C(999999999999999999)

struct audit_tile_path {
    bool entries;  /* a bundle of records instead of hashes; its level is 0 */
    int level;     /* 0..AUDIT_TILE_LEVEL_MAX: of hashes, each of a subtree of height 8 * level */
    int64_t index; /* of the tile: it begins at hash or record 256 * index */
    int width;     /* 1..256; less than 256 is a partial tile */
};

/* "0/000", "1/x001/x234/067.p/12", "entries/000.p/5": one spelling for each tile, all others false.
 */
bool audit_tile_path_read(struct str text, struct audit_tile_path *out);

void audit_tile_path_add(const struct audit_tile_path *path, struct buf *out);

#endif
