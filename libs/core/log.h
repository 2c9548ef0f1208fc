/* One line an event, `time level event key=value ...`, on standard error.
 *
 * Libraries do not log: they return faults. main, routes and command runners log once, where an
 * error is handled. Values are quoted and escaped here, so that no input can forge a line. */
#ifndef IG_CORE_LOG_H
#define IG_CORE_LOG_H

#include <stdint.h>

#include "libs/core/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_pair {
    const char *key; /* [a-z_]+, ours */
    struct str text; /* used when is_text */
    int64_t number;
    bool is_text;
};

#define LOG_TEXT(k, s)   ((struct log_pair){.key = (k), .text = (s), .is_text = true})
#define LOG_NUMBER(k, n) ((struct log_pair){.key = (k), .number = (n)})

void log_level_set(enum log_level least);
bool log_level_parse(struct str name, enum log_level *out_level); /* debug info warn error */
void log_write(enum log_level level, const char *event, const struct log_pair *pairs, size_t count);

/* log_event(LOG_INFO, "handoff.committed", LOG_TEXT("id", id), LOG_NUMBER("entities", n)); */
#define log_event(level, event, ...)                                                               \
    log_write((level), (event), (const struct log_pair[]){__VA_ARGS__},                            \
              sizeof((const struct log_pair[]){__VA_ARGS__}) / sizeof(struct log_pair))

#endif
