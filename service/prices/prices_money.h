/* Amounts of money: whole micro-units of a currency, 10^-6 EUR; on the wire decimals with at most
 * six digits behind the point, as text. */
#ifndef IG_PRICES_MONEY_H
#define IG_PRICES_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/str.h"
#include "libs/text/json_write.h"

#define PRICES_MICROS INT64_C(1000000) /* of one unit of the currency */

/* "12", "0.5", "2.500000": digits, then perhaps a point and one to six digits. False for anything
 * else (signs, blanks, exponents, leading zeros) and for what is over `max_micros`. */
bool prices_money_read(struct str text, int64_t max_micros, int64_t *out_micros);

/* The same with another number of places (0..18), in units of the last one: "99.5" with two is
 * 9950. */
bool prices_decimal_read(struct str text, int places, int64_t max, int64_t *out);

/* Adds "12.00", "0.000001", "-3.50": two digits behind the point, or as many of six as it takes. */
void prices_money_add(struct buf *out, __int128 micros);

void prices_money_put(struct json_out *out, const char *name, __int128 micros);

#endif
