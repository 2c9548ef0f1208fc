/* ighandoff's rows: their mapped cells go into the graph, and each passes with three cells more. */
#ifndef IG_NATIVE_HANDOFF_ROWS_H
#define IG_NATIVE_HANDOFF_ROWS_H

#include "integrations/splunk-app/native/handoff/handoff.h"

/* Takes one chunk's rows into the graph and lets all of them pass. */
enum fault_code handoff_rows_take(struct handoff *handoff, struct str body, struct arena *arena,
                                  struct fault *fault) MUST_USE;

/* The added cells of a row. Those of the last chunk say what became of the hand-off. The link is
 * the same for all rows of a search; there is none while there is nothing behind it. A rows_cells.
 */
void handoff_rows_cells(const void *handoff, uint32_t tag, struct buf *out);

#endif
