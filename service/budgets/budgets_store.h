/* Budgets, their overrides and crossings in the store (service/migrations/0010_budgets.sql). Every
 * query is keyed by the tenant; writers run within the caller's transaction. */
#ifndef IG_BUDGETS_STORE_H
#define IG_BUDGETS_STORE_H

#include "libs/store/store_rows.h"
#include "service/budgets/budgets_definition.h"

enum {
    BUDGETS_MAX = 200, /* of one tenant */
    BUDGETS_PAGE_MAX = 200,
    BUDGETS_TENANTS_MAX = 100000,
};

enum budgets_override_kind { BUDGETS_AMOUNT, BUDGETS_BYPASS };
enum budgets_override_state {
    BUDGETS_ACTIVE,
    BUDGETS_WAITING, /* for a second person */
    BUDGETS_EXPIRED,
    BUDGETS_REVOKED
};

struct budgets_override {
    struct str id;
    struct str budget;
    enum budgets_override_kind kind;
    int64_t amount; /* on top of the limit; 0 for a bypass */
    struct str reason;
    enum budgets_override_state state; /* at the moment it was read for: nothing holds longer than
                                          until expires_us, whether or not that was noted */
    int64_t asked_us;
    struct str asked_by;
    struct str asked_token;
    int64_t expires_us;
    int64_t approved_us; /* 0: not */
    struct str approved_by;
    struct str approved_why;
    int64_t ended_us; /* 0: not, or not noted yet */
    struct str ended_by;
    struct str ended_why;
};

const char *budgets_override_state_name(enum budgets_override_state state);

struct budgets_row {
    struct str id;
    int64_t version;
    struct budgets_definition definition;
    int64_t created_us;
    struct str created_by;
    int64_t updated_us;
    struct str updated_by;
    const struct budgets_override *override; /* in force or waiting; NULL: none */
};

/* The limit with what an override adds: at most INT64_MAX. *out_bypass: it refuses nothing now. */
int64_t budgets_limit(const struct budgets_row *row, int64_t now_us, bool *out_bypass);

/* All that are not deleted, by name. Texts are in the arena. */
struct budgets_loaded {
    struct budgets_row *rows;
    size_t count;
    int64_t generation; /* prices_generation */
};
enum fault_code budgets_load(struct store *store, struct str tenant, int64_t now_us,
                             struct arena *arena, struct budgets_loaded *out,
                             struct fault *fault) MUST_USE;

/* Tenants that have a budget: rows of struct str. */
enum fault_code budgets_load_tenants(struct store *store, struct arena *arena,
                                     struct store_list *out, struct fault *fault) MUST_USE;

/* prices_generation, for those who know budgets only. */
enum fault_code budgets_generation(struct store *store, struct str tenant, int64_t *out,
                                   struct fault *fault) MUST_USE;

/* --- definitions ---------------------------------------------------------------------------- */

/* FAULT_NOT_FOUND in the same words for one that is deleted, and for another tenant's. */
enum fault_code budgets_store_find(struct store *store, struct str tenant, struct str id,
                                   int64_t now_us, struct arena *arena, struct budgets_row *out,
                                   struct fault *fault) MUST_USE;

/* A new one, or the next version of one; FAULT_CONFLICT when the name is taken by another. */
enum fault_code budgets_store_insert(struct store *store, struct str tenant,
                                     const struct budgets_row *row, struct fault *fault) MUST_USE;
enum fault_code budgets_store_update(struct store *store, struct str tenant,
                                     const struct budgets_row *row, struct fault *fault) MUST_USE;
enum fault_code budgets_store_delete(struct store *store, struct str tenant, struct str id,
                                     int64_t at_us, struct fault *fault) MUST_USE;
/* What its amounts are of; FAULT_NOT_FOUND for one that never was. A deleted one has it still. */
enum fault_code budgets_store_basis(struct store *store, struct str tenant, struct str id,
                                    struct arena *arena, enum budgets_basis *out,
                                    struct fault *fault) MUST_USE;
/* Any that ever was: its history can be read. */
enum fault_code budgets_store_existed(struct store *store, struct str tenant, struct str id,
                                      bool *out, struct fault *fault) MUST_USE;

/* --- overrides ------------------------------------------------------------------------------ */

enum fault_code budgets_store_override_put(struct store *store, struct str tenant,
                                           const struct budgets_override *override,
                                           struct fault *fault) MUST_USE;
enum fault_code budgets_store_override_find(struct store *store, struct str tenant,
                                            struct str budget, struct str id, int64_t now_us,
                                            struct arena *arena, struct budgets_override *out,
                                            struct fault *fault) MUST_USE;
/* The one that has not ended, or whose end was not noted yet: there is one at most. */
enum fault_code budgets_store_override_open(struct store *store, struct str tenant,
                                            struct str budget, int64_t now_us, struct arena *arena,
                                            bool *out_found, struct budgets_override *out,
                                            struct fault *fault) MUST_USE;
/* Those of all budgets that have expired and were not noted so: with the state that is noted. */
enum fault_code budgets_store_override_due(struct store *store, struct str tenant, int64_t now_us,
                                           struct arena *arena, struct store_list *out,
                                           struct fault *fault) MUST_USE;
/* Newest first; rows of struct budgets_override. */
enum fault_code budgets_store_override_list(struct store *store, struct str tenant,
                                            struct str budget, int64_t now_us, int64_t limit,
                                            struct arena *arena, struct store_list *out,
                                            struct fault *fault) MUST_USE;
/* Notes what became of it: state, approval, end. */
enum fault_code budgets_store_override_note(struct store *store, struct str tenant,
                                            const struct budgets_override *override,
                                            struct fault *fault) MUST_USE;

/* --- crossings ------------------------------------------------------------------------------ */

enum { BUDGETS_THRESHOLD_TEXT = 48 }; /* bytes of "absolute:1000000000000000000" and its NUL */

struct budgets_crossing {
    struct str budget;
    int64_t period_from_us;
    struct budgets_threshold threshold;
    int64_t ordinal; /* within the period; odd: crossed, even: cleared */
    int64_t at_us;
    int64_t used;
    int64_t limit;
};

/* The latest of the threshold in that period; ordinal 0: it was never crossed. */
enum fault_code budgets_store_crossing_last(struct store *store, struct str tenant,
                                            struct str budget, int64_t period_from_us,
                                            const struct budgets_threshold *threshold,
                                            struct budgets_crossing *out,
                                            struct fault *fault) MUST_USE;
/* *out_new is false when somebody else has noted it. */
enum fault_code budgets_store_crossing_put(struct store *store, struct str tenant,
                                           const struct budgets_crossing *crossing, bool *out_new,
                                           struct fault *fault) MUST_USE;

/* --- history -------------------------------------------------------------------------------- */

struct budgets_entry {
    int64_t id;
    struct str budget;
    int64_t at_us;
    struct str kind; /* created, changed, deleted, crossed, cleared, override.asked ... */
    struct str by;
    struct str detail;
    struct str threshold; /* "": none */
};

enum fault_code budgets_store_history_put(struct store *store, struct str tenant,
                                          const struct budgets_entry *entry,
                                          struct fault *fault) MUST_USE;
/* Newest first, those below `before` (0: from the newest); rows of struct budgets_entry. */
enum fault_code budgets_store_history_list(struct store *store, struct str tenant,
                                           struct str budget, int64_t before, int64_t limit,
                                           struct arena *arena, struct store_list *out,
                                           struct fault *fault) MUST_USE;

#endif
