#include "libs/crypto/merkle.h"

#include <assert.h>
#include <string.h>

/* Leaves too long for the stack are rare; they are hashed in pieces. */
enum { SHORT_ENTRY = 4096 };

struct sha256 merkle_leaf(struct str entry)
{
    if (entry.len <= SHORT_ENTRY) {
        char text[SHORT_ENTRY + 1];
        text[0] = 0;
        if (entry.len > 0)
            memcpy(text + 1, entry.ptr, entry.len);
        return sha256_of((struct str){text, entry.len + 1});
    }
    struct sha256_state *state = sha256_new();
    assert(state);
    sha256_add(state, (struct str){"\0", 1});
    sha256_add(state, entry);
    return sha256_end(state);
}

struct sha256 merkle_node(const struct sha256 *left, const struct sha256 *right)
{
    char text[1 + 2 * SHA256_SIZE];
    text[0] = 1;
    memcpy(text + 1, left->bytes, SHA256_SIZE);
    memcpy(text + 1 + SHA256_SIZE, right->bytes, SHA256_SIZE);
    return sha256_of((struct str){text, sizeof text});
}

int merkle_range_count(uint64_t size)
{
    return __builtin_popcountll(size);
}

int merkle_append(struct merkle_range *range, const struct sha256 *leaf,
                  struct sha256 out_made[MERKLE_HEIGHTS])
{
    assert(range->size < MERKLE_SIZE_MAX);
    int height = 0;
    out_made[0] = *leaf;
    /* Each trailing one of the size is a complete subtree that now finds its right half. */
    for (uint64_t ones = range->size; ones & 1; ones >>= 1, height++)
        out_made[height + 1] = merkle_node(&range->hashes[--range->count], &out_made[height]);
    range->hashes[range->count++] = out_made[height];
    range->size++;
    return height + 1;
}

struct sha256 merkle_root(const struct merkle_range *range)
{
    if (range->size == 0)
        return sha256_of(STR(""));
    struct sha256 root = range->hashes[range->count - 1];
    for (int i = range->count - 2; i >= 0; i--)
        root = merkle_node(&range->hashes[i], &root);
    return root;
}

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* Leaves [from, to), as RFC 6962's D[from:to] where `from` is a multiple of a power of two that is
 * not below to - from: such ranges are what proofs name. */
struct span {
    uint64_t from;
    uint64_t to;
};

static enum fault_code hash_span(struct span span, merkle_read *read_hash, void *context,
                                 struct sha256 *out, struct fault *fault)
{
    struct merkle_range range = {.size = span.to - span.from};
    uint64_t at = span.from;
    for (int height = MERKLE_HEIGHTS - 1; height >= 0; height--) {
        if (!(range.size >> height & 1))
            continue;
        enum fault_code code =
            read_hash(context, height, at >> height, &range.hashes[range.count], fault);
        if (code != FAULT_NONE)
            return code;
        range.count++;
        at += (uint64_t)1 << height;
    }
    *out = merkle_root(&range);
    return FAULT_NONE;
}

/* The spans were found from the root down; a proof goes from the leaf up. */
static enum fault_code hash_spans(const struct span *spans, int count, merkle_read *read_hash,
                                  void *context, struct merkle_proof *out, struct fault *fault)
{
    struct merkle_proof proof = {.count = 0};
    while (count > 0) {
        enum fault_code code =
            hash_span(spans[--count], read_hash, context, &proof.hashes[proof.count], fault);
        if (code != FAULT_NONE)
            return code;
        proof.count++;
    }
    *out = proof;
    return FAULT_NONE;
}

enum fault_code merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read *read_hash,
                                       void *context, struct merkle_proof *out, struct fault *fault)
{
    assert(index < size && size <= MERKLE_SIZE_MAX);
    struct span spans[MERKLE_PROOF_MAX];
    struct span span = {0, size};
    int count = 0;
    while (span.to - span.from > 1) {
        uint64_t middle = span.from + split(span.to - span.from);
        if (index < middle) {
            spans[count++] = (struct span){middle, span.to};
            span.to = middle;
        } else {
            spans[count++] = (struct span){span.from, middle};
            span.from = middle;
        }
    }
    return hash_spans(spans, count, read_hash, context, out, fault);
}

enum fault_code merkle_prove_consistency(uint64_t older, uint64_t newer, merkle_read *read_hash,
                                         void *context, struct merkle_proof *out,
                                         struct fault *fault)
{
    assert(older >= 1 && older <= newer && newer <= MERKLE_SIZE_MAX);
    struct span spans[MERKLE_PROOF_MAX];
    struct span span = {0, newer};
    int count = 0;
    while (older != span.to) {
        uint64_t middle = span.from + split(span.to - span.from);
        if (older <= middle) {
            spans[count++] = (struct span){middle, span.to};
            span.to = middle;
        } else {
            spans[count++] = (struct span){span.from, middle};
            span.from = middle;
        }
    }
    /* At the left edge the subtree is the older tree itself, whose root the verifier has. */
    if (span.from > 0)
        spans[count++] = span;
    return hash_spans(spans, count, read_hash, context, out, fault);
}

bool merkle_verify_inclusion(uint64_t index, uint64_t size, const struct sha256 *leaf,
                             const struct merkle_proof *proof, const struct sha256 *root)
{
    if (index >= size || size > MERKLE_SIZE_MAX)
        return false;
    uint64_t at = index;
    uint64_t last = size - 1;
    struct sha256 hash = *leaf;
    for (int i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            hash = merkle_node(&proof->hashes[i], &hash);
            for (; !(at & 1) && at != 0; at >>= 1)
                last >>= 1;
        } else {
            hash = merkle_node(&hash, &proof->hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && crypto_equal(hash.bytes, root->bytes, SHA256_SIZE);
}

bool merkle_verify_consistency(uint64_t older, uint64_t newer, const struct sha256 *older_root,
                               const struct sha256 *newer_root, const struct merkle_proof *proof)
{
    if (older == 0 || older > newer || newer > MERKLE_SIZE_MAX)
        return false;
    if (older == newer)
        return proof->count == 0 && crypto_equal(older_root->bytes, newer_root->bytes, SHA256_SIZE);
    /* An older tree that is one complete subtree is its own first hash, left out of the proof. */
    bool complete = (older & (older - 1)) == 0;
    if (proof->count == 0)
        return false;
    struct sha256 first = complete ? *older_root : proof->hashes[0];
    struct sha256 older_hash = first;
    struct sha256 newer_hash = first;
    uint64_t at = older - 1;
    uint64_t last = newer - 1;
    for (; at & 1; at >>= 1)
        last >>= 1;
    for (int next = complete ? 0 : 1; next < proof->count; next++) {
        const struct sha256 *hash = &proof->hashes[next];
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            older_hash = merkle_node(hash, &older_hash);
            newer_hash = merkle_node(hash, &newer_hash);
            for (; !(at & 1) && at != 0; at >>= 1)
                last >>= 1;
        } else {
            newer_hash = merkle_node(&newer_hash, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && crypto_equal(older_hash.bytes, older_root->bytes, SHA256_SIZE) &&
           crypto_equal(newer_hash.bytes, newer_root->bytes, SHA256_SIZE);
}
