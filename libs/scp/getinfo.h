/* What splunkd says at the start (getinfo) and with each chunk (execute). */
#ifndef IG_SCP_GETINFO_H
#define IG_SCP_GETINFO_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum { SCP_ARGS_MAX = 256 };

/* Members that splunkd leaves out (6.3 knows fewer) are empty or false. Texts live in the arena. */
struct scp_getinfo {
    bool preview;
    size_t arg_count;
    struct str args[SCP_ARGS_MAX]; /* unquoted by splunkd: title=x, or title = x as three */
    struct str dispatch_dir;
    struct str sid;
    struct str app;
    struct str owner;
    struct str username;
    struct str session_key; /* a secret: never logged, never in an error */
    struct str splunkd_uri;
    struct str splunk_version;
    struct str search; /* decoded from splunkd's percent-encoding */
    struct str command;
    int64_t earliest_us; /* 0: not given */
    int64_t latest_us;
    int64_t max_result_rows; /* most rows of one reply of a generating command; 0: not given */
};

enum scp_action { SCP_GETINFO, SCP_EXECUTE };

struct scp_metadata {
    enum scp_action action;
    bool finished; /* of execute */
};

enum fault_code scp_metadata_read(struct arena *arena, struct str metadata,
                                  struct scp_metadata *out, struct fault *fault) MUST_USE;
enum fault_code scp_getinfo_read(struct arena *arena, struct str metadata, struct scp_getinfo *out,
                                 struct fault *fault) MUST_USE;

/* An argument as name and value: "title=x", and also the three `title` `=` `x` that splunkd makes
 * of blanks around the sign. A word without a sign has an empty name. */
struct scp_arg {
    struct str name;
    struct str value;
};

/* Steps through the arguments; *at starts at 0. False at the end. */
bool scp_arg_next(const struct scp_getinfo *info, size_t *at, struct scp_arg *out);

#endif
