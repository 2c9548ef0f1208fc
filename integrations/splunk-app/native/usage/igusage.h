/* igusage: what was used, what it costs and how the budgets stand, as rows, as the service counted
 * it. `show=` picks the view; each has its own columns. */
#ifndef IG_NATIVE_IGUSAGE_H
#define IG_NATIVE_IGUSAGE_H

#include "integrations/splunk-app/native/frame/flat.h"
#include "integrations/splunk-app/native/frame/generating.h"
#include "integrations/splunk-app/native/settings/settings.h"
#include "integrations/splunk-app/native/usage/usage_report.h"
#include "libs/http/client.h"

enum {
    IGUSAGE_BY_MAX = 6,
    IGUSAGE_METERS_MAX = 64,
    IGUSAGE_COLUMNS_MAX = FLAT_COLUMNS_MAX,
    IGUSAGE_DECISIONS_MAX = 10000, /* rows of show=decisions, unless limit= says otherwise */
};

#define IGUSAGE_DAY_US     INT64_C(86400000000)
#define IGUSAGE_INSTANT_US INT64_C(1) /* within one period, whatever the window */

struct igusage;

/* The arguments that a view takes beside show= and instance=, one bit each. */
enum igusage_takes {
    IGUSAGE_METER = 1 << 0,
    IGUSAGE_WINDOW = 1 << 1,
    IGUSAGE_BY = 1 << 2,
    IGUSAGE_BUDGET = 1 << 3,
    IGUSAGE_VERDICT = 1 << 4,
    IGUSAGE_LIMIT = 1 << 5,
};

struct igusage_view {
    const char *name; /* show=<name> */
    unsigned takes;
    const char *window; /* when window= is not given */
    bool is_of_a_time;  /* its rows are those of the search's time range */

    /* Without asking anybody: fills usage->columns. */
    enum fault_code (*prepare)(struct igusage *usage, struct fault *fault);
    /* Once, with the client there, before the first rows. */
    enum fault_code (*open)(struct igusage *usage, struct command_messages *messages,
                            struct fault *fault);
    /* Puts at least one row, or asks for more, or sets usage->ended. */
    enum fault_code (*step)(struct igusage *usage, struct generating_rows *rows,
                            struct command_messages *messages, struct fault *fault);
};

extern const struct igusage_view igusage_view_usage, igusage_view_cost, igusage_view_budgets,
    igusage_view_forecast, igusage_view_decisions, igusage_view_overrides;

struct igusage {
    struct arena arena; /* lives as long as the command */
    struct arena page;  /* of the answer at hand */
    const struct scp_getinfo *info;
    const struct igusage_view *view;
    struct places places;
    struct settings settings;
    struct {
        struct str show;
        struct str meter;
        struct str window;
        struct str by;
        struct str budget;
        struct str verdict;
        int64_t limit; /* 0: not given */
        struct str instance;
    } args;
    size_t by_count;
    const char *by[IGUSAGE_BY_MAX]; /* their order is the columns' */
    const char *columns[IGUSAGE_COLUMNS_MAX + 1];
    int64_t from_us; /* of the search's range */
    int64_t until_us;

    struct http_client *client; /* NULL until the first rows are asked for */
    struct http_secret token;
    size_t meter_count;
    struct usage_report_meter meters[IGUSAGE_METERS_MAX];
    bool ended;

    /* usage, cost */
    size_t meter_at;
    int64_t next_us;  /* what of the meter at hand is asked for next */
    int64_t slice_us; /* how much of it */
    struct usage_report now;
    const struct json *row; /* of the answer at hand, the one that comes next */
    uint64_t row_number;    /* rows of it that were put */

    /* cost */
    struct str currency;
    struct str zone;
    struct str complete_up_to;
    bool told_unpriced;

    /* budgets, forecast, overrides, decisions */
    char asked_at[32];         /* epoch: the state's time */
    const struct json *budget; /* the one that comes next */
    const struct json *budget_now;
    struct str budget_id; /* of budget= */
    struct str before;    /* where the next page of decisions begins */
};

void igusage_init(struct igusage *usage);
void igusage_done(struct igusage *usage);
struct generating_source igusage_source(struct igusage *usage);

/* --- for the views -------------------------------------------------------------------------- */

/* Columns that begin with `before`, then the dimensions of by=, then `after`. With `loose`, that
 * name may stand in by= and is no dimension. Reads by=. */
enum fault_code igusage_columns(struct igusage *usage, const char *const *before,
                                const char *const *after, const char *loose,
                                struct fault *fault) MUST_USE;

/* GET, JSON; the answer lives in `arena`. What cannot be read is FAULT_UNAVAILABLE. */
enum fault_code igusage_get(struct igusage *usage, const char *path, struct arena *arena,
                            const struct json **out, struct fault *fault) MUST_USE;

/* GET /v1/meters into usage->meters. */
enum fault_code igusage_get_meters(struct igusage *usage, struct fault *fault) MUST_USE;

/* Adds a name to the list in a sentence, between quotes where `quote` is one. What finds no room is
 * told as "...". */
void igusage_add_name(struct buf *list, const char *quote, struct str name);

/* An answer that is not what this version of the service gives. */
enum fault_code igusage_is_other(const struct igusage *usage, struct fault *fault);

/* A long range is asked for in parts, as a reply has a limit: where the next part ends. */
int64_t igusage_slice_end(struct igusage *usage);

/* After FAULT_LIMIT: the part is asked for again, a shorter one. FAULT_LIMIT when it cannot be. */
enum fault_code igusage_slice_cut(struct igusage *usage, struct fault *fault) MUST_USE;
void igusage_begin_range(struct igusage *usage);
void igusage_add_moment(struct buf *path, const char *name, int64_t us);

#endif
