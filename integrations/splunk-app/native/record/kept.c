#include "integrations/splunk-app/native/record/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "libs/tlog/note.h"

enum { LIST_ARENA_BYTES = 64 << 20, LINE_ARENA_BYTES = 1 << 20, LOG_FOLDER_BYTES = 4 << 20 };

#define FILE_NAME "intelgraph_audit.log"

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the heads that were kept");
}

/* --- the file ------------------------------------------------------------------------------- */

/* The log, and what it was before it was turned over the last time (libs/core/rotate.h). */
static const char *const file_names[] = {FILE_NAME, FILE_NAME ".1"};

enum { FILES = sizeof file_names / sizeof file_names[0] };

/* 0 when there is no such file. *out_more when there are still older ones. */
static enum fault_code sizes_of(const struct places *places, int64_t out[FILES], bool *out_more,
                                struct fault *fault)
{
    struct arena arena;
    struct file_entry *entries;
    size_t count = 0;
    arena_init(&arena, LOG_FOLDER_BYTES);
    enum fault_code code = file_list(places->log, &arena, &entries, &count, fault);
    memset(out, 0, FILES * sizeof *out);
    *out_more = false;
    for (size_t i = 0; code == FAULT_NONE && i < count; i++) {
        for (size_t j = 0; j < FILES; j++)
            if (str_equal(entries[i].name, str_of(file_names[j])))
                out[j] = entries[i].size;
        *out_more = *out_more || str_equal(entries[i].name, STR(FILE_NAME ".2"));
    }
    arena_done(&arena);
    return code == FAULT_NOT_FOUND ? FAULT_NONE : code;
}

/* The file's last `most` bytes. */
static enum fault_code read_end(const char *path, int64_t size, int64_t most, struct buf *out,
                                struct fault *fault)
{
    int64_t at = size > most ? size - most : 0;
    int fd = os_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot open %s", path);
    enum fault_code code = FAULT_NONE;
    while (at < size) {
        size_t step = (size_t)(size - at) < 65536 ? (size_t)(size - at) : 65536;
        char *room = buf_reserve(out, step);
        ssize_t got = room ? os_pread(fd, room, step, (off_t)at) : -1;
        if (!room)
            code = no_memory(fault);
        else if (got < 0)
            code = fault_errno(fault, errno, "cannot read %s", path);
        if (code != FAULT_NONE || got == 0)
            break;
        buf_extend(out, (size_t)got);
        at += got;
    }
    os_close(fd);
    return code;
}

/* --- its lines ------------------------------------------------------------------------------ */

static struct str text_of(const struct json *object, const char *name)
{
    struct str text;
    return json_text(json_member(object, name), &text) ? text : STR("");
}

static int64_t whole_of(const struct json *object, const char *name)
{
    int64_t number;
    return json_whole(json_member(object, name), &number) ? number : 0;
}

static bool keep_text(struct kept_list *list, struct str text, struct str *out)
{
    *out = arena_copy(&list->arena, text);
    return out->ptr != NULL;
}

static bool has_room(struct kept_list *list)
{
    if (list->count < list->room)
        return true;
    size_t room = list->room ? 2 * list->room : 256;
    struct kept *items = os_resize(list->items, room * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->room = room;
    return true;
}

/* A line of another tenant, another service or without a receipt is no fault. */
static enum fault_code take_line(struct kept_list *list, const struct json *line, struct str tenant,
                                 struct str target, struct fault *fault)
{
    struct note_head head;
    struct kept item = {.index = -1};
    struct str note = text_of(line, "checkpoint");
    if (note.len == 0 || !str_equal(text_of(line, "target"), target) || !note_read(note, &head) ||
        !str_equal(head.log, tenant) || head.size != whole_of(line, "audit_index") + 1)
        return FAULT_NONE;
    if (!time_read_us(text_of(line, "time"), &item.time_us))
        item.time_us = 0;
    item.index = head.size - 1;
    item.root = head.root;
    item.entities = whole_of(line, "entities");
    item.relations = whole_of(line, "relations");
    if (!has_room(list) || !keep_text(list, note, &item.note) ||
        !keep_text(list, text_of(line, "handoff"), &item.handoff) ||
        !keep_text(list, text_of(line, "user"), &item.user) ||
        !keep_text(list, text_of(line, "sid"), &item.sid) ||
        !keep_text(list, text_of(line, "title"), &item.title) ||
        !keep_text(list, text_of(line, "link"), &item.link))
        return no_memory(fault);
    list->items[list->count++] = item;
    return FAULT_NONE;
}

static enum fault_code take_lines(struct kept_list *list, struct str text, struct str tenant,
                                  struct str target, struct fault *fault)
{
    struct arena arena;
    enum fault_code code = FAULT_NONE;
    arena_init(&arena, LINE_ARENA_BYTES);
    while (code == FAULT_NONE && text.len > 0) {
        struct str line;
        struct str tail;
        const struct json *object;
        struct fault reading;
        str_cut(text, '\n', &line, &tail);
        text = tail;
        /* Most lines have none: they need not be read. */
        if (str_find(line, STR("\"checkpoint\"")) == line.len)
            continue;
        enum fault_code read = json_read(&arena, line, &object, &reading);
        if (read == FAULT_NONE)
            code = take_line(list, object, tenant, target, fault);
        else if (read == FAULT_NO_MEMORY)
            code = no_memory(fault); /* a head that is passed over would not be missed */
        arena_reset(&arena);
    }
    arena_done(&arena);
    return code;
}

/* By index, then by root, the oldest of equal ones first. */
static int compare(const void *a, const void *b)
{
    const struct kept *left = a;
    const struct kept *right = b;
    int order = (left->index > right->index) - (left->index < right->index);
    if (order == 0)
        order = memcmp(left->root.bytes, right->root.bytes, SHA256_SIZE);
    return order ? order : (left->time_us > right->time_us) - (left->time_us < right->time_us);
}

/* The receipt of a duplicate repeats the first one's. */
static void sort_out(struct kept_list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare);
    for (size_t i = 0; i < list->count; i++) {
        const struct kept *last = kept > 0 ? &list->items[kept - 1] : NULL;
        if (last && last->index == list->items[i].index &&
            memcmp(last->root.bytes, list->items[i].root.bytes, SHA256_SIZE) == 0)
            continue;
        list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

enum fault_code kept_of_text(struct str text, struct str tenant, struct str target,
                             struct kept_list *out, struct fault *fault)
{
    struct kept_list list = {.items = NULL};
    arena_init(&list.arena, LIST_ARENA_BYTES);
    enum fault_code code = take_lines(&list, text, tenant, target, fault);
    if (code != FAULT_NONE) {
        kept_done(&list);
        return code;
    }
    sort_out(&list);
    *out = list;
    return FAULT_NONE;
}

enum fault_code kept_read(const struct places *places, struct str tenant, struct str target,
                          struct kept_list *out, struct fault *fault)
{
    struct kept_list list = {.items = NULL};
    int64_t sizes[FILES];
    int64_t left = KEPT_BYTES_MAX;
    arena_init(&list.arena, LIST_ARENA_BYTES);
    enum fault_code code = sizes_of(places, sizes, &list.cut, fault);
    for (size_t i = 0; i < FILES && code == FAULT_NONE; i++) {
        char path[PATH_MAX];
        struct buf text;
        list.cut = list.cut || sizes[i] > left;
        if (sizes[i] == 0 || left == 0)
            continue;
        buf_init(&text, KEPT_BYTES_MAX + 65536);
        code = places_join(path, sizeof path, places->log, file_names[i], fault);
        if (code == FAULT_NONE)
            code = read_end(path, sizes[i], left, &text, fault);
        if (code == FAULT_NONE)
            code = take_lines(&list, buf_str(&text), tenant, target, fault);
        left -= sizes[i] < left ? sizes[i] : left;
        buf_done(&text);
    }
    if (code != FAULT_NONE) {
        kept_done(&list);
        return code;
    }
    sort_out(&list);
    *out = list;
    return FAULT_NONE;
}

void kept_done(struct kept_list *list)
{
    arena_done(&list->arena);
    os_free(list->items);
    *list = (struct kept_list){.items = NULL};
}

struct kept *kept_find(const struct kept_list *list, int64_t index)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->items[low].index == index ? &list->items[low] : NULL;
}

void kept_meet(struct kept_list *list, int64_t index, struct str handoff)
{
    struct kept *at = kept_find(list, index);
    const struct kept *end = at ? list->items + list->count : NULL;
    for (; at != end && at->index == index; at++)
        at->met = at->met || str_equal(at->handoff, handoff);
}

const struct kept *kept_newest(const struct kept_list *list)
{
    return list->count > 0 ? &list->items[list->count - 1] : NULL;
}
