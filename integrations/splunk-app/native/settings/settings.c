#include "integrations/splunk-app/native/settings/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integrations/splunk-app/native/settings/settings_table.h"
#include "libs/scp/conf.h"

enum { STANZA_MAX = sizeof SETTINGS_INSTANCE + SETTINGS_NAME_MAX };

/* --- names --------------------------------------------------------------------------------- */

bool settings_is_name(struct str name)
{
    if (name.len == 0 || name.len > SETTINGS_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* The instance's name within its stanza's; false when the stanza is no instance's. */
static bool name_of(struct str stanza, struct str *out)
{
    *out = str_skip(stanza, strlen(SETTINGS_INSTANCE));
    return str_starts(stanza, STR(SETTINGS_INSTANCE));
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Each instance once, by name. */
static enum fault_code list_names(const struct scp_conf *conf, struct arena *arena,
                                  struct str **out_names, size_t *out_count, struct fault *fault)
{
    size_t count = 0;
    struct str *names = arena_alloc(arena, SETTINGS_INSTANCES_MAX * sizeof *names);
    if (!names)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the settings");
    const struct scp_conf_item *item = NULL;
    while ((item = scp_conf_each(conf, item))) {
        struct str name;
        size_t at = 0;
        if (!name_of(scp_conf_stanza(item), &name))
            continue;
        while (at < count && !str_equal(names[at], name))
            at++;
        if (at < count)
            continue;
        if (count == SETTINGS_INSTANCES_MAX)
            return fault_set(fault, FAULT_LIMIT,
                             "intelgraph.conf has more than %d stanzas [" SETTINGS_INSTANCE "...]",
                             SETTINGS_INSTANCES_MAX);
        names[count++] = name;
    }
    qsort(names, count, sizeof *names, compare_names);
    *out_names = names;
    *out_count = count;
    return FAULT_NONE;
}

/* --- one value ----------------------------------------------------------------------------- */

/* "[instance:lab] url": how messages name a setting. */
static const char *name_setting(const struct setting *setting, struct str stanza, char *out,
                                size_t size)
{
    snprintf(out, size, "intelgraph.conf [%.*s] %s", STR_ARG(stanza), setting->key);
    return out;
}

/* Takes the two characters \n for a line end. */
static enum fault_code read_lines(struct str value, struct arena *arena, struct str *field,
                                  struct fault *fault)
{
    struct str copy = arena_copy(arena, value);
    char *text = (char *)copy.ptr;
    size_t len = 0;
    if (!text)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the settings");
    for (size_t i = 0; i < value.len; i++) {
        bool ends = value.ptr[i] == '\\' && i + 1 < value.len && value.ptr[i + 1] == 'n';
        text[len++] = ends ? '\n' : value.ptr[i];
        i += ends;
    }
    *field = (struct str){text, len};
    return FAULT_NONE;
}

static enum fault_code read_text(const struct setting *setting, struct str stanza, struct str value,
                                 void *field, struct arena *arena, struct fault *fault)
{
    char where[128];
    if ((int64_t)value.len < setting->least || (int64_t)value.len > setting->most)
        return fault_field(fault, FAULT_INPUT, setting->key, "%s must have %lld to %lld characters",
                           name_setting(setting, stanza, where, sizeof where),
                           (long long)setting->least, (long long)setting->most);
    if (setting->type == SETTING_LINES)
        return read_lines(value, arena, field, fault);
    *(struct str *)field = value;
    return FAULT_NONE;
}

static enum fault_code read_whole(const struct setting *setting, struct str stanza,
                                  struct str value, void *field, struct fault *fault)
{
    uint64_t number;
    char where[128];
    if (!str_to_u64(value, (uint64_t)setting->most, &number) || number < (uint64_t)setting->least)
        return fault_field(
            fault, FAULT_INPUT, setting->key, "%s = %.*s must be a whole number from %lld to %lld",
            name_setting(setting, stanza, where, sizeof where), STR_ARG(str_take(value, 40)),
            (long long)setting->least, (long long)setting->most);
    *(int64_t *)field = (int64_t)number;
    return FAULT_NONE;
}

static enum fault_code read_setting(const struct setting *setting, struct str stanza,
                                    const struct scp_conf *conf, struct settings *out,
                                    struct fault *fault)
{
    char where[128];
    struct str value = STR("");
    void *field = (char *)out + setting->offset;
    bool is_set = scp_conf_get(conf, stanza, str_of(setting->key), &value) && value.len > 0;
    if (!setting->otherwise && !is_set)
        return fault_field(fault, FAULT_INPUT, setting->key,
                           "IntelGraph is not configured: set %s in [%.*s] on the app's settings "
                           "page, or in its local/intelgraph.conf",
                           setting->key, STR_ARG(stanza));
    if (!is_set)
        value = str_of(setting->otherwise);
    switch (setting->type) {
    case SETTING_WHOLE:
        return read_whole(setting, stanza, value, field, fault);
    case SETTING_BOOLEAN:
        if (!str_to_bool(value, field))
            return fault_field(
                fault, FAULT_INPUT, setting->key, "%s = %.*s is neither true nor false",
                name_setting(setting, stanza, where, sizeof where), STR_ARG(str_take(value, 40)));
        return FAULT_NONE;
    default:
        return read_text(setting, stanza, value, field, conf->arena, fault);
    }
}

/* --- names of stanzas and keys ------------------------------------------------------------- */

static const struct setting *find_setting(enum setting_stanza stanza, struct str key)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (settings_table[i].stanza == stanza && str_equal(key, str_of(settings_table[i].key)))
            return &settings_table[i];
    return NULL;
}

static const char *find_nearest(enum setting_stanza stanza, struct str key)
{
    const char *nearest = NULL;
    size_t least = 4; /* farther ones are no help */
    for (size_t i = 0; i < settings_table_count; i++) {
        size_t distance = str_distance(key, str_of(settings_table[i].key));
        if (distance < least && settings_table[i].stanza == stanza) {
            least = distance;
            nearest = settings_table[i].key;
        }
    }
    return nearest;
}

static enum fault_code unknown_key(const struct scp_conf_item *item, enum setting_stanza stanza,
                                   struct fault *fault)
{
    char where[PATH_MAX];
    struct str key = scp_conf_key(item);
    const char *nearest = find_nearest(stanza, key);
    scp_conf_where(item, where, sizeof where);
    return fault_field(
        fault, FAULT_INPUT, "conf", "%s: there is no setting \"%.*s\" in [%.*s]%s%s%s", where,
        STR_ARG(str_take(key, 40)), STR_ARG(scp_conf_stanza(item)),
        nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static enum fault_code unknown_stanza(const struct scp_conf_item *item, struct fault *fault)
{
    char where[PATH_MAX];
    struct str name;
    struct str stanza = str_take(scp_conf_stanza(item), 60);
    scp_conf_where(item, where, sizeof where);
    if (name_of(stanza, &name))
        return fault_field(fault, FAULT_INPUT, "conf",
                           "%s: \"%.*s\" cannot be an instance's name: a-z, 0-9, _ and -, at most "
                           "%d of them",
                           where, STR_ARG(name), SETTINGS_NAME_MAX);
    return fault_field(fault, FAULT_INPUT, "conf",
                       "%s: there is no stanza [%.*s]; known are [" SETTINGS_INSTANCE
                       "<name>], [" SETTINGS_HANDOFF "] and [" SETTINGS_SPLUNKD "]",
                       where, STR_ARG(stanza));
}

/* Looks through the stanzas that this instance depends on. */
static enum fault_code check_names(const struct scp_conf *conf, struct str chosen,
                                   struct fault *fault)
{
    const struct scp_conf_item *item = NULL;
    while ((item = scp_conf_each(conf, item))) {
        struct str name;
        struct str stanza = scp_conf_stanza(item);
        struct str key = scp_conf_key(item);
        enum setting_stanza kind = SETTING_HANDOFF;
        if (str_equal(stanza, STR("default")))
            continue; /* what it holds is looked for by name */
        if (name_of(stanza, &name)) {
            if (!settings_is_name(name))
                return unknown_stanza(item, fault);
            if (!str_equal(name, chosen))
                continue;
            kind = SETTING_INSTANCE;
        } else if (str_equal(stanza, STR(SETTINGS_SPLUNKD))) {
            kind = SETTING_SPLUNKD;
        } else if (!str_equal(stanza, STR(SETTINGS_HANDOFF))) {
            return unknown_stanza(item, fault);
        }
        if (key.len > 0 && !find_setting(kind, key))
            return unknown_key(item, kind, fault);
    }
    return FAULT_NONE;
}

/* --- all ----------------------------------------------------------------------------------- */

static enum fault_code no_such_instance(const struct scp_conf *conf, struct str name,
                                        struct arena *arena, struct fault *fault)
{
    struct str *names;
    size_t count;
    struct buf list;
    enum fault_code code = list_names(conf, arena, &names, &count, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&list, 256);
    for (size_t i = 0; i < count; i++)
        buf_addf(&list, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(names[i]));
    code = fault_field(fault, FAULT_INPUT, "instance",
                       "there is no instance \"%.*s\" in intelgraph.conf; there is: %.*s",
                       STR_ARG(str_take(name, 40)), STR_ARG(buf_str(&list)));
    buf_done(&list);
    return code;
}

static enum fault_code read_files(const struct places *places, struct arena *arena,
                                  struct scp_conf *out, struct fault *fault)
{
    static const char *const layers[] = {"default/intelgraph.conf", "local/intelgraph.conf"};
    enum fault_code code = FAULT_NONE;
    scp_conf_init(out, arena);
    for (size_t i = 0; i < 2 && code == FAULT_NONE; i++) {
        char path[PATH_MAX];
        code = places_join(path, sizeof path, places->app, layers[i], fault);
        if (code == FAULT_NONE)
            code = scp_conf_add_file(out, path, fault);
    }
    return code;
}

/* Reads the rows of one stanza. */
static enum fault_code read_stanza(enum setting_stanza kind, struct str stanza,
                                   const struct scp_conf *conf, struct settings *settings,
                                   struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < settings_table_count && code == FAULT_NONE; i++)
        if (settings_table[i].stanza == kind)
            code = read_setting(&settings_table[i], stanza, conf, settings, fault);
    return code;
}

enum fault_code settings_read(const struct places *places, struct str instance, struct arena *arena,
                              struct settings *out, struct fault *fault)
{
    char stanza[STANZA_MAX];
    struct scp_conf conf;
    struct settings settings = {0};
    enum fault_code code = read_files(places, arena, &conf, fault);
    if (code == FAULT_NONE)
        code = read_stanza(SETTING_HANDOFF, STR(SETTINGS_HANDOFF), &conf, &settings, fault);
    if (code == FAULT_NONE)
        code = read_stanza(SETTING_SPLUNKD, STR(SETTINGS_SPLUNKD), &conf, &settings, fault);
    if (code != FAULT_NONE)
        return code;
    settings.instance = instance.len > 0 ? instance : settings.default_instance;
    code = check_names(&conf, settings.instance, fault);
    if (code != FAULT_NONE)
        return code;
    snprintf(stanza, sizeof stanza, SETTINGS_INSTANCE "%.*s",
             STR_ARG(str_take(settings.instance, SETTINGS_NAME_MAX)));
    if (!settings_is_name(settings.instance) || !scp_conf_has_stanza(&conf, str_of(stanza)))
        return no_such_instance(&conf, settings.instance, arena, fault);
    code = read_stanza(SETTING_INSTANCE, str_of(stanza), &conf, &settings, fault);
    if (code == FAULT_NONE)
        code = settings_check(&settings, arena, fault);
    if (code == FAULT_NONE)
        *out = settings;
    return code;
}

enum fault_code settings_read_splunkd(const struct places *places, struct arena *arena,
                                      struct settings *out, struct fault *fault)
{
    struct scp_conf conf;
    struct settings settings = {0};
    enum fault_code code = read_files(places, arena, &conf, fault);
    if (code == FAULT_NONE)
        code = read_stanza(SETTING_SPLUNKD, STR(SETTINGS_SPLUNKD), &conf, &settings, fault);
    if (code == FAULT_NONE)
        *out = settings;
    return code;
}

enum fault_code settings_list(const struct places *places, struct arena *arena,
                              struct str **out_names, size_t *out_count, struct fault *fault)
{
    struct scp_conf conf;
    enum fault_code code = read_files(places, arena, &conf, fault);
    return code == FAULT_NONE ? list_names(&conf, arena, out_names, out_count, fault) : code;
}
