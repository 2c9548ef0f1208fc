/* A platform that refuses: the n-th allocation, open, read, write, flush or renaming, once or from
 * then on. For programs of one thread, or whose other threads may be refused as well. */
#ifndef IG_FAULTS_OS_FAIL_H
#define IG_FAULTS_OS_FAIL_H

#include <stdbool.h>

enum os_fail_kind {
    OS_FAIL_ALLOC, /* NULL */
    OS_FAIL_OPEN,  /* EMFILE */
    OS_FAIL_READ,  /* EIO */
    OS_FAIL_WRITE, /* ENOSPC; changes of a file's size too */
    OS_FAIL_FLUSH, /* EIO */
    OS_FAIL_NAME,  /* EACCES: rename, unlink and mkdir */
    OS_FAIL_KINDS,
};

enum os_fail_mode {
    OS_FAIL_ONCE,
    OS_FAIL_ON,  /* and all that follow */
    OS_FAIL_CUT, /* a write takes half of its bytes; those that follow are refused */
    OS_FAIL_MODES,
    OS_FAIL_KILL = OS_FAIL_MODES /* the process ends there; a write leaves half of its bytes */
};

enum { OS_FAIL_KILLED = 86 }; /* its status then */

/* Installs the platform, refusing nothing. */
void os_fail_install(void);

/* Counts from 1; the `at`-th call of the kind from now on is refused. */
void os_fail_arm(enum os_fail_kind kind, enum os_fail_mode mode, long at);

bool os_fail_has_refused(void);

/* Refuses nothing any more; whether it did. */
bool os_fail_disarm(void);

#endif
