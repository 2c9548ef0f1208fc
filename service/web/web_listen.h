/* The listening socket, made here so that a refusal names the address and the reason. */
#ifndef IG_WEB_WEB_LISTEN_H
#define IG_WEB_WEB_LISTEN_H

#include "libs/core/fault.h"
#include "libs/core/str.h"

/* `listen`: "127.0.0.1:8460", "[::1]:8460", "localhost:0". Non-blocking, closed on exec. */
enum fault_code web_listen_open(struct str listen, int *out_fd, int *out_port,
                                struct fault *fault) MUST_USE;

/* Whether only this machine reaches the address; false for one that cannot be read. */
bool web_listen_is_loopback(struct str listen);

#endif
