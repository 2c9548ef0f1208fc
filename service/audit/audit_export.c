/* A log as static files, by the names of C2SP tlog-tiles. */
#include "service/audit/audit_internal.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "service/audit/audit_tile_path.h"

enum { FOLDER_MODE = 0750, FILE_MODE = 0640, TILE_MAX = AUDIT_TILE_WIDTH * (AUDIT_ENTRY_MAX + 2) };

struct export
{
    struct store *store;
    struct str tenant;
    const char *folder;
    struct buf bytes; /* of one file */
};

/* `name` is below the folder and may hold slashes. */
static enum fault_code put_file(struct export *export, struct str name, struct fault *fault)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%.*s", export->folder, STR_ARG(name));
    if (len < 0 || len >= (int)sizeof path)
        return fault_set(fault, FAULT_INPUT, "the folder name %s is too long", export->folder);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    enum fault_code code = file_make_folder(path, FOLDER_MODE, fault);
    *slash = '/';
    if (code != FAULT_NONE)
        return code;
    return file_replace(path, buf_str(&export->bytes), FILE_MODE, fault);
}

static enum fault_code put_tile(struct export *export, const struct audit_tile_path *tile,
                                struct fault *fault)
{
    char room[128];
    struct buf name = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    buf_add(&name, STR("tile/"));
    audit_tile_path_add(tile, &name);
    assert(name.code == FAULT_NONE);
    buf_clear(&export->bytes);
    enum fault_code code = audit_tile(export->store, export->tenant, str_skip(buf_str(&name), 5),
                                      &export->bytes, fault);
    return code == FAULT_NONE ? put_file(export, buf_str(&name), fault) : code;
}

/* All full tiles of one kind and level, and the partial one at the end. */
static enum fault_code put_level(struct export *export, bool entries, int level, uint64_t hashes,
                                 struct fault *fault)
{
    for (uint64_t from = 0; from < hashes; from += AUDIT_TILE_WIDTH) {
        uint64_t left = hashes - from;
        struct audit_tile_path tile = {
            .entries = entries,
            .level = level,
            .index = (int64_t)(from / AUDIT_TILE_WIDTH),
            .width = left < AUDIT_TILE_WIDTH ? (int)left : AUDIT_TILE_WIDTH,
        };
        enum fault_code code = put_tile(export, &tile, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

/* The checkpoint comes last: whoever sees it finds the tiles that it speaks of. */
static enum fault_code put_log(struct export *export, struct fault *fault)
{
    struct audit_head head;
    enum fault_code code = audit_head_read(export->store, export->tenant, &head, fault);
    if (code == FAULT_NONE && head.range.size == 0)
        return fault_set(fault, FAULT_NOT_FOUND, "tenant %.*s has no audit records",
                         STR_ARG(export->tenant));
    if (code == FAULT_NONE)
        code = put_level(export, true, 0, head.range.size, fault);
    for (int level = 0; level < AUDIT_LEVELS && code == FAULT_NONE; level++)
        code =
            put_level(export, false, level, head.range.size >> (AUDIT_TILE_HEIGHT * level), fault);
    if (code != FAULT_NONE)
        return code;
    buf_clear(&export->bytes);
    buf_add(&export->bytes, (struct str){head.note, head.note_len});
    code = buf_check(&export->bytes, "the checkpoint", fault);
    return code == FAULT_NONE ? put_file(export, STR("checkpoint"), fault) : code;
}

enum fault_code audit_export(struct store *store, struct str tenant, const char *folder,
                             struct fault *fault)
{
    struct export export = {.store = store, .tenant = tenant, .folder = folder};
    enum fault_code code = store_begin_read(store, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&export.bytes, TILE_MAX);
    code = put_log(&export, fault);
    buf_done(&export.bytes);
    store_rollback(store);
    return code;
}
