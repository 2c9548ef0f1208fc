/* Rows become a graph, whoever brings them: a search command chunk by chunk, an alert action from
 * its results file. Both thereby know the same fields, the same normal forms and the same limits.
 *
 * For each body: rows_begin, collect_columns; then rows_next and collect_row for each row. */
#ifndef IG_NATIVE_COLLECT_H
#define IG_NATIVE_COLLECT_H

#include "integrations/splunk-app/native/frame/rows.h"
#include "integrations/splunk-app/native/settings/policy.h"
#include "libs/graph/graph.h"

enum { COLLECT_EVENT_COLUMNS = 3 };

/* The event's time and its own address in Splunk: asked for beside what the mapping names. */
extern const char *const collect_event_columns[COLLECT_EVENT_COLUMNS];

struct collect_column;

struct collect {
    struct graph_mapping *mapping;
    struct policy policy;
    bool *wanted;                   /* by mapping index; NULL: all */
    struct graph *graph;            /* made by collect_begin */
    struct collect_column *columns; /* of the current body */
    size_t column_count;
    uint32_t time_column;
    uint32_t bucket_column;
    uint32_t address_column;
};

void collect_init(struct collect *collect); /* allocates nothing */
void collect_done(struct collect *collect);

/* Reads the admin's lookup (without one: the table that is compiled in) and takes `fields` alone
 * of it; a field_count of 0 takes all. What the admin's settings keep back is taken out of that.
 * What is chosen lives in the arena. */
enum fault_code collect_open(struct collect *collect, const struct places *places,
                             const struct settings *settings, const struct str *fields,
                             size_t field_count, struct arena *arena, struct fault *fault) MUST_USE;

/* An empty graph with room for so many entities. */
enum fault_code collect_begin(struct collect *collect, int64_t max_entities,
                              struct fault *fault) MUST_USE;

/* Finds the mapped columns of the body that rows_begin took up. Their list lives in the arena. */
enum fault_code collect_columns(struct collect *collect, struct rows *rows, struct arena *arena,
                                struct fault *fault) MUST_USE;

/* Takes the current row. Texts of the arena are needed until it returns. */
enum fault_code collect_row(struct collect *collect, const struct rows *rows, struct arena *arena,
                            struct graph_row_counts *out, struct fault *fault) MUST_USE;

#endif
