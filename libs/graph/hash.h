/* A fast seeded hash for the tables of one graph. Logs are written by attackers too: with the seed
 * drawn at birth nobody can prepare values that all fall into one slot. For this room only. */
#ifndef IG_GRAPH_HASH_H
#define IG_GRAPH_HASH_H

#include <string.h>

#include "libs/core/str.h"

/* Odd constants with about as many ones as zeros: the fractions of pi. */
#define GRAPH_HASH_A UINT64_C(0x243f6a8885a308d3)
#define GRAPH_HASH_B UINT64_C(0x13198a2e03707345)
#define GRAPH_HASH_C UINT64_C(0xa4093822299f31d1)

/* Both halves of the full product, folded: each bit of either factor reaches all bits. */
static inline uint64_t graph_hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t graph_hash_load(const char *ptr, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, ptr, len);
    return word;
}

static inline uint64_t graph_hash(uint64_t seed, struct str text)
{
    const char *ptr = text.ptr;
    size_t left = text.len;
    uint64_t a = 0;
    uint64_t b = 0;
    for (; left > 16; left -= 16, ptr += 16)
        seed = graph_hash_mix(graph_hash_load(ptr, 8) ^ GRAPH_HASH_A,
                              graph_hash_load(ptr + 8, 8) ^ seed);
    /* The last 1 to 16 bytes as two words that may overlap, so that no load depends on the length.
     */
    if (left >= 8) {
        a = graph_hash_load(ptr, 8);
        b = graph_hash_load(ptr + left - 8, 8);
    } else if (left >= 4) {
        a = graph_hash_load(ptr, 4);
        b = graph_hash_load(ptr + left - 4, 4);
    } else if (left > 0) {
        a = (uint64_t)(unsigned char)ptr[0] << 16 | (uint64_t)(unsigned char)ptr[left / 2] << 8 |
            (unsigned char)ptr[left - 1];
    }
    return graph_hash_mix(graph_hash_mix(a ^ GRAPH_HASH_B, b ^ seed),
                          GRAPH_HASH_C ^ (uint64_t)text.len);
}

#endif
