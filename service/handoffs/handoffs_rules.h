/* What is refused, and why: no I/O, no clock. */
#ifndef IG_HANDOFFS_RULES_H
#define IG_HANDOFFS_RULES_H

#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/wire/handoff.h"

enum {
    HANDOFFS_OPEN_MAX = 32,        /* of one tenant, opened and not yet committed */
    HANDOFFS_STALE_HOURS = 24,     /* an open one is removed when nothing came for so long */
    HANDOFFS_STAGED_MAX = 1 << 30, /* bytes of one tenant's parts that wait for their commit */
    HANDOFFS_LIST_MAX = 200,
    HANDOFFS_LINK_MAX = WIRE_COMMAND_MAX,
};

/* A body of POST /v1/handoffs taken apart; all borrowed. `commit` is empty for an opening. */
struct handoffs_body {
    struct str manifest; /* the first line, without its LF */
    struct str content;  /* the lines between, with their LFs */
    struct str commit;   /* the last line, without its LF */
};

struct handoffs_body handoffs_split(struct str body);

/* The manifest is the caller's own: FAULT_DENIED for another tenant, FAULT_INPUT for an id that is
 * not the hash of its parts. */
enum fault_code handoffs_check_manifest(const struct wire_handoff *manifest, struct str tenant,
                                        struct fault *fault) MUST_USE;

/* Who comes with a token that was issued for an analyst (`via` says by which) hands off in that
 * analyst's name and no other. An API token stands for a program, which says who it was. */
enum fault_code handoffs_check_analyst(const struct wire_handoff *manifest, struct str subject,
                                       struct str via, struct fault *fault) MUST_USE;

/* 1 .. part_count */
enum fault_code handoffs_check_part(struct str text, int64_t part_count, int64_t *out_part,
                                    struct fault *fault) MUST_USE;

/* A relation's ends stand before it. */
enum fault_code handoffs_check_ends(const struct wire_relation *relation, int64_t entities,
                                    struct fault *fault) MUST_USE;

/* What the commit line says is what came. */
enum fault_code handoffs_check_commit(const struct wire_commit *commit, int64_t entities,
                                      int64_t relations, struct str content_sha256,
                                      struct fault *fault) MUST_USE;

/* All parts are there; `present` are their numbers in order. */
enum fault_code handoffs_check_parts(const int64_t *present, int64_t present_count,
                                     int64_t part_count, struct fault *fault) MUST_USE;

/* Room for one more open hand-off, and for `size` more bytes waiting. */
enum fault_code handoffs_check_open(int64_t open_count, struct fault *fault) MUST_USE;
enum fault_code handoffs_check_staged(int64_t staged, int64_t size, struct fault *fault) MUST_USE;

/* Adds "<base>open/handoffs/<id>". The base is the service's public URL, or "http://<host>/" when
 * that is not set; the request's host is believed only when it looks like one. */
enum fault_code handoffs_add_link(struct buf *out, struct str public_url, struct str host,
                                  struct str id, struct fault *fault) MUST_USE;

/* Whether a refusal is of what was sent, so that it goes on record. */
bool handoffs_is_refusal(enum fault_code code);

/* Adds why for the record: the kind of fault and the field, never a value ("input: entity.value").
 */
void handoffs_add_reason(struct buf *out, const struct fault *fault);

#endif
