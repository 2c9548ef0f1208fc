/* Splunk's multivalue encoding: `$v1$;$v2$`, a `$` within a value doubled (the `__mv_` twins). */
#ifndef IG_SCP_MULTIVALUE_H
#define IG_SCP_MULTIVALUE_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

/* Takes the next value off *rest; values with a doubled `$` are copied into the arena. *out_more is
 * false at the end. FAULT_INPUT when the text is not of this form; *rest is then not moved. */
enum fault_code scp_multivalue_next(struct str *rest, struct arena *arena, struct str *out_value,
                                    bool *out_more, struct fault *fault) MUST_USE;

#endif
