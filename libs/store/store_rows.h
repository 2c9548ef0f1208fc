/* What a query gives, row by row. Its values are bound before; however it ends, it is reset after.
 */
#ifndef IG_STORE_STORE_ROWS_H
#define IG_STORE_STORE_ROWS_H

#include "libs/core/arena.h"
#include "libs/store/store.h"

/* `visit` is called for each row, until it returns a fault. */
typedef enum fault_code store_visit(struct statement *row, void *context, struct fault *fault);
enum fault_code store_each(struct statement *query, store_visit *visit, void *context,
                           struct fault *fault) MUST_USE;

/* A row that is copied out of the store. */
struct store_row {
    struct statement *query; /* stands at the row: store_whole, store_is_null */
    struct arena *arena;
    bool starved; /* a copy found no room; FAULT_NO_MEMORY once the row is read */
};

/* A copy in the arena; NULL is empty. */
struct str store_row_text(struct store_row *row, int column);

/* Fills *out, which is zeroed. */
typedef enum fault_code store_read_row(struct store_row *row, void *out, struct fault *fault);

struct store_list {
    void *rows; /* in the arena, one after the other as `read` makes them; NULL: none */
    size_t count;
};

/* All rows, `size` bytes each. The query has a LIMIT or is of a table that has one. */
enum fault_code store_list(struct statement *query, struct arena *arena, size_t size,
                           store_read_row *read, struct store_list *out,
                           struct fault *fault) MUST_USE;

/* The first row, into *out of `size` bytes; *out is untouched when there is none. */
enum fault_code store_find(struct statement *query, struct arena *arena, size_t size,
                           store_read_row *read, bool *out_found, void *out,
                           struct fault *fault) MUST_USE;

#endif
