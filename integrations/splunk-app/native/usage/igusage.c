#include "integrations/splunk-app/native/usage/igusage.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/frame/options.h"
#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/peers/service.h"
#include "integrations/splunk-app/native/peers/token.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum {
    ARENA_BYTES = 64 << 20,      /* the budgets and their overrides, at most a reply each */
    PAGE_ARENA_BYTES = 64 << 20, /* a reply of HTTP_REPLY_MAX and its JSON */
    NAME_BYTES = 64,
    BUDGET_BYTES = 320, /* an id, or a name of 80 characters */
    LIST_BYTES = 256,   /* of names in a sentence */
    BY_BYTES = IGUSAGE_BY_MAX * (NAME_BYTES + 1),
    USUAL_DAYS = 31,
    ROWS_FEW = 2000, /* of a report: the next may be of twice the time */
    SLICES_MAX = 16, /* times the first */
    DECISIONS_MOST = 100000,
};

#define USAGE                                                                                      \
    "igusage [show=usage|cost|budgets|forecast|decisions|overrides] [meter=<name>] "               \
    "[window=hour|day|month|billing] [by=<dimension,...>] [budget=<name or id>] "                  \
    "[verdict=throttle|block] [limit=<rows>] [instance=<name>]"
#define AT(member) offsetof(struct igusage, args.member)

static const struct option options[] = {
    {"show", "show=usage|cost|budgets|forecast|decisions|overrides", OPTION_TEXT, AT(show), 1,
     NAME_BYTES},
    {"meter", "meter=<name>", OPTION_TEXT, AT(meter), 1, NAME_BYTES},
    {"window", "window=hour|day|month|billing", OPTION_TEXT, AT(window), 1, NAME_BYTES},
    {"by", "by=<dimension,...>", OPTION_TEXT, AT(by), 1, BY_BYTES},
    {"budget", "budget=<name or id>", OPTION_TEXT, AT(budget), 1, BUDGET_BYTES},
    {"verdict", "verdict=throttle|block", OPTION_TEXT, AT(verdict), 1, NAME_BYTES},
    {"limit", "limit=<1 to 100000>", OPTION_WHOLE, AT(limit), 1, DECISIONS_MOST},
    {"instance", "instance=<name>", OPTION_TEXT, AT(instance), 1, SETTINGS_NAME_MAX},
};

static const struct igusage_view *const views[] = {
    &igusage_view_usage,    &igusage_view_cost,      &igusage_view_budgets,
    &igusage_view_forecast, &igusage_view_decisions, &igusage_view_overrides,
};

enum { VIEWS = sizeof views / sizeof views[0] };

void igusage_init(struct igusage *usage)
{
    *usage = (struct igusage){.view = &igusage_view_usage};
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

static enum fault_code choose_view(struct igusage *usage, struct fault *fault)
{
    for (size_t i = 0; i < VIEWS && usage->args.show.len > 0; i++)
        if (str_equal(usage->args.show, str_of(views[i]->name))) {
            usage->view = views[i];
            return FAULT_NONE;
        }
    return usage->args.show.len == 0
               ? FAULT_NONE
               : fault_field(fault, FAULT_INPUT, "show",
                             "show= holds \"%.*s\"; it must be usage, cost, budgets, forecast, "
                             "decisions or overrides",
                             STR_ARG(str_take(usage->args.show, NAME_BYTES)));
}

/* What a view does not look at must not be believed to have narrowed it. */
static enum fault_code check_takes(const struct igusage *usage, struct fault *fault)
{
    const struct {
        const char *name;
        unsigned bit;
        bool given;
    } given[] = {
        {"meter", IGUSAGE_METER, usage->args.meter.len > 0},
        {"window", IGUSAGE_WINDOW, usage->args.window.len > 0},
        {"by", IGUSAGE_BY, usage->args.by.len > 0},
        {"budget", IGUSAGE_BUDGET, usage->args.budget.len > 0},
        {"verdict", IGUSAGE_VERDICT, usage->args.verdict.len > 0},
        {"limit", IGUSAGE_LIMIT, usage->args.limit > 0},
    };
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        char room[LIST_BYTES] = "";
        struct buf list = {.ptr = room, .room = sizeof room, .limit = sizeof room};
        if (!given[i].given || usage->view->takes & given[i].bit)
            continue;
        for (size_t view = 0; view < VIEWS; view++)
            if (views[view]->takes & given[i].bit)
                buf_addf(&list, "%sshow=%s", list.len ? ", " : "", views[view]->name);
        return fault_field(fault, FAULT_INPUT, given[i].name,
                           "%s= does not go with show=%s, but with %.*s", given[i].name,
                           usage->view->name, STR_ARG(buf_str(&list)));
    }
    return FAULT_NONE;
}

static bool is_in(const char *const *names, struct str name)
{
    for (; *names; names++)
        if (str_equal(name, str_of(*names)))
            return true;
    return false;
}

static enum fault_code add_dimension(struct igusage *usage, struct str name,
                                     const char *const *before, const char *const *after,
                                     const char *loose, struct fault *fault)
{
    struct str kept;
    if (name.len == 0)
        return fault_field(fault, FAULT_INPUT, "by",
                           "by= holds an empty name; it is a list like by=model,direction");
    if (loose && str_equal(name, str_of(loose)))
        return FAULT_NONE;
    if (is_in(before, name) || is_in(after, name))
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

enum fault_code igusage_columns(struct igusage *usage, const char *const *before,
                                const char *const *after, const char *loose, struct fault *fault)
{
    struct str rest = usage->args.by;
    size_t count = 0;
    bool more = rest.len > 0;
    while (more) {
        struct str name;
        more = str_cut(rest, ',', &name, &rest);
        enum fault_code code = add_dimension(usage, str_trim(name), before, after, loose, fault);
        if (code != FAULT_NONE)
            return code;
    }
    for (; *before; before++)
        usage->columns[count++] = *before;
    for (size_t i = 0; i < usage->by_count; i++)
        usage->columns[count++] = usage->by[i];
    for (; *after; after++)
        usage->columns[count++] = *after;
    usage->columns[count] = NULL;
    return FAULT_NONE;
}

/* All time is the last 31 days: nobody means every hour since 1970. Nothing is counted in the
 * future, so that is not asked for. */
static enum fault_code read_range(struct igusage *usage, struct fault *fault)
{
    int64_t now_us = os_now_us();
    int64_t until_us = usage->info->latest_us > 0 ? usage->info->latest_us : now_us;
    if (until_us > now_us + IGUSAGE_DAY_US)
        until_us = now_us + IGUSAGE_DAY_US;
    usage->until_us = until_us;
    usage->from_us = usage->info->earliest_us > 0 ? usage->info->earliest_us
                                                  : until_us - USUAL_DAYS * IGUSAGE_DAY_US;
    if (usage->from_us < 0)
        usage->from_us = 0;
    if (usage->from_us >= usage->until_us && usage->view->is_of_a_time)
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
        code = choose_view(usage, fault);
    if (code == FAULT_NONE)
        code = check_takes(usage, fault);
    if (code == FAULT_NONE && usage->args.window.len == 0)
        usage->args.window = str_of(usage->view->window);
    if (code == FAULT_NONE)
        code = usage->view->prepare(usage, fault);
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

enum fault_code igusage_is_other(const struct igusage *usage, struct fault *fault)
{
    fault->code = fault->code == FAULT_NO_MEMORY ? FAULT_NO_MEMORY : FAULT_UNAVAILABLE;
    return fault_prefix(fault, "what answers at %.*s is not this version's IntelGraph: ",
                        STR_ARG(usage->settings.url));
}

enum fault_code igusage_get(struct igusage *usage, const char *path, struct arena *arena,
                            const struct json **out, struct fault *fault)
{
    struct str body;
    const struct json *top = NULL;
    enum fault_code code = service_get(usage->client, path, arena, &body, fault);
    if (code != FAULT_NONE)
        return code;
    if (json_read(arena, body, &top, fault) != FAULT_NONE)
        return igusage_is_other(usage, fault);
    *out = top;
    return FAULT_NONE;
}

enum fault_code igusage_get_meters(struct igusage *usage, struct fault *fault)
{
    struct str body;
    enum fault_code code = service_get(usage->client, "v1/meters", &usage->arena, &body, fault);
    if (code == FAULT_NONE &&
        usage_report_meters(&usage->arena, body, IGUSAGE_METERS_MAX, usage->meters,
                            &usage->meter_count, fault) != FAULT_NONE)
        code = igusage_is_other(usage, fault);
    return code;
}

static enum fault_code sign_in(struct igusage *usage, struct fault *fault)
{
    struct token_session session = {.splunkd_uri = usage->info->splunkd_uri,
                                    .session_key = usage->info->session_key,
                                    .user = usage->info->username};
    enum fault_code code = token_obtain(&usage->places, &usage->settings, &session, TOKEN_READ,
                                        false, &usage->token, fault);
    return code == FAULT_NONE ? instance_client_new(&usage->places, &usage->settings, &usage->token,
                                                    &usage->client, fault)
                              : code;
}

/* --- sentences ------------------------------------------------------------------------------ */

void igusage_add_name(struct buf *list, const char *quote, struct str name)
{
    static const char more[] = ", ...";
    size_t len = strlen(", ") + name.len + 2 * strlen(quote);
    if (list->len > 0 && str_ends(buf_str(list), STR("...")))
        return;
    if (list->len + len + sizeof more > list->limit)
        buf_add_c(list, list->len > 0 ? more : "...");
    else
        buf_addf(list, "%s%s%.*s%s", list->len > 0 ? ", " : "", quote, STR_ARG(name), quote);
}

/* --- parts of a range ----------------------------------------------------------------------- */

static int64_t first_slice_us(struct str window)
{
    if (str_equal(window, STR("hour")))
        return 2 * IGUSAGE_DAY_US;
    return str_equal(window, STR("day")) ? USUAL_DAYS * IGUSAGE_DAY_US : 366 * IGUSAGE_DAY_US;
}

void igusage_begin_range(struct igusage *usage)
{
    usage->next_us = usage->from_us;
    usage->slice_us = first_slice_us(usage->args.window);
}

static int64_t period_us(struct str window)
{
    if (str_equal(window, STR("hour")))
        return IGUSAGE_DAY_US / 24;
    return str_equal(window, STR("day")) ? IGUSAGE_DAY_US : 28 * IGUSAGE_DAY_US;
}

/* What is sparse is asked for in longer parts. */
int64_t igusage_slice_end(struct igusage *usage)
{
    if (usage->next_us > usage->from_us && usage->row_number < ROWS_FEW) {
        int64_t most_us = first_slice_us(usage->args.window) * SLICES_MAX;
        int64_t longer_us = usage->slice_us * 2;
        if (longer_us < period_us(usage->args.window))
            longer_us = period_us(usage->args.window);
        usage->slice_us = longer_us < most_us ? longer_us : most_us;
    }
    usage->row_number = 0;
    int64_t left_us = usage->until_us - usage->next_us;
    return usage->next_us + (left_us < usage->slice_us ? left_us : usage->slice_us);
}

/* Shorter than a period is the one that it lies in, as periods are whole at both ends. */
enum fault_code igusage_slice_cut(struct igusage *usage, struct fault *fault)
{
    int64_t least_us = period_us(usage->args.window);
    if (usage->slice_us <= IGUSAGE_INSTANT_US)
        return fault_field(fault, FAULT_LIMIT, "by",
                           "one period of window=%.*s has more rows than an answer of IntelGraph "
                           "holds; fewer dimensions in by= make it less",
                           STR_ARG(usage->args.window));
    int64_t left_us = usage->until_us - usage->next_us;
    int64_t asked_us = left_us < usage->slice_us ? left_us : usage->slice_us;
    usage->slice_us = asked_us / 2 >= least_us ? asked_us / 2 : IGUSAGE_INSTANT_US;
    usage->row_number = ROWS_FEW; /* not sparse */
    return FAULT_NONE;
}

void igusage_add_moment(struct buf *path, const char *name, int64_t us)
{
    char room[40];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    time_add_rfc3339(&text, us);
    service_add_query(path, name, buf_str(&text));
}

/* --- rows ----------------------------------------------------------------------------------- */

static enum fault_code next(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault)
{
    struct igusage *usage = state;
    enum fault_code code = FAULT_NONE;
    (void)arena;
    if (!usage->client) {
        code = sign_in(usage, fault);
        if (code == FAULT_NONE)
            code = usage->view->open(usage, messages, fault);
    }
    while (code == FAULT_NONE && !usage->ended && !generating_is_full(rows))
        code = usage->view->step(usage, rows, messages, fault);
    *out_more = !usage->ended;
    return code;
}

struct generating_source igusage_source(struct igusage *usage)
{
    return (struct generating_source){
        .name = "igusage", .columns = usage->columns, .state = usage, .start = start, .next = next};
}
