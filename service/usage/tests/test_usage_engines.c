/* One stream of events, with repeats, clashes, corrections and levels, comes to the same on a file
 * and on the other engine (with IG_TEST_STORE: a server; else another file), however it is cut into
 * requests. */
#include "service/usage/tests/usage_house.h"
#include "service/usage/usage_rollup.h"

enum { EVENTS = 1500, LINE_MAX_BYTES = 512, SIDES = 3 };

static char lines[EVENTS][LINE_MAX_BYTES];
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)seed * below >> 32);
}

/* --- the stream ----------------------------------------------------------------------------- */

static int64_t time_of(int number)
{
    return NOON - (int64_t)((unsigned)number * 2654435761u % (20 * 86400)) * S;
}

static void write_use(int line, int number, int64_t shift_us, int more)
{
    static const char *const meters[] = {"api.calls", "inference.tokens", "storage.bytes"};
    static const char *const of[] = {"route", "model", "store"};
    int which = number % 3;
    char id[32];
    char extra[128];
    snprintf(id, sizeof id, "e%d", number);
    snprintf(extra, sizeof extra, ",\"dimensions\":{\"%s\":\"v%d\"}", of[which], number % 5);
    snprintf(lines[line], LINE_MAX_BYTES, "%s",
             house_use(id, time_of(number) + shift_us, meters[which],
                       (int64_t)number * 1000003 + more, extra));
}

static void write_correction(int line, int number)
{
    char id[32];
    char refers_to[32];
    snprintf(id, sizeof id, "c%d", line);
    snprintf(refers_to, sizeof refers_to, "e%d", number);
    snprintf(lines[line], LINE_MAX_BYTES, "%s",
             house_correct(draw(2) ? "void" : "amend", id, refers_to, time_of(number),
                           (int64_t)draw(1000)));
}

static void write_stream(void)
{
    seed = 11;
    for (int line = 0; line < EVENTS; line++) {
        int earlier = (int)draw((uint32_t)line + 1);
        switch (draw(10)) {
        case 0: /* the same once more, whatever it was */
            memcpy(lines[line], lines[earlier], LINE_MAX_BYTES);
            if (lines[line][0] != '\0')
                break;
            write_use(line, line, 0, 0);
            break;
        case 1:
            write_correction(line, earlier);
            break;
        case 2:
            write_use(line, earlier, 0, 1); /* clashes, where it is there */
            break;
        case 3:
            write_use(line, earlier, 7 * S, 0); /* at another time */
            break;
        default:
            write_use(line, line, 0, 0);
        }
    }
}

/* --- what it comes to ----------------------------------------------------------------------- */

struct outcome {
    int accepted;
    int duplicates;
    int rejected;
    char each[EVENTS]; /* a letter an event */
    struct buf sums;   /* all rows of all reports, in words */
    char chain[65];
};

static void send_cut(int least, int most, struct outcome *out)
{
    static char request[EVENTS * LINE_MAX_BYTES];
    seed = (uint32_t)most;
    for (int at = 0; at < EVENTS;) {
        int count = least + (int)draw((uint32_t)(most - least + 1));
        size_t len = 0;
        int first = at;
        for (; at < EVENTS && at < first + count; at++)
            len += (size_t)snprintf(request + len, sizeof request - len, "%s", lines[at]);
        struct usage_batch batch = house_send(request);
        out->accepted += (int)batch.accepted;
        out->duplicates += (int)batch.duplicates;
        out->rejected += (int)batch.rejected;
        for (size_t i = 0; i < batch.count; i++)
            out->each[first + (int)i] = batch.items[i].outcome == USAGE_REJECTED
                                            ? batch.items[i].reason[0]
                                        : batch.items[i].outcome == USAGE_ACCEPTED ? '+'
                                                                                   : '=';
        arena_reset(&house.arena);
    }
}

static void add_report(struct buf *out, const char *meter, const char *by, enum zone_unit window)
{
    struct usage_report report =
        house_report_by(meter, window, NOON - 21 * 24 * HOUR, NOON + HOUR, by);
    for (size_t i = 0; i < report.count; i++)
        buf_addf(out, "%s %d %lld %.*s %lld%015lld %lld\n", meter, (int)window,
                 (long long)report.rows[i].period.from_us, STR_ARG(report.rows[i].dimensions),
                 (long long)(report.rows[i].quantity / USAGE_LOW),
                 (long long)(report.rows[i].quantity % USAGE_LOW),
                 (long long)report.rows[i].events);
    arena_reset(&house.arena);
}

static void read_chain(char out[65])
{
    struct sha256 chain;
    MUST(usage_store_chain(house.store, STR("acme"), &chain, &house.fault));
    hex_of(chain.bytes, sizeof chain.bytes, out);
}

static void take_side(int least, int most, struct outcome *out)
{
    *out = (struct outcome){.accepted = 0};
    buf_init(&out->sums, 16 << 20);
    send_cut(least, most, out);
    for (int window = ZONE_HOUR; window <= ZONE_MONTH; window++) {
        add_report(&out->sums, "api.calls", "route", (enum zone_unit)window);
        add_report(&out->sums, "inference.tokens", "model", (enum zone_unit)window);
        add_report(&out->sums, "storage.bytes", "store", (enum zone_unit)window);
    }
    read_chain(out->chain);
    assert_int_equal(house_rebuild().differences, 0);
    assert_int_equal(house_whole("SELECT CAST(sum(times) AS BIGINT) FROM usage_dlq"),
                     out->rejected);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), out->accepted);
}

/* A file beside the place that the house has opened. */
static void use_file(struct store_pool **out_other)
{
    char path[128];
    snprintf(path, sizeof path, "%s/other.db", house.folder);
    store_pool_give(house.pool, house.store);
    *out_other = house.pool;
    MUST(store_pool_new(path, 2, service_migrations, service_migration_count, &house.pool,
                        &house.fault));
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
}

static void leave_file(struct store_pool *other)
{
    static const char *const files[] = {"other.db", "other.db-wal", "other.db-shm"};
    char path[128];
    store_pool_give(house.pool, house.store);
    store_pool_free(house.pool);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, files[i]);
        unlink(path);
    }
    house.pool = other;
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
}

static void totals__are_the_same_on_both_engines_however_events_are_cut(void **state)
{
    (void)state;
    static struct outcome sides[SIDES];
    struct store_pool *other;
    write_stream();
    take_side(1, 200, &sides[0]);
    use_file(&other);
    take_side(1, 200, &sides[1]);
    leave_file(other);
    use_file(&other);
    take_side(1, 3, &sides[2]);
    leave_file(other);
    assert_true(sides[0].accepted > 800 && sides[0].duplicates > 50 && sides[0].rejected > 100);
    for (int i = 1; i < SIDES; i++) {
        assert_memory_equal(sides[i].each, sides[0].each, EVENTS);
        assert_int_equal(sides[i].accepted, sides[0].accepted);
        assert_int_equal(sides[i].duplicates, sides[0].duplicates);
        assert_int_equal(sides[i].rejected, sides[0].rejected);
        assert_true(str_equal(buf_str(&sides[i].sums), buf_str(&sides[0].sums)));
    }
    assert_string_equal(sides[1].chain, sides[0].chain); /* of the same requests */
    assert_string_not_equal(sides[2].chain, sides[0].chain);
    for (int i = 0; i < SIDES; i++)
        buf_done(&sides[i].sums);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(totals__are_the_same_on_both_engines_however_events_are_cut),
    };
    return cmocka_run_group_tests_name("usage_engines", tests, NULL, NULL);
}
