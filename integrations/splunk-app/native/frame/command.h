/* A search command as splunkd sees it: one reply for each request, whatever happens.
 *
 * The loop here is the only one that reads from and writes to splunkd. A command is three
 * functions; it never touches the descriptors, so tests and fuzzers drive it with other ones. */
#ifndef IG_NATIVE_COMMAND_H
#define IG_NATIVE_COMMAND_H

#include "integrations/splunk-app/native/frame/rows.h"
#include "libs/scp/getinfo.h"

enum { COMMAND_MESSAGES_MAX = 8, COMMAND_MESSAGE_BYTES = 1024 };

enum command_level { COMMAND_INFO, COMMAND_WARN, COMMAND_ERROR };

struct command_message {
    enum command_level level;
    char text[COMMAND_MESSAGE_BYTES];
};

/* What the analyst reads below the search bar. splunkd refuses the same text twice, so it is kept
 * once. */
struct command_messages {
    size_t count;
    struct command_message list[COMMAND_MESSAGES_MAX];
};

void command_say(struct command_messages *messages, enum command_level level, const char *format,
                 ...) PRINTF_LIKE(3, 4);

/* `one` or `many`, as the number wants it: "1 row", "2 rows". */
const char *command_plural(uint64_t number, const char *one, const char *many);

struct command_reply {
    struct command_messages messages;
    struct rows *rows; /* the rows that pass; NULL: an empty body */
    rows_cells *cells; /* their added cells */
    const void *context;
    struct str body; /* a generating command's rows, header line first; lives as `arena` does or
                        longer */
    bool more;       /* it has further rows: splunkd is to ask again */
};

struct command {
    const char *name;
    void *state;
    bool generating; /* makes rows instead of passing them: generating.h */

    /* Answers getinfo without side effects: adds the members of the reply ("type",
     * "required_fields") to `out_members`, as JSON without the braces. `info` lives as long as the
     * process. */
    enum fault_code (*start)(void *state, const struct scp_getinfo *info, struct buf *out_members,
                             struct fault *fault);

    /* Takes one chunk. `body` lives until the reply is written; `arena` is reset after it. */
    enum fault_code (*execute)(void *state, struct str body, bool finished, struct arena *arena,
                               struct command_reply *out, struct fault *fault);
};

/* Serves splunkd on the descriptors until the input ends. The exit status: 0 also after a fault
 * that splunkd was told as {"error":...,"finished":true}; 1 only when splunkd cannot be told. */
int command_run(const struct command *command, int in_fd, int out_fd);

#endif
