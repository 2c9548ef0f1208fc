#include "service/usage/usage_dlq.h"

#include <string.h>

#include "libs/crypto/hash.h"

enum { READABLE_MAX = 4 * USAGE_EVENT_MAX /* each byte as \xNN */ };

/* --- the books ------------------------------------------------------------------------------ */

static enum fault_code read_books(struct statement *row, void *context, struct fault *fault)
{
    struct usage_dlq_books *books = context;
    (void)fault;
    *books =
        (struct usage_dlq_books){store_whole(row, 0), store_whole(row, 1), store_whole(row, 2)};
    return FAULT_NONE;
}

enum fault_code usage_dlq_books_read(struct store *store, struct str tenant,
                                     struct usage_dlq_books *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT last_id, open_entries, unkept FROM usage_dlq_books WHERE tenant = $1";
    struct usage_dlq_books books = {0};
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_each(query, read_books, &books, fault);
    if (code == FAULT_NONE)
        *out = books;
    return code;
}

enum fault_code usage_dlq_books_write(struct store *store, struct str tenant,
                                      const struct usage_dlq_books *books, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO usage_dlq_books (tenant, last_id, open_entries, unkept)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (tenant) DO UPDATE SET last_id = excluded.last_id,"
        " open_entries = excluded.open_entries, unkept = excluded.unkept";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_whole(upsert, 2, books->last_id);
    store_bind_whole(upsert, 3, books->open);
    store_bind_whole(upsert, 4, books->unkept);
    return store_run(upsert, fault);
}

/* --- into it -------------------------------------------------------------------------------- */

static enum fault_code count_again(struct store *store, const struct usage_batch *batch,
                                   struct str digest, bool *out_known, struct fault *fault)
{
    static const char sql[] = "UPDATE usage_dlq SET times = times + 1, last_us = $1"
                              " WHERE tenant = $2 AND digest = $3 AND state = 'open'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, batch->received_us);
    store_bind_text(update, 2, batch->tenant);
    store_bind_bytes(update, 3, digest);
    code = store_run(update, fault);
    if (code == FAULT_NONE)
        *out_known = store_changes(store) > 0;
    return code;
}

/* Bytes that are no text of the store, of zero or not UTF-8, become \xNN: people can read and mend
 * them, and as JSON has no such escape, what is replayed unmended is refused again. */
static void add_readable(struct buf *out, struct str text)
{
    while (text.len > 0) {
        size_t zero = str_find_byte(text, '\0');
        size_t good = str_utf8_len(str_take(text, zero));
        buf_add(out, str_take(text, good));
        if (good < text.len)
            buf_addf(out, "\\x%02x", (unsigned char)text.ptr[good]);
        text = str_skip(text, good + 1);
    }
}

static enum fault_code insert(struct store *store, const struct usage_batch *batch,
                              const struct usage_item *item, struct str digest, int64_t id,
                              struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO usage_dlq (tenant, id, state, reason, detail, source, event_id, event,"
        " received_us, digest) VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9)";
    struct statement *insert;
    struct buf detail;
    struct buf event;
    buf_init(&detail, READABLE_MAX);
    buf_init(&event, READABLE_MAX);
    add_readable(&detail, item->detail); /* it may have cut a character that it quotes */
    add_readable(&event, item->text);
    enum fault_code code = buf_check(&event, "the DLQ", fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        goto out;
    store_bind_text(insert, 1, batch->tenant);
    store_bind_whole(insert, 2, id);
    store_bind_text(insert, 3, str_of(item->reason));
    store_bind_text(insert, 4, buf_str(&detail));
    store_bind_text(insert, 5, item->event.source);
    store_bind_text(insert, 6, item->event.id);
    store_bind_text(insert, 7, buf_str(&event));
    store_bind_whole(insert, 8, batch->received_us);
    if (digest.len > 0)
        store_bind_bytes(insert, 9, digest);
    else
        store_bind_null(insert, 9);
    code = store_run(insert, fault);
out:
    buf_done(&detail);
    buf_done(&event);
    return code;
}

/* "": the event is told apart from all others. */
static enum fault_code digest_of(const struct usage_item *item, struct sha256 *room,
                                 struct str *out, struct fault *fault)
{
    *out = STR("");
    if (strcmp(item->reason, "limit") == 0)
        return FAULT_NONE;
    struct sha256_state *state = sha256_new();
    if (!state)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the DLQ");
    sha256_add_sized(state, str_of(item->reason));
    sha256_add_sized(state, item->text);
    *room = sha256_end(state);
    *out = (struct str){(const char *)room->bytes, SHA256_SIZE};
    return FAULT_NONE;
}

enum fault_code usage_dlq_put(struct store *store, const struct usage_batch *batch,
                              struct usage_item *item, struct usage_dlq_books *books,
                              struct fault *fault)
{
    struct sha256 room;
    struct str digest;
    bool is_known = false;
    enum fault_code code = digest_of(item, &room, &digest, fault);
    if (code == FAULT_NONE && digest.len > 0)
        code = count_again(store, batch, digest, &is_known, fault);
    if (code != FAULT_NONE)
        return code;
    item->unkept = !is_known && books->open >= USAGE_DLQ_OPEN_MAX;
    books->unkept += item->unkept;
    if (is_known || item->unkept)
        return FAULT_NONE;
    books->open++;
    return insert(store, batch, item, digest, ++books->last_id, fault);
}

/* --- out of it ------------------------------------------------------------------------------ */

#define COLUMNS                                                                                    \
    "id, state, reason, detail, source, event_id, event, received_us, ended_us, ended_by, "        \
    "ended_why, replayed, times, coalesce(last_us, received_us)"

static enum fault_code read_entry(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct usage_dlq_entry *)out = (struct usage_dlq_entry){
        .id = store_whole(row->query, 0),
        .state = store_row_text(row, 1),
        .reason = store_row_text(row, 2),
        .detail = store_row_text(row, 3),
        .source = store_row_text(row, 4),
        .event_id = store_row_text(row, 5),
        .event = store_row_text(row, 6),
        .received_us = store_whole(row->query, 7),
        .ended_us = store_is_null(row->query, 8) ? 0 : store_whole(row->query, 8),
        .ended_by = store_row_text(row, 9),
        .ended_why = store_row_text(row, 10),
        .replayed = store_row_text(row, 11),
        .times = store_whole(row->query, 12),
        .last_us = store_whole(row->query, 13),
    };
    return FAULT_NONE;
}

enum fault_code usage_dlq_list(struct store *store, struct str tenant,
                               const struct usage_dlq_filter *filter, struct arena *arena,
                               struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT " COLUMNS
        " FROM usage_dlq WHERE tenant = $1 AND (CAST($2 AS BIGINT) = 0 OR id < $2)"
        " AND ($3 = '' OR state = $3) AND ($4 = '' OR reason = $4) AND ($5 = '' OR source = $5)"
        " ORDER BY id DESC LIMIT $6";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, filter->before);
    store_bind_text(query, 3, filter->state);
    store_bind_text(query, 4, filter->reason);
    store_bind_text(query, 5, filter->source);
    store_bind_whole(query, 6, filter->limit);
    return store_list(query, arena, sizeof(struct usage_dlq_entry), read_entry, out, fault);
}

enum fault_code usage_dlq_find(struct store *store, struct str tenant, int64_t id,
                               struct arena *arena, struct usage_dlq_entry *out,
                               struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM usage_dlq WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, id);
    code = store_find(query, arena, sizeof *out, read_entry, &found, out, fault);
    if (code == FAULT_NONE && !found)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such entry in the DLQ");
    return code;
}

/* One open entry less. */
static enum fault_code leave(struct store *store, struct str tenant, struct fault *fault)
{
    static const char sql[] =
        "UPDATE usage_dlq_books SET open_entries = open_entries - 1 WHERE tenant = $1";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, tenant);
    return store_run(update, fault);
}

enum fault_code usage_dlq_end(struct store *store, struct str tenant, int64_t id,
                              const struct usage_dlq_end *end, struct fault *fault)
{
    static const char sql[] = "UPDATE usage_dlq SET state = $1, replayed = $2, ended_by = $3, "
                              "ended_why = $4, ended_us = $5"
                              " WHERE tenant = $6 AND id = $7 AND state = 'open'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, str_of(end->state));
    if (end->replayed.len > 0)
        store_bind_text(update, 2, end->replayed);
    else
        store_bind_null(update, 2);
    store_bind_text(update, 3, end->by);
    store_bind_text(update, 4, end->why);
    store_bind_whole(update, 5, end->at_us);
    store_bind_text(update, 6, tenant);
    store_bind_whole(update, 7, id);
    code = store_run(update, fault);
    if (code == FAULT_NONE && store_changes(store) == 0)
        code = fault_field(fault, FAULT_CONFLICT, "id",
                           "this entry was replayed or discarded already");
    return code == FAULT_NONE ? leave(store, tenant, fault) : code;
}
