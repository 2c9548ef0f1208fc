#include "service/main/main_courier.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/core/file.h"
#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/main/main_cage.h"
#include "service/notify/notify_courier.h"
#include "service/notify/notify_deliver.h"
#include "service/notify/notify_rules.h"

enum { SOCKET_BYTES = 4 * NOTIFY_FRAME_MAX, AGAIN_US = 1000000, CREDENTIAL_MAX = 512 };

/* --- settings ------------------------------------------------------------------------------- */

static bool has_port(const struct http_outbound_settings *settings, struct str smtp)
{
    uint64_t port = 0;
    size_t at = smtp.len;
    while (at > 0 && smtp.ptr[at - 1] != ':')
        at--;
    if (!str_to_u64(str_skip(smtp, at), 65535, &port))
        return false;
    for (int i = 0; i < settings->port_count; i++)
        if (settings->ports[i] == (int)port)
            return true;
    return false;
}

static enum fault_code check_alone(const struct main_options *options, struct fault *fault)
{
    const struct {
        const char *name;
        struct str value;
        struct str needs;
        const char *needed;
    } pairs[] = {
        {"smtp", options->smtp, options->outbound_ports, "outbound-ports"},
        {"outbound-allow", options->outbound_allow, options->outbound_ports, "outbound-ports"},
        {"outbound-ca", options->outbound_ca, options->outbound_ports, "outbound-ports"},
        {"smtp-from", options->smtp_from, options->smtp, "smtp"},
        {"smtp-credential", options->smtp_credential, options->smtp, "smtp"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].value.len > 0 && pairs[i].needs.len == 0)
            return fault_field(fault, FAULT_INPUT, pairs[i].name, "--%s does nothing without --%s",
                               pairs[i].name, pairs[i].needed);
    return FAULT_NONE;
}

static enum fault_code read_credential(struct str name, struct http_secret *out,
                                       struct fault *fault)
{
    char path[1024];
    struct buf text;
    if (!str_to_c(name, path, sizeof path))
        return fault_field(fault, FAULT_INPUT, "smtp-credential", "--smtp-credential is too long");
    buf_init(&text, CREDENTIAL_MAX);
    enum fault_code code = file_read_private(path, &text, fault);
    if (code == FAULT_NONE)
        code = http_secret_set_pair(out, buf_str(&text), fault);
    if (code == FAULT_NONE && str_find_byte((struct str){out->text, out->len}, ':') == out->len)
        code = fault_field(fault, FAULT_INPUT, "smtp-credential",
                           "%s does not hold one line USER:PASSWORD", path);
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_done(&text);
    return code;
}

static enum fault_code read_settings(const struct main_options *options,
                                     struct http_outbound_settings *out, struct http_secret *secret,
                                     struct fault *fault)
{
    struct fault why;
    *out = (struct http_outbound_settings){
        .ca_file = options->outbound_ca,
        .allow = options->outbound_allow,
        .smtp = options->smtp,
        .smtp_from = options->smtp_from,
        .user_agent = STR("intelgraphd/" IG_VERSION),
        .timeout_ms = NOTIFY_TIMEOUT_MS,
    };
    enum fault_code code = check_alone(options, fault);
    if (code == FAULT_NONE)
        code = http_outbound_read_ports(options->outbound_ports, out, fault);
    if (code == FAULT_NONE)
        code = http_outbound_check(out, fault);
    if (code != FAULT_NONE)
        return code;
    if (options->smtp.len > 0 && !has_port(out, options->smtp))
        return fault_field(fault, FAULT_INPUT, "smtp",
                           "the port of --smtp is not among --outbound-ports; name it there too");
    if (options->smtp_from.len > 0 && notify_address_check(options->smtp_from, &why) != FAULT_NONE)
        return fault_field(
            fault, FAULT_INPUT, "smtp-from",
            "--smtp-from must be one plain address, such as intelgraph@corp.example");
    if (options->smtp_credential.len > 0) {
        code = read_credential(options->smtp_credential, secret, fault);
        out->smtp_credential = secret;
    }
    return code;
}

/* --- the process ---------------------------------------------------------------------------- */

static enum fault_code enter_cage(void *context, struct fault *fault)
{
    const struct http_outbound_settings *settings = context;
    struct addrinfo *found = NULL;
    char cage[MAIN_CAGE_TEXT_MAX];
    /* What looks names up is mapped now: in the cage no code is. */
    if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
        freeaddrinfo(found);
    enum fault_code code =
        main_cage_enter_courier(settings->ports, settings->port_count, cage, fault);
    if (code == FAULT_NONE)
        log_event(LOG_INFO, "courier.ready", LOG_TEXT("cage", str_of(cage)));
    return code;
}

/* Ends with whoever started it; SIGTERM is for the service, which then closes its end. */
static void become_child(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
}

static int serve_once(int fd, const struct http_outbound_settings *settings)
{
    struct fault fault;
    pid_t parent = getpid();
    pid_t worker = fork();
    int status = -1;
    if (worker == 0) {
        become_child(parent);
        if (notify_courier_serve(fd, settings, enter_cage, (void *)(uintptr_t)settings, &fault) ==
            FAULT_NONE)
            _exit(0);
        log_event(LOG_ERROR, "courier.failed", LOG_TEXT("error", str_of(fault.text)));
        _exit(1);
    }
    while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Holds the socket while one worker after the other may fall: what an answer from outside can break
 * is the worker, and deliveries that it had are tried again. */
static void watch_over(int fd, const struct http_outbound_settings *settings)
{
    int status;
    while ((status = serve_once(fd, settings)) != 0) {
        log_event(LOG_ERROR, "courier.ended", LOG_NUMBER("status", status));
        os_pause_us(AGAIN_US);
    }
    _exit(0);
}

static enum fault_code start(const struct http_outbound_settings *settings, int *out_fd,
                             struct fault *fault)
{
    const int room = SOCKET_BYTES;
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fault_errno(fault, errno, "cannot make the socket for outgoing connections");
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    pid_t child = fork();
    if (child == 0) {
        os_close(ends[0]);
        become_child(parent);
        watch_over(ends[1], settings);
    }
    int error = errno;
    os_close(ends[1]);
    if (child < 0) {
        os_close(ends[0]);
        return fault_errno(fault, error, "cannot start the process for outgoing connections");
    }
    *out_fd = ends[0];
    return FAULT_NONE;
}

enum fault_code main_courier_start(const struct main_options *options, struct main_courier *out,
                                   struct fault *fault)
{
    struct http_outbound_settings settings;
    struct http_secret secret = {.len = 0};
    int fd = -1;
    enum fault_code code = read_settings(options, &settings, &secret, fault);
    if (code == FAULT_NONE && settings.port_count > 0)
        code = start(&settings, &fd, fault);
    http_secret_done(&secret);
    if (code != FAULT_NONE)
        return code;
    *out = (struct main_courier){.fd = fd, .sends_mail = settings.smtp.len > 0};
    snprintf(out->from, sizeof out->from, "%.*s", STR_ARG(options->smtp_from));
    return FAULT_NONE;
}
