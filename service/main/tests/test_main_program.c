/* The program itself: what it prints, how it exits, how it starts and stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "libs/core/file.h"
#include "service/web/tests/web_client.h"

enum { TEXT_MAX = 1 << 20, READY_WAIT_MS = 20000 };

static char folder[64];

/* What a run of the program left behind. */
struct run {
    int status;
    struct buf out;
    struct buf err;
};

static struct buf read_text(const char *name)
{
    char path[128];
    struct fault fault;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_read(path, &text, &fault), FAULT_NONE);
    return text;
}

/* `arguments` go through the shell; D in them is the test's folder. */
static struct run run_program(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "D=%s; export D; " PROGRAM " %s >$D/out 2>$D/err", folder,
             arguments);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return (struct run){WEXITSTATUS(status), read_text("out"), read_text("err")};
}

static void run_done(struct run *run)
{
    buf_done(&run->out);
    buf_done(&run->err);
}

static bool says(const struct buf *text, const char *what)
{
    return str_find(buf_str(text), str_of(what)) < text->len;
}

/* One line on standard error, nothing on standard output, and the right exit status. */
static void assert_refused(const char *arguments, int status, const char *what)
{
    struct run run = run_program(arguments);
    struct str err = buf_str(&run.err);
    if (run.status != status || run.out.len > 0 || !says(&run.err, what) ||
        !str_starts(err, STR("intelgraphd: ")) || str_find_byte(err, '\n') != err.len - 1)
        fail_msg("%s: %d \"%.*s\" \"%.*s\"; want %d \"%s\"", arguments, run.status,
                 STR_ARG(buf_str(&run.out)), STR_ARG(err), status, what);
    run_done(&run);
}

struct service_run {
    pid_t process;
    int port;
};

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Starts `serve` on the folder's "data" and waits until it says that it is ready. No file may grow
 * beyond `file_limit` bytes: what a full disk does to it. */
static struct service_run start_service_with(rlim_t file_limit)
{
    char data[128];
    char log[128];
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    unlink(log);
    struct service_run service = {.process = fork()};
    assert_true(service.process >= 0);
    if (service.process == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_limit, file_limit});
        execl(PROGRAM, "intelgraphd", "serve", "--data", data, "--listen", "127.0.0.1:0", NULL);
        _exit(127);
    }
    for (int waited = 0; waited < READY_WAIT_MS && service.port == 0; waited += 20) {
        sleep_ms(20);
        if (access(log, R_OK) != 0)
            continue;
        struct buf text = read_text("log");
        struct str at =
            str_skip(buf_str(&text), str_find(buf_str(&text), STR("listen=127.0.0.1:")));
        uint64_t port = 0;
        struct str digits = str_skip(at, 17);
        str_to_u64(str_take(digits, str_find_byte(digits, ' ')), 65535, &port);
        service.port = (int)port;
        buf_done(&text);
    }
    assert_true(service.port > 0);
    return service;
}

static struct service_run start_service(void)
{
    return start_service_with(RLIM_INFINITY);
}

static int stop_service(struct service_run *service, int number)
{
    int status = 0;
    kill(service->process, number);
    assert_int_equal(waitpid(service->process, &status, 0), service->process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/intelgraphd-test-XXXXXX");
    return mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void program__answers_help_and_version(void **state)
{
    (void)state;
    struct run run = run_program("--version");
    assert_int_equal(run.status, 0);
    assert_true(str_equal(buf_str(&run.out), STR("intelgraphd " IG_VERSION "\n")));
    run_done(&run);
    run = run_program("help audit verify");
    assert_int_equal(run.status, 0);
    assert_true(says(&run.out, "--data DIR"));
    run_done(&run);
}

static void program__says_in_one_line_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("", 2, "a command is needed");
    assert_refused("serve --lisen x", 2, "did you mean --listen?");
    assert_refused("serve --data $D/x --listen 127.0.0.1", 1, "it has no port");
    assert_refused("serve --data $D/x --log-level loud", 1, "choose debug, info, warn or error");
    assert_refused("serve --data $D/x --public-url ig.example", 1, "https://intelgraph.example/");
    assert_refused("serve --data $D/x --public-url 'http://a/?b'", 1, "public-url");
    assert_refused("serve --data /proc/intelgraphd", 1, "choose another with --data");
    assert_refused("serve --data $D/err", 1, "is not a folder");
    assert_refused("audit verify --data $D/none", 1, "there is no data folder");
    assert_refused("token list --data $D/none", 1, "there is no data folder");
    assert_refused("token create --data $D/d --tenant t --role boss --name n", 1,
                   "choose viewer, analyst, auditor, admin, broker or meter");
    assert_refused("token create --data $D/d --tenant _service --role admin --name n", 1,
                   "begin with neither . nor _");
    assert_refused("token create --data $D/d --tenant t --role admin --name ' n'", 1,
                   "name must be");
    assert_refused("token revoke --data $D/d --id 0123456789abcdef", 1, "no token with this id");
}

static void program__says_when_it_cannot_write_its_answer(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command,
             PROGRAM
             " token create --data %s/f --tenant t --role admin --name n >/dev/full 2>%s/err",
             folder, folder);
    assert_int_equal(WEXITSTATUS(system(command)), 1);
    struct buf err = read_text("err");
    assert_true(says(&err, "standard output"));
    buf_done(&err);
}

static void program__refuses_a_store_that_is_none(void **state)
{
    (void)state;
    char path[128];
    struct fault fault;
    snprintf(path, sizeof path, "%s/bad", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/bad/intelgraph.db", folder);
    assert_int_equal(file_replace(path,
                                  STR("this is no database, it is a sentence, and it is long "
                                      "enough to have been taken for a header of one"),
                                  0600, &fault),
                     FAULT_NONE);
    assert_refused("serve --data $D/bad", 1, "intelgraph.db");
    assert_refused("token create --data $D/bad --tenant t --role admin --name n", 1,
                   "intelgraph.db");
}

static void data_folder__is_for_its_user_only(void **state)
{
    (void)state;
    struct run run =
        run_program("token create --data $D/a/b/own --tenant t --role admin --name n --expires 1h");
    assert_int_equal(run.status, 0);
    assert_int_equal(run.out.len, 4 + 16 + 1 + 64 + 1);
    assert_true(str_starts(buf_str(&run.out), STR("igt_")));
    assert_int_equal(run.err.len, 0);
    run_done(&run);
    static const char *const names[] = {"", "/intelgraph.db", "/audit.key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        struct stat found;
        snprintf(path, sizeof path, "%s/a/b/own%s", folder, names[i]);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 077, 0);
    }
}

static void data_folder__is_by_default_under_the_users_state(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command,
             "export HOME=%s XDG_STATE_HOME=; " PROGRAM
             " token create --tenant t --role admin --name n >/dev/null && test -s "
             "%s/.local/state/intelgraphd/intelgraph.db && export XDG_STATE_HOME=%s/x && " PROGRAM
             " token create --tenant t --role admin --name n >/dev/null && test -s "
             "%s/x/intelgraphd/intelgraph.db",
             folder, folder, folder, folder);
    assert_int_equal(system(command), 0);
}

static void serve__serves_beside_the_command_line_and_stops_cleanly(void **state)
{
    (void)state;
    struct service_run service = start_service();
    char headers[256];
    char argument[256];
    struct run made =
        run_program("token create --data $D/data --tenant acme --role admin --name n");
    assert_int_equal(made.status, 0);
    struct str token = str_trim(buf_str(&made.out));
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", STR_ARG(token));
    struct client_reply reply =
        client_ask(service.port, "GET", "/v1/session?secret=query", headers, STR(""));
    assert_int_equal(reply.status, 200);
    client_reply_done(&reply);
    static const char *const open[] = {"/healthz", "/readyz", "/metrics", "/signin"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        reply = client_get(service.port, open[i]);
        assert_int_equal(reply.status, 200);
        client_reply_done(&reply);
    }
    snprintf(argument, sizeof argument, "token revoke --data $D/data --id %.16s", token.ptr + 4);
    struct run revoked = run_program(argument);
    assert_int_equal(revoked.status, 0);
    reply = client_ask(service.port, "GET", "/v1/session", headers, STR(""));
    assert_int_equal(reply.status, 401);
    client_reply_done(&reply);
    struct run verified = run_program("audit verify --data $D/data");
    assert_int_equal(verified.status, 0);
    assert_true(says(&verified.out, "acme"));

    assert_int_equal(stop_service(&service, SIGTERM), 0);
    struct buf log = read_text("log");
    assert_true(says(&log, "web.request method=GET route=/v1/session status=200"));
    assert_true(says(&log, "service.stopped"));
    assert_false(says(&log, "secret=query"));
    assert_true(str_find(buf_str(&log), str_skip(token, 21)) == log.len);
    buf_done(&log);
    run_done(&made);
    run_done(&revoked);
    run_done(&verified);
}

static void serve__is_alone_on_its_folder_and_its_port(void **state)
{
    (void)state;
    struct service_run service = start_service();
    char argument[128];
    char process[32];
    snprintf(process, sizeof process, "by process %ld", (long)service.process);
    assert_refused("serve --data $D/data --listen 127.0.0.1:0", 1, process);
    snprintf(argument, sizeof argument, "serve --data $D/second --listen 127.0.0.1:%d",
             service.port);
    assert_refused(argument, 1, "another program listens there");
    assert_int_equal(stop_service(&service, SIGINT), 0);
    /* What a crash leaves behind locks nobody out. */
    service = start_service();
    assert_int_equal(stop_service(&service, SIGKILL), 1000 + SIGKILL);
    service = start_service();
    assert_int_equal(stop_service(&service, SIGTERM), 0);
}

/* Signs in until it is refused, or `most` times. */
static int sign_in_until_refused(int port, struct str token, int most)
{
    char body[256];
    snprintf(body, sizeof body, "{\"token\":\"%.*s\"}", STR_ARG(token));
    for (int opened = 0; opened < most; opened++) {
        struct client_reply reply = client_ask(port, "POST", "/v1/session", "", str_of(body));
        bool full = reply.status == 507;
        assert_true(reply.status == 204 || full);
        if (full) {
            assert_true(client_says(&reply, "urn:intelgraph:problem:storage-refused"));
            assert_true(client_says(&reply, "nothing was stored"));
            assert_int_equal(client_header(&reply, "Set-Cookie").len, 0);
        }
        client_reply_done(&reply);
        if (full)
            return opened;
    }
    return most;
}

static void serve__says_that_the_disk_is_full_and_loses_nothing(void **state)
{
    (void)state;
    struct run made =
        run_program("token create --data $D/data --tenant full --role admin --name n");
    struct str token = str_trim(buf_str(&made.out));
    char headers[256];
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", STR_ARG(token));
    struct service_run service = start_service_with(256 * 1024);
    int opened = sign_in_until_refused(service.port, token, 1000);
    assert_in_range(opened, 1, 999);
    struct client_reply reply = client_get(service.port, "/healthz");
    assert_int_equal(reply.status, 200);
    client_reply_done(&reply);
    assert_int_equal(sign_in_until_refused(service.port, token, 3), 0);
    assert_int_equal(stop_service(&service, SIGTERM), 0);

    /* With room again: what was acknowledged is there, what was refused is not. */
    service = start_service();
    reply = client_ask(service.port, "GET", "/v1/audit/records?limit=500", headers, STR(""));
    assert_int_equal(reply.status, 200);
    int recorded = 0;
    struct str what = STR("\"action\":\"session.opened\"");
    struct str rest = reply.body;
    for (size_t at = str_find(rest, what); at < rest.len; at = str_find(rest, what)) {
        recorded++;
        rest = str_skip(rest, at + 1);
    }
    assert_int_equal(recorded, opened);
    client_reply_done(&reply);
    assert_int_equal(stop_service(&service, SIGTERM), 0);
    struct run verified = run_program("audit verify --data $D/data");
    assert_int_equal(verified.status, 0);
    run_done(&verified);
    run_done(&made);
}

/* Whether a tracer is at the process; waits for it. */
static bool wait_for_tracer(pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    for (int waited = 0; waited < 5000; waited += 20) {
        struct buf text;
        struct fault fault;
        buf_init(&text, TEXT_MAX);
        assert_int_equal(file_read(path, &text, &fault), FAULT_NONE);
        bool traced = !says(&text, "TracerPid:\t0\n");
        buf_done(&text);
        if (traced)
            return true;
        sleep_ms(20);
    }
    return false;
}

static pid_t start_tracer(pid_t process)
{
    char target[16];
    snprintf(target, sizeof target, "%d", (int)process);
    pid_t tracer = fork();
    if (tracer == 0) {
        execlp("strace", "strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
               "-e", "inject=fsync,fdatasync:error=EIO", "-p", target, NULL);
        _exit(127);
    }
    return tracer;
}

static void serve__ends_when_the_disk_fails_to_flush(void **state)
{
    (void)state;
    if (system("strace -V >/dev/null 2>&1") != 0)
        skip();
    struct run made =
        run_program("token create --data $D/data --tenant acme --role admin --name flush");
    assert_int_equal(made.status, 0);
    struct str token = str_trim(buf_str(&made.out));
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* it cannot look for leaks while it is traced */
    struct service_run service = start_service();
    unsetenv("ASAN_OPTIONS");
    assert_int_equal(sign_in_until_refused(service.port, token, 1), 1);
    pid_t tracer = start_tracer(service.process);
    if (!wait_for_tracer(service.process)) {
        kill(tracer, SIGTERM);
        waitpid(tracer, NULL, 0);
        stop_service(&service, SIGTERM);
        run_done(&made);
        skip();
    }
    assert_int_equal(sign_in_until_refused(service.port, token, 1), 0);
    int status = 0;
    assert_int_equal(waitpid(service.process, &status, 0), service.process);
    waitpid(tracer, NULL, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    struct buf log = read_text("log");
    assert_true(says(&log, "\nintelgraphd: the disk has failed to flush the store in "));
    buf_done(&log);

    service = start_service();
    assert_int_equal(sign_in_until_refused(service.port, token, 1), 1);
    assert_int_equal(stop_service(&service, SIGTERM), 0);
    run_done(&made);
    made = run_program("audit verify --data $D/data");
    assert_int_equal(made.status, 0);
    run_done(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program__answers_help_and_version),
        cmocka_unit_test(program__says_in_one_line_what_is_wrong),
        cmocka_unit_test(program__says_when_it_cannot_write_its_answer),
        cmocka_unit_test(program__refuses_a_store_that_is_none),
        cmocka_unit_test(data_folder__is_for_its_user_only),
        cmocka_unit_test(data_folder__is_by_default_under_the_users_state),
        cmocka_unit_test(serve__serves_beside_the_command_line_and_stops_cleanly),
        cmocka_unit_test(serve__is_alone_on_its_folder_and_its_port),
        cmocka_unit_test(serve__says_that_the_disk_is_full_and_loses_nothing),
        cmocka_unit_test(serve__ends_when_the_disk_fails_to_flush),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
