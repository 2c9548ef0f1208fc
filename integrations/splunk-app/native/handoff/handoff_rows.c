#include "integrations/splunk-app/native/handoff/handoff_rows.h"

enum {
    STATUS_SHIFT = 24, /* a row's tag: status above, number of entities below */
    ENTITIES_SHOWN_MAX = (1 << STATUS_SHIFT) - 1,
};

static const char *const status_names[] = {
    [HANDOFF_NONE] = "none",     [HANDOFF_COLLECTED] = "collected", [HANDOFF_LIMITED] = "limited",
    [HANDOFF_DRYRUN] = "dryrun", [HANDOFF_PREVIEW] = "preview",     [HANDOFF_SENT] = "sent",
    [HANDOFF_QUEUED] = "queued", [HANDOFF_BLOCKED] = "blocked",     [HANDOFF_REFUSED] = "refused",
    [HANDOFF_FAILED] = "failed",
};

static enum handoff_status status_of(const struct handoff *handoff,
                                     const struct graph_row_counts *counts)
{
    if (counts->entities == 0 && counts->left_out == 0)
        return HANDOFF_NONE;
    if (handoff->info->preview)
        return HANDOFF_PREVIEW;
    if (counts->left_out > 0)
        return HANDOFF_LIMITED;
    return handoff->args.dryrun ? HANDOFF_DRYRUN : HANDOFF_COLLECTED;
}

static enum fault_code take_rows(struct handoff *handoff, struct arena *arena, struct fault *fault)
{
    for (;;) {
        struct graph_row_counts counts;
        bool more;
        enum fault_code code = rows_next(&handoff->rows, &more, fault);
        if (code != FAULT_NONE || !more)
            return code;
        code = collect_row(&handoff->collect, &handoff->rows, arena, &counts, fault);
        if (code != FAULT_NONE)
            return code;
        uint32_t entities =
            counts.entities < ENTITIES_SHOWN_MAX ? counts.entities : ENTITIES_SHOWN_MAX;
        uint32_t status = status_of(handoff, &counts);
        code = rows_keep(&handoff->rows, status << STATUS_SHIFT | entities, fault);
        if (code != FAULT_NONE)
            return code;
    }
}

enum fault_code handoff_rows_take(struct handoff *handoff, struct str body, struct arena *arena,
                                  struct fault *fault)
{
    enum fault_code code = rows_begin(&handoff->rows, body, arena, fault);
    if (code == FAULT_NONE)
        code = collect_columns(&handoff->collect, &handoff->rows, arena, fault);
    return code == FAULT_NONE ? take_rows(handoff, arena, fault) : code;
}

void handoff_rows_cells(const void *context, uint32_t tag, struct buf *out)
{
    const struct handoff *handoff = context;
    enum handoff_status status = tag >> STATUS_SHIFT;
    if (status == HANDOFF_COLLECTED && handoff->ended)
        status = handoff->outcome;
    buf_add_c(out, handoff->has_link ? ",\"" : ",");
    buf_add_c(out, handoff->has_link ? handoff->link : "");
    buf_add_c(out, handoff->has_link ? "\"," : ",");
    buf_add_u64(out, tag & ENTITIES_SHOWN_MAX);
    buf_add_byte(out, ',');
    buf_add_c(out, status_names[status]);
}
