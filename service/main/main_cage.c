#include "service/main/main_cage.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libs/core/log.h"
#include "libs/core/str.h"

#if defined(__SANITIZE_ADDRESS__)
#define BUILT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_SANITIZED 1
#endif
#endif
#ifndef BUILT_SANITIZED
#define BUILT_SANITIZED 0
#endif

static bool holds_capabilities(const struct __user_cap_data_struct held[2])
{
    uint32_t any = 0;
    for (size_t i = 0; i < 2; i++)
        any |= held[i].effective | held[i].permitted | held[i].inheritable;
    return any != 0;
}

/* All of them, and the way back to them. An ordinary user has none and nothing is asked of the
 * kernel: a stricter cage around this one (systemd's) ends a program that calls capset. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct held[2] = {{0}};
    if (syscall(SYS_capget, &header, held) != 0)
        return errno;
    if (!holds_capabilities(held))
        return 0;
    /* EPERM when CAP_SETPCAP itself is not held: then no later exec can be given more by us. */
    for (int each = 0; prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; each++)
        (void)prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    memset(held, 0, sizeof held);
    header.version = _LINUX_CAPABILITY_VERSION_3;
    return syscall(SYS_capset, &header, held) == 0 ? 0 : errno;
}

/* Adds the part's name when it is in force, else says why it is not. */
static void note(char out_text[MAIN_CAGE_TEXT_MAX], const char *part, int error)
{
    if (error != 0) {
        log_event(LOG_WARN, "service.uncaged", LOG_TEXT("part", str_of(part)),
                  LOG_TEXT("reason", str_of(strerror(error))));
        return;
    }
    size_t len = strlen(out_text);
    int added =
        snprintf(out_text + len, MAIN_CAGE_TEXT_MAX - len, "%s%s", len > 0 ? "," : "", part);
    assert(added > 0 && (size_t)added < MAIN_CAGE_TEXT_MAX - len);
}

static enum fault_code check_reach(const char *folder, struct fault *fault)
{
    if (access(folder, R_OK | W_OK | X_OK) == 0)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "data",
                       "the data folder %s belongs to another user, and root's power to pass over "
                       "that is given up; start the service as that user",
                       folder);
}

enum fault_code main_cage_enter_courier(const int *ports, int count,
                                        char out_text[MAIN_CAGE_TEXT_MAX], struct fault *fault)
{
    (void)fault;
    out_text[0] = '\0';
    if (BUILT_SANITIZED) {
        note(out_text, "none", 0);
        return FAULT_NONE;
    }
    bool done =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    note(out_text, "privileges", done ? 0 : errno);
    note(out_text, "capabilities", drop_capabilities());
    note(out_text, "landlock", main_cage_courier_files(ports, count));
    note(out_text, "seccomp", main_cage_courier_calls());
    if (out_text[0] == '\0')
        note(out_text, "none", 0);
    return FAULT_NONE;
}

enum fault_code main_cage_enter(const char *folder, int port, char out_text[MAIN_CAGE_TEXT_MAX],
                                struct fault *fault)
{
    out_text[0] = '\0';
    if (BUILT_SANITIZED) {
        note(out_text, "none", 0);
        return FAULT_NONE;
    }
    note(out_text, "privileges",
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
             ? 0
             : errno);
    note(out_text, "capabilities", drop_capabilities());
    enum fault_code code = check_reach(folder, fault);
    if (code != FAULT_NONE)
        return code;
    if (geteuid() == 0)
        log_event(
            LOG_WARN, "service.root",
            LOG_TEXT("advice", STR("root owns more than the data folder; run the service as a "
                                   "user of its own, as ops/systemd does")));
    note(out_text, "landlock", main_cage_files(folder, port));
    note(out_text, "seccomp",
         main_cage_calls(port)); /* last: the calls above are not on its list */
    if (out_text[0] == '\0')
        note(out_text, "none", 0);
    return FAULT_NONE;
}
