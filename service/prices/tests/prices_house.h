/* What the tests of this room share: times, meters, numbers drawn alike in every run. */
#ifndef IG_PRICES_TESTS_PRICES_HOUSE_H
#define IG_PRICES_TESTS_PRICES_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/prices/prices_costs.h"

#define UNUSED __attribute__((unused))
#define S      INT64_C(1000000)
#define HOUR   (3600 * S)
#define DAY    (24 * HOUR)
#define NOON   (1795435200 * S) /* 2026-11-23T12:00:00Z */

static UNUSED const struct usage_meter *tokens(void)
{
    return usage_meter_find(STR("inference.tokens"));
}

static UNUSED const struct usage_meter *bytes(void)
{
    return usage_meter_find(STR("storage.bytes"));
}

static UNUSED struct prices_price price_of(const char *unit, int64_t per, int64_t price)
{
    const struct usage_meter *meter = strchr(unit, 'G') ? bytes() : tokens();
    return (struct prices_price){meter, str_of(unit), per, price};
}

static uint64_t seed = 7;

static UNUSED uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 16) % below;
}

#endif
