/* Copies SQLite's log into the file beside the writer, who would otherwise stand still for it.
 * Nobody outside this folder includes this. */
#ifndef IG_STORE_STORE_CHECKPOINTER_H
#define IG_STORE_STORE_CHECKPOINTER_H

#include "libs/store/store.h"

struct store_checkpointer;

enum fault_code store_checkpointer_new(const char *path, struct store_checkpointer **out,
                                       struct fault *fault) MUST_USE;
void store_checkpointer_free(struct store_checkpointer *taken); /* takes NULL */

/* From here on the writer's commits leave the copying to a checkpointer. */
void store_checkpointer_serve(struct store *writer);

/* To be called by the writer after each of its commits. */
void store_checkpointer_look(struct store_checkpointer *checkpointer, struct store *writer);

#endif
