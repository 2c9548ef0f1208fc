#include "integrations/splunk-app/native/delivery/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/http/gunzip.h"

#define SUFFIX ".ndjson.gz"

static enum fault_code path_of(char *out, const char *folder, const char *below, struct str id,
                               struct fault *fault)
{
    int len = snprintf(out, PATH_MAX, "%s%s/%.*s" SUFFIX, folder, below, STR_ARG(id));
    if (len < 0 || len >= PATH_MAX)
        return fault_set(fault, FAULT_LIMIT, "the path of the outbox is too long: %s", folder);
    return FAULT_NONE;
}

static enum fault_code write_parcel(const char *folder, const char *below, struct str id,
                                    struct str packed, struct fault *fault)
{
    char target[PATH_MAX];
    char path[PATH_MAX];
    snprintf(target, sizeof target, "%s%s", folder, below);
    enum fault_code code = path_of(path, folder, below, id, fault);
    if (code == FAULT_NONE)
        code = file_make_folder(target, 0700, fault);
    if (code == FAULT_NONE)
        code = file_replace(path, packed, 0600, fault);
    return code;
}

enum fault_code outbox_depth(const char *folder, struct str id, size_t *out_count,
                             int64_t *out_bytes, struct fault *fault)
{
    struct arena arena;
    struct file_entry *entries;
    size_t count;
    int64_t bytes = 0;
    size_t others = 0;
    arena_init(&arena, 4 << 20);
    enum fault_code code = file_list(folder, &arena, &entries, &count, fault);
    for (size_t i = 0; code == FAULT_NONE && i < count; i++) {
        bool own = id.len > 0 && str_starts(entries[i].name, id);
        if (!str_ends(entries[i].name, STR(SUFFIX)) || own)
            continue;
        bytes += entries[i].size;
        others++;
    }
    arena_done(&arena);
    if (code == FAULT_NOT_FOUND)
        code = FAULT_NONE;
    if (code != FAULT_NONE)
        return code;
    *out_bytes = bytes;
    *out_count = others;
    return FAULT_NONE;
}

/* `<id>.ndjson.gz.<16 hex>.tmp`, as file_replace names what it writes. */
static bool is_half_written(struct str name)
{
    struct str rest = str_skip(name, WIRE_ID_HEX);
    return wire_is_id(str_take(name, WIRE_ID_HEX)) && str_starts(rest, STR(SUFFIX ".")) &&
           str_ends(rest, STR(".tmp"));
}

static void sweep_one(const char *folder)
{
    struct arena arena;
    struct file_entry *entries;
    struct fault ignored;
    size_t count = 0;
    int64_t before_us = os_now_us() - (int64_t)OUTBOX_ORPHAN_S * 1000000;
    arena_init(&arena, 4 << 20);
    if (file_list(folder, &arena, &entries, &count, &ignored) != FAULT_NONE)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        if (is_half_written(entries[i].name) && entries[i].changed_us < before_us &&
            snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(entries[i].name)) < PATH_MAX)
            os_unlink(path);
    }
    arena_done(&arena);
}

void outbox_sweep(const char *folder)
{
    char refused[PATH_MAX];
    sweep_one(folder);
    if (snprintf(refused, sizeof refused, "%s/refused", folder) < PATH_MAX)
        sweep_one(refused);
}

enum fault_code outbox_keep(const char *folder, struct str id, const struct parcel *parcel,
                            int64_t max_bytes, struct fault *fault)
{
    struct buf packed;
    int64_t bytes;
    size_t count;
    outbox_sweep(folder);
    enum fault_code code = outbox_depth(folder, id, &count, &bytes, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&packed, OUTBOX_FILE_BYTES);
    code = parcel_add(parcel, &packed, fault);
    if (code == FAULT_NONE &&
        (bytes + (int64_t)packed.len > max_bytes || count >= OUTBOX_FILES_MAX))
        code = fault_set(fault, FAULT_LIMIT,
                         "the outbox %s is full (%zu hand-offs, %lld MiB; outbox_max_mb allows "
                         "%lld MiB and %d hand-offs are the most): bring the service back",
                         folder, count, (long long)(bytes >> 20), (long long)(max_bytes >> 20),
                         OUTBOX_FILES_MAX);
    if (code == FAULT_NONE)
        code = write_parcel(folder, "", id, buf_str(&packed), fault);
    buf_done(&packed);
    return code;
}

enum fault_code outbox_keep_refused(const char *folder, struct str id, const struct parcel *parcel,
                                    struct fault *fault)
{
    struct buf packed;
    buf_init(&packed, OUTBOX_FILE_BYTES);
    enum fault_code code = parcel_add(parcel, &packed, fault);
    if (code == FAULT_NONE)
        code = write_parcel(folder, "/refused", id, buf_str(&packed), fault);
    buf_done(&packed);
    return code;
}

enum fault_code outbox_list(const char *folder, struct arena *arena, struct str **out_ids,
                            size_t *out_count, struct fault *fault)
{
    struct file_entry *entries;
    struct fault listing;
    size_t count = 0;
    size_t kept = 0;
    enum fault_code code = file_list(folder, arena, &entries, &count, &listing);
    if (code == FAULT_NOT_FOUND)
        count = 0;
    else if (code != FAULT_NONE) {
        *fault = listing;
        return code;
    }
    struct str *ids = arena_alloc(arena, (count + 1) * sizeof *ids);
    if (!ids)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to list the outbox");
    for (size_t i = 0; i < count && kept < OUTBOX_FILES_MAX; i++) {
        struct str name = entries[i].name;
        struct str id = str_take(name, WIRE_ID_HEX);
        if (wire_is_id(id) && str_equal(str_skip(name, WIRE_ID_HEX), STR(SUFFIX)))
            ids[kept++] = id;
    }
    *out_ids = ids;
    *out_count = kept;
    return FAULT_NONE;
}

/* The first bytes of a file: enough for a line of WIRE_LINE_MAX, however badly it is compressed. */
static enum fault_code read_start(const char *path, struct buf *out, struct fault *fault)
{
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT ? fault_set(fault, FAULT_NOT_FOUND, "there is no file %s", path)
                               : fault_errno(fault, errno, "cannot open %s", path);
    ssize_t got = 1;
    while (got > 0 && out->len < out->limit) {
        char *end = buf_reserve(out, out->limit - out->len);
        got = end ? os_read(fd, end, out->limit - out->len) : 0;
        if (got > 0)
            buf_extend(out, (size_t)got);
    }
    enum fault_code code =
        got < 0 ? fault_errno(fault, errno, "cannot read %s", path) : buf_check(out, path, fault);
    os_close(fd);
    return code;
}

static enum fault_code unpack_head(struct str packed, struct arena *arena, struct wire_handoff *out,
                                   struct fault *fault)
{
    struct gunzip *gunzip;
    struct wire_line line;
    struct str text = {.len = 0};
    char *room = arena_alloc(arena, WIRE_LINE_MAX);
    if (!room)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to look into the outbox");
    enum fault_code code = gunzip_new(&gunzip, fault);
    if (code != FAULT_NONE)
        return code;
    code = gunzip_step(gunzip, &packed, room, WIRE_LINE_MAX, &text.len, fault);
    gunzip_free(gunzip);
    text.ptr = room;
    if (code == FAULT_NONE)
        code = wire_read_line(arena, str_take(text, str_find_byte(text, '\n')), &line, fault);
    if (code == FAULT_NONE && line.kind != WIRE_HANDOFF)
        code = fault_set(fault, FAULT_INPUT, "not a hand-off: its first line is another one");
    if (code == FAULT_NONE)
        *out = line.handoff;
    return code;
}

enum fault_code outbox_head(const char *folder, struct str id, struct arena *arena,
                            struct wire_handoff *out, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf packed;
    enum fault_code code = path_of(path, folder, "", id, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&packed, (size_t)WIRE_LINE_MAX * 2);
    code = read_start(path, &packed, fault);
    if (code == FAULT_NONE)
        code = unpack_head(buf_str(&packed), arena, out, fault);
    buf_done(&packed);
    return code;
}

enum fault_code outbox_load(const char *folder, struct str id, struct parcel *out,
                            struct fault *fault)
{
    char path[PATH_MAX];
    struct buf packed;
    enum fault_code code = path_of(path, folder, "", id, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&packed, OUTBOX_FILE_BYTES);
    code = file_read(path, &packed, fault);
    if (code == FAULT_NONE)
        code = parcel_unpack(out, buf_str(&packed), fault);
    buf_done(&packed);
    return code;
}

void outbox_remove(const char *folder, struct str id)
{
    char path[PATH_MAX];
    struct fault ignored;
    if (path_of(path, folder, "", id, &ignored) == FAULT_NONE)
        os_unlink(path);
}

void outbox_refuse(const char *folder, struct str id)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    char refused[PATH_MAX];
    struct fault ignored;
    snprintf(refused, sizeof refused, "%s/refused", folder);
    if (file_make_folder(refused, 0700, &ignored) == FAULT_NONE &&
        path_of(from, folder, "", id, &ignored) == FAULT_NONE &&
        path_of(to, folder, "/refused", id, &ignored) == FAULT_NONE)
        os_rename(from, to);
}
