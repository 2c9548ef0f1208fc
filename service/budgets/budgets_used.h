/* What of a budget is used: what the usage's rollups say, and nothing else. */
#ifndef IG_BUDGETS_USED_H
#define IG_BUDGETS_USED_H

#include "service/budgets/budgets_store.h"
#include "service/prices/prices.h"

/* In the budget's unit, over the period; reads whole days, so the period must begin and end with
 * days of the tenant's zone. Quantities round down, costs half to even for each meter and price in
 * force. At most INT64_MAX, at least 0 (corrections may come before what they correct). */
enum fault_code budgets_used_read(struct store *store, struct str tenant,
                                  const struct budgets_row *row, const struct prices_table *prices,
                                  struct zone_period period, int64_t now_us, struct arena *scratch,
                                  int64_t *out, struct fault *fault) MUST_USE;

#endif
