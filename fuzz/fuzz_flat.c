/* What igusage makes of the service's answers: an object becomes one whole row or a sentence that
 * says which member is wrong; reports and lists of meters are taken or refused with a reason. */
#include <assert.h>

#include "integrations/splunk-app/native/frame/flat.h"
#include "integrations/splunk-app/native/usage/usage_report.h"

enum { LIMIT = 8 << 20, COLUMNS = 9, METERS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct flat_column columns[COLUMNS] = {
    {"text", "name", FLAT_TEXT, false},
    {"number", "state.used", FLAT_NUMBER, false},
    {"time", "state.period_to", FLAT_TIME, false},
    {"epoch", "at", FLAT_EPOCH, false},
    {"boolean", "shadow", FLAT_BOOLEAN, false},
    {"list", "meters", FLAT_LIST, false},
    {"thresholds", "thresholds", FLAT_THRESHOLDS, false},
    {"deep", "state.forecast.share", FLAT_NUMBER, false},
    {"given", NULL, FLAT_GIVEN, true},
};

static void put_row(const struct json *object)
{
    const char *names[FLAT_COLUMNS_MAX + 1];
    struct fault fault = {0};
    struct generating_rows rows = {.columns = names, .column_count = COLUMNS, .most = 10};
    flat_names(columns, COLUMNS, names);
    assert(names[COLUMNS] == NULL);
    buf_init(&rows.csv, LIMIT);
    if (flat_put(object, "it", columns, COLUMNS, (const struct str[]){STR("g")}, &rows, &fault) ==
        FAULT_NONE)
        assert(rows.count == 1 && rows.at == 0 && str_ends(buf_str(&rows.csv), STR(",g\n")));
    else
        assert(rows.count == 0 && fault.text[0] && fault.field[0]);
    buf_done(&rows.csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    const struct json *top = NULL;
    struct arena arena;
    struct fault fault = {0};
    struct usage_report report = {.to_us = -7};
    struct usage_report_meter meters[METERS];
    size_t count = 0;
    arena_init(&arena, LIMIT);
    if (json_read(&arena, text, &top, &fault) == FAULT_NONE)
        put_row(top);
    if (usage_report_read(&arena, text, &report, &fault) == FAULT_NONE) {
        struct usage_report_row row;
        for (const struct json *each = report.rows; each; each = json_next(each))
            if (usage_report_row(each, &row, &fault) != FAULT_NONE)
                assert(fault.text[0]);
    } else {
        assert(report.to_us == -7 && fault.text[0]);
    }
    if (usage_report_meters(&arena, text, METERS, meters, &count, &fault) == FAULT_NONE)
        assert(count <= METERS);
    else
        assert(fault.text[0]);
    arena_done(&arena);
    return 0;
}
