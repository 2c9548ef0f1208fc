/* Borrowed text: a pointer and a length, by value. Never owns, need not end in NUL. */
#ifndef IG_CORE_STR_H
#define IG_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

/* A literal as a str, at compile time. */
#define STR(literal) ((struct str){("" literal ""), sizeof(literal) - 1})

/* For printf's "%.*s". Lengths over INT_MAX are cut. */
#define STR_ARG(s) ((s).len > 0x7fffffff ? 0x7fffffff : (int)(s).len), ((s).ptr ? (s).ptr : "")

struct str str_of(const char *text); /* NULL gives the empty str */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII letters only */
int str_compare(struct str a, struct str b);       /* by bytes, then by length */
bool str_starts(struct str s, struct str start);
bool str_ends(struct str s, struct str end);
struct str str_skip(struct str s, size_t count); /* without the first bytes; at most all */
struct str str_take(struct str s, size_t count); /* only the first bytes */
struct str str_trim(struct str s);               /* ASCII blanks (space, \t, \r, \n, \v, \f) */

/* Index of the first `byte`, or s.len. */
size_t str_find_byte(struct str s, char byte);
/* Index of the first `part`, or s.len. */
size_t str_find(struct str s, struct str part);

/* Splits at the first `separator`: true and both sides, or false with out_head = s, out_tail empty.
 */
bool str_cut(struct str s, char separator, struct str *out_head, struct str *out_tail);

/* The whole of s as a decimal without sign; false when empty, not digits, or over `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out_value);

/* true/false, t/f, yes/no, y/n, 1/0, on/off in any case, as Splunk reads booleans. */
bool str_to_bool(struct str s, bool *out_value);

bool str_is_utf8(struct str s); /* RFC 3629: no surrogates, no overlong forms, at most U+10FFFF */
size_t str_utf8_len(struct str s); /* bytes from its beginning on that are */

/* Copies into out[size] with a NUL; false (and out = "") when it does not fit or holds a NUL. */
bool str_to_c(struct str s, char *out, size_t size);

/* Levenshtein distance of two short texts without regard to ASCII case; for "did you mean".
 * Texts over 64 bytes count as infinitely far (SIZE_MAX). */
size_t str_distance(struct str a, struct str b);

/* FNV-1a, 64 bits: for tables in memory, never for identity across processes. */
uint64_t str_hash(struct str s);

#endif
