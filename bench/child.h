/* A program under measurement: started with pipes on its standard input and output. */
#ifndef IG_BENCH_CHILD_H
#define IG_BENCH_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int to;   /* its standard input */
    int from; /* its standard output */
};

/* All of these end the bench with a sentence when the system refuses. */
void child_start(struct child *child, const char *const argv[]);
void child_stop(struct child *child,
                struct rusage *out_usage); /* closes its input, waits for exit 0 */
void child_write(const struct child *child, const char *data, size_t len);
/* The most memory it has had, in MiB. (Not from rusage: that counts the parent before exec too.) */
double child_peak_mib(const struct child *child);
/* Reads one whole reply frame and throws it away; its length. */
size_t child_read_reply(const struct child *child);

int64_t bench_now_ns(void);
double bench_median(double *values, size_t count); /* sorts them */
_Noreturn void bench_fail(const char *what);

#endif
