#include "libs/store/store_rows.h"

#include <string.h>

enum { FIRST_ROOM = 16 };

enum fault_code store_each(struct statement *query, store_visit *visit, void *context,
                           struct fault *fault)
{
    bool found = false;
    enum fault_code code = store_step(query, &found, fault);
    while (code == FAULT_NONE && found) {
        code = visit(query, context, fault);
        if (code == FAULT_NONE)
            code = store_step(query, &found, fault);
    }
    store_reset(query);
    return code;
}

struct str store_row_text(struct store_row *row, int column)
{
    struct str copy = arena_copy(row->arena, store_text(row->query, column));
    row->starved = row->starved || !copy.ptr;
    return copy;
}

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for what the store holds");
}

static enum fault_code read_into(struct store_row *row, store_read_row *read, void *out,
                                 struct fault *fault)
{
    enum fault_code code = read(row, out, fault);
    return row->starved ? no_memory(fault) : code;
}

/* A list that grows in the arena. */
struct listing {
    struct arena *arena;
    size_t size;
    store_read_row *read;
    struct store_list list;
    size_t room;
};

static bool make_room(struct listing *listing)
{
    struct store_list *list = &listing->list;
    if (list->count < listing->room)
        return true;
    size_t room = listing->room > 0 ? 2 * listing->room : FIRST_ROOM;
    void *rows = arena_alloc(listing->arena, room * listing->size);
    if (!rows)
        return false;
    if (list->count > 0)
        memcpy(rows, list->rows, list->count * listing->size);
    list->rows = rows;
    listing->room = room;
    return true;
}

static enum fault_code add_row(struct statement *query, void *context, struct fault *fault)
{
    struct listing *listing = context;
    struct store_row row = {.query = query, .arena = listing->arena};
    if (!make_room(listing))
        return no_memory(fault);
    void *at = (char *)listing->list.rows + listing->list.count * listing->size;
    listing->list.count++;
    return read_into(&row, listing->read, at, fault);
}

enum fault_code store_list(struct statement *query, struct arena *arena, size_t size,
                           store_read_row *read, struct store_list *out, struct fault *fault)
{
    struct listing listing = {.arena = arena, .size = size, .read = read};
    enum fault_code code = store_each(query, add_row, &listing, fault);
    if (code == FAULT_NONE)
        *out = listing.list;
    return code;
}

enum fault_code store_find(struct statement *query, struct arena *arena, size_t size,
                           store_read_row *read, bool *out_found, void *out, struct fault *fault)
{
    struct store_row row = {.query = query, .arena = arena};
    bool found = false;
    enum fault_code code = store_step(query, &found, fault);
    if (code == FAULT_NONE && found) {
        void *copy = arena_alloc(arena, size);
        code = copy ? read_into(&row, read, copy, fault) : no_memory(fault);
        if (code == FAULT_NONE)
            memcpy(out, copy, size);
    }
    store_reset(query);
    if (code == FAULT_NONE)
        *out_found = found;
    return code;
}
