#include "libs/wire/audit.h"

#include <string.h>

#include "libs/wire/members.h"

enum { CHECKPOINT_MAX = 4096, KEY_MAX = 512, TITLE_MAX = 512 };

/* --- writing ------------------------------------------------------------------------------- */

static void put_base64(struct json_out *out, const char *name, struct str bytes)
{
    struct buf text;
    buf_init(&text, 4 * (bytes.len / 3 + 1));
    base64_add(&text, bytes);
    if (text.code == FAULT_NONE)
        json_put_text(out, name, buf_str(&text));
    else
        out->buf->code = text.code;
    buf_done(&text);
}

void wire_put_proof(struct json_out *out, const char *name, const struct merkle_proof *proof)
{
    json_open_at(out, name, '[');
    for (int i = 0; i < proof->count; i++) {
        char room[64];
        struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
        base64_add(&text, (struct str){(const char *)proof->hashes[i].bytes, SHA256_SIZE});
        json_put_text(out, NULL, buf_str(&text));
    }
    json_close(out, ']');
}

static void put_or_null(struct json_out *out, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_text(out, name, text);
    else
        json_put_null(out, name);
}

void wire_audit_open(struct json_out *out, int64_t size, struct str checkpoint, struct str key)
{
    json_open(out, '{');
    json_put_whole(out, "size", size);
    put_or_null(out, "checkpoint", checkpoint);
    json_put_text(out, "key", key);
    json_open_at(out, "records", '[');
}

void wire_audit_put(struct json_out *out, const struct wire_audit_record *record)
{
    json_open(out, '{');
    json_put_whole(out, "index", record->index);
    put_base64(out, "leaf", record->leaf);
    if (record->title.len > 0)
        json_put_text(out, "title", record->title);
    wire_put_proof(out, "inclusion", &record->inclusion);
    if (record->has_consistency)
        wire_put_proof(out, "consistency", &record->consistency);
    json_close(out, '}');
}

void wire_audit_close(struct json_out *out, struct str next)
{
    json_close(out, ']');
    put_or_null(out, "next", next);
    json_close(out, '}');
}

/* --- reading ------------------------------------------------------------------------------- */

/* As wire_read_text, and null stands for the empty text. */
static enum fault_code read_text_or_null(const struct wire_place *place, const struct json *value,
                                         void *out)
{
    return json_is_null(value) ? FAULT_NONE : wire_read_text(place, value, out);
}

static enum fault_code read_proof(const struct wire_place *place, const struct json *value,
                                  void *out)
{
    struct merkle_proof *proof = (void *)((char *)out + place->member->offset);
    if (!json_is_array(value))
        return wire_member_fault(place, FAULT_INPUT, "must be a list of hashes");
    proof->count = 0;
    for (const struct json *at = json_first(value); at; at = json_next(at)) {
        char room[SHA256_SIZE];
        struct str text;
        struct buf bytes = {.ptr = room, .room = sizeof room, .limit = sizeof room};
        if (proof->count == MERKLE_PROOF_MAX)
            return wire_member_fault(place, FAULT_LIMIT, "holds more than %d hashes",
                                     MERKLE_PROOF_MAX);
        if (!json_text(at, &text) || !base64_decode_add(&bytes, text) || bytes.len != SHA256_SIZE)
            return wire_member_fault(place, FAULT_INPUT, "holds what is no hash in base64");
        memcpy(proof->hashes[proof->count++].bytes, room, SHA256_SIZE);
    }
    return FAULT_NONE;
}

struct reading {
    struct wire_audit_record record;
    struct str leaf; /* base64 */
};

static enum fault_code read_consistency(const struct wire_place *place, const struct json *value,
                                        void *out)
{
    ((struct reading *)out)->record.has_consistency = true;
    return read_proof(place, value, out);
}

#define AT(member)   offsetof(struct reading, member)
#define LEAF_TEXT    (INT64_C(4) * (WIRE_AUDIT_LEAF_MAX / 3 + 1))
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct wire_member record_members[] = {
    {"index", wire_read_whole, AT(record.index), 0, WIRE_WHOLE_MAX - 1, true},
    {"leaf", wire_read_text, AT(leaf), 1, LEAF_TEXT, true},
    {"title", wire_read_text, AT(record.title), 0, TITLE_MAX, false},
    {"inclusion", read_proof, AT(record.inclusion), 0, 0, true},
    {"consistency", read_consistency, AT(record.consistency), 0, 0, false},
};

/* The leaf's bytes, in the arena. */
static enum fault_code decode_leaf(struct arena *arena, struct str text, struct str *out,
                                   struct fault *fault)
{
    struct wire_place place = {"record", &record_members[1], fault};
    size_t room = text.len / 4 * 3 + 3;
    char *memory = arena_alloc(arena, room);
    if (!memory)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the audit records");
    struct buf bytes = {.ptr = memory, .room = room, .limit = room};
    if (!base64_decode_add(&bytes, text))
        return wire_member_fault(&place, FAULT_INPUT, "is not base64");
    *out = buf_str(&bytes);
    return FAULT_NONE;
}

static enum fault_code read_record(struct arena *arena, const struct json *value,
                                   struct wire_audit_record *out, struct fault *fault)
{
    struct reading reading = {.record = {.index = 0}};
    enum fault_code code = wire_read_members(value, "record", record_members, COUNT(record_members),
                                             WIRE_SKIP_UNKNOWN, &reading, fault);
    if (code == FAULT_NONE)
        code = decode_leaf(arena, reading.leaf, &reading.record.leaf, fault);
    if (code == FAULT_NONE)
        *out = reading.record;
    return code;
}

struct page {
    struct wire_audit_page page;
    const struct json *records;
};

static enum fault_code note_records(const struct wire_place *place, const struct json *value,
                                    void *out)
{
    if (!json_is_array(value))
        return wire_member_fault(place, FAULT_INPUT, "must be a list");
    ((struct page *)out)->records = value;
    return FAULT_NONE;
}

#define IN(member) offsetof(struct page, page.member)

static const struct wire_member page_members[] = {
    {"size", wire_read_whole, IN(size), 0, WIRE_WHOLE_MAX, true},
    {"checkpoint", read_text_or_null, IN(checkpoint), 1, CHECKPOINT_MAX, true},
    {"key", wire_read_text, IN(key), 1, KEY_MAX, true},
    {"records", note_records, 0, 0, 0, true},
    {"next", read_text_or_null, IN(next), 1, WIRE_AUDIT_NEXT_MAX, true},
};

static enum fault_code read_records(struct arena *arena, const struct json *list,
                                    struct wire_audit_page *page, struct fault *fault)
{
    size_t count = 0;
    for (const struct json *at = json_first(list); at; at = json_next(at))
        count++;
    if (count > WIRE_AUDIT_RECORDS_MAX)
        return fault_field(fault, FAULT_LIMIT, "page.records", "page.records holds more than %d",
                           WIRE_AUDIT_RECORDS_MAX);
    page->records = arena_alloc(arena, (count + 1) * sizeof *page->records);
    if (!page->records)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the audit records");
    for (const struct json *at = json_first(list); at; at = json_next(at)) {
        enum fault_code code = read_record(arena, at, &page->records[page->count], fault);
        if (code != FAULT_NONE)
            return fault_prefix(fault, "record %zu of the page: ", page->count + 1);
        page->count++;
    }
    return FAULT_NONE;
}

enum fault_code wire_read_audit_page(struct arena *arena, struct str json,
                                     struct wire_audit_page *out, struct fault *fault)
{
    const struct json *object;
    struct page reading = {.page = {.size = 0}};
    enum fault_code code = json_read(arena, json, &object, fault);
    if (code == FAULT_NONE)
        code = wire_read_members(object, "page", page_members, COUNT(page_members),
                                 WIRE_SKIP_UNKNOWN, &reading, fault);
    if (code == FAULT_NONE)
        code = read_records(arena, reading.records, &reading.page, fault);
    if (code == FAULT_NONE)
        *out = reading.page;
    return code;
}

/* --- one proof of consistency -------------------------------------------------------------- */

struct consistency {
    int64_t from;
    int64_t to;
    struct merkle_proof proof;
};

#define OF(member) offsetof(struct consistency, member)

static const struct wire_member consistency_members[] = {
    {"from", wire_read_whole, OF(from), 1, WIRE_WHOLE_MAX, true},
    {"to", wire_read_whole, OF(to), 1, WIRE_WHOLE_MAX, true},
    {"hashes", read_proof, OF(proof), 0, 0, true},
};

enum fault_code wire_read_consistency(struct arena *arena, struct str json, int64_t from,
                                      int64_t to, struct merkle_proof *out, struct fault *fault)
{
    const struct json *object;
    struct consistency reading;
    enum fault_code code = json_read(arena, json, &object, fault);
    if (code == FAULT_NONE)
        code = wire_read_members(object, "proof", consistency_members, COUNT(consistency_members),
                                 WIRE_SKIP_UNKNOWN, &reading, fault);
    if (code == FAULT_NONE && (reading.from != from || reading.to != to))
        code = fault_set(fault, FAULT_INPUT, "the proof is for other sizes than were asked for");
    if (code == FAULT_NONE)
        *out = reading.proof;
    return code;
}
