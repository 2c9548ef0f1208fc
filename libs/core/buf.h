/* Owned bytes that grow, up to a limit that is set at birth.
 *
 * A refused addition (limit or memory) is remembered: later ones do nothing, and buf_check tells it
 * once at the end. So code that builds a text has one error path, not one a line. */
#ifndef IG_CORE_BUF_H
#define IG_CORE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t room;
    size_t limit;         /* bytes; never exceeded */
    enum fault_code code; /* FAULT_NONE, FAULT_LIMIT or FAULT_NO_MEMORY: the first refusal */
};

void buf_init(struct buf *buf, size_t limit); /* allocates nothing */
void buf_done(struct buf *buf);               /* frees; the buf may be used again after buf_init */
void buf_clear(struct buf *buf);              /* forgets content and refusal, keeps the memory */

void buf_add(struct buf *buf, struct str s);
void buf_add_byte(struct buf *buf, char byte);
void buf_add_c(struct buf *buf, const char *text);
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_add_i64(struct buf *buf, int64_t value);
void buf_add_hex(struct buf *buf, const void *data, size_t len); /* lower case */
void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* `len` writable bytes at the end, to be kept by buf_extend; NULL when refused. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_extend(struct buf *buf, size_t len);

struct str buf_str(const struct buf *buf); /* borrowed until the next change */

/* FAULT_NONE, or the first refusal with `what` in the sentence: "<what> is over the limit of ...".
 */
enum fault_code buf_check(const struct buf *buf, const char *what, struct fault *fault) MUST_USE;

#endif
