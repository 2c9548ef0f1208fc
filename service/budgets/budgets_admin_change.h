/* A budget's definition and its changes in words, for the history and the audit log. */
#ifndef IG_BUDGETS_ADMIN_CHANGE_H
#define IG_BUDGETS_ADMIN_CHANGE_H

#include "service/budgets/budgets_definition.h"

/* "Tokens: block at 1000000 a month". */
void budgets_change_tell_new(struct buf *out, const struct budgets_definition *definition);

/* "limit 100 -> 200, mode notify -> block, thresholds"; nothing when both say the same. */
void budgets_change_tell(struct buf *out, const struct budgets_definition *before,
                         const struct budgets_definition *after);

#endif
