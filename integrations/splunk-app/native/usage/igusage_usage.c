/* igusage show=usage: each period of each meter, by dimensions. */
#include "integrations/splunk-app/native/usage/igusage.h"

#include <stdio.h>

#include "integrations/splunk-app/native/peers/service.h"

enum {
    PATH_BYTES = 4096,
    LIST_BYTES = 256, /* of names in a sentence */
    BY_BYTES = IGUSAGE_BY_MAX * 65,
};

static const char *const usage_before[] = {"_time", "meter", "window", "period_end", NULL};
static const char *const usage_after[] = {"quantity",       "unit",     "shown",
                                          "shown_unit",     "events",   "zone",
                                          "complete_up_to", "instance", NULL};

_Static_assert(4 + 8 + (int)IGUSAGE_BY_MAX < (int)IGUSAGE_COLUMNS_MAX, "the columns");

static enum fault_code prepare(struct igusage *usage, struct fault *fault)
{
    return igusage_columns(usage, usage_before, usage_after, NULL, fault);
}

/* --- meters and their dimensions ------------------------------------------------------------ */

static bool meter_has(const struct igusage *usage, size_t meter, const char *dimension)
{
    /* The service judges the dimensions of the one that was named. */
    return usage->args.meter.len > 0 ||
           usage_report_meter_has(&usage->meters[meter], str_of(dimension));
}

/* Each name once, though several meters may have it. */
static void add_dimensions(const struct igusage *usage, struct buf *list)
{
    for (size_t meter = 0; meter < usage->meter_count; meter++) {
        const struct json *each = json_first(usage->meters[meter].dimensions);
        for (; each; each = json_next(each)) {
            struct str name;
            bool told = !json_text(each, &name);
            for (size_t before = 0; before < meter && !told; before++)
                told = usage_report_meter_has(&usage->meters[before], name);
            if (!told)
                igusage_add_name(list, "", name);
        }
    }
}

/* Of several meters each is asked for the dimensions that it has. */
static enum fault_code check_dimensions(const struct igusage *usage, struct fault *fault)
{
    for (size_t i = 0; i < usage->by_count; i++) {
        bool found = false;
        for (size_t meter = 0; meter < usage->meter_count && !found; meter++)
            found = meter_has(usage, meter, usage->by[i]);
        if (found)
            continue;
        char room[LIST_BYTES];
        struct buf list = {.ptr = room, .room = sizeof room, .limit = sizeof room};
        add_dimensions(usage, &list);
        return fault_field(fault, FAULT_INPUT, "by",
                           "by= holds \"%s\", which is a dimension of no meter; there are %.*s",
                           usage->by[i], STR_ARG(list.len ? buf_str(&list) : STR("none")));
    }
    return FAULT_NONE;
}

static enum fault_code open_usage(struct igusage *usage, struct command_messages *messages,
                                  struct fault *fault)
{
    (void)messages;
    igusage_begin_range(usage);
    if (usage->args.meter.len > 0) {
        usage->meters[0] = (struct usage_report_meter){.name = usage->args.meter};
        usage->meter_count = 1;
        return FAULT_NONE;
    }
    enum fault_code code = igusage_get_meters(usage, fault);
    return code == FAULT_NONE ? check_dimensions(usage, fault) : code;
}

/* --- asking --------------------------------------------------------------------------------- */

static enum fault_code write_path(const struct igusage *usage, int64_t to_us, struct buf *path,
                                  struct fault *fault)
{
    char room[BY_BYTES];
    struct buf by = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    for (size_t i = 0; i < usage->by_count; i++) {
        if (!meter_has(usage, usage->meter_at, usage->by[i]))
            continue;
        if (by.len > 0)
            buf_add_byte(&by, ',');
        buf_add_c(&by, usage->by[i]);
    }
    buf_add_c(path, "v1/usage");
    service_add_query(path, "meter", usage->meters[usage->meter_at].name);
    service_add_query(path, "window", usage->args.window);
    service_add_query(path, "by", buf_str(&by));
    igusage_add_moment(path, "from", usage->next_us);
    igusage_add_moment(path, "to", to_us);
    buf_add_byte(path, '\0');
    return buf_check(path, "the request for usage", fault);
}

/* A long range is asked for in parts, as a reply has a limit. Periods are whole at both ends of a
 * report, so the next part begins where the service says that this one ended. */
static enum fault_code get_slice(struct igusage *usage, struct fault *fault)
{
    struct buf path;
    struct str body;
    int64_t to_us = igusage_slice_end(usage);
    buf_init(&path, PATH_BYTES);
    arena_reset(&usage->page);
    usage->row = NULL;
    enum fault_code code = write_path(usage, to_us, &path, fault);
    if (code == FAULT_NONE)
        code = service_get(usage->client, path.ptr, &usage->page, &body, fault);
    buf_done(&path);
    if (code == FAULT_LIMIT)
        return igusage_slice_cut(usage, fault);
    if (code != FAULT_NONE)
        return code;
    if (usage_report_read(&usage->page, body, &usage->now, fault) != FAULT_NONE)
        return igusage_is_other(usage, fault);
    if (usage->now.to_us <= usage->next_us) {
        fault_set(fault, FAULT_UNAVAILABLE, "its report ends before it begins");
        return igusage_is_other(usage, fault);
    }
    usage->next_us = usage->now.to_us;
    usage->row = usage->now.rows;
    return FAULT_NONE;
}

/* --- rows ----------------------------------------------------------------------------------- */

static enum fault_code put_row(struct igusage *usage, struct generating_rows *rows,
                               struct fault *fault)
{
    char moment[32];
    struct usage_report_row row;
    const struct usage_report *report = &usage->now;
    usage->row_number++;
    if (usage_report_row(usage->row, &row, fault) != FAULT_NONE) {
        fault_prefix(fault, "row %llu of the report: ", (unsigned long long)usage->row_number);
        return igusage_is_other(usage, fault);
    }
    snprintf(moment, sizeof moment, "%lld.%06lld", (long long)(row.from_us / 1000000),
             (long long)(row.from_us % 1000000));
    generating_put(rows, str_of(moment));
    generating_put(rows, report->meter);
    generating_put(rows, report->window);
    generating_put(rows, row.to);
    for (size_t i = 0; i < usage->by_count; i++)
        generating_put(rows, meter_has(usage, usage->meter_at, usage->by[i])
                                 ? usage_report_dimension(&row, usage->by[i])
                                 : STR(""));
    generating_put(rows, row.quantity);
    generating_put(rows, report->unit);
    generating_put(rows, row.shown);
    generating_put(rows, report->shown_unit);
    generating_put_whole(rows, row.events);
    generating_put(rows, report->zone);
    generating_put(rows, report->complete_up_to);
    generating_put(rows, usage->settings.instance);
    usage->row = json_next(usage->row);
    return FAULT_NONE;
}

static enum fault_code step(struct igusage *usage, struct generating_rows *rows,
                            struct command_messages *messages, struct fault *fault)
{
    (void)messages;
    if (usage->meter_at == usage->meter_count) {
        usage->ended = true;
        return FAULT_NONE;
    }
    if (usage->row)
        return put_row(usage, rows, fault);
    if (usage->next_us < usage->until_us)
        return get_slice(usage, fault);
    usage->meter_at++;
    igusage_begin_range(usage);
    return FAULT_NONE;
}

const struct igusage_view igusage_view_usage = {.name = "usage",
                                                .takes =
                                                    IGUSAGE_METER | IGUSAGE_WINDOW | IGUSAGE_BY,
                                                .window = "day",
                                                .is_of_a_time = true,
                                                .prepare = prepare,
                                                .open = open_usage,
                                                .step = step};
