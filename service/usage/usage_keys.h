/* Which events are there: on the connection that writes, within its write transaction.
 *
 * Events are written in the order in which they come, some hundred at once, without an index that
 * each of them would dirty a page of. What came lately is known in memory (usage_recent.h); the
 * index by key, usage_keys, follows some ten thousand events behind, in the order of its keys. All
 * events up to usage_keys_done.seq are in it. Another process's events are read when a transaction
 * begins: there is one writer at a time over all processes (ADR 0022), so nothing is missed.
 *
 * Source and id are one event's within the last USAGE_RECENT events whatever their times; beyond,
 * within the same millisecond. */
#ifndef IG_USAGE_KEYS_H
#define IG_USAGE_KEYS_H

#include "libs/store/store.h"
#include "service/usage/usage_store.h"

struct usage_keys;

enum fault_code usage_keys_new(struct usage_keys **out, struct fault *fault) MUST_USE;
void usage_keys_free(struct usage_keys *taken); /* takes NULL */

/* Once in a write transaction, before the rest. */
enum fault_code usage_keys_begin(struct usage_keys *keys, struct store *store,
                                 struct fault *fault) MUST_USE;
/* Writes what was added; moves the index on. */
enum fault_code usage_keys_write(struct usage_keys *keys, struct store *store,
                                 struct fault *fault) MUST_USE;
enum fault_code usage_keys_advance(struct usage_keys *keys, struct store *store,
                                   struct fault *fault) MUST_USE;
void usage_keys_ended(struct usage_keys *keys, bool kept);

/* The number of a tenant, the same as long as the connection lasts. */
enum fault_code usage_keys_tenant(struct usage_keys *keys, struct str name, uint32_t *out,
                                  struct fault *fault) MUST_USE;

struct str usage_keys_tenant_name(const struct usage_keys *keys, uint32_t tenant);

enum usage_match {
    USAGE_IS_NEW,
    USAGE_IS_SAME,
    USAGE_IS_OTHER,   /* of that source, id and time, with other content */
    USAGE_IS_OTHER_AT /* of that source and id, at another time */
};
enum fault_code usage_keys_match(struct usage_keys *keys, struct store *store, uint32_t tenant,
                                 const struct usage_event *event, enum usage_match *out,
                                 struct fault *fault) MUST_USE;

enum fault_code usage_keys_find(struct usage_keys *keys, struct store *store, uint32_t tenant,
                                const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                struct usage_kept *out, struct fault *fault) MUST_USE;

/* A new event. */
enum fault_code usage_keys_add(struct usage_keys *keys, struct store *store, uint32_t tenant,
                               const struct usage_event *event, const struct usage_kept *kept,
                               int64_t received_us, struct fault *fault) MUST_USE;

int64_t usage_keys_last_seq(const struct usage_keys *keys);

#endif
