#include "integrations/splunk-app/native/alert/alert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/alert/alert_payload.h"
#include "integrations/splunk-app/native/alert/modaction.h"
#include "integrations/splunk-app/native/alert/results.h"
#include "integrations/splunk-app/native/delivery/delivery.h"
#include "integrations/splunk-app/native/handoff/collect.h"
#include "integrations/splunk-app/native/handoff/origin.h"
#include "libs/core/file.h"
#include "libs/core/os.h"

enum {
    ARENA_BYTES = 128 << 20,           /* the payload twice, settings, receipts */
    BLOCK_ARENA_BYTES = 4 * (64 << 20) /* of one block of rows */
};
#define NO_COLUMN UINT32_MAX

static const char *const no_columns_added[] = {NULL};

struct alert {
    struct arena arena; /* lives as long as the action */
    struct arena block; /* of one block of rows; then of the delivery */
    struct places places;
    struct settings settings;
    struct alert_payload payload;
    struct args args;
    struct collect collect;
    struct rows rows;
    struct results results;
    struct wire_handoff wire;
    char id[WIRE_ID_HEX + 1];
    struct modaction action;
    struct command_messages messages;
};

static void alert_init(struct alert *alert)
{
    memset(alert, 0, sizeof *alert);
    arena_init(&alert->arena, ARENA_BYTES);
    arena_init(&alert->block, BLOCK_ARENA_BYTES);
    collect_init(&alert->collect);
    rows_init(&alert->rows, no_columns_added);
    alert->action.payload = &alert->payload;
}

static void alert_done(struct alert *alert)
{
    rows_done(&alert->rows);
    collect_done(&alert->collect);
    arena_done(&alert->block);
    arena_wipe(&alert->arena); /* the session key was in it */
}

/* --- the payload --------------------------------------------------------------------------- */

static enum fault_code read_input(int fd, struct buf *out, struct fault *fault)
{
    for (;;) {
        enum { STEP = 64 << 10 };
        char *end = buf_reserve(out, STEP);
        if (!end)
            return buf_check(out, "the alert's payload", fault);
        ssize_t len = os_read(fd, end, STEP);
        if (len < 0)
            return fault_set(fault, FAULT_IO, "the alert's payload cannot be read");
        if (len == 0)
            return FAULT_NONE;
        buf_extend(out, (size_t)len);
    }
}

static enum fault_code read_payload(struct alert *alert, int in_fd, struct fault *fault)
{
    struct buf input;
    buf_init(&input, ALERT_PAYLOAD_MAX);
    enum fault_code code = read_input(in_fd, &input, fault);
    if (code == FAULT_NONE)
        code = alert_payload_read(&alert->arena, buf_str(&input), &alert->payload, fault);
    if (input.ptr)
        explicit_bzero(input.ptr, input.len); /* it holds a session key */
    buf_done(&input);
    return code;
}

/* --- preparing ----------------------------------------------------------------------------- */

static enum fault_code identify(struct alert *alert, struct fault *fault)
{
    const struct alert_payload *payload = &alert->payload;
    struct buf command;
    buf_init(&command, WIRE_COMMAND_MAX);
    alert_payload_add_canonical(payload, &alert->args, &command);
    const struct origin origin = {
        .sid = payload->sid,
        .command = buf_str(&command),
        .user = payload->user,
        .app = payload->app,
        .title = alert->args.title,
        .investigation = alert->args.investigation,
    };
    enum fault_code code = buf_check(&command, "the action with its parameters", fault);
    if (code == FAULT_NONE)
        code =
            origin_name(&origin, &alert->settings, &alert->arena, alert->id, &alert->wire, fault);
    buf_done(&command);
    return code;
}

static enum fault_code prepare(struct alert *alert, struct fault *fault)
{
    const struct args *args = &alert->args;
    enum fault_code code =
        alert_payload_parameters(&alert->payload, &alert->arena, &alert->args, fault);
    if (code == FAULT_NONE)
        code =
            settings_read(&alert->places, args->instance, &alert->arena, &alert->settings, fault);
    if (code == FAULT_NONE)
        code = collect_open(&alert->collect, &alert->places, &alert->settings, args->fields,
                            args->field_count, &alert->arena, fault);
    if (code == FAULT_NONE)
        code = sha256_ready(fault);
    if (code == FAULT_NONE)
        code = identify(alert, fault);
    if (code == FAULT_NONE)
        code = collect_begin(&alert->collect,
                             args->max_entities ? args->max_entities : alert->settings.max_entities,
                             fault);
    return code;
}

/* --- results ------------------------------------------------------------------------------- */

static enum fault_code read_file(void *context, char *out, size_t room, size_t *out_len,
                                 struct fault *fault)
{
    ssize_t len = os_read(*(const int *)context, out, room);
    if (len < 0)
        return fault_set(fault, FAULT_IO, "it cannot be read");
    *out_len = (size_t)len;
    return FAULT_NONE;
}

/* The first result tells whether it came out of an earlier action. */
static enum fault_code note_origin(struct alert *alert, struct fault *fault)
{
    static const char *const names[] = {"orig_sid", "rid", "orig_rid"};
    struct str *const out[] = {&alert->action.orig_sid, &alert->action.rid,
                               &alert->action.orig_rid};
    const struct rows *rows = &alert->rows;
    for (uint32_t at = 0; at < rows->room; at++) {
        for (size_t i = 0; i < 3; i++) {
            if (!str_equal(rows->columns[at], str_of(names[i])))
                continue;
            struct str value = scp_cell_value(rows_cell(rows, at), &alert->block);
            *out[i] = arena_copy(&alert->arena, str_take(value, 256));
            if (!out[i]->ptr)
                return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a field");
        }
    }
    return FAULT_NONE;
}

static enum fault_code take_block(struct alert *alert, struct str block, struct fault *fault)
{
    struct rows *rows = &alert->rows;
    bool more = true;
    bool is_first = graph_counts(alert->collect.graph).rows == 0;
    enum fault_code code = rows_begin(rows, block, &alert->block, fault);
    if (code == FAULT_NONE)
        code = collect_columns(&alert->collect, rows, &alert->block, fault);
    if (code == FAULT_NONE && is_first)
        rows_need(rows, rows->column_count);
    while (code == FAULT_NONE && more) {
        struct graph_row_counts counts;
        code = rows_next(rows, &more, fault);
        if (code == FAULT_NONE && more && is_first && rows->row_count == 1)
            code = note_origin(alert, fault);
        if (code == FAULT_NONE && more)
            code = collect_row(&alert->collect, rows, &alert->block, &counts, fault);
    }
    return code;
}

static enum fault_code take_blocks(struct alert *alert, struct fault *fault)
{
    struct str block;
    bool more = true;
    for (;;) {
        unsigned long long before = graph_counts(alert->collect.graph).rows;
        enum fault_code code = results_next(&alert->results, &block, &more, fault);
        if (code != FAULT_NONE || !more)
            return code;
        code = take_block(alert, block, fault);
        arena_reset(&alert->block);
        if (code != FAULT_NONE)
            return before ? fault_prefix(fault, "behind row %llu: ", before) : code;
    }
}

/* Takes the whole file. O_NONBLOCK: what is no file (a pipe) must not hold the action up. */
static enum fault_code take_results(struct alert *alert, struct fault *fault)
{
    char path[PATH_MAX];
    struct str file = alert->payload.results_file;
    if (!str_to_c(file, path, sizeof path) || path[0] != '/')
        return fault_set(fault, FAULT_INPUT,
                         "the alert's payload: \"results_file\" is not the path of a file");
    int fd = os_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0)
        return fault_set(fault, FAULT_NOT_FOUND,
                         "the results file %s cannot be opened: %s. The search may have expired; "
                         "run it again",
                         path, strerror(errno));
    enum fault_code code = results_init(&alert->results, read_file, &fd, fault);
    if (code == FAULT_NONE) {
        code = take_blocks(alert, fault);
        results_done(&alert->results);
    }
    os_close(fd);
    return code == FAULT_NONE ? code : fault_prefix(fault, "the results file %s: ", path);
}

/* --- the end ------------------------------------------------------------------------------- */

static void say_left_out(struct alert *alert)
{
    struct graph_counts counts = graph_counts(alert->collect.graph);
    unsigned long long values = counts.entities_left_out;
    unsigned long long relations = counts.relations_left_out;
    if (values > 0 || relations > 0)
        command_say(&alert->messages, COMMAND_WARN,
                    "IntelGraph: %llu %s and %llu %s were left out: the limit of entities "
                    "(maxentities) is reached.",
                    values, command_plural(values, "value", "values"), relations,
                    command_plural(relations, "relation", "relations"));
    if (counts.invalid > 0)
        command_say(&alert->messages, COMMAND_INFO,
                    "IntelGraph: %llu of %llu values left out: not what their field should hold.",
                    (unsigned long long)counts.invalid, (unsigned long long)counts.values);
    policy_say(&alert->collect.policy, alert->collect.graph, alert->args.dryrun, &alert->messages);
}

/* What would go out, by kind: the values themselves stay out of Splunk's logs. */
static void say_dry_run(struct alert *alert)
{
    const struct graph *graph = alert->collect.graph;
    size_t of_kind[GRAPH_KIND_COUNT] = {0};
    struct buf kinds;
    buf_init(&kinds, 512);
    for (size_t i = 0; i < graph_entity_count(graph); i++)
        of_kind[graph_entity_at(graph, i)->kind]++;
    for (size_t i = 0; i < GRAPH_KIND_COUNT; i++)
        if (of_kind[i] > 0)
            buf_addf(&kinds, "%s%zu %s", kinds.len ? ", " : "", of_kind[i],
                     graph_kind_info((enum graph_kind)i)->name);
    size_t entities = graph_entity_count(graph);
    size_t relations = graph_relation_count(graph);
    unsigned long long rows = graph_counts(graph).rows;
    command_say(&alert->messages, COMMAND_INFO,
                "IntelGraph, dry run: %zu %s (%.*s) and %zu %s from %llu %s would be handed off to "
                "%.*s; nothing was sent.",
                entities, command_plural(entities, "entity", "entities"), STR_ARG(buf_str(&kinds)),
                relations, command_plural(relations, "relation", "relations"), rows,
                command_plural(rows, "result", "results"), STR_ARG(alert->settings.url));
    buf_done(&kinds);
}

static enum alert_status status_of(const struct delivery *delivery)
{
    switch (delivery->result) {
    case DELIVERY_SENT:
    case DELIVERY_DUPLICATE:
        return ALERT_DONE;
    case DELIVERY_QUEUED:
        return delivery->why == FAULT_UNSIGNED || delivery->why == FAULT_DENIED ? ALERT_SIGN_IN
                                                                                : ALERT_QUEUED;
    case DELIVERY_THROTTLED:
    case DELIVERY_BLOCKED:
        return ALERT_BUDGET;
    case DELIVERY_REFUSED:
        return ALERT_REFUSED;
    default:
        return ALERT_LOST;
    }
}

static enum fault_code finish(struct alert *alert, enum alert_status *out_status,
                              struct fault *fault)
{
    const struct graph *graph = alert->collect.graph;
    struct delivery delivery = {0};
    unsigned long long rows = graph_counts(graph).rows;
    *out_status = ALERT_DONE;
    if (graph_entity_count(graph) == 0) {
        command_say(&alert->messages, COMMAND_WARN,
                    "IntelGraph: nothing to hand off: of %llu %s, none has a value that IntelGraph "
                    "knows. The fields it looks at are listed in lookups/intelgraph_fields.csv.",
                    rows, command_plural(rows, "result", "results"));
    } else if (alert->args.dryrun) {
        say_dry_run(alert);
    } else {
        const struct token_session session = {
            .splunkd_uri = alert->payload.server_uri,
            .session_key = alert->payload.session_key,
            .user = alert->payload.user,
        };
        enum fault_code code =
            delivery_run(&alert->places, &alert->settings, &session, &alert->wire, graph,
                         alert->collect.mapping, &alert->block, &alert->messages, &delivery, fault);
        if (code != FAULT_NONE)
            return code;
        *out_status = status_of(&delivery);
    }
    say_left_out(alert);
    return FAULT_NONE;
}

/* --- all ----------------------------------------------------------------------------------- */

static enum alert_status act(struct alert *alert, struct fault *fault)
{
    enum alert_status status;
    if (modaction_log(&alert->action, &alert->places, COMMAND_INFO, STR("Invoking modular action"),
                      "", fault) != FAULT_NONE)
        return ALERT_FAILED;
    if (prepare(alert, fault) != FAULT_NONE)
        return fault->code == FAULT_NO_MEMORY ? ALERT_FAILED : ALERT_CONFIG;
    if (take_results(alert, fault) != FAULT_NONE)
        return fault->code == FAULT_NO_MEMORY ? ALERT_FAILED : ALERT_RESULTS;
    if (finish(alert, &status, fault) != FAULT_NONE)
        return ALERT_FAILED;
    return status;
}

static void write_line(int fd, enum command_level level, const char *text)
{
    static const char *const names[] = {"INFO", "WARN", "ERROR"};
    char line[COMMAND_MESSAGE_BYTES + 16];
    struct fault ignored;
    int len = snprintf(line, sizeof line, "%s %s", names[level], text);
    struct str whole = {line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1};
    for (size_t i = 0; i < whole.len; i++)
        line[i] = (unsigned char)line[i] < 0x20 ? ' ' : line[i];
    line[whole.len] = '\n';
    whole.len++;
    if (file_write_all(fd, whole, "standard error", &ignored) != FAULT_NONE)
        return; /* nobody reads it: the record and the action's log say it too */
}

/* Tells splunkd's log, and Enterprise Security's, what became of it. */
static void tell(struct alert *alert, int err_fd, enum alert_status status)
{
    struct fault fault;
    for (size_t i = 0; i < alert->messages.count; i++) {
        const struct command_message *message = &alert->messages.list[i];
        bool is_last = i + 1 == alert->messages.count;
        const char *word = !is_last ? "" : status == ALERT_DONE ? "success" : "failure";
        write_line(err_fd, message->level, message->text);
        if (alert->payload.sid.len == 0)
            continue; /* no payload, nothing to show it beside */
        if (modaction_log(&alert->action, &alert->places, message->level, str_of(message->text),
                          word, &fault) != FAULT_NONE)
            write_line(err_fd, COMMAND_WARN, fault.text);
    }
}

enum alert_status alert_run(int in_fd, int err_fd)
{
    struct alert alert;
    struct fault fault;
    enum alert_status status = ALERT_DONE;
    alert_init(&alert);
    enum fault_code code = places_find(&alert.places, &fault);
    if (code != FAULT_NONE)
        status = ALERT_CONFIG;
    if (code == FAULT_NONE) {
        code = read_payload(&alert, in_fd, &fault);
        status = code == FAULT_NO_MEMORY ? ALERT_FAILED : ALERT_PAYLOAD;
    }
    if (code == FAULT_NONE)
        status = act(&alert, &fault);
    bool is_told = status == ALERT_DONE || status >= ALERT_SIGN_IN;
    if (!is_told)
        command_say(&alert.messages, COMMAND_ERROR, "IntelGraph: nothing was handed off: %s",
                    fault.text);
    tell(&alert, err_fd, status);
    alert_done(&alert);
    return status;
}
