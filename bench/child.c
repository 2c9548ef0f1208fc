#include "bench/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

_Noreturn void bench_fail(const char *what)
{
    perror(what);
    exit(1);
}

int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void child_start(struct child *child, const char *const argv[])
{
    int in[2];
    int out[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        bench_fail("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (posix_spawn(&child->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
                    environ) != 0)
        bench_fail(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    child->to = in[1];
    child->from = out[0];
}

void child_stop(struct child *child, struct rusage *out_usage)
{
    int status;
    close(child->to);
    if (wait4(child->pid, &status, 0, out_usage) < 0)
        bench_fail("wait4");
    close(child->from);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the program ended with status %d\n", status);
        exit(1);
    }
}

void child_write(const struct child *child, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(child->to, data, len);
        if (put < 0)
            bench_fail("write to the program");
        data += put;
        len -= (size_t)put;
    }
}

double child_peak_mib(const struct child *child)
{
    char line[256];
    long kib = -1;
    snprintf(line, sizeof line, "/proc/%d/status", (int)child->pid);
    FILE *status = fopen(line, "r");
    while (status && kib < 0 && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (!status || kib < 0)
        bench_fail("the program's memory in /proc");
    fclose(status);
    return (double)kib / 1024;
}

size_t child_read_reply(const struct child *child)
{
    static char data[1 << 20];
    size_t have = 0;
    size_t metadata;
    size_t body;
    char *line_end = NULL;
    while (!line_end) {
        ssize_t got = read(child->from, data + have, sizeof data - have);
        if (got <= 0)
            bench_fail("read from the program");
        have += (size_t)got;
        line_end = memchr(data, '\n', have);
    }
    if (sscanf(data, "chunked 1.0,%zu,%zu\n", &metadata, &body) != 2)
        bench_fail("the reply has no chunk header");
    if (memmem(data, have, "\"error\"", 7)) {
        fprintf(stderr, "the program answered: %.*s\n", (int)(have < 400 ? have : 400), data);
        exit(1);
    }
    size_t whole = (size_t)(line_end + 1 - data) + metadata + body;
    while (have < whole) {
        size_t want = whole - have < sizeof data ? whole - have : sizeof data;
        ssize_t got = read(child->from, data, want);
        if (got <= 0)
            bench_fail("read from the program");
        have += (size_t)got;
    }
    return whole;
}
