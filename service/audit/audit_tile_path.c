#include "service/audit/audit_tile_path.h"

/* A number without leading zeros. */
static bool read_number(struct str text, uint64_t max, uint64_t *out)
{
    if (text.len > 1 && text.ptr[0] == '0')
        return false;
    return str_to_u64(text, max, out);
}

/* Groups of three digits, each but the last after an x: "x001/x234/067" is 1234067. */
static bool read_index(struct str *rest, int64_t *out)
{
    int64_t index = 0;
    for (bool first = true;; first = false) {
        bool more = rest->len > 0 && rest->ptr[0] == 'x';
        struct str group = str_take(more ? str_skip(*rest, 1) : *rest, 3);
        uint64_t digits;
        if (group.len != 3 || !str_to_u64(group, 999, &digits))
            return false;
        if (more && first && digits == 0)
            return false; /* a group that says nothing: not the shortest spelling */
        if (index > (AUDIT_TILE_INDEX_MAX - (int64_t)digits) / 1000)
            return false;
        index = index * 1000 + (int64_t)digits;
        *rest = str_skip(*rest, more ? 4 : 3);
        if (!more)
            break;
        if (!str_starts(*rest, STR("/")))
            return false;
        *rest = str_skip(*rest, 1);
    }
    *out = index;
    return true;
}

bool audit_tile_path_read(struct str text, struct audit_tile_path *out)
{
    struct audit_tile_path path = {.width = AUDIT_TILE_FULL};
    struct str head;
    struct str rest;
    uint64_t number = 0;
    if (!str_cut(text, '/', &head, &rest))
        return false;
    path.entries = str_equal(head, STR("entries"));
    if (!path.entries && !read_number(head, AUDIT_TILE_LEVEL_MAX, &number))
        return false;
    path.level = (int)number;
    if (!read_index(&rest, &path.index))
        return false;
    if (rest.len > 0) {
        if (!str_starts(rest, STR(".p/")) ||
            !read_number(str_skip(rest, 3), AUDIT_TILE_FULL - 1, &number) || number == 0)
            return false;
        path.width = (int)number;
    }
    *out = path;
    return true;
}

void audit_tile_path_add(const struct audit_tile_path *path, struct buf *out)
{
    if (path->entries)
        buf_add(out, STR("entries"));
    else
        buf_addf(out, "%d", path->level);
    int64_t unit = 1;
    while (path->index / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000)
        buf_addf(out, "/x%03d", (int)(path->index / unit % 1000));
    buf_addf(out, "/%03d", (int)(path->index % 1000));
    if (path->width < AUDIT_TILE_FULL)
        buf_addf(out, ".p/%d", path->width);
}
