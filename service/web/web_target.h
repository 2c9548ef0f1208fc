/* The request target (RFC 9112 section 3.2) taken apart, and matched with the tables of routes. */
#ifndef IG_WEB_WEB_TARGET_H
#define IG_WEB_WEB_TARGET_H

#include "service/web/web.h"

enum { WEB_TARGET_MAX = 8 * 1024, WEB_SEGMENTS_MAX = 16 };

struct web_target {
    struct str path;  /* decoded */
    struct str query; /* raw */
    size_t segment_count;
    struct str
        segments[WEB_SEGMENTS_MAX]; /* of the path, each decoded on its own: %2F is no slash */
};

/* Only the origin form ("/path?query"). FAULT_INPUT for a wrong percent sign, a control character,
 * a byte outside ASCII, a dot segment, text that is not UTF-8; FAULT_LIMIT for too many segments.
 */
enum fault_code web_target_read(struct arena *arena, struct str raw, struct web_target *out,
                                struct fault *fault) MUST_USE;

/* Decodes %XX, and + as a blank where `plus`. Same refusals as above. */
enum fault_code web_target_decode(struct arena *arena, struct str raw, bool plus, struct str *out,
                                  struct fault *fault) MUST_USE;

/* Whether the target fits the pattern; fills request->parts when it does. */
bool web_target_matches(const struct web_target *target, const char *pattern,
                        struct str out_parts[WEB_PARTS_MAX]);

#endif
