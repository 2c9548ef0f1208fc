#include <string.h>

#include "integrations/splunk-app/native/settings/link.h"
#include "integrations/splunk-app/native/settings/policy.h"
#include "integrations/splunk-app/native/settings/settings_table.h"
#include "libs/http/client.h"

/* Puts the setting's place before a sentence that names the setting already. */
static enum fault_code prefix(const struct settings *settings, struct fault *fault)
{
    return fault_prefix(fault, "intelgraph.conf [" SETTINGS_INSTANCE "%.*s] ",
                        STR_ARG(settings->instance));
}

static enum fault_code wrong(const struct settings *settings, const char *key, const char *sentence,
                             struct fault *fault)
{
    fault_field(fault, FAULT_INPUT, key, "%s", sentence);
    return prefix(settings, fault);
}

static enum fault_code check_url(struct settings *settings, struct arena *arena,
                                 struct fault *fault)
{
    struct str url = settings->url;
    if (!str_ends(url, STR("/"))) {
        /* Admins leave the final slash out; everything else about an address must be as it is. */
        char *slashed = arena_alloc(arena, url.len + 1);
        if (!slashed)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the settings");
        memcpy(slashed, url.ptr, url.len);
        slashed[url.len] = '/';
        settings->url = (struct str){slashed, url.len + 1};
    }
    if (http_check_url(settings->url, fault) == FAULT_NONE)
        return FAULT_NONE;
    fault_prefix(fault, "url: ");
    return prefix(settings, fault);
}

static bool names_file(struct str value)
{
    return str_starts(value, STR("file:")) && value.len > strlen("file:");
}

static enum fault_code check_signing_in(const struct settings *settings, struct fault *fault)
{
    if (!str_equal(settings->auth, STR("token")))
        return wrong(settings, "auth", "auth must be token", fault);
    if (!str_equal(settings->credential, STR("passwords")) && !names_file(settings->credential))
        return wrong(settings, "credential",
                     "credential must be passwords or file:<path>; the token itself must not stand "
                     "in a conf file",
                     fault);
    return FAULT_NONE;
}

static enum fault_code check_tls(const struct settings *settings, struct fault *fault)
{
    if (settings->ca_file.len > 0 && settings->ca_pem.len > 0)
        return wrong(settings, "ca_pem", "ca_file and ca_pem are both set; only one of them may be",
                     fault);
    if ((settings->client_cert_file.len > 0) != (settings->client_key_file.len > 0))
        return wrong(settings, "client_cert_file",
                     "client_cert_file and client_key_file must be set both, or none of them",
                     fault);
    return FAULT_NONE;
}

static enum fault_code check_way(const struct settings *settings, struct fault *fault)
{
    if (settings->proxy.len > 0 && http_check_proxy(settings->proxy, fault) != FAULT_NONE)
        return prefix(settings, fault);
    if (http_check_no_proxy(settings->no_proxy, fault) != FAULT_NONE)
        return prefix(settings, fault);
    if (settings->proxy_credential.len > 0 && !names_file(settings->proxy_credential))
        return wrong(settings, "proxy_credential",
                     "proxy_credential must be file:<path>; user and password must not stand in a "
                     "conf file",
                     fault);
    return FAULT_NONE;
}

enum fault_code settings_check(struct settings *settings, struct arena *arena, struct fault *fault)
{
    if (settings->disabled)
        return fault_field(fault, FAULT_INPUT, "disabled",
                           "the instance %.*s is disabled in intelgraph.conf; name another one by "
                           "instance=",
                           STR_ARG(settings->instance));
    enum fault_code code = policy_check(settings, fault);
    if (code == FAULT_NONE)
        code = check_url(settings, arena, fault);
    if (code == FAULT_NONE)
        code = check_signing_in(settings, fault);
    if (code == FAULT_NONE)
        code = check_tls(settings, fault);
    if (code == FAULT_NONE)
        code = check_way(settings, fault);
    if (code == FAULT_NONE && link_check(settings, fault) != FAULT_NONE)
        code = prefix(settings, fault);
    return code;
}
