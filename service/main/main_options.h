/* The command line as tables: which commands there are, which options each takes, with type,
 * default and limits. Parsing, --help and `help <command>` all come from them. */
#ifndef IG_MAIN_MAIN_OPTIONS_H
#define IG_MAIN_MAIN_OPTIONS_H

#include <stdint.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

struct main_options {
    struct str data;  /* empty: main_data_folder finds the default */
    struct str store; /* empty: a file in the data folder */
    struct str listen;
    struct str public_url;
    struct str log_level;
    struct str tenant;
    struct str role;
    struct str name;
    struct str id;
    struct str out;
    struct str heads;
    struct str log;
    struct str zone;
    struct str outbound_ports;
    struct str outbound_allow;
    struct str outbound_ca;
    struct str smtp;
    struct str smtp_from;
    struct str smtp_credential;
    int64_t anchor_day;
    int64_t threads;
    int64_t expires_s;         /* 0: never */
    int64_t refusals_expire_s; /* likewise */
    int64_t dlq_expire_s;
};

typedef enum fault_code main_runner(const struct main_options *options, struct fault *fault);

struct main_command {
    const char *name; /* "token create" */
    const char *help; /* one line */
    const char *more; /* what else `help <command>` says; "" for nothing */
    main_runner *run;
};

extern const struct main_command main_commands[]; /* ends with .name NULL */

enum main_wish { MAIN_RUN, MAIN_HELP, MAIN_VERSION };

/* Takes argv without the program's name. *out_command is NULL for help about the whole. Texts are
 * argv's. A wrong option, value or command is FAULT_INPUT with the nearest one that exists. */
enum fault_code main_options_read(int count, char **words, enum main_wish *out_wish,
                                  const struct main_command **out_command, struct main_options *out,
                                  struct fault *fault) MUST_USE;

/* command NULL: all of them, a line each. */
void main_options_add_help(struct buf *out, const struct main_command *command);

/* "90d": a number with s, m, h, d or w; "never" is 0. */
bool main_duration_read(struct str text, int64_t *out_s);

#endif
