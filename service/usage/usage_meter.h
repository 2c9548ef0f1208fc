/* What can be counted: the meters, their units and dimensions. One table; everything that knows a
 * meter's name knows it from here. */
#ifndef IG_USAGE_METER_H
#define IG_USAGE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { USAGE_DIMENSIONS_MAX = 6 };

enum usage_meter_kind {
    USAGE_SUM,  /* quantities add up */
    USAGE_LEVEL /* a quantity holds from its time on; it is integrated over time */
};

struct usage_meter {
    const char *name;
    enum usage_meter_kind kind;
    const char *unit; /* of an event's quantity */
    /* Of what is shown: `shown_per` of the base unit make one. The base unit of a level is its unit
     * times microseconds. */
    const char *shown_unit;
    __int128 shown_per;
    const char *help;
    const char *dimensions[USAGE_DIMENSIONS_MAX]; /* that an event may name; NULL ends */
    bool is_own; /* counted by the service itself: nobody sends events of it */
};

/* NULL: there is none of that name. */
const struct usage_meter *usage_meter_find(struct str name);

/* All of them, in order; NULL behind the last. */
const struct usage_meter *usage_meter_at(int index);

/* FAULT_INPUT of the field `field`: there is no such meter, or no such dimension of one; with those
 * that there are. */
enum fault_code usage_meter_unknown(struct str name, const char *field, struct fault *fault);
enum fault_code usage_meter_lacks(const struct usage_meter *meter, struct str dimension,
                                  const char *field, struct fault *fault);

bool usage_meter_has(const struct usage_meter *meter, struct str dimension);

#endif
