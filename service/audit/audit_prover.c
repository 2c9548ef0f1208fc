#include "service/audit/audit_prover.h"

#include "libs/core/os.h"
#include "service/audit/audit_internal.h"

enum { SLOTS = 4096 };

struct slot {
    int height; /* -1: empty */
    uint64_t index;
    struct sha256 hash;
};

struct audit_prover {
    struct store *store;
    struct str log;
    struct slot slots[SLOTS]; /* by height and index; a newcomer takes the place */
};

enum fault_code audit_prover_new(struct store *store, struct str log, struct audit_prover **out,
                                 struct fault *fault)
{
    struct audit_prover *prover = os_alloc(sizeof *prover);
    if (!prover)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for proofs");
    prover->store = store;
    prover->log = log;
    for (size_t i = 0; i < SLOTS; i++)
        prover->slots[i].height = -1;
    *out = prover;
    return FAULT_NONE;
}

void audit_prover_free(struct audit_prover *taken)
{
    os_free(taken);
}

static enum fault_code read_hash(void *context, int height, uint64_t index, struct sha256 *out,
                                 struct fault *fault)
{
    struct audit_prover *prover = context;
    struct slot *slot = &prover->slots[(index * 64 + (uint64_t)height) * 0x9e3779b97f4a7c15 >> 52];
    if (slot->height == height && slot->index == index) {
        *out = slot->hash;
        return FAULT_NONE;
    }
    struct sha256 hash;
    enum fault_code code =
        audit_subtree_read(prover->store, prover->log, height, index, &hash, fault);
    if (code != FAULT_NONE)
        return code;
    *slot = (struct slot){height, index, hash};
    *out = hash;
    return FAULT_NONE;
}

enum fault_code audit_prover_inclusion(struct audit_prover *prover, int64_t index, int64_t size,
                                       struct merkle_proof *out, struct fault *fault)
{
    return merkle_prove_inclusion((uint64_t)index, (uint64_t)size, read_hash, prover, out, fault);
}

enum fault_code audit_prover_consistency(struct audit_prover *prover, int64_t older, int64_t newer,
                                         struct merkle_proof *out, struct fault *fault)
{
    return merkle_prove_consistency((uint64_t)older, (uint64_t)newer, read_hash, prover, out,
                                    fault);
}
