#include "integrations/splunk-app/native/doctor/igdoctor.h"

#include "integrations/splunk-app/native/frame/options.h"
#include "libs/core/os.h"

enum { ARENA_BYTES = 4 << 20 };

static const char *const columns[] = {"instance", "check", "status", "value", "cure", NULL};

#define USAGE "igdoctor [instance=<name>]"

static const struct option options[] = {
    {"instance", "instance=<name>", OPTION_TEXT, offsetof(struct igdoctor, args.instance), 1,
     SETTINGS_NAME_MAX},
};

void igdoctor_init(struct igdoctor *igdoctor)
{
    *igdoctor = (struct igdoctor){.row = DOCTOR_CHECK_COUNT};
    arena_init(&igdoctor->arena, ARENA_BYTES);
}

void igdoctor_done(struct igdoctor *igdoctor)
{
    arena_done(&igdoctor->arena);
}

/* The conf is not read here: what is wrong with it is a row. */
static enum fault_code start(void *state, const struct scp_getinfo *info, struct fault *fault)
{
    struct igdoctor *igdoctor = state;
    igdoctor->info = info;
    enum fault_code code =
        options_read(info, USAGE, options, sizeof options / sizeof options[0], igdoctor, fault);
    return code == FAULT_NONE ? places_find(&igdoctor->places, fault) : code;
}

/* The one that is named, else all; when the conf cannot be read, the default one, whose first row
 * says why. */
static enum fault_code choose(struct igdoctor *igdoctor, struct fault *fault)
{
    struct fault reading;
    size_t count = 0;
    igdoctor->until_us = os_monotonic_us() + (int64_t)DOCTOR_ALL_MS * 1000;
    igdoctor->doctor = arena_alloc(&igdoctor->arena, sizeof *igdoctor->doctor);
    if (!igdoctor->doctor)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the checks");
    if (igdoctor->args.instance.len == 0 &&
        settings_list(&igdoctor->places, &igdoctor->arena, &igdoctor->names, &count, &reading) ==
            FAULT_NONE &&
        count > 0) {
        igdoctor->count = count;
        return FAULT_NONE;
    }
    igdoctor->names = arena_alloc(&igdoctor->arena, sizeof *igdoctor->names);
    if (!igdoctor->names)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the checks");
    igdoctor->names[0] = igdoctor->args.instance.len ? igdoctor->args.instance : STR("default");
    igdoctor->count = 1;
    return FAULT_NONE;
}

static void put_row(const struct igdoctor *igdoctor, struct generating_rows *rows, int check)
{
    const struct doctor_row *row = &igdoctor->doctor->rows[check];
    generating_put(rows, igdoctor->names[igdoctor->at - 1]);
    generating_put(rows, str_of(doctor_check_name((enum doctor_check)check)));
    generating_put(rows, str_of(doctor_status_name(row->status)));
    generating_put(rows, str_of(row->value));
    generating_put(rows, str_of(row->cure));
}

/* An instance a reply, so that what was found of one shows while the next is looked at. */
static enum fault_code next(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault)
{
    struct igdoctor *igdoctor = state;
    (void)messages;
    (void)arena;
    enum fault_code code = igdoctor->names ? FAULT_NONE : choose(igdoctor, fault);
    if (code != FAULT_NONE)
        return code;
    if (igdoctor->row == DOCTOR_CHECK_COUNT) {
        struct str name = igdoctor->names[igdoctor->at++];
        doctor_run(igdoctor->doctor, &igdoctor->places, igdoctor->info, name,
                   igdoctor->args.instance.len > 0, igdoctor->until_us);
        doctor_done(igdoctor->doctor);
        igdoctor->row = 0;
    }
    while (igdoctor->row < DOCTOR_CHECK_COUNT && !generating_is_full(rows))
        put_row(igdoctor, rows, igdoctor->row++);
    *out_more = igdoctor->row < DOCTOR_CHECK_COUNT || igdoctor->at < igdoctor->count;
    return FAULT_NONE;
}

struct generating_source igdoctor_source(struct igdoctor *igdoctor)
{
    return (struct generating_source){
        .name = "igdoctor", .columns = columns, .state = igdoctor, .start = start, .next = next};
}
