/* intelgraphd: reads the command line, runs one command, says once what went wrong. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/core/file.h"
#include "service/main/main_options.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, HELP_MAX = 16 * 1024 };

static int fail(const struct fault *fault, int status)
{
    fprintf(stderr, "intelgraphd: %s\n", fault->text);
    return status;
}

static enum fault_code show(enum main_wish wish, const struct main_command *command,
                            struct fault *fault)
{
    struct buf text;
    buf_init(&text, HELP_MAX);
    if (wish == MAIN_VERSION)
        buf_add(&text, STR("intelgraphd " IG_VERSION "\n"));
    else
        main_options_add_help(&text, command);
    enum fault_code code = file_write_all(STDOUT_FILENO, buf_str(&text), "standard output", fault);
    buf_done(&text);
    return code;
}

int main(int count, char **words)
{
    struct main_options options;
    const struct main_command *command;
    enum main_wish wish;
    struct fault fault;
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file over its limit is a failed write, as a full disk is */
    if (main_options_read(count - 1, words + 1, &wish, &command, &options, &fault) != FAULT_NONE)
        return fail(&fault, EXIT_USAGE);
    enum fault_code code =
        wish == MAIN_RUN ? command->run(&options, &fault) : show(wish, command, &fault);
    return code == FAULT_NONE ? 0 : fail(&fault, EXIT_FAILED);
}
