/* What the admin lets be handed off, and in which form: fields_allow, fields_deny and mask of
 * intelgraph.conf. It holds for everybody; a search can only narrow it. */
#ifndef IG_NATIVE_POLICY_H
#define IG_NATIVE_POLICY_H

#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/graph/graph.h"

struct policy_field;

struct policy {
    const struct graph_mapping *mapping;
    struct str tenant;
    struct policy_field *fields; /* by mapping index; NULL: everything goes as it is */
    size_t left_out;             /* fields of the mapping that are never looked at */
    struct str unknown;          /* names in the settings that the mapping does not have */
    struct str refused;          /* what the search asked for and does not get */
    struct arena texts;          /* of the row at hand: where masked values are put */
    struct graph_mask mask;
};

/* Whether the three settings can be read. */
enum fault_code policy_check(const struct settings *settings, struct fault *fault) MUST_USE;

/* Reads them for the fields that there are; everything lives in the arena, the mapping is borrowed.
 */
enum fault_code policy_open(struct policy *policy, const struct settings *settings,
                            const struct graph_mapping *mapping, struct arena *arena,
                            struct fault *fault) MUST_USE;

void policy_done(struct policy *policy);

/* Before each row: what stood for the values of the one before is given back. */
void policy_row_begin(struct policy *policy);

bool policy_allows(const struct policy *policy, size_t field);

/* Notes a field that the search asked for and the admin does not let go. The name is borrowed. */
enum fault_code policy_refuse(struct policy *policy, struct str name, struct arena *arena,
                              struct fault *fault) MUST_USE;

/* What the graph is to be given (graph_mask_set); NULL when nothing is masked. */
const struct graph_mask *policy_mask(const struct policy *policy);

/* Tells the analyst what was changed and what was kept back, in a dry run field by field. */
void policy_say(const struct policy *policy, const struct graph *graph, bool is_dry_run,
                struct command_messages *messages);

#endif
