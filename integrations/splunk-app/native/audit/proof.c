#include "integrations/splunk-app/native/audit/proof.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/text/json.h"

/* --- the head ------------------------------------------------------------------------------- */

static bool PRINTF_LIKE(2, 3) doubt(struct proof_log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(log->reason, sizeof log->reason, format, args);
    va_end(args);
    log->holds = false;
    return false;
}

/* A signature that does not hold, or for which there was no memory. */
static bool doubt_signature(struct proof_log *log, const char *sentence)
{
    return doubt(log, "%s",
                 sign_lacked_memory() ? "no memory left to check a signature" : sentence);
}

/* The pinned key is the admin's word; the one that the service tells must at least be its log's. */
static bool choose_key(struct str tenant, struct str pinned, struct str told, struct proof_log *log)
{
    struct str name;
    bool is_pinned = pinned.len > 0;
    if (!note_read_vkey(is_pinned ? pinned : told, &name, &log->key))
        return doubt(log,
                     is_pinned ? "audit_key is no verifier key: take it from `intelgraphd "
                                 "audit key --tenant %.*s`"
                               : "the service tells no verifier key for the log of %.*s",
                     STR_ARG(tenant));
    if (!str_equal(name, tenant))
        return doubt(log, "%s is of the log of %.*s, not of %.*s",
                     is_pinned ? "audit_key" : "the service's key", STR_ARG(str_take(name, 64)),
                     STR_ARG(tenant));
    if (is_pinned && !str_equal(pinned, told))
        return doubt(log, "the service signs with another key than audit_key");
    return true;
}

bool proof_open(struct str tenant, struct str pinned, const struct wire_audit_page *page,
                struct proof_log *out)
{
    *out = (struct proof_log){.holds = true};
    if (!choose_key(tenant, pinned, page->key, out))
        return false;
    if (page->size == 0 && page->checkpoint.len == 0)
        return true; /* an empty log has no head */
    if (!note_read(page->checkpoint, &out->head))
        return doubt(out, "the service gives no signed head of its log");
    if (!str_equal(out->head.log, tenant))
        return doubt(out, "the head is of the log of %.*s, not of %.*s",
                     STR_ARG(str_take(out->head.log, 64)), STR_ARG(tenant));
    if (!note_holds(&out->key, &out->head, page->checkpoint))
        return doubt_signature(out, "the head of the log is not signed by the log's key");
    if (out->head.size != page->size)
        return doubt(out, "the proofs are for another head than the signed one");
    return true;
}

bool proof_needs_consistency(struct proof_log *log, const struct kept_list *kept, int64_t *out_from)
{
    const struct kept *newest = kept_newest(kept);
    struct note_head head;
    *out_from = 0;
    if (!newest || !log->holds)
        return log->holds;
    if (!note_read(newest->note, &head) || !note_holds(&log->key, &head, newest->note))
        return doubt_signature(
            log,
            "the newest head that this search head kept is not signed by the key that signs today");
    if (head.size > log->head.size)
        return doubt(log,
                     "the log was cut: this search head kept a head of %" PRId64
                     " records, the service shows one of %" PRId64,
                     head.size, log->head.size);
    if (head.size < log->head.size) {
        *out_from = head.size;
        return true;
    }
    if (memcmp(head.root.bytes, log->head.root.bytes, SHA256_SIZE) != 0)
        return doubt(log,
                     "the log was forked or rewritten: this search head kept another head of the "
                     "same %" PRId64 " records",
                     head.size);
    return true;
}

bool proof_is_consistent(struct proof_log *log, const struct kept_list *kept,
                         const struct merkle_proof *proof)
{
    const struct kept *newest = kept_newest(kept);
    if (!newest)
        return log->holds;
    if (merkle_verify_consistency((uint64_t)newest->index + 1, (uint64_t)log->head.size,
                                  &newest->root, &log->head.root, proof))
        return log->holds;
    return doubt(log,
                 "the log was forked or rewritten: its first %" PRId64
                 " records are not those whose head this search head kept",
                 newest->index + 1);
}

/* --- records -------------------------------------------------------------------------------- */

static bool PRINTF_LIKE(2, 3) refute(struct proof_record *record, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(record->reason, sizeof record->reason, format, args);
    va_end(args);
    return false;
}

static struct str text_of(const struct json *object, const char *name)
{
    struct str text;
    return json_text(json_member(object, name), &text) ? text : STR("");
}

static int64_t whole_of(const struct json *object, const char *name)
{
    int64_t number;
    return json_whole(json_member(object, name), &number) ? number : -1;
}

static void read_record(const struct json *leaf, struct proof_record *out)
{
    const struct json *counts = json_member(leaf, "counts");
    out->time_us = whole_of(leaf, "time_us");
    out->analyst = text_of(leaf, "subject");
    out->action = text_of(leaf, "action");
    out->outcome = text_of(leaf, "result");
    out->sid = text_of(leaf, "sid");
    out->search_head = text_of(leaf, "search_head");
    out->handoff = text_of(leaf, "handoff");
    out->entities = whole_of(counts, "entities");
    out->relations = whole_of(counts, "relations");
}

/* The title stands beside the record; the record holds its digest. Records of a service before that
 * have none: then the title is shown by nobody's word, and left out. */
static bool check_title(const struct json *leaf, struct str title, struct proof_record *out)
{
    char digest[SHA256_HEX + 1];
    struct str expected = text_of(leaf, "title_sha256");
    if (title.len == 0 || expected.len == 0)
        return true;
    struct sha256 hash = sha256_of(title);
    hex_of(hash.bytes, sizeof hash.bytes, digest);
    if (!str_equal(expected, str_of(digest)))
        return refute(out, "the title is not the one on record");
    out->title = title;
    return true;
}

/* One receipt of this hand-off. */
static bool check_one_kept(const struct proof_log *log, const struct kept *kept,
                           const struct wire_audit_record *record, struct proof_record *out)
{
    if (kept->handoff.len > 0 && !str_equal(kept->handoff, out->handoff))
        return refute(out, "record %" PRId64 " was of the hand-off %.*s when it was acknowledged",
                      record->index, STR_ARG(str_take(kept->handoff, 32)));
    if (!record->has_consistency)
        return refute(out, "the service does not prove that the head which this search head kept "
                           "is the beginning of its log");
    if (!merkle_verify_consistency((uint64_t)record->index + 1, (uint64_t)log->head.size,
                                   &kept->root, &log->head.root, &record->consistency))
        return refute(out,
                      "the log was forked or rewritten: its first %" PRId64
                      " records are not those whose head this search head kept with this hand-off",
                      record->index + 1);
    return true;
}

/* What was kept when this hand-off was acknowledged; more than one when the service has given out
 * different heads for it. */
static bool check_kept(const struct proof_log *log, const struct kept_list *kept,
                       const struct wire_audit_record *record, struct proof_record *out)
{
    const struct kept *at = kept_find(kept, record->index);
    const struct kept *end = at ? kept->items + kept->count : NULL;
    for (; at != end && at->index == record->index; at++)
        if (!check_one_kept(log, at, record, out))
            return false;
    return true;
}

static bool check(const struct proof_log *log, const struct kept_list *kept,
                  const struct wire_audit_record *record, const struct json *leaf,
                  struct proof_record *out)
{
    struct sha256 hash = merkle_leaf(record->leaf);
    if (!log->holds)
        return refute(out, "%s", log->reason);
    if (!merkle_verify_inclusion((uint64_t)record->index, (uint64_t)log->head.size, &hash,
                                 &record->inclusion, &log->head.root))
        return refute(out,
                      "this is not record %" PRId64 " of the log: it was edited, moved or put in",
                      record->index);
    if (!json_is_object(leaf))
        return refute(out, "the record is not readable");
    return check_kept(log, kept, record, out) && check_title(leaf, record->title, out);
}

enum fault_code proof_check(const struct proof_log *log, const struct kept_list *kept,
                            const struct wire_audit_record *record, struct arena *arena,
                            struct proof_record *out, struct fault *fault)
{
    struct proof_record read = {.time_us = -1, .entities = -1, .relations = -1};
    const struct json *leaf = NULL;
    struct fault reading;
    if (json_read(arena, record->leaf, &leaf, &reading) == FAULT_NO_MEMORY)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for an audit record");
    read_record(leaf, &read);
    read.verified = check(log, kept, record, leaf, &read);
    *out = read;
    return FAULT_NONE;
}
