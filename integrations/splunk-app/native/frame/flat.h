/* One JSON object of the service as one row of a search, by a table: each column names the member
 * that it takes, also one within another. What the service leaves out is an empty cell. */
#ifndef IG_NATIVE_FLAT_H
#define IG_NATIVE_FLAT_H

#include "integrations/splunk-app/native/frame/generating.h"
#include "libs/text/json.h"

enum flat_type {
    FLAT_TEXT,
    FLAT_NUMBER, /* a decimal text or a whole number, passed on digit by digit */
    FLAT_TIME,   /* RFC 3339, as it stands */
    FLAT_EPOCH,  /* the same as Splunk's _time */
    FLAT_BOOLEAN,
    FLAT_LIST,       /* texts, with ", " between them */
    FLAT_THRESHOLDS, /* {"kind","value"}: "80 %, forecast 100 %, 500000" */
    FLAT_GIVEN,      /* the next of what the caller gives */
};

struct flat_column {
    const char *name;
    const char *path; /* "state.forecast.low"; NULL for FLAT_GIVEN */
    enum flat_type type;
    bool required;
};

enum { FLAT_COLUMNS_MAX = 48, FLAT_GIVEN_MAX = 8 };

/* The names, ended by NULL, for generating_source.columns. */
void flat_names(const struct flat_column *columns, size_t count,
                const char *out[FLAT_COLUMNS_MAX + 1]);

/* Puts the row. `where` names the object in a fault: FAULT_INPUT with the member that is not as it
 * should be; the row is not whole then. */
enum fault_code flat_put(const struct json *object, const char *where,
                         const struct flat_column *columns, size_t count, const struct str *given,
                         struct generating_rows *rows, struct fault *fault) MUST_USE;

/* The member at a path; NULL when there is none, or something on the way is no object. */
const struct json *flat_member(const struct json *object, const char *path);

/* Its decimal text; false when it is neither one nor a whole number. *out lives as long as `room`
 * and the JSON do. */
bool flat_number(const struct json *value, char room[24], struct str *out);

#endif
