/* Hand-offs as the pages and the app read them. */
#include "service/handoffs/handoffs_call.h"

void handoffs_put_row(struct json_out *out, const char *name, const struct handoffs_row *row)
{
    json_open_at(out, name, '{');
    json_put_text(out, "id", row->id);
    json_put_text(out, "title", row->title);
    json_put_text(out, "investigation", row->investigation);
    json_put_text(out, "user", row->analyst);
    json_put_text(out, "app", row->app);
    json_put_text(out, "sid", row->sid);
    json_put_text(out, "command", row->command);
    json_put_text(out, "target", row->target);
    json_put_text(out, "client", row->client);
    json_put_whole(out, "rows", row->rows);
    json_put_whole(out, "entities", row->entities);
    json_put_whole(out, "relations", row->relations);
    json_put_whole(out, "entities_new", row->entities_new);
    json_put_whole(out, "entities_merged", row->entities_merged);
    json_put_whole(out, "entities_skipped", row->entities_skipped);
    json_put_whole(out, "relations_new", row->relations_new);
    json_put_whole(out, "relations_merged", row->relations_merged);
    json_put_whole(out, "relations_skipped", row->relations_skipped);
    json_put_whole(out, "opens", row->opens);
    json_put_whole(out, "committed_us", row->committed_us);
    json_put_whole(out, "audit_index", row->audit_index);
    json_put_text(out, "search_sha256", row->search_sha256);
    json_put_text(out, "content_sha256", row->content_sha256);
    json_close(out, '}');
}

enum fault_code handoffs_reply_receipt(struct handoffs_call *call,
                                       const struct handoffs_outcome *outcome, struct fault *fault)
{
    const struct handoffs_row *row = &outcome->row;
    const struct wire_receipt receipt = {
        .id = row->id,
        .link = call->link,
        .duplicate = outcome->duplicate,
        .same_content = outcome->same_content,
        .rows = row->rows,
        .entities_new = row->entities_new,
        .entities_merged = row->entities_merged,
        .entities_skipped = row->entities_skipped,
        .relations_new = row->relations_new,
        .relations_merged = row->relations_merged,
        .relations_skipped = row->relations_skipped,
        .committed_us = row->committed_us,
        .audit_index = row->audit_index,
        .audit_origin = row->audit_origin,
        .checkpoint = row->checkpoint,
        .content_sha256 = row->content_sha256,
    };
    wire_add_receipt(&call->reply->body, &receipt);
    call->reply->status = outcome->duplicate ? 200 : 201;
    return buf_check(&call->reply->body, "the receipt", fault);
}
