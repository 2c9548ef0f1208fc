#include "service/budgets/budgets_used.h"

#include "libs/store/store_rows.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_rollup.h"

/* One meter's use under one budget, day by day. */
struct summing {
    const struct budgets_row *row;
    const struct prices_table *prices;
    const struct usage_meter *meter;
    /* Days under one price are summed before they are rounded. */
    const struct prices_price *price;
    int64_t price_until_us;
    __int128 under_price;
    __int128 total; /* in the budget's unit; quantity: in the meter's base unit */
};

static void end_price(struct summing *summing)
{
    if (summing->price)
        summing->total += prices_cost(summing->price, summing->under_price);
    summing->price = NULL;
    summing->under_price = 0;
}

static void add_day(struct summing *summing, int64_t from_us, __int128 quantity)
{
    if (summing->row->definition.basis == BUDGETS_QUANTITY) {
        summing->total += quantity;
        return;
    }
    if (!summing->price || from_us >= summing->price_until_us) {
        end_price(summing);
        summing->price =
            prices_at(summing->prices, summing->meter, from_us, &summing->price_until_us);
    }
    summing->under_price += quantity;
}

static enum fault_code visit_day(struct statement *row, void *context, struct fault *fault)
{
    (void)fault;
    add_day(context, store_whole(row, 0),
            usage_rollup_sum(store_whole(row, 1), 0) + (__int128)store_whole(row, 2) * 1000000 +
                store_whole(row, 3));
    return FAULT_NONE;
}

/* Ten thousand low parts would not fit into 64 bits: they are summed in two. */
static enum fault_code sum_days(struct summing *summing, struct store *store, struct str tenant,
                                struct zone_period period, struct fault *fault)
{
    static const char sql[] =
        "SELECT from_us, CAST(SUM(high) AS BIGINT), CAST(SUM(low / 1000000) AS BIGINT),"
        " CAST(SUM(low % 1000000) AS BIGINT) FROM usage_days"
        " WHERE tenant = $1 AND meter = $2 AND from_us >= $3 AND from_us < $4"
        " GROUP BY from_us ORDER BY from_us";
    struct statement *select;
    enum fault_code code = store_prepare(store, sql, &select, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(select, 1, tenant);
    store_bind_text(select, 2, str_of(summing->meter->name));
    store_bind_whole(select, 3, period.from_us);
    store_bind_whole(select, 4, period.to_us);
    return store_each(select, visit_day, summing, fault);
}

/* A level has a rest that no rollup holds yet: what followed its last report. */
static enum fault_code sum_level(struct summing *summing, struct store *store, struct str tenant,
                                 struct zone_period period, int64_t now_us, struct arena *scratch,
                                 struct fault *fault)
{
    const struct usage_query query = {
        .meter = summing->meter,
        .window = ZONE_DAY,
        .from_us = period.from_us,
        .to_us = period.to_us,
        .now_us = now_us,
    };
    struct usage_report report;
    enum fault_code code = usage_query_run(&query, store, tenant, scratch, &report, fault);
    for (size_t i = 0; code == FAULT_NONE && i < report.count; i++)
        add_day(summing, report.rows[i].period.from_us, report.rows[i].quantity);
    return code;
}

enum fault_code budgets_used_read(struct store *store, struct str tenant,
                                  const struct budgets_row *row, const struct prices_table *prices,
                                  struct zone_period period, int64_t now_us, struct arena *scratch,
                                  int64_t *out, struct fault *fault)
{
    __int128 used = 0;
    for (int i = 0; usage_meter_at(i); i++) {
        struct summing summing = {.row = row, .prices = prices, .meter = usage_meter_at(i)};
        if (!budgets_has_meter(&row->definition, summing.meter))
            continue;
        enum fault_code code =
            summing.meter->kind == USAGE_LEVEL
                ? sum_level(&summing, store, tenant, period, now_us, scratch, fault)
                : sum_days(&summing, store, tenant, period, fault);
        if (code != FAULT_NONE)
            return code;
        end_price(&summing);
        if (row->definition.basis == BUDGETS_QUANTITY) {
            __int128 per;
            (void)budgets_unit(summing.meter, &per);
            summing.total /= per;
        }
        used += summing.total;
    }
    *out = used < 0 ? 0 : used > INT64_MAX ? INT64_MAX : (int64_t)used;
    return FAULT_NONE;
}
