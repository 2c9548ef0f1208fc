/* seccomp: the system calls that libmicrohttpd, SQLite, OpenSSL and the C library make in a running
 * service. What no honest service calls ends the process; anything else that is not listed fails
 * with EPERM, so that a library which asks for more than it needs is told no and goes on. */
#include "service/main/main_cage.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/core/str.h"

enum { NAME_MAX_BYTES = 32 };

/* Names between blanks, a line a kind. */
static const char *const allowed[] = {
    /* files */
    "openat open close read pread64 readv preadv write pwrite64 writev pwritev lseek",
    "fsync fdatasync ftruncate fallocate flock fcntl fchmod fchown umask",
    "fstat newfstatat fstatat64 stat lstat statx statfs fstatfs access faccessat faccessat2",
    "getdents64 unlink unlinkat rename renameat renameat2 readlink readlinkat getcwd",
    /* memory */
    "munmap mremap madvise brk membarrier",
    /* threads and their end */
    "futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity",
    "exit exit_group gettid getpid restart_syscall",
    /* signals to oneself */
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack",
    /* clock and randomness */
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getrandom",
    /* connections that came in; add_connecting allows one kind to be made */
    "accept4 accept recvfrom recvmsg recv shutdown getsockopt setsockopt getsockname getpeername",
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 poll ppoll",
    /* about itself */
    "getuid geteuid getgid getegid getrusage sysinfo uname",
};

static const char *const deadly[] = {
    "execve execveat fork vfork personality memfd_create userfaultfd io_uring_setup",
    "ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_getfd perf_event_open bpf",
    "mount umount2 pivot_root chroot unshare setns open_by_handle_at name_to_handle_at",
    "setuid setgid setreuid setregid setresuid setresgid setgroups capset",
    "keyctl add_key request_key iopl ioperm modify_ldt acct quotactl swapon reboot",
    "init_module finit_module delete_module kexec_load kexec_file_load",
    "settimeofday clock_settime",
};

/* Calls that are harmless with one argument and not with another: the bits of the argument that
 * `mask` names must be those of `value`. */
struct condition {
    const char *call;
    unsigned argument;
    uint64_t mask;
    uint64_t value;
};

static int add_line(scmp_filter_ctx filter, struct str names, uint32_t action)
{
    int result = 0;
    for (bool more = true; more && result == 0;) {
        char name[NAME_MAX_BYTES];
        struct str word;
        struct str rest = {0};
        more = str_cut(names, ' ', &word, &rest);
        names = rest;
        bool fits = str_to_c(word, name, sizeof name);
        assert(fits);
        int call = seccomp_syscall_resolve_name(name);
        if (call != __NR_SCMP_ERROR) /* else one that this library is too old to know */
            result = seccomp_rule_add(filter, action, call, 0);
    }
    return result;
}

static int add_lines(scmp_filter_ctx filter, const char *const *lines, size_t count,
                     uint32_t action)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_line(filter, str_of(lines[i]), action);
    return result;
}

static int add_conditions(scmp_filter_ctx filter)
{
    const struct condition conditions[] = {
        /* no code is made, in any order of writing and making executable */
        {"mmap", 2, PROT_EXEC, 0},
        {"mprotect", 2, PROT_EXEC, 0},
        /* threads, no processes */
        {"clone", 0, CLONE_THREAD, CLONE_THREAD},
        {"tgkill", 0, UINT64_MAX, (uint64_t)getpid()},
        {"prctl", 0, UINT64_MAX, PR_SET_NAME},
        {"prlimit64", 2, UINT64_MAX, 0}, /* limits are read, not set */
        {"ioctl", 1, UINT64_MAX, FIONBIO},
        {"ioctl", 1, UINT64_MAX, FIONREAD},
        /* TCP Fast Open connects without connect */
        {"sendto", 3, MSG_FASTOPEN, 0},
        {"sendmsg", 2, MSG_FASTOPEN, 0},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0] && result == 0; i++) {
        const struct condition *each = &conditions[i];
        result =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(each->call), 1,
                             (struct scmp_arg_cmp){
                                 .arg = each->argument,
                                 .op = SCMP_CMP_MASKED_EQ,
                                 .datum_a = each->mask,
                                 .datum_b = each->value,
                             });
    }
    /* Its flags lie in memory where a filter cannot look; the C library then takes clone. */
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return result;
}

/* Streams, of the network or of this machine, and their way out. */
static int add_connecting(scmp_filter_ctx filter, int port)
{
    const int families[] = {AF_INET, AF_INET6};
    const int local[] = {AF_UNIX};
    const int *family = port > 0 ? families : local;
    int count = port > 0 ? 2 : 1;
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
    for (int i = 0; i < count && result == 0; i++) {
        const struct scmp_arg_cmp is_family = {
            .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)family[i]};
        const struct scmp_arg_cmp is_stream = {.arg = 1,
                                               .op = SCMP_CMP_MASKED_EQ,
                                               .datum_a =
                                                   ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK),
                                               .datum_b = (scmp_datum_t)SOCK_STREAM};
        result =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, is_family, is_stream);
    }
    return result;
}

static int add_deadly(scmp_filter_ctx filter, bool connects)
{
    int result = add_lines(filter, deadly, sizeof deadly / sizeof deadly[0], SCMP_ACT_KILL_PROCESS);
    if (result == 0 && !connects)
        result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(connect), 0);
    return result;
}

/* What every cage has; NULL: no memory. */
static scmp_filter_ctx begin_filter(bool connects, int *out_result)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return NULL;
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    if (result == 0)
        result = add_lines(filter, allowed, sizeof allowed / sizeof allowed[0], SCMP_ACT_ALLOW);
    if (result == 0)
        result = add_deadly(filter, connects);
    if (result == 0)
        result = add_conditions(filter);
    *out_result = result;
    return filter;
}

static int end_filter(scmp_filter_ctx taken, int result)
{
    if (result == 0)
        result = seccomp_load(taken);
    seccomp_release(taken);
    return -result;
}

int main_cage_calls(int port)
{
    int result = 0;
    scmp_filter_ctx filter = begin_filter(port >= 0, &result);
    if (!filter)
        return ENOMEM;
    if (result == 0 && port >= 0)
        result = add_connecting(filter, port);
    return end_filter(filter, result);
}

int main_cage_courier_calls(void)
{
    /* The resolver asks by datagrams, two at once; libcurl's threads wake each other by a pair. */
    static const char *const more[] = {"sendmmsg recvmmsg socketpair"};
    const int families[] = {AF_INET, AF_INET6};
    int result = 0;
    scmp_filter_ctx filter = begin_filter(true, &result);
    if (!filter)
        return ENOMEM;
    if (result == 0)
        result = add_connecting(filter, 1);
    if (result == 0)
        result = add_lines(filter, more, 1, SCMP_ACT_ALLOW);
    for (int i = 0; i < 2 && result == 0; i++)
        result = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
            (struct scmp_arg_cmp){
                .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i]},
            (struct scmp_arg_cmp){.arg = 1,
                                  .op = SCMP_CMP_MASKED_EQ,
                                  .datum_a = ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK),
                                  .datum_b = (scmp_datum_t)SOCK_DGRAM});
    return end_filter(filter, result);
}
