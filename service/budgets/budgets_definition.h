/* What a budget is, as an administrator writes it: a JSON object, read and checked here for what it
 * says by itself. What needs the store (names, recipients, the currency) is checked by
 * budgets_admin. */
#ifndef IG_BUDGETS_DEFINITION_H
#define IG_BUDGETS_DEFINITION_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "libs/zone/zone.h"
#include "service/usage/usage_meter.h"

enum {
    BUDGETS_NAME_MAX = 80,     /* characters */
    BUDGETS_CONTACT_MAX = 200, /* characters */
    BUDGETS_METERS_MAX = 16,
    BUDGETS_THRESHOLDS_MAX = 16,
    BUDGETS_RECIPIENTS_MAX = 16,
    BUDGETS_ID_MAX = 26,  /* bytes of "bdg_" and 22 characters */
    BUDGETS_PERCENT = 100 /* a percentage is kept in hundredths */
};

/* Of a limit, an override, a threshold, an estimate. */
#define BUDGETS_AMOUNT_MAX INT64_C(1000000000000000000) /* 10^18 */

enum budgets_basis { BUDGETS_QUANTITY, BUDGETS_COST };
enum budgets_mode { BUDGETS_NOTIFY, BUDGETS_THROTTLE, BUDGETS_BLOCK };
enum budgets_threshold_kind { BUDGETS_PERCENT_USED, BUDGETS_ABSOLUTE, BUDGETS_FORECAST };

struct budgets_threshold {
    enum budgets_threshold_kind kind;
    int64_t value; /* hundredths of a percent of the limit; absolute: an amount */
};

/* From that share of the limit on, `rate` a second, at most `burst` at once. */
struct budgets_throttle {
    int64_t from_percent; /* in hundredths */
    int64_t rate;
    int64_t burst;
};

/* Amounts are in the budget's unit: that of its meters (budgets_unit), or micro-units of the
 * currency. */
struct budgets_definition {
    struct str name;
    enum budgets_basis basis;
    const struct usage_meter *meters[BUDGETS_METERS_MAX];
    size_t meter_count; /* cost: 0 is all that have a price */
    int64_t limit;
    struct str currency; /* quantity: "" */
    enum zone_unit period;
    enum budgets_mode mode;
    bool shadow;
    struct budgets_threshold thresholds[BUDGETS_THRESHOLDS_MAX];
    size_t threshold_count;
    bool has_throttle;
    struct budgets_throttle throttle;
    int64_t default_estimate;
    struct str recipients[BUDGETS_RECIPIENTS_MAX];
    size_t recipient_count;
    struct str contact;
    bool two_person;
};

/* Texts are in the arena. `out_version`, unless NULL, takes the member "version" (0: there is
 * none). FAULT_INPUT names the member. */
enum fault_code budgets_definition_read(struct arena *arena, const struct json *value,
                                        struct budgets_definition *out, int64_t *out_version,
                                        struct fault *fault) MUST_USE;

/* Its members, within an object that is open; what is read from them again is the same. */
void budgets_definition_put(struct json_out *out, const struct budgets_definition *definition);

void budgets_threshold_put(struct json_out *out, const char *name, enum budgets_basis basis,
                           const struct budgets_threshold *threshold);

/* The unit of a meter in budgets: an event's where it adds up, the one it is shown in for a level.
 * `*out_per`: how many base units make one. */
const char *budgets_unit(const struct usage_meter *meter, __int128 *out_per);

/* Whether the meter's use falls under the budget. */
bool budgets_has_meter(const struct budgets_definition *definition,
                       const struct usage_meter *meter);

/* An amount as text: "1200000"; of a cost budget "12.50". */
bool budgets_amount_read(enum budgets_basis basis, struct str text, int64_t *out);
void budgets_amount_add(struct buf *out, enum budgets_basis basis, __int128 amount);
void budgets_amount_put(struct json_out *out, const char *name, enum budgets_basis basis,
                        __int128 amount);

/* "80", "99.5": hundredths of a percent as text. */
void budgets_percent_add(struct buf *out, int64_t hundredths);

/* At most `most` bytes of a name, without half a character at the end. */
enum { BUDGETS_NAME_SHOWN = 100 }; /* in the subject of a notice */
struct str budgets_name_cut(struct str name, size_t most);

const char *budgets_basis_name(enum budgets_basis basis);
const char *budgets_mode_name(enum budgets_mode mode);
const char *budgets_threshold_name(enum budgets_threshold_kind kind);
const char *budgets_period_name(enum zone_unit period); /* "day", "month", "billing" */

#endif
