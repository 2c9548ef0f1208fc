/* One record as JSON. The names are a contract: records are read long after they were written. */
#include "service/audit/audit_internal.h"

#include <assert.h>

#include "libs/text/json_write.h"

static void put(struct json_out *json, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_text(json, name, text);
}

enum fault_code audit_entry_write(const struct audit_record *record, int64_t time_us,
                                  struct buf *out, struct fault *fault)
{
    assert(record->action && record->result);
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_whole(&json, "version", 1);
    json_put_whole(&json, "time_us", time_us);
    json_put_text(&json, "action", str_of(record->action));
    json_put_text(&json, "result", str_of(record->result));
    json_put_text(&json, "tenant", record->tenant);
    put(&json, "subject", record->subject);
    put(&json, "token", record->token);
    put(&json, "via", record->via);
    put(&json, "search_head", record->search_head);
    put(&json, "role", record->role);
    put(&json, "client", record->client);
    put(&json, "handoff", record->handoff);
    put(&json, "sid", record->sid);
    put(&json, "search_sha256", record->search_sha256);
    put(&json, "content_sha256", record->content_sha256);
    put(&json, "title_sha256", record->title_sha256);
    put(&json, "reason", record->reason);
    if (record->count_count > 0) {
        json_open_at(&json, "counts", '{');
        for (size_t i = 0; i < record->count_count; i++)
            json_put_whole(&json, record->counts[i].name, record->counts[i].number);
        json_close(&json, '}');
    }
    json_close(&json, '}');
    return buf_check(out, "the audit record", fault);
}
