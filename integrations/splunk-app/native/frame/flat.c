#include "integrations/splunk-app/native/frame/flat.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/text/time.h"

enum { NAME_BYTES = 64, CELL_BYTES = 16 << 10 };

void flat_names(const struct flat_column *columns, size_t count,
                const char *out[FLAT_COLUMNS_MAX + 1])
{
    assert(count <= FLAT_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        out[i] = columns[i].name;
    out[count] = NULL;
}

const struct json *flat_member(const struct json *object, const char *path)
{
    struct str rest = str_of(path);
    bool more = true;
    while (more && object) {
        char name[NAME_BYTES];
        struct str part;
        more = str_cut(rest, '.', &part, &rest);
        bool fits = str_to_c(part, name, sizeof name);
        assert(fits);
        object = json_is_object(object) ? json_member(object, name) : NULL;
    }
    return object;
}

/* --- kinds of cells ------------------------------------------------------------------------- */

/* "-12.50": digits, at most one point between them. */
static bool is_decimal(struct str text)
{
    struct str whole;
    struct str part;
    struct str digits = str_starts(text, STR("-")) ? str_skip(text, 1) : text;
    bool has_point = str_cut(digits, '.', &whole, &part);
    if (whole.len == 0 || (has_point && part.len == 0))
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if ((digits.ptr[i] < '0' || digits.ptr[i] > '9') && i != whole.len)
            return false;
    return true;
}

bool flat_number(const struct json *value, char room[24], struct str *out)
{
    int64_t number;
    struct str text;
    if (json_text(value, &text)) {
        *out = text;
        return is_decimal(text);
    }
    if (!json_whole(value, &number))
        return false;
    int len = snprintf(room, 24, "%lld", (long long)number);
    *out = (struct str){room, (size_t)len};
    return true;
}

static bool add_text(const struct json *value, struct buf *cell)
{
    struct str text;
    bool is_text = json_text(value, &text);
    if (is_text)
        buf_add(cell, text);
    return is_text;
}

static bool add_number(const struct json *value, struct buf *cell)
{
    char room[24];
    struct str text;
    bool is_number = flat_number(value, room, &text);
    if (is_number)
        buf_add(cell, text);
    return is_number;
}

static bool add_time(const struct json *value, struct buf *cell)
{
    int64_t us;
    struct str text;
    bool is_time = json_text(value, &text) && time_read_us(text, &us);
    if (is_time)
        buf_add(cell, text);
    return is_time;
}

static bool add_epoch(const struct json *value, struct buf *cell)
{
    int64_t us;
    struct str text;
    if (!json_text(value, &text) || !time_read_us(text, &us))
        return false;
    buf_addf(cell, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
    return true;
}

static bool add_boolean(const struct json *value, struct buf *cell)
{
    bool yes;
    bool is_boolean = json_boolean(value, &yes);
    if (is_boolean)
        buf_add_c(cell, yes ? "true" : "false");
    return is_boolean;
}

static bool add_list(const struct json *value, struct buf *cell)
{
    if (!json_is_array(value))
        return false;
    for (const struct json *each = json_first(value); each; each = json_next(each)) {
        buf_add_c(cell, cell->len ? ", " : "");
        if (!add_text(each, cell))
            return false;
    }
    return true;
}

static bool add_threshold(const struct json *value, struct buf *cell)
{
    struct str kind;
    bool is_threshold = json_text(json_member(value, "kind"), &kind);
    bool is_percent = is_threshold && !str_equal(kind, STR("absolute"));
    if (is_threshold && str_equal(kind, STR("forecast")))
        buf_add_c(cell, "forecast ");
    is_threshold = is_threshold && add_number(json_member(value, "value"), cell);
    buf_add_c(cell, is_percent ? " %" : "");
    return is_threshold;
}

static bool add_thresholds(const struct json *value, struct buf *cell)
{
    if (!json_is_array(value))
        return false;
    for (const struct json *each = json_first(value); each; each = json_next(each)) {
        buf_add_c(cell, cell->len ? ", " : "");
        if (!json_is_object(each) || !add_threshold(each, cell))
            return false;
    }
    return true;
}

static const struct {
    bool (*add)(const struct json *value, struct buf *cell);
    const char *must;
} kinds[] = {
    [FLAT_TEXT] = {add_text, "must be a text"},
    [FLAT_NUMBER] = {add_number, "must be a number as text"},
    [FLAT_TIME] = {add_time, "must be a time as RFC 3339 has it"},
    [FLAT_EPOCH] = {add_epoch, "must be a time as RFC 3339 has it"},
    [FLAT_BOOLEAN] = {add_boolean, "must be true or false"},
    [FLAT_LIST] = {add_list, "must be a list of texts"},
    [FLAT_THRESHOLDS] = {add_thresholds, "must be a list of thresholds"},
};

/* --- rows ----------------------------------------------------------------------------------- */

static enum fault_code add_cell(const struct json *object, const char *where,
                                const struct flat_column *column, struct buf *cell,
                                struct fault *fault)
{
    const struct json *value = flat_member(object, column->path);
    bool is_there = value && !json_is_null(value);
    if (!is_there && !column->required)
        return FAULT_NONE;
    if (!is_there)
        return fault_field(fault, FAULT_INPUT, column->path, "%s.%s is missing", where,
                           column->path);
    if (!kinds[column->type].add(value, cell))
        return fault_field(fault, FAULT_INPUT, column->path, "%s.%s %s", where, column->path,
                           kinds[column->type].must);
    return buf_check(cell, column->path, fault);
}

enum fault_code flat_put(const struct json *object, const char *where,
                         const struct flat_column *columns, size_t count, const struct str *given,
                         struct generating_rows *rows, struct fault *fault)
{
    struct buf cell;
    enum fault_code code = FAULT_NONE;
    buf_init(&cell, CELL_BYTES);
    for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
        buf_clear(&cell);
        if (columns[i].type == FLAT_GIVEN)
            generating_put(rows, *given++);
        else
            code = add_cell(object, where, &columns[i], &cell, fault);
        if (code == FAULT_NONE && columns[i].type != FLAT_GIVEN)
            generating_put(rows, buf_str(&cell));
    }
    buf_done(&cell);
    return code;
}
