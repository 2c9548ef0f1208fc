/* The queue behind store_pool_write. Nobody outside this folder includes this. */
#ifndef IG_STORE_STORE_WRITER_H
#define IG_STORE_STORE_WRITER_H

#include "libs/store/store_pool.h"

struct store_writer;

enum fault_code store_writer_new(const char *path, struct store_writer **out,
                                 struct fault *fault) MUST_USE;
void store_writer_free(struct store_writer *taken); /* nobody waits; takes NULL */

enum fault_code store_writer_run(struct store_writer *writer, store_work *work, void *context,
                                 struct fault *fault) MUST_USE;

#endif
