/* The broker under refusals: one analyst who may, one who may not, and again the first. Each
 * request gets at most one answer; it is the token or a sentence, never half of either and never
 * the stored secret. Who may not gets nothing, whatever is refused, and that is on record or said
 * not to be. */
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

#include "integrations/splunk-app/native/broker/broker.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/http/client.h"
#include "libs/scp/persist.h"
#include "libs/text/json.h"
#include "tests/faults/sweep.h"

enum { TEXT_MAX = 1 << 20, REQUESTS = 3 };

#define STORED "igt_stored_secret"
#define ISSUED "igs_issued_token"

static char folder[64];

/* --- splunkd and the service ----------------------------------------------------------------- */

/* A carrier is whom it asks as: the authtoken, or the stored secret. */
static enum fault_code peer_open(const struct http_settings *settings, void **out,
                                 struct fault *fault)
{
    (void)fault;
    *out = (void *)(uintptr_t)settings->bearer;
    return FAULT_NONE;
}

static void peer_close(void *taken)
{
    (void)taken;
}

static void answer(struct http_reply *out, int status, const char *text)
{
    *out = (struct http_reply){.status = status};
    buf_init(&out->body, HTTP_REPLY_MAX);
    buf_add_c(&out->body, text);
}

static void answer_splunkd(struct str as, struct str path, struct http_reply *out)
{
    if (str_starts(path, STR("services/authentication/current-context"))) {
        bool may = str_equal(as, STR("key-mara"));
        answer(out, 200,
               may ? "{\"entry\":[{\"content\":{\"username\":\"mara\",\"capabilities\":["
                     "\"search\",\"intelgraph_handoff\"]}}]}"
                   : "{\"entry\":[{\"content\":{\"username\":\"joe\",\"capabilities\":["
                     "\"search\"]}}]}");
    } else if (str_starts(path, STR("services/server/info"))) {
        answer(out, 200, "{\"entry\":[{\"content\":{\"serverName\":\"sh1\"}}]}");
    } else {
        assert_true(str_equal(as, STR("key-system")));
        assert_true(str_find(path, STR("storage/passwords/intelgraph%3Adefault%3A")) < path.len);
        answer(out, 200, "{\"entry\":[{\"content\":{\"clear_password\":\"" STORED "\"}}]}");
    }
}

/* Other processes: what is refused here is not refused there. */
static enum fault_code peer_send(void *carrier, const struct http_request *request,
                                 struct http_reply *out, struct fault *fault)
{
    (void)fault;
    const struct http_secret *secret = carrier;
    struct str as = {secret->text, secret->len};
    const struct os_platform *ours = os_platform_set(&os_posix);
    if (str_equal(request->path, STR("v1/tokens"))) {
        assert_true(str_equal(as, STR(STORED)));
        assert_true(str_find(request->body, STR("\"subject\":\"mara\"")) < request->body.len);
        answer(out, 201,
               "{\"token\":\"" ISSUED "\",\"tenant\":\"acme\",\"expires_at\":"
               "\"2026-01-01T00:00:00Z\",\"expires_in_s\":300}");
    } else {
        answer_splunkd(as, request->path, out);
    }
    os_platform_set(ours);
    return FAULT_NONE;
}

static const struct http_transport peers = {
    .open = peer_open, .send = peer_send, .close = peer_close};

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

static void add_request(struct buf *out, const char *user)
{
    char block[512];
    snprintf(block, sizeof block,
             "{\"method\":\"POST\",\"session\":{\"user\":\"%s\",\"authtoken\":\"key-%s\"},"
             "\"system_authtoken\":\"key-system\",\"server\":{\"rest_uri\":"
             "\"https://127.0.0.1:8089\"},\"form\":[[\"instance\",\"default\"],"
             "[\"scope\",\"handoff\"]]}",
             user, user);
    buf_addf(out,
             "\x07"
             "0\n0\n%zu\n%s",
             strlen(block), block);
}

static int converse(void)
{
    char path[256];
    in_folder(path, "requests");
    int in_fd = open(path, O_RDONLY | O_CLOEXEC);
    in_folder(path, "out");
    int out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in_fd >= 0 && out_fd >= 0);
    int status = broker_run(in_fd, out_fd);
    close(in_fd);
    close(out_fd);
    return status;
}

/* --- what was said --------------------------------------------------------------------------- */

struct said {
    int count; /* of whole answers */
    int status[REQUESTS + 1];
    char text[REQUESTS + 1][1024];
    struct str rest; /* behind the last whole one */
};

static struct buf answers;

/* The token or the sentence of an answer's payload. */
static void read_payload(const struct json *top, char out[1024])
{
    struct str text = STR("");
    const struct json *payload = json_member(top, "payload");
    if (!json_text(json_member(payload, "token"), &text) &&
        !json_text(json_member(payload, "error"), &text))
        fail_msg("%s: an answer with neither token nor error", sweep_where());
    assert_true(str_to_c(text, out, 1024));
}

static void read_answers(struct said *out)
{
    char path[256];
    struct fault fault;
    struct arena arena;
    in_folder(path, "out");
    buf_clear(&answers);
    assert_int_equal(file_read(path, &answers, &fault), FAULT_NONE);
    arena_init(&arena, TEXT_MAX);
    *out = (struct said){.rest = buf_str(&answers)};
    for (;;) {
        struct str digits;
        struct str rest;
        uint64_t len;
        int64_t status;
        const struct json *top;
        if (!str_cut(out->rest, '\n', &digits, &rest) || !str_to_u64(digits, TEXT_MAX, &len) ||
            len > rest.len)
            break;
        assert_true(out->count <= REQUESTS);
        assert_int_equal(json_read(&arena, str_take(rest, len), &top, &fault), FAULT_NONE);
        assert_true(json_whole(json_member(top, "status"), &status));
        out->status[out->count] = (int)status;
        read_payload(top, out->text[out->count++]);
        out->rest = str_skip(rest, len);
    }
    arena_done(&arena);
}

static bool is_recorded(const char *text)
{
    char path[256];
    struct buf log;
    struct fault fault;
    buf_init(&log, TEXT_MAX);
    in_folder(path, "home/var/log/splunk/intelgraph_audit.log");
    enum fault_code code = file_read(path, &log, &fault);
    bool found = code == FAULT_NONE && str_find(buf_str(&log), str_of(text)) < log.len;
    buf_done(&log);
    return found;
}

static void check_one(const struct said *said, int i)
{
    bool is_joe = i == 1;
    if (said->status[i] == 200) {
        if (is_joe || strcmp(said->text[i], ISSUED) != 0)
            fail_msg("%s: answer %d: %s", sweep_where(), i, said->text[i]);
        return;
    }
    /* A request that could not be read is answered by nobody's name and ends the conversation. */
    bool recorded = is_recorded("\"action\":\"token.refused\"") ||
                    strstr(said->text[i], "could not be recorded") || i + 1 == said->count;
    if (said->text[i][0] == '\0' || !recorded)
        fail_msg("%s: answer %d is %d: %s", sweep_where(), i, said->status[i], said->text[i]);
}

static void check(int status, bool reached)
{
    struct said said;
    read_answers(&said);
    if (str_find(buf_str(&answers), STR("stored_secret")) < answers.len ||
        is_recorded("stored_secret") || is_recorded("issued_token") || is_recorded("key-"))
        fail_msg("%s: a secret is told", sweep_where());
    for (int i = 0; i < said.count; i++)
        check_one(&said, i);
    if (status == 0 && (said.count != REQUESTS || said.rest.len > 0))
        fail_msg("%s: %d answers", sweep_where(), said.count);
    if (!reached && (status != 0 || said.status[0] != 200 || said.status[1] != 403 ||
                     said.status[2] != 200 || !is_recorded("\"user\":\"joe\"")))
        fail_msg("%s: failed by itself: %d, %d: %s", sweep_where(), status, said.status[0],
                 said.text[0]);
}

static bool broker_case(enum os_fail_kind kind, enum os_fail_mode mode, long at)
{
    char path[256];
    in_folder(path, "home");
    sweep_folder_clear(path);
    make_folder("home/var/log/splunk");
    os_fail_arm(kind, mode, at);
    int status = converse();
    bool reached = os_fail_disarm();
    check(status, reached);
    /* The next one that splunkd starts goes as if nothing had been. */
    check(converse(), false);
    return reached;
}

static void make_scene(void)
{
    char path[256];
    struct buf requests;
    make_folder("app/default");
    make_folder("app/local");
    make_folder("app/bin");
    put_file("app/default/intelgraph.conf", STR("[instance:default]\nurl =\ntenant =\n"));
    put_file("app/local/intelgraph.conf",
             STR("[instance:default]\nurl = https://ig.example/\ntenant = acme\n"));
    buf_init(&requests, TEXT_MAX);
    add_request(&requests, "mara");
    add_request(&requests, "joe");
    add_request(&requests, "mara");
    put_file("requests", buf_str(&requests));
    buf_done(&requests);
    in_folder(path, "home");
    setenv("SPLUNK_HOME", path, 1);
    in_folder(path, "app/bin");
    assert_int_equal(chdir(path), 0);
}

int main(void)
{
    buf_init(&answers, TEXT_MAX);
    sweep_folder(folder, sizeof folder);
    os_fail_install();
    make_scene();
    http_transport_set(&peers);
    sweep_add("broker__answers_each_request_with_a_token_or_a_sentence", broker_case,
              OS_FAIL_KINDS);
    int failed = sweep_run("faults_broker");
    buf_done(&answers);
    sweep_folder_clear(folder);
    rmdir(folder);
    return failed;
}
