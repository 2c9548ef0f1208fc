/* What a query gives, as a list, as one struct, and to a visitor. */
#include "libs/store/store_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"

enum { ROWS = 100 };

static const char numbers_sql[] =
    "SELECT n, CAST(n AS TEXT) AS text FROM numbers WHERE n <= $1 ORDER BY n";

static const struct store_migration table_of_numbers = {
    1, "numbers",
    STR("CREATE TABLE numbers (n BIGINT NOT NULL PRIMARY KEY);"
        "INSERT INTO numbers WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up"
        " WHERE n < 100) SELECT n FROM up;")};

static struct {
    char file[64];
    char place[PLACE_MAX];
    struct store *store;
    struct arena arena;
    struct fault fault;
} now;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", now.fault.text);                                                        \
    } while (0)

struct number {
    int64_t value;
    struct str text;
};

static enum fault_code read_number(struct store_row *row, void *out, struct fault *fault)
{
    struct number *number = out;
    *number = (struct number){store_whole(row->query, 0), store_row_text(row, 1)};
    if (number->value == 13)
        return fault_set(fault, FAULT_CORRUPT, "13 is no number");
    return FAULT_NONE;
}

static struct statement *up_to(int64_t most)
{
    struct statement *query;
    MUST(store_prepare(now.store, numbers_sql, &query, &now.fault));
    store_bind_whole(query, 1, most);
    return query;
}

static int open_store(void **state)
{
    (void)state;
    snprintf(now.file, sizeof now.file, "/tmp/rows-%ld", (long)getpid());
    place_make(now.file, now.place);
    MUST(store_open(now.place, &now.store, &now.fault));
    MUST(store_migrate(now.store, &table_of_numbers, 1, &now.fault));
    arena_init(&now.arena, 1 << 20);
    return 0;
}

static int close_store(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    store_close(now.store);
    arena_done(&now.arena);
    for (size_t i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", now.file, ends[i]);
        (void)unlink(path);
    }
    return 0;
}

static void store_list__has_all_rows_in_order_however_many(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 12};
    for (size_t c = 0; c < 3; c++) {
        struct store_list list = {0};
        MUST(store_list(up_to((int64_t)counts[c]), &now.arena, sizeof(struct number), read_number,
                        &list, &now.fault));
        const struct number *numbers = list.rows;
        assert_int_equal(list.count, counts[c]);
        assert_true((list.rows == NULL) == (counts[c] == 0));
        for (size_t i = 0; i < list.count; i++) {
            char text[16];
            snprintf(text, sizeof text, "%zu", i + 1);
            assert_int_equal(numbers[i].value, i + 1);
            assert_true(str_equal(numbers[i].text, str_of(text)));
        }
    }
}

static enum fault_code read_value(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(int64_t *)out = store_whole(row->query, 0);
    return FAULT_NONE;
}

static void store_list__grows_beyond_its_first_room(void **state)
{
    (void)state;
    struct store_list list;
    MUST(store_list(up_to(ROWS), &now.arena, sizeof(int64_t), read_value, &list, &now.fault));
    assert_int_equal(list.count, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(((int64_t *)list.rows)[i], i + 1);
}

static void store_list__says_what_its_reader_says_and_leaves_the_rest_alone(void **state)
{
    (void)state;
    struct store_list list = {.count = 77};
    bool found = false;
    struct number first = {0};
    assert_int_equal(
        store_list(up_to(ROWS), &now.arena, sizeof(struct number), read_number, &list, &now.fault),
        FAULT_CORRUPT);
    assert_string_equal(now.fault.text, "13 is no number");
    assert_int_equal(list.count, 77);
    /* The query that was left in its middle can be asked again. */
    MUST(store_find(up_to(1), &now.arena, sizeof first, read_number, &found, &first, &now.fault));
    assert_true(found && first.value == 1);
}

static void store_list__without_memory_is_a_fault_whatever_it_is_for(void **state)
{
    (void)state;
    /* From no room at all to room for the rows, but not for their texts. */
    for (size_t limit = 0; limit < 16 * sizeof(struct number) + 16; limit += 16) {
        struct arena small;
        struct store_list list = {.count = 77};
        arena_init(&small, limit);
        assert_int_equal(
            store_list(up_to(12), &small, sizeof(struct number), read_number, &list, &now.fault),
            FAULT_NO_MEMORY);
        assert_int_equal(list.count, 77);
        arena_done(&small);
    }
}

static void store_find__gives_the_first_row_or_touches_nothing(void **state)
{
    (void)state;
    struct number number = {.value = 77};
    bool found = true;
    MUST(store_find(up_to(0), &now.arena, sizeof number, read_number, &found, &number, &now.fault));
    assert_true(!found && number.value == 77);
    MUST(store_find(up_to(9), &now.arena, sizeof number, read_number, &found, &number, &now.fault));
    assert_true(found && number.value == 1 && str_equal(number.text, STR("1")));

    struct arena none;
    arena_init(&none, 0);
    number.value = 77;
    assert_int_equal(
        store_find(up_to(9), &none, sizeof number, read_number, &found, &number, &now.fault),
        FAULT_NO_MEMORY);
    assert_int_equal(number.value, 77);
    arena_done(&none);
}

static enum fault_code stop_at_three(struct statement *row, void *context, struct fault *fault)
{
    int64_t *sum = context;
    *sum += store_whole(row, 0);
    return store_whole(row, 0) < 3 ? FAULT_NONE : fault_set(fault, FAULT_LIMIT, "three are enough");
}

static void store_each__ends_with_the_last_row_or_the_first_fault(void **state)
{
    (void)state;
    int64_t sum = 0;
    MUST(store_each(up_to(2), stop_at_three, &sum, &now.fault));
    assert_int_equal(sum, 3);
    sum = 0;
    assert_int_equal(store_each(up_to(ROWS), stop_at_three, &sum, &now.fault), FAULT_LIMIT);
    assert_int_equal(sum, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_list__has_all_rows_in_order_however_many),
        cmocka_unit_test(store_list__grows_beyond_its_first_room),
        cmocka_unit_test(store_list__says_what_its_reader_says_and_leaves_the_rest_alone),
        cmocka_unit_test(store_list__without_memory_is_a_fault_whatever_it_is_for),
        cmocka_unit_test(store_find__gives_the_first_row_or_touches_nothing),
        cmocka_unit_test(store_each__ends_with_the_last_row_or_the_first_fault),
    };
    return cmocka_run_group_tests(tests, open_store, close_store);
}
