#include "integrations/splunk-app/native/frame/generating.h"

#include <assert.h>

#include "libs/text/json_write.h"

/* --- rows ---------------------------------------------------------------------------------- */

/* splunkd's own rule: bare only when it is made of ASCII letters and digits, or empty. */
static bool is_bare(struct str cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        char c = cell.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return true;
}

static void add_cell(struct buf *out, struct str cell)
{
    if (is_bare(cell)) {
        buf_add(out, cell);
        return;
    }
    buf_add_byte(out, '"');
    while (cell.len > 0) {
        struct str head;
        struct str tail;
        bool quote = str_cut(cell, '"', &head, &tail);
        buf_add(out, head);
        if (quote)
            buf_add(out, STR("\"\""));
        cell = tail;
    }
    buf_add_byte(out, '"');
}

void generating_put(struct generating_rows *rows, struct str cell)
{
    assert(rows->count < rows->most);
    if (rows->at > 0)
        buf_add_byte(&rows->csv, ',');
    add_cell(&rows->csv, cell);
    if (++rows->at < rows->column_count)
        return;
    buf_add_byte(&rows->csv, '\n');
    rows->at = 0;
    rows->count++;
}

void generating_put_whole(struct generating_rows *rows, int64_t number)
{
    char room[24];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    buf_add_i64(&text, number);
    generating_put(rows, buf_str(&text));
}

void generating_put_boolean(struct generating_rows *rows, bool yes)
{
    generating_put(rows, yes ? STR("true") : STR("false"));
}

bool generating_is_full(const struct generating_rows *rows)
{
    return rows->count >= rows->most;
}

static void add_header(struct generating_rows *rows)
{
    buf_clear(&rows->csv);
    rows->count = 0;
    rows->at = 0;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (i > 0)
            buf_add_byte(&rows->csv, ',');
        add_cell(&rows->csv, str_of(rows->columns[i]));
    }
    buf_add_byte(&rows->csv, '\n');
}

/* --- the command --------------------------------------------------------------------------- */

static enum fault_code start(void *state, const struct scp_getinfo *info, struct buf *out_members,
                             struct fault *fault)
{
    struct generating *generating = state;
    int64_t most = info->max_result_rows;
    enum fault_code code = generating->source.start(generating->source.state, info, fault);
    if (code != FAULT_NONE)
        return code;
    while (generating->source.columns[generating->rows.column_count])
        generating->rows.column_count++;
    generating->rows.most =
        most > 0 && most < GENERATING_ROWS_MAX ? (uint64_t)most : GENERATING_ROWS_MAX;
    struct json_out out = json_out_to(out_members);
    json_put_text(&out, "type", STR("stateful"));
    json_put_boolean(&out, "generating", true);
    return FAULT_NONE;
}

/* What splunkd sends along is nothing: a generating command has no rows before it. */
static enum fault_code execute(void *state, struct str body, bool finished, struct arena *arena,
                               struct command_reply *out, struct fault *fault)
{
    struct generating *generating = state;
    struct generating_rows *rows = &generating->rows;
    bool more = false;
    (void)body;
    (void)finished;
    if (generating->ended)
        return FAULT_NONE;
    add_header(rows);
    enum fault_code code = generating->source.next(generating->source.state, rows, &more,
                                                   &out->messages, arena, fault);
    if (code == FAULT_NONE)
        code = buf_check(&rows->csv, "the rows of one reply", fault);
    if (code != FAULT_NONE)
        return code;
    assert(rows->at == 0); /* no row is cut */
    generating->ended = !more;
    out->more = more;
    out->body = rows->count > 0 ? buf_str(&rows->csv) : STR("");
    return FAULT_NONE;
}

void generating_init(struct generating *generating, const struct generating_source *source)
{
    *generating = (struct generating){.source = *source};
    generating->rows.columns = source->columns;
    buf_init(&generating->rows.csv, GENERATING_BODY_BYTES);
}

void generating_done(struct generating *generating)
{
    buf_done(&generating->rows.csv);
}

struct command generating_command(struct generating *generating)
{
    return (struct command){.name = generating->source.name,
                            .state = generating,
                            .generating = true,
                            .start = start,
                            .execute = execute};
}
