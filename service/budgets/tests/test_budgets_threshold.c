/* Thresholds are told once: by however many processes, over restarts, ends of periods and clocks
 * that jump. Overrides end by themselves. */
#include "service/budgets/tests/budgets_house.h"

#include <pthread.h>

#include "service/budgets/budgets_override.h"
#include "service/budgets/budgets_threshold.h"
#include "service/budgets/budgets_threshold_watch.h"
#include "service/service.h"

#define PERCENT(value)  ((struct budgets_threshold){BUDGETS_PERCENT_USED, (value)*100})
#define ABSOLUTE(value) ((struct budgets_threshold){BUDGETS_ABSOLUTE, (value)})
#define FORECAST(value) ((struct budgets_threshold){BUDGETS_FORECAST, (value)*100})

/* --- judging -------------------------------------------------------------------------------- */

static enum budgets_move judge(struct budgets_threshold threshold, int64_t used, bool is_crossed)
{
    const struct budgets_state state = {
        .used = used, .limit = 1000, .share = budgets_share(used, 1000)};
    return budgets_threshold_judge(&threshold, &state, is_crossed);
}

static void budgets_threshold__is_crossed_at_its_value_and_cleared_two_points_below(void **state)
{
    (void)state;
    assert_int_equal(judge(PERCENT(80), 799, false), BUDGETS_STAYS);
    assert_int_equal(judge(PERCENT(80), 800, false), BUDGETS_CROSSED);
    assert_int_equal(judge(PERCENT(80), 5000, false), BUDGETS_CROSSED);
    assert_int_equal(judge(PERCENT(80), 800, true), BUDGETS_STAYS);
    assert_int_equal(judge(PERCENT(80), 780, true), BUDGETS_STAYS);
    assert_int_equal(judge(PERCENT(80), 779, true), BUDGETS_CLEARED);
    /* Small ones: half of them. */
    assert_int_equal(judge(PERCENT(1), 5, true), BUDGETS_STAYS);
    assert_int_equal(judge(PERCENT(1), 4, true), BUDGETS_CLEARED);
    assert_int_equal(judge(ABSOLUTE(500), 499, false), BUDGETS_STAYS);
    assert_int_equal(judge(ABSOLUTE(500), 500, false), BUDGETS_CROSSED);
    assert_int_equal(judge(ABSOLUTE(500), 490, true), BUDGETS_STAYS);
    assert_int_equal(judge(ABSOLUTE(500), 489, true), BUDGETS_CLEARED);
}

static void budgets_threshold__judges_a_forecast_only_when_days_stand_behind_it(void **state)
{
    (void)state;
    struct budgets_state now = {.limit = 1000, .has_forecast = true, .forecast_share = 12000};
    struct budgets_threshold threshold = FORECAST(100);
    now.forecast_days = 2;
    assert_int_equal(budgets_threshold_judge(&threshold, &now, false), BUDGETS_STAYS);
    now.forecast_days = 3;
    assert_int_equal(budgets_threshold_judge(&threshold, &now, false), BUDGETS_CROSSED);
    now.forecast_share = 9500;
    assert_int_equal(budgets_threshold_judge(&threshold, &now, true), BUDGETS_STAYS);
    now.forecast_share = 9499;
    assert_int_equal(budgets_threshold_judge(&threshold, &now, true), BUDGETS_CLEARED);
    now.has_forecast = false;
    assert_int_equal(budgets_threshold_judge(&threshold, &now, true), BUDGETS_STAYS);
}

static void budgets_share__holds_at_both_ends(void **state)
{
    (void)state;
    assert_int_equal(budgets_share(0, 1), 0);
    assert_int_equal(budgets_share(1, 3), 3333);
    assert_int_equal(budgets_share(INT64_MAX, BUDGETS_AMOUNT_MAX), 92233);
    assert_int_equal(budgets_share(INT64_MAX, 1), INT64_MAX);
}

/* --- telling -------------------------------------------------------------------------------- */

static struct service service_of(int engine)
{
    return (struct service){
        .pool = house.pools[engine], .audit = house.audit, .budgets = house.engines[engine]};
}

static size_t watch_by(int engine)
{
    struct service service = service_of(engine);
    size_t told = 0;
    MUST(budgets_watch_tenant(&service, NULL, STR("acme"), atomic_load(&house_now_us), &told,
                              &house.fault));
    return told;
}

static int64_t notices(void)
{
    return house_whole("SELECT count(*) FROM notify_messages WHERE tenant = 'acme'");
}

static int64_t crossings(const char *direction)
{
    return strcmp(direction, "up") == 0
               ? house_whole("SELECT count(*) FROM budgets_crossings WHERE direction = 'up'")
               : house_whole("SELECT count(*) FROM budgets_crossings WHERE direction = 'down'");
}

static struct budgets_row add_with(int64_t limit, const struct budgets_threshold *thresholds,
                                   size_t count)
{
    struct budgets_row row = house_row(BUDGETS_NOTIFY, limit);
    for (size_t i = 0; i < count; i++)
        row.definition.thresholds[i] = thresholds[i];
    row.definition.threshold_count = count;
    house_change(&row, 0);
    return row;
}

static const struct budgets_threshold ladder[] = {
    {BUDGETS_PERCENT_USED, 5000}, {BUDGETS_PERCENT_USED, 8000}, {BUDGETS_ABSOLUTE, 900}};

static void budgets_watch__tells_each_crossing_once(void **state)
{
    (void)state;
    add_with(1000, ladder, 3);
    assert_int_equal(watch_by(0), 0);
    house_event("a", 500);
    assert_int_equal(watch_by(0), 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(watch_by(0), 0);
    house_event("b", 400);
    assert_int_equal(watch_by(0), 2); /* 80 % and 900 */
    assert_int_equal(watch_by(0), 0);
    assert_int_equal(notices(), 3);
    assert_int_equal(crossings("up"), 3);
    assert_int_equal(house_whole("SELECT count(*) FROM budgets_history WHERE kind = 'crossed'"), 3);
}

static void budgets_watch__tells_once_after_a_restart_and_from_other_processes(void **state)
{
    (void)state;
    add_with(1000, ladder, 3);
    house_event("a", 950);
    assert_int_equal(watch_by(0), 3);
    house_start_engine(1);
    assert_int_equal(watch_by(1), 0);
    house_stop_engine(1);
    house_start_engine(1);
    assert_int_equal(watch_by(1), 0);
    assert_int_equal(notices(), 3);
}

/* Raising the limit clears; it is told, and so is the next crossing. What plays around the
 * threshold is not. */
static void budgets_watch__tells_the_way_back_and_the_next_crossing(void **state)
{
    (void)state;
    struct budgets_row row = add_with(1000, ladder, 1); /* 50 % */
    house_event("a", 500);
    assert_int_equal(watch_by(0), 1);
    static const struct {
        int64_t limit;
        size_t told;
    } steps[] = {{1010, 0}, {1000, 0}, {1041, 0}, {1042, 1}, {1010, 0}, {1000, 1}, {999, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        row.definition.limit = steps[i].limit;
        row.version++;
        house_change(&row, 1);
        size_t told = watch_by(0);
        if (told != steps[i].told)
            fail_msg("limit %lld: %zu told", (long long)steps[i].limit, told);
    }
    assert_int_equal(crossings("up"), 2);
    assert_int_equal(crossings("down"), 1);
    assert_int_equal(notices(), 3);
}

static _Atomic size_t told_by_all;
static atomic_bool stop_watching;

static void *watch_all_the_time(void *context)
{
    struct service service = service_of(*(int *)context);
    struct fault fault;
    while (!atomic_load(&stop_watching)) {
        size_t told = 0;
        if (budgets_watch_tenant(&service, NULL, STR("acme"), atomic_load(&house_now_us), &told,
                                 &fault) == FAULT_NONE)
            atomic_fetch_add(&told_by_all, told);
    }
    return NULL;
}

/* Without the lease of the job: the crossing's key alone must do. */
static void budgets_watch__tells_once_however_many_watch_at_once(void **state)
{
    (void)state;
    enum { WATCHERS = 6, STEPS = 10 };
    static int engines[WATCHERS] = {0, 1, 2, 0, 1, 2};
    pthread_t threads[WATCHERS];
    struct budgets_threshold steps[STEPS];
    house_platform.monotonic_us = os_posix.monotonic_us; /* who waits for a turn waits by it */
    house_start_engine(1);
    house_start_engine(2);
    for (int i = 0; i < STEPS; i++)
        steps[i] = PERCENT(10 * (i + 1));
    add_with(1000, steps, STEPS);
    atomic_store(&stop_watching, false);
    atomic_store(&told_by_all, 0);
    for (int i = 0; i < WATCHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch_all_the_time, &engines[i]), 0);
    for (int i = 0; i < STEPS; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        house_event(id, 100);
    }
    for (int i = 0; i < 1000 && atomic_load(&told_by_all) < STEPS; i++)
        usleep(10000);
    atomic_store(&stop_watching, true);
    for (int i = 0; i < WATCHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&told_by_all), STEPS);
    assert_int_equal(crossings("up"), STEPS);
    assert_int_equal(notices(), STEPS);
}

static void event_at(const char *id, int64_t quantity, int64_t at_us)
{
    int64_t now_us = atomic_load(&house_now_us);
    atomic_store(&house_now_us, at_us); /* the event's time is the house's */
    house_event(id, quantity);
    atomic_store(&house_now_us, now_us);
}

/* What is more than one round tells comes with the next one, though nothing has happened since. */
static void budgets_watch__tells_hundreds_round_after_round(void **state)
{
    enum { MANY = 20 };
    struct budgets_threshold steps[BUDGETS_THRESHOLDS_MAX];
    struct service service = service_of(0);
    struct budgets_watch *watch;
    atomic_bool ending = false;
    struct jobs_turn turn = {
        .pool = house.pools[0], .name = "budgets.watch", .fence = 1, .ending = &ending};
    (void)state;
    house_sql("INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
              " VALUES ('budgets.watch', 'me', 1, 0, 0, '')");
    for (int i = 0; i < BUDGETS_THRESHOLDS_MAX; i++)
        steps[i] = (struct budgets_threshold){BUDGETS_PERCENT_USED, (i + 1) * BUDGETS_PERCENT};
    for (int i = 0; i < MANY; i++)
        add_with(100, steps, BUDGETS_THRESHOLDS_MAX);
    house_event("all of it", 100);
    MUST(budgets_watch_new(&service, &watch, &house.fault));
    for (int round = 0; round < 2; round++)
        MUST(budgets_watch_run(&turn, watch, &house.fault));
    budgets_watch_free(watch);
    assert_int_equal(crossings("up"), MANY * BUDGETS_THRESHOLDS_MAX);
}

/* The day ends; nothing is crossed in the new one, and no notice says so. What still comes for the
 * old day within an hour is told for that day. */
static void budgets_watch__begins_anew_with_the_period(void **state)
{
    (void)state;
    const int64_t midnight = NOON + 12 * HOUR;
    add_with(1000, ladder, 2);
    house_event("a", 600);
    assert_int_equal(watch_by(0), 1);
    atomic_store(&house_now_us, midnight + 30 * S);
    assert_int_equal(watch_by(0), 0);
    event_at("late", 250, midnight - 10 * S);
    assert_int_equal(watch_by(0), 1); /* 80 % of yesterday */
    assert_int_equal(house_whole("SELECT count(DISTINCT period_from_us) FROM budgets_crossings"),
                     1);
    house_event("b", 500);
    assert_int_equal(watch_by(0), 1); /* 50 % of today */
    assert_int_equal(house_whole("SELECT count(DISTINCT period_from_us) FROM budgets_crossings"),
                     2);
    atomic_store(&house_now_us, midnight + 2 * HOUR);
    event_at("later", 1000, midnight - 5 * S);
    assert_int_equal(watch_by(0), 0);
    assert_int_equal(notices(), 3);
}

/* A limit that was raised after midnight clears nothing of yesterday's, nor does an override. */
static void budgets_watch__judges_a_period_that_is_over_by_what_held_then(void **state)
{
    (void)state;
    const int64_t midnight = NOON + 12 * HOUR;
    struct budgets_row row = add_with(1000, ladder, 1);
    struct budgets_row other = add_with(1000, ladder, 1);
    house_event("a", 600);
    assert_int_equal(watch_by(0), 2);
    atomic_store(&house_now_us, midnight + 30 * S);
    row.definition.limit = 100000;
    row.version++;
    row.updated_us = midnight + 30 * S;
    house_change(&row, 1);
    house_override(&other, BUDGETS_AMOUNT, 100000, midnight + HOUR);
    assert_int_equal(watch_by(0), 0);
    assert_int_equal(crossings("down"), 0);
}

static void budgets_watch__is_not_confused_by_a_clock_that_jumps(void **state)
{
    (void)state;
    add_with(1000, ladder, 2);
    house_event("a", 600);
    assert_int_equal(watch_by(0), 1);
    atomic_store(&house_now_us, NOON + 2 * DAY);
    assert_int_equal(watch_by(0), 0);
    atomic_store(&house_now_us, NOON - 1 * HOUR);
    assert_int_equal(watch_by(0), 0);
    atomic_store(&house_now_us, NOON);
    assert_int_equal(watch_by(0), 0);
    assert_int_equal(notices(), 1);
}

struct tell {
    struct budgets_seen *seen;
    bool told;
};

static enum fault_code tell_in(struct store *store, void *context, struct fault *fault)
{
    struct tell *tell = context;
    return budgets_threshold_tell(store, STR("acme"), tell->seen, NOON, &house.arena, &tell->told,
                                  fault);
}

/* Between the look and the telling. */
static void budgets_threshold__tells_nothing_of_a_budget_deleted_or_changed_meanwhile(void **state)
{
    (void)state;
    for (int what = 1; what <= 2; what++) { /* changed, deleted */
        struct budgets_row row = add_with(1000, ladder, 1);
        char id[16];
        struct store *store;
        struct budgets_ground ground;
        struct budgets_seen seen[4];
        size_t count = 0;
        snprintf(id, sizeof id, "e%d", what);
        house_event(id, 500);
        MUST(store_pool_take(house.pools[0], &store, &house.fault));
        MUST(budgets_ground_open(store, STR("acme"), NOON, &house.arena, &ground, &house.fault));
        MUST(budgets_threshold_look(&ground, &row, NOON, seen, 4, &count, &house.fault));
        budgets_ground_done(&ground);
        store_pool_give(house.pools[0], store);
        assert_int_equal(count, 1);
        struct budgets_row changed = row;
        changed.version++;
        changed.definition.limit = 100000;
        house_change(&changed, what);
        struct tell tell = {.seen = &seen[0]};
        MUST(store_pool_write(house.pools[0], tell_in, &tell, &house.fault));
        assert_false(tell.told);
        assert_int_equal(notices(), 0);
    }
}

static void budgets_watch__tells_nothing_to_another_tenant(void **state)
{
    (void)state;
    struct service service = service_of(0);
    size_t told = 7;
    add_with(1000, ladder, 3);
    house_event("a", 950);
    MUST(budgets_watch_tenant(&service, NULL, STR("other"), NOON, &told, &house.fault));
    assert_int_equal(told, 0);
    assert_int_equal(house_whole("SELECT count(*) FROM notify_messages"), 0);
}

/* --- overrides ------------------------------------------------------------------------------ */

static int64_t limit_now(const struct budgets_row *row, bool *out_bypass)
{
    struct store *store;
    struct budgets_row found;
    MUST(store_pool_take(house.pools[0], &store, &house.fault));
    MUST(budgets_store_find(store, STR("acme"), row->id, atomic_load(&house_now_us), &house.arena,
                            &found, &house.fault));
    store_pool_give(house.pools[0], store);
    return budgets_limit(&found, atomic_load(&house_now_us), out_bypass);
}

static void budgets_override__ends_by_the_clock_and_is_noted_once(void **state)
{
    (void)state;
    bool bypass = true;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 1000);
    house_override(&row, BUDGETS_AMOUNT, 500, NOON + HOUR);
    assert_int_equal(limit_now(&row, &bypass), 1500);
    assert_false(bypass);
    atomic_store(&house_now_us, NOON + HOUR - 1);
    assert_int_equal(limit_now(&row, &bypass), 1500);
    atomic_store(&house_now_us, NOON + HOUR); /* nobody has noted anything yet */
    assert_int_equal(limit_now(&row, &bypass), 1000);
    house_start_engine(1);
    int64_t generation = house_whole("SELECT max(generation) FROM budgets_generations");
    for (int i = 0; i < 3; i++)
        (void)watch_by(i % 2);
    assert_int_equal(
        house_whole("SELECT count(*) FROM budgets_history WHERE kind = 'override.expired'"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM budgets_overrides WHERE state = 'expired'"),
                     1);
    assert_int_equal(house_whole("SELECT max(generation) FROM budgets_generations"),
                     generation + 1);
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries WHERE tenant = 'acme'"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM notify_messages"
                                 " WHERE kind = 'budget.override.expired'"),
                     1);
}

static void budgets_override__lets_all_pass_until_it_ends(void **state)
{
    (void)state;
    bool bypass = false;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 1000);
    house_event("a", 1000);
    struct budgets_decision decision = house_check(0, 1);
    assert_int_equal(decision.verdict, BUDGETS_BLOCKED);
    house_override(&row, BUDGETS_BYPASS, 0, NOON + HOUR);
    assert_int_equal(limit_now(&row, &bypass), 1000);
    assert_true(bypass);
    decision = house_check(0, 1);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    house_pass(HOUR);
    decision = house_check(0, 1);
    assert_int_equal(decision.verdict, BUDGETS_BLOCKED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_threshold__is_crossed_at_its_value_and_cleared_two_points_below),
        cmocka_unit_test(budgets_threshold__judges_a_forecast_only_when_days_stand_behind_it),
        cmocka_unit_test(budgets_share__holds_at_both_ends),
        TEST(budgets_watch__tells_each_crossing_once),
        TEST(budgets_watch__tells_once_after_a_restart_and_from_other_processes),
        TEST(budgets_watch__tells_the_way_back_and_the_next_crossing),
        TEST(budgets_watch__tells_once_however_many_watch_at_once),
        TEST(budgets_watch__tells_hundreds_round_after_round),
        TEST(budgets_watch__begins_anew_with_the_period),
        TEST(budgets_watch__judges_a_period_that_is_over_by_what_held_then),
        TEST(budgets_watch__is_not_confused_by_a_clock_that_jumps),
        TEST(budgets_threshold__tells_nothing_of_a_budget_deleted_or_changed_meanwhile),
        TEST(budgets_watch__tells_nothing_to_another_tenant),
        TEST(budgets_override__ends_by_the_clock_and_is_noted_once),
        TEST(budgets_override__lets_all_pass_until_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
