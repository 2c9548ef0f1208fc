#include "libs/crypto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The eight leaves that implementations of RFC 6962 share as test data, and the roots of the trees
 * of the first 0..8 of them. */
static const struct str entries[] = {
    {"", 0},
    {"\x00", 1},
    {"\x10", 1},
    {"\x20\x21", 2},
    {"\x30\x31", 2},
    {"\x40\x41\x42\x43", 4},
    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};
static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void merkle_root__gives_the_published_roots(void **state)
{
    (void)state;
    struct merkle_range range = {.size = 0};
    for (size_t size = 0;; size++) {
        char hex[SHA256_HEX + 1];
        hex_of(merkle_root(&range).bytes, SHA256_SIZE, hex);
        assert_string_equal(hex, roots[size]);
        assert_int_equal(range.count, merkle_range_count(size));
        if (size == 8)
            break;
        struct sha256 made[MERKLE_HEIGHTS];
        struct sha256 leaf = merkle_leaf(entries[size]);
        merkle_append(&range, &leaf, made);
    }
}

static void merkle_leaf__of_a_long_entry_is_the_hash_of_zero_and_entry(void **state)
{
    (void)state;
    for (size_t len = 4090; len < 4100; len++) {
        char text[5000];
        memset(text, 'x', sizeof text);
        text[0] = 0;
        struct sha256 expected = sha256_of((struct str){text, len + 1});
        struct sha256 leaf = merkle_leaf((struct str){text + 1, len});
        assert_memory_equal(leaf.bytes, expected.bytes, SHA256_SIZE);
    }
}

/* A tree kept whole, written from the recursive definition of RFC 6962 section 2.1 only. */
enum { LEAVES = 70 };

static struct sha256 leaves[LEAVES];

static struct sha256 root_by_definition(size_t from, size_t to)
{
    if (to - from == 0)
        return sha256_of(STR(""));
    if (to - from == 1)
        return leaves[from];
    size_t k = 1;
    while (2 * k < to - from)
        k *= 2;
    struct sha256 left = root_by_definition(from, from + k);
    struct sha256 right = root_by_definition(from + k, to);
    return merkle_node(&left, &right);
}

static uint64_t most_leaves; /* no subtree beyond the tree in question is asked for */

static enum fault_code read_leaves(void *context, int height, uint64_t index, struct sha256 *out,
                                   struct fault *fault)
{
    (void)context;
    (void)fault;
    size_t from = (size_t)index << height;
    size_t to = from + ((size_t)1 << height);
    assert_true(to <= most_leaves);
    *out = root_by_definition(from, to);
    return FAULT_NONE;
}

static int make_leaves(void **state)
{
    (void)state;
    for (int i = 0; i < LEAVES; i++) {
        char text[16];
        snprintf(text, sizeof text, "leaf %d", i);
        leaves[i] = merkle_leaf(str_of(text));
    }
    return 0;
}

static void merkle_append__agrees_with_the_recursive_definition(void **state)
{
    (void)state;
    struct merkle_range range = {.size = 0};
    for (size_t i = 0; i < LEAVES; i++) {
        struct sha256 made[MERKLE_HEIGHTS];
        int count = merkle_append(&range, &leaves[i], made);
        for (int height = 0; height < count; height++) {
            struct sha256 expected = root_by_definition(i + 1 - ((size_t)1 << height), i + 1);
            assert_memory_equal(made[height].bytes, expected.bytes, SHA256_SIZE);
        }
        assert_true((i + 1) % ((size_t)1 << count) != 0);
        struct sha256 expected = root_by_definition(0, i + 1);
        assert_memory_equal(merkle_root(&range).bytes, expected.bytes, SHA256_SIZE);
    }
}

static void merkle_inclusion__is_proved_for_each_leaf_of_each_tree_and_no_other(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        most_leaves = size;
        struct sha256 root = root_by_definition(0, size);
        for (uint64_t index = 0; index < size; index++) {
            struct merkle_proof proof;
            struct fault fault;
            assert_int_equal(merkle_prove_inclusion(index, size, read_leaves, NULL, &proof, &fault),
                             FAULT_NONE);
            assert_true(merkle_verify_inclusion(index, size, &leaves[index], &proof, &root));
            assert_false(merkle_verify_inclusion(index + 1, size, &leaves[index], &proof, &root));
            assert_false(merkle_verify_inclusion(index ^ 1, size, &leaves[index], &proof, &root));
            struct sha256 other = leaves[index];
            other.bytes[31] ^= 1;
            assert_false(merkle_verify_inclusion(index, size, &other, &proof, &root));
            if (proof.count == 0)
                continue;
            struct merkle_proof changed = proof;
            changed.hashes[(size_t)index % (size_t)proof.count].bytes[0] ^= 0x80;
            assert_false(merkle_verify_inclusion(index, size, &leaves[index], &changed, &root));
            changed = proof;
            changed.count--;
            assert_false(merkle_verify_inclusion(index, size, &leaves[index], &changed, &root));
            changed = proof;
            changed.hashes[changed.count++] = root;
            assert_false(merkle_verify_inclusion(index, size, &leaves[index], &changed, &root));
        }
    }
}

static void merkle_consistency__is_proved_for_each_pair_and_no_other(void **state)
{
    (void)state;
    for (uint64_t newer = 1; newer <= LEAVES; newer++) {
        most_leaves = newer;
        struct sha256 newer_root = root_by_definition(0, newer);
        for (uint64_t older = 1; older <= newer; older++) {
            struct sha256 older_root = root_by_definition(0, older);
            struct merkle_proof proof;
            struct fault fault;
            assert_int_equal(
                merkle_prove_consistency(older, newer, read_leaves, NULL, &proof, &fault),
                FAULT_NONE);
            assert_true(merkle_verify_consistency(older, newer, &older_root, &newer_root, &proof));
            struct sha256 other = older_root;
            other.bytes[3] ^= 4;
            assert_false(merkle_verify_consistency(older, newer, &other, &newer_root, &proof));
            other = newer_root;
            other.bytes[3] ^= 4;
            assert_false(merkle_verify_consistency(older, newer, &older_root, &other, &proof));
            struct merkle_proof changed = proof;
            changed.hashes[changed.count++] = newer_root;
            assert_false(
                merkle_verify_consistency(older, newer, &older_root, &newer_root, &changed));
            if (proof.count == 0)
                continue;
            changed = proof;
            changed.count--;
            assert_false(
                merkle_verify_consistency(older, newer, &older_root, &newer_root, &changed));
        }
    }
}

/* The two examples of RFC 6962 section 2.1.3, on its tree of seven leaves. */
static void merkle_prove__names_the_subtrees_of_the_published_examples(void **state)
{
    (void)state;
    most_leaves = 7;
    struct merkle_proof proof;
    struct fault fault;
    assert_int_equal(merkle_prove_inclusion(0, 7, read_leaves, NULL, &proof, &fault), FAULT_NONE);
    assert_int_equal(proof.count, 3); /* [b, h, l] */
    struct sha256 h = root_by_definition(2, 4);
    struct sha256 l = root_by_definition(4, 7);
    assert_memory_equal(proof.hashes[0].bytes, leaves[1].bytes, SHA256_SIZE);
    assert_memory_equal(proof.hashes[1].bytes, h.bytes, SHA256_SIZE);
    assert_memory_equal(proof.hashes[2].bytes, l.bytes, SHA256_SIZE);

    assert_int_equal(merkle_prove_consistency(3, 7, read_leaves, NULL, &proof, &fault), FAULT_NONE);
    assert_int_equal(proof.count, 4); /* [c, d, g, l] */
    struct sha256 g = root_by_definition(0, 2);
    assert_memory_equal(proof.hashes[0].bytes, leaves[2].bytes, SHA256_SIZE);
    assert_memory_equal(proof.hashes[1].bytes, leaves[3].bytes, SHA256_SIZE);
    assert_memory_equal(proof.hashes[2].bytes, g.bytes, SHA256_SIZE);
    assert_memory_equal(proof.hashes[3].bytes, l.bytes, SHA256_SIZE);
}

static enum fault_code read_nothing(void *context, int height, uint64_t index, struct sha256 *out,
                                    struct fault *fault)
{
    (void)context;
    (void)out;
    return fault_set(fault, FAULT_IO, "no hash %d/%llu", height, (unsigned long long)index);
}

static void merkle_prove__hands_on_a_failed_reading(void **state)
{
    (void)state;
    struct merkle_proof proof = {.count = 9};
    struct fault fault;
    assert_int_equal(merkle_prove_inclusion(0, 2, read_nothing, NULL, &proof, &fault), FAULT_IO);
    assert_string_equal(fault.text, "no hash 0/1");
    assert_int_equal(
        merkle_prove_consistency(1, MERKLE_SIZE_MAX, read_nothing, NULL, &proof, &fault), FAULT_IO);
    assert_int_equal(proof.count, 9);
}

static void merkle_verify__refuses_numbers_out_of_range(void **state)
{
    (void)state;
    struct merkle_proof none = {.count = 0};
    struct sha256 root = leaves[0];
    assert_true(merkle_verify_inclusion(0, 1, &root, &none, &root));
    assert_false(merkle_verify_inclusion(0, 0, &root, &none, &root));
    assert_false(merkle_verify_inclusion(1, 1, &root, &none, &root));
    assert_false(merkle_verify_inclusion(0, UINT64_MAX, &root, &none, &root));
    assert_true(merkle_verify_consistency(1, 1, &root, &root, &none));
    assert_false(merkle_verify_consistency(0, 1, &root, &root, &none));
    assert_false(merkle_verify_consistency(2, 1, &root, &root, &none));
    assert_false(merkle_verify_consistency(1, UINT64_MAX, &root, &root, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle_root__gives_the_published_roots),
        cmocka_unit_test(merkle_leaf__of_a_long_entry_is_the_hash_of_zero_and_entry),
        cmocka_unit_test(merkle_append__agrees_with_the_recursive_definition),
        cmocka_unit_test(merkle_inclusion__is_proved_for_each_leaf_of_each_tree_and_no_other),
        cmocka_unit_test(merkle_consistency__is_proved_for_each_pair_and_no_other),
        cmocka_unit_test(merkle_prove__names_the_subtrees_of_the_published_examples),
        cmocka_unit_test(merkle_prove__hands_on_a_failed_reading),
        cmocka_unit_test(merkle_verify__refuses_numbers_out_of_range),
    };
    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
