#include "integrations/splunk-app/native/alert/modaction.h"

#include <fcntl.h>
#include <stdio.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum { LINE_BYTES_MAX = 64 << 10, SECOND_US = 1000000 };

static const char *const level_names[] = {"INFO", "WARN", "ERROR"};

/* "2026-11-23 12:30:26,415+0000", as Python's logging writes it, which the readers are made for. */
static void add_time(struct buf *out, int64_t us)
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, us - us % SECOND_US);
    struct str day_and_time = str_take(buf_str(&text), 19);
    buf_add(out, str_take(day_and_time, 10));
    buf_add_byte(out, ' ');
    buf_add(out, str_skip(day_and_time, 11));
    buf_addf(out, ",%03d+0000", (int)(us % SECOND_US / 1000));
    buf_done(&text);
}

/* A value must not end its own quotes or its line: a search's name is anybody's text. */
static void add_pair(struct buf *out, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    buf_addf(out, " %s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool is_control = (unsigned char)c < 0x20 || c == 0x7f;
        buf_add_byte(out, c == '"' ? '\'' : c == '\\' ? '/' : is_control ? ' ' : c);
    }
    buf_add_byte(out, '"');
}

void modaction_add(const struct modaction *action, int64_t now_us, enum command_level level,
                   struct str signature, const char *status, struct buf *out)
{
    const struct alert_payload *payload = action->payload;
    struct str rid = payload->per_result ? payload->result_id : action->rid;
    add_time(out, now_us);
    buf_addf(out, " %s sendmodaction -", level_names[level]);
    add_pair(out, "worker", payload->server_host);
    add_pair(out, "signature", signature);
    add_pair(out, "action_name", STR("send_to_intelgraph"));
    add_pair(out, "search_name", payload->search_name);
    add_pair(out, "sid", payload->sid);
    add_pair(out, "orig_sid", action->orig_sid);
    add_pair(out, "rid", rid);
    add_pair(out, "orig_rid", action->orig_rid);
    add_pair(out, "app", payload->app);
    add_pair(out, "user", payload->user);
    add_pair(out, "digest_mode", payload->per_result ? STR("0") : STR("1"));
    add_pair(out, "action_mode", payload->is_saved ? STR("saved") : STR("adhoc"));
    add_pair(out, "action_status", str_of(status));
    buf_add_byte(out, '\n');
}

/* Nobody else turns this log over. Splunk has indexed what goes; of two runs that meet here, one
 * may take the other's first lines along, which it has indexed too. */
static void turn_over(const char *path)
{
    char old[PATH_MAX + 2];
    char byte;
    int fd = os_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    bool is_full = os_pread(fd, &byte, 1, MODACTION_LOG_BYTES) == 1;
    os_close(fd);
    snprintf(old, sizeof old, "%s.1", path);
    if (is_full)
        os_rename(path, old);
}

enum fault_code modaction_log(const struct modaction *action, const struct places *places,
                              enum command_level level, struct str signature, const char *status,
                              struct fault *fault)
{
    char path[PATH_MAX];
    struct buf line;
    enum fault_code code =
        places_join(path, sizeof path, places->log, "send_to_intelgraph_modalert.log", fault);
    if (code == FAULT_NONE)
        code = file_make_folder(places->log, 0700, fault);
    if (code != FAULT_NONE)
        return code;
    turn_over(path);
    buf_init(&line, LINE_BYTES_MAX);
    modaction_add(action, os_now_us(), level, signature, status, &line);
    code = buf_check(&line, "a line of the action's log", fault);
    if (code == FAULT_NONE)
        code = file_append(path, buf_str(&line), 0600, false, fault);
    buf_done(&line);
    return code;
}
