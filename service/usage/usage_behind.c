#include "service/usage/usage_behind.h"

#include <string.h>

#include "libs/core/os.h"
#include "service/usage/usage_sql.h"

enum {
    SORTED_LEAST = 65536, /* keys that are sorted at once. More: a longer pause for it, and more to
                           * read when a service starts; fewer: each page of the index is written
                           * more often */
    STEP_LEAST = 256,
    ROOM_LEAST = 1024,
    COLUMNS = 3
};

void usage_behind_init(struct usage_behind *behind)
{
    *behind = (struct usage_behind){0};
}

void usage_behind_done(struct usage_behind *behind)
{
    os_free(behind->fresh.rows);
    os_free(behind->sorted.rows);
    usage_behind_init(behind);
}

/* --- what is behind ------------------------------------------------------------------------- */

enum fault_code usage_behind_add(struct usage_behind *behind, const uint8_t key[USAGE_KEY_SIZE],
                                 int64_t seq, const struct str *tenant, struct fault *fault)
{
    struct usage_behind_run *run = &behind->fresh;
    if (seq <= behind->done)
        return FAULT_NONE;
    if (run->count == run->room) {
        size_t room = run->room ? run->room * 2 : ROOM_LEAST;
        struct usage_behind_row *rows = os_resize(run->rows, room * sizeof *rows);
        if (!rows)
            return fault_set(fault, FAULT_NO_MEMORY,
                             "no memory left to know which events are there");
        run->rows = rows;
        run->room = room;
    }
    struct usage_behind_row *row = &run->rows[run->count++];
    memcpy(row->key, key, USAGE_KEY_SIZE);
    row->seq = seq;
    row->tenant = tenant;
    return FAULT_NONE;
}

void usage_behind_keep(struct usage_behind *behind)
{
    behind->kept_fresh = behind->fresh.count;
    behind->kept_at = behind->at;
    behind->kept_done = behind->done;
}

static void forget_sorted(struct usage_behind *behind)
{
    behind->sorted.count = behind->at = behind->kept_at = 0;
}

void usage_behind_set_done(struct usage_behind *behind, int64_t done)
{
    struct usage_behind_run *fresh = &behind->fresh;
    size_t gone = 0;
    if (done == behind->done)
        return;
    behind->done = done;
    while (gone < fresh->count && fresh->rows[gone].seq <= done)
        gone++;
    fresh->count -= gone;
    if (gone > 0)
        memmove(fresh->rows, fresh->rows + gone, fresh->count * sizeof *fresh->rows);
    if (behind->sorted_up_to <= done)
        forget_sorted(behind);
    usage_behind_keep(behind);
}

void usage_behind_ended(struct usage_behind *behind, bool kept)
{
    if (kept) {
        if (behind->sorted.count > 0 && behind->done >= behind->sorted_up_to)
            forget_sorted(behind);
        usage_behind_keep(behind);
        return;
    }
    behind->fresh.count = behind->kept_fresh;
    behind->at = behind->kept_at;
    behind->done = behind->kept_done;
}

/* --- into the index ------------------------------------------------------------------------- */

enum { SORT_BYTES = 8 }; /* the time, and two bytes to keep apart what one millisecond brings */

/* One pass of a radix sort; false when all have that byte alike. */
static bool sort_by_byte(const struct usage_behind_row *from, struct usage_behind_row *to,
                         size_t count, int byte)
{
    size_t ends[256] = {0};
    for (size_t i = 0; i < count; i++)
        ends[from[i].key[byte]]++;
    if (ends[from[0].key[byte]] == count)
        return false;
    for (size_t value = 1; value < 256; value++)
        ends[value] += ends[value - 1];
    for (size_t i = count; i > 0; i--)
        to[--ends[from[i - 1].key[byte]]] = from[i - 1];
    return true;
}

/* Only how fast it goes depends on the order: without memory it stays as it is. */
static void sort_by_time(struct usage_behind_run *run)
{
    struct usage_behind_row *other = os_resize(NULL, run->room * sizeof *other);
    if (!other)
        return;
    for (int byte = SORT_BYTES - 1; byte >= 0; byte--)
        if (sort_by_byte(run->rows, other, run->count, byte)) {
            struct usage_behind_row *sorted = other;
            other = run->rows;
            run->rows = sorted;
        }
    os_free(other);
}

/* What is committed goes; what this transaction has added stays, and may still be taken back. */
static void sort(struct usage_behind *behind)
{
    struct usage_behind_run taken = behind->fresh;
    size_t left = taken.count - behind->kept_fresh;
    size_t room = left > ROOM_LEAST ? left : ROOM_LEAST;
    struct usage_behind_row *rows = os_resize(behind->sorted.rows, room * sizeof *rows);
    if (!rows)
        return; /* with the next transaction, then */
    memcpy(rows, taken.rows + behind->kept_fresh, left * sizeof *rows);
    behind->fresh = (struct usage_behind_run){.rows = rows, .count = left, .room = room};
    taken.count = behind->kept_fresh;
    behind->sorted_up_to = taken.rows[taken.count - 1].seq;
    sort_by_time(&taken);
    behind->sorted = taken;
    behind->at = behind->kept_at = behind->kept_fresh = 0;
}

static void bind(struct statement *insert, size_t place, const struct usage_behind_row *row)
{
    int first = (int)place * COLUMNS;
    store_bind_bytes(insert, first + 1, (struct str){(const char *)row->key, USAGE_KEY_SIZE});
    store_bind_text(insert, first + 2, *row->tenant);
    store_bind_whole(insert, first + 3, row->seq);
}

static enum fault_code insert_keys(struct store *store, const struct usage_behind_row *rows,
                                   size_t count, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t at = 0; at < count && code == FAULT_NONE;) {
        struct statement *insert;
        size_t several = count - at;
        code = store_prepare(store, usage_sql_rows(USAGE_SQL_ADD_KEY, &several), &insert, fault);
        if (code != FAULT_NONE)
            return code;
        for (size_t i = 0; i < several; i++)
            bind(insert, i, &rows[at++]);
        code = store_run(insert, fault);
    }
    return code;
}

static enum fault_code write_done(struct store *store, int64_t seq, struct fault *fault)
{
    static const char sql[] = "UPDATE usage_keys_done SET seq = $1 WHERE seq < $2";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, seq);
    store_bind_whole(update, 2, seq);
    return store_run(update, fault);
}

enum fault_code usage_behind_advance(struct usage_behind *behind, struct store *store, size_t added,
                                     struct fault *fault)
{
    if (behind->sorted.count == 0 && behind->kept_fresh >= SORTED_LEAST)
        sort(behind);
    if (behind->sorted.count == 0)
        return FAULT_NONE;
    size_t step = added * 2 > STEP_LEAST ? added * 2 : STEP_LEAST;
    size_t left = behind->sorted.count - behind->at;
    if (step > left)
        step = left;
    enum fault_code code = insert_keys(store, behind->sorted.rows + behind->at, step, fault);
    if (code != FAULT_NONE)
        return code;
    behind->at += step;
    if (behind->at < behind->sorted.count)
        return FAULT_NONE;
    behind->done = behind->sorted_up_to;
    return write_done(store, behind->done, fault);
}

/* --- all of the index ----------------------------------------------------------------------- */

static enum fault_code run(struct store *store, const char *sql, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

enum fault_code usage_behind_settle(struct store *store, struct fault *fault)
{
    static const char fill[] =
        "INSERT INTO usage_keys (event_key, tenant, seq)"
        " SELECT event_key, tenant, seq FROM usage_events"
        " WHERE seq > (SELECT seq FROM usage_keys_done) ORDER BY event_key, tenant"
        " ON CONFLICT (event_key, tenant) DO NOTHING";
    static const char end[] = "UPDATE usage_keys_done SET seq ="
                              " (SELECT coalesce(max(seq), 0) FROM usage_events)";
    static const char compare[] = "SELECT (SELECT count(*) FROM usage_events)"
                                  " - (SELECT count(*) FROM usage_keys)";
    struct statement *query;
    int64_t difference = 0;
    enum fault_code code = run(store, fill, fault);
    if (code == FAULT_NONE)
        code = run(store, end, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, compare, &query, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(query, &difference, fault);
    if (code == FAULT_NONE && difference > 0)
        code = fault_set(fault, FAULT_CORRUPT,
                         "%lld events stand twice, or are not in the index of their keys",
                         (long long)difference);
    if (code == FAULT_NONE && difference < 0)
        code = fault_set(fault, FAULT_CORRUPT,
                         "%lld events of the index of keys are gone; restore the store from a "
                         "backup, or find out who wrote to it",
                         (long long)-difference);
    return code;
}
