/* Where a page of records begins. */
#ifndef IG_HANDOFFS_RECORDS_H
#define IG_HANDOFFS_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/str.h"

/* "300.1763863200000000.212": the size that the proofs are for, so that all pages prove against one
 * head, and the record that the page before ended with. */
struct handoffs_cursor {
    int64_t size;
    int64_t time_us;
    int64_t index;
};

bool handoffs_read_cursor(struct str text, struct handoffs_cursor *out);

#endif
