/* The tables of service/migrations/0004_handoffs.sql. Every query is keyed by the caller's tenant;
 * writers run within the caller's transaction. */
#ifndef IG_HANDOFFS_STORE_H
#define IG_HANDOFFS_STORE_H

#include <stdint.h>

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store_rows.h"

/* A committed hand-off. */
struct handoffs_row {
    int64_t number;
    struct str id;
    struct str title;
    struct str investigation;
    struct str analyst;
    struct str app;
    struct str sid;
    struct str command;
    struct str target;
    struct str client;
    struct str search_sha256;
    struct str content_sha256;
    int64_t earliest_us;
    int64_t latest_us;
    int64_t rows;
    int64_t values;
    int64_t placeholders;
    int64_t invalid;
    int64_t entities;
    int64_t entities_new;
    int64_t entities_merged;
    int64_t entities_skipped;
    int64_t relations;
    int64_t relations_new;
    int64_t relations_merged;
    int64_t relations_skipped;
    int64_t opens;
    int64_t committed_us;
    struct str committed_by;
    int64_t audit_index;
    struct str audit_origin;
    struct str checkpoint;
};

/* FAULT_NOT_FOUND in the same words whether the id is unknown or another tenant's. Texts are copied
 * into the arena. */
enum fault_code handoffs_store_find(struct store *store, struct str tenant, struct str id,
                                    struct arena *arena, struct handoffs_row *out,
                                    struct fault *fault) MUST_USE;

/* Its title alone; "" when there is no such hand-off. In the arena. */
enum fault_code handoffs_store_title(struct store *store, struct str tenant, struct str id,
                                     struct arena *arena, struct str *out,
                                     struct fault *fault) MUST_USE;

/* The number that the next committed one gets. */
enum fault_code handoffs_store_next_number(struct store *store, struct str tenant, int64_t *out,
                                           struct fault *fault) MUST_USE;
enum fault_code handoffs_store_insert(struct store *store, struct str tenant,
                                      const struct handoffs_row *row, struct fault *fault) MUST_USE;

/* Of struct handoffs_row: the newest below `before` (0: the newest of all), newest first; at most
 * `most`. */
enum fault_code handoffs_store_list(struct store *store, struct str tenant, int64_t before,
                                    int64_t most, struct arena *arena, struct store_list *out,
                                    struct fault *fault) MUST_USE;

enum fault_code handoffs_store_add_click(struct store *store, struct str tenant, struct str id,
                                         struct fault *fault) MUST_USE;

/* --- those whose parts are coming ------------------------------------------------------------ */

struct handoffs_open {
    struct str manifest; /* the handoff line */
    int64_t part_count;
};

enum fault_code handoffs_store_open_find(struct store *store, struct str tenant, struct str id,
                                         struct arena *arena, struct handoffs_open *out,
                                         struct fault *fault) MUST_USE;
/* Opens or opens anew. */
enum fault_code handoffs_store_open_put(struct store *store, struct str tenant, struct str id,
                                        const struct handoffs_open *open, int64_t now_us,
                                        struct fault *fault) MUST_USE;
/* Forgets the open hand-off and its parts. */
enum fault_code handoffs_store_open_remove(struct store *store, struct str tenant, struct str id,
                                           struct fault *fault) MUST_USE;
/* The same for all, of every tenant, that were not touched since `before_us`. */
enum fault_code handoffs_store_open_sweep(struct store *store, int64_t before_us,
                                          struct fault *fault) MUST_USE;
/* Open hand-offs of the tenant other than `id`. */
enum fault_code handoffs_store_open_count(struct store *store, struct str tenant, struct str id,
                                          int64_t *out, struct fault *fault) MUST_USE;

/* Puts the part, in place of what came under its number before, and touches the hand-off. */
enum fault_code handoffs_store_part_put(struct store *store, struct str tenant, struct str id,
                                        int64_t part, struct str lines, int64_t now_us,
                                        struct fault *fault) MUST_USE;
/* Bytes of all the tenant's parts but this one. */
enum fault_code handoffs_store_staged(struct store *store, struct str tenant, struct str id,
                                      int64_t part, int64_t *out, struct fault *fault) MUST_USE;
/* Of int64_t: the numbers of the parts that have come, in order. */
enum fault_code handoffs_store_parts(struct store *store, struct str tenant, struct str id,
                                     struct arena *arena, struct store_list *out,
                                     struct fault *fault) MUST_USE;
/* Borrowed until the next call. */
enum fault_code handoffs_store_part(struct store *store, struct str tenant, struct str id,
                                    int64_t part, struct str *out, struct fault *fault) MUST_USE;

#endif
