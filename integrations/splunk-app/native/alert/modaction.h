/* The log that Enterprise Security reads to show what became of an adaptive response:
 * var/log/splunk/send_to_intelgraph_modalert.log, which Splunk itself indexes into _internal.
 *
 *   2026-11-23 12:30:26,415+0000 INFO sendmodaction - worker="sh1" signature="..."
 *     action_name="send_to_intelgraph" search_name="Beacons" sid="scheduler__..." rid="0"
 *     app="search" user="mara" digest_mode="0" action_mode="saved" action_status="success"
 *
 * in one line; pairs with nothing to say are left out. */
#ifndef IG_NATIVE_MODACTION_H
#define IG_NATIVE_MODACTION_H

#include "integrations/splunk-app/native/alert/alert_payload.h"
#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/settings/places.h"

enum { MODACTION_LOG_BYTES = 25 << 20 }; /* then the log is renamed to <name>.1 */

struct modaction {
    const struct alert_payload *payload;
    /* of the first result, when it came out of an earlier action */
    struct str orig_sid;
    struct str rid;
    struct str orig_rid;
};

/* Adds the line with its LF. `status` is "success", "failure" or "" (not known yet). */
void modaction_add(const struct modaction *action, int64_t now_us, enum command_level level,
                   struct str signature, const char *status, struct buf *out);

/* Appends the line of now to the log. */
enum fault_code modaction_log(const struct modaction *action, const struct places *places,
                              enum command_level level, struct str signature, const char *status,
                              struct fault *fault) MUST_USE;

#endif
