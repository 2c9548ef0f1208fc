/* The cage: what is left of its user's rights to the running service. It is entered once, when all
 * sockets are open and before any thread starts, and nothing leads out again. docs/adr/0012 says
 * what is in force and why. */
#ifndef IG_MAIN_MAIN_CAGE_H
#define IG_MAIN_MAIN_CAGE_H

#include "libs/core/fault.h"

/* What is in force, e.g. "privileges,capabilities,landlock,seccomp"; "none" in a build with
 * sanitizers, which need more of the system than a cage leaves. */
enum { MAIN_CAGE_TEXT_MAX = 64 };

/* `port`: of the store's server (store_port): -1 none, 0 a local socket. Connections to it are all
 * that is left open then: of TCP that port's (landlock), and sockets of streams (seccomp).
 *
 * From here on: no new privileges, no capability, no core dump or debugger of the same user
 * (privileges, capabilities); files in `folder` alone, no connection out, no signal or socket to
 * others (landlock); no program started, no socket made, no code made, and of the system calls only
 * the known ones (seccomp).
 *
 * What the kernel refuses to enforce is told in one log line each, and the service runs without.
 * FAULT_INPUT when the folder is out of reach without capabilities. For this thread and those that
 * it starts. */
enum fault_code main_cage_enter(const char *folder, int port, char out_text[MAIN_CAGE_TEXT_MAX],
                                struct fault *fault) MUST_USE;

/* The courier's cage (service/notify/notify_courier.h): no file but those that names are looked up
 * with, no TCP port but these and the resolver's. It has neither store nor signing key. */
enum fault_code main_cage_enter_courier(const int *ports, int count,
                                        char out_text[MAIN_CAGE_TEXT_MAX],
                                        struct fault *fault) MUST_USE;

/* The parts of it: 0, or the error for which the kernel does not enforce that part.
 * main_cage_calls.c, main_cage_files.c */
int main_cage_calls(int port);
int main_cage_files(const char *folder, int port);
int main_cage_courier_calls(void);
int main_cage_courier_files(const int *ports, int count);

#endif
