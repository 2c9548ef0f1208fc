/* ighandoff in dry run over 500,000 rows of 12 fields, against a program that copies the same
 * bytes, and against another search command, where one is given.
 *
 * usage: bench_rows PROGRAM [ROWS [CHUNK_ROWS [RUNS]]] [-- OTHER [ARGUMENT...]]
 *        bench_rows copy                      the program that copies
 *        bench_rows stream ROWS CHUNK_ROWS    writes the stream to standard output
 *
 * OTHER gets the very same stream, in the first three runs. Chunks go one at a time, as splunkd
 * sends them. The rows are those of a web server's access log, in splunkd's own CSV dialect; each
 * has a client address of its own, so the graph's limit is soon reached. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "libs/core/buf.h"

static const char *const columns[] = {"_time",      "_raw",   "host",     "source",
                                      "sourcetype", "index",  "clientip", "method",
                                      "uri_path",   "status", "bytes",    "useragent"};
enum { COLUMNS = sizeof columns / sizeof columns[0], RUNS_MAX = 100, OTHER_RUNS_MAX = 3 };

static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0",
    "curl/8.5.0",
    "Mozilla/5.0 (compatible; Examplebot/2.1; +https://bot.example/)",
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void add_header(struct buf *body)
{
    for (size_t i = 0; i < COLUMNS; i++)
        buf_addf(body, columns[i][0] == '_' ? "%s\"%s\"" : "%s%s", i ? "," : "", columns[i]);
    for (size_t i = 0; i < COLUMNS; i++)
        buf_addf(body, ",\"__mv_%s\"", columns[i]);
    buf_add_byte(body, '\n');
}

static void add_row(struct buf *body, uint64_t *seed, int64_t time_ms)
{
    char address[32];
    char path[64];
    uint64_t bits = next_random(seed);
    const char *agent = agents[bits % 3];
    unsigned status = bits % 6 == 0 ? 404 : 200;
    unsigned bytes = 200 + (unsigned)(bits % 90000);
    snprintf(address, sizeof address, "%u.%u.%u.%u", 1 + (unsigned)(next_random(seed) % 222),
             (unsigned)(next_random(seed) % 256), (unsigned)(next_random(seed) % 256),
             1 + (unsigned)(next_random(seed) % 254));
    snprintf(path, sizeof path, "/cart.do?action=view&itemId=EST-%u",
             (unsigned)(next_random(seed) % 60));
    buf_addf(body,
             "\"%lld.%03d\",\"%s - - [23/Nov/2026:10:00:00 +0000] \"\"GET %s HTTP/1.1\"\" %u %u "
             "\"\"-\"\" \"\"%s\"\"\",web%02u,\"/var/log/httpd/access_log\",\"access_combined\",web,"
             "\"%s\",GET,\"%s\",%u,%u,\"%s\",,,,,,,,,,,,\n",
             (long long)(time_ms / 1000), (int)(time_ms % 1000), address, path, status, bytes,
             agent, (unsigned)(bits % 20), address, path, status, bytes, agent);
}

struct stream {
    struct buf bytes;
    size_t ends[4096]; /* where each chunk ends */
    size_t chunk_count;
    size_t largest;
};

static void add_chunk(struct stream *stream, const char *metadata, struct str body)
{
    buf_addf(&stream->bytes, "chunked 1.0,%zu,%zu\n%s", strlen(metadata), body.len, metadata);
    buf_add(&stream->bytes, body);
    stream->ends[stream->chunk_count++] = stream->bytes.len;
    if (body.len > stream->largest)
        stream->largest = body.len;
}

static void make_stream(struct stream *stream, long rows, long chunk_rows)
{
    uint64_t seed = 1;
    struct buf body;
    buf_init(&stream->bytes, (size_t)4 << 30);
    buf_init(&body, (size_t)1 << 30);
    add_chunk(
        stream,
        "{\"action\":\"getinfo\",\"preview\":false,\"searchinfo\":{\"args\":[\"dryrun=true\"],"
        "\"raw_args\":[\"dryrun=true\"],\"dispatch_dir\":\"\",\"sid\":\"1763863200.42\",\"app\":"
        "\"search\",\"owner\":\"mara\",\"username\":\"mara\",\"session_key\":\"0\",\"splunkd_uri\":"
        "\"https://127.0.0.1:8089\",\"splunk_version\":\"9.4.6\",\"search\":\"a\",\"command\":"
        "\"ighandoff\",\"maxresultrows\":50000,\"earliest_time\":\"0\",\"latest_time\":\"0\"}}",
        STR(""));
    for (long done = 0; done < rows;) {
        buf_clear(&body);
        add_header(&body);
        for (long i = 0; i < chunk_rows && done < rows; i++, done++)
            add_row(&body, &seed, 1763863200000 + done * 37);
        add_chunk(stream,
                  done < rows ? "{\"action\":\"execute\",\"finished\":false}"
                              : "{\"action\":\"execute\",\"finished\":true}",
                  buf_str(&body));
    }
    if (stream->bytes.code != FAULT_NONE || body.code != FAULT_NONE)
        bench_fail("no memory for the stream");
    buf_done(&body);
}

struct result {
    double cpu_s;
    double wall_s;
    double peak_mib;
};

static struct result run(const struct stream *stream, const char *const argv[])
{
    struct child child;
    struct rusage usage;
    int64_t from_ns = bench_now_ns();
    child_start(&child, argv);
    for (size_t i = 0; i < stream->chunk_count; i++) {
        size_t start = i ? stream->ends[i - 1] : 0;
        child_write(&child, stream->bytes.ptr + start, stream->ends[i] - start);
        child_read_reply(&child);
    }
    double peak_mib = child_peak_mib(&child);
    child_stop(&child, &usage);
    return (struct result){
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
        .wall_s = (double)(bench_now_ns() - from_ns) / 1e9,
        .peak_mib = peak_mib,
    };
}

/* The length of the request at the start of chunk[have], or 0 when its header is not whole yet. */
static size_t request_size(const char *chunk, size_t have)
{
    const char *line_end = memchr(chunk, '\n', have < 64 ? have : 64);
    char *after;
    if (!line_end)
        return 0;
    size_t metadata = strtoul(chunk + strlen("chunked 1.0,"), &after, 10);
    size_t body = strtoul(after + 1, NULL, 10);
    return (size_t)(line_end + 1 - chunk) + metadata + body;
}

static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(STDOUT_FILENO, data, len);
        if (put < 0)
            bench_fail("write");
        data += put;
        len -= (size_t)put;
    }
}

/* Reads each request whole and writes it back: what moving the bytes alone costs. */
static int copy(void)
{
    size_t room = (size_t)256 << 20;
    size_t have = 0;
    char *chunk = malloc(room);
    if (!chunk)
        bench_fail("malloc");
    for (;;) {
        ssize_t got = read(STDIN_FILENO, chunk + have, room - have);
        if (got <= 0)
            return got == 0 && have == 0 ? 0 : 1;
        have += (size_t)got;
        size_t whole = request_size(chunk, have);
        if (whole > 0 && have >= whole) {
            write_all(chunk, whole);
            have = 0; /* one request at a time: nothing follows before the reply */
        }
    }
}

struct figures {
    double cpu[RUNS_MAX];
    double wall[RUNS_MAX];
    double peak[RUNS_MAX];
    double copies[RUNS_MAX]; /* our CPU time in that of copying */
    double others[RUNS_MAX]; /* the other's CPU time in ours */
    double other_cpu[RUNS_MAX];
    size_t runs;
    size_t other_runs;
};

static void measure(const struct stream *stream, char **argv, const char *const *other, int runs,
                    struct figures *out)
{
    const char *const ours[] = {argv[1], "ighandoff", NULL};
    const char *const copies[] = {argv[0], "copy", NULL};
    for (int i = 0; i < runs; i++) {
        struct result result = run(stream, ours);
        out->cpu[i] = result.cpu_s;
        out->wall[i] = result.wall_s;
        out->peak[i] = result.peak_mib;
        out->copies[i] = result.cpu_s / run(stream, copies).cpu_s;
        out->runs++;
        if (!other || i >= OTHER_RUNS_MAX)
            continue;
        out->other_cpu[i] = run(stream, other).cpu_s;
        out->others[i] = out->other_cpu[i] / result.cpu_s;
        out->other_runs++;
    }
}

static void report(const struct stream *stream, long rows, struct figures *figures)
{
    double cpu_s = bench_median(figures->cpu, figures->runs);
    double peak_mib = bench_median(figures->peak, figures->runs);
    double largest_mib = (double)stream->largest / (1 << 20);
    printf("rows: %.0f rows per CPU second (%.2f CPU s, %.2f s wall for %ld rows, %.0f MiB), %.2f "
           "times the CPU of copying the bytes (medians of %zu)\n",
           (double)rows / cpu_s, cpu_s, bench_median(figures->wall, figures->runs), rows,
           (double)stream->bytes.len / (1 << 20), bench_median(figures->copies, figures->runs),
           figures->runs);
    printf("memory: peak %.1f MiB, largest chunk %.1f MiB, difference %.1f MiB\n", peak_mib,
           largest_mib, peak_mib - largest_mib);
    printf("figures: rows_per_cpu_s=%.0f memory_difference_mib=%.1f\n", (double)rows / cpu_s,
           peak_mib - largest_mib);
    if (figures->other_runs == 0)
        return;
    double ratio = bench_median(figures->others, figures->other_runs);
    printf("other: %.0f rows per CPU second; ours are %.1f times as many (medians of %zu)\n",
           (double)rows / bench_median(figures->other_cpu, figures->other_runs), ratio,
           figures->other_runs);
    printf("figures: rows_ratio=%.2f\n", ratio);
}

/* The place of "--", or argc. */
static int find_other(int argc, char **argv)
{
    int at = 1;
    while (at < argc && strcmp(argv[at], "--") != 0)
        at++;
    return at;
}

int main(int argc, char **argv)
{
    static struct stream stream;
    static struct figures figures;
    if (argc == 2 && strcmp(argv[1], "copy") == 0)
        return copy();
    if (argc == 4 && strcmp(argv[1], "stream") == 0) {
        make_stream(&stream, atol(argv[2]), atol(argv[3]));
        write_all(stream.bytes.ptr, stream.bytes.len);
        buf_done(&stream.bytes);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN); /* a program that ends early is told by its read */
    int end = find_other(argc, argv);
    long rows = end > 2 ? atol(argv[2]) : 500000;
    long chunk_rows = end > 3 ? atol(argv[3]) : 50000;
    int runs = end > 4 ? atoi(argv[4]) : 5;
    if (end < 2 || end == argc - 1 || rows < 1 || chunk_rows < 1 || rows / chunk_rows > 4000 ||
        runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: bench_rows PROGRAM [ROWS [CHUNK_ROWS [RUNS]]] "
                        "[-- OTHER [ARGUMENT...]] | bench_rows copy\n");
        return 2;
    }
    const char *const *other = end < argc ? (const char *const *)(argv + end + 1) : NULL;
    make_stream(&stream, rows, chunk_rows);
    measure(&stream, argv, other, runs, &figures);
    report(&stream, rows, &figures);
    buf_done(&stream.bytes);
    return 0;
}
