/* Reading the members of one JSON object by a table: each known, each once, each within its limits.
 */
#ifndef IG_WIRE_MEMBERS_H
#define IG_WIRE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/text/json.h"

/* The largest whole number that JSON's readers all keep exactly (RFC 8259, section 6). */
#define WIRE_WHOLE_MAX ((int64_t)9007199254740991)

struct wire_member;

/* Where in the message a value stands: names the field in a fault. */
struct wire_place {
    const char *where; /* "entity", "entity.samples" */
    const struct wire_member *member;
    struct fault *fault;
};

typedef enum fault_code wire_member_reader(const struct wire_place *place, const struct json *value,
                                           void *out);

struct wire_member {
    const char *name;
    wire_member_reader *read;
    size_t offset; /* of the result in the struct that is filled */
    int64_t least; /* of a number; bytes of a text */
    int64_t most;
    bool required;
};

enum wire_unknown {
    WIRE_REFUSE_UNKNOWN, /* a misspelt member must not be lost */
    WIRE_SKIP_UNKNOWN,   /* a newer peer may say more */
};

/* Fills the struct at `out` (members that are not there leave theirs as it was). On failure the
 * struct may be half filled: callers read into one of their own. */
enum fault_code wire_read_members(const struct json *object, const char *where,
                                  const struct wire_member *members, size_t count,
                                  enum wire_unknown unknown, void *out,
                                  struct fault *fault) MUST_USE;

/* The readers: `out` is the whole struct, the result goes to member->offset. */
wire_member_reader wire_read_text;    /* struct str, least..most bytes, borrowed from the arena */
wire_member_reader wire_read_digest;  /* struct str, 64 lower-case hexadecimal digits */
wire_member_reader wire_read_id;      /* struct str, wire_is_id */
wire_member_reader wire_read_whole;   /* int64_t, least..most */
wire_member_reader wire_read_boolean; /* bool */

/* Sets the fault with the field's full name, which also begins the sentence. */
enum fault_code wire_member_fault(const struct wire_place *place, enum fault_code code,
                                  const char *format, ...) PRINTF_LIKE(3, 4);

/* The i-th known name, NULL after the last. */
typedef const char *wire_name_at(const void *names, size_t i);

/* Refuses `given`, naming the nearest of the known names, or all of them when none is near. */
enum fault_code wire_unknown_fault(const struct wire_place *place, const char *what,
                                   struct str given, wire_name_at *name_at, const void *names);

#endif
