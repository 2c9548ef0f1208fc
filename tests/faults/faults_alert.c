/* The alert action under refusals: a results file handed off to a service that answers, and to one
 * that is down. Its exit status is true: 0 is in the service, 5 and 6 can be read from the outbox;
 * anything else is told on standard error, unless that is what was refused. */
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

#include "integrations/splunk-app/native/alert/alert.h"
#include "integrations/splunk-app/native/delivery/outbox.h"
#include "libs/core/file.h"
#include "libs/http/gzip.h"
#include "tests/faults/sweep.h"
#include "tests/faults/taker.h"

enum { TEXT_MAX = 4 << 20 };

static char folder[64];
static char our_id[WIRE_ID_HEX + 1];
static struct buf told;

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

/* Runs it; what it says is in the file "err". */
static enum alert_status act(void)
{
    char path[256];
    in_folder(path, "payload");
    int in_fd = open(path, O_RDONLY | O_CLOEXEC);
    in_folder(path, "err");
    int err_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in_fd >= 0 && err_fd >= 0);
    enum alert_status status = alert_run(in_fd, err_fd);
    close(in_fd);
    close(err_fd);
    return status;
}

static void read_told(void)
{
    char path[256];
    struct fault fault;
    in_folder(path, "err");
    buf_clear(&told);
    assert_int_equal(file_read(path, &told, &fault), FAULT_NONE);
}

static bool said(const char *text)
{
    return str_find(buf_str(&told), str_of(text)) < told.len;
}

static bool is_in_outbox(void)
{
    char path[256];
    struct parcel parcel;
    struct fault fault;
    in_folder(path, "home/var/lib/splunk/intelgraph/outbox");
    parcel_init(&parcel);
    enum fault_code code = outbox_load(path, str_of(our_id), &parcel, &fault);
    parcel_done(&parcel);
    if (code != FAULT_NONE && code != FAULT_NOT_FOUND)
        fail_msg("%s: the outbox holds half a hand-off: %s", sweep_where(), fault.text);
    return code == FAULT_NONE;
}

static void check_claims(enum alert_status status, enum os_fail_kind kind)
{
    bool waits = status == ALERT_QUEUED || status == ALERT_SIGN_IN;
    if ((status == ALERT_DONE && !taker_holds(our_id)) || (waits && !is_in_outbox()))
        fail_msg("%s: untrue: status %d, %.*s", sweep_where(), (int)status,
                 STR_ARG(buf_str(&told)));
    if (status != ALERT_DONE && !waits && !said("ERROR ") && kind != OS_FAIL_WRITE)
        fail_msg("%s: silent: status %d", sweep_where(), (int)status);
    if (said("handed off 3 entities") && !taker_holds(our_id))
        fail_msg("%s: says what is not so: %.*s", sweep_where(), STR_ARG(buf_str(&told)));
}

static void set_home(void)
{
    char path[256];
    in_folder(path, "home");
    sweep_folder_clear(path);
    taker_forget();
    make_folder("home/var/lib/splunk/intelgraph/outbox");
}

static bool run_case(const struct http_transport *transport, enum alert_status by_itself,
                     enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    set_home();
    http_transport_set(transport);
    os_fail_arm(kind, mode, at);
    enum alert_status status = act();
    bool reached = os_fail_disarm();
    read_told();
    check_claims(status, kind);
    if (!reached && status != by_itself)
        fail_msg("%s: failed by itself: %d, %.*s", sweep_where(), (int)status,
                 STR_ARG(buf_str(&told)));
    /* splunkd runs it again: as if nothing had been. */
    http_transport_set(&taker_transport);
    status = act();
    read_told();
    if (status != ALERT_DONE || !taker_holds(our_id) || is_in_outbox())
        fail_msg("%s: not mended by the next run: %d, %.*s", sweep_where(), (int)status,
                 STR_ARG(buf_str(&told)));
    return reached;
}

static bool answered_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&taker_transport, ALERT_DONE, kind, mode, at);
}

static bool down_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&http_transport_curl, ALERT_QUEUED, kind, mode, at);
}

/* --- the scene ------------------------------------------------------------------------------- */

static void make_app(void)
{
    char text[1024];
    char path[256];
    struct buf packed;
    struct fault fault;
    make_folder("app/default");
    make_folder("app/local");
    make_folder("app/bin");
    put_file("token", STR("igt_0_0\n"));
    put_file("app/default/intelgraph.conf", STR("[instance:default]\nurl =\ntenant =\n"));
    /* Nobody listens at port 9. */
    snprintf(text, sizeof text,
             "[instance:default]\nurl = http://127.0.0.1:9/\ntenant = acme\n"
             "credential = file:%s/token\nconnect_timeout_ms = 100\n",
             folder);
    put_file("app/local/intelgraph.conf", str_of(text));
    buf_init(&packed, 4096);
    assert_int_equal(gzip_add(&packed,
                              STR("_time,src_ip,dest,user\n1763863200.5,192.0.2.1,"
                                  "files.example,kim\n"),
                              &fault),
                     FAULT_NONE);
    put_file("results.csv.gz", buf_str(&packed));
    buf_done(&packed);
    snprintf(
        text, sizeof text,
        "{\"sid\":\"scheduler__1\",\"owner\":\"mara\",\"app\":\"search\",\"session_key\":\"k\","
        "\"search_name\":\"n\",\"results_file\":\"%s/results.csv.gz\",\"result\":{\"a\":\"b\"},"
        "\"configuration\":{\"title\":\"x\"}}",
        folder);
    put_file("payload", str_of(text));
    in_folder(path, "home");
    setenv("SPLUNK_HOME", path, 1);
    in_folder(path, "app/bin");
    assert_int_equal(chdir(path), 0);
}

/* A run that nothing is refused: the hand-off's id is known from its link. */
static void learn_id(void)
{
    set_home();
    http_transport_set(&taker_transport);
    enum alert_status status = act();
    read_told();
    struct str link = str_skip(buf_str(&told), str_find(buf_str(&told), STR("open/handoffs/")));
    if (status != ALERT_DONE || link.len < 14 + WIRE_ID_HEX ||
        !str_to_c(str_take(str_skip(link, 14), WIRE_ID_HEX), our_id, sizeof our_id))
        fail_msg("not handed off: %d, %.*s", (int)status, STR_ARG(buf_str(&told)));
}

int main(void)
{
    buf_init(&told, TEXT_MAX);
    sweep_folder(folder, sizeof folder);
    os_fail_install();
    make_app();
    learn_id();
    sweep_add("alert_to_a_service_that_answers__is_told_as_it_is", answered_case, OS_FAIL_KINDS);
    sweep_add("alert_to_a_service_that_is_down__is_told_as_it_is", down_case, OS_FAIL_KINDS);
    int failed = sweep_run("faults_alert");
    buf_done(&told);
    sweep_folder_clear(folder);
    rmdir(folder);
    return failed;
}
