/* What a budget of the service says when it lets nothing more through: the problem document
 * (RFC 9457) of a 402 or a 429, as far as an analyst is told and the record keeps it.
 *
 * Read with indulgence: which members are there is up to the service, and a gateway before it
 * answers 429 too. What is missing is left out of the sentence. */
#ifndef IG_NATIVE_REFUSAL_H
#define IG_NATIVE_REFUSAL_H

#include "libs/core/fault.h"
#include "libs/http/client.h"

enum refusal_verdict {
    REFUSAL_NONE,      /* nothing to do with a budget */
    REFUSAL_THROTTLED, /* 429: may go through in retry_after_s */
    REFUSAL_BLOCKED,   /* 402: may go through when the period ends, or somebody raises the limit */
};

enum {
    REFUSAL_ID_BYTES = 64,
    REFUSAL_AMOUNT_BYTES = 48,
    REFUSAL_NAME_BYTES = 121, /* what is longer is cut at a character's end */
    REFUSAL_RETRY_MAX_S = 86400,
};

struct refusal {
    enum refusal_verdict verdict;
    int retry_after_s; /* 0: not said */
    char budget[REFUSAL_ID_BYTES];
    char name[REFUSAL_NAME_BYTES]; /* of the budget */
    char contact[REFUSAL_NAME_BYTES];
    char used[REFUSAL_AMOUNT_BYTES];
    char reserved[REFUSAL_AMOUNT_BYTES];
    char limit[REFUSAL_AMOUNT_BYTES];
    char resets_at[REFUSAL_ID_BYTES]; /* RFC 3339, "" when it is no time */
    char decision[REFUSAL_ID_BYTES];
};

/* Reads an answer of any status; REFUSAL_NONE for what is no refusal of a budget's. A 402 that
 * names no budget is somebody else's. */
void refusal_read(const struct http_reply *reply, struct refusal *out);

/* "throttled", "blocked"; "" for none. */
const char *refusal_word(enum refusal_verdict verdict);

/* Why, as a clause: `the budget "X" lets nothing more through (100 of 100 used, until ...; ask
 * ...)`. FAULT_UNAVAILABLE. */
enum fault_code refusal_tell(const struct refusal *refusal, struct fault *fault);

#endif
