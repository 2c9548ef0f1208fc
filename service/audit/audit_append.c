/* Adds a record: entry, hashes and signed head, all in the caller's transaction. */
#include "service/audit/audit_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"

static const char sql_entry[] =
    "INSERT INTO audit_entries (tenant, idx, entry) VALUES ($1, $2, $3)";
static const char sql_hash[] =
    "INSERT INTO audit_hashes (tenant, level, idx, hash) VALUES ($1, $2, $3, $4)";
static const char sql_head[] =
    "INSERT INTO audit_heads (tenant, size, root, edge, checkpoint) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (tenant) DO UPDATE SET size = excluded.size, root = excluded.root, "
    "edge = excluded.edge, checkpoint = excluded.checkpoint";

/* What one append works on. */
struct append {
    struct str log;
    struct str entry;
    struct buf note;
    struct audit_head head;
    struct sha256 made[MERKLE_HEIGHTS];
    int made_count;
};

static struct str hash_bytes(const struct sha256 *hashes, int count)
{
    return (struct str){(const char *)hashes->bytes, (size_t)count * SHA256_SIZE};
}

static size_t slot_of(struct str log)
{
    return (size_t)str_hash(log) % AUDIT_SIGNED_SLOTS;
}

static bool is_known(struct audit *audit, struct str log, const struct sha256 *digest)
{
    pthread_mutex_lock(&audit->lock);
    bool known = memcmp(audit->known[slot_of(log)].bytes, digest->bytes, SHA256_SIZE) == 0;
    pthread_mutex_unlock(&audit->lock);
    return known;
}

static void make_known(struct audit *audit, struct str log, const struct sha256 *digest)
{
    pthread_mutex_lock(&audit->lock);
    audit->known[slot_of(log)] = *digest;
    pthread_mutex_unlock(&audit->lock);
}

/* The digest by which a whole head is known: all that the row says, not only the note. */
static struct sha256 digest_of(const struct append *append)
{
    const struct audit_head *head = &append->head;
    struct sha256 parts[3] = {
        sha256_of((struct str){head->note, head->note_len}),
        sha256_of(hash_bytes(head->range.hashes, head->range.count)),
        head->root,
    };
    return sha256_of(hash_bytes(parts, 3));
}

static enum fault_code read_good_head(struct audit *audit, struct store *store,
                                      struct append *append, struct fault *fault)
{
    enum fault_code code = audit_head_read(store, append->log, &append->head, fault);
    if (code != FAULT_NONE || append->head.range.size == 0)
        return code;
    struct sha256 digest = digest_of(append);
    if (is_known(audit, append->log, &digest))
        return FAULT_NONE;
    return audit_head_check(&audit->public_key, append->log, &append->head, fault);
}

static enum fault_code put_entry(struct store *store, struct append *append, struct fault *fault)
{
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql_entry, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t index = (int64_t)append->head.range.size - 1;
    store_bind_text(insert, 1, append->log);
    store_bind_whole(insert, 2, index);
    store_bind_bytes(insert, 3, append->entry);
    code = store_run(insert, fault);
    if (code == FAULT_CONFLICT)
        return fault_set(fault, FAULT_CORRUPT,
                         "tenant %.*s: record %lld is stored, but the log's head does not know it",
                         STR_ARG(append->log), (long long)index);
    return code;
}

/* Each eighth height is kept: the hashes that tiles are made of. */
static enum fault_code put_hashes(struct store *store, struct append *append, struct fault *fault)
{
    uint64_t index = append->head.range.size - 1;
    for (int height = 0; height < append->made_count; height += AUDIT_TILE_HEIGHT) {
        struct statement *insert;
        enum fault_code code = store_prepare(store, sql_hash, &insert, fault);
        if (code != FAULT_NONE)
            return code;
        store_bind_text(insert, 1, append->log);
        store_bind_whole(insert, 2, height / AUDIT_TILE_HEIGHT);
        store_bind_whole(insert, 3, (int64_t)(index >> height));
        store_bind_bytes(insert, 4, hash_bytes(&append->made[height], 1));
        code = store_run(insert, fault);
        if (code == FAULT_CONFLICT)
            return fault_set(fault, FAULT_CORRUPT,
                             "tenant %.*s: the hash of record %llu is stored, but the log's head "
                             "does not know it",
                             STR_ARG(append->log), (unsigned long long)index);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static enum fault_code put_head(struct store *store, struct append *append, struct fault *fault)
{
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql_head, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    const struct merkle_range *range = &append->head.range;
    store_bind_text(insert, 1, append->log);
    store_bind_whole(insert, 2, (int64_t)range->size);
    store_bind_bytes(insert, 3, hash_bytes(&append->head.root, 1));
    store_bind_bytes(insert, 4, hash_bytes(range->hashes, range->count));
    store_bind_bytes(insert, 5, buf_str(&append->note));
    return store_run(insert, fault);
}

static enum fault_code sign_head(struct audit *audit, struct append *append, struct fault *fault)
{
    struct audit_head *head = &append->head;
    head->root = merkle_root(&head->range);
    struct note_head text = {
        .log = append->log, .size = (int64_t)head->range.size, .root = head->root};
    enum fault_code code = note_sign(audit->key, &text, &append->note, fault);
    if (code != FAULT_NONE)
        return code;
    head->note_len = append->note.len;
    memcpy(head->note, append->note.ptr, append->note.len);
    return FAULT_NONE;
}

static enum fault_code run(struct audit *audit, struct store *store, struct append *append,
                           struct fault *fault)
{
    enum fault_code code = read_good_head(audit, store, append, fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 leaf = merkle_leaf(append->entry);
    append->made_count = merkle_append(&append->head.range, &leaf, append->made);
    code = put_entry(store, append, fault);
    if (code == FAULT_NONE)
        code = put_hashes(store, append, fault);
    if (code == FAULT_NONE)
        code = sign_head(audit, append, fault);
    if (code == FAULT_NONE)
        code = put_head(store, append, fault);
    return code;
}

enum fault_code audit_log_append(struct audit *audit, struct store *store, struct str log,
                                 struct str entry, int64_t *out_index, struct buf *out_checkpoint,
                                 struct fault *fault)
{
    assert(store_is_writing(store));
    struct append append = {.log = log, .entry = entry};
    buf_init(&append.note, AUDIT_CHECKPOINT_MAX);
    enum fault_code code = run(audit, store, &append, fault);
    if (code == FAULT_NONE) {
        buf_add(out_checkpoint, buf_str(&append.note));
        code = buf_check(out_checkpoint, "the checkpoint", fault);
    }
    if (code == FAULT_NONE) {
        struct sha256 digest = digest_of(&append);
        make_known(audit, log, &digest);
        *out_index = (int64_t)append.head.range.size - 1;
    }
    buf_done(&append.note);
    return code;
}

enum fault_code audit_append(struct audit *audit, struct store *store,
                             const struct audit_record *record, int64_t *out_index,
                             struct buf *out_checkpoint, struct fault *fault)
{
    struct buf entry;
    enum fault_code code = audit_check_tenant(record->tenant, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&entry, AUDIT_ENTRY_MAX);
    int64_t time_us = os_now_us();
    int64_t index = 0;
    code = audit_entry_write(record, time_us, &entry, fault);
    if (code == FAULT_NONE)
        code = audit_log_append(audit, store, record->tenant, buf_str(&entry), &index,
                                out_checkpoint, fault);
    if (code == FAULT_NONE)
        code = audit_find_note(store, record, time_us, index, fault);
    if (code == FAULT_NONE && audit->watch)
        code = audit->watch(audit->watch_context, store, record, time_us, index, fault);
    if (code == FAULT_NONE)
        *out_index = index;
    buf_done(&entry);
    return code;
}

void audit_watch_set(struct audit *audit, audit_watch *watch, void *context)
{
    audit->watch = watch;
    audit->watch_context = context;
}
