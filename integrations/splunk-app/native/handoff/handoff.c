#include "integrations/splunk-app/native/handoff/handoff.h"

#include "integrations/splunk-app/native/handoff/handoff_rows.h"
#include "integrations/splunk-app/native/handoff/origin.h"

#include <stdio.h>

#include "libs/text/json_write.h"

enum {
    ARENA_BYTES = 16 << 20,
};

static const char *const added_columns[] = {"intelgraph_url", "intelgraph_entities",
                                            "intelgraph_status", NULL};

void handoff_init(struct handoff *handoff)
{
    *handoff = (struct handoff){0};
    arena_init(&handoff->arena, ARENA_BYTES);
    collect_init(&handoff->collect);
    rows_init(&handoff->rows, added_columns);
}

void handoff_done(struct handoff *handoff)
{
    rows_done(&handoff->rows);
    collect_done(&handoff->collect);
    arena_done(&handoff->arena);
}

/* --- start: getinfo ------------------------------------------------------------------------ */

static void add_required_fields(const struct handoff *handoff, struct buf *out_members)
{
    struct json_out out = json_out_to(out_members);
    json_put_text(&out, "type", STR("stateful"));
    json_open_at(&out, "required_fields", '[');
    for (size_t i = 0; i < COLLECT_EVENT_COLUMNS; i++)
        json_put_text(&out, NULL, str_of(collect_event_columns[i]));
    const struct collect *collect = &handoff->collect;
    for (size_t i = 0; i < graph_mapping_count(collect->mapping); i++)
        if (!collect->wanted || collect->wanted[i])
            json_put_text(&out, NULL, graph_mapping_at(collect->mapping, i)->name);
    json_close(&out, ']');
}

/* splunkd starts a command several times for one search and uses most starts for getinfo only: here
 * conf and lookup are read and nothing else is touched. */
static enum fault_code start(void *state, const struct scp_getinfo *info, struct buf *out_members,
                             struct fault *fault)
{
    struct handoff *handoff = state;
    handoff->info = info;
    enum fault_code code = args_read(info, &handoff->args, fault);
    if (code == FAULT_NONE)
        code = places_find(&handoff->places, fault);
    if (code == FAULT_NONE)
        code = settings_read(&handoff->places, handoff->args.instance, &handoff->arena,
                             &handoff->settings, fault);
    if (code == FAULT_NONE)
        code =
            collect_open(&handoff->collect, &handoff->places, &handoff->settings,
                         handoff->args.fields, handoff->args.field_count, &handoff->arena, fault);
    if (code == FAULT_NONE)
        add_required_fields(handoff, out_members);
    return code;
}

/* --- first execute ------------------------------------------------------------------------- */

static enum fault_code identify(struct handoff *handoff, struct fault *fault)
{
    const struct scp_getinfo *info = handoff->info;
    struct buf command;
    buf_init(&command, WIRE_COMMAND_MAX);
    args_add_canonical(&handoff->args, &command);
    const struct origin origin = {
        .sid = info->sid,
        .command = buf_str(&command),
        .user = info->username.len ? info->username : info->owner,
        .app = info->app,
        .search = info->search,
        .title = handoff->args.title,
        .investigation = handoff->args.investigation,
        .earliest_us = info->earliest_us,
        .latest_us = info->latest_us,
    };
    enum fault_code code = buf_check(&command, "the command with its arguments", fault);
    if (code == FAULT_NONE)
        code = origin_name(&origin, &handoff->settings, &handoff->arena, handoff->id,
                           &handoff->wire, fault);
    buf_done(&command);
    if (code == FAULT_NONE)
        link_write(&handoff->settings, str_of(handoff->id), handoff->link);
    return code;
}

static enum fault_code begin(struct handoff *handoff, struct fault *fault)
{
    int64_t entities =
        handoff->args.max_entities ? handoff->args.max_entities : handoff->settings.max_entities;
    enum fault_code code = sha256_ready(fault);
    if (code == FAULT_NONE)
        code = identify(handoff, fault);
    return code == FAULT_NONE ? collect_begin(&handoff->collect, entities, fault) : code;
}

/* --- the end ------------------------------------------------------------------------------- */

static void say_left_out(const struct handoff *handoff, struct command_messages *messages)
{
    struct graph_counts counts = graph_counts(handoff->collect.graph);
    unsigned long long values = counts.entities_left_out;
    unsigned long long relations = counts.relations_left_out;
    long long limit =
        handoff->args.max_entities ? handoff->args.max_entities : handoff->settings.max_entities;
    if (values > 0 || relations > 0)
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: %llu %s and %llu %s were left out: the limit of %lld entities "
                    "(maxentities=) is reached. Their rows say \"limited\".",
                    values, command_plural(values, "value", "values"), relations,
                    command_plural(relations, "relation", "relations"), limit);
    if (counts.invalid > 0)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph: %llu of %llu values left out: not what their field should hold.",
                    (unsigned long long)counts.invalid, (unsigned long long)counts.values);
}

static void say_dry_run(const struct graph *graph, struct command_messages *messages)
{
    size_t entities = graph_entity_count(graph);
    size_t relations = graph_relation_count(graph);
    unsigned long long rows = graph_counts(graph).rows;
    command_say(messages, COMMAND_INFO,
                "IntelGraph, dry run: %zu %s and %zu %s from %llu %s would be handed off; nothing "
                "was sent.",
                entities, command_plural(entities, "entity", "entities"), relations,
                command_plural(relations, "relation", "relations"), rows,
                command_plural(rows, "row", "rows"));
}

static enum fault_code deliver(struct handoff *handoff, struct arena *arena,
                               struct command_messages *messages, struct fault *fault)
{
    static const enum handoff_status outcomes[] = {
        [DELIVERY_SENT] = HANDOFF_SENT,       [DELIVERY_DUPLICATE] = HANDOFF_SENT,
        [DELIVERY_QUEUED] = HANDOFF_QUEUED,   [DELIVERY_THROTTLED] = HANDOFF_QUEUED,
        [DELIVERY_BLOCKED] = HANDOFF_BLOCKED, [DELIVERY_REFUSED] = HANDOFF_REFUSED,
        [DELIVERY_LOST] = HANDOFF_FAILED,
    };
    const struct token_session session = {
        .splunkd_uri = handoff->info->splunkd_uri,
        .session_key = handoff->info->session_key,
        .user = handoff->wire.user,
    };
    struct delivery delivery;
    enum fault_code code = delivery_run(
        &handoff->places, &handoff->settings, &session, &handoff->wire, handoff->collect.graph,
        handoff->collect.mapping, arena, messages, &delivery, fault);
    if (code == FAULT_NONE)
        handoff->outcome = outcomes[delivery.result];
    return code;
}

static enum fault_code finish(struct handoff *handoff, struct arena *arena,
                              struct command_messages *messages, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    handoff->ended = true;
    if (handoff->args.dryrun) {
        handoff->outcome = HANDOFF_DRYRUN;
        say_dry_run(handoff->collect.graph, messages);
    } else if (handoff->info->preview) {
        handoff->outcome = HANDOFF_PREVIEW;
    } else if (graph_entity_count(handoff->collect.graph) == 0) {
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: nothing to hand off: no row has a value that IntelGraph knows. "
                    "The fields it looks at are listed in lookups/intelgraph_fields.csv.");
    } else {
        code = deliver(handoff, arena, messages, fault);
    }
    say_left_out(handoff, messages);
    policy_say(&handoff->collect.policy, handoff->collect.graph, handoff->args.dryrun, messages);
    return code;
}

static enum fault_code execute(void *state, struct str body, bool finished, struct arena *arena,
                               struct command_reply *out, struct fault *fault)
{
    struct handoff *handoff = state;
    enum fault_code code = handoff->collect.graph ? FAULT_NONE : begin(handoff, fault);
    if (code == FAULT_NONE)
        code = handoff_rows_take(handoff, body, arena, fault);
    if (code == FAULT_NONE && finished && !handoff->ended)
        code = finish(handoff, arena, &out->messages, fault);
    handoff->has_link = code == FAULT_NONE && !handoff->args.dryrun && !handoff->info->preview &&
                        graph_entity_count(handoff->collect.graph) > 0;
    out->rows = body.len > 0 ? &handoff->rows : NULL;
    out->cells = handoff_rows_cells;
    out->context = handoff;
    return code;
}

struct command handoff_command(struct handoff *handoff)
{
    return (struct command){
        .name = "ighandoff", .state = handoff, .start = start, .execute = execute};
}
