/* ighandoff: rows become a graph, the graph goes to IntelGraph, the rows pass on. */
#ifndef IG_NATIVE_HANDOFF_H
#define IG_NATIVE_HANDOFF_H

#include "integrations/splunk-app/native/delivery/delivery.h"
#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/handoff/args.h"
#include "integrations/splunk-app/native/handoff/collect.h"
#include "integrations/splunk-app/native/settings/link.h"

/* What a row's intelgraph_status says: only what is known when that row is answered. */
enum handoff_status {
    HANDOFF_NONE,      /* "none": no entity in this row */
    HANDOFF_COLLECTED, /* its entities are in the graph that goes out when the search ends */
    HANDOFF_LIMITED,   /* as collected, but some of its values found no room */
    HANDOFF_DRYRUN,
    HANDOFF_PREVIEW, /* a preview of the search: nothing goes out */
    HANDOFF_SENT,    /* from here on: rows of the last chunk, whose outcome is known */
    HANDOFF_QUEUED,
    HANDOFF_BLOCKED, /* as queued, and a budget is what it waits for */
    HANDOFF_REFUSED,
    HANDOFF_FAILED,
};

struct handoff {
    struct arena arena; /* lives as long as the command */
    struct places places;
    struct settings settings;
    struct args args;
    const struct scp_getinfo *info;
    struct collect collect; /* its graph is made by the first execute */
    struct rows rows;
    char id[WIRE_ID_HEX + 1];
    char link[LINK_BYTES];
    struct wire_handoff wire;
    enum handoff_status outcome; /* of the last chunk's rows that have entities */
    bool ended;                  /* the hand-off was delivered or kept */
    bool has_link;               /* rows answered now carry the link */
};

void handoff_init(struct handoff *handoff);
void handoff_done(struct handoff *handoff);
struct command handoff_command(struct handoff *handoff);

#endif
