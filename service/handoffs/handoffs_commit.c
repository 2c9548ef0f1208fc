/* The commit of a hand-off: everything in one transaction, or nothing.
 *
 * The id is looked for within the write transaction, so of two equal requests at the same time the
 * second one finds the first one's row, even when both share the transaction. */
#include "service/handoffs/handoffs_call.h"

#include <string.h>

#include "libs/core/os.h"
#include "service/audit/audit.h"
#include "service/handoffs/handoffs_content.h"
#include "service/handoffs/handoffs_rules.h"
#include "service/usage/usage.h"

enum { CHECKPOINT_MAX = 64 * 1024 };

/* --- duplicates ----------------------------------------------------------------------------- */

static enum fault_code record_duplicate(struct handoffs_call *call,
                                        const struct handoffs_outcome *outcome,
                                        struct str content_sha256, struct fault *fault)
{
    const struct handoffs_event event = {
        .action = "handoff.duplicate",
        .result = "success",
        .handoff = outcome->row.id,
        .content_sha256 = content_sha256,
        .reason = content_sha256.len == 0 ? STR("opened again")
                  : outcome->same_content ? STR("same content")
                                          : STR("other content, not taken"),
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code = handoffs_audit_append(call, &event, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

enum fault_code handoffs_commit_find(struct handoffs_call *call, struct str content_sha256,
                                     bool *out_found, struct handoffs_outcome *out,
                                     struct fault *fault)
{
    struct fault missing;
    struct handoffs_outcome outcome = {.duplicate = true};
    enum fault_code code = handoffs_store_find(call->store, call->caller.tenant, call->manifest.id,
                                               call->request->arena, &outcome.row, &missing);
    if (code == FAULT_NOT_FOUND) {
        *out_found = false;
        return FAULT_NONE;
    }
    if (code != FAULT_NONE) {
        *fault = missing;
        return code;
    }
    outcome.same_content = str_equal(outcome.row.content_sha256, content_sha256);
    code = record_duplicate(call, &outcome, content_sha256, fault);
    if (code != FAULT_NONE)
        return code;
    *out = outcome;
    *out_found = true;
    return FAULT_NONE;
}

/* --- the content ---------------------------------------------------------------------------- */

enum fault_code handoffs_commit_check(const struct wire_commit *claims,
                                      struct handoffs_content *content, struct fault *fault)
{
    char digest_hex[SHA256_HEX + 1];
    struct sha256 digest = handoffs_content_end(content);
    hex_of(digest.bytes, sizeof digest.bytes, digest_hex);
    return handoffs_check_commit(claims, content->entities, content->relations, str_of(digest_hex),
                                 fault);
}

static enum fault_code merge_part(struct handoffs_call *call, int64_t part,
                                  struct handoffs_content *content, struct graph_slice_merge *merge,
                                  struct fault *fault)
{
    struct str lines;
    enum fault_code code = handoffs_store_part(call->store, call->caller.tenant, call->manifest.id,
                                               part, &lines, fault);
    if (code != FAULT_NONE)
        return code;
    code = handoffs_content_add(content, lines, 1, fault);
    if (code == FAULT_NONE)
        code = handoffs_content_merge(content, merge, fault);
    if (code != FAULT_NONE)
        fault_prefix(fault, "part %lld, ", (long long)part);
    return code;
}

static enum fault_code merge_parts(struct handoffs_call *call, const struct handoffs_commit *commit,
                                   struct graph_slice_merge *merge, struct fault *fault)
{
    struct handoffs_content content;
    enum fault_code code = handoffs_content_init(&content, fault);
    if (code != FAULT_NONE)
        return code;
    for (int64_t part = 1; part <= commit->parts && code == FAULT_NONE; part++)
        code = merge_part(call, part, &content, merge, fault);
    if (code == FAULT_NONE)
        code = handoffs_commit_check(&commit->claims, &content, fault);
    handoffs_content_done(&content);
    return code;
}

static enum fault_code merge_content(struct handoffs_call *call,
                                     const struct handoffs_commit *commit, int64_t number,
                                     struct graph_slice_counts *out, struct fault *fault)
{
    struct graph_slice_merge *merge;
    enum fault_code code =
        graph_slice_merge_new(call->store, call->caller.tenant, number, &merge, fault);
    if (code != FAULT_NONE)
        return code;
    code = commit->content ? handoffs_content_merge(commit->content, merge, fault)
                           : merge_parts(call, commit, merge, fault);
    if (code == FAULT_NONE)
        code = graph_slice_merge_end(merge, out, fault);
    graph_slice_merge_free(merge);
    return code;
}

/* --- the row and its record ----------------------------------------------------------------- */

static struct handoffs_row row_of(const struct handoffs_call *call,
                                  const struct wire_commit *claims,
                                  const struct graph_slice_counts *counts, int64_t number)
{
    const struct wire_handoff *manifest = &call->manifest;
    return (struct handoffs_row){
        .number = number,
        .id = manifest->id,
        .title = manifest->title,
        .investigation = manifest->investigation,
        .analyst = manifest->user,
        .app = manifest->app,
        .sid = manifest->sid,
        .command = manifest->command,
        .target = manifest->target,
        .client = manifest->client,
        .search_sha256 = manifest->search_sha256,
        .content_sha256 = claims->content_sha256,
        .earliest_us = manifest->earliest_us,
        .latest_us = manifest->latest_us,
        .rows = claims->rows,
        .values = claims->values,
        .placeholders = claims->placeholders,
        .invalid = claims->invalid,
        .entities = claims->entities,
        .entities_new = counts->entities_new,
        .entities_merged = counts->entities_merged,
        .entities_skipped = claims->entities_left_out,
        .relations = claims->relations,
        .relations_new = counts->relations_new,
        .relations_merged = counts->relations_merged,
        .relations_skipped = claims->relations_left_out,
        .committed_us = os_now_us(),
        .committed_by = call->caller.token,
    };
}

/* What the receipt states, for verifiers of others. */
static enum fault_code record_receipt(struct handoffs_call *call, const struct handoffs_row *row,
                                      const struct handoffs_event *event, struct fault *fault)
{
    const struct audit_receipt receipt = {
        .tenant = call->caller.tenant,
        .handoff = row->id,
        .content_sha256 = row->content_sha256,
        .search_sha256 = row->search_sha256,
        .sid = row->sid,
        .user = row->analyst,
        .committed_us = row->committed_us,
        .earliest_us = row->earliest_us,
        .latest_us = row->latest_us,
        .audit_index = row->audit_index,
        .counts = event->counts,
        .count_count = event->count_count,
    };
    return handoffs_audit_receipt(call, &receipt, fault);
}

static enum fault_code record_commit(struct handoffs_call *call, struct handoffs_row *row,
                                     struct buf *checkpoint, struct fault *fault)
{
    const struct audit_count counts[] = {
        {"rows", row->rows},
        {"entities", row->entities},
        {"entities_new", row->entities_new},
        {"entities_merged", row->entities_merged},
        {"entities_skipped", row->entities_skipped},
        {"relations", row->relations},
        {"relations_new", row->relations_new},
        {"relations_merged", row->relations_merged},
        {"relations_skipped", row->relations_skipped},
    };
    char title[SHA256_HEX + 1] = "";
    if (row->title.len > 0) {
        struct sha256 digest = sha256_of(row->title);
        hex_of(digest.bytes, sizeof digest.bytes, title);
    }
    const struct handoffs_event event = {
        .action = "handoff.committed",
        .result = "success",
        .handoff = row->id,
        .content_sha256 = row->content_sha256,
        .title_sha256 = str_of(title),
        .counts = counts,
        .count_count = sizeof counts / sizeof counts[0],
    };
    enum fault_code code =
        handoffs_audit_append(call, &event, &row->audit_index, checkpoint, fault);
    return code == FAULT_NONE ? record_receipt(call, row, &event, fault) : code;
}

/* The name of the tenant's log: a checkpoint's first line. */
static struct str origin_of(struct str checkpoint)
{
    struct str line;
    struct str rest;
    str_cut(checkpoint, '\n', &line, &rest);
    return line;
}

static enum fault_code write_row(struct handoffs_call *call, struct handoffs_row *row,
                                 struct fault *fault)
{
    struct buf checkpoint;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code = record_commit(call, row, &checkpoint, fault);
    if (code == FAULT_NONE) {
        row->checkpoint = arena_copy(call->request->arena, buf_str(&checkpoint));
        row->audit_origin = origin_of(row->checkpoint);
        if (!row->checkpoint.ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for the receipt");
    }
    if (code == FAULT_NONE)
        code = handoffs_store_insert(call->store, call->caller.tenant, row, fault);
    buf_done(&checkpoint);
    return code;
}

static enum fault_code commit_new(struct handoffs_call *call, const struct handoffs_commit *commit,
                                  struct handoffs_outcome *out, struct fault *fault)
{
    struct str tenant = call->caller.tenant;
    struct graph_slice_counts counts;
    int64_t number;
    enum fault_code code = handoffs_store_next_number(call->store, tenant, &number, fault);
    if (code == FAULT_NONE)
        code = merge_content(call, commit, number, &counts, fault);
    if (code != FAULT_NONE)
        return code;
    struct handoffs_row row = row_of(call, &commit->claims, &counts, number);
    code = write_row(call, &row, fault);
    if (code == FAULT_NONE)
        code = usage_count_handoff(call->store,
                                   &(struct usage_handoff){.tenant = tenant,
                                                           .id = row.id,
                                                           .analyst = row.analyst,
                                                           .committed_us = row.committed_us},
                                   call->request->arena, fault);
    if (code == FAULT_NONE)
        code = handoffs_budget_settle(call, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_open_remove(call->store, tenant, row.id, fault);
    if (code != FAULT_NONE)
        return code;
    *out = (struct handoffs_outcome){.row = row, .same_content = true};
    return FAULT_NONE;
}

static enum fault_code check_parts(struct handoffs_call *call, int64_t parts, struct fault *fault)
{
    struct store_list present;
    enum fault_code code = handoffs_store_parts(call->store, call->caller.tenant, call->manifest.id,
                                                call->request->arena, &present, fault);
    if (code != FAULT_NONE)
        return code;
    return handoffs_check_parts(present.rows, (int64_t)present.count, parts, fault);
}

struct commit_context {
    const struct handoffs_commit *commit;
    struct handoffs_outcome *out;
};

static enum fault_code find_or_commit(struct handoffs_call *call, void *context,
                                      struct fault *fault)
{
    const struct commit_context *given = context;
    const struct handoffs_commit *commit = given->commit;
    bool found = false;
    enum fault_code code =
        handoffs_commit_find(call, commit->claims.content_sha256, &found, given->out, fault);
    if (code == FAULT_NONE && !found && !commit->content)
        code = check_parts(call, commit->parts, fault);
    if (code == FAULT_NONE && !found)
        code = commit_new(call, commit, given->out, fault);
    return code;
}

enum fault_code handoffs_commit_run(struct handoffs_call *call,
                                    const struct handoffs_commit *commit,
                                    struct handoffs_outcome *out, struct fault *fault)
{
    struct commit_context context = {commit, out};
    return handoffs_call_write(call, find_or_commit, &context, fault);
}
