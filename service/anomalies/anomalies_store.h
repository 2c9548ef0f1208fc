/* The tables of anomalies, keyed by the tenant; writers run within the caller's transaction. */
#ifndef IG_ANOMALIES_STORE_H
#define IG_ANOMALIES_STORE_H

#include "libs/core/arena.h"
#include "libs/store/store_rows.h"
#include "libs/text/json_write.h"
#include "service/anomalies/anomalies_judge.h"
#include "service/notify/notify.h"
#include "service/usage/usage_meter.h"

enum { ANOMALIES_PAGE_MAX = 200, ANOMALIES_VALUE_MAX = 256 };

struct anomalies_row {
    int64_t id; /* 0: not kept yet */
    const struct usage_meter *meter;
    int64_t from_us; /* the day */
    int64_t to_us;
    bool is_above;
    __int128 amount; /* base units */
    __int128 usual;
    int64_t z_milli;
    int64_t robust_milli;
    bool by_weekday;
    int64_t days;
    struct str dimension; /* "": none explains it */
    struct str value;
    int64_t explains_ppm;
    struct str state; /* open, acknowledged */
    int64_t detected_us;
    int64_t ended_us; /* 0: open */
    struct str ended_by;
    struct str ended_why;
};

/* *out_id is 0 when that day of that meter is known already, in that direction. */
enum fault_code anomalies_put(struct store *store, struct str tenant,
                              const struct anomalies_row *row, int64_t *out_id,
                              struct fault *fault) MUST_USE;

struct anomalies_filter {
    struct str state; /* "": any */
    int64_t before;
    int64_t limit;
};

/* Of struct anomalies_row, newest first. */
enum fault_code anomalies_list(struct store *store, struct str tenant,
                               const struct anomalies_filter *filter, struct arena *arena,
                               struct store_list *out, struct fault *fault) MUST_USE;

/* FAULT_NOT_FOUND; FAULT_CONFLICT when it was acknowledged before. */
enum fault_code anomalies_acknowledge(struct store *store, struct str tenant, int64_t id,
                                      struct str by, struct str why, int64_t now_us,
                                      struct fault *fault) MUST_USE;

struct anomalies_settings {
    struct str sensitivity; /* off, low, medium, high */
    struct str recipients[NOTIFY_RECIPIENTS_MAX];
    size_t recipient_count;
};

/* "medium" and nobody for a tenant that has set nothing. */
enum fault_code anomalies_settings_read(struct store *store, struct str tenant, struct arena *arena,
                                        struct anomalies_settings *out,
                                        struct fault *fault) MUST_USE;
enum fault_code anomalies_settings_put(struct store *store, struct str tenant,
                                       const struct anomalies_settings *settings, struct str by,
                                       int64_t now_us, struct fault *fault) MUST_USE;

/* false: "off", or a word that is none. */
bool anomalies_rule_of(struct str sensitivity, const struct usage_meter *meter,
                       struct anomalies_rule *out);
bool anomalies_is_sensitivity(struct str word);

/* The row as the API has it. */
void anomalies_row_put(struct json_out *out, const struct anomalies_row *row);
void anomalies_settings_add(struct buf *out, const struct anomalies_settings *settings);

#endif
