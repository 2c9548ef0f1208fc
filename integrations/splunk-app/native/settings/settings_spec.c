/* The settings as a table, and the spec file that admins read. */
#include <string.h>

#include "integrations/splunk-app/native/settings/settings_table.h"

#define AT(member) offsetof(struct settings, member)

const struct setting settings_table[] = {
    {SETTING_INSTANCE, "disabled", SETTING_BOOLEAN, AT(disabled), "0", 0, 1,
     "Whether this instance is out of use: commands that name it then say so."},
    {SETTING_INSTANCE, "url", SETTING_TEXT, AT(url), NULL, 1, 1024,
     "Address of the IntelGraph service, e.g. https://intelgraph.example/. https, or http to this "
     "machine only."},
    {SETTING_INSTANCE, "tenant", SETTING_TEXT, AT(tenant), NULL, 1, 64,
     "The tenant whose graph receives what is handed off."},
    {SETTING_INSTANCE, "auth", SETTING_TEXT, AT(auth), "token", 1, 16,
     "How the app signs in to the service: token, an API token."},
    {SETTING_INSTANCE, "credential", SETTING_TEXT, AT(credential), "passwords", 1, 1024,
     "Where the API token is. passwords: encrypted in Splunk's storage/passwords, realm "
     "intelgraph, user name as the instance is named, where the settings page puts it and only the "
     "app's broker reads it; each analyst's search then gets a token of its own for five minutes. "
     "file:<path>: a file that holds the token alone, used directly by every search, for machines "
     "without a broker; a path that does not begin with a slash is looked for in the app's folder, "
     "$SPLUNK_HOME stands for its value. Never the token itself."},
    {SETTING_INSTANCE, "ca_file", SETTING_TEXT, AT(ca_file), "", 0, 1024,
     "PEM file of the authorities that may sign the service's certificate (and an https proxy's), "
     "in place of the system's. Paths as for credential. Verification cannot be switched off."},
    {SETTING_INSTANCE, "ca_pem", SETTING_LINES, AT(ca_pem), "", 0, 65536,
     "The same authorities, pasted: PEM text on one line, with \\n for each line end. Only one of "
     "ca_file and ca_pem may be set. With neither, the authorities of the system that Splunk runs "
     "on are used."},
    {SETTING_INSTANCE, "client_cert_file", SETTING_TEXT, AT(client_cert_file), "", 0, 1024,
     "PEM file of the certificate (followed by its chain) that this search head shows when the "
     "service asks for one. Paths as for credential."},
    {SETTING_INSTANCE, "client_key_file", SETTING_TEXT, AT(client_key_file), "", 0, 1024,
     "PEM file of that certificate's private key, not encrypted, readable by the user that runs "
     "Splunk and by nobody else (mode 0600 or 0400)."},
    {SETTING_INSTANCE, "proxy", SETTING_TEXT, AT(proxy), "", 0, 1024,
     "Proxy on the way to the service: http://host:port or https://host:port, without a user name. "
     "Empty: none; the environment's http_proxy and https_proxy are never looked at."},
    {SETTING_INSTANCE, "proxy_credential", SETTING_TEXT, AT(proxy_credential), "", 0, 1024,
     "file:<path> of a file that holds user:password for the proxy on one line, readable by "
     "nobody else (mode 0600 or 0400). An http:// proxy gets them in the clear. Paths as for "
     "credential."},
    {SETTING_INSTANCE, "no_proxy", SETTING_TEXT, AT(no_proxy), "", 0, 4096,
     "What is reached without the proxy, separated by commas: host names (ig.example), suffixes "
     "(.example), addresses (192.0.2.7, 2001:db8::7), networks (10.0.0.0/8, fd00::/8), or * for "
     "everything. Compared with the host in url as it stands there; no name is looked up for it."},
    {SETTING_INSTANCE, "link_template", SETTING_TEXT, AT(link_template), "{url}/open/handoffs/{id}",
     4, 1024,
     "The link that rows and messages carry. {url} stands for url without its final slash, "
     "{tenant} for the tenant, {id} for the hand-off's id, which must be in it. Begins with {url}, "
     "https:// or http://."},
    {SETTING_INSTANCE, "audit_key", SETTING_TEXT, AT(audit_key), "", 0, 512,
     "The verifier key of the service's audit log (intelgraphd audit key prints it). When it is "
     "set, heads of the log that are signed with another key are not believed. Empty: the key that "
     "the service names."},
    {SETTING_INSTANCE, "connect_timeout_ms", SETTING_WHOLE, AT(connect_timeout_ms), "3000", 100,
     60000, "Milliseconds to wait for a connection."},
    {SETTING_INSTANCE, "timeout_ms", SETTING_WHOLE, AT(timeout_ms), "20000", 100, 120000,
     "Milliseconds to wait for one reply of the service."},

    {SETTING_HANDOFF, "instance", SETTING_TEXT, AT(default_instance), "default", 1,
     SETTINGS_NAME_MAX, "The instance that a search uses when it does not say instance=."},
    {SETTING_HANDOFF, "max_entities", SETTING_WHOLE, AT(max_entities), "10000", 1, 100000,
     "Most entities of one hand-off, unless the search says maxentities=. What is over is counted "
     "and told."},
    {SETTING_HANDOFF, "outbox_max_mb", SETTING_WHOLE, AT(outbox_max_mb), "256", 1, 10240,
     "Most megabytes (MiB) that hand-offs may wait in on disk while the service is down."},
    {SETTING_HANDOFF, "throttle_wait_ms", SETTING_WHOLE, AT(throttle_wait_ms), "15000", 0, 120000,
     "Most milliseconds that a search waits for its turn when a budget of the service lets "
     "hand-offs through slowly. What would take longer goes into the outbox at once."},
    {SETTING_HANDOFF, "fields_allow", SETTING_TEXT, AT(fields_allow), "", 0, 8192,
     "Fields that may be handed off, separated by commas; * stands for any characters (src*, "
     "*_ip). Empty: all that lookups/intelgraph_fields.csv knows. A search's fields= can only "
     "narrow this."},
    {SETTING_HANDOFF, "fields_deny", SETTING_TEXT, AT(fields_deny), "", 0, 8192,
     "Fields that are never handed off, written as in fields_allow; stronger than it."},
    {SETTING_HANDOFF, "mask", SETTING_TEXT, AT(mask), "", 0, 8192,
     "Fields whose values leave Splunk only in a changed form: field=hash, field=prefix or "
     "field=drop, separated by commas, fields as in fields_allow; of several that name a field the "
     "first holds. It holds for every search. drop: the value is counted and goes no further. "
     "hash: the value is replaced by the first 16 digits of SHA-256 over tenant, kind and value, "
     "so that equal values stay equal and relations stay; it hides a value from readers, not from "
     "somebody who guesses it and computes the same. prefix: what many share is kept - the /24 or "
     "/48 of an address, the maker of a MAC, what follows the @ of an account or email address, "
     "what follows the first dot of a name, scheme and host of a URL; a value without such a part "
     "is hashed. What stands for a value is of the kind masked in the graph, never of the value's "
     "own."},

    {SETTING_SPLUNKD, "ca_file", SETTING_TEXT, AT(splunkd_ca_file),
     "$SPLUNK_HOME/etc/auth/cacert.pem", 1, 1024,
     "PEM file of the authority that signed splunkd's own certificate (sslRootCAPath in "
     "server.conf, where that is set). Paths as for credential."},
    {SETTING_SPLUNKD, "certificate_name", SETTING_TEXT, AT(splunkd_certificate_name),
     "SplunkServerDefaultCert", 0, 253,
     "The name in splunkd's own certificate. It is asked for in place of 127.0.0.1, which no "
     "certificate of splunkd's has. Where splunkd listens on another address than this machine's "
     "own, the certificate must have the name of that host."},
};

const size_t settings_table_count = sizeof settings_table / sizeof settings_table[0];

static void add_row(struct buf *out, const struct setting *row)
{
    static const char *const shapes[] = {
        [SETTING_TEXT] = "string",
        [SETTING_LINES] = "string",
        [SETTING_WHOLE] = "integer",
        [SETTING_BOOLEAN] = "boolean",
    };
    buf_addf(out, "\n%s = <%s>\n* %s\n", row->key, shapes[row->type], row->help);
    if (row->type == SETTING_WHOLE)
        buf_addf(out, "* From %lld to %lld.\n", (long long)row->least, (long long)row->most);
    if (!row->otherwise)
        buf_add_c(out, "* Required.\n");
    else
        buf_addf(out, "* Default: %s\n", row->otherwise[0] ? row->otherwise : "(empty)");
}

void settings_add_spec(struct buf *out)
{
    buf_add_c(out, "# Settings of IntelGraph for Splunk. Made from the table in "
                   "native/settings/settings_spec.c by\n# `intelgraph spec`.\n");
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (i == 0)
            buf_addf(out,
                     "\n[" SETTINGS_INSTANCE "<name>]\n* One IntelGraph service, or one tenant of "
                     "it. Searches name it by instance=<name>; a name has a-z, 0-9,\n"
                     "  _ and -, and at most %d of them. [" SETTINGS_INSTANCE "default] is there "
                     "from the start.\n",
                     SETTINGS_NAME_MAX);
        else if (row->stanza != row[-1].stanza)
            buf_add_c(out,
                      row->stanza == SETTING_HANDOFF
                          ? "\n[" SETTINGS_HANDOFF "]\n* Holds for every hand-off of everybody.\n"
                          : "\n[" SETTINGS_SPLUNKD "]\n* How the app's own calls of splunkd's REST "
                            "interface are verified.\n");
        add_row(out, row);
    }
}
