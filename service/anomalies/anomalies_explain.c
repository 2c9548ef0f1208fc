#include "service/anomalies/anomalies_explain.h"

#include <math.h>

#include "libs/core/map.h"
#include "libs/text/json.h"

static const double WORTH_NAMING = 0.1; /* of the difference: less explains nothing */

struct value {
    struct str dimensions; /* canonical JSON of the one dimension */
    double then;           /* sum over the days compared with */
    double now;
};

struct values {
    struct map index;
    struct value *all;
    size_t count;
};

static bool is_compared(const struct anomalies_question *question, int64_t at_us)
{
    for (size_t back = 1; back <= question->most; back++) {
        size_t distance = back * question->step;
        if (distance > question->day - question->first)
            return false;
        if (question->days[question->day - distance].from_us == at_us)
            return true;
    }
    return false;
}

static enum fault_code value_of(struct values *values, struct str dimensions, struct value **out,
                                struct fault *fault)
{
    uint32_t at;
    if (!map_get(&values->index, dimensions, &at)) {
        at = (uint32_t)values->count;
        if (map_put(&values->index, dimensions, at) != FAULT_NONE)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for an anomaly's reasons");
        values->all[values->count++] = (struct value){.dimensions = dimensions};
    }
    *out = &values->all[at];
    return FAULT_NONE;
}

static enum fault_code gather(const struct anomalies_question *question,
                              const struct usage_report *report, struct values *values,
                              struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < report->count && code == FAULT_NONE; i++) {
        const struct usage_row *row = &report->rows[i];
        bool is_now = row->period.from_us == question->days[question->day].from_us;
        struct value *value = NULL;
        if (!is_now && !is_compared(question, row->period.from_us))
            continue;
        code = value_of(values, row->dimensions, &value, fault);
        if (code == FAULT_NONE && is_now)
            value->now += (double)row->quantity;
        else if (code == FAULT_NONE)
            value->then += (double)row->quantity;
    }
    return code;
}

static enum fault_code take(struct anomalies_row *row, const struct value *value,
                            const char *dimension, double share, struct arena *arena,
                            struct fault *fault)
{
    const struct json *object;
    struct str text = STR("");
    enum fault_code code = json_read(arena, value->dimensions, &object, fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(object, dimension), &text))
        text = STR("(none)"); /* events that did not name it */
    row->dimension = str_of(dimension);
    row->value = str_take(text, ANOMALIES_VALUE_MAX);
    while (row->value.len < text.len && row->value.len > 0 &&
           ((unsigned char)text.ptr[row->value.len] & 0xc0) == 0x80)
        row->value.len--; /* whole characters */
    row->explains_ppm = (int64_t)llround(fmin(share, 1000) * 1e6);
    return FAULT_NONE;
}

static enum fault_code explain_by(struct store *store, struct str tenant,
                                  const struct anomalies_question *question, const char *dimension,
                                  struct arena *arena, struct anomalies_row *row, double *best,
                                  struct fault *fault)
{
    size_t back = question->most * question->step;
    size_t first = question->day > question->first + back ? question->day - back : question->first;
    const struct usage_query query = {
        .meter = question->meter,
        .window = ZONE_DAY,
        .from_us = question->days[first].from_us,
        .to_us = question->days[question->day].to_us,
        .by_count = 1,
        .by = {str_of(dimension)},
        .now_us = question->now_us,
    };
    struct usage_report report;
    struct values values = {.count = 0};
    enum fault_code code = usage_query_run(&query, store, tenant, arena, &report, fault);
    if (code != FAULT_NONE || report.count == 0)
        return code;
    values.all = arena_alloc(arena, report.count * sizeof *values.all);
    if (!values.all)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for an anomaly's reasons");
    map_init(&values.index);
    code = gather(question, &report, &values, fault);
    map_done(&values.index);
    double whole = 0;
    if (values.count < 2)
        return code; /* one value has all of it, and says nothing */
    for (size_t i = 0; i < values.count; i++)
        whole += values.all[i].now - values.all[i].then * question->share / (double)question->most;
    for (size_t i = 0; i < values.count && code == FAULT_NONE && whole != 0; i++) {
        const struct value *value = &values.all[i];
        double share =
            (value->now - value->then * question->share / (double)question->most) / whole;
        if (share > *best) {
            *best = share;
            code = take(row, value, dimension, share, arena, fault);
        }
    }
    return code;
}

enum fault_code anomalies_explain(struct store *store, struct str tenant,
                                  const struct anomalies_question *question, struct arena *arena,
                                  struct anomalies_row *row, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    double best = WORTH_NAMING;
    for (int i = 0; i < USAGE_DIMENSIONS_MAX && code == FAULT_NONE; i++)
        if (question->meter->dimensions[i])
            code = explain_by(store, tenant, question, question->meter->dimensions[i], arena, row,
                              &best, fault);
    return code;
}
