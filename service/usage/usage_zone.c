#include "service/usage/usage.h"

#include "service/usage/usage_store.h"

struct zoning {
    struct str tenant;
    struct str zone;
    int anchor_day;
    struct usage_rebuilt rebuilt;
};

static enum fault_code set_zone_in(struct store *store, void *context, struct fault *fault)
{
    struct zoning *zoning = context;
    enum fault_code code =
        usage_store_zone_put(store, zoning->tenant, zoning->zone, zoning->anchor_day, fault);
    return code == FAULT_NONE ? usage_rebuild(store, zoning->tenant, &zoning->rebuilt, fault)
                              : code;
}

enum fault_code usage_set_zone(struct store_pool *pool, struct str tenant, struct str zone,
                               int anchor_day, struct usage_rebuilt *out, struct fault *fault)
{
    struct zoning zoning = {.tenant = tenant, .zone = zone, .anchor_day = anchor_day};
    enum fault_code code = store_pool_write(pool, set_zone_in, &zoning, fault);
    if (code == FAULT_NONE)
        *out = zoning.rebuilt;
    return code;
}
