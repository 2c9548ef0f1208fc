#include "integrations/splunk-app/native/settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/http/client.h"
#include "libs/scp/conf.h"

enum type { TEXT, WHOLE };

/* One row a setting: parser, messages and the spec file come from here. */
struct setting {
    const char *stanza;
    const char *key;
    enum type type;
    size_t offset;
    const char *otherwise; /* the default; NULL: must be set */
    int64_t least;         /* of a number; of a text its length */
    int64_t most;
    const char *help;
};

#define INSTANCE   "instance:default"
#define HANDOFF    "handoff"
#define AT(member) offsetof(struct settings, member)

static const struct setting table[] = {
    {INSTANCE, "url", TEXT, AT(url), NULL, 1, 1024,
     "Address of the IntelGraph service, e.g. https://intelgraph.example/. https, or http to this "
     "machine only."},
    {INSTANCE, "tenant", TEXT, AT(tenant), NULL, 1, 64,
     "The tenant whose graph receives what is handed off."},
    {INSTANCE, "credential", TEXT, AT(credential), NULL, 1, 1024,
     "Where the API token is: file:<path> of a file that holds the token alone. A path that does "
     "not "
     "begin with a slash is looked for in the app's folder; $SPLUNK_HOME stands for its value. "
     "Never "
     "the token itself."},
    {INSTANCE, "ca_file", TEXT, AT(ca_file), "", 0, 1024,
     "PEM file of the authority that signed the service's certificate; empty for the system's "
     "authorities. Verification cannot be switched off."},
    {INSTANCE, "connect_timeout_ms", WHOLE, AT(connect_timeout_ms), "3000", 100, 60000,
     "Milliseconds to wait for a connection."},
    {INSTANCE, "timeout_ms", WHOLE, AT(timeout_ms), "20000", 100, 120000,
     "Milliseconds to wait for one reply of the service."},
    {HANDOFF, "max_entities", WHOLE, AT(max_entities), "10000", 1, 100000,
     "Most entities of one hand-off, unless the search says maxentities=. What is over is counted "
     "and told."},
    {HANDOFF, "outbox_max_mb", WHOLE, AT(outbox_max_mb), "256", 1, 10240,
     "Most megabytes (MiB) that hand-offs may wait in on disk while the service is down."},
};

enum { COUNT = sizeof table / sizeof table[0] };

static enum fault_code read_text(const struct setting *setting, struct str value, void *field,
                                 struct fault *fault)
{
    if ((int64_t)value.len < setting->least || (int64_t)value.len > setting->most)
        return fault_field(fault, FAULT_INPUT, setting->key,
                           "intelgraph.conf [%s] %s must have %lld to %lld characters",
                           setting->stanza, setting->key, (long long)setting->least,
                           (long long)setting->most);
    *(struct str *)field = value;
    return FAULT_NONE;
}

static enum fault_code read_whole(const struct setting *setting, struct str value, void *field,
                                  struct fault *fault)
{
    uint64_t number;
    if (!str_to_u64(value, (uint64_t)setting->most, &number) || number < (uint64_t)setting->least)
        return fault_field(
            fault, FAULT_INPUT, setting->key,
            "intelgraph.conf [%s] %s = %.*s must be a whole number from %lld to %lld",
            setting->stanza, setting->key, STR_ARG(str_take(value, 40)), (long long)setting->least,
            (long long)setting->most);
    *(int64_t *)field = (int64_t)number;
    return FAULT_NONE;
}

static enum fault_code read_setting(const struct setting *setting, const struct scp_conf *conf,
                                    struct settings *out, struct fault *fault)
{
    struct str value;
    void *field = (char *)out + setting->offset;
    bool is_set = scp_conf_get(conf, str_of(setting->stanza), str_of(setting->key), &value);
    if (!setting->otherwise && (!is_set || value.len == 0))
        return fault_field(fault, FAULT_INPUT, setting->key,
                           "IntelGraph is not configured: set %s in [%s] of the app's "
                           "local/intelgraph.conf",
                           setting->key, setting->stanza);
    if (!is_set)
        value = str_of(setting->otherwise);
    return setting->type == TEXT ? read_text(setting, value, field, fault)
                                 : read_whole(setting, value, field, fault);
}

static const struct setting *find_nearest(struct str stanza, struct str key)
{
    const struct setting *nearest = NULL;
    size_t least = 4; /* farther ones are no help */
    for (size_t i = 0; i < COUNT; i++) {
        size_t distance = str_distance(key, str_of(table[i].key));
        if (distance < least && str_equal(stanza, str_of(table[i].stanza))) {
            least = distance;
            nearest = &table[i];
        }
    }
    return nearest;
}

static enum fault_code check_keys(const struct scp_conf *conf, struct str stanza,
                                  struct fault *fault)
{
    const struct scp_conf_item *item = NULL;
    while ((item = scp_conf_next(conf, stanza, item))) {
        char where[PATH_MAX];
        struct str key = scp_conf_key(item);
        const struct setting *nearest = find_nearest(stanza, key);
        if (nearest && str_equal(key, str_of(nearest->key)))
            continue;
        scp_conf_where(item, where, sizeof where);
        return fault_field(
            fault, FAULT_INPUT, "conf", "%s: there is no setting \"%.*s\" in [%.*s]%s%s%s", where,
            STR_ARG(str_take(key, 40)), STR_ARG(stanza), nearest ? "; did you mean \"" : "",
            nearest ? nearest->key : "", nearest ? "\"?" : "");
    }
    return FAULT_NONE;
}

static enum fault_code check(struct settings *out, struct arena *arena, struct fault *fault)
{
    if (!str_ends(out->url, STR("/"))) {
        /* Admins leave the final slash out; everything else about an address must be as it is. */
        char *slashed = arena_alloc(arena, out->url.len + 1);
        if (!slashed)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the settings");
        memcpy(slashed, out->url.ptr, out->url.len);
        slashed[out->url.len] = '/';
        out->url = (struct str){slashed, out->url.len + 1};
    }
    enum fault_code code = http_check_url(out->url, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "intelgraph.conf [" INSTANCE "] url: ");
    if (!str_starts(out->credential, STR("file:")) || out->credential.len == strlen("file:"))
        return fault_field(fault, FAULT_INPUT, "credential",
                           "intelgraph.conf [" INSTANCE "] credential must be file:<path>; the "
                           "token itself must not stand in a conf file");
    return FAULT_NONE;
}

enum fault_code settings_read(const struct places *places, struct arena *arena,
                              struct settings *out, struct fault *fault)
{
    static const char *const layers[] = {"default/intelgraph.conf", "local/intelgraph.conf"};
    struct scp_conf conf;
    struct settings settings = {0};
    enum fault_code code = FAULT_NONE;
    scp_conf_init(&conf, arena);
    for (size_t i = 0; i < 2 && code == FAULT_NONE; i++) {
        char path[PATH_MAX];
        code = places_join(path, sizeof path, places->app, layers[i], fault);
        if (code == FAULT_NONE)
            code = scp_conf_add_file(&conf, path, fault);
    }
    if (code == FAULT_NONE)
        code = check_keys(&conf, STR(INSTANCE), fault);
    if (code == FAULT_NONE)
        code = check_keys(&conf, STR(HANDOFF), fault);
    for (size_t i = 0; i < COUNT && code == FAULT_NONE; i++)
        code = read_setting(&table[i], &conf, &settings, fault);
    if (code == FAULT_NONE)
        code = check(&settings, arena, fault);
    if (code == FAULT_NONE)
        *out = settings;
    return code;
}

void settings_add_spec(struct buf *out)
{
    const char *stanza = "";
    buf_add_c(out,
              "# Settings of IntelGraph for Splunk. Made from the table in native/settings.c by\n"
              "# `intelgraph spec`.\n");
    for (size_t i = 0; i < COUNT; i++) {
        const struct setting *row = &table[i];
        if (strcmp(stanza, row->stanza) != 0)
            buf_addf(out, "\n[%s]\n", row->stanza);
        stanza = row->stanza;
        buf_addf(out, "\n%s = <%s>\n* %s\n", row->key, row->type == TEXT ? "string" : "integer",
                 row->help);
        if (row->type == WHOLE)
            buf_addf(out, "* From %lld to %lld.\n", (long long)row->least, (long long)row->most);
        if (!row->otherwise)
            buf_add_c(out, "* Required.\n");
        else
            buf_addf(out, "* Default: %s\n", row->otherwise[0] ? row->otherwise : "(empty)");
    }
}
