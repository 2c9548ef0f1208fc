#include "service/usage/usage_meter.h"

#include "libs/core/buf.h"

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
    {"operations",
     USAGE_SUM,
     "operations",
     "operations",
     1,
     "Uses and issues of tokens, and links opened from Splunk, as they went on record; counted by "
     "the "
     "service itself.",
     {"operation"},
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

enum { LIST_BYTES = 256, SHOWN_BYTES = 64 };

static void add_name(struct buf *list, const char *name)
{
    if (list->len > 0)
        buf_add_c(list, ", ");
    buf_add_c(list, name);
}

enum fault_code usage_meter_unknown(struct str name, const char *field, struct fault *fault)
{
    char room[LIST_BYTES];
    struct buf list = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    for (int i = 0; i < METERS; i++)
        add_name(&list, meters[i].name);
    return fault_field(fault, FAULT_INPUT, field,
                       "%s holds \"%.*s\", which is none; there are %.*s", field,
                       STR_ARG(str_take(name, SHOWN_BYTES)), STR_ARG(buf_str(&list)));
}

enum fault_code usage_meter_lacks(const struct usage_meter *meter, struct str dimension,
                                  const char *field, struct fault *fault)
{
    char room[LIST_BYTES];
    struct buf list = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    for (int i = 0; i < USAGE_DIMENSIONS_MAX && meter->dimensions[i]; i++)
        add_name(&list, meter->dimensions[i]);
    return fault_field(
        fault, FAULT_INPUT, field, "%s holds \"%.*s\", which is not a dimension of %s; it has %.*s",
        field, STR_ARG(str_take(dimension, SHOWN_BYTES)), meter->name, STR_ARG(buf_str(&list)));
}
