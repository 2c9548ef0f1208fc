#include "libs/wire/handoff.h"

#include "libs/text/json_write.h"
#include "libs/wire/members.h"

enum {
    CHECKPOINT_MAX = 4096, /* bytes: a signed note with one signature has some 200 */
    ORIGIN_MAX = 512,
    LINK_MAX = WIRE_COMMAND_MAX + 64,
};

void wire_add_receipt(struct buf *buf, const struct wire_receipt *receipt)
{
    struct json_out out = json_out_to(buf);
    json_open(&out, '{');
    json_put_text(&out, "id", receipt->id);
    json_put_text(&out, "link", receipt->link);
    json_put_boolean(&out, "duplicate", receipt->duplicate);
    json_put_boolean(&out, "same_content", receipt->same_content);
    json_put_whole(&out, "rows", receipt->rows);
    json_put_whole(&out, "entities_new", receipt->entities_new);
    json_put_whole(&out, "entities_merged", receipt->entities_merged);
    json_put_whole(&out, "entities_skipped", receipt->entities_skipped);
    json_put_whole(&out, "relations_new", receipt->relations_new);
    json_put_whole(&out, "relations_merged", receipt->relations_merged);
    json_put_whole(&out, "relations_skipped", receipt->relations_skipped);
    json_put_whole(&out, "committed_us", receipt->committed_us);
    json_put_whole(&out, "audit_index", receipt->audit_index);
    json_put_text(&out, "audit_origin", receipt->audit_origin);
    json_put_text(&out, "checkpoint", receipt->checkpoint);
    json_put_text(&out, "content_sha256", receipt->content_sha256);
    json_close(&out, '}');
}

#define AT(member)  offsetof(struct wire_receipt, member)
#define COUNT_RANGE 0, WIRE_WHOLE_MAX

static const struct wire_member receipt_members[] = {
    {"id", wire_read_id, AT(id), 0, 0, true},
    {"link", wire_read_text, AT(link), 1, LINK_MAX, true},
    {"duplicate", wire_read_boolean, AT(duplicate), 0, 0, true},
    {"same_content", wire_read_boolean, AT(same_content), 0, 0, true},
    {"rows", wire_read_whole, AT(rows), COUNT_RANGE, true},
    {"entities_new", wire_read_whole, AT(entities_new), COUNT_RANGE, true},
    {"entities_merged", wire_read_whole, AT(entities_merged), COUNT_RANGE, true},
    {"entities_skipped", wire_read_whole, AT(entities_skipped), COUNT_RANGE, true},
    {"relations_new", wire_read_whole, AT(relations_new), COUNT_RANGE, true},
    {"relations_merged", wire_read_whole, AT(relations_merged), COUNT_RANGE, true},
    {"relations_skipped", wire_read_whole, AT(relations_skipped), COUNT_RANGE, true},
    {"committed_us", wire_read_whole, AT(committed_us), COUNT_RANGE, true},
    {"audit_index", wire_read_whole, AT(audit_index), COUNT_RANGE, true},
    {"audit_origin", wire_read_text, AT(audit_origin), 1, ORIGIN_MAX, true},
    {"checkpoint", wire_read_text, AT(checkpoint), 1, CHECKPOINT_MAX, true},
    {"content_sha256", wire_read_digest, AT(content_sha256), 0, 0, true},
};

enum fault_code wire_read_receipt(struct arena *arena, struct str json, struct wire_receipt *out,
                                  struct fault *fault)
{
    const struct json *object;
    struct wire_receipt read = {0};
    enum fault_code code = json_read(arena, json, &object, fault);
    if (code != FAULT_NONE)
        return code;
    code = wire_read_members(object, "receipt", receipt_members,
                             sizeof receipt_members / sizeof receipt_members[0], WIRE_SKIP_UNKNOWN,
                             &read, fault);
    if (code == FAULT_NONE)
        *out = read;
    return code;
}
