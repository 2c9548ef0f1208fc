/* Watches connections for what the HTTP library does not: a deadline for the whole of a request and
 * of a reply (the library's timeout counts from the last byte, so one byte now and then would hold
 * a connection for ever), and how many one address holds. */
#ifndef IG_WEB_WEB_GUARD_H
#define IG_WEB_WEB_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { WEB_ADDRESS_MAX = 48 };

struct web_guard;
struct web_guarded; /* one connection */

/* Starts the watching thread. */
enum fault_code web_guard_new(int per_address, struct web_guard **out,
                              struct fault *fault) MUST_USE;
void web_guard_free(struct web_guard *taken); /* when no connection is left */

/* Whether one more from that address is let in; counts it as refused when not. */
bool web_guard_admits(struct web_guard *guard, const struct sockaddr *address);

/* The connection's socket must stay open until it is dropped here. NULL without memory. */
struct web_guarded *web_guard_add(struct web_guard *guard, int fd, const struct sockaddr *address,
                                  int64_t deadline_us);
void web_guard_drop(struct web_guard *guard, struct web_guarded *taken); /* takes NULL */

/* Monotonic microseconds after which the connection is cut; 0: none. */
void web_guarded_deadline(struct web_guarded *guarded, int64_t deadline_us);
struct str web_guarded_client(const struct web_guarded *guarded); /* its address as text */
bool web_guarded_cut(const struct web_guarded *guarded);

uint64_t web_guard_refused(const struct web_guard *guard);
uint64_t web_guard_cuts(const struct web_guard *guard);

#endif
