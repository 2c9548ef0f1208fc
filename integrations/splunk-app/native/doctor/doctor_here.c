/* What is on this search head: KV store, outbox, log folder, the program itself. */
#include "integrations/splunk-app/native/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "integrations/splunk-app/native/delivery/outbox.h"
#include "integrations/splunk-app/native/peers/splunkd.h"
#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/scp/conf.h"

enum {
    LIST_ARENA_BYTES = 8 << 20,
    SPACE_LEAST = 64 << 20, /* bytes free, below which log lines and hand-offs will soon be lost */
    OUTBOX_FULL_PERCENT = 90,
};

#if defined(__x86_64__)
#define BUILT_FOR "x86_64"
#elif defined(__aarch64__)
#define BUILT_FOR "aarch64"
#else
#define BUILT_FOR "another architecture"
#endif

static int64_t mib(int64_t bytes)
{
    return (bytes + (1 << 20) - 1) >> 20;
}

/* --- KV store ----------------------------------------------------------------------------------
 */

/* Asks as the analyst. Who may not see the KV store's own page sees its state on the server's.
 * *out_status is that of the answer, 0 when there was none. */
static enum fault_code ask_kvstore(struct doctor *doctor, struct str *out_state, int *out_status,
                                   struct fault *fault)
{
    struct splunkd *splunkd;
    const struct json *top = NULL;
    *out_status = 0;
    *out_state = STR("not said");
    enum fault_code code = splunkd_new(doctor->places, &doctor->settings, doctor->info->splunkd_uri,
                                       doctor->info->session_key, &splunkd, fault);
    if (code != FAULT_NONE)
        return code;
    splunkd_limit(splunkd, doctor_time(doctor, DOCTOR_KVSTORE));
    code = splunkd_ask(splunkd, STR("services/kvstore/status"), NULL, &doctor->arena, &top,
                       out_status, fault);
    const struct json *current = json_member(splunkd_content(top), "current");
    const char *name = "status";
    if (code != FAULT_NONE && (*out_status == 403 || *out_status == 404)) {
        top = NULL;
        code = splunkd_ask(splunkd, STR("services/server/info"), NULL, &doctor->arena, &top,
                           out_status, fault);
        current = splunkd_content(top);
        name = "kvStoreStatus";
    }
    splunkd_free(splunkd);
    if (code == FAULT_NONE && !json_text(json_member(current, name), out_state))
        *out_state = STR("not said");
    return code;
}

void doctor_kvstore(struct doctor *doctor)
{
    struct str state;
    struct fault fault;
    int answer = 0;
    enum fault_code code = ask_kvstore(doctor, &state, &answer, &fault);
    bool ready = str_equal(state, STR("ready"));
    if (code == FAULT_NONE)
        doctor_tell(doctor, DOCTOR_KVSTORE, ready ? DOCTOR_OK : DOCTOR_WARNING,
                    ready ? CURE_NONE : CURE_KVSTORE, "%.*s%s", STR_ARG(str_take(state, 64)),
                    ready ? "" : "; hand-offs do not need it, other apps may");
    else if (answer == 403)
        doctor_tell(doctor, DOCTOR_KVSTORE, DOCTOR_SKIPPED, CURE_KVSTORE_ADMIN, "%s", fault.text);
    else
        doctor_tell(doctor, DOCTOR_KVSTORE, DOCTOR_WARNING, answer ? CURE_KVSTORE : CURE_SPLUNKD,
                    "%s", fault.text);
}

/* --- outbox ------------------------------------------------------------------------------------
 */

struct folder {
    size_t count;
    int64_t bytes;
    int64_t oldest_us; /* 0: none */
};

static enum fault_code look(const char *path, struct folder *out, struct fault *fault)
{
    struct arena arena;
    struct file_entry *entries;
    size_t count = 0;
    *out = (struct folder){.count = 0};
    arena_init(&arena, LIST_ARENA_BYTES);
    enum fault_code code = file_list(path, &arena, &entries, &count, fault);
    for (size_t i = 0; code == FAULT_NONE && i < count; i++) {
        if (!str_ends(entries[i].name, STR(".ndjson.gz")))
            continue;
        out->count++;
        out->bytes += entries[i].size;
        if (out->oldest_us == 0 || entries[i].changed_us < out->oldest_us)
            out->oldest_us = entries[i].changed_us;
    }
    arena_done(&arena);
    return code == FAULT_NOT_FOUND ? FAULT_NONE : code;
}

void doctor_outbox(struct doctor *doctor)
{
    char path[PATH_MAX];
    struct folder waiting;
    struct folder refused;
    struct fault fault;
    int64_t most_mib = doctor->settings.outbox_max_mb ? doctor->settings.outbox_max_mb : 256;
    enum fault_code code = look(doctor->places->outbox, &waiting, &fault);
    if (code == FAULT_NONE)
        code = places_join(path, sizeof path, doctor->places->outbox, "refused", &fault);
    if (code == FAULT_NONE)
        code = look(path, &refused, &fault);
    if (code != FAULT_NONE) {
        doctor_tell(doctor, DOCTOR_OUTBOX, DOCTOR_FAILED, CURE_OUTBOX_FOLDER, "%s", fault.text);
        return;
    }
    bool full = mib(waiting.bytes) * 100 >= most_mib * OUTBOX_FULL_PERCENT ||
                waiting.count * 100 >= (size_t)OUTBOX_FILES_MAX * OUTBOX_FULL_PERCENT;
    char oldest[64] = "";
    if (waiting.count > 0)
        snprintf(oldest, sizeof oldest, ", the oldest for %" PRId64 " minutes",
                 (os_now_us() - waiting.oldest_us) / 60000000);
    doctor_tell(doctor, DOCTOR_OUTBOX,
                full                                 ? DOCTOR_FAILED
                : waiting.count > 0 || refused.count ? DOCTOR_WARNING
                                                     : DOCTOR_OK,
                full                ? CURE_OUTBOX_FULL
                : waiting.count > 0 ? CURE_WAITING
                : refused.count > 0 ? CURE_OUTBOX_REFUSED
                                    : CURE_NONE,
                "%zu waiting (%" PRId64 " of %" PRId64 " MiB)%s; %zu refused", waiting.count,
                mib(waiting.bytes), most_mib, oldest, refused.count);
}

/* --- log folder --------------------------------------------------------------------------------
 */

/* Writes a file beside our log and takes it away again, then opens the log as a hand-off does. */
static enum fault_code try_to_write(const struct places *places, struct fault *fault)
{
    char path[PATH_MAX];
    enum fault_code code = file_make_folder(places->log, 0700, fault);
    if (code == FAULT_NONE)
        code = places_join(path, sizeof path, places->log, "intelgraph_doctor.tmp", fault);
    if (code != FAULT_NONE)
        return code;
    code = file_append(path, STR("igdoctor\n"), 0600, true, fault);
    os_unlink(path);
    if (code == FAULT_NONE)
        code = places_join(path, sizeof path, places->log, "intelgraph_audit.log", fault);
    if (code != FAULT_NONE)
        return code;
    int fd = os_open(path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (fd < 0 && errno != ENOENT) /* the first hand-off makes it */
        return fault_errno(fault, errno, "cannot append to %s", path);
    if (fd >= 0)
        os_close(fd);
    return FAULT_NONE;
}

/* Of our own logs. */
static int64_t size_of_logs(const struct places *places)
{
    struct arena arena;
    struct file_entry *entries;
    struct fault ignored;
    size_t count = 0;
    int64_t bytes = 0;
    arena_init(&arena, LIST_ARENA_BYTES);
    if (file_list(places->log, &arena, &entries, &count, &ignored) == FAULT_NONE)
        for (size_t i = 0; i < count; i++)
            if (str_starts(entries[i].name, STR("intelgraph")))
                bytes += entries[i].size;
    arena_done(&arena);
    return bytes;
}

void doctor_log(struct doctor *doctor)
{
    struct fault fault;
    struct statvfs space;
    const char *folder = doctor->places->log;
    if (try_to_write(doctor->places, &fault) != FAULT_NONE) {
        doctor_tell(doctor, DOCTOR_LOG, DOCTOR_FAILED, CURE_LOG_FOLDER, "%s", fault.text);
        return;
    }
    int64_t bytes = size_of_logs(doctor->places);
    if (statvfs(folder, &space) != 0) {
        doctor_tell(doctor, DOCTOR_LOG, DOCTOR_OK, CURE_NONE,
                    "%s is writable; our logs have %" PRId64 " KiB", folder, bytes >> 10);
        return;
    }
    int64_t left = (int64_t)space.f_bavail * (int64_t)space.f_frsize;
    bool enough = left >= SPACE_LEAST;
    doctor_tell(doctor, DOCTOR_LOG, enough ? DOCTOR_OK : DOCTOR_WARNING,
                enough ? CURE_NONE : CURE_LOG_SPACE,
                "%s is writable; our logs have %" PRId64 " KiB, %" PRId64 " MiB are free", folder,
                bytes >> 10, left >> 20);
}

/* --- the program -------------------------------------------------------------------------------
 */

/* The version in app.conf; "" when it is not to be read. */
static void app_version(struct doctor *doctor, char out[32])
{
    struct scp_conf conf;
    struct str version;
    struct fault ignored;
    char path[PATH_MAX];
    out[0] = '\0';
    scp_conf_init(&conf, &doctor->arena);
    if (places_join(path, sizeof path, doctor->places->app, "default/app.conf", &ignored) !=
            FAULT_NONE ||
        scp_conf_add_file(&conf, path, &ignored) != FAULT_NONE)
        return;
    if (!scp_conf_get(&conf, STR("launcher"), STR("version"), &version) ||
        !str_to_c(version, out, 32))
        out[0] = '\0';
}

void doctor_binary(struct doctor *doctor)
{
    struct utsname machine;
    char path[PATH_MAX];
    char app[32];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    if (uname(&machine) != 0)
        snprintf(machine.machine, sizeof machine.machine, "unknown");
    app_version(doctor, app);
    bool fits = app[0] == '\0' || strcmp(app, IG_VERSION) == 0;
    doctor_tell(doctor, DOCTOR_BINARY, fits ? DOCTOR_OK : DOCTOR_WARNING,
                fits ? CURE_NONE : CURE_BINARY,
                "intelgraph " IG_VERSION " for " BUILT_FOR ", on %s%s%s: %s", machine.machine,
                fits ? "" : ", in an app of version ", fits ? "" : app, path);
}
