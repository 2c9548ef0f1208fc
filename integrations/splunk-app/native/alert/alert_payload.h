/* What splunkd writes to an alert action's standard input: one JSON object.
 *
 *   {"app":"search","owner":"mara","server_host":"sh1","server_uri":"https://127.0.0.1:8089",
 *    "session_key":"...","sid":"scheduler__mara__search__RMD5..._at_1763863200_42",
 *    "search_name":"Beacons","results_file":".../dispatch/<sid>/results.csv.gz",
 *    "results_link":"...","result":{...},"configuration":{"title":"...","fields":"src,dest"}}
 *
 * Members it does not know are passed over: a newer splunkd may say more. `result`, the first row,
 * is not read at all: it can be of any size and hold anything, and the results file has it too. */
#ifndef IG_NATIVE_ALERT_PAYLOAD_H
#define IG_NATIVE_ALERT_PAYLOAD_H

#include "integrations/splunk-app/native/handoff/args.h"
#include "libs/core/arena.h"
#include "libs/text/json.h"

enum { ALERT_PAYLOAD_MAX = 32 << 20 };

/* Texts live in the arena. */
struct alert_payload {
    struct str app;
    struct str user; /* in whose name the search ran, and so the action */
    struct str server_host;
    struct str server_uri;
    struct str session_key; /* a secret: never logged, never in an error */
    struct str sid;
    struct str search_name;
    struct str results_file;
    struct str result_id; /* of the one result that this action is for; "" when it is for all */
    bool per_result;      /* the alert is triggered for each result */
    bool is_saved;        /* a scheduled search, not one by hand */
    const struct json *configuration;
};

/* Reads and checks all but the parameters. */
enum fault_code alert_payload_read(struct arena *arena, struct str json, struct alert_payload *out,
                                   struct fault *fault) MUST_USE;

/* Reads the action's parameters: an unknown one is refused with the nearest known one, since what a
 * misspelt one was to keep back would go out. Those that Splunk and Enterprise Security put beside
 * them are passed over, and empty ones are not given. */
enum fault_code alert_payload_parameters(const struct alert_payload *payload, struct arena *arena,
                                         struct args *out, struct fault *fault) MUST_USE;

/* Adds the action in one canonical spelling: part of a hand-off's identity. The title is no part of
 * it, since splunkd fills its $tokens$ anew each time; the result's id is, since all results of one
 * search share its sid. */
void alert_payload_add_canonical(const struct alert_payload *payload, const struct args *args,
                                 struct buf *out);

#endif
