/* The command under refusals: a whole conversation with splunkd, to a service that answers, to one
 * that is down, and with a hand-off that waits. What the analyst is told is true: "handed off" is
 * in the service, "waits in the outbox" can be read from there; anything else is a clear failure.
 */
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

#include "integrations/splunk-app/native/delivery/outbox.h"
#include "integrations/splunk-app/native/handoff/handoff.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/scp/frame.h"
#include "tests/faults/sweep.h"
#include "tests/faults/taker.h"

enum { TEXT_MAX = 4 << 20 };

static char folder[64];
static char old_file[256]; /* a hand-off that waits, as an earlier search has left it */
static char old_id[WIRE_ID_HEX + 1];

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

static void add_frame(struct buf *out, struct str metadata, struct str body)
{
    scp_header_add(out, metadata.len, body.len);
    buf_add(out, metadata);
    buf_add(out, body);
}

#define ROWS "_time,src_ip,dest,user\n"

/* What splunkd sends: getinfo, and the rows in two chunks. */
static void put_requests(const char *name, const char *sid)
{
    struct buf requests;
    char getinfo[256];
    buf_init(&requests, 1 << 20);
    snprintf(getinfo, sizeof getinfo,
             "{\"action\":\"getinfo\",\"preview\":false,\"searchinfo\":{\"args\":[\"title=x\"],"
             "\"sid\":\"%s\",\"search\":\"index%%3Da\",\"username\":\"mara\"}}",
             sid);
    add_frame(&requests, str_of(getinfo), STR(""));
    add_frame(&requests, STR("{\"action\":\"execute\",\"finished\":false}"),
              STR(ROWS "1763863200.5,192.0.2.1,files.example,kim\n"));
    add_frame(&requests, STR("{\"action\":\"execute\",\"finished\":true}"),
              STR(ROWS "1763863201.5,192.0.2.2,files.example,kim\n"));
    put_file(name, buf_str(&requests));
    buf_done(&requests);
}

/* Runs it; the exit status. The answers are in the file "out". */
static int converse(const char *requests)
{
    char path[256];
    struct handoff handoff;
    in_folder(path, requests);
    int in_fd = open(path, O_RDONLY | O_CLOEXEC);
    in_folder(path, "out");
    int out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in_fd >= 0 && out_fd >= 0);
    handoff_init(&handoff);
    struct command command = handoff_command(&handoff);
    int status = command_run(&command, in_fd, out_fd);
    handoff_done(&handoff);
    close(in_fd);
    close(out_fd);
    return status;
}

/* --- what was said --------------------------------------------------------------------------- */

static struct buf answers;

static bool said(const char *text)
{
    return str_find(buf_str(&answers), str_of(text)) < answers.len;
}

/* The end of the answers, for a failed check. */
static struct str last_words(void)
{
    return str_skip(buf_str(&answers), answers.len < 700 ? 0 : answers.len - 700);
}

static void read_answers(void)
{
    char path[256];
    struct fault fault;
    in_folder(path, "out");
    buf_clear(&answers);
    assert_int_equal(file_read(path, &answers, &fault), FAULT_NONE);
}

static bool is_in_outbox(const char *id)
{
    char path[256];
    struct parcel parcel;
    struct fault fault;
    in_folder(path, "home/var/lib/splunk/intelgraph/outbox");
    parcel_init(&parcel);
    enum fault_code code = outbox_load(path, str_of(id), &parcel, &fault);
    parcel_done(&parcel);
    if (code != FAULT_NONE && code != FAULT_NOT_FOUND)
        fail_msg("%s: the outbox holds half a hand-off: %s", sweep_where(), fault.text);
    return code == FAULT_NONE;
}

/* The id of the conversation's hand-off: from its link, which each of its rows carries. */
static const char *told_id(void)
{
    static char id[WIRE_ID_HEX + 1];
    struct str link =
        str_skip(buf_str(&answers), str_find(buf_str(&answers), STR("open/handoffs/")));
    if (link.len < 14 + WIRE_ID_HEX ||
        !str_to_c(str_take(str_skip(link, 14), WIRE_ID_HEX), id, sizeof id))
        fail_msg("%s: no link", sweep_where());
    return id;
}

static void check_claims(int status, enum os_fail_kind kind, bool reached)
{
    bool ended = said("\"finished\":true") && !said("\"error\":");
    bool handed_off = said("IntelGraph: handed off ") || said(",sent");
    bool waits = said("waits in the outbox and goes out") || said(",queued") || said(",blocked");
    bool lost = said("nothing was handed off") || said(",failed");
    if (handed_off + waits + lost > 1 || (handed_off && !taker_holds(told_id())) ||
        (waits && !is_in_outbox(told_id())))
        fail_msg("%s: untrue: %.*s", sweep_where(), STR_ARG(last_words()));
    /* What was not flushed is not kept: only the record beside it may have met that refusal. */
    if (kind == OS_FAIL_FLUSH && reached && waits && !said("could not be written on the Splunk"))
        fail_msg("%s: kept without a flush: %.*s", sweep_where(), STR_ARG(last_words()));
    if (status == 0 && ended && !handed_off && !waits && !lost)
        fail_msg("%s: silent: %.*s", sweep_where(), STR_ARG(last_words()));
    /* Only when splunkd cannot be written to may it end without a word. */
    bool told = said("\"error\":\"") || ended;
    if (!told && status == 0 && kind != OS_FAIL_WRITE)
        fail_msg("%s: says nothing: %.*s", sweep_where(), STR_ARG(last_words()));
    if (!reached && (status != 0 || !ended || lost))
        fail_msg("%s: failed by itself: %.*s", sweep_where(), STR_ARG(last_words()));
}

static void set_home(bool with_old)
{
    char path[256];
    in_folder(path, "home");
    sweep_folder_clear(path);
    taker_forget();
    make_folder("home/var/lib/splunk/intelgraph/outbox");
    if (with_old) {
        char to[512];
        snprintf(to, sizeof to, "%s/var/lib/splunk/intelgraph/outbox", path);
        sweep_folder_copy(old_file, to);
    }
}

static bool run_case(const struct http_transport *transport, enum os_fail_kind kind,
                     enum os_fail_mode mode, long at)
{
    set_home(true);
    http_transport_set(transport);
    os_fail_arm(kind, mode, at);
    int status = converse("requests");
    bool reached = os_fail_disarm();
    read_answers();
    check_claims(status, kind, reached);
    if (!is_in_outbox(old_id) && !taker_holds(old_id))
        fail_msg("%s: the hand-off that waited is lost", sweep_where());
    /* The next search goes as if nothing had been: the budget's time is over. */
    char hold[256];
    in_folder(hold, "home/var/lib/splunk/intelgraph/outbox/held");
    if (access(hold, F_OK) == 0)
        sweep_folder_clear(hold);
    http_transport_set(&taker_transport);
    status = converse("requests");
    read_answers();
    check_claims(status, OS_FAIL_KINDS, false);
    if (!taker_holds(told_id()) || !taker_holds(old_id))
        fail_msg("%s: not mended by the next search", sweep_where());
    if (taker_saw())
        fail_msg("%s: a value that the admin masks was handed off", sweep_where());
    return reached;
}

static bool answered_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&taker_transport, kind, mode, at);
}

static bool blocked_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&taker_blocked_transport, kind, mode, at);
}

static bool nearly_blocked_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&taker_nearly_blocked_transport, kind, mode, at);
}

static bool down_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    return run_case(&http_transport_curl, kind, mode, at);
}

/* --- the scene ------------------------------------------------------------------------------- */

static void make_app(void)
{
    char text[512];
    char path[256];
    make_folder("app/default");
    make_folder("app/local");
    make_folder("app/bin");
    make_folder("old");
    put_file("token", STR("igt_0_0\n"));
    put_file("app/default/intelgraph.conf", STR("[instance:default]\nurl =\ntenant =\n"));
    /* Nobody listens at port 9. */
    snprintf(text, sizeof text,
             "[instance:default]\nurl = http://127.0.0.1:9/\ntenant = acme\n"
             "credential = file:%s/token\nconnect_timeout_ms = 100\n"
             "[handoff]\nfields_deny = dvc*\nmask = user=hash, src*=prefix\n",
             folder);
    put_file("app/local/intelgraph.conf", str_of(text));
    in_folder(path, "home");
    setenv("SPLUNK_HOME", path, 1);
    in_folder(path, "app/bin");
    assert_int_equal(chdir(path), 0);
}

static void make_old(void)
{
    char from[256];
    put_requests("requests_old", "1.1");
    put_requests("requests", "2.2");
    set_home(false);
    http_transport_set(&http_transport_curl);
    int status = converse("requests_old");
    read_answers();
    check_claims(status, OS_FAIL_KINDS, false);
    snprintf(old_id, sizeof old_id, "%s", told_id());
    if (!is_in_outbox(old_id))
        fail_msg("not kept: %.*s", STR_ARG(last_words()));
    in_folder(from, "home/var/lib/splunk/intelgraph/outbox");
    in_folder(old_file, "old");
    sweep_folder_copy(from, old_file);
}

int main(void)
{
    buf_init(&answers, TEXT_MAX);
    sweep_folder(folder, sizeof folder);
    os_fail_install();
    make_app();
    taker_watch("\"kim\"");
    make_old();
    sweep_add("handoff_to_a_service_that_answers__is_told_as_it_is", answered_case, OS_FAIL_KINDS);
    sweep_add("handoff_to_a_service_that_is_down__is_told_as_it_is", down_case, OS_FAIL_KINDS);
    sweep_add("handoff_that_a_budget_blocks__is_told_as_it_is", blocked_case, OS_FAIL_KINDS);
    sweep_add("handoff_after_which_a_budget_blocks_what_waits__is_told_as_it_is",
              nearly_blocked_case, OS_FAIL_KINDS);
    int failed = sweep_run("faults_command");
    buf_done(&answers);
    sweep_folder_clear(folder);
    rmdir(folder);
    return failed;
}
