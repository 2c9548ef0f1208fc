/* Every cure, once: a sentence that names the setting or the command that cures. The runbook's
 * table (docs/runbooks/doctor.md) has the same sentences; a test compares. */
#include "integrations/splunk-app/native/doctor/doctor.h"

const struct doctor_cure_text doctor_cures[CURE_COUNT] = {
    [CURE_NONE] = {DOCTOR_SETTINGS, ""},
    [CURE_SETTINGS] = {DOCTOR_SETTINGS, "Correct what the value names on the app's settings page, "
                                        "or in local/intelgraph.conf."},
    [CURE_DISABLED] = {DOCTOR_SETTINGS, "Set disabled = 0 in [instance:<name>], or name another "
                                        "instance with instance=."},
    [CURE_NAME] = {DOCTOR_DNS, "Correct the host in url of [instance:<name>], or make the name "
                               "servers of this search head know it."},
    [CURE_RESOLVER] = {DOCTOR_DNS, "Make the name servers in /etc/resolv.conf answer this search "
                                   "head."},
    [CURE_PROXY_NAME] = {DOCTOR_DNS, "Correct the host in proxy of [instance:<name>]."},
    [CURE_REFUSED] = {DOCTOR_TCP, "Start the service (systemctl start intelgraphd), or correct the "
                                  "port in url of [instance:<name>]."},
    [CURE_FIREWALL] = {DOCTOR_TCP, "Let this search head through to the service in the firewall, "
                                   "or set proxy of [instance:<name>]."},
    [CURE_PROXY_AWAY] = {DOCTOR_TCP, "Correct proxy of [instance:<name>], or let this search head "
                                     "through to it."},
    [CURE_AUTHORITY] = {DOCTOR_TLS, "Set ca_file or ca_pem of [instance:<name>] to the authority "
                                    "that signed the service's certificate."},
    [CURE_EXPIRED] = {DOCTOR_TLS, "Renew the service's certificate, or set the clock right if it "
                                  "is wrong."},
    [CURE_ENDS_SOON] = {DOCTOR_TLS, "Renew the certificate that ends within 30 days."},
    [CURE_OTHER_NAME] = {DOCTOR_TLS, "Set url of [instance:<name>] to a name that the certificate "
                                     "holds."},
    [CURE_CLIENT_CERT] = {DOCTOR_TLS, "Set client_cert_file and client_key_file of "
                                      "[instance:<name>] to a certificate that the service "
                                      "accepts, and its key."},
    [CURE_HANDSHAKE] = {DOCTOR_TLS, "Make sure that TLS 1.2 or newer is served at url of "
                                    "[instance:<name>]."},
    [CURE_PROXY_CREDENTIAL] = {DOCTOR_PROXY, "Set proxy_credential of [instance:<name>] to a file "
                                             "that holds user:password of the proxy."},
    [CURE_PROXY_REFUSES] = {DOCTOR_PROXY, "Allow the service's address in the proxy, or name its "
                                          "host in no_proxy of [instance:<name>]."},
    [CURE_PROXY_AUTHORITY] = {DOCTOR_PROXY,
                              "Set ca_file or ca_pem of [instance:<name>] to hold the "
                              "authority that signed the proxy's certificate too."},
    [CURE_CLOCK] = {DOCTOR_CLOCK, "Synchronise the clocks of this search head and of the service "
                                  "(chronyc makestep)."},
    [CURE_NO_ANSWER] = {DOCTOR_CLOCK, "Look at the service's log (journalctl -u intelgraphd), and "
                                      "whether url of [instance:<name>] is its address."},
    [CURE_STORE_TOKEN] = {DOCTOR_TOKEN, "Store the API token of the instance on the app's settings "
                                        "page."},
    [CURE_NEW_TOKEN] = {DOCTOR_TOKEN, "Make a new API token (intelgraphd token create --role "
                                      "broker) and store it on the app's settings page."},
    [CURE_CAPABILITY] = {DOCTOR_TOKEN, "Give your role the capability intelgraph_read, and "
                                       "intelgraph_handoff to hand off (the roles "
                                       "intelgraph_analyst and intelgraph_admin have both)."},
    [CURE_CREDENTIAL] = {DOCTOR_TOKEN, "Correct credential of [instance:<name>]: passwords, or "
                                       "file:<path> of a file that holds the token alone."},
    [CURE_TOKEN_ENDS] = {DOCTOR_TOKEN, "Make a new API token before this one ends, and put it in "
                                       "its place."},
    [CURE_BROKER] = {DOCTOR_TOKEN, "Look for the handler intelgraph_broker in index=_internal "
                                   "sourcetype=splunkd, and restart Splunk if the app is new."},
    [CURE_SCOPE] = {DOCTOR_SCOPE, "Give your role the capability that is missing: "
                                  "intelgraph_handoff to hand off, intelgraph_read to look."},
    [CURE_ROLE] = {DOCTOR_SCOPE, "Make the API token with a role that may hand off (intelgraphd "
                                 "token create --role analyst)."},
    [CURE_TENANT] = {DOCTOR_TENANT, "Set tenant of [instance:<name>] to the tenant of the token, "
                                    "or store a token of that tenant."},
    [CURE_KVSTORE] = {DOCTOR_KVSTORE, "Run splunk show kvstore-status, and look at "
                                      "var/log/splunk/mongod.log."},
    [CURE_KVSTORE_ADMIN] = {DOCTOR_KVSTORE, "Run igdoctor as an administrator of Splunk to see "
                                            "the KV store's state."},
    [CURE_SPLUNKD] = {DOCTOR_KVSTORE, "Set ca_file and certificate_name in [splunkd] to the "
                                      "authority and the name of splunkd's own certificate."},
    [CURE_WAITING] = {DOCTOR_OUTBOX, "Run any ighandoff once the service answers: it takes along "
                                     "what waits."},
    [CURE_OUTBOX_FULL] = {DOCTOR_OUTBOX, "Bring the service back, or raise outbox_max_mb in "
                                         "[handoff]."},
    [CURE_OUTBOX_REFUSED] = {DOCTOR_OUTBOX, "Look at why the service refused them (index=_internal "
                                            "sourcetype=intelgraph:audit result=refused), then "
                                            "remove the files from outbox/refused."},
    [CURE_OUTBOX_FOLDER] = {DOCTOR_OUTBOX, "Make var/lib/splunk/intelgraph readable and writable "
                                           "for the user that runs Splunk."},
    [CURE_LOG_FOLDER] = {DOCTOR_LOG, "Make var/log/splunk and intelgraph_audit.log in it writable "
                                     "for the user that runs Splunk."},
    [CURE_LOG_SPACE] = {DOCTOR_LOG, "Free space on the disk of var/log/splunk."},
    [CURE_BINARY] = {DOCTOR_BINARY, "Install the app's package again, and restart Splunk."},
    [CURE_UPGRADE_SERVICE] = {DOCTOR_SERVICE, "Upgrade intelgraphd to a version that this app "
                                              "works with."},
    [CURE_UPGRADE_APP] = {DOCTOR_SERVICE, "Upgrade the app to a version that works with this "
                                          "intelgraphd."},
    [CURE_NOT_READY] = {DOCTOR_SERVICE, "Mend what the service says it lacks; GET /readyz of it "
                                        "says when it is ready."},
    [CURE_NOT_OURS] = {DOCTOR_CLOCK, "Correct url of [instance:<name>]: what answers there is not "
                                     "intelgraphd."},
    [CURE_BUDGET_BLOCKED] = {DOCTOR_BUDGET, "Raise the budget's limit or give an override in the "
                                            "service (page Budgets), or wait until it resets."},
    [CURE_BUDGET_THROTTLED] = {DOCTOR_BUDGET, "Raise the budget's limit in the service (page "
                                              "Budgets), or throttle_wait_ms in [handoff] so that "
                                              "searches wait longer for their turn."},
    [CURE_BUDGET_NEAR] = {DOCTOR_BUDGET, "Look at the dashboard Budgets, and raise the limit or "
                                         "use less before it is reached."},
    [CURE_BUDGET_AWAY] = {DOCTOR_BUDGET, "Look at the service's log (journalctl -u intelgraphd): "
                                         "GET /v1/budgets must answer."},
    [CURE_AUDIT] = {DOCTOR_AUDIT, "Keep intelgraph_audit.log, and have intelgraphd audit verify "
                                  "--heads run over it (docs/runbooks/audit.md)."},
};
