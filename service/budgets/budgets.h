/* Decisions: whether a tenant may use so much of a meter, asked before the work is done.
 *
 *     POST /v1/decisions   check, reserve, settle, release; one, or up to 1,000
 *     GET  /v1/decisions   what was refused, and what shadow budgets would have
 *
 * Of every budget that names the meter the strictest decides. What may be used is lent to each
 * process in slices by the store, under one condition: used and lent together are never above the
 * limit. A process decides within its slices from memory; what they do not cover is asked of the
 * store. `used` is what the usage's rollups say, always. docs/adr/0026-decisions.md. */
#ifndef IG_BUDGETS_BUDGETS_H
#define IG_BUDGETS_BUDGETS_H

#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/budgets/budgets_definition.h"
#include "service/web/web.h"

struct budgets; /* safe to share between threads */

/* Borrows both. */
enum fault_code budgets_new(struct store_pool *pool, struct audit *audit, struct budgets **out,
                            struct fault *fault) MUST_USE;
/* Starts the thread that keeps house: beats, gives back, writes refusals down. Without it, all
 * that is left undone is done when it must be, or by budgets_free. */
enum fault_code budgets_start(struct budgets *budgets, struct fault *fault) MUST_USE;
/* One round of that thread, by the caller. */
void budgets_keep(struct budgets *budgets);
/* Ends the thread, writes down what waits, gives back what is held but for open reservations. */
void budgets_free(struct budgets *taken);

/* --- asking --------------------------------------------------------------------------------- */

enum budgets_verdict { BUDGETS_ALLOWED, BUDGETS_THROTTLED, BUDGETS_BLOCKED };

const char *budgets_verdict_name(enum budgets_verdict verdict); /* "allow", "throttle", "block" */

enum {
    BUDGETS_APPLY_MAX = 16, /* budgets of one tenant that one meter falls under */
    BUDGETS_TTL_MAX_S = 3600,
    BUDGETS_TTL_DEFAULT_S = 60,
    BUDGETS_TTL_OWN_S = 10, /* of work that is done here: no time ends what is being settled */
    BUDGETS_DECISION_ID_SIZE = 31, /* "dec_" and 26 characters, which grow with time; NUL */
    BUDGETS_DIMENSIONS_TEXT = 256  /* bytes of a reservation's dimensions as canonical JSON */
};

struct budgets_ask {
    struct str tenant;
    const struct usage_meter *meter;
    int64_t quantity; /* in the unit of the meter's events; -1: unknown, the budgets' estimate */
    bool reserve;     /* else it is only checked */
    bool look;        /* of a check: it takes nothing of a throttle's rate */
    bool at_once;     /* only if it is a yes out of memory; else FAULT_UNAVAILABLE and `waits` */
    int64_t ttl_s;    /* of the reservation, 1 .. BUDGETS_TTL_MAX_S */
    struct str dimensions; /* canonical JSON, or empty: of the event that a settlement makes */
    struct str caller;     /* the token's public id and name, kept with a refusal */
    struct str subject;    /* for whom */
};

/* How a budget stands, as the decision saw it. Amounts are in the budget's unit. */
struct budgets_view {
    char id[BUDGETS_ID_MAX + 1];
    char name[BUDGETS_NAME_MAX * 4 + 1];
    enum budgets_basis basis;
    enum budgets_mode mode;
    bool shadow;
    enum budgets_verdict would; /* what it says by itself */
    int64_t amount;             /* that was asked of it */
    int64_t used;
    int64_t reserved;
    int64_t limit;     /* overrides included */
    int64_t starts_us; /* of the period */
    int64_t resets_us;
    int64_t rate; /* of the throttle in force, a second; 0: none */
    int64_t burst;
    int64_t retry_after_s; /* of what it refuses */
};

/* What a reservation's name says. The name is signed, so that any process of the store can settle
 * what another one gave. */
struct budgets_reservation {
    int64_t node;
    int64_t number; /* of the tenant in that process; 0: none */
    int64_t made_us;
    int64_t expires_us;
    const struct usage_meter *meter;
    int64_t quantity; /* -1: unknown */
    char dimensions[BUDGETS_DIMENSIONS_TEXT + 1];
};

struct budgets_decision {
    enum budgets_verdict verdict;
    bool waits; /* set with a fault only: asked at_once, and the store or the record is needed */
    int64_t at_us;
    int64_t node;
    int64_t number;                         /* with the two above: its id */
    struct budgets_reservation reservation; /* of a reserve that is allowed */
    /* Of a refusal: the budget that decided. */
    struct budgets_view refused_by;
    char contact[BUDGETS_CONTACT_MAX * 4 + 1];
    /* Room that the caller gives for how all of them stand, at least BUDGETS_APPLY_MAX; NULL: not
     * wanted. */
    struct budgets_view *views;
    int view_room;
    int view_count;
};

/* *decision: `views` and `view_room` set by the caller. FAULT_UNAVAILABLE: the store, which must be
 * asked when slices are spent, does not answer; nothing is allowed then. FAULT_INPUT: a level
 * cannot be reserved. */
enum fault_code budgets_decide(struct budgets *budgets, const struct budgets_ask *ask,
                               struct budgets_decision *decision, struct fault *fault) MUST_USE;

void budgets_decision_id(const struct budgets_decision *decision,
                         char out[BUDGETS_DECISION_ID_SIZE]);

/* Whether the refusal of a work that goes on record by itself is to be recorded now: the same work
 * was not refused by the same budget within the last minute, and not too many others of the tenant
 * were. *out_before: how often it was refused since its last record. */
bool budgets_refused_anew(struct budgets *budgets, struct str tenant, struct str work,
                          const struct budgets_decision *decision, int64_t *out_before);
/* The record could not be made: the next one shall be, and count this one too. */
void budgets_refused_untold(struct budgets *budgets, struct str tenant, struct str work,
                            const struct budgets_decision *decision, int64_t before);

/* --- ending a reservation ------------------------------------------------------------------- */

/* How it came out; every one of them is an answer and none a fault. */
enum budgets_end {
    BUDGETS_ENDED,       /* now */
    BUDGETS_ENDED_AGAIN, /* it had ended so already: nothing was counted twice */
    BUDGETS_ENDED_LATE,  /* it had expired, or been released; what was used is counted all the same
                          */
    BUDGETS_ENDED_OVER,  /* more was used than reserved; counted */
};

/* The usage of `quantity` becomes an event of the service's own, at the reservation's time, in one
 * transaction with the end of the hold. Another quantity than the first time is FAULT_CONFLICT, as
 * is one that an event has settled otherwise. */
enum fault_code budgets_settle(struct budgets *budgets, struct str tenant,
                               const struct budgets_reservation *reservation, int64_t quantity,
                               enum budgets_end *out, struct fault *fault) MUST_USE;

/* Many at once, in one transaction; each with its own outcome. */
struct budgets_settlement {
    struct budgets_reservation reservation;
    int64_t quantity;
    enum fault_code code;
    enum budgets_end end;
    struct fault fault;
};
enum fault_code budgets_settle_many(struct budgets *budgets, struct str tenant,
                                    struct budgets_settlement *settlements, size_t count,
                                    struct fault *fault) MUST_USE;

/* Nothing was used. FAULT_CONFLICT when it was settled. */
enum fault_code budgets_release(struct budgets *budgets, struct str tenant,
                                const struct budgets_reservation *reservation,
                                enum budgets_end *out, struct fault *fault) MUST_USE;

/* For what counts its usage itself (hand-offs). _begin before the transaction; _in within it, where
 * it may run twice and changes nothing but the store; _done when it has ended, with what became of
 * it. What was not kept is released. FAULT_UNAVAILABLE of _in: others have taken this process for
 * dead and may have lent on what it held, so that nothing may be kept. */
enum budgets_kept { BUDGETS_KEPT, BUDGETS_NOT_KEPT, BUDGETS_UNKNOWN };
void budgets_settle_begin(struct budgets *budgets, struct str tenant,
                          const struct budgets_reservation *reservation);
enum fault_code budgets_settle_in(struct budgets *budgets, struct str tenant,
                                  const struct budgets_reservation *reservation,
                                  struct store *store, struct fault *fault) MUST_USE;
void budgets_settle_done(struct budgets *budgets, struct str tenant,
                         const struct budgets_reservation *reservation, enum budgets_kept kept);

/* --- what changes them ---------------------------------------------------------------------- */

/* After an administrator's change to budgets, overrides or prices was committed here. Other
 * processes see it within a second. `budgets` may be NULL. */
void budgets_reload(struct budgets *budgets, struct str tenant);

/* After events were committed here: so much more of the meter was used at that time. */
void budgets_count(struct budgets *budgets, struct str tenant, const struct usage_meter *meter,
                   int64_t at_us, int64_t quantity);

/* The same for a batch of events, as service->events_kept. */
struct service;
struct usage_batch;
void budgets_events_kept(struct service *service, const struct usage_batch *batch);

/* --- names ---------------------------------------------------------------------------------- */

enum { BUDGETS_TOKEN_SIZE = 512 }; /* "rsv_..." and its NUL */

void budgets_token_write(const struct budgets *budgets, struct str tenant,
                         const struct budgets_reservation *reservation,
                         char out[BUDGETS_TOKEN_SIZE]);
/* FAULT_NOT_FOUND: not a name that this store has given to this tenant. */
enum fault_code budgets_token_read(const struct budgets *budgets, struct str tenant,
                                   struct str text, struct budgets_reservation *out,
                                   struct fault *fault) MUST_USE;

/* --- over HTTP ------------------------------------------------------------------------------ */

extern const struct web_route budgets_decision_routes[];

/* For /metrics. */
struct service_counters;
void budgets_count_decision(struct service_counters *counters,
                            const struct budgets_decision *decision);

/* Fills the reply to a refusal: 429 or 402, problem+json with what the client needs to know. */
enum fault_code budgets_reply_refusal(struct web_request *request, struct web_reply *reply,
                                      const struct budgets_decision *decision,
                                      struct fault *fault) MUST_USE;

#endif
