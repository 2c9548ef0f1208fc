/* Threads on which handlers run, so that the threads of the HTTP library only ever read and write:
 * whoever waits for the store holds up nobody else's connection. First come, first served. */
#ifndef IG_WEB_WEB_WORKERS_H
#define IG_WEB_WEB_WORKERS_H

#include "libs/core/fault.h"

/* Part of what is to be done; its owner keeps it in place until it was run. */
struct web_work {
    struct web_work *next;
};

struct web_workers;

/* `run` is called on one of `count` threads for each work that is added. */
enum fault_code web_workers_new(int count, void (*run)(struct web_work *work),
                                struct web_workers **out, struct fault *fault) MUST_USE;
void web_workers_add(struct web_workers *workers, struct web_work *work);
/* After the last add: runs all that is waiting, then ends. Takes NULL. */
void web_workers_free(struct web_workers *taken);

#endif
