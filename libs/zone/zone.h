/* Where hours, days, months and billing periods begin in a zone of the IANA database. libs/zone
 * alone names ICU.
 *
 * Periods are half-open, [from, to), in microseconds since 1970 UTC, and each kind covers all of
 * time without a gap: a day of 23 or 25 hours, one that begins at 01:00 since midnight was left
 * out, and the day that Samoa skipped are what the zone makes of them. */
#ifndef IG_ZONE_ZONE_H
#define IG_ZONE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { ZONE_NAME_MAX = 64 };

enum zone_unit {
    ZONE_HOUR,    /* 60 minutes, in step with the zone's standard time */
    ZONE_DAY,     /* from the first moment of a date to that of the next */
    ZONE_MONTH,   /* from the first moment of its first day */
    ZONE_BILLING, /* months that begin on the zone's anchor day */
    ZONE_UNITS,
};

struct zone_period {
    int64_t from_us;
    int64_t to_us;
};

struct zone; /* used by one thread at a time */

/* `name`: "Europe/Berlin", "UTC". FAULT_INPUT with the field "zone" when there is none such.
 * `anchor_day`: 1 to 31, the day on which billing periods begin; in a shorter month its last. */
enum fault_code zone_open(struct str name, int anchor_day, struct zone **out,
                          struct fault *fault) MUST_USE;
void zone_free(struct zone *taken); /* takes NULL */

/* The period of that kind which holds `at_us`, from 1970 to TIME_MAX_US. */
struct zone_period zone_period_at(struct zone *zone, enum zone_unit unit, int64_t at_us);

/* The local date of a moment. */
struct zone_date {
    int year;
    int month; /* 1 .. 12 */
    int day;
};
struct zone_date zone_date_at(struct zone *zone, int64_t at_us);

/* Adds the moment to the second as the zone's clocks show it, with their offset, as RFC 3339 has
 * it: "2026-10-25T02:30:00+01:00"; with Z where they are UTC's. Offsets since 1972 are whole
 * minutes. */
void zone_add_local(struct zone *zone, int64_t at_us, struct buf *out);

/* 1 Monday .. 7 Sunday (ISO 8601) of the local date. */
int zone_weekday_at(struct zone *zone, int64_t at_us);

#endif
