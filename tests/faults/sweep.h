/* Runs one case for each call that can be refused, n = 1, 2, ... until none was. */
#ifndef IG_FAULTS_SWEEP_H
#define IG_FAULTS_SWEEP_H

#include "tests/faults/os_fail.h"

/* One case: makes its scene, arms, acts, disarms (whether something was refused is returned), and
 * checks; it fails the test itself. */
typedef bool sweep_case(enum os_fail_kind kind, enum os_fail_mode mode, long at);

/* What a failed check says first: the case that runs. */
const char *sweep_where(void);

/* Adds the tests of one scene: one for each kind and mode, named "<scene>__<what is refused>". Each
 * must meet a refusal; `unused` is a kind of call that the scene does not make, or OS_FAIL_KINDS.
 */
void sweep_add(const char *scene, sweep_case *run, enum os_fail_kind unused);

/* The same for a scene that makes some kinds of calls only: 1 << OS_FAIL_ALLOC | ... */
void sweep_add_kinds(const char *scene, sweep_case *run, unsigned kinds_made);

/* The same, where the case kills a process of its own at the call (OS_FAIL_KILL). */
void sweep_add_kill(const char *scene, sweep_case *run, unsigned kinds_made);

/* Runs what was added. FAULTS=all takes each n; else those beyond the first few hundred by growing
 * steps. A leak is a failed test. */
int sweep_run(const char *name);

/* A scene's folders lie in memory where the system has such a place: thousands are made. */
void sweep_folder(char *out, unsigned long size);
void sweep_folder_clear(const char *folder);
void sweep_folder_copy(const char *from, const char *to);

#endif
