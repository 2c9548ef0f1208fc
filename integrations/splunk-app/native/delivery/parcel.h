/* A hand-off ready to go: its first line, its entity and relation lines, its commit line.
 *
 * As one text (NDJSON, gzip) it lies in the outbox; over the wire it goes whole or in parts. */
#ifndef IG_NATIVE_PARCEL_H
#define IG_NATIVE_PARCEL_H

#include "libs/wire/handoff.h"

enum {
    PARCEL_LINES_MAX = 512 << 20, /* bytes of entity and relation lines */
    PARCEL_PART_BYTES = 4 << 20,  /* most bytes of lines in one request; under WIRE_PART_MAX */
};

struct parcel {
    struct buf head; /* the handoff line */
    struct buf lines;
    struct buf commit; /* the commit line */
};

void parcel_init(struct parcel *parcel);
void parcel_done(struct parcel *parcel);

/* Encodes the graph. `handoff->parts` is set here, by the size of the lines. */
enum fault_code parcel_pack(struct parcel *parcel, struct wire_handoff *handoff,
                            const struct graph *graph, const struct graph_mapping *mapping,
                            struct fault *fault) MUST_USE;

/* How many parts the lines make (at least 1), and the lines of part `number`, from 1. Cut at line
 * ends. */
size_t parcel_part_count(const struct parcel *parcel);
struct str parcel_part(const struct parcel *parcel, size_t number);

/* As one gzip text, and back. FAULT_INPUT when it is not one that parcel_add made. */
enum fault_code parcel_add(const struct parcel *parcel, struct buf *out,
                           struct fault *fault) MUST_USE;
enum fault_code parcel_unpack(struct parcel *parcel, struct str packed,
                              struct fault *fault) MUST_USE;

#endif
