#include "service/usage/usage_meter.h"

#define US_PER_HOUR ((__int128)3600 * 1000000)

static const struct usage_meter meters[] = {
    {"inference.tokens",
     USAGE_SUM,
     "tokens",
     "tokens",
     1,
     "Tokens that models have read and written.",
     {"model", "direction", "user"},
     false},
    {"storage.bytes",
     USAGE_LEVEL,
     "bytes",
     "GB-hours",
     1000000000 * US_PER_HOUR,
     "Bytes that lie in storage, from each report to the next.",
     {"store", "class"},
     false},
    {"connector.compute",
     USAGE_SUM,
     "ms",
     "hours",
     3600000,
     "Milliseconds that connectors have run.",
     {"connector"},
     false},
    {"api.calls", USAGE_SUM, "calls", "calls", 1, "Calls of the API.", {"route", "client"}, false},
    {"handoffs",
     USAGE_SUM,
     "hand-offs",
     "hand-offs",
     1,
     "Hand-offs that were committed; counted by the service itself.",
     {"analyst"},
     true},
};

enum { METERS = sizeof meters / sizeof meters[0] };

const struct usage_meter *usage_meter_find(struct str name)
{
    for (int i = 0; i < METERS; i++)
        if (str_equal(name, str_of(meters[i].name)))
            return &meters[i];
    return NULL;
}

const struct usage_meter *usage_meter_at(int index)
{
    return index >= 0 && index < METERS ? &meters[index] : NULL;
}

bool usage_meter_has(const struct usage_meter *meter, struct str dimension)
{
    for (int i = 0; i < USAGE_DIMENSIONS_MAX && meter->dimensions[i]; i++)
        if (str_equal(dimension, str_of(meter->dimensions[i])))
            return true;
    return false;
}
