/* intelgraph.conf as the command reads it: default below local, as Splunk layers them. */
#ifndef IG_NATIVE_SETTINGS_H
#define IG_NATIVE_SETTINGS_H

#include "integrations/splunk-app/native/settings/places.h"
#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SETTINGS_NAME_MAX = 32, SETTINGS_INSTANCES_MAX = 64 };

/* One [instance:<name>] and what holds for all of them. Lists and specs are texts here as the admin
 * wrote them, their form checked; who uses them reads them. */
struct settings {
    struct str instance; /* its name */
    bool disabled;
    struct str url; /* of the service, with a final slash */
    struct str tenant;
    struct str auth;       /* "token" */
    struct str credential; /* "passwords" or "file:<path>" */
    struct str ca_file;
    struct str ca_pem; /* with real line ends */
    struct str client_cert_file;
    struct str client_key_file;
    struct str proxy;
    struct str proxy_credential; /* "file:<path>" or empty */
    struct str no_proxy;
    struct str link_template;
    struct str audit_key;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;

    struct str splunkd_ca_file;          /* [splunkd] ca_file */
    struct str splunkd_certificate_name; /* [splunkd] certificate_name */

    struct str default_instance; /* [handoff] instance */
    int64_t max_entities;
    int64_t outbox_max_mb;
    int64_t throttle_wait_ms;
    struct str fields_allow;
    struct str fields_deny;
    struct str mask;
};

/* Reads and checks the app's conf for one instance; an empty name is the one that [handoff]
 * instance says. Texts live in the arena. A wrong value, an unknown key (the nearest known one is
 * named), a missing one and an instance that is not there are faults that say where. What another
 * instance's stanza holds wrong is no fault here. */
enum fault_code settings_read(const struct places *places, struct str instance, struct arena *arena,
                              struct settings *out, struct fault *fault) MUST_USE;

/* Reads [splunkd] alone: before it is known which instance is meant, or where none is configured.
 */
enum fault_code settings_read_splunkd(const struct places *places, struct arena *arena,
                                      struct settings *out, struct fault *fault) MUST_USE;

/* The names of all instances, by name; at most SETTINGS_INSTANCES_MAX. */
enum fault_code settings_list(const struct places *places, struct arena *arena,
                              struct str **out_names, size_t *out_count,
                              struct fault *fault) MUST_USE;

/* Whether a text can be an instance's name: a-z, 0-9, _ and -, at most SETTINGS_NAME_MAX. */
bool settings_is_name(struct str name);

/* Adds README/intelgraph.conf.spec, made from the same table. */
void settings_add_spec(struct buf *out);

#endif
