/* A service in this process that takes hand-offs: what it acknowledged it holds. */
#ifndef IG_FAULTS_TAKER_H
#define IG_FAULTS_TAKER_H

#include <stdbool.h>

#include "libs/http/client.h"

extern const struct http_transport taker_transport;

/* Whether it has acknowledged the hand-off since taker_forget. */
bool taker_holds(const char *id);
void taker_forget(void);

#endif
