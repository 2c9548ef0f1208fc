/* Values that stand for others: of a kind of their own, so that no graph claims them to be real.
 *
 * Their text is the kind of what they stand for, a colon, and
 *   #<16 hex>            a tag: equal values have equal ones
 *   what is left         192.0.2.0/24, 2001:db8::/48, 00:11:22:*, *.example, *@example,
 *                        https://ig.example/ and an asterisk */
#ifndef IG_GRAPH_MASKED_H
#define IG_GRAPH_MASKED_H

#include "libs/graph/normalise.h"

enum { GRAPH_TAG_HEX = 16 };

/* "user:#0123456789abcdef" for a tag of GRAPH_TAG_HEX lower-case hexadecimal digits. */
void graph_masked_tag(enum graph_kind kind, const char *tag, struct graph_value *out);

/* What of a normalised value tells the many and not the one: of an address its network (/24, /48),
 * of a MAC its maker, of an email address or account what follows the @, of a name with dots what
 * follows the first one, of a URL its scheme and host. False when the kind or the value has none.
 */
bool graph_masked_prefix(enum graph_kind kind, struct str value, struct graph_value *out);

#endif
