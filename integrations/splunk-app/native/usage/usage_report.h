/* What the service answers GET /v1/usage and GET /v1/meters. Texts live in the arena. */
#ifndef IG_NATIVE_USAGE_REPORT_H
#define IG_NATIVE_USAGE_REPORT_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/text/json.h"

struct usage_report {
    struct str meter;
    struct str window;
    struct str zone;           /* IANA name: whose hours and days they are */
    struct str complete_up_to; /* RFC 3339 */
    struct str unit;
    struct str shown_unit;
    int64_t to_us;           /* where the last period ends, used or not */
    const struct json *rows; /* the first one, NULL: none; usage_report_row reads it */
};

struct usage_report_row {
    int64_t from_us;
    struct str to; /* RFC 3339 */
    struct str quantity;
    struct str shown;
    int64_t events;
    const struct json *dimensions;
};

/* FAULT_INPUT names the member that is not as it should be. */
enum fault_code usage_report_read(struct arena *arena, struct str text, struct usage_report *out,
                                  struct fault *fault) MUST_USE;
enum fault_code usage_report_row(const struct json *row, struct usage_report_row *out,
                                 struct fault *fault) MUST_USE;

/* The value of a row's dimension; empty where the row has none, "(overflow)" where it stands for
 * the combinations over the service's cap. */
struct str usage_report_dimension(const struct usage_report_row *row, const char *name);

struct usage_report_meter {
    struct str name;
    const struct json *dimensions; /* texts */
};

bool usage_report_meter_has(const struct usage_report_meter *meter, struct str dimension);

/* Reads at most `most` of them; more are FAULT_LIMIT. */
enum fault_code usage_report_meters(struct arena *arena, struct str text, size_t most,
                                    struct usage_report_meter *out, size_t *out_count,
                                    struct fault *fault) MUST_USE;

#endif
