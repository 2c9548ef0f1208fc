#include "service/usage/usage_keys.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/store/store_rows.h"
#include "service/usage/usage_behind.h"
#include "service/usage/usage_names.h"
#include "service/usage/usage_recent.h"

enum {
    ADDED_MAX = 1024, /* events gathered before they are written */
    TIME_BYTES = 6,
    EVENT_COLUMNS = 12
};

/* An event that is not written yet; its seq is its place. */
struct added {
    uint8_t key[USAGE_KEY_SIZE];
    uint8_t content[USAGE_CONTENT_SIZE];
    uint8_t refers_to[USAGE_KEY_SIZE];
    struct usage_kept kept; /* what its row says, also of a correction */
    int64_t received_us;
    int provenance;
    uint32_t tenant;
};

struct usage_keys {
    struct usage_recent *recent;
    uint64_t secret; /* odd: the recent ones are hashed with it */
    struct usage_names tenants;
    bool is_loaded;
    int64_t last;                     /* seq given last */
    int64_t kept_last;                /* as it is committed */
    uint8_t last_key[USAGE_KEY_SIZE]; /* of the event `last` */
    uint8_t kept_last_key[USAGE_KEY_SIZE];
    struct usage_behind behind;
    size_t added_total; /* in this transaction */
    size_t added_count;
    struct added added[ADDED_MAX];
    struct store_cell cells[ADDED_MAX][EVENT_COLUMNS]; /* as they are written */
};

static struct str bytes_of(const uint8_t *bytes, size_t len)
{
    return (struct str){(const char *)bytes, len};
}

enum fault_code usage_keys_new(struct usage_keys **out, struct fault *fault)
{
    struct usage_keys *keys = os_alloc(sizeof *keys);
    if (!keys)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to know which events are there");
    enum fault_code code = usage_recent_new(&keys->recent, fault);
    if (code == FAULT_NONE && os_random(&keys->secret, sizeof keys->secret) != 0)
        code = fault_set(fault, FAULT_IO, "the system gives no random bytes");
    if (code != FAULT_NONE) {
        usage_recent_free(keys->recent);
        os_free(keys);
        return code;
    }
    keys->secret |= 1;
    usage_behind_init(&keys->behind);
    usage_names_init(&keys->tenants);
    *out = keys;
    return FAULT_NONE;
}

void usage_keys_free(struct usage_keys *taken)
{
    if (!taken)
        return;
    usage_recent_free(taken->recent);
    usage_names_done(&taken->tenants);
    usage_behind_done(&taken->behind);
    os_free(taken);
}

int64_t usage_keys_last_seq(const struct usage_keys *keys)
{
    return keys->last;
}

/* --- in memory ------------------------------------------------------------------------------ */

enum fault_code usage_keys_tenant(struct usage_keys *keys, struct str name, uint32_t *out,
                                  struct fault *fault)
{
    return usage_names_number(&keys->tenants, name, out, fault);
}

struct str usage_keys_tenant_name(const struct usage_keys *keys, uint32_t tenant)
{
    return *usage_names_of(&keys->tenants, tenant);
}

/* The part of the key that is a digest, by multiplication: whoever chooses ids does not know by
 * what. */
static uint32_t hash_of(const struct usage_keys *keys, uint32_t tenant, const uint8_t *key)
{
    uint64_t digest;
    memcpy(&digest, key + TIME_BYTES, sizeof digest);
    digest += (uint64_t)tenant * 0x9e3779b97f4a7c15u;
    return (uint32_t)(digest * keys->secret >> 32);
}

static int64_t ms_of(const uint8_t *key)
{
    int64_t ms = 0;
    for (int i = 0; i < TIME_BYTES; i++)
        ms = ms << 8 | key[i];
    return ms;
}

static enum fault_code remember(struct usage_keys *keys, uint32_t tenant, const uint8_t *key,
                                int64_t seq, struct fault *fault)
{
    enum fault_code code =
        usage_recent_put(keys->recent, hash_of(keys, tenant, key), seq, ms_of(key), fault);
    if (code == FAULT_NONE)
        memcpy(keys->last_key, key, USAGE_KEY_SIZE);
    if (code == FAULT_NONE)
        code = usage_behind_add(&keys->behind, key, seq, usage_names_of(&keys->tenants, tenant),
                                fault);
    return code;
}

/* --- a transaction begins ------------------------------------------------------------------- */

/* What the store says. */
struct state {
    int64_t done;
    int64_t last;
    bool is_ours; /* the event that we know as the last one is there */
};

static enum fault_code read_state(const struct usage_keys *keys, struct store *store,
                                  struct state *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT seq, (SELECT coalesce(max(seq), 0) FROM usage_events),"
        " (SELECT event_key FROM usage_events WHERE seq = $1) FROM usage_keys_done";
    const struct str known = bytes_of(keys->last_key, USAGE_KEY_SIZE);
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(query, 1, keys->last);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    assert(row && "the migration has put it there");
    out->done = store_whole(query, 0);
    out->last = store_whole(query, 1);
    out->is_ours = keys->last == 0 || str_equal(store_text(query, 2), known);
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code add_event(struct statement *row, void *context, struct fault *fault)
{
    struct usage_keys *keys = context;
    struct str key = store_text(row, 1);
    uint32_t tenant = 0;
    if (key.len != USAGE_KEY_SIZE)
        return fault_set(fault, FAULT_CORRUPT, "event %lld is not what the service writes",
                         (long long)store_whole(row, 0));
    enum fault_code code = usage_keys_tenant(keys, store_text(row, 2), &tenant, fault);
    return code == FAULT_NONE
               ? remember(keys, tenant, (const uint8_t *)key.ptr, store_whole(row, 0), fault)
               : code;
}

static enum fault_code read_events(struct usage_keys *keys, struct store *store, int64_t after,
                                   struct fault *fault)
{
    static const char sql[] =
        "SELECT seq, event_key, tenant FROM usage_events WHERE seq > $1 ORDER BY seq";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(query, 1, after);
    return store_each(query, add_event, keys, fault);
}

/* Those that will not be read again are in the index. */
static enum fault_code read_latest(struct usage_keys *keys, struct store *store,
                                   struct fault *fault)
{
    static const char sql[] = "SELECT event_key FROM usage_keys ORDER BY event_key DESC LIMIT 1";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE)
        code = store_step(query, &row, fault);
    if (code != FAULT_NONE || !row)
        return code;
    if (store_text(query, 0).len == USAGE_KEY_SIZE)
        usage_recent_gone(keys->recent, ms_of((const uint8_t *)store_text(query, 0).ptr));
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code load(struct usage_keys *keys, struct store *store, int64_t last,
                            struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    int64_t after = last - USAGE_RECENT;
    if (after > keys->behind.done)
        after = keys->behind.done;
    if (after > 0)
        code = read_latest(keys, store, fault);
    if (code == FAULT_NONE)
        code = read_events(keys, store, after > 0 ? after : 0, fault);
    return code;
}

/* The store is not the one that we knew: a server that took another's place without its last
 * events, a backup that was put back. */
static void forget_all(struct usage_keys *keys)
{
    usage_recent_clear(keys->recent);
    usage_behind_done(&keys->behind);
    keys->is_loaded = false;
    keys->last = keys->kept_last = 0;
}

enum fault_code usage_keys_begin(struct usage_keys *keys, struct store *store, struct fault *fault)
{
    struct state state;
    enum fault_code code = read_state(keys, store, &state, fault);
    if (code != FAULT_NONE)
        return code;
    if (!state.is_ours)
        forget_all(keys);
    usage_behind_set_done(&keys->behind, state.done);
    if (!keys->is_loaded)
        code = load(keys, store, state.last, fault);
    else if (state.last > keys->last)
        code = read_events(keys, store, keys->last, fault);
    if (code != FAULT_NONE)
        return code;
    keys->is_loaded = true;
    keys->last = keys->kept_last = state.last;
    memcpy(keys->kept_last_key, keys->last_key, USAGE_KEY_SIZE);
    usage_behind_keep(&keys->behind);
    return FAULT_NONE;
}

void usage_keys_ended(struct usage_keys *keys, bool kept)
{
    keys->added_count = keys->added_total = 0;
    if (kept) {
        keys->kept_last = keys->last;
        memcpy(keys->kept_last_key, keys->last_key, USAGE_KEY_SIZE);
    } else {
        keys->last = keys->kept_last;
        memcpy(keys->last_key, keys->kept_last_key, USAGE_KEY_SIZE);
    }
    usage_behind_ended(&keys->behind, kept);
}

/* --- looking -------------------------------------------------------------------------------- */

/* An event as it stands, wherever that is. */
struct found {
    uint8_t key[USAGE_KEY_SIZE];
    uint8_t content[USAGE_CONTENT_SIZE];
    bool is_tenants;
    struct usage_kept kept;
};

static const struct added *added_at(const struct usage_keys *keys, int64_t seq)
{
    int64_t first = keys->last - (int64_t)keys->added_count + 1;
    return seq >= first && seq <= keys->last ? &keys->added[seq - first] : NULL;
}

static void take_added(const struct added *added, uint32_t tenant, struct found *out)
{
    *out = (struct found){.is_tenants = added->tenant == tenant, .kept = added->kept};
    memcpy(out->key, added->key, sizeof out->key);
    memcpy(out->content, added->content, sizeof out->content);
}

static enum fault_code take_row(const struct usage_keys *keys, uint32_t tenant,
                                struct statement *query, struct found *out, struct fault *fault)
{
    struct str key = store_text(query, 0);
    struct str content = store_text(query, 1);
    if (key.len != USAGE_KEY_SIZE || content.len != USAGE_CONTENT_SIZE)
        return fault_set(fault, FAULT_CORRUPT, "an event is not what the service writes");
    memcpy(out->key, key.ptr, sizeof out->key);
    memcpy(out->content, store_text(query, 1).ptr, sizeof out->content);
    out->is_tenants = str_equal(store_text(query, 2), usage_keys_tenant_name(keys, tenant));
    out->kept = (struct usage_kept){.meter = usage_meter_find(store_text(query, 3)),
                                    .kind = (enum usage_kind)store_whole(query, 4),
                                    .time_us = store_whole(query, 5),
                                    .quantity = store_whole(query, 6),
                                    .dimset = store_whole(query, 7)};
    return FAULT_NONE;
}

static enum fault_code read_event(struct usage_keys *keys, struct store *store, uint32_t tenant,
                                  int64_t seq, bool *out_found, struct found *out,
                                  struct fault *fault)
{
    static const char sql[] = "SELECT event_key, content, tenant, meter, kind, time_us, quantity,"
                              " dimset FROM usage_events WHERE seq = $1";
    const struct added *added = added_at(keys, seq);
    struct statement *query;
    if (added) {
        take_added(added, tenant, out);
        *out_found = true;
        return FAULT_NONE;
    }
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(query, 1, seq);
    code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    code = take_row(keys, tenant, query, out, fault);
    store_reset(query);
    return code;
}

/* The seq that the index has for a key; 0: none. */
static enum fault_code ask_index(struct store *store, struct str tenant, const uint8_t *key,
                                 int64_t *out, struct fault *fault)
{
    static const char sql[] = "SELECT seq FROM usage_keys WHERE event_key = $1 AND tenant = $2";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(query, 1, bytes_of(key, USAGE_KEY_SIZE));
    store_bind_text(query, 2, tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = row ? store_whole(query, 0) : 0;
    store_reset(query);
    return FAULT_NONE;
}

/* The event of that key; or, with `any_time`, of its source and id. */
static enum fault_code look(struct usage_keys *keys, struct store *store, uint32_t tenant,
                            const uint8_t *key, bool any_time, bool *out_found, struct found *out,
                            struct fault *fault)
{
    const size_t skip = any_time ? TIME_BYTES : 0;
    struct usage_recent_look at = usage_recent_look(keys->recent, hash_of(keys, tenant, key));
    enum fault_code code = FAULT_NONE;
    int64_t seq = 0;
    while (code == FAULT_NONE && usage_recent_next(&at, &seq)) {
        bool found = false;
        if (seq <= keys->last)
            code = read_event(keys, store, tenant, seq, &found, out, fault);
        if (code == FAULT_NONE && found && out->is_tenants &&
            memcmp(out->key + skip, key + skip, USAGE_KEY_SIZE - skip) == 0) {
            *out_found = true;
            return FAULT_NONE;
        }
    }
    *out_found = false;
    seq = 0;
    if (code == FAULT_NONE && ms_of(key) <= usage_recent_gone_ms(keys->recent))
        code = ask_index(store, usage_keys_tenant_name(keys, tenant), key, &seq, fault);
    if (code == FAULT_NONE && seq > 0)
        code = read_event(keys, store, tenant, seq, out_found, out, fault);
    return code;
}

enum fault_code usage_keys_match(struct usage_keys *keys, struct store *store, uint32_t tenant,
                                 const struct usage_event *event, enum usage_match *out,
                                 struct fault *fault)
{
    struct found found;
    struct found exact;
    bool is_there = false;
    bool is_exact = false;
    enum fault_code code = look(keys, store, tenant, event->key, true, &is_there, &found, fault);
    if (code != FAULT_NONE)
        return code;
    /* Before there was this check one id could have several times. */
    if (is_there && memcmp(found.key, event->key, USAGE_KEY_SIZE) != 0) {
        code = look(keys, store, tenant, event->key, false, &is_exact, &exact, fault);
        if (code != FAULT_NONE)
            return code;
        if (is_exact)
            found = exact;
    }
    if (!is_there)
        *out = USAGE_IS_NEW;
    else if (memcmp(found.key, event->key, USAGE_KEY_SIZE) != 0)
        *out = USAGE_IS_OTHER_AT;
    else if (memcmp(found.content, event->content, USAGE_CONTENT_SIZE) == 0)
        *out = USAGE_IS_SAME;
    else
        *out = USAGE_IS_OTHER;
    return FAULT_NONE;
}

enum fault_code usage_keys_find(struct usage_keys *keys, struct store *store, uint32_t tenant,
                                const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                struct usage_kept *out, struct fault *fault)
{
    struct found found;
    enum fault_code code = look(keys, store, tenant, key, false, out_found, &found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    *out = found.kept;
    return out->meter ? FAULT_NONE
                      : fault_set(fault, FAULT_CORRUPT, "an event is of a meter that is not known");
}

/* --- adding --------------------------------------------------------------------------------- */

static const struct store_column event_columns[EVENT_COLUMNS] = {
    {"seq", STORE_WHOLE},      {"event_key", STORE_BYTES},  {"tenant", STORE_TEXT},
    {"meter", STORE_TEXT},     {"kind", STORE_WHOLE},       {"time_us", STORE_WHOLE},
    {"quantity", STORE_WHOLE}, {"dimset", STORE_WHOLE},     {"refers_to", STORE_BYTES},
    {"content", STORE_BYTES},  {"provenance", STORE_WHOLE}, {"received_us", STORE_WHOLE},
};

static void put_cells(const struct usage_keys *keys, const struct added *added, int64_t seq,
                      struct store_cell cells[EVENT_COLUMNS])
{
    bool is_use = added->kept.kind == USAGE_USE;
    const struct store_cell row[EVENT_COLUMNS] = {
        {.whole = seq},
        {.bytes = bytes_of(added->key, USAGE_KEY_SIZE)},
        {.bytes = usage_keys_tenant_name(keys, added->tenant)},
        {.bytes = str_of(added->kept.meter->name)},
        {.whole = added->kept.kind},
        {.whole = added->kept.time_us},
        {.whole = added->kept.quantity},
        {.whole = added->kept.dimset},
        {.bytes = bytes_of(added->refers_to, USAGE_KEY_SIZE), .is_null = is_use},
        {.bytes = bytes_of(added->content, USAGE_CONTENT_SIZE)},
        {.whole = added->provenance},
        {.whole = added->received_us},
    };
    memcpy(cells, row, sizeof row);
}

enum fault_code usage_keys_write(struct usage_keys *keys, struct store *store, struct fault *fault)
{
    static const struct store_copy copy = {"usage_events", event_columns, EVENT_COLUMNS};
    size_t count = keys->added_count;
    int64_t first = keys->last - (int64_t)count + 1;
    if (count == 0)
        return FAULT_NONE;
    for (size_t i = 0; i < count; i++)
        put_cells(keys, &keys->added[i], first + (int64_t)i, keys->cells[i]);
    enum fault_code code = store_copy(store, &copy, keys->cells[0], count, fault);
    if (code == FAULT_NONE)
        keys->added_count = 0;
    return code;
}

enum fault_code usage_keys_add(struct usage_keys *keys, struct store *store, uint32_t tenant,
                               const struct usage_event *event, const struct usage_kept *kept,
                               int64_t received_us, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (keys->added_count == ADDED_MAX)
        code = usage_keys_write(keys, store, fault);
    if (code == FAULT_NONE)
        code = remember(keys, tenant, event->key, keys->last + 1, fault);
    if (code != FAULT_NONE)
        return code;
    struct added *added = &keys->added[keys->added_count++];
    *added = (struct added){
        .kept = {kept->meter, event->kind, event->time_us, event->quantity, kept->dimset},
        .received_us = received_us,
        .provenance = event->provenance,
        .tenant = tenant};
    memcpy(added->key, event->key, sizeof added->key);
    memcpy(added->content, event->content, sizeof added->content);
    memcpy(added->refers_to, event->refers_to, sizeof added->refers_to);
    keys->last++;
    keys->added_total++;
    return FAULT_NONE;
}

enum fault_code usage_keys_advance(struct usage_keys *keys, struct store *store,
                                   struct fault *fault)
{
    return usage_behind_advance(&keys->behind, store, keys->added_total, fault);
}
