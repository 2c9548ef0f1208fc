#include "integrations/splunk-app/native/handoff.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/scp/multivalue.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"

enum {
    ARENA_BYTES = 16 << 20,
    LOOKUP_BYTES_MAX = 4 << 20,
    RELATIONS_PER_ENTITY = 4, /* room for relations, in proportion to that for entities */
    STATUS_SHIFT = 24,        /* a row's tag: status above, number of entities below */
    ENTITIES_SHOWN_MAX = (1 << STATUS_SHIFT) - 1,
};
#define NO_COLUMN UINT32_MAX

static const char *const added_columns[] = {"intelgraph_url", "intelgraph_entities",
                                            "intelgraph_status", NULL};

/* The event's own address in Splunk, and its time: asked for beside what the mapping names. */
static const char *const event_columns[] = {"_time", "_bkt", "_cd"};

static const char *const status_names[] = {
    [HANDOFF_NONE] = "none",     [HANDOFF_COLLECTED] = "collected", [HANDOFF_LIMITED] = "limited",
    [HANDOFF_DRYRUN] = "dryrun", [HANDOFF_PREVIEW] = "preview",     [HANDOFF_SENT] = "sent",
    [HANDOFF_QUEUED] = "queued", [HANDOFF_REFUSED] = "refused",     [HANDOFF_FAILED] = "failed",
};

/* A column of the chunk that the mapping knows. */
struct handoff_column {
    uint32_t plain;
    uint32_t twin; /* its __mv_ column, or NO_COLUMN */
    size_t field;  /* index into the mapping */
};

void handoff_init(struct handoff *handoff)
{
    *handoff = (struct handoff){0};
    arena_init(&handoff->arena, ARENA_BYTES);
    rows_init(&handoff->rows, added_columns);
}

void handoff_done(struct handoff *handoff)
{
    rows_done(&handoff->rows);
    graph_free(handoff->graph);
    graph_mapping_free(handoff->mapping);
    arena_done(&handoff->arena);
}

/* --- start: getinfo ------------------------------------------------------------------------ */

/* The admin's lookup; without one, the table that is compiled in. */
static enum fault_code read_mapping(struct handoff *handoff, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf csv;
    enum fault_code code =
        places_join(path, sizeof path, handoff->places.app, "lookups/intelgraph_fields.csv", fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&csv, LOOKUP_BYTES_MAX);
    code = file_read(path, &csv, fault);
    if (code == FAULT_NONE)
        code = graph_mapping_read(buf_str(&csv), &handoff->mapping, fault);
    else if (code == FAULT_NOT_FOUND)
        code = graph_mapping_read(graph_mapping_default(), &handoff->mapping, fault);
    buf_done(&csv);
    return code == FAULT_NONE ? code : fault_prefix(fault, "lookups/intelgraph_fields.csv: ");
}

static enum fault_code unknown_field(const struct handoff *handoff, struct str name,
                                     struct fault *fault)
{
    size_t least = SIZE_MAX;
    struct str nearest = STR("");
    for (size_t i = 0; i < graph_mapping_count(handoff->mapping); i++) {
        const struct graph_field *field = graph_mapping_at(handoff->mapping, i);
        size_t distance = str_distance(name, field->name);
        if (distance < least) {
            least = distance;
            nearest = field->name;
        }
    }
    return fault_field(fault, FAULT_INPUT, "fields",
                       "fields=%.*s: IntelGraph does not know what this field holds; did you mean "
                       "%.*s? Fields are listed in lookups/intelgraph_fields.csv",
                       STR_ARG(str_take(name, 60)), STR_ARG(nearest));
}

static enum fault_code choose_fields(struct handoff *handoff, struct fault *fault)
{
    size_t count = graph_mapping_count(handoff->mapping);
    if (handoff->args.field_count == 0)
        return FAULT_NONE;
    handoff->wanted = arena_alloc(&handoff->arena, count * sizeof *handoff->wanted);
    if (!handoff->wanted)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the fields");
    for (size_t i = 0; i < handoff->args.field_count; i++) {
        struct str name = handoff->args.fields[i];
        const struct graph_field *field = graph_mapping_find(handoff->mapping, name);
        if (!field)
            return unknown_field(handoff, name, fault);
        handoff->wanted[field - graph_mapping_at(handoff->mapping, 0)] = true;
    }
    return FAULT_NONE;
}

static void add_required_fields(const struct handoff *handoff, struct buf *out_members)
{
    struct json_out out = json_out_to(out_members);
    json_put_text(&out, "type", STR("stateful"));
    json_open_at(&out, "required_fields", '[');
    for (size_t i = 0; i < sizeof event_columns / sizeof event_columns[0]; i++)
        json_put_text(&out, NULL, str_of(event_columns[i]));
    for (size_t i = 0; i < graph_mapping_count(handoff->mapping); i++)
        if (!handoff->wanted || handoff->wanted[i])
            json_put_text(&out, NULL, graph_mapping_at(handoff->mapping, i)->name);
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
        code = settings_read(&handoff->places, &handoff->arena, &handoff->settings, fault);
    if (code == FAULT_NONE)
        code = read_mapping(handoff, fault);
    if (code == FAULT_NONE)
        code = choose_fields(handoff, fault);
    if (code == FAULT_NONE)
        add_required_fields(handoff, out_members);
    return code;
}

/* --- first execute ------------------------------------------------------------------------- */

/* A search without an id cannot be recognised when it comes again: it gets one of its own. */
static enum fault_code search_id(struct handoff *handoff, struct str *out, struct fault *fault)
{
    uint8_t bytes[16];
    char hex[33];
    char text[64];
    if (handoff->info->sid.len > 0) {
        *out = handoff->info->sid;
        return FAULT_NONE;
    }
    if (os_random(bytes, sizeof bytes) < 0)
        return fault_set(fault, FAULT_IO, "no random numbers for a search without an id");
    hex_of(bytes, sizeof bytes, hex);
    snprintf(text, sizeof text, "without-sid-%s", hex);
    *out = arena_copy(&handoff->arena, str_of(text));
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
}

static enum fault_code check_text(const char *what, struct str text, size_t most,
                                  struct fault *fault)
{
    if (text.len <= most)
        return FAULT_NONE;
    return fault_set(fault, FAULT_LIMIT, "%s has %zu bytes, at most %zu can be handed off", what,
                     text.len, most);
}

static enum fault_code identify(struct handoff *handoff, struct fault *fault)
{
    struct buf command;
    char sha256[SHA256_HEX + 1];
    struct wire_handoff *wire = &handoff->wire;
    struct str sid;
    enum fault_code code = search_id(handoff, &sid, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&command, WIRE_COMMAND_MAX);
    args_add_canonical(&handoff->args, &command);
    code = buf_check(&command, "the command with its arguments", fault);
    struct str canonical = arena_copy(&handoff->arena, buf_str(&command));
    buf_done(&command);
    if (code == FAULT_NONE)
        code = wire_handoff_id(handoff->settings.tenant, sid, canonical, handoff->settings.url,
                               handoff->id, fault);
    if (code == FAULT_NONE)
        code = check_text("the search id", sid, WIRE_TEXT_MAX, fault);
    if (code == FAULT_NONE)
        code = check_text("the user name", handoff->info->username, WIRE_TEXT_MAX, fault);
    if (code == FAULT_NONE)
        code = check_text("the app's name", handoff->info->app, WIRE_TEXT_MAX, fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 search = sha256_of(handoff->info->search);
    hex_of(search.bytes, sizeof search.bytes, sha256);
    *wire = (struct wire_handoff){
        .id = str_of(handoff->id),
        .tenant = handoff->settings.tenant,
        .sid = sid,
        .command = canonical,
        .target = handoff->settings.url,
        .title = handoff->args.title,
        .investigation = handoff->args.investigation,
        .user = handoff->info->username.len ? handoff->info->username : handoff->info->owner,
        .app = handoff->info->app,
        .search_sha256 = arena_copy(&handoff->arena, str_of(sha256)),
        .client = STR("intelgraph/" IG_VERSION),
        .earliest_us = handoff->info->earliest_us,
        .latest_us = handoff->info->latest_us,
        .parts = 1,
    };
    snprintf(handoff->link, sizeof handoff->link, "%.*sopen/handoffs/%s",
             STR_ARG(handoff->settings.url), handoff->id);
    return FAULT_NONE;
}

static enum fault_code begin(struct handoff *handoff, struct fault *fault)
{
    int64_t entities =
        handoff->args.max_entities ? handoff->args.max_entities : handoff->settings.max_entities;
    struct graph_limits limits = {
        .entities = (uint32_t)entities,
        .relations = (uint32_t)entities * RELATIONS_PER_ENTITY,
    };
    enum fault_code code = identify(handoff, fault);
    return code == FAULT_NONE ? graph_new(handoff->mapping, limits, &handoff->graph, fault) : code;
}

/* --- rows ---------------------------------------------------------------------------------- */

static bool is_column(const struct rows *rows, uint32_t at, struct str prefix, struct str name)
{
    struct str column = rows->columns[at];
    return column.len == prefix.len + name.len && str_starts(column, prefix) &&
           str_ends(column, name);
}

/* The column `prefix``name`, looked for from `hint` on and then from the start. */
static uint32_t find_column(const struct rows *rows, struct str prefix, struct str name,
                            uint32_t hint)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        uint32_t at = (hint + i) % rows->column_count;
        if (is_column(rows, at, prefix, name))
            return at;
    }
    return NO_COLUMN;
}

static uint32_t cells_up_to(uint32_t cells, uint32_t column)
{
    return column != NO_COLUMN && column >= cells ? column + 1 : cells;
}

/* Finds the mapped columns of this chunk: columns may change from chunk to chunk. */
static enum fault_code find_columns(struct handoff *handoff, struct arena *arena,
                                    struct fault *fault)
{
    struct rows *rows = &handoff->rows;
    uint32_t cells = 0;
    handoff->column_count = 0;
    handoff->columns = arena_alloc(arena, (rows->column_count + 1) * sizeof *handoff->columns);
    if (!handoff->columns)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a chunk's columns");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct graph_field *field = graph_mapping_find(handoff->mapping, rows->columns[i]);
        if (!field)
            continue;
        size_t index = (size_t)(field - graph_mapping_at(handoff->mapping, 0));
        if (handoff->wanted && !handoff->wanted[index])
            continue;
        /* splunkd puts the twins after all plain columns, in the same order. */
        uint32_t twin =
            find_column(rows, STR("__mv_"), rows->columns[i], i + rows->column_count / 2);
        handoff->columns[handoff->column_count++] = (struct handoff_column){i, twin, index};
        cells = cells_up_to(cells_up_to(cells, i), twin);
    }
    uint32_t *const event[] = {&handoff->time_column, &handoff->bucket_column,
                               &handoff->address_column};
    for (size_t i = 0; i < sizeof event / sizeof event[0]; i++) {
        *event[i] = find_column(rows, STR(""), str_of(event_columns[i]), 0);
        cells = cells_up_to(cells, *event[i]);
    }
    rows_need(rows, cells);
    return FAULT_NONE;
}

static struct str cell_text(const struct handoff *handoff, uint32_t column)
{
    if (column == NO_COLUMN)
        return STR("");
    return scp_cell_value(rows_cell(&handoff->rows, column), handoff->rows.arena);
}

static enum fault_code add_multivalue(struct handoff *handoff, size_t field, struct str twin,
                                      struct arena *arena, struct fault *fault)
{
    struct str rest = scp_cell_value(twin, arena);
    bool more = true;
    if (!rest.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a multivalue field");
    while (more) {
        struct str value;
        enum fault_code code = scp_multivalue_next(&rest, arena, &value, &more, fault);
        if (code == FAULT_NONE && more)
            code = graph_row_add(handoff->graph, field, value, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

static enum fault_code add_cell(struct handoff *handoff, const struct handoff_column *column,
                                struct arena *arena, struct fault *fault)
{
    struct str plain = rows_cell(&handoff->rows, column->plain);
    if (plain.len == 0)
        return FAULT_NONE;
    if (column->twin != NO_COLUMN) {
        struct str twin = rows_cell(&handoff->rows, column->twin);
        if (twin.len > 0)
            return add_multivalue(handoff, column->field, twin, arena, fault);
    }
    struct str value = scp_cell_value(plain, arena);
    if (!value.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a field");
    return graph_row_add(handoff->graph, column->field, value, fault);
}

/* What finds the event again: its bucket and its place in it. */
static struct str event_ref(const struct handoff *handoff, char *out)
{
    struct str bucket = cell_text(handoff, handoff->bucket_column);
    struct str address = cell_text(handoff, handoff->address_column);
    size_t len = bucket.len + 1 + address.len;
    if (address.len == 0 || len > GRAPH_REF_MAX)
        return STR("");
    memcpy(out, bucket.ptr, bucket.len);
    out[bucket.len] = '|';
    memcpy(out + bucket.len + 1, address.ptr, address.len);
    return (struct str){out, len};
}

static enum fault_code add_row(struct handoff *handoff, struct arena *arena,
                               struct graph_row_counts *out, struct fault *fault)
{
    char ref[GRAPH_REF_MAX];
    struct graph_sample event = {.row = graph_counts(handoff->graph).rows};
    if (!time_read_us(cell_text(handoff, handoff->time_column), &event.time_us))
        event.time_us = GRAPH_NO_TIME;
    event.ref = event_ref(handoff, ref);
    graph_row_begin(handoff->graph, &event);
    for (size_t i = 0; i < handoff->column_count; i++) {
        enum fault_code code = add_cell(handoff, &handoff->columns[i], arena, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return graph_row_end(handoff->graph, out, fault);
}

static enum handoff_status status_of(const struct handoff *handoff,
                                     const struct graph_row_counts *counts)
{
    if (counts->entities == 0 && counts->left_out == 0)
        return HANDOFF_NONE;
    if (handoff->info->preview)
        return HANDOFF_PREVIEW;
    if (counts->left_out > 0)
        return HANDOFF_LIMITED;
    return handoff->args.dryrun ? HANDOFF_DRYRUN : HANDOFF_COLLECTED;
}

static enum fault_code take_rows(struct handoff *handoff, struct arena *arena, struct fault *fault)
{
    for (;;) {
        struct graph_row_counts counts;
        bool more;
        enum fault_code code = rows_next(&handoff->rows, &more, fault);
        if (code != FAULT_NONE || !more)
            return code;
        code = add_row(handoff, arena, &counts, fault);
        if (code != FAULT_NONE)
            return code;
        uint32_t entities =
            counts.entities < ENTITIES_SHOWN_MAX ? counts.entities : ENTITIES_SHOWN_MAX;
        uint32_t status = status_of(handoff, &counts);
        code = rows_keep(&handoff->rows, status << STATUS_SHIFT | entities, fault);
        if (code != FAULT_NONE)
            return code;
    }
}

/* The added cells of a row. Those of the last chunk say what became of the hand-off. The link is the same
 * for all rows of a search; there is none while there is nothing behind it. */
static void add_cells(const void *context, uint32_t tag, struct buf *out)
{
    const struct handoff *handoff = context;
    enum handoff_status status = tag >> STATUS_SHIFT;
    if (status == HANDOFF_COLLECTED && handoff->ended)
        status = handoff->outcome;
    buf_add_c(out, handoff->has_link ? ",\"" : ",");
    buf_add_c(out, handoff->has_link ? handoff->link : "");
    buf_add_c(out, handoff->has_link ? "\"," : ",");
    buf_add_u64(out, tag & ENTITIES_SHOWN_MAX);
    buf_add_byte(out, ',');
    buf_add_c(out, status_names[status]);
}

/* --- the end ------------------------------------------------------------------------------- */

static void say_left_out(const struct handoff *handoff, struct command_messages *messages)
{
    struct graph_counts counts = graph_counts(handoff->graph);
    if (counts.entities_left_out > 0 || counts.relations_left_out > 0)
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: %llu values and %llu relations were left out: the limit of %lld "
                    "entities (maxentities=) is reached. Their rows say \"limited\".",
                    (unsigned long long)counts.entities_left_out,
                    (unsigned long long)counts.relations_left_out,
                    (long long)(handoff->args.max_entities ? handoff->args.max_entities
                                                           : handoff->settings.max_entities));
    if (counts.invalid > 0)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph: %llu of %llu values were left out because they are not what "
                    "their field should hold.",
                    (unsigned long long)counts.invalid, (unsigned long long)counts.values);
}

static enum fault_code deliver(struct handoff *handoff, struct arena *arena,
                               struct command_messages *messages, struct fault *fault)
{
    static const enum handoff_status outcomes[] = {
        [DELIVERY_SENT] = HANDOFF_SENT,     [DELIVERY_DUPLICATE] = HANDOFF_SENT,
        [DELIVERY_QUEUED] = HANDOFF_QUEUED, [DELIVERY_REFUSED] = HANDOFF_REFUSED,
        [DELIVERY_LOST] = HANDOFF_FAILED,
    };
    struct delivery delivery;
    enum fault_code code =
        delivery_run(&handoff->places, &handoff->settings, &handoff->wire, handoff->graph,
                     handoff->mapping, arena, messages, &delivery, fault);
    if (code == FAULT_NONE)
        handoff->outcome = outcomes[delivery.result];
    return code;
}

static enum fault_code finish(struct handoff *handoff, struct arena *arena,
                              struct command_messages *messages, struct fault *fault)
{
    size_t entities = graph_entity_count(handoff->graph);
    size_t relations = graph_relation_count(handoff->graph);
    unsigned long long rows = (unsigned long long)graph_counts(handoff->graph).rows;
    enum fault_code code = FAULT_NONE;
    handoff->ended = true;
    if (handoff->info->preview || handoff->args.dryrun) {
        handoff->outcome = handoff->args.dryrun ? HANDOFF_DRYRUN : HANDOFF_PREVIEW;
        if (!handoff->info->preview)
            command_say(messages, COMMAND_INFO,
                        "IntelGraph, dry run: %zu entities and %zu relations from %llu rows would "
                        "be handed off; nothing was sent.",
                        entities, relations, rows);
    } else if (entities == 0) {
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: nothing to hand off: none of the %llu rows has a value that "
                    "IntelGraph knows. Fields are listed in lookups/intelgraph_fields.csv.",
                    rows);
    } else {
        code = deliver(handoff, arena, messages, fault);
    }
    say_left_out(handoff, messages);
    return code;
}

static enum fault_code execute(void *state, struct str body, bool finished, struct arena *arena,
                               struct command_reply *out, struct fault *fault)
{
    struct handoff *handoff = state;
    enum fault_code code = handoff->graph ? FAULT_NONE : begin(handoff, fault);
    if (code == FAULT_NONE)
        code = rows_begin(&handoff->rows, body, arena, fault);
    if (code == FAULT_NONE)
        code = find_columns(handoff, arena, fault);
    if (code == FAULT_NONE)
        code = take_rows(handoff, arena, fault);
    if (code == FAULT_NONE && finished && !handoff->ended)
        code = finish(handoff, arena, &out->messages, fault);
    handoff->has_link = code == FAULT_NONE && !handoff->args.dryrun && !handoff->info->preview &&
                        graph_entity_count(handoff->graph) > 0;
    out->rows = body.len > 0 ? &handoff->rows : NULL;
    out->cells = add_cells;
    out->context = handoff;
    return code;
}

struct command handoff_command(struct handoff *handoff)
{
    return (struct command){"ighandoff", handoff, start, execute};
}
