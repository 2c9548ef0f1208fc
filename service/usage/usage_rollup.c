#include "service/usage/usage_rollup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/usage/usage_sql.h"

enum { ROOM_LEAST = 256, ROOM_KEPT = 16384 };

struct row {
    const struct usage_meter *meter;
    enum zone_unit unit;
    int64_t from_us;
    int64_t dimset;
    __int128 amount;
    int64_t events;
};

struct usage_rollup {
    struct zone *zone;
    struct row *rows;
    uint32_t *slots; /* row + 1 by hash, open addressing, twice as many as there is room */
    size_t count;
    size_t room;
};

enum fault_code usage_rollup_new(struct zone *zone, struct usage_rollup **out, struct fault *fault)
{
    struct usage_rollup *rollup = os_alloc(sizeof *rollup);
    if (!rollup)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for adding up usage");
    rollup->zone = zone;
    *out = rollup;
    return FAULT_NONE;
}

void usage_rollup_free(struct usage_rollup *taken)
{
    if (!taken)
        return;
    os_free(taken->rows);
    os_free(taken->slots);
    os_free(taken);
}

void usage_rollup_clear(struct usage_rollup *rollup)
{
    rollup->count = 0;
    if (rollup->room > ROOM_KEPT) {
        os_free(rollup->rows);
        os_free(rollup->slots);
        *rollup = (struct usage_rollup){.zone = rollup->zone};
    }
    if (rollup->slots)
        memset(rollup->slots, 0, rollup->room * 2 * sizeof *rollup->slots);
}

size_t usage_rollup_count(const struct usage_rollup *rollup)
{
    return rollup->count;
}

/* --- rows ----------------------------------------------------------------------------------- */

static size_t hash_of(const struct row *row)
{
    uint64_t mixed = (uint64_t)row->from_us * 0x9e3779b97f4a7c15u;
    mixed ^= (uint64_t)row->dimset * 0xc2b2ae3d27d4eb4fu;
    mixed ^= (uint64_t)(uintptr_t)row->meter * 0x165667b19e3779f9u + (uint64_t)row->unit;
    return (size_t)(mixed ^ mixed >> 29);
}

static bool is_same(const struct row *a, const struct row *b)
{
    return a->meter == b->meter && a->unit == b->unit && a->from_us == b->from_us &&
           a->dimset == b->dimset;
}

static uint32_t *find_slot(const struct usage_rollup *rollup, const struct row *row)
{
    size_t mask = rollup->room * 2 - 1;
    size_t at = hash_of(row) & mask;
    while (rollup->slots[at] && !is_same(&rollup->rows[rollup->slots[at] - 1], row))
        at = (at + 1) & mask;
    return &rollup->slots[at];
}

static enum fault_code grow(struct usage_rollup *rollup, struct fault *fault)
{
    if (rollup->count < rollup->room)
        return FAULT_NONE;
    size_t room = rollup->room ? rollup->room * 2 : ROOM_LEAST;
    if (room > USAGE_ROLLUP_MAX)
        return fault_set(fault, FAULT_LIMIT,
                         "one request touches more than %d hours and days of usage; send less at "
                         "once",
                         USAGE_ROLLUP_MAX);
    struct row *rows = os_resize(rollup->rows, room * sizeof *rows);
    if (rows)
        rollup->rows = rows;
    uint32_t *slots = rows ? os_resize(rollup->slots, room * 2 * sizeof *slots) : NULL;
    if (!slots)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for adding up usage");
    rollup->slots = slots;
    rollup->room = room;
    memset(slots, 0, room * 2 * sizeof *slots);
    for (size_t i = 0; i < rollup->count; i++)
        *find_slot(rollup, &rows[i]) = (uint32_t)i + 1;
    return FAULT_NONE;
}

static enum fault_code add(struct usage_rollup *rollup, const struct row *row, struct fault *fault)
{
    enum fault_code code = grow(rollup, fault);
    if (code != FAULT_NONE)
        return code;
    uint32_t *slot = find_slot(rollup, row);
    if (*slot) {
        rollup->rows[*slot - 1].amount += row->amount;
        rollup->rows[*slot - 1].events += row->events;
    } else {
        rollup->rows[rollup->count++] = *row;
        *slot = (uint32_t)rollup->count;
    }
    return FAULT_NONE;
}

enum fault_code usage_rollup_add(struct usage_rollup *rollup, const struct usage_meter *meter,
                                 int64_t dimset, int64_t at_us, __int128 amount, int64_t events,
                                 struct fault *fault)
{
    static const enum zone_unit units[] = {ZONE_HOUR, ZONE_DAY};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const struct row row = {
            .meter = meter,
            .unit = units[i],
            .from_us = zone_period_at(rollup->zone, units[i], at_us).from_us,
            .dimset = dimset,
            .amount = amount,
            .events = events,
        };
        enum fault_code code = add(rollup, &row, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static enum fault_code add_span(struct usage_rollup *rollup, struct row *row, int64_t from_us,
                                int64_t to_us, int64_t level, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    while (from_us < to_us && code == FAULT_NONE) {
        struct zone_period period = zone_period_at(rollup->zone, row->unit, from_us);
        int64_t until_us = period.to_us < to_us ? period.to_us : to_us;
        row->from_us = period.from_us;
        row->amount = (__int128)level * (until_us - from_us);
        code = add(rollup, row, fault);
        from_us = until_us;
    }
    return code;
}

enum fault_code usage_rollup_add_span(struct usage_rollup *rollup, const struct usage_meter *meter,
                                      int64_t dimset, int64_t from_us, int64_t to_us, int64_t level,
                                      struct fault *fault)
{
    struct row row = {.meter = meter, .dimset = dimset, .unit = ZONE_HOUR};
    if (level == 0)
        return FAULT_NONE;
    enum fault_code code = add_span(rollup, &row, from_us, to_us, level, fault);
    row.unit = ZONE_DAY;
    return code == FAULT_NONE ? add_span(rollup, &row, from_us, to_us, level, fault) : code;
}

/* --- the store ------------------------------------------------------------------------------ */

__int128 usage_rollup_sum(int64_t high, int64_t low)
{
    return (__int128)high * USAGE_LOW + low;
}

/* Rounded down, so that the low part is never negative. */
static void split(__int128 amount, int64_t *out_high, int64_t *out_low)
{
    __int128 high = amount / USAGE_LOW;
    __int128 low = amount % USAGE_LOW;
    if (low < 0) {
        low += USAGE_LOW;
        high--;
    }
    assert(high <= INT64_MAX && high >= INT64_MIN && "10^34: more than can be accepted");
    *out_high = (int64_t)high;
    *out_low = (int64_t)low;
}

enum { COLUMNS = 7 };

static void bind(struct statement *upsert, int before, const struct row *row, struct str tenant)
{
    int64_t high;
    int64_t low;
    split(row->amount, &high, &low);
    store_bind_text(upsert, before + 1, tenant);
    store_bind_text(upsert, before + 2, str_of(row->meter->name));
    store_bind_whole(upsert, before + 3, row->from_us);
    store_bind_whole(upsert, before + 4, row->dimset);
    store_bind_whole(upsert, before + 5, high);
    store_bind_whole(upsert, before + 6, low);
    store_bind_whole(upsert, before + 7, row->events);
}

/* In the order of the key, so that rows of one page are written one after the other. */
static int by_key(const void *a, const void *b)
{
    const struct row *one = *(const struct row *const *)a;
    const struct row *two = *(const struct row *const *)b;
    if (one->meter != two->meter)
        return strcmp(one->meter->name, two->meter->name);
    if (one->from_us != two->from_us)
        return one->from_us < two->from_us ? -1 : 1;
    return (one->dimset > two->dimset) - (one->dimset < two->dimset);
}

static enum fault_code write_rows(const struct row *const *rows, size_t count, struct store *store,
                                  struct str tenant, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t at = 0; at < count && code == FAULT_NONE;) {
        struct statement *upsert;
        size_t several = count - at;
        enum usage_sql_name name =
            rows[at]->unit == ZONE_HOUR ? USAGE_SQL_ADD_HOUR : USAGE_SQL_ADD_DAY;
        code = store_prepare(store, usage_sql_rows(name, &several), &upsert, fault);
        if (code != FAULT_NONE)
            return code;
        for (size_t i = 0; i < several; i++)
            bind(upsert, (int)i * COLUMNS, rows[at++], tenant);
        code = store_run(upsert, fault);
    }
    return code;
}

enum fault_code usage_rollup_write(const struct usage_rollup *rollup, struct store *store,
                                   struct str tenant, struct fault *fault)
{
    static const enum zone_unit units[] = {ZONE_HOUR, ZONE_DAY};
    if (rollup->count == 0)
        return FAULT_NONE;
    const struct row **rows = os_resize(NULL, rollup->count * sizeof(void *));
    enum fault_code code = FAULT_NONE;
    if (!rows)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for adding up usage");
    for (size_t i = 0; i < sizeof units / sizeof units[0] && code == FAULT_NONE; i++) {
        size_t count = 0;
        for (size_t k = 0; k < rollup->count; k++)
            if (rollup->rows[k].unit == units[i])
                rows[count++] = &rollup->rows[k];
        qsort(rows, count, sizeof(void *), by_key);
        code = write_rows(rows, count, store, tenant, fault);
    }
    os_free(rows);
    return code;
}
