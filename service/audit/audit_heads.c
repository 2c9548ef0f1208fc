/* Heads that somebody else kept, held against the log: what shows a cut, a fork and a rewriting by
 * the key's own holder. Sorted by log and size, so that one walk over the log meets them in order.
 */
#include "service/audit/audit_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/arena.h"
#include "libs/core/os.h"
#include "libs/text/json.h"

enum { LINE_MAX_BYTES = 1 << 20, LINE_ARENA_MAX = 8 << 20, NOTE_LINES = 5 };

static const char sql_entries[] =
    "SELECT coalesce(max(idx) + 1, 0) FROM audit_entries WHERE tenant = $1";

struct kept_head {
    struct str log; /* as all texts: of the arena */
    struct str note;
    int64_t size;
    struct sha256 root;
    int64_t line; /* where it begins, from 1 */
};

struct audit_heads {
    struct arena texts;
    struct kept_head *list;
    size_t count;
    size_t room;
};

/* What is still to be read. */
struct lines {
    struct str rest;
    int64_t number; /* of the line that was read last */
};

static bool next_line(struct lines *lines, struct str *out)
{
    if (lines->rest.len == 0)
        return false;
    struct str tail;
    str_cut(lines->rest, '\n', out, &tail);
    lines->rest = tail;
    lines->number++;
    return true;
}

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the heads to compare with");
}

static enum fault_code keep(struct audit_heads *heads, struct str note, int64_t line,
                            struct fault *fault)
{
    struct note_head text;
    struct str copy = arena_copy(&heads->texts, note);
    if (!copy.ptr)
        return no_memory(fault);
    if (!note_read(copy, &text))
        return fault_field(fault, FAULT_INPUT, "heads",
                           "line %lld: this checkpoint is not one of this service: origin, size "
                           "and root are expected in its first three lines",
                           (long long)line);
    if (heads->count == AUDIT_HEADS_MAX)
        return fault_field(fault, FAULT_LIMIT, "heads",
                           "line %lld: more than %d heads; compare them in several runs",
                           (long long)line, AUDIT_HEADS_MAX);
    if (heads->count == heads->room) {
        size_t room = heads->room ? 2 * heads->room : 64;
        struct kept_head *list = os_resize(heads->list, room * sizeof *list);
        if (!list)
            return no_memory(fault);
        heads->list = list;
        heads->room = room;
    }
    heads->list[heads->count++] = (struct kept_head){
        .log = text.log, .note = copy, .size = text.size, .root = text.root, .line = line};
    return FAULT_NONE;
}

/* A line of intelgraph_audit.log. One of a hand-off that was not acknowledged holds no head. */
static enum fault_code read_json(struct audit_heads *heads, struct str line, int64_t number,
                                 struct fault *fault)
{
    struct arena arena;
    const struct json *object;
    struct str note;
    arena_init(&arena, LINE_ARENA_MAX);
    enum fault_code code = json_read(&arena, line, &object, fault);
    if (code != FAULT_NONE) {
        fault_prefix(fault, "line %lld: ", (long long)number);
    } else if (json_member(object, "checkpoint")) {
        if (json_text(json_member(object, "checkpoint"), &note))
            code = keep(heads, note, number, fault);
        else
            code = fault_field(fault, FAULT_INPUT, "heads",
                               "line %lld: the member checkpoint is not a text", (long long)number);
    }
    arena_done(&arena);
    return code;
}

/* A checkpoint as it is: three lines, an empty one, the signature. */
static enum fault_code read_note(struct audit_heads *heads, struct lines *lines, struct str first,
                                 struct fault *fault)
{
    struct str line = first;
    struct str whole = {first.ptr, first.len + (lines->rest.len > 0 ? 1 : 0) + lines->rest.len};
    int64_t number = lines->number;
    for (int i = 1; i < NOTE_LINES; i++)
        if (!next_line(lines, &line))
            return fault_field(fault, FAULT_INPUT, "heads",
                               "line %lld: neither a JSON line of intelgraph_audit.log nor a whole "
                               "checkpoint",
                               (long long)number);
    /* With its last newline: that is part of a note. */
    size_t len = (size_t)(line.ptr + line.len - first.ptr);
    return keep(heads, str_take(whole, len + 1), number, fault);
}

static int by_log_and_size(const void *a, const void *b)
{
    const struct kept_head *left = a;
    const struct kept_head *right = b;
    int order = str_compare(left->log, right->log);
    if (order == 0)
        order = (left->size > right->size) - (left->size < right->size);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

enum fault_code audit_heads_read(struct str text, struct audit_heads **out, struct fault *fault)
{
    struct lines lines = {.rest = text};
    struct str line;
    enum fault_code code = FAULT_NONE;
    struct audit_heads *heads = os_alloc(sizeof *heads);
    if (!heads)
        return no_memory(fault);
    arena_init(&heads->texts, (size_t)AUDIT_HEADS_MAX * AUDIT_CHECKPOINT_MAX);
    while (code == FAULT_NONE && next_line(&lines, &line)) {
        if (line.len > LINE_MAX_BYTES)
            code = fault_field(fault, FAULT_LIMIT, "heads", "line %lld: over %d bytes",
                               (long long)lines.number, LINE_MAX_BYTES);
        else if (str_starts(line, STR("{")))
            code = read_json(heads, line, lines.number, fault);
        else if (str_trim(line).len > 0)
            code = read_note(heads, &lines, line, fault);
    }
    if (code == FAULT_NONE && heads->count == 0)
        code = fault_field(fault, FAULT_INPUT, "heads",
                           "there is no checkpoint to compare with; give intelgraph_audit.log of "
                           "the Splunk side, or checkpoints as they were given out");
    if (code != FAULT_NONE) {
        audit_heads_free(heads);
        return code;
    }
    qsort(heads->list, heads->count, sizeof *heads->list, by_log_and_size);
    *out = heads;
    return FAULT_NONE;
}

void audit_heads_free(struct audit_heads *taken)
{
    if (!taken)
        return;
    arena_done(&taken->texts);
    os_free(taken->list);
    os_free(taken);
}

/* --- held against the logs ------------------------------------------------------------------ */

enum fault_code audit_heads_check_signed(const struct audit_heads *heads, const struct audit *audit,
                                         struct store *store, struct fault *fault)
{
    for (size_t i = 0; heads && i < heads->count; i++) {
        const struct kept_head *head = &heads->list[i];
        struct note_head text = {.log = head->log, .size = head->size, .root = head->root};
        uint64_t size = 0;
        if (!note_holds(&audit->public_key, &text, head->note))
            return fault_set(fault, FAULT_CORRUPT,
                             "line %lld: the head of %lld records of %.*s is not signed by this "
                             "service's key",
                             (long long)head->line, (long long)head->size, STR_ARG(head->log));
        if (i > 0 && str_equal(head->log, heads->list[i - 1].log))
            continue;
        enum fault_code code = audit_size_read(store, head->log, &size, fault);
        if (code != FAULT_NONE)
            return code;
        if (size == 0)
            return fault_set(
                fault, FAULT_CORRUPT,
                "line %lld: a head of the log %.*s was given out, but there is no such "
                "log any more",
                (long long)head->line, STR_ARG(head->log));
    }
    return FAULT_NONE;
}

size_t audit_heads_first(const struct audit_heads *heads, struct str log)
{
    size_t low = 0;
    size_t high = heads ? heads->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(heads->list[middle].log, log) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum fault_code count_entries(struct store *store, struct str log, int64_t *out,
                                     struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_entries, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, log);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = store_whole(query, 0);
    store_reset(query);
    return FAULT_NONE;
}

enum fault_code audit_heads_check_newest(const struct audit_heads *heads, struct store *store,
                                         struct str log, uint64_t size, struct fault *fault)
{
    const struct kept_head *newest = NULL;
    int64_t entries = 0;
    for (size_t i = audit_heads_first(heads, log);
         heads && i < heads->count && str_equal(heads->list[i].log, log); i++)
        newest = &heads->list[i];
    if (!newest || (uint64_t)newest->size <= size)
        return FAULT_NONE;
    enum fault_code code = count_entries(store, log, &entries, fault);
    if (code != FAULT_NONE)
        return code;
    return fault_set(
        fault, FAULT_CORRUPT,
        "tenant %.*s: line %lld of the heads knows %lld records, but the log's head "
        "counts %llu: %s",
        STR_ARG(log), (long long)newest->line, (long long)newest->size, (unsigned long long)size,
        (uint64_t)entries > size ? "an old checkpoint stands as the newest" : "the log was cut");
}

enum fault_code audit_heads_check(const struct audit_heads *heads, struct str log, size_t *next,
                                  const struct merkle_range *range, struct fault *fault)
{
    for (; heads && *next < heads->count; (*next)++) {
        const struct kept_head *head = &heads->list[*next];
        if ((uint64_t)head->size != range->size || !str_equal(head->log, log))
            break;
        struct sha256 root = merkle_root(range);
        if (!crypto_equal(root.bytes, head->root.bytes, SHA256_SIZE))
            return fault_set(fault, FAULT_CORRUPT,
                             "tenant %.*s: line %lld of the heads is another log's: its first %lld "
                             "records were not the ones that are here, so the log was forked or "
                             "rewritten",
                             STR_ARG(log), (long long)head->line, (long long)head->size);
    }
    return FAULT_NONE;
}
