/* Hand-offs that wait on disk for the service to come back: one file each, named by the hand-off's
 * id.
 *
 * What outbox_keep has returned from survives a power cut. A hand-off that the service refuses for
 * what it holds is moved to the folder `refused` beside it, so that nothing is lost and nothing is
 * tried for ever. */
#ifndef IG_NATIVE_OUTBOX_H
#define IG_NATIVE_OUTBOX_H

#include "integrations/splunk-app/native/delivery/parcel.h"

enum {
    OUTBOX_FILES_MAX = 1000,
    OUTBOX_FILE_BYTES = 256 << 20,
    OUTBOX_ORPHAN_S = 3600, /* after which a file that is only half written is nobody's */
};

/* Keeps the parcel; one of the same id gives way to it. FAULT_LIMIT when the folder would be over
 * `max_bytes` or OUTBOX_FILES_MAX. */
enum fault_code outbox_keep(const char *folder, struct str id, const struct parcel *parcel,
                            int64_t max_bytes, struct fault *fault) MUST_USE;

/* Keeps the parcel among the refused ones. */
enum fault_code outbox_keep_refused(const char *folder, struct str id, const struct parcel *parcel,
                                    struct fault *fault) MUST_USE;

/* Removes what a search that was killed while it wrote has left, here and among the refused ones.
 * Done by outbox_keep too. */
void outbox_sweep(const char *folder);

/* The ids that wait, at most OUTBOX_FILES_MAX. The list lives in the arena. */
enum fault_code outbox_list(const char *folder, struct arena *arena, struct str **out_ids,
                            size_t *out_count, struct fault *fault) MUST_USE;

/* How many hand-offs wait beside `id` (which may be empty), and the bytes of their files. */
enum fault_code outbox_depth(const char *folder, struct str id, size_t *out_count,
                             int64_t *out_bytes, struct fault *fault) MUST_USE;

/* Reads who handed off and where to, and no more of the file than that. The texts live in the
 * arena. */
enum fault_code outbox_head(const char *folder, struct str id, struct arena *arena,
                            struct wire_handoff *out, struct fault *fault) MUST_USE;

enum fault_code outbox_load(const char *folder, struct str id, struct parcel *out,
                            struct fault *fault) MUST_USE;

/* After delivery; one that is gone already (another search delivered it) is no fault. */
void outbox_remove(const char *folder, struct str id);
void outbox_refuse(const char *folder, struct str id);

#endif
