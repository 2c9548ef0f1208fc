#include "integrations/splunk-app/native/settings/policy.h"

#include <stdio.h>
#include <string.h>

#include "libs/crypto/hash.h"
#include "libs/graph/masked.h"

enum policy_action { POLICY_PASS, POLICY_HASH, POLICY_PREFIX, POLICY_DROP };

enum {
    LIST_BYTES = 700,
    NAMES_MAX = 2048,
    TEXTS_BYTES = 64 << 20, /* masked values of one row */
};

static const char *const action_names[] = {
    [POLICY_PASS] = "pass",
    [POLICY_HASH] = "hash",
    [POLICY_PREFIX] = "prefix",
    [POLICY_DROP] = "drop",
};

struct policy_field {
    bool allowed;
    enum policy_action action;
    uint64_t values; /* that were masked or dropped */
};

/* --- lists of patterns --------------------------------------------------------------------- */

/* The next entry of a comma-separated list, blanks around it taken off; false at the end. */
static bool next_entry(struct str *list, struct str *out)
{
    while (list->len > 0) {
        str_cut(*list, ',', out, list);
        *out = str_trim(*out);
        if (out->len > 0)
            return true;
    }
    return false;
}

/* Whether the name is what the pattern says, * standing for any characters. */
static bool matches(struct str pattern, struct str name)
{
    size_t p = 0;
    size_t n = 0;
    size_t star = SIZE_MAX; /* the last one, and where the name goes on after it */
    size_t resume = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool is_listed(struct str list, struct str name)
{
    struct str entry;
    while (next_entry(&list, &entry))
        if (matches(entry, name))
            return true;
    return false;
}

/* "user=hash". */
static bool read_mask(struct str entry, struct str *out_pattern, enum policy_action *out)
{
    struct str word;
    if (!str_cut(entry, '=', out_pattern, &word))
        return false;
    *out_pattern = str_trim(*out_pattern);
    word = str_trim(word);
    for (int action = POLICY_HASH; action <= POLICY_DROP; action++) {
        if (str_equal(word, str_of(action_names[action]))) {
            *out = (enum policy_action)action;
            return out_pattern->len > 0;
        }
    }
    return false;
}

static enum policy_action find_action(struct str list, struct str name)
{
    struct str entry;
    struct str pattern;
    enum policy_action action;
    while (next_entry(&list, &entry))
        if (read_mask(entry, &pattern, &action) && matches(pattern, name))
            return action;
    return POLICY_PASS;
}

static enum fault_code check_fields(struct str list, const char *key, struct fault *fault)
{
    struct str entry;
    while (next_entry(&list, &entry))
        if (str_find_byte(entry, '=') < entry.len || str_find_byte(entry, '"') < entry.len)
            return fault_field(fault, FAULT_INPUT, key,
                               "intelgraph.conf [handoff] %s cannot have \"%.*s\": field names, "
                               "separated by commas, * for any characters",
                               key, STR_ARG(str_take(entry, 60)));
    return FAULT_NONE;
}

enum fault_code policy_check(const struct settings *settings, struct fault *fault)
{
    struct str entry;
    struct str pattern;
    enum policy_action action;
    struct str list = settings->mask;
    enum fault_code code = check_fields(settings->fields_allow, "fields_allow", fault);
    if (code == FAULT_NONE)
        code = check_fields(settings->fields_deny, "fields_deny", fault);
    if (code != FAULT_NONE)
        return code;
    while (next_entry(&list, &entry))
        if (!read_mask(entry, &pattern, &action))
            return fault_field(fault, FAULT_INPUT, "mask",
                               "intelgraph.conf [handoff] mask cannot have \"%.*s\": it must be "
                               "field=hash, field=prefix or field=drop, separated by commas",
                               STR_ARG(str_take(entry, 60)));
    return FAULT_NONE;
}

/* --- for the fields that there are --------------------------------------------------------- */

static void add_name(struct buf *list, struct str name)
{
    if (list->len + name.len + 8 > LIST_BYTES) {
        if (!str_ends(buf_str(list), STR("...")))
            buf_add_c(list, ", ...");
        return;
    }
    buf_addf(list, "%s%.*s", list->len > 0 ? ", " : "", STR_ARG(name));
}

/* Names without an asterisk that no field has: a slip of the pen would leave a field open. */
static void add_unknown(const struct policy *policy, struct str list, bool is_mask, struct buf *out)
{
    struct str entry;
    while (next_entry(&list, &entry)) {
        struct str name = entry;
        enum policy_action action;
        if (is_mask && !read_mask(entry, &name, &action))
            continue;
        if (str_find_byte(name, '*') == name.len && !graph_mapping_find(policy->mapping, name))
            add_name(out, name);
    }
}

static enum fault_code note_unknown(struct policy *policy, const struct settings *settings,
                                    struct arena *arena, struct fault *fault)
{
    struct buf unknown;
    buf_init(&unknown, NAMES_MAX);
    add_unknown(policy, settings->fields_allow, false, &unknown);
    add_unknown(policy, settings->fields_deny, false, &unknown);
    add_unknown(policy, settings->mask, true, &unknown);
    policy->unknown = arena_copy(arena, buf_str(&unknown));
    bool ok = unknown.code == FAULT_NONE && policy->unknown.ptr;
    buf_done(&unknown);
    return ok ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for the fields");
}

static enum fault_code apply(void *context, size_t field, const struct graph_value *value,
                             struct str *out, struct fault *fault);

enum fault_code policy_open(struct policy *policy, const struct settings *settings,
                            const struct graph_mapping *mapping, struct arena *arena,
                            struct fault *fault)
{
    size_t count = graph_mapping_count(mapping);
    bool any = false;
    *policy = (struct policy){.mapping = mapping, .tenant = str_take(settings->tenant, 64)};
    arena_init(&policy->texts, TEXTS_BYTES);
    if (settings->fields_allow.len == 0 && settings->fields_deny.len == 0 &&
        settings->mask.len == 0)
        return FAULT_NONE;
    policy->fields = arena_alloc(arena, count * sizeof *policy->fields);
    bool *masked = arena_alloc(arena, count * sizeof *masked);
    if (!policy->fields || !masked)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the fields");
    for (size_t i = 0; i < count; i++) {
        struct policy_field *field = &policy->fields[i];
        struct str name = graph_mapping_at(mapping, i)->name;
        bool may = settings->fields_allow.len == 0 || is_listed(settings->fields_allow, name);
        field->allowed = may && !is_listed(settings->fields_deny, name);
        field->action = find_action(settings->mask, name);
        masked[i] = field->allowed && field->action != POLICY_PASS;
        policy->left_out += !field->allowed;
        any = any || masked[i];
    }
    if (policy->left_out == count)
        return fault_field(fault, FAULT_INPUT, "fields_allow",
                           "fields_allow and fields_deny in intelgraph.conf leave none of the "
                           "fields that lookups/intelgraph_fields.csv knows");
    if (any)
        policy->mask = (struct graph_mask){.fields = masked, .context = policy, .apply = apply};
    return note_unknown(policy, settings, arena, fault);
}

void policy_done(struct policy *policy)
{
    arena_done(&policy->texts);
}

void policy_row_begin(struct policy *policy)
{
    if (policy->texts.used > 0)
        arena_reset(&policy->texts);
}

bool policy_allows(const struct policy *policy, size_t field)
{
    return !policy->fields || policy->fields[field].allowed;
}

enum fault_code policy_refuse(struct policy *policy, struct str name, struct arena *arena,
                              struct fault *fault)
{
    struct buf list;
    buf_init(&list, NAMES_MAX);
    buf_add(&list, policy->refused);
    add_name(&list, name);
    policy->refused = arena_copy(arena, buf_str(&list));
    bool ok = list.code == FAULT_NONE && policy->refused.ptr;
    buf_done(&list);
    return ok ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for the fields");
}

const struct graph_mask *policy_mask(const struct policy *policy)
{
    return policy->mask.fields ? &policy->mask : NULL;
}

/* --- masking ------------------------------------------------------------------------------- */

/* The tag of a value: of SHA-256 over tenant, kind and value, so that it is the same in every
 * search and on every search head, and differs from tenant to tenant. */
static void write_tag(const struct policy *policy, const struct graph_value *value,
                      struct graph_value *out)
{
    char hex[SHA256_HEX + 1];
    char text[GRAPH_VALUE_MAX + 256];
    /* No part has a NUL in it, so no two triples make the same text. */
    int head = snprintf(text, 256, "intelgraph-mask-1%c%.*s%c%s%c", 0, STR_ARG(policy->tenant), 0,
                        graph_kind_info(value->kind)->name, 0);
    memcpy(text + head, value->text, value->len);
    struct sha256 digest = sha256_of((struct str){text, (size_t)head + value->len});
    hex_of(digest.bytes, sizeof digest.bytes, hex);
    graph_masked_tag(value->kind, hex, out);
}

static enum fault_code apply(void *context, size_t field, const struct graph_value *value,
                             struct str *out, struct fault *fault)
{
    struct policy *policy = context;
    struct policy_field *at = &policy->fields[field];
    struct graph_value masked;
    struct str text = {value->text, value->len};
    at->values++;
    *out = STR("");
    if (at->action == POLICY_DROP)
        return FAULT_NONE;
    if (at->action == POLICY_HASH || !graph_masked_prefix(value->kind, text, &masked))
        write_tag(policy, value, &masked);
    *out = arena_copy(&policy->texts, (struct str){masked.text, masked.len});
    return out->ptr ? FAULT_NONE
                    : fault_set(fault, FAULT_NO_MEMORY, "no memory left for masked values");
}

/* --- telling ------------------------------------------------------------------------------- */

/* "user (12, hash), src_ip (40, prefix)". */
static void add_counted(const struct policy *policy, bool dropped, struct buf *out)
{
    size_t count = graph_mapping_count(policy->mapping);
    for (size_t i = 0; i < count; i++) {
        const struct policy_field *field = &policy->fields[i];
        struct str name = graph_mapping_at(policy->mapping, i)->name;
        if (field->values == 0 || (field->action == POLICY_DROP) != dropped)
            continue;
        if (out->len + name.len + 40 > LIST_BYTES) {
            buf_add_c(out, ", ...");
            return;
        }
        buf_addf(out, "%s%.*s (%llu%s%s)", out->len > 0 ? ", " : "", STR_ARG(name),
                 (unsigned long long)field->values, dropped ? "" : ", ",
                 dropped ? "" : action_names[field->action]);
    }
}

static void say_fields(const struct policy *policy, struct command_messages *messages)
{
    struct buf masked;
    struct buf dropped;
    buf_init(&masked, LIST_BYTES + 100);
    buf_init(&dropped, LIST_BYTES + 100);
    add_counted(policy, false, &masked);
    add_counted(policy, true, &dropped);
    if (masked.len > 0)
        command_say(messages, COMMAND_INFO, "IntelGraph, dry run: masked by the admin: %.*s.",
                    STR_ARG(buf_str(&masked)));
    if (dropped.len > 0)
        command_say(messages, COMMAND_INFO, "IntelGraph, dry run: dropped by the admin: %.*s.",
                    STR_ARG(buf_str(&dropped)));
    if (policy->left_out > 0)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph, dry run: %zu of %zu known fields are not looked at: fields_allow "
                    "and fields_deny of the admin.",
                    policy->left_out, graph_mapping_count(policy->mapping));
    if (policy->unknown.len > 0)
        command_say(messages, COMMAND_WARN,
                    "IntelGraph, dry run: the admin's settings name fields that "
                    "lookups/intelgraph_fields.csv does not have: %.*s.",
                    STR_ARG(policy->unknown));
    buf_done(&masked);
    buf_done(&dropped);
}

void policy_say(const struct policy *policy, const struct graph *graph, bool is_dry_run,
                struct command_messages *messages)
{
    struct graph_counts counts = graph_counts(graph);
    if (policy->refused.len > 0)
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: fields= names what the admin does not let be handed off, which "
                    "was left out: %.*s.",
                    STR_ARG(policy->refused));
    if (!policy->fields)
        return;
    if (is_dry_run)
        say_fields(policy, messages);
    else if (counts.masked > 0 || counts.dropped > 0)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph: by the admin's settings %llu %s masked and %llu dropped.",
                    (unsigned long long)counts.masked,
                    counts.masked == 1 ? "value was" : "values were",
                    (unsigned long long)counts.dropped);
}
