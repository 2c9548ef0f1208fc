/* What an object that others sent must be, said in the same words everywhere. */
#ifndef IG_TEXT_JSON_EXPECT_H
#define IG_TEXT_JSON_EXPECT_H

#include "libs/core/buf.h"
#include "libs/text/json.h"

/* FAULT_INPUT, of `field`, when it is no object or has a member that is none of `known`: misspelt,
 * it would be passed over. `what` begins the sentence: "the body". */
enum fault_code json_expect_members(const struct json *value, const char *field, const char *what,
                                    const char *const *known, size_t count,
                                    struct fault *fault) MUST_USE;

/* A text for people and records: 1 to `most` bytes on one line, without the blanks around it. */
bool json_line(const struct json *member, size_t most, struct str *out);

/* "open, replayed or discarded" with `last` " or ". */
void words_add(struct buf *out, const char *const *words, size_t count, const char *last);

#endif
