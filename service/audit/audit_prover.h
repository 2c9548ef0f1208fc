/* Many proofs of one log: those of neighbours share most of their hashes, so what was read once is
 * kept. Within one read transaction. */
#ifndef IG_AUDIT_PROVER_H
#define IG_AUDIT_PROVER_H

#include "service/audit/audit.h"

struct audit_prover;

/* `log` is borrowed. */
enum fault_code audit_prover_new(struct store *store, struct str log, struct audit_prover **out,
                                 struct fault *fault) MUST_USE;
void audit_prover_free(struct audit_prover *taken); /* takes NULL */

/* As audit_inclusion and audit_consistency, for numbers that are known to be within the log:
 * 0 <= index < size, 1 <= older <= newer. */
enum fault_code audit_prover_inclusion(struct audit_prover *prover, int64_t index, int64_t size,
                                       struct merkle_proof *out, struct fault *fault) MUST_USE;
enum fault_code audit_prover_consistency(struct audit_prover *prover, int64_t older, int64_t newer,
                                         struct merkle_proof *out, struct fault *fault) MUST_USE;

#endif
