/* Where the app lies, and where it may write. */
#ifndef IG_NATIVE_PLACES_H
#define IG_NATIVE_PLACES_H

#include <limits.h>
#include <stddef.h>

#include "libs/core/fault.h"

struct places {
    char app[PATH_MAX];    /* the app's folder: .../etc/apps/intelgraph */
    char home[PATH_MAX];   /* $SPLUNK_HOME, or what the app's place tells; "" when neither does */
    char log[PATH_MAX];    /* $SPLUNK_HOME/var/log/splunk */
    char outbox[PATH_MAX]; /* $SPLUNK_HOME/var/lib/splunk/intelgraph/outbox */
};

/* Finds the app from the running program (<app>/bin or <app>/<platform>/bin), else from the working
 * folder, which splunkd sets to <app>/bin. Without a Splunk around it (a trial from a build tree)
 * logs and outbox lie under <app>/var. */
enum fault_code places_find(struct places *out, struct fault *fault) MUST_USE;

/* path = folder + "/" + name; FAULT_LIMIT when it is too long. */
enum fault_code places_join(char *out, size_t size, const char *folder, const char *name,
                            struct fault *fault) MUST_USE;

#endif
