/* fields_allow, fields_deny and mask, a line each: what is refused names the setting; patterns mean
 * what fnmatch takes them for; nothing that is denied is ever allowed or masked. */
#include <assert.h>
#include <fnmatch.h>
#include <string.h>

#include "integrations/splunk-app/native/settings/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct graph_mapping *mapping;

/* Whether one of the list's patterns fits, by the C library; only for lists without its other
 * signs. */
static bool fits(struct str list, const char *name)
{
    while (list.len > 0) {
        char pattern[256];
        struct str entry;
        str_cut(list, ',', &entry, &list);
        entry = str_trim(entry);
        if (entry.len > 0 && str_to_c(entry, pattern, sizeof pattern) &&
            fnmatch(pattern, name, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

static void check_fields(const struct policy *policy, const struct settings *settings)
{
    for (size_t i = 0; i < graph_mapping_count(mapping); i++) {
        char name[GRAPH_FIELD_NAME_MAX + 1];
        bool fit = str_to_c(graph_mapping_at(mapping, i)->name, name, sizeof name);
        assert(fit);
        bool allowed = (settings->fields_allow.len == 0 || fits(settings->fields_allow, name)) &&
                       !fits(settings->fields_deny, name);
        assert(policy_allows(policy, i) == allowed);
        assert(allowed || !policy_mask(policy) || !policy_mask(policy)->fields[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {.tenant = STR("acme")};
    struct str rest;
    struct arena arena;
    struct policy policy;
    struct fault fault = {.code = FAULT_NONE};
    if (!mapping && graph_mapping_read(STR("field,kind,role\nsrc_ip,ip,src\ndest_ip,ip,dest\n"
                                           "user,user,user\nsrc user,user,none\n"),
                                       &mapping, &fault) != FAULT_NONE)
        return 0;
    if (size > 4096 || memchr(data, '[', size) || memchr(data, '?', size) || memchr(data, 0, size))
        return 0;
    str_cut((struct str){(const char *)data, size}, '\n', &settings.fields_allow, &rest);
    str_cut(rest, '\n', &settings.fields_deny, &settings.mask);
    if (policy_check(&settings, &fault) != FAULT_NONE) {
        assert(fault.field[0] && fault.text[0]);
        return 0;
    }
    arena_init(&arena, 1 << 20);
    if (policy_open(&policy, &settings, mapping, &arena, &fault) == FAULT_NONE)
        check_fields(&policy, &settings);
    policy_done(&policy);
    arena_done(&arena);
    return 0;
}
