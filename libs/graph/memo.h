/* What texts meant the last time: logs repeat themselves, and to look a text up here costs a
 * fraction of normalising it. Direct-mapped and of fixed size: a newer text takes the place of an
 * older one. For this room only. */
#ifndef IG_GRAPH_MEMO_H
#define IG_GRAPH_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/str.h"

enum {
    GRAPH_MEMO_TEXT_MAX = 96
}; /* bytes: nine in ten paths and URLs; a slot is two cache lines */

struct graph_memo;

struct graph_memo_entry {
    uint64_t hash;  /* of the normal form; this and what follows only when the verdict is good */
    uint32_t place; /* its place, or UINT32_MAX when the graph is full without it */
    uint32_t kinds;
    uint8_t verdict; /* enum graph_verdict */
    uint8_t kind;
};

struct graph_memo *graph_memo_new(void); /* NULL when memory is refused */
void graph_memo_free(struct graph_memo *taken);

/* `key` is the hash of type and raw; raw is at most GRAPH_MEMO_TEXT_MAX long. */
bool graph_memo_get(const struct graph_memo *memo, int type, struct str raw, uint64_t key,
                    struct graph_memo_entry *out);
void graph_memo_put(struct graph_memo *memo, int type, struct str raw, uint64_t key,
                    const struct graph_memo_entry *entry);

#endif
