/* igusage show=cost: what was used in each period, at the prices that held, by meter and
 * dimensions. */
#include "integrations/splunk-app/native/usage/igusage.h"

#include <stdio.h>

#include "integrations/splunk-app/native/peers/service.h"
#include "libs/text/time.h"

enum { PATH_BYTES = 4096, LIST_BYTES = 512 };

static const char *const before[] = {"_time", "meter", "window", "period_end", NULL};
static const char *const after[] = {"quantity", "shown",          "shown_unit", "cost", "currency",
                                    "zone",     "complete_up_to", "instance",   NULL};

static enum fault_code prepare(struct igusage *usage, struct fault *fault)
{
    return igusage_columns(usage, before, after, "meter", fault);
}

static enum fault_code open_cost(struct igusage *usage, struct command_messages *messages,
                                 struct fault *fault)
{
    (void)messages;
    (void)fault;
    igusage_begin_range(usage);
    return FAULT_NONE;
}

/* --- asking --------------------------------------------------------------------------------- */

static bool text_of(const struct json *top, const char *name, struct str *out)
{
    return json_text(json_member(top, name), out);
}

/* What has no price is told once, in whatever part of the range it comes. */
static void say_unpriced(struct igusage *usage, const struct json *top,
                         struct command_messages *messages)
{
    char room[LIST_BYTES];
    struct buf list = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    struct str name;
    const struct json *each = json_first(json_member(top, "unpriced"));
    for (; each; each = json_next(each))
        if (json_text(each, &name))
            igusage_add_name(&list, "", name);
    if (list.len == 0 || usage->told_unpriced)
        return;
    usage->told_unpriced = true;
    command_say(messages, COMMAND_WARN,
                "IntelGraph: there is no price for %.*s; what was used of it is not in the cost.",
                STR_ARG(buf_str(&list)));
}

/* No currency: no price was ever set. */
static enum fault_code read_report(struct igusage *usage, const struct json *top,
                                   struct command_messages *messages, struct fault *fault)
{
    struct str to;
    int64_t to_us;
    const struct json *rows = json_member(top, "rows");
    if (!text_of(top, "currency", &usage->currency))
        usage->currency = STR("");
    if (!text_of(top, "zone", &usage->zone) ||
        !text_of(top, "complete_up_to", &usage->complete_up_to) || !text_of(top, "to", &to) ||
        !time_read_us(to, &to_us) || !json_is_array(rows)) {
        fault_set(fault, FAULT_UNAVAILABLE,
                  "GET /v1/costs: zone, complete_up_to, to and rows are expected");
        return igusage_is_other(usage, fault);
    }
    if (to_us <= usage->next_us) {
        fault_set(fault, FAULT_UNAVAILABLE, "its report ends before it begins");
        return igusage_is_other(usage, fault);
    }
    say_unpriced(usage, top, messages);
    usage->next_us = to_us;
    usage->row = json_first(rows);
    return FAULT_NONE;
}

static void add_dimensions(const struct igusage *usage, struct buf *path)
{
    char room[LIST_BYTES];
    struct buf by = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    buf_add_c(&by, "meter");
    for (size_t i = 0; i < usage->by_count; i++)
        buf_addf(&by, ",%s", usage->by[i]);
    service_add_query(path, "by", buf_str(&by));
}

static enum fault_code get_slice(struct igusage *usage, struct command_messages *messages,
                                 struct fault *fault)
{
    struct buf path;
    const struct json *top = NULL;
    int64_t to_us = igusage_slice_end(usage);
    buf_init(&path, PATH_BYTES);
    arena_reset(&usage->page);
    usage->row = NULL;
    buf_add_c(&path, "v1/costs");
    service_add_query(&path, "window", usage->args.window);
    service_add_query(&path, "meter", usage->args.meter);
    add_dimensions(usage, &path);
    igusage_add_moment(&path, "from", usage->next_us);
    igusage_add_moment(&path, "to", to_us);
    buf_add_byte(&path, '\0');
    enum fault_code code = buf_check(&path, "the request for costs", fault);
    if (code == FAULT_NONE)
        code = igusage_get(usage, path.ptr, &usage->page, &top, fault);
    buf_done(&path);
    if (code == FAULT_LIMIT)
        return igusage_slice_cut(usage, fault);
    return code == FAULT_NONE ? read_report(usage, top, messages, fault) : code;
}

/* --- rows ----------------------------------------------------------------------------------- */

static enum fault_code put_row(struct igusage *usage, struct generating_rows *rows,
                               struct fault *fault)
{
    static const struct flat_column first[] = {
        {"_time", "from", FLAT_EPOCH, true},
        {"meter", "meter", FLAT_TEXT, true},
        {"window", NULL, FLAT_GIVEN, true},
        {"period_end", "to", FLAT_TIME, true},
    };
    static const struct flat_column last[] = {
        {"quantity", "quantity", FLAT_NUMBER, false},   {"shown", "shown", FLAT_NUMBER, false},
        {"shown_unit", "shown_unit", FLAT_TEXT, false}, {"cost", "cost", FLAT_NUMBER, false},
        {"currency", NULL, FLAT_GIVEN, true},           {"zone", NULL, FLAT_GIVEN, true},
        {"complete_up_to", NULL, FLAT_GIVEN, true},     {"instance", NULL, FLAT_GIVEN, true},
    };
    struct usage_report_row row = {.dimensions = json_member(usage->row, "dimensions")};
    usage->row_number++;
    enum fault_code code = flat_put(usage->row, "rows", first, 4,
                                    (const struct str[]){usage->args.window}, rows, fault);
    for (size_t i = 0; code == FAULT_NONE && i < usage->by_count; i++)
        generating_put(rows, usage_report_dimension(&row, usage->by[i]));
    if (code == FAULT_NONE)
        code = flat_put(usage->row, "rows", last, 8,
                        (const struct str[]){usage->currency, usage->zone, usage->complete_up_to,
                                             usage->settings.instance},
                        rows, fault);
    if (code != FAULT_NONE)
        return igusage_is_other(usage, fault);
    usage->row = json_next(usage->row);
    return FAULT_NONE;
}

static enum fault_code step(struct igusage *usage, struct generating_rows *rows,
                            struct command_messages *messages, struct fault *fault)
{
    if (usage->row)
        return put_row(usage, rows, fault);
    if (usage->next_us < usage->until_us)
        return get_slice(usage, messages, fault);
    usage->ended = true;
    return FAULT_NONE;
}

const struct igusage_view igusage_view_cost = {.name = "cost",
                                               .takes = IGUSAGE_METER | IGUSAGE_WINDOW | IGUSAGE_BY,
                                               .window = "day",
                                               .is_of_a_time = true,
                                               .prepare = prepare,
                                               .open = open_cost,
                                               .step = step};
