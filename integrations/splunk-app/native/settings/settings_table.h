/* One row a setting of intelgraph.conf: parser, messages and the spec file come from it. For
 * settings*.c only. */
#ifndef IG_NATIVE_SETTINGS_TABLE_H
#define IG_NATIVE_SETTINGS_TABLE_H

#include <stddef.h>

#include "integrations/splunk-app/native/settings/settings.h"

enum setting_type { SETTING_TEXT, SETTING_LINES, SETTING_WHOLE, SETTING_BOOLEAN };
enum setting_stanza { SETTING_INSTANCE, SETTING_HANDOFF, SETTING_SPLUNKD };

struct setting {
    enum setting_stanza stanza;
    const char *key;
    enum setting_type type; /* LINES: a text whose line ends are written as \n */
    size_t offset;
    const char *otherwise; /* the default, also of one that is set to nothing; NULL: must be set */
    int64_t least;         /* of a number; of a text its length */
    int64_t most;
    const char *help;
};

#define SETTINGS_INSTANCE "instance:"
#define SETTINGS_HANDOFF  "handoff"
#define SETTINGS_SPLUNKD  "splunkd"

extern const struct setting settings_table[];
extern const size_t settings_table_count;

/* settings_check.c: whether the values fit each other and have the form that they must have; gives
 * the address its final slash. */
enum fault_code settings_check(struct settings *settings, struct arena *arena,
                               struct fault *fault) MUST_USE;

#endif
