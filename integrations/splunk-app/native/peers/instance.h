/* From an instance's settings to the service behind them: files are read, the way and the trust are
 * as the admin says. Whatever asks the service goes through here. */
#ifndef IG_NATIVE_INSTANCE_H
#define IG_NATIVE_INSTANCE_H

#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/http/client.h"

/* The file that a setting's value names: /x is /x, $SPLUNK_HOME/x lies in Splunk's folder, x in the
 * app's; "file:" before it is passed over. */
enum fault_code instance_path(const struct places *places, struct str value, char out[PATH_MAX],
                              struct fault *fault) MUST_USE;

/* Whether the API token lies in a file that the search itself reads (credential = file:<path>). */
bool instance_has_own_token(const struct settings *settings);

/* Reads that file. Whatever is wrong with it is FAULT_UNSIGNED: an admin must mend it. */
enum fault_code instance_read_token(const struct places *places, const struct settings *settings,
                                    struct http_secret *out, struct fault *fault) MUST_USE;

/* A client for the instance; opens no connection yet. `bearer` is borrowed until it is freed; NULL
 * sends none. A setting that cannot be used is FAULT_UNSIGNED, and the fault's field names it: what
 * is to be sent may go through when an admin has mended that. */
enum fault_code instance_client_new(const struct places *places, const struct settings *settings,
                                    const struct http_secret *bearer, struct http_client **out,
                                    struct fault *fault) MUST_USE;

#endif
