/* Merkle trees as RFC 6962 section 2.1 defines them (RFC 9162 keeps the same hashes).
 *
 * Pure: hashes come in, hashes go out. A tree of n leaves is known by its compact range, the hashes
 * of the complete subtrees that n's binary digits stand for; that is all an append needs. Proofs
 * read further complete subtrees through a callback. */
#ifndef IG_CRYPTO_MERKLE_H
#define IG_CRYPTO_MERKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/crypto/hash.h"

enum { MERKLE_HEIGHTS = 63, MERKLE_PROOF_MAX = 64 }; /* trees up to 2^62 leaves */

#define MERKLE_SIZE_MAX ((uint64_t)1 << 62)

struct sha256 merkle_leaf(struct str entry); /* H(0x00 entry) */
struct sha256 merkle_node(const struct sha256 *left, const struct sha256 *right); /* H(0x01 l r) */

struct merkle_range {
    uint64_t size;                        /* leaves */
    int count;                            /* of hashes: as many as `size` has binary ones */
    struct sha256 hashes[MERKLE_HEIGHTS]; /* largest subtree first */
};

/* How many complete subtrees make up a tree of this size. */
int merkle_range_count(uint64_t size);

/* Adds a leaf. out_made[h] is the hash of the subtree of height h that it completed, out_made[0]
 * the leaf itself; returns how many there are. */
int merkle_append(struct merkle_range *range, const struct sha256 *leaf,
                  struct sha256 out_made[MERKLE_HEIGHTS]);

struct sha256 merkle_root(const struct merkle_range *range); /* of no leaves: H("") */

/* Gives the hash of the complete subtree of `height` that begins at leaf index << height. */
typedef enum fault_code merkle_read(void *context, int height, uint64_t index, struct sha256 *out,
                                    struct fault *fault);

struct merkle_proof {
    int count;
    struct sha256 hashes[MERKLE_PROOF_MAX];
};

/* RFC 6962 2.1.1: that leaf `index` is in the tree of `size`; index < size <= MERKLE_SIZE_MAX. */
enum fault_code merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read *read_hash,
                                       void *context, struct merkle_proof *out,
                                       struct fault *fault) MUST_USE;

/* RFC 6962 2.1.2: that the tree of `older` leaves is the beginning of that of `newer`;
 * 1 <= older <= newer <= MERKLE_SIZE_MAX. */
enum fault_code merkle_prove_consistency(uint64_t older, uint64_t newer, merkle_read *read_hash,
                                         void *context, struct merkle_proof *out,
                                         struct fault *fault) MUST_USE;

/* RFC 9162 2.1.3.2 and 2.1.4.2. Numbers out of range are false. */
bool merkle_verify_inclusion(uint64_t index, uint64_t size, const struct sha256 *leaf,
                             const struct merkle_proof *proof, const struct sha256 *root);
bool merkle_verify_consistency(uint64_t older, uint64_t newer, const struct sha256 *older_root,
                               const struct sha256 *newer_root, const struct merkle_proof *proof);

#endif
