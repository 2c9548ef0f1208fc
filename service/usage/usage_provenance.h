/* Where events come from, and what of their origin they gave: source, time, actor, trace.
 *
 * `provenance` of an event holds both in one number: the source's id in usage_sources times 16, and
 * the four bits USAGE_HAS_... Counted by UTC day in the events' transaction, and again by a
 * rebuild. */
#ifndef IG_USAGE_PROVENANCE_H
#define IG_USAGE_PROVENANCE_H

#include "libs/core/arena.h"
#include "libs/core/map.h"
#include "libs/store/store.h"
#include "service/usage/usage_event.h"

enum {
    USAGE_SOURCES_MAX = 10000, /* of a tenant; what comes beyond is counted, and not told apart */
    USAGE_HAS_ALL = USAGE_HAS_SOURCE | USAGE_HAS_TIME | USAGE_HAS_ACTOR | USAGE_HAS_TRACE,
};

#define USAGE_DAY_US (INT64_C(86400) * 1000000)

/* --- counting ------------------------------------------------------------------------------- */

struct usage_provenance_row {
    int64_t day_us;
    int64_t provenance;
    int64_t events;
};

/* What a batch adds: a run of alike events is one row; rows are merged when they are written. */
struct usage_provenance {
    struct usage_provenance_row *rows;
    size_t count;
    size_t room;
    struct map sources; /* those of the batch, to their ids */
    struct str last_source;
    int last_id;
};

void usage_provenance_init(struct usage_provenance *provenance);
void usage_provenance_done(struct usage_provenance *provenance);
void usage_provenance_clear(struct usage_provenance *provenance); /* the rows */

/* Puts the id of the event's source, new or known, into event->provenance. One look into the store
 * for each source of a batch. The source's text is borrowed until _done. */
enum fault_code usage_provenance_resolve(struct usage_provenance *provenance, struct store *store,
                                         struct str tenant, struct usage_event *event,
                                         struct fault *fault) MUST_USE;

/* One event that was accepted: a use, a void or an amendment. */
enum fault_code usage_provenance_count(struct usage_provenance *provenance, int64_t time_us,
                                       int64_t of_event, struct fault *fault) MUST_USE;

/* Adds all of it to the tenant's days, within a write transaction. */
enum fault_code usage_provenance_write(struct usage_provenance *provenance, struct store *store,
                                       struct str tenant, struct fault *fault) MUST_USE;

/* --- reading -------------------------------------------------------------------------------- */

enum { USAGE_ORIGINS = 4 }; /* source, time, actor, trace: bit 1 << i */

struct usage_provenance_source {
    struct str source; /* NULL: of events whose source is not told apart */
    int64_t events;    /* accepted */
    int64_t given[USAGE_ORIGINS];
    int64_t complete; /* gave all four */
    int64_t rejected; /* put into the DLQ */
};

struct usage_provenance_report {
    struct usage_provenance_source *sources; /* the one without a name first, then by name */
    size_t count;
    struct usage_provenance_source total;
    int64_t from_us; /* of whole days */
    int64_t to_us;
};

/* Days that [from_us, to_us) touches: of accepted events by their time, of rejected ones by when
 * they came. `only`: of that source; "" of all. Texts and rows are in the arena. Within a read
 * transaction. */
enum fault_code usage_provenance_read(struct store *store, struct str tenant, int64_t from_us,
                                      int64_t to_us, struct str only, struct arena *arena,
                                      struct usage_provenance_report *out,
                                      struct fault *fault) MUST_USE;

#endif
