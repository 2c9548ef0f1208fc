/* The events that a store has taken last, by a hash of their tenant, source and id. In memory,
 * eight bytes each; it names candidates, which are compared with what is kept. */
#ifndef IG_USAGE_RECENT_H
#define IG_USAGE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"

/* So many it knows for certain, and up to twice as many. */
enum { USAGE_RECENT = 1 << 20 };

struct usage_recent;

enum fault_code usage_recent_new(struct usage_recent **out, struct fault *fault) MUST_USE;
void usage_recent_free(struct usage_recent *taken); /* takes NULL */

void usage_recent_clear(struct usage_recent *recent);

/* In the order of seq. The hash must be as good as random, and such that nobody who sends events
 * can choose it. */
enum fault_code usage_recent_put(struct usage_recent *recent, uint32_t hash, int64_t seq,
                                 int64_t time_ms, struct fault *fault) MUST_USE;

/* Events whose time is later than this are all known, whenever they came; -1: all are. */
int64_t usage_recent_gone_ms(const struct usage_recent *recent);
void usage_recent_gone(struct usage_recent *recent, int64_t time_ms); /* one that was never put */

struct usage_recent_look {
    const struct usage_recent *recent;
    uint32_t hash;
    int age;
    uint32_t at;
};

/* Those that may be meant by a hash: some are others, some were taken back. */
struct usage_recent_look usage_recent_look(const struct usage_recent *recent, uint32_t hash);
bool usage_recent_next(struct usage_recent_look *look, int64_t *out_seq);

#endif
