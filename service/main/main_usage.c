/* `intelgraphd usage ...`: counting anew, comparing, time zones. */
#include <inttypes.h>
#include <stdio.h>

#include "libs/store/store_pool.h"
#include "service/main/main_data.h"
#include "service/main/main_run.h"
#include "service/usage/usage.h"

enum { CONNECTIONS = 2 };

struct rebuilding {
    struct str tenant;
    struct usage_rebuilt rebuilt;
};

static enum fault_code rebuild_in(struct store *store, void *context, struct fault *fault)
{
    struct rebuilding *rebuilding = context;
    return usage_rebuild(store, rebuilding->tenant, &rebuilding->rebuilt, fault);
}

enum fault_code main_run_usage_rebuild(const struct main_options *options, struct fault *fault)
{
    struct rebuilding rebuilding = {.tenant = options->tenant};
    struct main_data data;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_pool_write(data.service.pool, rebuild_in, &rebuilding, fault);
    main_data_close(&data);
    if (code != FAULT_NONE)
        return code;
    printf("%.*s: %" PRId64 " events, %" PRId64 " hours and days were not what they say\n",
           STR_ARG(options->tenant), rebuilding.rebuilt.events, rebuilding.rebuilt.differences);
    if (rebuilding.rebuilt.differences > 0)
        code = fault_set(fault, FAULT_CONFLICT,
                         "the sums of %.*s were not those of its events; they are now",
                         STR_ARG(options->tenant));
    return code;
}

static void print_reconciled(struct str tenant, const struct usage_reconciled *found)
{
    printf("%.*s: %" PRId64 " hand-off%s, %" PRId64 " on record, %" PRId64 " counted\n",
           STR_ARG(tenant), found->handoffs, found->handoffs == 1 ? "" : "s", found->on_record,
           found->counted);
    for (size_t i = 0; i < USAGE_OPERATIONS; i++) {
        const struct usage_reconciled_operation *operation = &found->operations[i];
        printf("%.*s: %s: %" PRId64 " on record, %" PRId64 " counted\n", STR_ARG(tenant),
               operation->name, operation->on_record, operation->counted);
    }
    if (found->strange != 0)
        printf("%.*s: %" PRId64 " counted as operations that there are not\n", STR_ARG(tenant),
               found->strange);
}

enum fault_code main_run_usage_reconcile(const struct main_options *options, struct fault *fault)
{
    struct usage_reconciled found = {0};
    struct main_data data;
    struct store *store = NULL;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_pool_take(data.service.pool, &store, fault);
    if (code == FAULT_NONE)
        code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = usage_reconcile(store, options->tenant, &found, fault);
    if (store)
        store_pool_give(data.service.pool, store);
    main_data_close(&data);
    if (code != FAULT_NONE)
        return code;
    print_reconciled(options->tenant, &found);
    if (!usage_reconciles(&found))
        code = fault_set(fault, FAULT_CONFLICT,
                         "hand-offs, audit log and usage of %.*s differ; run usage rebuild, then "
                         "audit verify",
                         STR_ARG(options->tenant));
    return code;
}

enum fault_code main_run_usage_zone(const struct main_options *options, struct fault *fault)
{
    struct usage_rebuilt rebuilt = {0};
    struct main_data data;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, true, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = usage_set_zone(data.service.pool, options->tenant, options->zone,
                          (int)options->anchor_day, &rebuilt, fault);
    main_data_close(&data);
    if (code == FAULT_NONE)
        printf("%.*s: %" PRId64 " events counted in %.*s\n", STR_ARG(options->tenant),
               rebuilt.events, STR_ARG(options->zone));
    return code;
}
