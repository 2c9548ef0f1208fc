/* A generating command: it stands first in the pipe, makes rows, and is asked until it has no more.
 *
 * It runs on the search head alone: type `stateful` with `generating`; a `streaming` one would be
 * run by every indexer. A reply holds at most the rows that splunkd said (maxresultrows); while
 * there are more, `finished` is false and splunkd asks again. */
#ifndef IG_NATIVE_GENERATING_H
#define IG_NATIVE_GENERATING_H

#include "integrations/splunk-app/native/frame/command.h"

enum {
    GENERATING_ROWS_MAX = 50000,      /* of one reply, whatever splunkd would take */
    GENERATING_BODY_BYTES = 64 << 20, /* of one reply */
};

/* The rows of one reply. Cells are put in the order of the columns; a row ends with its last one.
 */
struct generating_rows {
    const char *const *columns; /* ended by NULL */
    size_t column_count;
    size_t at; /* the column of the next cell */
    uint64_t count;
    uint64_t most;
    struct buf csv;
};

void generating_put(struct generating_rows *rows, struct str cell);
void generating_put_whole(struct generating_rows *rows, int64_t number);
void generating_put_boolean(struct generating_rows *rows, bool yes);
bool generating_is_full(const struct generating_rows *rows);

struct generating_source {
    const char *name;
    const char *const *columns; /* ended by NULL; read after start, which may fill them */
    void *state;

    /* At getinfo: reads arguments and conf, touches nothing else. `info` lives as long as the
     * process. */
    enum fault_code (*start)(void *state, const struct scp_getinfo *info, struct fault *fault);

    /* Puts rows until there are none or generating_is_full; *out_more when there are further ones.
     * `arena` lives until the reply is written. A fault ends the search with its sentence. */
    enum fault_code (*next)(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault);
};

struct generating {
    struct generating_source source;
    struct generating_rows rows;
    bool ended;
};

void generating_init(struct generating *generating, const struct generating_source *source);
void generating_done(struct generating *generating);
struct command generating_command(struct generating *generating);

#endif
