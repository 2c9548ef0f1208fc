/* The program behind every search command of the app: argv[1] says which. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "integrations/splunk-app/native/alert/alert.h"
#include "integrations/splunk-app/native/audit/igaudit.h"
#include "integrations/splunk-app/native/broker/broker.h"
#include "integrations/splunk-app/native/doctor/igdoctor.h"
#include "integrations/splunk-app/native/handoff/handoff.h"
#include "integrations/splunk-app/native/usage/igusage.h"
#include "libs/core/file.h"
#include "libs/core/os.h"

static int run_handoff(void)
{
    struct handoff handoff;
    handoff_init(&handoff);
    struct command command = handoff_command(&handoff);
    int status = command_run(&command, STDIN_FILENO, STDOUT_FILENO);
    handoff_done(&handoff);
    return status;
}

/* A command that makes rows; what the source works on is the caller's. */
static int run_generating(const struct generating_source *source)
{
    struct generating generating;
    generating_init(&generating, source);
    struct command command = generating_command(&generating);
    int status = command_run(&command, STDIN_FILENO, STDOUT_FILENO);
    generating_done(&generating);
    return status;
}

static int run_igaudit(void)
{
    struct igaudit audit;
    igaudit_init(&audit);
    struct generating_source source = igaudit_source(&audit);
    int status = run_generating(&source);
    igaudit_done(&audit);
    return status;
}

static int run_igdoctor(void)
{
    struct igdoctor igdoctor;
    igdoctor_init(&igdoctor);
    struct generating_source source = igdoctor_source(&igdoctor);
    int status = run_generating(&source);
    igdoctor_done(&igdoctor);
    return status;
}

static int run_igusage(void)
{
    struct igusage usage;
    igusage_init(&usage);
    struct generating_source source = igusage_source(&usage);
    int status = run_generating(&source);
    igusage_done(&usage);
    return status;
}

static int run_alert(int argc, char **argv)
{
    if (strcmp(argv[argc - 1], "--execute") == 0)
        return (int)alert_run(STDIN_FILENO, STDERR_FILENO);
    fprintf(stderr, "ERROR usage: intelgraph alert --execute; splunkd starts it for the alert "
                    "action send_to_intelgraph\n");
    return ALERT_FAILED;
}

static int print_spec(void)
{
    struct buf spec;
    buf_init(&spec, 64 << 10);
    settings_add_spec(&spec);
    struct fault fault;
    enum fault_code code = file_write_all(STDOUT_FILENO, buf_str(&spec), "the output", &fault);
    if (code != FAULT_NONE)
        fprintf(stderr, "intelgraph: %s\n", fault.text);
    buf_done(&spec);
    return code == FAULT_NONE ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* A search that is cancelled closes the pipe: write then says EPIPE, which is handled. */
    signal(SIGPIPE, SIG_IGN);
    /* Whatever it is started for, it holds a session key or a token. */
    os_hide_memory();
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "ighandoff") == 0)
        return run_handoff();
    if (strcmp(name, "igaudit") == 0)
        return run_igaudit();
    if (strcmp(name, "igdoctor") == 0)
        return run_igdoctor();
    if (strcmp(name, "igusage") == 0)
        return run_igusage();
    if (strcmp(name, "alert") == 0)
        return run_alert(argc, argv);
    if (strcmp(name, "broker") == 0)
        return broker_run(STDIN_FILENO, STDOUT_FILENO);
    if (strcmp(name, "spec") == 0)
        return print_spec();
    if (strcmp(name, "--version") == 0) {
        printf("intelgraph %s\n", IG_VERSION);
        return 0;
    }
    fprintf(stderr, "usage: intelgraph ighandoff | spec | --version\n"
                    "ighandoff speaks Splunk's chunked command protocol on standard input and "
                    "output; splunkd starts it.\n");
    return 2;
}
