/* igaudit, igdoctor and igusage under refusals, before a service that tells the truth: no record is
 * ever said to be false because memory or a file was refused; what cannot be looked at is told as
 * that, and no usage is missing without a word. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/audit/igaudit.h"
#include "integrations/splunk-app/native/doctor/igdoctor.h"
#include "integrations/splunk-app/native/usage/igusage.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/scp/frame.h"
#include "tests/faults/sweep.h"

enum { TEXT_MAX = 1 << 20, RECORDS = 3, METERS = 2, CHECKS = DOCTOR_CHECK_COUNT };

#define URL    "http://127.0.0.1:9/"
#define SECRET "igt_secret_of_the_file"

static char folder[64];
static struct buf page;     /* what GET /v1/audit/handoffs gives */
static struct buf log_text; /* intelgraph_audit.log */
static struct buf answers;

/* --- a service that tells the truth ---------------------------------------------------------- */

static void make_leaf(int number, char out[512])
{
    snprintf(out, 512,
             "{\"time_us\":%d,\"action\":\"handoff.committed\",\"result\":\"success\","
             "\"subject\":\"mara\",\"handoff\":\"%032d\",\"sid\":\"1.%d\"}",
             1000 + number, number, number);
}

static enum fault_code read_hash(void *context, int height, uint64_t index, struct sha256 *out,
                                 struct fault *fault)
{
    struct merkle_range range = {.size = 0};
    struct sha256 made[MERKLE_HEIGHTS];
    const struct sha256 *leaves = context;
    (void)fault;
    for (uint64_t i = index << height; i < (index + 1) << height; i++)
        merkle_append(&range, &leaves[i], made);
    *out = merkle_root(&range);
    return FAULT_NONE;
}

static void put_page(const struct sha256 leaves[RECORDS], struct str note, struct str key)
{
    struct fault fault;
    struct json_out out = json_out_to(&page);
    wire_audit_open(&out, RECORDS, note, key);
    for (int i = RECORDS - 1; i >= 0; i--) {
        char leaf[512];
        struct wire_audit_record record = {.index = i, .has_consistency = true};
        make_leaf(i, leaf);
        record.leaf = str_of(leaf);
        assert_int_equal(merkle_prove_inclusion((uint64_t)i, RECORDS, read_hash, (void *)leaves,
                                                &record.inclusion, &fault),
                         FAULT_NONE);
        assert_int_equal(merkle_prove_consistency((uint64_t)i + 1, RECORDS, read_hash,
                                                  (void *)leaves, &record.consistency, &fault),
                         FAULT_NONE);
        wire_audit_put(&out, &record);
    }
    wire_audit_close(&out, STR(""));
}

/* A log of some records, and the receipts of them as this search head kept them. */
static void make_log(void)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {9};
    struct sign_key *key;
    struct fault fault;
    struct merkle_range range = {.size = 0};
    struct sha256 made[MERKLE_HEIGHTS];
    struct sha256 leaves[RECORDS];
    struct buf note;
    struct buf vkey;
    buf_init(&page, TEXT_MAX);
    buf_init(&log_text, TEXT_MAX);
    buf_init(&note, NOTE_MAX);
    buf_init(&vkey, NOTE_VKEY_MAX);
    assert_int_equal(sign_key_of_seed(seed, &key, &fault), FAULT_NONE);
    struct sign_public public_key = sign_key_public(key);
    note_add_vkey(&public_key, STR("acme"), &vkey);
    for (int i = 0; i < RECORDS; i++) {
        char leaf[512];
        char handoff[33];
        make_leaf(i, leaf);
        leaves[i] = merkle_leaf(str_of(leaf));
        merkle_append(&range, &leaves[i], made);
        struct note_head head = {STR("acme"), i + 1, merkle_root(&range)};
        buf_clear(&note);
        assert_int_equal(note_sign(key, &head, &note, &fault), FAULT_NONE);
        struct json_out out = json_out_to(&log_text);
        snprintf(handoff, sizeof handoff, "%032d", i);
        json_open(&out, '{');
        json_put_text(&out, "target", STR(URL));
        json_put_text(&out, "user", STR("mara"));
        json_put_text(&out, "handoff", str_of(handoff));
        json_put_whole(&out, "audit_index", i);
        json_put_text(&out, "checkpoint", buf_str(&note));
        json_close(&out, '}');
        buf_add_byte(&log_text, '\n');
    }
    put_page(leaves, buf_str(&note), buf_str(&vkey));
    sign_key_free(key);
    buf_done(&note);
    buf_done(&vkey);
}

static enum fault_code peer_open(const struct http_settings *settings, void **out,
                                 struct fault *fault)
{
    (void)settings;
    (void)fault;
    *out = &page;
    return FAULT_NONE;
}

static void peer_close(void *taken)
{
    (void)taken;
}

static void peer_probe(void *carrier, struct http_probe *out)
{
    (void)carrier;
    *out = (struct http_probe){.step = HTTP_STEP_DONE, .peer = "127.0.0.1", .port = 9};
}

static void answer(struct http_reply *out, struct str text)
{
    *out = (struct http_reply){.status = 200, .date = "Mon, 23 Nov 2026 12:29:43 GMT"};
    buf_init(&out->body, HTTP_REPLY_MAX);
    buf_add(&out->body, text);
}

/* Another process: what is refused here is not refused there. */
static enum fault_code peer_send(void *carrier, const struct http_request *request,
                                 struct http_reply *out, struct fault *fault)
{
    (void)carrier;
    (void)fault;
    const struct os_platform *ours = os_platform_set(&os_posix);
    if (str_starts(request->path, STR("v1/audit/handoffs")))
        answer(out, buf_str(&page));
    else if (str_equal(request->path, STR("v1/meters")))
        answer(out, STR("{\"meters\":[{\"name\":\"a\",\"dimensions\":[\"x\"]},"
                        "{\"name\":\"b\",\"dimensions\":[]}]}"));
    else if (str_starts(request->path, STR("v1/usage?")))
        answer(out, STR("{\"meter\":\"a\",\"window\":\"day\",\"zone\":\"UTC\","
                        "\"to\":\"9999-01-01T00:00:00Z\",\"unit\":\"u\",\"shown_unit\":\"u\","
                        "\"complete_up_to\":\"2026-11-23T11:00:00Z\",\"rows\":["
                        "{\"from\":\"2026-11-22T00:00:00Z\",\"to\":\"2026-11-23T00:00:00Z\","
                        "\"dimensions\":{},\"quantity\":\"7\",\"shown\":\"7\",\"events\":1}]}"));
    else if (str_equal(request->path, STR("v1/whoami")))
        answer(out, STR("{\"tenant\":\"acme\",\"subject\":\"splunk\",\"role\":\"analyst\","
                        "\"scopes\":[\"handoff\",\"read\"],\"expires_us\":null,"
                        "\"version\":\"0.1.0\"}"));
    else if (str_equal(request->path, STR("v1/budgets")))
        answer(out, STR("{\"budgets\":[{\"id\":\"bdg_x\",\"name\":\"A\",\"mode\":\"block\","
                        "\"shadow\":false,\"meters\":[\"handoffs\"],\"contact\":\"c\","
                        "\"state\":{\"verdict\":\"ok\",\"used\":\"1\",\"limit\":\"9\","
                        "\"share\":\"11.11\",\"period_to\":\"2026-12-01T00:00:00Z\","
                        "\"forecast\":null}}]}"));
    else
        answer(out, STR("{\"status\":\"alive\"}"));
    os_platform_set(ours);
    return FAULT_NONE;
}

static const struct http_transport truth = {
    .open = peer_open, .send = peer_send, .close = peer_close, .probe = peer_probe};

/* --- the conversation ------------------------------------------------------------------------ */

static void in_folder(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", folder, name);
}

static void put_file(const char *name, struct str text)
{
    char path[256];
    struct fault fault;
    in_folder(path, name);
    assert_int_equal(file_replace(path, text, 0600, &fault), FAULT_NONE);
}

static void make_folder(const char *name)
{
    char path[256];
    struct fault fault;
    in_folder(path, name);
    assert_int_equal(file_make_folder(path, 0700, &fault), FAULT_NONE);
}

static void add_frame(struct buf *out, struct str metadata)
{
    scp_header_add(out, metadata.len, 0);
    buf_add(out, metadata);
}

static void put_requests(void)
{
    struct buf requests;
    buf_init(&requests, TEXT_MAX);
    add_frame(&requests,
              STR("{\"action\":\"getinfo\",\"preview\":false,\"searchinfo\":{\"args\":[],"
                  "\"sid\":\"1.1\",\"username\":\"mara\",\"session_key\":\"key\"}}"));
    add_frame(&requests, STR("{\"action\":\"execute\",\"finished\":true}"));
    put_file("requests", buf_str(&requests));
    buf_done(&requests);
}

static int run_source(const struct generating_source *source)
{
    char path[256];
    struct generating generating;
    in_folder(path, "requests");
    int in_fd = open(path, O_RDONLY | O_CLOEXEC);
    in_folder(path, "out");
    int out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in_fd >= 0 && out_fd >= 0);
    generating_init(&generating, source);
    struct command command = generating_command(&generating);
    int status = command_run(&command, in_fd, out_fd);
    generating_done(&generating);
    close(in_fd);
    close(out_fd);
    return status;
}

static int run_igaudit(void)
{
    struct igaudit audit;
    igaudit_init(&audit);
    struct generating_source source = igaudit_source(&audit);
    int status = run_source(&source);
    igaudit_done(&audit);
    return status;
}

static int run_igdoctor(void)
{
    struct igdoctor igdoctor;
    igdoctor_init(&igdoctor);
    struct generating_source source = igdoctor_source(&igdoctor);
    int status = run_source(&source);
    igdoctor_done(&igdoctor);
    return status;
}

static int run_igusage(void)
{
    struct igusage usage;
    igusage_init(&usage);
    struct generating_source source = igusage_source(&usage);
    int status = run_source(&source);
    igusage_done(&usage);
    return status;
}

/* --- what was said --------------------------------------------------------------------------- */

static int count_said(const char *text)
{
    struct str rest = buf_str(&answers);
    int count = 0;
    for (size_t at; (at = str_find(rest, str_of(text))) < rest.len; count++)
        rest = str_skip(rest, at + 1);
    return count;
}

static void read_answers(void)
{
    char path[256];
    struct fault fault;
    in_folder(path, "out");
    buf_clear(&answers);
    assert_int_equal(file_read(path, &answers, &fault), FAULT_NONE);
    if (count_said(SECRET) > 0)
        fail_msg("%s: the secret was told", sweep_where());
}

static void fail_with_answers(const char *what)
{
    fail_msg("%s: %s: %.*s", sweep_where(), what,
             STR_ARG(str_skip(buf_str(&answers), answers.len < 1500 ? 0 : answers.len - 1500)));
}

/* Nobody was there to be told when the pipe to splunkd was refused, or no memory for the reply. */
static bool was_cut(int status, enum os_fail_kind kind)
{
    return status != 0 || kind == OS_FAIL_WRITE || answers.len == 0;
}

static void check_rows(int status, bool refused, enum os_fail_kind kind)
{
    int good = count_said(",true,");
    int bad = count_said(",false,");
    if (bad != count_said("no memory left to check a signature"))
        fail_with_answers("a record was called false");
    if (!refused && good != RECORDS)
        fail_with_answers("not all records are verified");
    if (refused && good + bad < RECORDS && count_said("\"error\"") == 0 && !was_cut(status, kind))
        fail_with_answers("rows are missing, and nobody was told");
}

static void check_checks(int status, bool refused, enum os_fail_kind kind)
{
    int rows = count_said("\ndefault,");
    if (!refused && (rows != CHECKS || count_said(",failed,") != 0 ||
                     count_said("default,audit,ok,") != 1 || count_said("default,log,ok,") != 1))
        fail_with_answers("not all is well");
    if (refused && rows != CHECKS && count_said("\"error\"") == 0 && !was_cut(status, kind))
        fail_with_answers("rows are missing, and nobody was told");
    if (count_said("the log was") > 0 || count_said("is not signed") > 0)
        fail_with_answers("the log was called false");
}

static void check_usage(int status, bool refused, enum os_fail_kind kind)
{
    int rows = count_said(",7,u,7,u,1,UTC,");
    if (!refused && rows != METERS)
        fail_with_answers("not all usage is there");
    if (refused && rows != METERS && count_said("\"error\"") == 0 && !was_cut(status, kind))
        fail_with_answers("usage is missing, and nobody was told");
}

static bool run_case(int (*run)(void), void (*check)(int, bool, enum os_fail_kind),
                     enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    char path[256];
    in_folder(path, "home");
    sweep_folder_clear(path);
    make_folder("home/var/log/splunk");
    put_file("home/var/log/splunk/intelgraph_audit.log", buf_str(&log_text));
    const struct http_transport *before = http_transport_set(&truth);
    os_fail_arm(kind, mode, at);
    int status = run();
    bool refused = os_fail_disarm();
    http_transport_set(before);
    read_answers();
    check(status, refused, kind);
    return refused;
}

static bool audit_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(run_igaudit, check_rows, kind, mode, at);
}

static bool usage_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(run_igusage, check_usage, kind, mode, at);
}

static bool doctor_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(run_igdoctor, check_checks, kind, mode, at);
}

/* --- the scene ------------------------------------------------------------------------------- */

static void make_app(void)
{
    char text[512];
    char path[256];
    make_folder("app/default");
    make_folder("app/local");
    make_folder("app/bin");
    make_folder("home");
    put_file("token", STR(SECRET "\n"));
    put_file("app/default/intelgraph.conf", STR("[instance:default]\nurl =\ntenant =\n"));
    snprintf(text, sizeof text,
             "[instance:default]\nurl = " URL "\ntenant = acme\ncredential = file:%s/token\n",
             folder);
    put_file("app/local/intelgraph.conf", str_of(text));
    in_folder(path, "home");
    setenv("SPLUNK_HOME", path, 1);
    in_folder(path, "app/bin");
    assert_int_equal(chdir(path), 0);
    put_requests();
}

int main(void)
{
    buf_init(&answers, TEXT_MAX);
    sweep_folder(folder, sizeof folder);
    os_fail_install();
    make_log();
    make_app();
    sweep_add_kinds("igaudit__calls_no_record_false_for_want_of_anything", audit_case,
                    1U << OS_FAIL_ALLOC | 1U << OS_FAIL_OPEN | 1U << OS_FAIL_READ |
                        1U << OS_FAIL_WRITE);
    sweep_add("igdoctor__tells_what_it_cannot_look_at", doctor_case, OS_FAIL_KINDS);
    sweep_add_kinds("igusage__leaves_no_usage_out_in_silence", usage_case,
                    1U << OS_FAIL_ALLOC | 1U << OS_FAIL_OPEN | 1U << OS_FAIL_READ |
                        1U << OS_FAIL_WRITE);
    int failed = sweep_run("faults_rows");
    buf_done(&answers);
    buf_done(&page);
    buf_done(&log_text);
    sweep_folder_clear(folder);
    rmdir(folder);
    return failed;
}
