#include "libs/scp/table.h"

bool scp_table_next_simple(struct scp_table *table, uint32_t *out_ends, uint32_t room,
                           struct scp_row *out_row)
{
    const struct str body = table->body;
    uint32_t start = table->row_start;
    uint32_t cells = 0;
    uint32_t at = start;
    if (start >= body.len)
        return false;
    for (; at < body.len; at++) {
        char c = body.ptr[at];
        if (c == '"')
            table->quoted = ~table->quoted;
        if (table->quoted)
            continue;
        if (c == '\n')
            break;
        if (c == ',') {
            if (cells < room)
                out_ends[cells] = at;
            cells++;
        }
    }
    uint32_t next = at < body.len ? at + 1 : at;
    uint32_t end = at;
    if (end > start && next > end && body.ptr[end - 1] == '\r')
        end--;
    if (cells < room)
        out_ends[cells] = end;
    *out_row = (struct scp_row){start, end, next, cells + 1};
    table->row_start = next;
    return true;
}
