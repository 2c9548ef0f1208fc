#include "service/handoffs/handoffs_content.h"

#include <assert.h>

#include "libs/core/os.h"
#include "service/handoffs/handoffs_rules.h"

enum {
    LINE_ARENA_MAX = 4 << 20,   /* what wire_read_line asks for */
    BATCH_ARENA_MAX = 64 << 20, /* well over what WIRE_PART_MAX bytes of lines come to */
    ROOM_LEAST = 128,
};

enum fault_code handoffs_content_init(struct handoffs_content *content, struct fault *fault)
{
    *content = (struct handoffs_content){.digest = sha256_new()};
    if (!content->digest)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the digest of a hand-off");
    arena_init(&content->line_arena, LINE_ARENA_MAX);
    arena_init(&content->batch_arena, BATCH_ARENA_MAX);
    return FAULT_NONE;
}

void handoffs_content_done(struct handoffs_content *content)
{
    sha256_free(content->digest);
    content->digest = NULL;
    arena_done(&content->line_arena);
    arena_done(&content->batch_arena);
    os_free(content->batch_entities);
    os_free(content->batch_relations);
    content->batch_entities = NULL;
    content->batch_relations = NULL;
}

/* Room for one more of `size` bytes each. */
static enum fault_code make_room(void **items, size_t *room, size_t count, size_t size,
                                 struct fault *fault)
{
    if (count < *room)
        return FAULT_NONE;
    size_t more = *room ? *room * 2 : ROOM_LEAST;
    void *resized = os_resize(*items, more * size);
    if (!resized)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %zu lines of a hand-off",
                         more);
    *items = resized;
    *room = more;
    return FAULT_NONE;
}

static enum fault_code take_entity(struct handoffs_content *content, size_t line,
                                   const struct wire_entity *entity, struct fault *fault)
{
    struct handoffs_entity taken = {.line = line};
    void *items = content->batch_entities;
    if (content->entities == WIRE_ENTITIES_MAX)
        return fault_field(fault, FAULT_LIMIT, "entity",
                           "a hand-off may hold %d entities, not more", WIRE_ENTITIES_MAX);
    enum fault_code code = make_room(&items, &content->batch_entity_room,
                                     content->batch_entity_count, sizeof taken, fault);
    content->batch_entities = items;
    if (code == FAULT_NONE)
        code = graph_slice_prepare_entity(&content->batch_arena, entity, &taken.entity, fault);
    if (code != FAULT_NONE)
        return code;
    content->batch_entities[content->batch_entity_count++] = taken;
    content->entities++;
    return FAULT_NONE;
}

/* Entities of earlier batches are written already: the merge counts theirs up at its end. */
static void count_end(struct handoffs_content *content, int64_t place)
{
    int64_t before = content->entities - (int64_t)content->batch_entity_count;
    if (place >= before && place < content->entities)
        content->batch_entities[place - before].entity.degree++;
}

static enum fault_code take_relation(struct handoffs_content *content, size_t line,
                                     const struct wire_relation *relation, struct fault *fault)
{
    struct handoffs_relation taken = {.line = line};
    void *items = content->batch_relations;
    if (content->relations == WIRE_RELATIONS_MAX)
        return fault_field(fault, FAULT_LIMIT, "relation",
                           "a hand-off may hold %d relations, not more", WIRE_RELATIONS_MAX);
    enum fault_code code = FAULT_NONE;
    if (!content->alone)
        code = handoffs_check_ends(relation, content->entities, fault);
    if (code == FAULT_NONE)
        code = make_room(&items, &content->batch_relation_room, content->batch_relation_count,
                         sizeof taken, fault);
    content->batch_relations = items;
    if (code == FAULT_NONE)
        code =
            graph_slice_prepare_relation(&content->batch_arena, relation, &taken.relation, fault);
    if (code != FAULT_NONE)
        return code;
    content->batch_relations[content->batch_relation_count++] = taken;
    content->relations++;
    count_end(content, relation->from);
    if (relation->to != relation->from)
        count_end(content, relation->to);
    return FAULT_NONE;
}

static enum fault_code take_line(struct handoffs_content *content, size_t number, struct str text,
                                 struct fault *fault)
{
    struct wire_line line;
    enum fault_code code = wire_read_line(&content->line_arena, text, &line, fault);
    if (code != FAULT_NONE)
        return code;
    switch (line.kind) {
    case WIRE_ENTITY:
        return take_entity(content, number, &line.entity, fault);
    case WIRE_RELATION:
        return take_relation(content, number, &line.relation, fault);
    case WIRE_HANDOFF:
        return fault_field(fault, FAULT_INPUT, "handoff", "a handoff line may only be the first");
    case WIRE_COMMIT:
        return fault_field(fault, FAULT_INPUT, "commit", "a commit line may only be the last");
    }
    assert(!"every kind of line is named above");
    return FAULT_CORRUPT;
}

static enum fault_code at_line(size_t line, enum fault_code code, struct fault *fault)
{
    if (code != FAULT_NONE)
        fault_prefix(fault, "line %zu: ", line);
    return code;
}

enum fault_code handoffs_content_add(struct handoffs_content *content, struct str lines,
                                     size_t first_line, struct fault *fault)
{
    struct str rest = lines;
    struct str line;
    assert(lines.len <= WIRE_PART_MAX);
    arena_reset(&content->batch_arena);
    content->batch_entity_count = content->batch_relation_count = 0;
    sha256_add(content->digest, lines);
    if (lines.len > 0 && lines.ptr[lines.len - 1] != '\n')
        sha256_add(content->digest, STR("\n")); /* the digest is of lines, each with its LF */
    for (size_t number = first_line; wire_next_line(&rest, &line); number++) {
        enum fault_code code = take_line(content, number, line, fault);
        if (code != FAULT_NONE)
            return at_line(number, code, fault);
        arena_reset(&content->line_arena);
    }
    return FAULT_NONE;
}

enum fault_code handoffs_content_merge(const struct handoffs_content *content,
                                       struct graph_slice_merge *merge, struct fault *fault)
{
    enum fault_code code;
    for (size_t i = 0; i < content->batch_entity_count; i++) {
        const struct handoffs_entity *each = &content->batch_entities[i];
        code = graph_slice_merge_entity(merge, &each->entity, fault);
        if (code != FAULT_NONE)
            return at_line(each->line, code, fault);
    }
    for (size_t i = 0; i < content->batch_relation_count; i++) {
        const struct handoffs_relation *each = &content->batch_relations[i];
        code = graph_slice_merge_relation(merge, &each->relation, fault);
        if (code != FAULT_NONE)
            return at_line(each->line, code, fault);
    }
    return FAULT_NONE;
}

struct sha256 handoffs_content_end(struct handoffs_content *content)
{
    struct sha256 digest = sha256_end(content->digest);
    content->digest = NULL;
    return digest;
}
