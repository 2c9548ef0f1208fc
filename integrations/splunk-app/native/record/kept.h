/* What this search head kept of its hand-offs' receipts (intelgraph_audit.log): the heads of the
 * service's log, held by another administrator than the service's. */
#ifndef IG_NATIVE_KEPT_H
#define IG_NATIVE_KEPT_H

#include "integrations/splunk-app/native/settings/places.h"
#include "libs/core/arena.h"
#include "libs/crypto/hash.h"

/* One receipt. Texts live as long as the list. */
struct kept {
    int64_t time_us; /* when it was written down */
    int64_t index;   /* of the record of the commit; the head counts index + 1 records */
    struct sha256 root;
    struct str note; /* the signed head */
    struct str handoff;
    struct str user;
    struct str sid;
    struct str title;
    struct str link;
    int64_t entities;
    int64_t relations;
    bool met; /* for who walks over the service's records: it was among them */
};

struct kept_list {
    struct arena arena;
    struct kept *items; /* by index; each index once, unless two receipts speak of different logs */
    size_t count;
    size_t room;
    bool cut; /* the file and the one before it are longer than what is read of them, KEPT_BYTES_MAX
                 from the end, or there are still older ones */
};

enum { KEPT_BYTES_MAX = 32 << 20 };

/* Reads the receipts of one tenant's log at one address. A line that cannot be read is passed over:
 * the file is written by others than this program too (a full disk may have cut a line). No file is
 * an empty list. */
enum fault_code kept_read(const struct places *places, struct str tenant, struct str target,
                          struct kept_list *out, struct fault *fault) MUST_USE;
/* The same of the file's text. */
enum fault_code kept_of_text(struct str text, struct str tenant, struct str target,
                             struct kept_list *out, struct fault *fault) MUST_USE;
void kept_done(struct kept_list *list);

/* The receipt of record `index`; NULL when none was kept. */
struct kept *kept_find(const struct kept_list *list, int64_t index);

/* Notes that record `index`, of that hand-off, was among the service's. */
void kept_meet(struct kept_list *list, int64_t index, struct str handoff);

/* The one of the highest index; NULL when the list is empty. */
const struct kept *kept_newest(const struct kept_list *list);

#endif
