#include "service/usage/usage_sql.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libs/core/buf.h"

extern const char usage_aggregations_text[];
extern const uint64_t usage_aggregations_len;

enum { TEXT_MAX = 16 * 1024, SEVERAL_MAX = 4096 };

#define MARK "-- name: "

static const char *const names[USAGE_SQL_COUNT] = {
    [USAGE_SQL_ADD_HOUR] = "add_hour",
    [USAGE_SQL_ADD_DAY] = "add_day",
    [USAGE_SQL_ADD_PROVENANCE] = "add_provenance",
    [USAGE_SQL_READ_HOURS] = "read_hours",
    [USAGE_SQL_READ_DAYS] = "read_days",
    [USAGE_SQL_LEVEL_BEFORE] = "level_before",
    [USAGE_SQL_LEVEL_AFTER] = "level_after",
    [USAGE_SQL_LEVELS_NOW] = "levels_now",
    [USAGE_SQL_FORGET_HOURS] = "forget_hours",
    [USAGE_SQL_FORGET_DAYS] = "forget_days",
    [USAGE_SQL_FORGET_LEVELS] = "forget_levels",
    [USAGE_SQL_FORGET_CORRECTIONS] = "forget_corrections",
    [USAGE_SQL_FORGET_PROVENANCE] = "forget_provenance",
    [USAGE_SQL_EACH_EVENT] = "each_event",
    [USAGE_SQL_ADD_KEY] = "add_key",
};

static char text[TEXT_MAX]; /* the file, a NUL in the place of each semicolon that ends a line */
static const char *statements[USAGE_SQL_COUNT];
static char several[USAGE_SQL_COUNT][SEVERAL_MAX]; /* of INSERT ... VALUES */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void note(struct str name, const char *statement)
{
    for (int i = 0; i < USAGE_SQL_COUNT; i++)
        if (str_equal(name, str_of(names[i]))) {
            assert(!statements[i] && "a name stands once");
            statements[i] = statement;
            return;
        }
    assert(!"a name of the file is one of ours");
}

/* "VALUES ($1, $2)" becomes "VALUES ($1, $2), ($3, $4) ...". */
static void write_several(const char *statement, char out[SEVERAL_MAX])
{
    const char *values = strstr(statement, "VALUES (");
    const char *end = values ? strchr(values, ')') : NULL;
    struct buf made = {.ptr = out, .room = SEVERAL_MAX, .limit = SEVERAL_MAX - 1};
    int columns = 0;
    if (!end)
        return;
    for (const char *at = values; at < end; at++)
        columns += *at == '$';
    buf_add(&made, (struct str){statement, (size_t)(values - statement)});
    buf_add_c(&made, "VALUES ");
    for (int place = 1; place <= columns * USAGE_SQL_ROWS; place++)
        buf_addf(&made, "%s$%d%s",
                 place % columns == 1 || columns == 1 ? (place > 1 ? ", (" : "(") : ", ", place,
                 place % columns == 0 ? ")" : "");
    buf_add_c(&made, end + 1);
    assert(made.code == FAULT_NONE && "texts are short");
    out[made.len] = '\0';
}

static void cut(void)
{
    assert(usage_aggregations_len < TEXT_MAX);
    memcpy(text, usage_aggregations_text, usage_aggregations_len);
    for (char *at = strstr(text, MARK); at; at = strstr(at, MARK)) {
        char *name = at + strlen(MARK);
        char *line_end = strchr(name, '\n');
        char *end = line_end ? strstr(line_end, ";\n") : NULL;
        assert(line_end && end && "a name, then a text with its semicolon");
        *end = '\0';
        note((struct str){name, (size_t)(line_end - name)}, line_end + 1);
        at = end + 1;
    }
    for (int i = 0; i < USAGE_SQL_COUNT; i++)
        assert(statements[i] && "the file has every name");
    for (int i = 0; i < USAGE_SQL_COUNT; i++)
        write_several(statements[i], several[i]);
}

const char *usage_sql(enum usage_sql_name name)
{
    int rc = pthread_once(&once, cut);
    assert(rc == 0 && name >= 0 && name < USAGE_SQL_COUNT);
    return statements[name];
}

const char *usage_sql_rows(enum usage_sql_name name, size_t rows)
{
    const char *one = usage_sql(name);
    assert((rows == 1 || rows == USAGE_SQL_ROWS) && several[name][0] != '\0');
    return rows == 1 ? one : several[name];
}
