/* Tries one thing from within the cage, or without it, and says how it ended.
 *
 *   cage_probe caged[:PORT]|courier:PORT|files|calls|bare FOLDER ATTEMPT [PATH|PORT|PROCESS]
 *
 * caged:PORT: with a store's server at that port; courier:PORT: the courier's, with that port;
 * files and calls: in that part of the cage alone.
 *
 * Standard output: "done" or the error's name; a call that the cage answers with death ends the
 * program by SIGSYS. Not a cmocka program: those are built with sanitizers, which no cage holds. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/main/main_cage.h"

static int opened; /* a TCP socket made before the cage, for what comes after */

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static int try_read(const char *path)
{
    return try_open(path, O_RDONLY);
}

static int try_write(const char *path)
{
    return try_open(path, O_WRONLY | O_CREAT);
}

static int try_folder(const char *path)
{
    return mkdir(path, 0700);
}

static int try_exec(const char *path)
{
    char *const words[] = {(char *)"true", NULL};
    return execve(path, words, (char *const[]){NULL}); /* /bin/true says nothing: exit 0 is done */
}

static int try_fork(const char *unused)
{
    (void)unused;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child ? 0 : -1;
}

static void *idle(void *context)
{
    return context;
}

static int try_thread(const char *unused)
{
    (void)unused;
    pthread_t thread;
    int error = pthread_create(&thread, NULL, idle, NULL);
    if (error == 0)
        error = pthread_join(thread, NULL);
    errno = error;
    return error == 0 ? 0 : -1;
}

static struct sockaddr_in loopback(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int try_connect(const char *port)
{
    struct sockaddr_in address = loopback(port);
    return connect(opened, (struct sockaddr *)(void *)&address, sizeof address);
}

/* Connects without the call of that name. */
static int try_fast_open(const char *port)
{
    struct sockaddr_in address = loopback(port);
    return sendto(opened, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)(void *)&address,
                  sizeof address) == 1
               ? 0
               : -1;
}

static int try_bind(const char *port)
{
    struct sockaddr_in address = loopback(port);
    return bind(opened, (struct sockaddr *)(void *)&address, sizeof address);
}

static int try_socket(const char *unused)
{
    (void)unused;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : -1;
}

static int try_datagram(const char *unused)
{
    (void)unused;
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : -1;
}

static int try_local(const char *unused)
{
    (void)unused;
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : -1;
}

static int try_ptrace(const char *unused)
{
    (void)unused;
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int try_code(const char *unused)
{
    (void)unused;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : -1;
}

static int try_signal(const char *process)
{
    return kill((pid_t)atoi(process), 0);
}

static int try_namespace(const char *unused)
{
    (void)unused;
    return unshare(CLONE_NEWNS);
}

static int try_user(const char *unused)
{
    (void)unused;
    return setuid(getuid());
}

static int try_limit(const char *unused)
{
    (void)unused;
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -1;
}

static int try_abort(const char *unused)
{
    (void)unused;
    return raise(SIGUSR1);
}

static const struct {
    const char *name;
    int (*run)(const char *argument);
} attempts[] = {
    {"read", try_read},       {"write", try_write},         {"folder", try_folder},
    {"exec", try_exec},       {"fork", try_fork},           {"thread", try_thread},
    {"connect", try_connect}, {"fast-open", try_fast_open}, {"bind", try_bind},
    {"socket", try_socket},   {"datagram", try_datagram},   {"ptrace", try_ptrace},
    {"code", try_code},       {"signal", try_signal},       {"namespace", try_namespace},
    {"user", try_user},       {"limit", try_limit},         {"raise", try_abort},
    {"local", try_local},
};

int main(int count, char **words)
{
    char text[MAIN_CAGE_TEXT_MAX];
    struct fault fault;
    if (count < 4)
        return 2;
    signal(SIGUSR1, SIG_IGN);
    opened = socket(AF_INET, SOCK_STREAM, 0);
    const char *colon = strchr(words[1], ':');
    int port = colon ? atoi(colon + 1) : -1;
    if (strncmp(words[1], "courier", 7) == 0) {
        if (main_cage_enter_courier(&port, 1, text, &fault) != FAULT_NONE)
            return 2;
    } else if (strncmp(words[1], "caged", 5) == 0) {
        if (main_cage_enter(words[2], port, text, &fault) != FAULT_NONE) {
            fprintf(stderr, "%s\n", fault.text);
            return 2;
        }
        fprintf(stderr, "cage=%s\n", text);
    }
    if ((strcmp(words[1], "files") == 0 &&
         (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || main_cage_files(words[2], port) != 0)) ||
        (strcmp(words[1], "calls") == 0 && main_cage_calls(port) != 0))
        return 2;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        if (strcmp(words[3], attempts[i].name) == 0) {
            int result = attempts[i].run(count > 4 ? words[4] : "");
            printf("%s\n", result == 0 ? "done" : strerrorname_np(errno));
            return 0;
        }
    return 2;
}
