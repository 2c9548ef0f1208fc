/* Traps of counting: each test fails when the defence against it is taken away. */
#include "service/usage/tests/usage_house.h"

#include <sys/wait.h>

/* --- large quantities ----------------------------------------------------------------------- */

/* Past 2^53, where doubles drop units, and past 2^63, where a sum in one column would end. */
static void sums__over_53_and_63_bits_are_exact_in_any_order(void **state)
{
    (void)state;
    enum { EVENTS = 9500 };
    static char lines[64 * 320];
    __int128 total = 0;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < EVENTS;) {
            size_t len = 0;
            for (int k = 0; k < 60 && i < EVENTS; k++, i++) {
                char id[32];
                /* Forward, then backward: the same amounts in another hour. */
                int64_t quantity = USAGE_QUANTITY_MAX - (turn ? EVENTS - 1 - i : i) % 3;
                snprintf(id, sizeof id, "%d-%d", turn, i);
                total += quantity;
                len += (size_t)snprintf(
                    lines + len, sizeof lines - len, "%s",
                    house_use(id, NOON - (1 + 3 * turn) * HOUR, "inference.tokens", quantity, ""));
            }
            assert_int_equal(house_send(lines).rejected, 0);
            arena_reset(&house.arena);
        }
    assert_true(total > (__int128)INT64_MAX);
    struct usage_report report = house_report("inference.tokens", ZONE_HOUR, NOON - 5 * HOUR, NOON);
    assert_true(report.total == total);
    assert_int_equal(report.count, 2);
    assert_true(report.rows[0].quantity == report.rows[1].quantity);
    struct buf text;
    buf_init(&text, 64);
    usage_add_whole(&text, report.total);
    assert_true(str_equal(buf_str(&text), STR("18999999999999981002")));
    buf_done(&text);
    /* One unit more or less is seen. */
    house_send(house_use("one", NOON - HOUR, "inference.tokens", 1, ""));
    report = house_report("inference.tokens", ZONE_HOUR, NOON - 5 * HOUR, NOON);
    assert_true(report.total == total + 1);
    assert_int_equal(house_rebuild().differences, 0);
}

/* --- order ---------------------------------------------------------------------------------- */

/* The plainest count: the first event of an id, the last correction of it. */
enum { USES = 60, SENT_MAX = 4 * USES };

struct plain {
    int64_t time_us[USES];
    int64_t quantity[USES]; /* as it counts now */
};

struct sent {
    char line[512];
    int use;            /* which one it is of */
    bool is_correction; /* of it */
    int64_t quantity;
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Uses in a shuffled order, each one to three times, then corrections of them, some of them twice.
 */
static size_t make_sendings(uint32_t *seed, int round, struct plain *plain, struct sent *out)
{
    size_t count = 0;
    for (int i = 0; i < USES; i++) {
        char id[32];
        plain->time_us[i] = NOON - (int64_t)(next(seed) % (20 * 86400)) * S;
        plain->quantity[i] = next(seed) % 1000;
        snprintf(id, sizeof id, "%d-%d", round, i);
        for (uint32_t copies = 1 + next(seed) % 3; copies > 0 && count < SENT_MAX; copies--) {
            out[count].use = i;
            out[count].is_correction = false;
            snprintf(out[count].line, sizeof out[count].line, "%s",
                     house_use(id, plain->time_us[i], "api.calls", plain->quantity[i], ""));
            count++;
        }
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = next(seed) % i;
        struct sent kept = out[i - 1];
        out[i - 1] = out[other];
        out[other] = kept;
    }
    for (int i = 0; i < USES / 3 && count + 1 < SENT_MAX; i++) {
        char id[32];
        char of[32];
        int use = (int)(next(seed) % USES);
        bool is_void = next(seed) % 2;
        int64_t quantity = is_void ? 0 : next(seed) % 1000;
        snprintf(id, sizeof id, "%d-c%d", round, i);
        snprintf(of, sizeof of, "%d-%d", round, use);
        for (int copies = 0; copies < 2; copies++) {
            out[count].use = use;
            out[count].is_correction = true;
            out[count].quantity = quantity;
            snprintf(
                out[count].line, sizeof out[count].line, "%s",
                house_correct(is_void ? "void" : "amend", id, of, plain->time_us[use], quantity));
            count++;
        }
    }
    return count;
}

static void check_days(const struct plain *plain, const char *zone)
{
    struct usage_report report =
        house_report("api.calls", ZONE_DAY, NOON - 22 * 24 * HOUR, NOON + HOUR);
    __int128 total = 0;
    for (int i = 0; i < USES; i++)
        total += plain->quantity[i];
    if (report.total != total)
        fail_msg("%s: %d, not %d", zone, (int)report.total, (int)total);
    for (size_t r = 0; r < report.count; r++) {
        __int128 sum = 0;
        int64_t events = 0;
        for (int i = 0; i < USES; i++)
            if (plain->time_us[i] >= report.rows[r].period.from_us &&
                plain->time_us[i] < report.rows[r].period.to_us) {
                sum += plain->quantity[i];
                events++;
            }
        assert_true(report.rows[r].quantity == sum);
        assert_int_equal(report.rows[r].events, events);
    }
}

static void repeats__in_any_order_and_any_batches_count_once(void **state)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kathmandu"};
    const char *wanted = getenv("SEEDS");
    int rounds = wanted ? atoi(wanted) : 30;
    static struct sent sent[SENT_MAX];
    static char lines[SENT_MAX * 512];
    for (int round = 0; round < rounds; round++) {
        struct plain plain;
        uint32_t seed = (uint32_t)round * 7919 + 1;
        const char *zone = zones[round % 3];
        char name[64];
        if (round > 0)
            assert_int_equal(house_open(state), 0); /* a store of its own for each */
        snprintf(name, sizeof name, "%s", zone);
        house_set_zone(name);
        size_t count = make_sendings(&seed, round, &plain, sent);
        for (size_t i = 0; i < count;) {
            size_t len = 0;
            for (uint32_t k = 1 + next(&seed) % 40; k > 0 && i < count; k--, i++) {
                len += (size_t)snprintf(lines + len, sizeof lines - len, "%s", sent[i].line);
                if (sent[i].is_correction)
                    plain.quantity[sent[i].use] = sent[i].quantity;
            }
            struct usage_batch batch = house_send(lines);
            assert_int_equal(batch.rejected, 0);
            if (next(&seed) % 4 == 0) /* the answer was lost: all of it again */
                assert_int_equal(house_send(lines).accepted, 0);
        }
        check_days(&plain, zone);
        assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), USES + USES / 3);
        assert_int_equal(house_rebuild().differences, 0);
        check_days(&plain, zone);
        if (round < rounds - 1)
            assert_int_equal(house_close(state), 0);
    }
}

/* --- two processes at once ------------------------------------------------------------------ */

enum { RACERS = 3, RACE_EVENTS = 240, RACE_BATCH = 8 };

/* One process sends each event, in an order and with a quantity of its own; its counts go into the
 * pipe. */
static void race(int racer, const char *place, bool differ, int out)
{
    struct store_pool *pool = NULL;
    struct fault fault;
    int64_t counts[3] = {0};
    arena_init(&house.arena, 256 << 20);
    arena_init(&house.scratch, 4 << 20);
    house.now_us = NOON;
    enum fault_code code =
        store_pool_new(place, 2, service_migrations, service_migration_count, &pool, &fault);
    for (int i = 0; i < RACE_EVENTS && code == FAULT_NONE; i += RACE_BATCH) {
        struct usage_batch batch = {.arena = &house.arena,
                                    .scratch = &house.scratch,
                                    .tenant = STR("acme"),
                                    .received_us = NOON};
        for (int k = 0; k < RACE_BATCH && code == FAULT_NONE; k++) {
            int number = racer % 2 ? RACE_EVENTS - 1 - i - k : i + k;
            char id[32];
            snprintf(id, sizeof id, "%d", number);
            const char *line =
                house_use(id, NOON - number * 60 * S, "api.calls", differ ? 1 + racer : 1, "");
            code =
                usage_batch_add(&batch, arena_copy(&house.arena, str_trim(str_of(line))), &fault);
        }
        for (int tries = 0; tries < 20; tries++) {
            if (code == FAULT_NONE)
                code = usage_batch_store(&batch, pool, &fault);
            if (code != FAULT_UNAVAILABLE)
                break;
            code = FAULT_NONE; /* another one wrote for long: as a client would */
        }
        counts[0] += batch.accepted;
        counts[1] += batch.duplicates;
        counts[2] += batch.rejected;
    }
    if (code != FAULT_NONE)
        fprintf(stderr, "racer %d: %s\n", racer, fault.text);
    ssize_t wrote = write(out, counts, sizeof counts);
    if (pool)
        store_pool_free(pool);
    _exit(code == FAULT_NONE && wrote == sizeof counts ? 0 : 1);
}

static void run_race(const char *place, bool differ, int64_t counts[3])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int racer = 0; racer < RACERS; racer++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            race(racer, place, differ, ends[1]);
    }
    close(ends[1]);
    memset(counts, 0, 3 * sizeof counts[0]);
    for (int racer = 0; racer < RACERS; racer++) {
        int64_t told[3];
        int status;
        assert_int_equal(read(ends[0], told, sizeof told), sizeof told);
        for (int i = 0; i < 3; i++)
            counts[i] += told[i];
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    close(ends[0]);
}

/* No connection of ours is open while they run: a child must not inherit one. */
static void start_race(bool differ, int64_t counts[3])
{
    static char place[PLACE_MAX];
    char path[128];
    struct store_pool *pool;
    snprintf(house.folder, sizeof house.folder, "/tmp/usage-XXXXXX");
    assert_non_null(mkdtemp(house.folder));
    snprintf(path, sizeof path, "%s/usage.db", house.folder);
    place_make(path, place);
    MUST(
        store_pool_new(place, 1, service_migrations, service_migration_count, &pool, &house.fault));
    store_pool_free(pool);
    run_race(place, differ, counts);
    MUST(store_pool_new(place, 2, service_migrations, service_migration_count, &house.pool,
                        &house.fault));
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
    arena_init(&house.arena, 256 << 20);
    arena_init(&house.scratch, 4 << 20);
    house.now_us = NOON;
}

static void processes__that_send_the_same_count_it_once(void **state)
{
    (void)state;
    int64_t counts[3];
    start_race(false, counts);
    assert_int_equal(counts[0], RACE_EVENTS); /* each accepted by one of them */
    assert_int_equal(counts[1], (RACERS - 1) * RACE_EVENTS);
    assert_int_equal(counts[2], 0);
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - 24 * HOUR, NOON).total,
                     RACE_EVENTS);
    assert_int_equal(house_whole("SELECT count(DISTINCT event_key) FROM usage_events"),
                     RACE_EVENTS);
    assert_int_equal(house_rebuild().differences, 0);
}

static void processes__that_differ_about_an_event_are_told_and_one_counts(void **state)
{
    (void)state;
    int64_t counts[3];
    start_race(true, counts);
    assert_int_equal(counts[0], RACE_EVENTS);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], (RACERS - 1) * RACE_EVENTS);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq WHERE reason = 'clash'"),
                     (RACERS - 1) * RACE_EVENTS);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), RACE_EVENTS);
    assert_true(house_report("api.calls", ZONE_DAY, NOON - 24 * HOUR, NOON).total ==
                house_whole("SELECT CAST(sum(quantity) AS BIGINT) FROM usage_events"));
    assert_int_equal(house_rebuild().differences, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(sums__over_53_and_63_bits_are_exact_in_any_order),
        TEST(repeats__in_any_order_and_any_batches_count_once),
        cmocka_unit_test_teardown(processes__that_send_the_same_count_it_once, house_close),
        cmocka_unit_test_teardown(processes__that_differ_about_an_event_are_told_and_one_counts,
                                  house_close),
    };
    return cmocka_run_group_tests_name("usage_traps", tests, NULL, NULL);
}
