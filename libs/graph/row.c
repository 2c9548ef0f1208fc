/* Rows become entities and relations.
 *
 * Values are only looked up while they come in (graph_row_add); entities are made at the row's end,
 * when it is known which values are only shorter spellings of others. A value that a full graph
 * does not know costs one normalisation and one miss in a table; a text that repeats not even that
 * (memo.h). Nothing is allocated for a row once the graph is full. */
#include "libs/graph/graph.h"

#include <string.h>

#include "libs/graph/family.h"
#include "libs/graph/hash.h"
#include "libs/graph/state.h"

enum {
    ROW_VALUES_MAX = 65536, /* values of one row; more are counted as left out */
    PAIRS_MAX = 4096,       /* relations of one rule and one row; more are counted as left out */
    BRIEFS_MAX = 16,        /* values of one role among which shorter spellings are looked for */
    LIST_MAX = 256,         /* values in one cell that holds a list in one text */
};

void graph_row_begin(struct graph *graph, const struct graph_sample *event)
{
    graph->row++;
    graph->event = *event;
    if (graph->event.ref.len > GRAPH_REF_MAX)
        graph->event.ref.len = 0; /* half of a reference finds nothing */
    graph->ref_copy = (struct str){NULL, 0};
    graph->row_counts = (struct graph_row_counts){0};
    graph->value_count = 0;
    graph->roles = 0;
    graph->named_roles = 0;
    graph->brief_roles = 0;
}

/* What a text of a type is: from the memo, or by normalising and looking up. */
static void look_up(struct graph *graph, int type, struct str raw, struct graph_memo_entry *out)
{
    struct graph_value value;
    uint32_t address;
    bool may_be_ip = type == GRAPH_IP || type == GRAPH_TYPE_ADDRESS || type == GRAPH_TYPE_NAME ||
                     type == GRAPH_TYPE_DEVICE;
    if (may_be_ip && graph_ip4_read(raw, &address) && !graph_ip4_is_empty(address)) {
        /* Its own normal form: a way round the memo, which random addresses would only wear out. */
        out->verdict = GRAPH_VALUE_GOOD;
        out->kind = GRAPH_IP;
        out->hash = graph_node_hash(graph, GRAPH_IP, raw);
        out->place = graph_node_find(graph, GRAPH_IP, raw, out->hash);
        out->kinds = out->place != GRAPH_NO_PLACE ? graph->nodes[out->place].kinds
                                                  : graph_kind_bits(GRAPH_IP, raw);
        return;
    }
    uint64_t key = 0;
    bool memorable = raw.len <= GRAPH_MEMO_TEXT_MAX;
    if (memorable) {
        key = graph_hash(graph->seed + (uint64_t)type * GRAPH_HASH_C, raw);
        if (graph_memo_get(graph->memo, type, raw, key, out))
            return;
    }
    *out = (struct graph_memo_entry){.verdict = (uint8_t)graph_normalise(type, raw, &value)};
    if (out->verdict == GRAPH_VALUE_GOOD) {
        struct str text = {value.text, value.len};
        out->kind = (uint8_t)value.kind;
        out->hash = graph_node_hash(graph, value.kind, text);
        out->place = graph_node_find(graph, value.kind, text, out->hash);
        out->kinds = graph_kind_bits(value.kind, text);
        if (out->place == GRAPH_NO_PLACE && !graph_is_full(graph))
            return; /* it may be made at the row's end, and then has a place */
    }
    if (memorable)
        graph_memo_put(graph->memo, type, raw, key, out);
}

static enum fault_code push(struct graph *graph, size_t field, struct str raw,
                            const struct graph_memo_entry *found, struct fault *fault)
{
    static const uint32_t brief_kinds = GRAPH_KIND_BIT(GRAPH_PROCESS) | GRAPH_KIND_BIT(GRAPH_FILE) |
                                        GRAPH_KIND_BIT(GRAPH_USER) | GRAPH_KIND_BIT(GRAPH_HOST) |
                                        GRAPH_KIND_BIT(GRAPH_DOMAIN);
    if (graph->value_count == ROW_VALUES_MAX) {
        graph->counts.entities_left_out++;
        graph->row_counts.left_out++;
        return FAULT_NONE;
    }
    if (graph->value_count == graph->value_room &&
        !graph_grow((void **)&graph->values, &graph->value_room, sizeof *graph->values,
                    ROW_VALUES_MAX))
        return graph_no_memory(fault);
    enum graph_role role = graph_mapping_at(graph->mapping, field)->role;
    graph->values[graph->value_count++] = (struct row_value){
        .raw = raw,
        .hash = found->hash,
        .kinds = found->kinds,
        .place = found->place,
        .field = (uint16_t)field,
        .role = (uint8_t)role,
        .kind = found->kind,
    };
    if (found->kinds & brief_kinds) {
        graph->brief_roles |= graph->named_roles & GRAPH_ROLE_BIT(role);
        graph->named_roles |= GRAPH_ROLE_BIT(role);
    }
    return FAULT_NONE;
}

/* Splits off the next item of "a, b; c". */
static bool next_item(struct str *rest, struct str *out)
{
    while (rest->len > 0) {
        size_t at = 0;
        while (at < rest->len && !strchr(",;|", rest->ptr[at]))
            at++;
        *out = str_trim(str_take(*rest, at));
        *rest = str_skip(*rest, at + 1);
        if (out->len > 0)
            return true;
    }
    return false;
}

/* Whether values of the type hold no comma or the like, so that a text with one can be a list. */
static bool may_be_list(int type)
{
    return type != GRAPH_URL && type != GRAPH_USER && type != GRAPH_PROCESS && type != GRAPH_FILE &&
           type != GRAPH_REGISTRY_KEY && type != GRAPH_TYPE_COMMAND;
}

static bool is_masked(const struct graph *graph, size_t field)
{
    return graph->mask && graph->mask->fields[field];
}

/* What stands for a value takes its role in the row, and its kind where relations ask for it. */
static enum fault_code add_masked(struct graph *graph, size_t field,
                                  const struct graph_value *value, struct fault *fault)
{
    struct str text;
    uint32_t count = graph->value_count;
    enum fault_code code = graph->mask->apply(graph->mask->context, field, value, &text, fault);
    if (code != FAULT_NONE)
        return code;
    if (text.len == 0) {
        graph->counts.dropped++;
        return FAULT_NONE;
    }
    struct graph_memo_entry found = {
        .verdict = GRAPH_VALUE_GOOD,
        .kind = GRAPH_MASKED,
        .kinds = graph_kind_bits(value->kind, (struct str){value->text, value->len}),
        .hash = graph_node_hash(graph, GRAPH_MASKED, text),
    };
    found.place = graph_node_find(graph, GRAPH_MASKED, text, found.hash);
    graph->counts.masked++;
    code = push(graph, field, text, &found, fault);
    if (graph->value_count > count)
        graph->values[count].masked = true;
    return code;
}

static enum fault_code add_one(struct graph *graph, size_t field, int type, struct str raw,
                               struct fault *fault)
{
    struct graph_memo_entry found;
    if (is_masked(graph, field)) {
        struct graph_value value;
        found.verdict = (uint8_t)graph_normalise(type, raw, &value);
        graph->counts.values++;
        if (found.verdict == GRAPH_VALUE_GOOD)
            return add_masked(graph, field, &value, fault);
        if (found.verdict == GRAPH_VALUE_PLACEHOLDER)
            graph->counts.placeholders++;
        else
            graph->counts.invalid++;
        return FAULT_NONE;
    }
    graph->counts.values++;
    look_up(graph, type, raw, &found);
    if (found.verdict == GRAPH_VALUE_GOOD)
        return push(graph, field, raw, &found, fault);
    if (found.verdict == GRAPH_VALUE_PLACEHOLDER)
        graph->counts.placeholders++;
    else
        graph->counts.invalid++;
    return FAULT_NONE;
}

/* A cell with several values in one text, as Sysmon's `MD5=...,SHA256=...`, recipients, or
 * forwarded addresses. Hashes of algorithms that are no kind (IMPHASH) are passed over: they are
 * not wrong. */
static enum fault_code add_list(struct graph *graph, size_t field, int type, struct str raw,
                                struct fault *fault)
{
    struct str item;
    for (int count = 0; count < LIST_MAX && next_item(&raw, &item); count++) {
        if (graph_hash_is_other(item))
            continue;
        enum fault_code code = add_one(graph, field, type, item, fault);
        if (code != FAULT_NONE)
            return code;
    }
    while (next_item(&raw, &item)) {
        graph->counts.values++;
        graph->counts.entities_left_out++;
        graph->row_counts.left_out++;
    }
    return FAULT_NONE;
}

static bool is_list(int type, struct str raw)
{
    return may_be_list(type) &&
           (str_find_byte(raw, ',') < raw.len || str_find_byte(raw, ';') < raw.len ||
            str_find_byte(raw, '|') < raw.len);
}

enum fault_code graph_row_add(struct graph *graph, size_t field, struct str raw,
                              struct fault *fault)
{
    int type = graph_mapping_at(graph->mapping, field)->type;
    struct graph_memo_entry found;
    if (is_masked(graph, field))
        return is_list(type, raw) ? add_list(graph, field, type, raw, fault)
                                  : add_one(graph, field, type, raw, fault);
    look_up(graph, type, raw, &found);
    if (found.verdict == GRAPH_VALUE_GOOD) {
        graph->counts.values++;
        return push(graph, field, raw, &found, fault);
    }
    if (found.verdict != GRAPH_VALUE_PLACEHOLDER && is_list(type, raw))
        return add_list(graph, field, type, raw, fault);
    if (type == GRAPH_TYPE_HASH && graph_hash_is_other(raw))
        return FAULT_NONE;
    graph->counts.values++;
    if (found.verdict == GRAPH_VALUE_PLACEHOLDER)
        graph->counts.placeholders++;
    else
        graph->counts.invalid++;
    return FAULT_NONE;
}

/* The end of a row */

static struct str value_text(const struct graph *graph, const struct row_value *value,
                             struct graph_value *room)
{
    if (value->place != GRAPH_NO_PLACE)
        return graph->nodes[value->place].entity.value;
    if (value->masked)
        return value->raw;
    if (graph_normalise(graph_mapping_at(graph->mapping, value->field)->type, value->raw, room) !=
        GRAPH_VALUE_GOOD)
        return (struct str){NULL, 0};
    return (struct str){room->text, room->len};
}

/* Drops the values of one role that are shorter spellings of others in it. */
static void drop_briefs(struct graph *graph, uint8_t role)
{
    struct row_value *named[BRIEFS_MAX];
    struct graph_value brief_room;
    struct graph_value full_room;
    size_t count = 0;
    for (uint32_t i = 0; i < graph->value_count; i++) {
        if (graph->values[i].role != role)
            continue;
        if (count == BRIEFS_MAX)
            return; /* a list of many things, not one thing told twice */
        named[count++] = &graph->values[i];
    }
    for (size_t i = 0; i < count; i++) {
        struct str brief = value_text(graph, named[i], &brief_room);
        for (size_t j = 0; j < count && !named[i]->dropped; j++)
            named[i]->dropped = j != i && graph_is_brief((enum graph_kind)named[i]->kind, brief,
                                                         (enum graph_kind)named[j]->kind,
                                                         value_text(graph, named[j], &full_room));
    }
}

/* The host that a URL names in itself, and the relation to it. */
static enum fault_code see_host(struct graph *graph, uint32_t url, uint16_t field,
                                struct fault *fault)
{
    uint32_t host = graph->nodes[url].host;
    if (host == GRAPH_HOST_UNKNOWN) {
        struct graph_value value;
        struct str text = graph_url_host(graph->nodes[url].entity.value);
        host = GRAPH_NO_PLACE;
        if (graph_normalise(GRAPH_TYPE_NAME, text, &value) != GRAPH_VALUE_GOOD) {
            graph->nodes[url].host = url; /* none: file:///, http://localhost/ */
            return FAULT_NONE;
        }
        enum fault_code code =
            graph_node_intern(graph, value.kind, (struct str){value.text, value.len}, &host, fault);
        if (code != FAULT_NONE)
            return code;
        graph->nodes[url].host = host;
    }
    if (host == url)
        return FAULT_NONE;
    if (host == GRAPH_NO_PLACE) {
        graph->counts.entities_left_out++;
        graph->counts.relations_left_out++;
        return FAULT_NONE;
    }
    enum fault_code code = graph_node_see(graph, host, field, fault);
    if (code != FAULT_NONE)
        return code;
    return graph_link_see(graph, GRAPH_HOSTED_ON, url, host, fault);
}

/* Makes the value an entity, or counts that it finds no room, and puts it on its role's list. */
static enum fault_code settle(struct graph *graph, uint32_t at, struct fault *fault)
{
    struct row_value *value = &graph->values[at];
    uint32_t role_bit = GRAPH_ROLE_BIT(value->role);
    enum fault_code code;
    if (value->place == GRAPH_NO_PLACE && !graph_is_full(graph)) {
        struct graph_value room;
        struct str text = value_text(graph, value, &room);
        code = graph_node_intern(graph, (enum graph_kind)value->kind, text, &value->place, fault);
        if (code != FAULT_NONE)
            return code;
    }
    if (value->place == GRAPH_NO_PLACE) {
        graph->counts.entities_left_out++;
        graph->row_counts.left_out++;
    } else {
        code = graph_node_see(graph, value->place, value->field, fault);
        if (code != FAULT_NONE)
            return code;
        if (graph->nodes[value->place].roles & role_bit)
            return FAULT_NONE; /* there already */
        graph->nodes[value->place].roles |= role_bit;
    }
    value->next = GRAPH_NO_PLACE;
    if (graph->roles & role_bit)
        graph->values[graph->last[value->role]].next = at;
    else
        graph->first[value->role] = at;
    graph->last[value->role] = at;
    graph->roles |= role_bit;
    if (value->place != GRAPH_NO_PLACE && value->kind == GRAPH_URL)
        return see_host(graph, value->place, value->field, fault);
    return FAULT_NONE;
}

/* Walks the values that have one of the roles and one of the kinds. */
struct walk {
    uint32_t roles; /* still to come */
    uint32_t kinds;
    uint32_t next;
};

static struct walk walk_of(const struct graph *graph, uint32_t roles, uint32_t kinds)
{
    return (struct walk){.roles = roles & graph->roles, .kinds = kinds, .next = GRAPH_NO_PLACE};
}

static const struct row_value *walk_next(const struct graph *graph, struct walk *walk)
{
    for (;;) {
        if (walk->next == GRAPH_NO_PLACE) {
            if (walk->roles == 0)
                return NULL;
            walk->next = graph->first[__builtin_ctz(walk->roles)];
            walk->roles &= walk->roles - 1;
        }
        const struct row_value *value = &graph->values[walk->next];
        walk->next = value->next;
        if (value->kinds & walk->kinds)
            return value;
    }
}

static uint64_t walk_count(const struct graph *graph, uint32_t roles, uint32_t kinds)
{
    struct walk walk = walk_of(graph, roles, kinds);
    uint64_t count = 0;
    while (walk_next(graph, &walk))
        count++;
    return count;
}

static enum fault_code relate_pair(struct graph *graph, const struct graph_rule *rule,
                                   const struct row_value *from, const struct row_value *to,
                                   struct fault *fault)
{
    if (from->hash == to->hash && from->kind == to->kind)
        return FAULT_NONE; /* a thing has no relation to itself */
    if (from->place == GRAPH_NO_PLACE || to->place == GRAPH_NO_PLACE) {
        graph->counts.relations_left_out++;
        return FAULT_NONE;
    }
    return graph_link_see(graph, rule->type, from->place, to->place, fault);
}

static enum fault_code relate(struct graph *graph, const struct graph_rule *rule,
                              struct fault *fault)
{
    const struct row_value *from;
    const struct row_value *to;
    uint64_t pairs = 0;
    if (rule->one_from && walk_count(graph, rule->from_roles, rule->from_kinds) != 1)
        return FAULT_NONE;
    struct walk outer = walk_of(graph, rule->from_roles, rule->from_kinds);
    while ((from = walk_next(graph, &outer)) != NULL) {
        struct walk inner = walk_of(graph, rule->to_roles, rule->to_kinds);
        while ((to = walk_next(graph, &inner)) != NULL) {
            if (pairs++ == PAIRS_MAX) {
                graph->counts.relations_left_out +=
                    walk_count(graph, rule->from_roles, rule->from_kinds) *
                        walk_count(graph, rule->to_roles, rule->to_kinds) -
                    PAIRS_MAX;
                return FAULT_NONE;
            }
            enum fault_code code = relate_pair(graph, rule, from, to, fault);
            if (code != FAULT_NONE)
                return code;
        }
    }
    return FAULT_NONE;
}

/* Where a row about what runs on a machine names none, it is about the machine that wrote it. */
static void let_reporter_stand_in(struct graph *graph)
{
    uint32_t about_machine = GRAPH_ROLE_BIT(GRAPH_ROLE_PROCESS) |
                             GRAPH_ROLE_BIT(GRAPH_ROLE_PARENT_PROCESS) |
                             GRAPH_ROLE_BIT(GRAPH_ROLE_REGISTRY);
    if ((graph->roles & about_machine) == 0 ||
        (graph->roles & GRAPH_ROLE_BIT(GRAPH_ROLE_DEVICE)) != 0 ||
        (graph->roles & GRAPH_ROLE_BIT(GRAPH_ROLE_REPORTER)) == 0)
        return;
    graph->first[GRAPH_ROLE_DEVICE] = graph->first[GRAPH_ROLE_REPORTER];
    graph->roles |= GRAPH_ROLE_BIT(GRAPH_ROLE_DEVICE);
}

enum fault_code graph_row_end(struct graph *graph, struct graph_row_counts *out,
                              struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    graph->counts.rows++;
    for (uint32_t roles = graph->brief_roles; roles != 0; roles &= roles - 1)
        drop_briefs(graph, (uint8_t)__builtin_ctz(roles));
    for (uint32_t i = 0; i < graph->value_count && code == FAULT_NONE; i++)
        if (!graph->values[i].dropped)
            code = settle(graph, i, fault);
    if (code != FAULT_NONE)
        return code;
    let_reporter_stand_in(graph);
    if (graph->roles != graph->rules_roles) {
        graph->rules_roles = graph->roles;
        graph->rule_count = graph_rules_pick(graph->roles, graph->rules);
    }
    for (size_t i = 0; i < graph->rule_count && code == FAULT_NONE; i++)
        code = relate(graph, graph->rules[i], fault);
    if (code == FAULT_NONE)
        *out = graph->row_counts;
    return code;
}
