/* The service's tables, in the order they came to be: NNNN_name.sql of this folder, built in.
 *
 * A migration that has been released is never edited: what it should have said is a new one. */
#ifndef IG_MIGRATIONS_MIGRATIONS_H
#define IG_MIGRATIONS_MIGRATIONS_H

#include <stddef.h>

#include "libs/store/store.h"

extern const struct store_migration service_migrations[];
extern const size_t service_migration_count;

#endif
