/* Connections to one store: lent to threads for reading, and one behind a queue of writes. */
#ifndef IG_STORE_STORE_POOL_H
#define IG_STORE_STORE_POOL_H

#include "libs/store/store.h"

struct store_pool;

/* Opens the first connection and migrates. At most `room` (1..64) connections, opened at need. */
enum fault_code store_pool_new(const char *place, int room,
                               const struct store_migration *migrations, size_t count,
                               struct store_pool **out, struct fault *fault) MUST_USE;
void store_pool_free(struct store_pool *taken); /* all connections must be back */

/* Waits up to 5 s for a free one. */
enum fault_code store_pool_take(struct store_pool *pool, struct store **out,
                                struct fault *fault) MUST_USE;

/* What is done between the begin and the commit of a write transaction. It returns a fault to have
 * all it wrote taken back. It may be run on another thread than the one that waits for it, and a
 * second time after it was taken back; it begins and ends no transaction. */
typedef enum fault_code store_work(struct store *store, void *context, struct fault *fault);

/* Runs `work` on the one connection kept for writing and returns when what it wrote is on disk.
 * Works that come while another is under way are done together in one transaction. Waits up to 5 s
 * for its turn, then FAULT_UNAVAILABLE. Not to be called while holding a connection of the pool
 * that has a write transaction open. */
enum fault_code store_pool_write(struct store_pool *pool, store_work *work, void *context,
                                 struct fault *fault) MUST_USE;

int store_pool_port(const struct store_pool *pool); /* as store_port */

void store_pool_give(struct store_pool *pool, struct store *taken); /* rolls back what is open */

#endif
