/* Points in time as text: what Splunk's _time and the logs behind it hold, to microseconds and
 * back. */
#ifndef IG_TEXT_TIME_H
#define IG_TEXT_TIME_H

#include "libs/core/buf.h"
#include "libs/core/str.h"

#define TIME_MAX_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

/* Reads all of `text` as one of
 *     1588205198.89971                    seconds since 1970, UTC, with or without fraction
 *     2020-04-30T00:06:38.899Z            RFC 3339; `T` may be a space, the fraction may follow a
 * comma 2020-04-30T02:06:38+0200            and the offset +hh:mm, +hhmm or +hh (ISO 8601) from
 * 1970 to 9999. Digits behind the microseconds are cut off. A date without an offset is refused:
 * its zone would be a guess. A leap second (23:59:60 UTC) counts as the second that follows it. */
bool time_read_us(struct str text, int64_t *out_us);

/* "Mon, 23 Nov 2026 12:29:43 GMT": the form of HTTP's Date (RFC 9110 5.6.7) that everybody sends.
 */
bool time_read_http(struct str text, int64_t *out_us);

/* "Nov 23 12:29:43 2026 GMT", a day below ten with one digit: how OpenSSL writes a certificate's
 * dates. */
bool time_read_certificate(struct str text, int64_t *out_us);

/* Adds "2020-04-30T00:06:38.899710Z", without fraction when it is zero. A time outside of
 * 0 .. TIME_MAX_US is added as its number of microseconds: odd data must show, not stop a program.
 */
void time_add_rfc3339(struct buf *out, int64_t us);

#endif
