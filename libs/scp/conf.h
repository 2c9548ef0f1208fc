/* Splunk's conf files: `[stanza]`, `key = value`, layered default below local. */
#ifndef IG_SCP_CONF_H
#define IG_SCP_CONF_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SCP_CONF_MAX = 1 << 20 /* bytes of one file */ };

struct scp_conf_item;

/* All layers together; a later layer's value for the same stanza and key wins, as in Splunk.
 * Settings before the first stanza, and those of [default], hold for every stanza that lacks them.
 */
struct scp_conf {
    struct arena *arena;
    struct scp_conf_item *newest;
};

void scp_conf_init(struct scp_conf *conf, struct arena *arena);

/* Adds a layer. `name` stands in messages. A line that is neither comment, stanza nor setting is
 * FAULT_INPUT with its number. A value ends at its line's end; a backslash there joins the next
 * line. */
enum fault_code scp_conf_add(struct scp_conf *conf, const char *name, struct str text,
                             struct fault *fault) MUST_USE;

/* Adds the file; one that does not exist is an empty layer. */
enum fault_code scp_conf_add_file(struct scp_conf *conf, const char *path,
                                  struct fault *fault) MUST_USE;

bool scp_conf_has_stanza(const struct scp_conf *conf, struct str stanza);

/* The value in force; false when it is not set. */
bool scp_conf_get(const struct scp_conf *conf, struct str stanza, struct str key,
                  struct str *out_value);

/* Steps through the keys set in exactly this stanza, for finding unknown ones; `from` NULL starts.
 */
const struct scp_conf_item *scp_conf_next(const struct scp_conf *conf, struct str stanza,
                                          const struct scp_conf_item *from);
/* Steps through everything of all layers, newest first; a stanza's own line has an empty key. */
const struct scp_conf_item *scp_conf_each(const struct scp_conf *conf,
                                          const struct scp_conf_item *from);
struct str scp_conf_stanza(const struct scp_conf_item *item);
struct str scp_conf_key(const struct scp_conf_item *item);
/* "local/intelgraph.conf line 12", for messages. */
void scp_conf_where(const struct scp_conf_item *item, char *out, size_t size);

#endif
