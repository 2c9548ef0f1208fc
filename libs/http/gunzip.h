/* gzip (RFC 1952) read piece by piece: for a text that is too large to be held at once.
 *
 * Several members one after the other are one text. Memory is constant; what a small text may
 * become is bounded by a ratio, so that a bomb costs neither memory nor minutes. */
#ifndef IG_HTTP_GUNZIP_H
#define IG_HTTP_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    GUNZIP_RATIO_MAX = 200,        /* decompressed bytes for each compressed one... */
    GUNZIP_RATIO_SLACK = 64 << 20, /* ...once so many are there */
};

struct gunzip;

enum fault_code gunzip_new(struct gunzip **out, struct fault *fault) MUST_USE;
void gunzip_free(struct gunzip *taken); /* takes NULL */

/* Takes from the front of *in and writes to out[0..room); room > 0. Less than `room` bytes come out
 * only when all of *in is taken. FAULT_INPUT for what is not gzip or is damaged, FAULT_LIMIT for a
 * bomb; after a fault the reader is of no use. */
enum fault_code gunzip_step(struct gunzip *gunzip, struct str *in, char *out, size_t room,
                            size_t *out_len, struct fault *fault) MUST_USE;

/* To be asked at the end of the input: false when it ends within a member, or holds none. */
bool gunzip_is_whole(const struct gunzip *gunzip);

#endif
