/* The process that makes the service's outgoing connections, started before anything is open. */
#ifndef IG_MAIN_MAIN_COURIER_H
#define IG_MAIN_MAIN_COURIER_H

#include <stdbool.h>

#include "service/main/main_options.h"

struct main_courier {
    int fd; /* of our end, which does not block; -1: there is no way out */
    bool sends_mail;
    char from[256];
};

/* Reads what --outbound-ports and its kin name, and starts the process when there are ports. It
 * ends when our end is closed. To be called while the process has one thread and no store open. */
enum fault_code main_courier_start(const struct main_options *options, struct main_courier *out,
                                   struct fault *fault) MUST_USE;

#endif
