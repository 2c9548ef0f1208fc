/* From exec to the getinfo reply, against the time that /bin/true takes to run.
 *
 * usage: bench_start PROGRAM [RUNS]      PROGRAM: the app's binary where it is staged */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/child.h"

static const char getinfo[] =
    "{\"action\":\"getinfo\",\"preview\":false,\"streaming_command_will_restart\":false,"
    "\"searchinfo\":{\"args\":[\"title=Beaconing\"],\"raw_args\":[\"title=Beaconing\"],"
    "\"dispatch_dir\":\"\",\"sid\":\"1763863200.42\",\"app\":\"search\",\"owner\":\"mara\","
    "\"username\":\"mara\",\"session_key\":\"0000000000000000000000000000000000000000\","
    "\"splunkd_uri\":\"https://127.0.0.1:8089\",\"splunk_version\":\"9.4.6\",\"search\":"
    "\"search%20index%3Dproxy%20%7C%20ighandoff\",\"command\":\"ighandoff\",\"maxresultrows\":"
    "50000,"
    "\"earliest_time\":\"0\",\"latest_time\":\"0\"}}";

static double start_once(const char *program)
{
    const char *const argv[] = {program, "ighandoff", NULL};
    char request[2048];
    struct child child;
    struct rusage usage;
    int len = snprintf(request, sizeof request, "chunked 1.0,%zu,0\n%s", strlen(getinfo), getinfo);
    int64_t from_ns = bench_now_ns();
    child_start(&child, argv);
    child_write(&child, request, (size_t)len);
    child_read_reply(&child);
    double ms = (double)(bench_now_ns() - from_ns) / 1e6;
    child_stop(&child, &usage);
    return ms;
}

static double true_once(void)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct child child;
    struct rusage usage;
    int64_t from_ns = bench_now_ns();
    child_start(&child, argv);
    child_stop(&child, &usage);
    return (double)(bench_now_ns() - from_ns) / 1e6;
}

int main(int argc, char **argv)
{
    enum { RUNS_MAX = 10000 };
    static double ours[RUNS_MAX];
    static double others[RUNS_MAX];
    int runs = argc > 2 ? atoi(argv[2]) : 200;
    if (argc < 2 || runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench_start PROGRAM [RUNS]\n");
        return 2;
    }
    for (int i = 0; i < runs; i++) {
        ours[i] = start_once(argv[1]);
        others[i] = true_once();
    }
    double reply = bench_median(ours, (size_t)runs);
    double none = bench_median(others, (size_t)runs);
    printf(
        "start: getinfo reply %.2f ms after exec, /bin/true runs %.2f ms, ratio %.1f, difference "
        "%.2f ms (medians of %d)\n",
        reply, none, reply / none, reply - none, runs);
    printf("figures: start_difference_ms=%.3f\n", reply - none);
    return 0;
}
