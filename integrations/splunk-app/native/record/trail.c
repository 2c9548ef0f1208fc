#include "integrations/splunk-app/native/record/trail.h"

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/core/rotate.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"

enum { LINE_BYTES_MAX = 64 << 10 };

static void put_unless_empty(struct json_out *out, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_text(out, name, text);
}

static void add_who_and_what(struct json_out *out, const struct wire_handoff *handoff)
{
    put_unless_empty(out, "user", handoff->user);
    put_unless_empty(out, "search_app", handoff->app);
    put_unless_empty(out, "sid", handoff->sid);
    put_unless_empty(out, "search_sha256", handoff->search_sha256);
    put_unless_empty(out, "command", handoff->command);
    put_unless_empty(out, "title", handoff->title);
    put_unless_empty(out, "investigation", handoff->investigation);
    put_unless_empty(out, "tenant", handoff->tenant);
    put_unless_empty(out, "target", handoff->target);
    put_unless_empty(out, "handoff", handoff->id);
    put_unless_empty(out, "client", handoff->client);
}

static void add_counts(struct json_out *out, const struct wire_commit *commit)
{
    json_put_whole(out, "rows", commit->rows);
    json_put_whole(out, "entities", commit->entities);
    json_put_whole(out, "relations", commit->relations);
    json_put_whole(out, "entities_left_out", commit->entities_left_out);
    json_put_whole(out, "relations_left_out", commit->relations_left_out);
    json_put_whole(out, "values_invalid", commit->invalid);
    json_put_whole(out, "values_masked", commit->masked);
    json_put_whole(out, "values_dropped", commit->dropped);
    json_put_text(out, "content_sha256", commit->content_sha256);
}

static void add_receipt(struct json_out *out, const struct wire_receipt *receipt)
{
    json_put_whole(out, "entities_new", receipt->entities_new);
    json_put_whole(out, "entities_merged", receipt->entities_merged);
    json_put_whole(out, "relations_new", receipt->relations_new);
    json_put_whole(out, "relations_merged", receipt->relations_merged);
    json_put_whole(out, "audit_index", receipt->audit_index);
    json_put_text(out, "audit_origin", receipt->audit_origin);
    json_put_text(out, "checkpoint", receipt->checkpoint);
    if (receipt->duplicate)
        json_put_boolean(out, "same_content", receipt->same_content);
}

/* "kinds":{"ip":12,"domain":3}: what the dashboard counts by kind. Names are the vocabulary's. */
static void add_kinds(struct json_out *out, const struct graph *graph)
{
    int64_t counts[GRAPH_KIND_COUNT] = {0};
    size_t entities = graph_entity_count(graph);
    for (size_t i = 0; i < entities; i++)
        counts[graph_entity_at(graph, i)->kind]++;
    json_open_at(out, "kinds", '{');
    for (int kind = 0; kind < GRAPH_KIND_COUNT; kind++)
        if (counts[kind] > 0)
            json_put_whole(out, graph_kind_info((enum graph_kind)kind)->name, counts[kind]);
    json_close(out, '}');
}

static void add_measures(struct json_out *out, const struct trail_entry *entry)
{
    if (entry->latency_ms >= 0)
        json_put_whole(out, "latency_ms", entry->latency_ms);
    json_put_whole(out, "bytes", entry->bytes);
    if (entry->outbox_waiting >= 0)
        json_put_whole(out, "outbox_waiting", entry->outbox_waiting);
    json_put_text(out, "version", STR(IG_VERSION));
}

/* `error` is a word of a closed list, to count by; `reason` is the sentence that the analyst read.
 */
static void add_fault(struct json_out *out, const struct fault *fault, const char *word)
{
    static const char *const words[] = {
        [FAULT_INPUT] = "input",
        [FAULT_LIMIT] = "limit",
        [FAULT_UNSIGNED] = "unsigned",
        [FAULT_DENIED] = "denied",
        [FAULT_NOT_FOUND] = "not_found",
        [FAULT_CONFLICT] = "conflict",
        [FAULT_UNAVAILABLE] = "unavailable",
        [FAULT_NO_MEMORY] = "no_memory",
        [FAULT_IO] = "io",
        [FAULT_CORRUPT] = "corrupt",
    };
    if (!fault || fault->code == FAULT_NONE)
        return;
    json_put_text(out, "error", str_of(word[0] ? word : words[fault->code]));
    put_unless_empty(out, "reason", str_of(fault->text));
}

/* By `decision` the service's own record of the refusal is found. Amounts are texts there too. */
static void add_budget(struct json_out *out, const struct refusal *refusal, int64_t waited_ms)
{
    put_unless_empty(out, "verdict", str_of(refusal_word(refusal->verdict)));
    put_unless_empty(out, "decision", str_of(refusal->decision));
    put_unless_empty(out, "budget", str_of(refusal->budget));
    put_unless_empty(out, "budget_name", str_of(refusal->name));
    put_unless_empty(out, "budget_used", str_of(refusal->used));
    put_unless_empty(out, "budget_reserved", str_of(refusal->reserved));
    put_unless_empty(out, "budget_limit", str_of(refusal->limit));
    put_unless_empty(out, "budget_resets_at", str_of(refusal->resets_at));
    put_unless_empty(out, "budget_contact", str_of(refusal->contact));
    if (refusal->retry_after_s > 0)
        json_put_whole(out, "retry_after_s", refusal->retry_after_s);
    if (waited_ms > 0)
        json_put_whole(out, "waited_ms", waited_ms);
}

static void add_entry(struct buf *line, const struct trail_entry *entry)
{
    struct buf time;
    struct json_out out = json_out_to(line);
    buf_init(&time, 64);
    time_add_rfc3339(&time, os_now_us());
    json_open(&out, '{');
    json_put_text(&out, "time", buf_str(&time));
    json_put_text(&out, "action", STR("handoff"));
    json_put_text(&out, "result", str_of(entry->result));
    if (entry->late)
        json_put_boolean(&out, "late", true);
    add_who_and_what(&out, entry->handoff);
    put_unless_empty(&out, "instance", entry->instance);
    put_unless_empty(&out, "link", entry->link);
    add_counts(&out, entry->commit);
    if (entry->graph)
        add_kinds(&out, entry->graph);
    add_measures(&out, entry);
    if (entry->receipt)
        add_receipt(&out, entry->receipt);
    if (entry->refusal && entry->refusal->verdict != REFUSAL_NONE)
        add_budget(&out, entry->refusal, entry->waited_ms);
    add_fault(&out, entry->fault,
              entry->is_refused && entry->refusal ? refusal_word(entry->refusal->verdict) : "");
    json_close(&out, '}');
    buf_add_byte(line, '\n');
    buf_done(&time);
}

static void add_refusal(struct buf *line, const struct trail_refusal *entry)
{
    struct buf time;
    struct json_out out = json_out_to(line);
    buf_init(&time, 64);
    time_add_rfc3339(&time, os_now_us());
    json_open(&out, '{');
    json_put_text(&out, "time", buf_str(&time));
    json_put_text(&out, "action", STR("token.refused"));
    json_put_text(&out, "result", STR("refused"));
    put_unless_empty(&out, "user", entry->user);
    put_unless_empty(&out, "tenant", entry->tenant);
    put_unless_empty(&out, "instance", entry->instance);
    put_unless_empty(&out, "scope", entry->scope);
    put_unless_empty(&out, "search_head", entry->search_head);
    json_put_whole(&out, "status", entry->status);
    json_put_text(&out, "version", STR(IG_VERSION));
    add_fault(&out, entry->fault, "");
    json_close(&out, '}');
    buf_add_byte(line, '\n');
    buf_done(&time);
}

static enum fault_code append(const struct places *places, const struct buf *line,
                              struct fault *fault)
{
    char path[PATH_MAX];
    enum fault_code code =
        places_join(path, sizeof path, places->log, "intelgraph_audit.log", fault);
    if (code == FAULT_NONE)
        code = file_make_folder(places->log, 0700, fault);
    if (code == FAULT_NONE)
        code = buf_check(line, "an audit line", fault);
    if (code != FAULT_NONE)
        return code;
    /* Splunk reads what is turned over as the same file: it knows it by its beginning. */
    static const struct rotate rotate = {.most_bytes = 25 << 20, .keep = 5};
    return rotate_append(path, &rotate, buf_str(line), 0600, true, fault);
}

enum fault_code trail_append(const struct places *places, const struct trail_entry *entry,
                             struct fault *fault)
{
    struct buf line;
    buf_init(&line, LINE_BYTES_MAX);
    add_entry(&line, entry);
    enum fault_code code = append(places, &line, fault);
    buf_done(&line);
    return code;
}

enum fault_code trail_append_refusal(const struct places *places, const struct trail_refusal *entry,
                                     struct fault *fault)
{
    struct buf line;
    buf_init(&line, LINE_BYTES_MAX);
    add_refusal(&line, entry);
    enum fault_code code = append(places, &line, fault);
    buf_done(&line);
    return code;
}
