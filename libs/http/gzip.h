/* gzip (RFC 1952), whole texts. */
#ifndef IG_HTTP_GZIP_H
#define IG_HTTP_GZIP_H

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

/* Adds `data` compressed; the same bytes for the same data. */
enum fault_code gzip_add(struct buf *out, struct str data, struct fault *fault) MUST_USE;

/* Adds what `data` holds. FAULT_INPUT for anything but whole, sound gzip members; FAULT_LIMIT when
 * it would not fit `out`. */
enum fault_code gunzip_add(struct buf *out, struct str data, struct fault *fault) MUST_USE;

#endif
