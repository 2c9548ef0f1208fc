/* The graph that rows become: entities and relations, each once, with counts and times.
 *
 * Memory is bounded by the limits given at birth, however many rows come. What finds no room is
 * counted, never dropped in silence. */
#ifndef IG_GRAPH_GRAPH_H
#define IG_GRAPH_GRAPH_H

#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/graph/mapping.h"

enum { GRAPH_SAMPLES_MAX = 3, GRAPH_ENTITY_FIELDS_MAX = 4, GRAPH_REF_MAX = 128 };
#define GRAPH_NO_TIME INT64_MIN

struct graph;

struct graph_limits {
    uint32_t entities;  /* 1 .. 1,000,000 */
    uint32_t relations; /* 1 .. 4,000,000 */
};

/* A way back to an event. */
struct graph_sample {
    uint64_t row;    /* 0-based, in the order of the search's rows */
    int64_t time_us; /* the event's _time, or GRAPH_NO_TIME */
    struct str
        ref; /* what finds the event in Splunk (_bkt, _cd), or empty; at most GRAPH_REF_MAX */
};

struct graph_entity {
    enum graph_kind kind;
    struct str value; /* normalised */
    uint64_t count;   /* rows that name it */
    int64_t first_us; /* GRAPH_NO_TIME when no row had a time */
    int64_t last_us;
    uint16_t fields[GRAPH_ENTITY_FIELDS_MAX]; /* mapping indexes that gave it, first ones first */
    uint8_t field_count;
    uint8_t sample_count;
    struct graph_sample samples[GRAPH_SAMPLES_MAX];
};

struct graph_relation {
    enum graph_relation_type type;
    uint32_t from; /* entity index */
    uint32_t to;
    uint8_t sample_count;
    uint64_t count; /* rows that show it */
    int64_t first_us;
    int64_t last_us;
    struct graph_sample samples[GRAPH_SAMPLES_MAX];
};

struct graph_counts {
    uint64_t rows;
    uint64_t values;             /* cells' values looked at */
    uint64_t placeholders;       /* values that say nothing */
    uint64_t masked;             /* values that others stand for */
    uint64_t dropped;            /* values that the mask lets not in */
    uint64_t invalid;            /* values not of their field's kind, or too long */
    uint64_t entities_left_out;  /* values of entities that found no room */
    uint64_t relations_left_out; /* sightings of relations that found no room */
};

struct graph_row_counts {
    uint32_t entities; /* distinct entities of this row that are in the graph */
    uint32_t left_out; /* values of this row that found no room */
};

/* The mapping is borrowed and must outlive the graph. */
enum fault_code graph_new(const struct graph_mapping *mapping, struct graph_limits limits,
                          struct graph **out, struct fault *fault) MUST_USE;
void graph_free(struct graph *taken);

/* What some fields' values are changed into before they become entities; relations stay as the
 * values themselves would have them. */
struct graph_mask {
    const bool *fields; /* by mapping index: whose values are changed */
    void *context;

    /* Gives the text of kind GRAPH_MASKED (masked.h) that stands for the value, to live until
     * graph_row_end; an empty one lets the value not in. */
    enum fault_code (*apply)(void *context, size_t field, const struct graph_value *value,
                             struct str *out, struct fault *fault);
};

/* Borrowed by the graph; set before the first row. NULL: none. */
void graph_mask_set(struct graph *graph, const struct graph_mask *mask);

/* One row: begin, each value of each mapped field, end. `field` is an index into the mapping; a
 * multivalue field is added once per value. A text that is a list ("a, b; c", Sysmon's
 * "MD5=..,SHA256=..") is added item by item. graph_row_end makes the entities, derives the
 * relations (relate.c) and the host of each URL. Of two values of one role that spell one thing
 * (`cmd.exe` and `c:\windows\cmd.exe`, `alice` and `CORP\alice`) only the longer becomes an entity.
 * Texts are borrowed until graph_row_end only. After FAULT_NO_MEMORY the graph is as it was before
 * the row began or holds part of the row's entities, and may be used on. */
void graph_row_begin(struct graph *graph, const struct graph_sample *event);
enum fault_code graph_row_add(struct graph *graph, size_t field, struct str raw,
                              struct fault *fault) MUST_USE;
enum fault_code graph_row_end(struct graph *graph, struct graph_row_counts *out,
                              struct fault *fault) MUST_USE;

struct graph_counts graph_counts(const struct graph *graph);
size_t graph_entity_count(const struct graph *graph);
size_t graph_relation_count(const struct graph *graph);
const struct graph_entity *graph_entity_at(const struct graph *graph, size_t index);
const struct graph_relation *graph_relation_at(const struct graph *graph, size_t index);

#endif
