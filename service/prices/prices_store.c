#include "service/prices/prices.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libs/store/store_rows.h"

#define US_PER_HOUR ((__int128)3600 * 1000000)

enum { MONTH_HOURS = 730 };

/* --- units and costs ------------------------------------------------------------------------ */

__int128 prices_unit(const struct usage_meter *meter, struct str unit)
{
    bool is_level = meter->kind == USAGE_LEVEL;
    if (!is_level && str_equal(unit, str_of(meter->unit)))
        return 1;
    if (str_equal(unit, str_of(meter->shown_unit)))
        return meter->shown_per;
    if (is_level && str_equal(unit, STR("GB-months")))
        return (__int128)1000000000 * US_PER_HOUR * MONTH_HOURS;
    return 0;
}

/* number x price / divisor and what is left of it, a binary digit of the price at a time: the
 * product does not fit into 128 bits, its parts do. false: the quotient is over INT64_MAX. */
static bool multiply_divide(__int128 number, int64_t price, __int128 divisor, __int128 *out,
                            __int128 *out_rest)
{
    assert(divisor > 0); /* per and unit of a price that was read */
    __int128 whole = number / divisor;
    __int128 part = number % divisor;
    __int128 quotient = 0;
    __int128 rest = 0;
    if (whole > INT64_MAX)
        return price == 0;
    for (int bit = 62; bit >= 0 && quotient <= INT64_MAX; bit--) {
        quotient *= 2;
        rest *= 2;
        if ((price >> bit) & 1) {
            quotient += whole;
            rest += part;
        }
        /* rest is below three times the divisor, which is at most 2.7 * 10^33 */
        while (rest >= divisor) {
            rest -= divisor;
            quotient++;
        }
    }
    *out = quotient;
    *out_rest = rest;
    return quotient <= INT64_MAX;
}

static int64_t cost(const struct prices_price *price, __int128 quantity, bool up)
{
    __int128 divisor = prices_unit(price->meter, price->unit) * price->per;
    __int128 size = quantity < 0 ? -quantity : quantity;
    __int128 quotient = 0;
    __int128 rest = 0;
    if (!multiply_divide(size, price->price, divisor, &quotient, &rest))
        return quantity < 0 ? -INT64_MAX : INT64_MAX;
    if (up)
        quotient += rest > 0;
    else
        quotient += rest > divisor - rest || (rest == divisor - rest && quotient % 2 != 0);
    if (quotient > INT64_MAX)
        quotient = INT64_MAX;
    return (int64_t)(quantity < 0 ? -quotient : quotient);
}

int64_t prices_cost(const struct prices_price *price, __int128 quantity)
{
    return cost(price, quantity, false);
}

int64_t prices_cost_up(const struct prices_price *price, __int128 quantity)
{
    return cost(price, quantity, true);
}

const struct prices_price *prices_at(const struct prices_table *table,
                                     const struct usage_meter *meter, int64_t at_us,
                                     int64_t *out_until_us)
{
    const struct prices_version *holding = NULL;
    *out_until_us = INT64_MAX;
    for (size_t i = 0; i < table->count; i++) {
        if (table->versions[i].valid_from_us > at_us) {
            *out_until_us = table->versions[i].valid_from_us;
            break;
        }
        holding = &table->versions[i];
    }
    for (size_t i = 0; holding && i < holding->count; i++)
        if (holding->prices[i].meter == meter)
            return &holding->prices[i];
    return NULL;
}

/* --- the store ------------------------------------------------------------------------------ */

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for prices");
}

static enum fault_code count_versions(struct store *store, struct str tenant, int64_t *out,
                                      struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM prices_versions WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

/* A table on its way out of the store, with room for the versions that were counted. */
struct loading {
    struct prices_table table;
    size_t room;
    struct arena *arena;
};

static enum fault_code add_version(struct statement *row, void *context, struct fault *fault)
{
    struct loading *loading = context;
    struct prices_table *table = &loading->table;
    if (table->count == loading->room)
        return FAULT_NONE;
    struct prices_version *version = &table->versions[table->count++];
    table->currency = arena_copy(loading->arena, store_text(row, 1));
    version->version = store_whole(row, 0);
    version->valid_from_us = store_whole(row, 2);
    version->created_us = store_whole(row, 3);
    version->created_by = arena_copy(loading->arena, store_text(row, 4));
    return table->currency.ptr && version->created_by.ptr ? FAULT_NONE : no_memory(fault);
}

static enum fault_code add_price(struct statement *row, void *context, struct fault *fault)
{
    struct loading *loading = context;
    struct prices_version *version = loading->table.versions;
    const struct prices_version *end = version + loading->table.count;
    struct prices_price price = {
        .meter = usage_meter_find(store_text(row, 1)),
        .unit = arena_copy(loading->arena, store_text(row, 2)),
        .per = store_whole(row, 3),
        .price = store_whole(row, 4),
    };
    if (!price.unit.ptr)
        return no_memory(fault);
    while (version < end && version->version != store_whole(row, 0))
        version++;
    if (version == end)
        return FAULT_NONE;
    if (!price.meter || prices_unit(price.meter, price.unit) == 0 || price.per < 1 ||
        version->count == PRICES_METERS_MAX)
        return fault_set(fault, FAULT_CORRUPT,
                         "a price in the store is of a meter or unit that there is not");
    version->prices[version->count++] = price;
    return FAULT_NONE;
}

static enum fault_code load(struct store *store, struct str tenant, struct loading *loading,
                            struct fault *fault)
{
    static const char versions[] =
        "SELECT version, currency, valid_from_us, created_us, created_by FROM prices_versions"
        " WHERE tenant = $1 ORDER BY valid_from_us, version";
    static const char prices[] = "SELECT version, meter, unit, per, price FROM prices"
                                 " WHERE tenant = $1 ORDER BY version, meter";
    struct statement *query;
    enum fault_code code = store_prepare(store, versions, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_each(query, add_version, loading, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, prices, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_each(query, add_price, loading, fault);
}

enum fault_code prices_load(struct store *store, struct str tenant, struct arena *arena,
                            struct prices_table *out, struct fault *fault)
{
    struct loading loading = {.arena = arena};
    int64_t count = 0;
    enum fault_code code = count_versions(store, tenant, &count, fault);
    if (code == FAULT_NONE && count > 0) {
        loading.room = (size_t)count;
        loading.table.versions = arena_alloc(arena, loading.room * sizeof(struct prices_version));
        code = loading.table.versions ? load(store, tenant, &loading, fault) : no_memory(fault);
    }
    if (code == FAULT_NONE)
        *out = loading.table;
    return code;
}

enum fault_code prices_generation(struct store *store, struct str tenant, int64_t *out,
                                  struct fault *fault)
{
    static const char sql[] =
        "SELECT coalesce(max(generation), 0) FROM budgets_generations WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

enum fault_code prices_generation_raise(struct store *store, struct str tenant, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_generations (tenant, generation) VALUES ($1, 1)"
        " ON CONFLICT (tenant) DO UPDATE SET generation = budgets_generations.generation + 1";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    return store_run(upsert, fault);
}

/* --- changes -------------------------------------------------------------------------------- */

static const struct prices_version *newest(const struct prices_table *table)
{
    const struct prices_version *found = NULL;
    for (size_t i = 0; i < table->count; i++)
        if (!found || table->versions[i].version > found->version)
            found = &table->versions[i];
    return found;
}

static bool says_the_same(const struct prices_version *version, const struct prices_change *change)
{
    bool is_same =
        version->valid_from_us == change->valid_from_us && version->count == change->count;
    for (size_t i = 0; i < change->count && is_same; i++) {
        const struct prices_price *given = &change->prices[i];
        bool is_there = false;
        for (size_t j = 0; j < version->count; j++) {
            const struct prices_price *kept = &version->prices[j];
            is_there =
                is_there || (kept->meter == given->meter && kept->per == given->per &&
                             kept->price == given->price && str_equal(kept->unit, given->unit));
        }
        is_same = is_there;
    }
    return is_same;
}

static enum fault_code insert_version(struct store *store, const struct prices_change *change,
                                      int64_t version, struct fault *fault)
{
    static const char sql[] = "INSERT INTO prices_versions (tenant, version, currency,"
                              " valid_from_us, created_us, created_by)"
                              " VALUES ($1, $2, $3, $4, $5, $6)";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, change->tenant);
    store_bind_whole(insert, 2, version);
    store_bind_text(insert, 3, change->currency);
    store_bind_whole(insert, 4, change->valid_from_us);
    store_bind_whole(insert, 5, change->at_us);
    store_bind_text(insert, 6, change->by);
    return store_run(insert, fault);
}

static enum fault_code insert_price(struct store *store, const struct prices_change *change,
                                    int64_t version, const struct prices_price *price,
                                    struct fault *fault)
{
    static const char sql[] = "INSERT INTO prices (tenant, version, meter, unit, per, price)"
                              " VALUES ($1, $2, $3, $4, $5, $6)";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, change->tenant);
    store_bind_whole(insert, 2, version);
    store_bind_text(insert, 3, str_of(price->meter->name));
    store_bind_text(insert, 4, price->unit);
    store_bind_whole(insert, 5, price->per);
    store_bind_whole(insert, 6, price->price);
    return store_run(insert, fault);
}

enum fault_code prices_put(struct store *store, const struct prices_change *change,
                           struct arena *arena, int64_t *out_version, bool *out_new,
                           struct fault *fault)
{
    struct prices_table table;
    enum fault_code code = prices_load(store, change->tenant, arena, &table, fault);
    if (code != FAULT_NONE)
        return code;
    const struct prices_version *last = newest(&table);
    if (last && !str_equal(table.currency, change->currency))
        return fault_field(fault, FAULT_CONFLICT, "currency",
                           "the prices are in %.*s, and so are the budgets; a tenant has one "
                           "currency",
                           STR_ARG(table.currency));
    if (last && says_the_same(last, change)) {
        *out_version = last->version;
        *out_new = false;
        return FAULT_NONE;
    }
    if (table.count >= PRICES_VERSIONS_MAX)
        return fault_field(fault, FAULT_LIMIT, "prices",
                           "there are %d versions, and no more are "
                           "kept",
                           PRICES_VERSIONS_MAX);
    int64_t version = last ? last->version + 1 : 1;
    code = insert_version(store, change, version, fault);
    for (size_t i = 0; i < change->count && code == FAULT_NONE; i++)
        code = insert_price(store, change, version, &change->prices[i], fault);
    if (code == FAULT_NONE) {
        *out_version = version;
        *out_new = true;
    }
    return code;
}
