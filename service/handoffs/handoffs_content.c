#include "service/handoffs/handoffs_content.h"

#include <assert.h>

#include "service/handoffs/handoffs_rules.h"

enum { ARENA_MAX = 4 << 20 }; /* what wire_read_line asks for */

enum fault_code handoffs_content_init(struct handoffs_content *content,
                                      struct graph_slice_merge *merge, struct fault *fault)
{
    *content = (struct handoffs_content){.merge = merge, .digest = sha256_new()};
    if (!content->digest)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the digest of a hand-off");
    arena_init(&content->arena, ARENA_MAX);
    return FAULT_NONE;
}

void handoffs_content_done(struct handoffs_content *content)
{
    sha256_free(content->digest);
    content->digest = NULL;
    arena_done(&content->arena);
}

static enum fault_code take_entity(struct handoffs_content *content,
                                   const struct wire_entity *entity, struct fault *fault)
{
    if (content->entities == WIRE_ENTITIES_MAX)
        return fault_field(fault, FAULT_LIMIT, "entity",
                           "a hand-off may hold %d entities, not more", WIRE_ENTITIES_MAX);
    content->entities++;
    return content->merge ? graph_slice_merge_entity(content->merge, entity, fault) : FAULT_NONE;
}

static enum fault_code take_relation(struct handoffs_content *content,
                                     const struct wire_relation *relation, struct fault *fault)
{
    if (content->relations == WIRE_RELATIONS_MAX)
        return fault_field(fault, FAULT_LIMIT, "relation",
                           "a hand-off may hold %d relations, not more", WIRE_RELATIONS_MAX);
    content->relations++;
    /* Entities of earlier parts are not known while a part is checked by itself. */
    if (!content->merge)
        return FAULT_NONE;
    enum fault_code code = handoffs_check_ends(relation, content->entities, fault);
    if (code != FAULT_NONE)
        return code;
    return graph_slice_merge_relation(content->merge, relation, fault);
}

static enum fault_code take_line(struct handoffs_content *content, struct str text,
                                 struct fault *fault)
{
    struct wire_line line;
    enum fault_code code = wire_read_line(&content->arena, text, &line, fault);
    if (code != FAULT_NONE)
        return code;
    switch (line.kind) {
    case WIRE_ENTITY:
        return take_entity(content, &line.entity, fault);
    case WIRE_RELATION:
        return take_relation(content, &line.relation, fault);
    case WIRE_HANDOFF:
        return fault_field(fault, FAULT_INPUT, "handoff", "a handoff line may only be the first");
    case WIRE_COMMIT:
        return fault_field(fault, FAULT_INPUT, "commit", "a commit line may only be the last");
    }
    assert(!"every kind of line is named above");
    return FAULT_CORRUPT;
}

enum fault_code handoffs_content_add(struct handoffs_content *content, struct str lines,
                                     size_t first_line, struct fault *fault)
{
    struct str rest = lines;
    struct str line;
    sha256_add(content->digest, lines);
    if (lines.len > 0 && lines.ptr[lines.len - 1] != '\n')
        sha256_add(content->digest, STR("\n")); /* the digest is of lines, each with its LF */
    for (size_t number = first_line; wire_next_line(&rest, &line); number++) {
        enum fault_code code = take_line(content, line, fault);
        if (code != FAULT_NONE) {
            fault_prefix(fault, "line %zu: ", number);
            return code;
        }
        arena_reset(&content->arena);
    }
    return FAULT_NONE;
}

struct sha256 handoffs_content_end(struct handoffs_content *content)
{
    struct sha256 digest = sha256_end(content->digest);
    content->digest = NULL;
    return digest;
}
