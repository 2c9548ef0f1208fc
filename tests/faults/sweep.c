#include "tests/faults/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK 1
#endif
#endif
#ifdef HAS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

enum { SWEEPS_MAX = 128, EACH_UP_TO = 100, NAME_MAX_BYTES = 128 };

struct sweep {
    char name[NAME_MAX_BYTES];
    sweep_case *run;
    enum os_fail_kind kind;
    enum os_fail_mode mode;
};

static struct sweep sweeps[SWEEPS_MAX];
static size_t sweep_count;
static char where[NAME_MAX_BYTES + 32];

const char *sweep_where(void)
{
    return where;
}

void sweep_add(const char *scene, sweep_case *run, enum os_fail_kind unused)
{
    sweep_add_kinds(scene, run, (1U << OS_FAIL_KINDS) - 1 - (1U << unused) % (1U << OS_FAIL_KINDS));
}

static void add(const char *scene, sweep_case *run, int kind, int mode, const char *what)
{
    static const char *const kinds[] = {"allocation", "opening", "reading",
                                        "write",      "flush",   "renaming"};
    assert_true(sweep_count < SWEEPS_MAX);
    struct sweep *sweep = &sweeps[sweep_count++];
    *sweep = (struct sweep){
        .run = run, .kind = (enum os_fail_kind)kind, .mode = (enum os_fail_mode)mode};
    snprintf(sweep->name, sizeof sweep->name, "%s__whichever_%s%s", scene, kinds[kind], what);
}

void sweep_add_kinds(const char *scene, sweep_case *run, unsigned kinds_made)
{
    static const char *const modes[] = {"_is_refused", "_and_all_that_follow_are_refused",
                                        "_is_cut_short"};
    for (int kind = 0; kind < OS_FAIL_KINDS; kind++)
        for (int mode = 0; mode < OS_FAIL_MODES; mode++)
            if (kinds_made >> kind & 1 && (mode != OS_FAIL_CUT || kind == OS_FAIL_WRITE))
                add(scene, run, kind, mode, modes[mode]);
}

void sweep_add_kill(const char *scene, sweep_case *run, unsigned kinds_made)
{
    for (int kind = 0; kind < OS_FAIL_KINDS; kind++)
        if (kinds_made >> kind & 1)
            add(scene, run, kind, OS_FAIL_KILL, "");
}

static void run_sweep(void **state)
{
    const struct sweep *sweep = *state;
    const char *wanted = getenv("FAULTS");
    bool all = wanted && strcmp(wanted, "all") == 0;
    bool reached = true;
    long cases = 0;
    long last = 0;
    for (long at = 1; reached; at += all || at < EACH_UP_TO ? 1 : at / 20) {
        cases++;
        last = at;
        snprintf(where, sizeof where, "%s, n = %ld", sweep->name, at);
        reached = sweep->run(sweep->kind, sweep->mode, at);
        assert_true(at < 1000000);
    }
    assert_true(cases > 1); /* something was refused */
    fprintf(stderr, "# %s: %ld cases up to n = %ld\n", sweep->name, cases, last);
#ifdef HAS_LEAK_CHECK
    if (__lsan_do_recoverable_leak_check() != 0)
        fail_msg("memory is lost");
#endif
}

int sweep_run(const char *name)
{
    static struct CMUnitTest tests[SWEEPS_MAX];
    for (size_t i = 0; i < sweep_count; i++)
        tests[i] = (struct CMUnitTest){
            .name = sweeps[i].name, .test_func = run_sweep, .initial_state = &sweeps[i]};
    if (getenv("FAULTS_ONLY"))
        cmocka_set_test_filter(getenv("FAULTS_ONLY"));
    return _cmocka_run_group_tests(name, tests, sweep_count, NULL, NULL);
}

/* --- folders ------------------------------------------------------------------------------- */

void sweep_folder(char *out, unsigned long size)
{
    bool has_memory = access("/dev/shm", W_OK) == 0;
    snprintf(out, size, "%s/faults-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(out))
        abort();
}

static void remove_in(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return;
    const struct dirent *at;
    while ((at = readdir(dir))) {
        if (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, at->d_name, 0) != 0) {
            remove_in(fd, at->d_name);
            unlinkat(fd, at->d_name, AT_REMOVEDIR);
        }
    }
    closedir(dir);
}

void sweep_folder_clear(const char *folder)
{
    remove_in(AT_FDCWD, folder);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t got;
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)got) != got)
            abort();
    if (in < 0 || out < 0 || got < 0)
        abort();
    close(in);
    close(out);
}

void sweep_folder_copy(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    if (!dir)
        abort();
    const struct dirent *at;
    while ((at = readdir(dir))) {
        char source[PATH_MAX];
        char target[PATH_MAX];
        struct stat info;
        snprintf(source, sizeof source, "%s/%s", from, at->d_name);
        snprintf(target, sizeof target, "%s/%s", to, at->d_name);
        if (stat(source, &info) == 0 && S_ISREG(info.st_mode))
            copy_file(source, target);
    }
    closedir(dir);
}
