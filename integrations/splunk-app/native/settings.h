/* intelgraph.conf as the command reads it: default below local, as Splunk layers them. */
#ifndef IG_NATIVE_SETTINGS_H
#define IG_NATIVE_SETTINGS_H

#include "integrations/splunk-app/native/places.h"
#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

struct settings {
    struct str url; /* of the service, with a final slash */
    struct str tenant;
    struct str credential; /* "file:<path>" */
    struct str ca_file;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t max_entities;
    int64_t outbox_max_mb;
};

/* Reads and checks the app's conf. Texts live in the arena. A wrong value, an unknown key (the
 * nearest known one is named) and a missing one are faults that say file and line. */
enum fault_code settings_read(const struct places *places, struct arena *arena,
                              struct settings *out, struct fault *fault) MUST_USE;

/* Adds README/intelgraph.conf.spec, made from the same table. */
void settings_add_spec(struct buf *out);

#endif
