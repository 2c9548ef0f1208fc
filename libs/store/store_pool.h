/* Connections to one store file, lent to threads. */
#ifndef IG_STORE_STORE_POOL_H
#define IG_STORE_STORE_POOL_H

#include "libs/store/store.h"

struct store_pool;

/* Opens the first connection and migrates. At most `room` (1..64) connections, opened at need. */
enum fault_code store_pool_new(const char *path, int room, const struct store_migration *migrations,
                               size_t count, struct store_pool **out, struct fault *fault) MUST_USE;
void store_pool_free(struct store_pool *taken); /* all connections must be back */

/* Waits up to 5 s for a free one. */
enum fault_code store_pool_take(struct store_pool *pool, struct store **out,
                                struct fault *fault) MUST_USE;

/* The one connection kept for large writes, beside the others: who takes it waits for its turn, up
 * to 5 s. SQLite drops a connection's page cache when another one has written, so that writers by
 * turns on many connections would read every page anew; and a turn is waited for without looking
 * again and again. Small writes may go by any connection. */
enum fault_code store_pool_take_writer(struct store_pool *pool, struct store **out,
                                       struct fault *fault) MUST_USE;

void store_pool_give(struct store_pool *pool, struct store *taken); /* rolls back what is open */

#endif
