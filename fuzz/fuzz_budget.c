/* A budget, an override and a table of prices: from any text, no crash; what was read is within its
 * limits, and a budget written down again is read as the same. The first byte says which. */
#include <assert.h>
#include <stdint.h>

#include "libs/text/json.h"
#include "service/budgets/budgets_override.h"
#include "service/prices/prices_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US INT64_C(1795435200000000)

enum { TEXT_MAX = 1 << 18 };

static void check_budget(const struct budgets_definition *definition)
{
    __int128 per;
    assert(definition->name.len > 0 && definition->contact.len > 0);
    assert(definition->limit > 0 && definition->limit <= BUDGETS_AMOUNT_MAX);
    assert(definition->default_estimate > 0 && definition->default_estimate <= definition->limit);
    assert(definition->has_throttle == (definition->mode == BUDGETS_THROTTLE));
    assert(definition->basis == BUDGETS_COST || definition->meter_count > 0);
    assert(definition->meter_count <= BUDGETS_METERS_MAX);
    for (size_t i = 1; i < definition->meter_count && definition->basis == BUDGETS_QUANTITY; i++)
        assert(str_equal(str_of(budgets_unit(definition->meters[i], &per)),
                         str_of(budgets_unit(definition->meters[0], &per))));
    assert(definition->threshold_count <= BUDGETS_THRESHOLDS_MAX);
    for (size_t i = 0; i < definition->threshold_count; i++)
        for (size_t j = 0; j < i; j++)
            assert(definition->thresholds[i].kind != definition->thresholds[j].kind ||
                   definition->thresholds[i].value > definition->thresholds[j].value);
}

static void write_budget(const struct budgets_definition *definition, struct buf *out)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    budgets_definition_put(&json, definition);
    json_close(&json, '}');
    assert(out->code == FAULT_NONE);
}

static void try_budget(struct arena *arena, const struct json *value)
{
    struct budgets_definition once;
    struct budgets_definition twice;
    struct fault fault;
    const struct json *again;
    struct buf first;
    struct buf second;
    int64_t version;
    if (budgets_definition_read(arena, value, &once, &version, &fault) != FAULT_NONE)
        return;
    check_budget(&once);
    buf_init(&first, TEXT_MAX);
    buf_init(&second, TEXT_MAX);
    write_budget(&once, &first);
    enum fault_code code = json_read(arena, buf_str(&first), &again, &fault);
    assert(code == FAULT_NONE);
    code = budgets_definition_read(arena, again, &twice, NULL, &fault);
    assert(code == FAULT_NONE);
    write_budget(&twice, &second);
    assert(str_equal(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void try_override(const struct json *value)
{
    struct budgets_override_given given;
    struct fault fault;
    if (budgets_override_read(value, NOW_US, &given, &fault) != FAULT_NONE)
        return;
    assert(given.reason.len > 0 && given.reason.len <= BUDGETS_REASON_MAX);
    assert(given.expires_us > NOW_US);
    assert(given.kind == BUDGETS_AMOUNT || given.amount.len == 0);
}

static void try_prices(struct arena *arena, const struct json *value)
{
    struct prices_given given;
    struct fault fault;
    if (prices_read(arena, value, &given, &fault) != FAULT_NONE)
        return;
    assert(given.count > 0 && given.count <= PRICES_METERS_MAX);
    for (size_t i = 0; i < given.count; i++) {
        const struct prices_price *price = &given.prices[i];
        assert(price->per > 0 && price->price >= 0 && price->price <= PRICES_PRICE_MAX);
        assert(prices_unit(price->meter, price->unit) > 0);
        assert(prices_cost(price, 0) == 0);
        assert(prices_cost_up(price, (__int128)1 << 100) >= prices_cost(price, (__int128)1 << 100));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fault fault;
    const struct json *value;
    if (size < 1)
        return 0;
    arena_init(&arena, 16 << 20);
    struct str text = {(const char *)data + 1, size - 1};
    if (json_read(&arena, text, &value, &fault) == FAULT_NONE) {
        if (data[0] == 'o')
            try_override(value);
        else if (data[0] == 'p')
            try_prices(&arena, value);
        else
            try_budget(&arena, value);
    }
    arena_done(&arena);
    return 0;
}
