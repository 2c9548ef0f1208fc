#include "service/usage/usage_recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/core/os.h"

static struct usage_recent *recent;
static struct fault fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", fault.text);                                                            \
    } while (0)

static int make(void **state)
{
    (void)state;
    MUST(usage_recent_new(&recent, &fault));
    return 0;
}

static int release(void **state)
{
    (void)state;
    usage_recent_free(recent);
    return 0;
}

/* As good as random, and another one for each number. */
static uint32_t hash_of(int64_t number)
{
    uint64_t z = (uint64_t)number * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(z >> 32);
}

static bool has(uint32_t hash, int64_t seq)
{
    struct usage_recent_look look = usage_recent_look(recent, hash);
    int64_t found;
    while (usage_recent_next(&look, &found))
        if (found == seq)
            return true;
    return false;
}

static void recent__is_empty_at_first(void **state)
{
    (void)state;
    assert_false(has(hash_of(1), 1));
    assert_int_equal(usage_recent_gone_ms(recent), -1);
}

static void recent__names_all_of_one_hash(void **state)
{
    (void)state;
    for (int64_t seq = 10; seq < 40; seq++)
        MUST(usage_recent_put(recent, 0xffffffff, seq, 5, &fault)); /* and goes round the end */
    for (int64_t seq = 10; seq < 40; seq++)
        assert_true(has(0xffffffff, seq));
    assert_false(has(0xffffffff, 40));
    assert_false(has(0xfffffffe, 10));
}

static void recent__knows_so_many_for_certain_and_tells_what_has_gone(void **state)
{
    (void)state;
    const int64_t count = 2 * (int64_t)USAGE_RECENT + 1;
    for (int64_t seq = 1; seq <= count; seq++) {
        MUST(usage_recent_put(recent, hash_of(seq), seq, seq == 7 ? 9000000 : seq, &fault));
        if (seq == 2 * (int64_t)USAGE_RECENT) {
            assert_true(has(hash_of(1), 1));
            assert_int_equal(usage_recent_gone_ms(recent), -1);
        }
    }
    assert_false(has(hash_of(1), 1));
    assert_false(has(hash_of(USAGE_RECENT), USAGE_RECENT));
    assert_int_equal(usage_recent_gone_ms(recent), 9000000); /* the latest time, not the last */
    for (int64_t seq = count - USAGE_RECENT; seq <= count; seq++)
        if (!has(hash_of(seq), seq))
            fail_msg("%lld is not known", (long long)seq);
    usage_recent_gone(recent, 8);
    assert_int_equal(usage_recent_gone_ms(recent), 9000000);
    usage_recent_gone(recent, 9000001);
    assert_int_equal(usage_recent_gone_ms(recent), 9000001);
}

static int left;

static void *refuse_later(void *ptr, size_t size)
{
    return size > 0 && left-- <= 0 ? NULL : os_posix.resize(ptr, size);
}

static void recent__without_memory_stays_as_it_was(void **state)
{
    (void)state;
    struct os_platform refusing = os_posix;
    struct usage_recent *none = NULL;
    refusing.resize = refuse_later;
    for (int64_t seq = 1; seq <= 512; seq++)
        MUST(usage_recent_put(recent, hash_of(seq), seq, 1, &fault));
    os_platform_set(&refusing);
    left = 0;
    enum fault_code refused = usage_recent_put(recent, hash_of(513), 513, 1, &fault);
    enum fault_code not_made = usage_recent_new(&none, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(refused, FAULT_NO_MEMORY);
    assert_int_equal(not_made, FAULT_NO_MEMORY);
    assert_null(none);
    assert_false(has(hash_of(513), 513));
    MUST(usage_recent_put(recent, hash_of(513), 513, 1, &fault));
    for (int64_t seq = 1; seq <= 513; seq++)
        assert_true(has(hash_of(seq), seq));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, release)
    const struct CMUnitTest tests[] = {
        TEST(recent__is_empty_at_first),
        TEST(recent__names_all_of_one_hash),
        TEST(recent__knows_so_many_for_certain_and_tells_what_has_gone),
        TEST(recent__without_memory_stays_as_it_was),
    };
    return cmocka_run_group_tests_name("usage_recent", tests, NULL, NULL);
}
