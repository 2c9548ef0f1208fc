/* A service in this process that takes hand-offs: what it acknowledged it holds. */
#ifndef IG_FAULTS_TAKER_H
#define IG_FAULTS_TAKER_H

#include <stdbool.h>

#include "libs/http/client.h"

extern const struct http_transport taker_transport;
/* The same where a budget blocks: each hand-off, or each but the first since taker_forget. */
extern const struct http_transport taker_blocked_transport;
extern const struct http_transport taker_nearly_blocked_transport;

/* Whether it has acknowledged the hand-off since taker_forget. */
bool taker_holds(const char *id);
void taker_forget(void);

/* From now on, whether any hand-off that came held this text. The text is borrowed. */
void taker_watch(const char *text);
bool taker_saw(void);

#endif
