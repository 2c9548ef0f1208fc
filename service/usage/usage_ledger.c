#include "service/usage/usage_ledger.h"

#include <assert.h>
#include <string.h>

#include "libs/core/map.h"
#include "libs/core/os.h"

enum {
    MEMO_MAX = 20000, /* texts */
    MEMO_BYTES_MAX = 16 << 20,
    DIMSET_KEY_MAX = 8192,
    TAKEN_MAX = 32
};

/* Ids of texts that the store has for good. */
struct memo {
    struct map ids;
    struct arena texts;
};

struct usage_account {
    struct usage_ledger *ledger;
    struct usage_account *next_open;
    struct str tenant;
    uint32_t number;
    /* Of the transaction. */
    bool is_open;
    struct usage_provenance provenance;
    struct sha256 chain;
    /* What stays. */
    char zone_name[ZONE_NAME_MAX];
    int anchor_day;
    struct zone *zone;
    struct usage_rollup *rollup;
    struct memo dimsets; /* by "meter dimensions" */
    struct memo sources;
    bool has_new;         /* dimensions or sources, which a rollback takes back */
    uint64_t full_meters; /* bits: as many dimensions as there may be */
};

struct usage_ledger {
    struct store *store;
    struct usage_keys *keys;
    bool is_begun;                   /* in this transaction */
    struct usage_account **accounts; /* by number; NULL: not asked for yet */
    uint32_t account_room;
    struct usage_account *open;
    struct usage_taken taken[TAKEN_MAX]; /* requests, to be written */
    size_t taken_count;
};

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for taking events");
}

/* --- what is known of the store ------------------------------------------------------------- */

static void memo_init(struct memo *memo)
{
    map_init(&memo->ids);
    arena_init(&memo->texts, MEMO_BYTES_MAX);
}

static void memo_done(struct memo *memo)
{
    map_done(&memo->ids);
    arena_done(&memo->texts);
}

static void memo_clear(struct memo *memo)
{
    map_clear(&memo->ids);
    arena_reset(&memo->texts);
}

/* Without room for it all are forgotten: they are in the store. */
static void memo_put(struct memo *memo, struct str text, int64_t id)
{
    struct str kept = {NULL, 0};
    if (memo->ids.count < MEMO_MAX)
        kept = arena_copy(&memo->texts, text);
    if (!kept.ptr || map_put(&memo->ids, kept, (uint32_t)id) != FAULT_NONE)
        memo_clear(memo);
}

/* --- accounts ------------------------------------------------------------------------------- */

static void free_account(struct usage_account *account)
{
    if (!account)
        return;
    usage_rollup_free(account->rollup);
    zone_free(account->zone);
    usage_provenance_done(&account->provenance);
    memo_done(&account->dimsets);
    memo_done(&account->sources);
    os_free(account);
}

static enum fault_code make_room(struct usage_ledger *ledger, uint32_t number, struct fault *fault)
{
    if (number < ledger->account_room)
        return FAULT_NONE;
    uint32_t room = ledger->account_room ? ledger->account_room * 2 : 16;
    while (room <= number)
        room *= 2;
    struct usage_account **accounts = os_resize(ledger->accounts, room * sizeof(void *));
    if (!accounts)
        return no_memory(fault);
    memset(accounts + ledger->account_room, 0, (room - ledger->account_room) * sizeof(void *));
    ledger->accounts = accounts;
    ledger->account_room = room;
    return FAULT_NONE;
}

static enum fault_code find_account(struct usage_ledger *ledger, struct str tenant,
                                    struct usage_account **out, struct fault *fault)
{
    uint32_t number = 0;
    enum fault_code code = usage_keys_tenant(ledger->keys, tenant, &number, fault);
    if (code == FAULT_NONE)
        code = make_room(ledger, number, fault);
    if (code != FAULT_NONE)
        return code;
    struct usage_account *account = ledger->accounts[number];
    if (!account) {
        account = os_alloc(sizeof *account);
        if (!account)
            return no_memory(fault);
        account->ledger = ledger;
        account->number = number;
        account->tenant = usage_keys_tenant_name(ledger->keys, number);
        usage_provenance_init(&account->provenance);
        memo_init(&account->dimsets);
        memo_init(&account->sources);
        ledger->accounts[number] = account;
    }
    *out = account;
    return FAULT_NONE;
}

/* Another process may have set another zone since. */
static enum fault_code use_zone(struct usage_account *account, struct fault *fault)
{
    struct str name;
    int anchor_day = 0;
    struct zone *zone = NULL;
    struct usage_rollup *rollup = NULL;
    struct arena arena;
    arena_init(&arena, 4096);
    enum fault_code code = usage_store_zone(account->ledger->store, account->tenant, &arena, &name,
                                            &anchor_day, fault);
    bool is_same = code == FAULT_NONE && account->zone && anchor_day == account->anchor_day &&
                   str_equal(name, str_of(account->zone_name));
    if (code == FAULT_NONE && !is_same)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code == FAULT_NONE && !is_same)
        code = usage_rollup_new(zone, &rollup, fault);
    if (code == FAULT_NONE && !is_same) {
        bool fits = str_to_c(name, account->zone_name, sizeof account->zone_name);
        assert(fits && "it was opened by that name");
        usage_rollup_free(account->rollup);
        zone_free(account->zone);
        account->anchor_day = anchor_day;
        account->rollup = rollup;
        account->zone = zone;
    } else {
        zone_free(zone);
    }
    arena_done(&arena);
    return code;
}

enum fault_code usage_ledger_account(struct usage_ledger *ledger, struct str tenant,
                                     struct usage_account **out, struct fault *fault)
{
    struct usage_account *account = NULL;
    enum fault_code code = find_account(ledger, tenant, &account, fault);
    if (code == FAULT_NONE && !account->is_open) {
        code = use_zone(account, fault);
        if (code == FAULT_NONE)
            code = usage_store_chain(ledger->store, tenant, &account->chain, fault);
        if (code == FAULT_NONE) {
            account->is_open = true;
            account->next_open = ledger->open;
            ledger->open = account;
        }
    }
    if (code == FAULT_NONE)
        *out = account;
    return code;
}

/* --- transactions --------------------------------------------------------------------------- */

static enum fault_code make(void **out, struct fault *fault)
{
    struct usage_ledger *ledger = os_alloc(sizeof *ledger);
    if (!ledger)
        return no_memory(fault);
    enum fault_code code = usage_keys_new(&ledger->keys, fault);
    if (code == FAULT_NONE)
        *out = ledger;
    else
        os_free(ledger);
    return code;
}

static void release(void *taken)
{
    struct usage_ledger *ledger = taken;
    for (uint32_t i = 0; i < ledger->account_room; i++)
        free_account(ledger->accounts[i]);
    os_free(ledger->accounts);
    usage_keys_free(ledger->keys);
    os_free(ledger);
}

static enum fault_code write_taken(struct usage_ledger *ledger, struct fault *fault)
{
    size_t count = ledger->taken_count;
    ledger->taken_count = 0;
    return usage_store_taken_put(ledger->store, ledger->taken, count, fault);
}

static enum fault_code write_gathered(struct usage_ledger *ledger, struct fault *fault)
{
    enum fault_code code = usage_keys_write(ledger->keys, ledger->store, fault);
    if (code == FAULT_NONE)
        code = write_taken(ledger, fault);
    for (struct usage_account *each = ledger->open; each && code == FAULT_NONE;
         each = each->next_open) {
        code = usage_rollup_write(each->rollup, ledger->store, each->tenant, fault);
        if (code == FAULT_NONE)
            code = usage_provenance_write(&each->provenance, ledger->store, each->tenant, fault);
    }
    return code;
}

static enum fault_code before_commit(void *companion, struct store *store, struct fault *fault)
{
    struct usage_ledger *ledger = companion;
    (void)store;
    if (!ledger->is_begun)
        return FAULT_NONE;
    enum fault_code code = write_gathered(ledger, fault);
    return code == FAULT_NONE ? usage_keys_advance(ledger->keys, ledger->store, fault) : code;
}

static void close_accounts(struct usage_ledger *ledger)
{
    for (struct usage_account *each = ledger->open; each; each = each->next_open) {
        usage_rollup_clear(each->rollup);
        usage_provenance_done(&each->provenance);
        each->is_open = false;
    }
    ledger->open = NULL;
}

static void forget_new(struct usage_account *account)
{
    memo_clear(&account->dimsets);
    memo_clear(&account->sources);
    account->full_meters = 0;
}

static void ended(void *companion, bool kept)
{
    struct usage_ledger *ledger = companion;
    if (!ledger->is_begun)
        return;
    for (uint32_t i = 0; i < ledger->account_room; i++) {
        struct usage_account *account = ledger->accounts[i];
        if (account && account->has_new && !kept)
            forget_new(account);
        if (account)
            account->has_new = false;
    }
    close_accounts(ledger);
    ledger->taken_count = 0;
    usage_keys_ended(ledger->keys, kept);
    ledger->is_begun = false;
}

static enum fault_code find_ledger(struct store *store, struct usage_ledger **out,
                                   struct fault *fault)
{
    static const struct store_companion kind = {make, release, before_commit, ended};
    void *companion = NULL;
    enum fault_code code = store_companion(store, &kind, &companion, fault);
    if (code == FAULT_NONE)
        *out = companion;
    return code;
}

enum fault_code usage_ledger_open(struct store *store, struct usage_ledger **out,
                                  struct fault *fault)
{
    struct usage_ledger *ledger = NULL;
    enum fault_code code = find_ledger(store, &ledger, fault);
    if (code == FAULT_NONE && !ledger->is_begun) {
        ledger->store = store;
        ledger->is_begun = true; /* also when it fails: its end is then heard of */
        code = usage_keys_begin(ledger->keys, store, fault);
    }
    if (code == FAULT_NONE)
        *out = ledger;
    return code;
}

enum fault_code usage_ledger_settle(struct store *store, struct fault *fault)
{
    struct usage_ledger *ledger = NULL;
    enum fault_code code = find_ledger(store, &ledger, fault);
    if (code != FAULT_NONE || !ledger->is_begun)
        return code;
    code = write_gathered(ledger, fault);
    if (code == FAULT_NONE)
        close_accounts(ledger);
    return code;
}

/* --- events --------------------------------------------------------------------------------- */

struct usage_rollup *usage_account_rollup(struct usage_account *account)
{
    return account->rollup;
}

struct sha256 usage_account_chain(const struct usage_account *account)
{
    return account->chain;
}

enum fault_code usage_account_chain_set(struct usage_account *account, const struct sha256 *chain,
                                        int64_t last_seq, int64_t events, int64_t accepted_us,
                                        struct fault *fault)
{
    struct usage_ledger *ledger = account->ledger;
    enum fault_code code = FAULT_NONE;
    if (ledger->taken_count == TAKEN_MAX)
        code = write_taken(ledger, fault);
    if (code != FAULT_NONE)
        return code;
    account->chain = *chain;
    ledger->taken[ledger->taken_count++] = (struct usage_taken){.tenant = account->tenant,
                                                                .last_seq = last_seq,
                                                                .events = events,
                                                                .chain = *chain,
                                                                .accepted_us = accepted_us};
    return FAULT_NONE;
}

static uint64_t bit_of(const struct usage_meter *meter)
{
    int index = 0;
    while (usage_meter_at(index) != meter)
        index++;
    assert(index < 64);
    return UINT64_C(1) << index;
}

enum fault_code usage_account_dimset(struct usage_account *account, const struct usage_event *event,
                                     int64_t *out_id, struct fault *fault)
{
    char text[DIMSET_KEY_MAX];
    struct buf key = {.ptr = text, .room = sizeof text, .limit = sizeof text};
    const uint64_t bit = bit_of(event->meter);
    bool is_full = (account->full_meters & bit) != 0;
    bool is_new = false;
    uint32_t known;
    buf_add_c(&key, event->meter->name);
    buf_add_byte(&key, ' ');
    buf_add(&key, event->dimensions);
    assert(key.code == FAULT_NONE && "dimensions are at most half of it");
    if (map_get(&account->dimsets.ids, buf_str(&key), &known)) {
        *out_id = known;
        return FAULT_NONE;
    }
    enum fault_code code = usage_store_dimset(account->ledger->store, account->tenant, event->meter,
                                              event->dimensions, &is_full, &is_new, out_id, fault);
    if (code != FAULT_NONE)
        return code;
    account->has_new = account->has_new || is_new;
    if (is_full)
        account->full_meters |= bit;
    memo_put(&account->dimsets, buf_str(&key), *out_id);
    return FAULT_NONE;
}

enum fault_code usage_account_match(struct usage_account *account, const struct usage_event *event,
                                    enum usage_match *out, struct fault *fault)
{
    return usage_keys_match(account->ledger->keys, account->ledger->store, account->number, event,
                            out, fault);
}

enum fault_code usage_account_find(struct usage_account *account, const uint8_t key[USAGE_KEY_SIZE],
                                   bool *out_found, struct usage_kept *out, struct fault *fault)
{
    return usage_keys_find(account->ledger->keys, account->ledger->store, account->number, key,
                           out_found, out, fault);
}

/* Sources that are known are told from memory; the text of another one is not kept where it would
 * have to last until the commit. */
static enum fault_code resolve_source(struct usage_account *account, struct usage_event *event,
                                      struct fault *fault)
{
    const int bits = USAGE_HAS_ALL + 1;
    struct usage_provenance *provenance = &account->provenance;
    uint32_t known;
    if (map_get(&account->sources.ids, event->source, &known)) {
        event->provenance = event->provenance % bits + (int)known * bits;
        return FAULT_NONE;
    }
    enum fault_code code =
        usage_provenance_resolve(provenance, account->ledger->store, account->tenant, event, fault);
    map_clear(&provenance->sources);
    provenance->last_id = -1;
    if (code != FAULT_NONE)
        return code;
    account->has_new = true; /* perhaps */
    memo_put(&account->sources, event->source, event->provenance / bits);
    return FAULT_NONE;
}

enum fault_code usage_account_add(struct usage_account *account, struct usage_event *event,
                                  const struct usage_kept *kept, int64_t received_us,
                                  int64_t *out_seq, struct fault *fault)
{
    struct usage_ledger *ledger = account->ledger;
    enum fault_code code = resolve_source(account, event, fault);
    if (code == FAULT_NONE)
        code = usage_keys_add(ledger->keys, ledger->store, account->number, event, kept,
                              received_us, fault);
    if (code == FAULT_NONE)
        code =
            usage_provenance_count(&account->provenance, event->time_us, event->provenance, fault);
    if (code == FAULT_NONE)
        *out_seq = usage_keys_last_seq(ledger->keys);
    return code;
}
