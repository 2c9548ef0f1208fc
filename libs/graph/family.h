/* The families behind graph_normalise, one file each. For this room only.
 *
 * Each reads a text that is trimmed, valid UTF-8, free of control characters and at most
 * GRAPH_VALUE_MAX bytes, and writes kind and text into `out`, which holds anything when the verdict
 * is not good. The law for all: what they write, they read back as itself. */
#ifndef IG_GRAPH_FAMILY_H
#define IG_GRAPH_FAMILY_H

#include "libs/graph/normalise.h"

/* ip.c */
bool graph_ip4_read(struct str text, uint32_t *out_address); /* four decimals and nothing else */
bool graph_ip4_is_empty(uint32_t address); /* 0.0.0.0 and 255.255.255.255: no machine's own */
enum graph_verdict graph_ip_read(struct str text, struct graph_value *out);
bool graph_ip_is_inside(struct str normal); /* private, shared, link-local or loopback */

/* name.c */
enum graph_verdict graph_name_read(struct str text, bool *out_dotted, struct graph_value *out);
bool graph_name_is_inside(struct str normal); /* under a suffix that no public DNS has */
/* Undoes `[.]`, `[dot]`, `[:]`, `[@]` and the like into room[size]; `text` itself when there is
 * nothing to undo or the room is too small. */
struct str graph_refang(struct str text, char *room, size_t size);

/* url.c */
enum graph_verdict graph_url_read(struct str text, struct graph_value *out);
struct str graph_url_host(struct str normal); /* as written in it; empty when it has none */

/* account.c */
enum graph_verdict graph_user_read(struct str text, struct graph_value *out);
enum graph_verdict graph_principal_read(struct str text, struct graph_value *out);
enum graph_verdict graph_email_read(struct str text, struct graph_value *out);

/* path.c */
enum graph_verdict graph_path_read(struct str text, struct graph_value *out);
enum graph_verdict graph_command_read(struct str text, struct graph_value *out);
enum graph_verdict graph_registry_read(struct str text, struct graph_value *out);

/* digest.c */
enum graph_verdict graph_hash_read(int type, struct str text, struct graph_value *out);
bool graph_hash_is_other(struct str text); /* `IMPHASH=...`: an algorithm that is no kind */
enum graph_verdict graph_ja3_read(struct str text, struct graph_value *out);
enum graph_verdict graph_certificate_read(struct str text, struct graph_value *out);
enum graph_verdict graph_mac_read(struct str text, struct graph_value *out);
enum graph_verdict graph_cve_read(struct str text, struct graph_value *out);

/* masked.c */
enum graph_verdict graph_masked_read(struct str text, struct graph_value *out);

/* normalise.c */
bool graph_is_placeholder(struct str text);
void graph_lower(char *text, size_t len); /* ASCII, Latin, Greek, Cyrillic; lengths stay */
bool graph_put(struct graph_value *out, struct str text); /* appends; false when it does not fit */

static inline char graph_lower_byte(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool graph_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool graph_is_hex(char c)
{
    return graph_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

#endif
