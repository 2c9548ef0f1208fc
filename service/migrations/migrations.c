#include "service/migrations/migrations.h"

#define MIGRATION(number, title, text) {number, title, {text, sizeof(text) - 1}},

/* Written by CMakeLists.txt of this folder: one MIGRATION a file. */
const struct store_migration service_migrations[] = {
#include "service/migrations/migrations.inc"
};

const size_t service_migration_count = sizeof service_migrations / sizeof service_migrations[0];
