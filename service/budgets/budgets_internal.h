/* What the engine's files share.
 *
 * Memory: for each tenant what holds now (its configuration, valid for a span of the wall clock),
 * for each budget and period a state, and the open reservations. One mutex a tenant guards all of
 * it and is never held while the store is asked.
 *
 * What keeps the promise: of a state, free + open <= what the store has it down as held. Changes
 * keep to an order: what grows, grows in the store first; what shrinks, shrinks in memory first, or
 * in the same transaction that counts the usage. After a fault of unknown outcome the state is
 * `doubtful`: it lends no more from memory until both were made to agree. */
#ifndef IG_BUDGETS_INTERNAL_H
#define IG_BUDGETS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "service/budgets/budgets.h"
#include "service/budgets/budgets_refusals.h"
#include "service/budgets/budgets_repeats.h"
#include "service/budgets/budgets_slices.h"
#include "service/budgets/budgets_store.h"
#include "service/prices/prices.h"

enum {
    TENANT_BUCKETS = 1024, /* a power of two */
    METERS_MAX = 32,
    WHEEL_SECONDS = 4096, /* a power of two over BUDGETS_TTL_MAX_S */
    HOLDS_MAX = 1 << 18,  /* open reservations of a tenant in one process */
    NODE_TRUST_S = 8,     /* after its last beat a process relies on its slices for so long */
    NODE_DEAD_S = 12,     /* and others take it for dead after that and its grace */
    NODE_BEAT_S = 1,
    GRACES = 3,
    GRACE_LEAST_S = 10, /* reservations that end within it need no word with the store */
    GRACE_LOWER_S = 10, /* what nobody has asked for so long is not expected to be asked again */
    TICK_MS = 10,       /* the clocks of decisions are at most that old */
    KEEP_MS = 250,
    REFRESH_S = 1,
    IDLE_S = 2,         /* what was not asked for so long is given back */
    EXHAUSTED_MS = 250, /* "nothing is left" is believed for so long */
    SLICE_SHARE = 8,    /* a slice is that part of what is left, shared by the processes */
};

#define SECOND_US INT64_C(1000000)

/* A budget in one period. */
struct state {
    struct state *next;
    char id[BUDGETS_ID_MAX + 1];
    struct zone_period period;
    int64_t used;               /* as last read */
    __int128 counted;           /* used since then, as this process knows */
    int64_t free;               /* held, and not reserved */
    int64_t open;               /* held and reserved */
    int64_t surplus;            /* held, not lent any more, to be given back */
    __int128 soft;              /* reserved without a hold: the budget refuses nothing */
    int64_t holds;              /* open reservations that name this state */
    int64_t others;             /* reserved in other processes, as last read */
    int64_t told;               /* open + soft as the store knows it, at most INT64_MAX */
    int64_t want;               /* asked for by who waits */
    int64_t asked_us;           /* monotonic: when it was last used */
    int64_t exhausted_until_us; /* monotonic */
    bool doubtful;
    bool recalled;
    int64_t tokens;    /* of the throttle; below 0 for what was larger than its burst */
    int64_t tokens_us; /* monotonic: when they were counted */
    bool has_tokens;
};

/* A budget as a meter meets it. */
struct applies {
    const struct budgets_row *row;
    struct state *state;
    int64_t limit; /* overrides included */
    bool refuses;  /* it could: neither notify nor bypassed */
};

/* What holds for a tenant between two moments of the wall clock. */
struct config {
    struct arena arena;
    int64_t from_us;
    int64_t to_us;
    int64_t day_us; /* when its day began */
    int64_t generation;
    struct budgets_loaded loaded;
    struct prices_table prices;
    struct applies *all; /* in the order of loaded.rows */
    struct {
        struct applies *budgets[BUDGETS_APPLY_MAX];
        const struct prices_price *prices[BUDGETS_APPLY_MAX]; /* of cost budgets, today */
        int count;
        bool too_many;
    } meters[METERS_MAX];
};

struct hold_part {
    struct state *state;
    int64_t amount;
    bool is_held; /* else soft */
};

/* An open reservation; number 0: the place is empty. */
struct hold {
    int64_t number;
    int64_t node;
    int64_t expires_us; /* monotonic */
    int32_t next;       /* in its second's list, or among the empty ones; -1 ends */
    int32_t before;
    int settling;  /* transactions under way that end it */
    bool doubtful; /* one was, and its outcome is not known */
    bool is_ours;  /* the work is done here: what was not kept is over */
    bool is_lost;  /* this process was taken for dead: others have what it held */
    int count;
    struct hold_part parts[BUDGETS_APPLY_MAX];
};

struct tenant {
    struct tenant *next; /* in its bucket; never removed */
    char name[68];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool slow;             /* one thread asks the store for this tenant */
    bool syncing;          /* it waits for, or is, the only one that changes what is held */
    bool stale;            /* what holds must be read anew */
    int settling;          /* transactions under way that end holds */
    struct config *config; /* NULL: not read yet */
    struct state *states;
    int64_t refreshed_us; /* monotonic */
    int64_t asked_us;     /* monotonic */
    int64_t allowed;      /* decisions not written down yet */
    int64_t decisions;    /* numbers given */
    int64_t reservations;
    struct hold *holds;
    int32_t hold_room;
    int32_t hold_empty; /* first of the empty ones */
    int32_t hold_count;
    int32_t *wheel;           /* first hold of each second */
    int64_t wheel_s;          /* the last second that was gone through */
    int64_t until_us[GRACES]; /* monotonic: reservations that need that grace end by then */
};

struct budgets {
    struct store_pool *pool;
    struct audit *audit;
    uint8_t secret[BUDGETS_SECRET_SIZE];
    int64_t
        origin; /* of decisions' names while this process has no number: drawn, over all numbers */
    _Atomic(struct tenant *) tenants[TENANT_BUCKETS];
    pthread_mutex_t growing; /* of the table of tenants */
    struct budgets_refusals *refusals;
    struct budgets_repeats *repeats;

    /* This process among the others. */
    pthread_mutex_t node_lock;
    _Atomic int64_t node;    /* 0: none yet */
    _Atomic int64_t beat_us; /* monotonic, before the last beat was asked for */
    _Atomic int64_t grace_s; /* at most what the store knows: grows there first, shrinks here */
    _Atomic int64_t others;  /* processes that live beside this one */
    struct {
        struct budgets_node node;
        int64_t seen_us; /* monotonic: when it was first seen with that beat */
    } seen[BUDGETS_NODES_MAX];
    size_t seen_count;

    pthread_mutex_t keep_lock;
    pthread_cond_t keep_wake;
    pthread_t keeper;
    bool has_keeper;
    bool ending;
    int64_t watched_us; /* monotonic */
};

/* --- budgets_tenants.c ---------------------------------------------------------------------- */

/* NULL: no memory. Found without a lock. */
struct tenant *budgets_tenant(struct budgets *budgets, struct str name);
struct tenant *budgets_tenant_known(struct budgets *budgets, struct str name);
struct state *budgets_state(struct tenant *tenant, const char *id, int64_t period_from_us);
void budgets_tenants_free(struct budgets *budgets);

/* One thread at a time asks the store for a tenant. Both with the tenant's lock held; begin waits,
 * and is false when another thread was waited for: look again. */
bool budgets_slow_begin(struct tenant *tenant);
void budgets_slow_end(struct tenant *tenant);

/* With the lock held: a hold is about to be ended by a transaction. Waits for who makes memory and
 * store agree. */
void budgets_settling_begin(struct tenant *tenant);
void budgets_settling_end(struct tenant *tenant);

/* Decisions that are known to be under some config: what the states say of it. */
int64_t budgets_state_used(const struct state *state);
int64_t budgets_state_reserved(const struct state *state);

/* What nothing bounds (a budget that refuses nothing is asked for 10^15 a hundred thousand times)
 * is summed in 128 bits, and told as this. */
static inline int64_t budgets_cap(__int128 amount)
{
    return amount < 0 ? 0 : amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
}

static inline int budgets_meter_index(const struct usage_meter *meter)
{
    return (int)(meter - usage_meter_at(0));
}

/* --- budgets_config.c ----------------------------------------------------------------------- */

/* Reads what holds now; with the lock held and `slow` begun; the lock is let go of meanwhile. */
enum fault_code budgets_config_read(struct budgets *budgets, struct tenant *tenant, int64_t now_us,
                                    struct fault *fault) MUST_USE;
/* Reads used and reserved anew, and the whole when an administrator has changed it; likewise. */
enum fault_code budgets_config_refresh(struct budgets *budgets, struct tenant *tenant,
                                       struct fault *fault) MUST_USE;
/* With the lock held: lends no more than what is used by now leaves. */
void budgets_trim(struct tenant *tenant);
bool budgets_state_is_current(const struct tenant *tenant, const struct state *state);
void budgets_config_free(struct config *taken);

/* --- budgets_lease.c ------------------------------------------------------------------------ */

/* Asks the store for what the waiting ones want of these states; lock and `slow` likewise. */
enum fault_code budgets_lease(struct budgets *budgets, struct tenant *tenant,
                              struct applies *const *wanted, int count,
                              struct fault *fault) MUST_USE;
/* Gives back what is free of the tenant's states that were recalled, are idle, over, or of a
 * period that is gone, and tells what is reserved; all of it when `all`. Likewise. */
enum fault_code budgets_give_back(struct budgets *budgets, struct tenant *tenant, bool all,
                                  struct fault *fault) MUST_USE;

/* --- budgets_nodes.c ------------------------------------------------------------------------ */

/* This process' number; registers it at need. */
enum fault_code budgets_node_ready(struct budgets *budgets, int64_t *out,
                                   struct fault *fault) MUST_USE;
/* Whether slices may be relied on now. */
bool budgets_node_trusts(struct budgets *budgets, int64_t monotonic_us);
/* Tells the store that this process lives, and for how long its reservations may: `grace_s`, or
 * what `budgets` has if that is more. */
enum fault_code budgets_node_renew(struct budgets *budgets, int64_t grace_s,
                                   struct fault *fault) MUST_USE;
/* Reservations need one of few graces, so that the store is rarely told. */
int budgets_grace_index(int64_t ttl_s);
int64_t budgets_grace_at(int index);
/* Looks at the other processes and takes dead ones away. */
enum fault_code budgets_node_watch(struct budgets *budgets, struct fault *fault) MUST_USE;

/* --- budgets_holds.c: open reservations, with the tenant's lock held -------------------------- */

/* NULL: no memory, or HOLDS_MAX are open. */
struct hold *budgets_hold_new(struct tenant *tenant, int64_t ttl_s, int64_t monotonic_us);
struct hold *budgets_hold_find(struct tenant *tenant, int64_t node, int64_t number);
/* Ends it. `freed`: what it held may be reserved again; else it is gone from what is held. */
void budgets_hold_end(struct tenant *tenant, struct hold *hold, bool freed);
/* With true, what has expired by then is ended, but for what is being settled. */
void budgets_hold_expire(struct tenant *tenant, int64_t monotonic_us);
bool budgets_hold_is_due(const struct tenant *tenant, int64_t monotonic_us);
/* This process was taken for dead: nothing of what it has reserved is held any more. */
void budgets_hold_soften(struct tenant *tenant);

#endif
