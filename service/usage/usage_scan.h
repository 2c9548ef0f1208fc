/* Reads the common form of an event without a tree in memory: a use whose texts are plain ASCII and
 * whose members are those that are known. It is about a fifth of the work. What it does not take,
 * for whatever reason, usage_event_read reads, and tells what is wrong with it; what it takes,
 * usage_event_read would have read the same (fuzz_event.c). */
#ifndef IG_USAGE_SCAN_H
#define IG_USAGE_SCAN_H

#include "service/usage/usage_event.h"

/* false: not of that form; *out is untouched then. Texts are in `text` or in the arena. */
bool usage_scan_event(struct arena *arena, struct str text, struct usage_event *out) MUST_USE;

#endif
