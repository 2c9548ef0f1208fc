#include "service/usage/usage_sql.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libs/core/buf.h"

extern const char usage_aggregations_text[];
extern const uint64_t usage_aggregations_len;

enum {
    TEXT_MAX = 16 * 1024,
    SEVERAL_MAX = 64 * 1024,
    PLACES_MAX = 256, /* of a statement */
    SIZES = 7,        /* 1, 2, 4 .. 64 rows */
};

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
    [USAGE_SQL_ADD_BATCH] = "add_batch",
};

static char text[TEXT_MAX]; /* the file, a NUL in the place of each semicolon that ends a line */
static const char *statements[USAGE_SQL_COUNT];
static char several_text[SEVERAL_MAX]; /* texts of INSERTs of several rows, one after the other */
static size_t several_len;
static const char *several[USAGE_SQL_COUNT][SIZES]; /* NULL: it would have too many places */
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

static void add_places(struct buf *out, int columns, int rows)
{
    for (int place = 1; place <= columns * rows; place++) {
        bool is_first = (place - 1) % columns == 0;
        bool is_last = place % columns == 0;
        buf_addf(out, "%s%s$%d%s", place > 1 ? ", " : "", is_first ? "(" : "", place,
                 is_last ? ")" : "");
    }
}

/* "VALUES ($1, $2)" becomes "VALUES ($1, $2), ($3, $4) ...". */
static const char *write_several(const char *statement, int rows)
{
    const char *values = strstr(statement, "VALUES (");
    const char *end = values ? strchr(values, ')') : NULL;
    char *place = several_text + several_len;
    struct buf made = {.ptr = place, .room = SEVERAL_MAX - several_len};
    int columns = 0;
    for (const char *at = values; end && at < end; at++)
        columns += *at == '$';
    if (!end || columns * rows > PLACES_MAX)
        return NULL;
    made.limit = made.room;
    buf_add(&made, (struct str){statement, (size_t)(values - statement)});
    buf_add_c(&made, "VALUES ");
    add_places(&made, columns, rows);
    buf_add_c(&made, end + 1);
    buf_add_byte(&made, '\0');
    assert(made.code == FAULT_NONE && "texts are short");
    several_len += made.len;
    return place;
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
        for (int size = 0; size < SIZES; size++)
            several[i][size] = write_several(statements[i], 1 << size);
}

const char *usage_sql(enum usage_sql_name name)
{
    int rc = pthread_once(&once, cut);
    assert(rc == 0 && name >= 0 && name < USAGE_SQL_COUNT);
    return statements[name];
}

const char *usage_sql_rows(enum usage_sql_name name, size_t *rows)
{
    const char *one = usage_sql(name);
    int size = SIZES - 1;
    assert(*rows > 0 && several[name][0]);
    while (size > 0 && (!several[name][size] || (size_t)1 << size > *rows))
        size--;
    *rows = (size_t)1 << size;
    return size == 0 ? one : several[name][size];
}
