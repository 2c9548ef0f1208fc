#include "integrations/splunk-app/native/igusage.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/instance.h"
#include "integrations/splunk-app/native/options.h"
#include "integrations/splunk-app/native/service.h"
#include "integrations/splunk-app/native/token.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum {
    ARENA_BYTES = 16 << 20,
    PAGE_ARENA_BYTES = 64 << 20, /* a reply of HTTP_REPLY_MAX and its JSON */
    PATH_BYTES = 4096,
    NAME_BYTES = 64,
    LIST_BYTES = 256, /* of names in a sentence */
    BY_BYTES = IGUSAGE_BY_MAX * (NAME_BYTES + 1),
    USUAL_DAYS = 31,
    ROWS_FEW = 2000, /* of a report: the next may be of twice the time */
    SLICES_MAX = 16, /* times the first */
};

#define DAY_US INT64_C(86400000000)

static const char *const before_dimensions[] = {"_time", "meter", "window", "period_end"};
static const char *const after_dimensions[] = {"quantity", "unit", "shown",          "shown_unit",
                                               "events",   "zone", "complete_up_to", "instance"};

enum {
    BEFORE = sizeof before_dimensions / sizeof before_dimensions[0],
    AFTER = sizeof after_dimensions / sizeof after_dimensions[0],
};

_Static_assert((int)BEFORE + (int)AFTER + (int)IGUSAGE_BY_MAX < (int)IGUSAGE_COLUMNS_MAX,
               "the columns and their end");

#define USAGE                                                                                      \
    "igusage [meter=<name>] [window=hour|day|month|billing] [by=<dimension,...>] "                 \
    "[instance=<name>]"
#define AT(member) offsetof(struct igusage, args.member)

static const struct option options[] = {
    {"meter", "meter=<name>", OPTION_TEXT, AT(meter), 1, NAME_BYTES},
    {"window", "window=hour|day|month|billing", OPTION_TEXT, AT(window), 1, NAME_BYTES},
    {"by", "by=<dimension,...>", OPTION_TEXT, AT(by), 1, BY_BYTES},
    {"instance", "instance=<name>", OPTION_TEXT, AT(instance), 1, SETTINGS_NAME_MAX},
};

void igusage_init(struct igusage *usage)
{
    *usage = (struct igusage){.args = {.window = STR("day")}};
    arena_init(&usage->arena, ARENA_BYTES);
    arena_init(&usage->page, PAGE_ARENA_BYTES);
}

void igusage_done(struct igusage *usage)
{
    http_client_free(usage->client);
    http_secret_done(&usage->token);
    arena_done(&usage->page);
    arena_done(&usage->arena);
}

/* --- arguments ------------------------------------------------------------------------------ */

static bool is_own_column(struct str name)
{
    for (size_t i = 0; i < BEFORE; i++)
        if (str_equal(name, str_of(before_dimensions[i])))
            return true;
    for (size_t i = 0; i < AFTER; i++)
        if (str_equal(name, str_of(after_dimensions[i])))
            return true;
    return false;
}

static enum fault_code add_dimension(struct igusage *usage, struct str name, struct fault *fault)
{
    struct str kept;
    if (name.len == 0)
        return fault_field(fault, FAULT_INPUT, "by",
                           "by= holds an empty name; it is a list like by=model,direction");
    if (is_own_column(name))
        return fault_field(fault, FAULT_INPUT, "by",
                           "by= holds \"%.*s\", which is a field of every row and no dimension",
                           STR_ARG(name));
    for (size_t i = 0; i < usage->by_count; i++)
        if (str_equal(name, str_of(usage->by[i])))
            return fault_field(fault, FAULT_INPUT, "by", "by= holds \"%.*s\" twice", STR_ARG(name));
    if (usage->by_count == IGUSAGE_BY_MAX)
        return fault_field(fault, FAULT_LIMIT, "by", "by= holds more than %d dimensions",
                           IGUSAGE_BY_MAX);
    kept = arena_copy(&usage->arena, name);
    if (!kept.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the arguments");
    usage->by[usage->by_count++] = kept.ptr;
    return FAULT_NONE;
}

/* Also decides the columns: what is told apart has a field of its own. */
static enum fault_code read_by(struct igusage *usage, struct fault *fault)
{
    struct str rest = usage->args.by;
    size_t count = 0;
    bool more = rest.len > 0;
    while (more) {
        struct str name;
        more = str_cut(rest, ',', &name, &rest);
        enum fault_code code = add_dimension(usage, str_trim(name), fault);
        if (code != FAULT_NONE)
            return code;
    }
    for (size_t i = 0; i < BEFORE; i++)
        usage->columns[count++] = before_dimensions[i];
    for (size_t i = 0; i < usage->by_count; i++)
        usage->columns[count++] = usage->by[i];
    for (size_t i = 0; i < AFTER; i++)
        usage->columns[count++] = after_dimensions[i];
    usage->columns[count] = NULL;
    return FAULT_NONE;
}

/* All time is the last 31 days: nobody means every hour since 1970. Nothing is counted in the
 * future, so that is not asked for. */
static enum fault_code read_range(struct igusage *usage, struct fault *fault)
{
    int64_t now_us = os_now_us();
    int64_t until_us = usage->info->latest_us > 0 ? usage->info->latest_us : now_us;
    if (until_us > now_us + DAY_US)
        until_us = now_us + DAY_US;
    usage->until_us = until_us;
    usage->from_us =
        usage->info->earliest_us > 0 ? usage->info->earliest_us : until_us - USUAL_DAYS * DAY_US;
    if (usage->from_us < 0)
        usage->from_us = 0;
    if (usage->from_us >= usage->until_us)
        return fault_field(fault, FAULT_INPUT, "earliest",
                           "nothing can have been used in the search's time range: it begins in "
                           "the future, or ends before it begins");
    return FAULT_NONE;
}

static enum fault_code start(void *state, const struct scp_getinfo *info, struct fault *fault)
{
    struct igusage *usage = state;
    usage->info = info;
    enum fault_code code =
        options_read(info, USAGE, options, sizeof options / sizeof options[0], usage, fault);
    if (code == FAULT_NONE)
        code = read_by(usage, fault);
    if (code == FAULT_NONE)
        code = read_range(usage, fault);
    if (code == FAULT_NONE)
        code = places_find(&usage->places, fault);
    if (code == FAULT_NONE)
        code = settings_read(&usage->places, usage->args.instance, &usage->arena, &usage->settings,
                             fault);
    return code;
}

/* --- asking --------------------------------------------------------------------------------- */

static enum fault_code is_other(const struct igusage *usage, struct fault *fault)
{
    fault->code = fault->code == FAULT_NO_MEMORY ? FAULT_NO_MEMORY : FAULT_UNAVAILABLE;
    return fault_prefix(fault, "what answers at %.*s is not this version's IntelGraph: ",
                        STR_ARG(usage->settings.url));
}

static enum fault_code get_meters(struct igusage *usage, struct fault *fault)
{
    struct str body;
    enum fault_code code = service_get(usage->client, "v1/meters", &usage->arena, &body, fault);
    if (code == FAULT_NONE &&
        usage_report_meters(&usage->arena, body, IGUSAGE_METERS_MAX, usage->meters,
                            &usage->meter_count, fault) != FAULT_NONE)
        code = is_other(usage, fault);
    return code;
}

static bool meter_has(const struct igusage *usage, size_t meter, const char *dimension)
{
    /* The service judges the dimensions of the one that was named. */
    return usage->args.meter.len > 0 ||
           usage_report_meter_has(&usage->meters[meter], str_of(dimension));
}

/* Each name once, though several meters may have it. */
static void list_dimensions(const struct igusage *usage, struct buf *list)
{
    for (size_t meter = 0; meter < usage->meter_count; meter++) {
        const struct json *each = json_first(usage->meters[meter].dimensions);
        for (; each; each = json_next(each)) {
            struct str name;
            bool told = !json_text(each, &name);
            for (size_t before = 0; before < meter && !told; before++)
                told = usage_report_meter_has(&usage->meters[before], name);
            if (told)
                continue;
            if (list->len > 0)
                buf_add_c(list, ", ");
            buf_add(list, name);
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
        list_dimensions(usage, &list);
        return fault_field(fault, FAULT_INPUT, "by",
                           "by= holds \"%s\", which is a dimension of no meter; there are %.*s",
                           usage->by[i], STR_ARG(buf_str(&list)));
    }
    return FAULT_NONE;
}

static int64_t first_slice_us(struct str window)
{
    if (str_equal(window, STR("hour")))
        return 2 * DAY_US;
    return str_equal(window, STR("day")) ? USUAL_DAYS * DAY_US : 366 * DAY_US;
}

static void begin_meter(struct igusage *usage)
{
    usage->next_us = usage->from_us;
    usage->slice_us = first_slice_us(usage->args.window);
}

static enum fault_code open_first(struct igusage *usage, struct fault *fault)
{
    struct token_session session = {.splunkd_uri = usage->info->splunkd_uri,
                                    .session_key = usage->info->session_key,
                                    .user = usage->info->username};
    enum fault_code code = token_obtain(&usage->places, &usage->settings, &session, TOKEN_READ,
                                        false, &usage->token, fault);
    if (code == FAULT_NONE)
        code = instance_client_new(&usage->places, &usage->settings, &usage->token, &usage->client,
                                   fault);
    if (code != FAULT_NONE)
        return code;
    begin_meter(usage);
    if (usage->args.meter.len > 0) {
        usage->meters[0] = (struct usage_report_meter){.name = usage->args.meter};
        usage->meter_count = 1;
        return FAULT_NONE;
    }
    code = get_meters(usage, fault);
    return code == FAULT_NONE ? check_dimensions(usage, fault) : code;
}

static void add_moment(struct buf *path, const char *name, int64_t us)
{
    char room[40];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    time_add_rfc3339(&text, us);
    service_add_query(path, name, buf_str(&text));
}

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
    add_moment(path, "from", usage->next_us);
    add_moment(path, "to", to_us);
    buf_add_byte(path, '\0');
    return buf_check(path, "the request for usage", fault);
}

/* What is sparse is asked for in longer parts. */
static void choose_slice(struct igusage *usage)
{
    if (usage->next_us > usage->from_us && usage->row_number < ROWS_FEW &&
        usage->slice_us < first_slice_us(usage->args.window) * SLICES_MAX)
        usage->slice_us *= 2;
}

/* A long range is asked for in parts, as a reply has a limit. Periods are whole at both ends of a
 * report, so the next part begins where the service says that this one ended. */
static enum fault_code get_slice(struct igusage *usage, struct fault *fault)
{
    struct buf path;
    struct str body;
    choose_slice(usage);
    int64_t left_us = usage->until_us - usage->next_us;
    int64_t to_us = usage->next_us + (left_us < usage->slice_us ? left_us : usage->slice_us);
    buf_init(&path, PATH_BYTES);
    arena_reset(&usage->page);
    usage->row = NULL;
    usage->row_number = 0;
    enum fault_code code = write_path(usage, to_us, &path, fault);
    if (code == FAULT_NONE)
        code = service_get(usage->client, path.ptr, &usage->page, &body, fault);
    buf_done(&path);
    if (code != FAULT_NONE)
        return code;
    if (usage_report_read(&usage->page, body, &usage->now, fault) != FAULT_NONE)
        return is_other(usage, fault);
    if (usage->now.to_us <= usage->next_us) {
        fault_set(fault, FAULT_UNAVAILABLE, "its report ends before it begins");
        return is_other(usage, fault);
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
        return is_other(usage, fault);
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

static enum fault_code next(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault)
{
    struct igusage *usage = state;
    (void)messages;
    (void)arena;
    enum fault_code code = usage->client ? FAULT_NONE : open_first(usage, fault);
    while (code == FAULT_NONE && !generating_is_full(rows) &&
           usage->meter_at < usage->meter_count) {
        if (usage->row) {
            code = put_row(usage, rows, fault);
        } else if (usage->next_us < usage->until_us) {
            code = get_slice(usage, fault);
        } else {
            usage->meter_at++;
            begin_meter(usage);
        }
    }
    *out_more = usage->meter_at < usage->meter_count;
    return code;
}

struct generating_source igusage_source(struct igusage *usage)
{
    return (struct generating_source){
        .name = "igusage", .columns = usage->columns, .state = usage, .start = start, .next = next};
}
